"""`cyclorama doctor`: what works on this machine, how fast, and what stands idle and why."""

from __future__ import annotations

import platform
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cyclorama.engine import Engine
from cyclorama.errors import CycloramaError
from cyclorama.matting.onnx import PROVIDERS

FRAME = (720, 1280)  # of the timed pictures
RUNS = 7
ANSWER_SECONDS = 20
PCI_VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
# What to install so that a card of this maker is used.
PACKAGES = {
    "NVIDIA": ("cuda", "onnxruntime-gpu"),
    "AMD": ("directml", "onnxruntime-directml (Windows)"),
    "Intel": ("openvino", "onnxruntime-openvino"),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """One device tried by true inference.

    Attributes:
        device: key of `PROVIDERS`.
        milliseconds: median time of a frame's matte, full size; None where it did not work.
        note: why it did not.
    """

    device: str
    milliseconds: float | None
    note: str


def graphics_cards() -> list[str]:
    """Makers and names of the graphics cards that the system knows, working or not."""
    cards = []
    if shutil.which("nvidia-smi"):
        query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        try:
            answer = subprocess.run(query, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=True).stdout
        except (OSError, subprocess.SubprocessError):  # a driver that does not fit its kernel says so by failing
            answer = "card whose driver does not answer (nvidia-smi fails)"
        cards += [f"NVIDIA {line.removeprefix('NVIDIA ').strip()}" for line in answer.splitlines() if line.strip()]
    for vendor in sorted(Path("/sys/class/drm").glob("card[0-9]/device/vendor")):
        maker = PCI_VENDORS.get(vendor.read_text().strip())
        if maker and not (maker == "NVIDIA" and cards):
            cards.append(f"{maker} graphics ({vendor.parent.parent.name})")
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        cards.append("Apple GPU and Neural Engine")
    return cards


def try_devices(model: str) -> list[Trial]:
    """Runs the model on every device whose provider is installed."""
    import onnxruntime

    available = onnxruntime.get_available_providers()
    rgb = np.random.default_rng(0).integers(0, 256, (*FRAME, 3), np.uint8)
    trials = []
    for device, (provider, _) in PROVIDERS.items():
        if provider not in available:
            continue
        try:
            session = Engine(model, device).session()
            session.matte(rgb)
            times = []
            for _ in range(RUNS):
                start = time.perf_counter()
                session.matte(rgb)
                times.append((time.perf_counter() - start) * 1e3)
            trials.append(Trial(device, statistics.median(times), ""))
        except CycloramaError as error:
            trials.append(Trial(device, None, str(error)))
    return trials


def idle_cards(cards: list[str], trials: list[Trial]) -> list[str]:
    """One plain sentence for each card that no working device uses."""
    working = {t.device for t in trials if t.milliseconds is not None}
    sentences = []
    for card in cards:
        maker = card.split()[0]
        device, package = PACKAGES.get(maker, ("coreml", "onnxruntime (macOS)"))
        if device in working:
            continue
        failed = next((t.note for t in trials if t.device == device), "")
        reason = failed or f"the installed ONNX Runtime has no {PROVIDERS[device][0]}"
        cure = "" if failed else f"; for it: pip uninstall onnxruntime && pip install {package}"
        sentences.append(f"{card} is there but unused: {reason}{cure}")
    return sentences
