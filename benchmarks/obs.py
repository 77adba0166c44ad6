"""What the OBS filter costs: processor seconds per second of video, mattes a second, and delay.

    python benchmarks/obs.py [--size 1280x720] [--rate 30] [--seconds 20]

A real OBS on a virtual screen (see tests/obs_host.py) shows one moving clip, first without and then with the filter;
the difference of the processor time of OBS and worker is the filter's. A side of 256 x 256, which is the size of
MediaPipe's Selfie network, is measured with the same weights stretched to it: what counts is the work, not the matte.
Without a graphics card OBS' own drawing is the processor's work too, the filter's shaders with it, and may not keep
up with the rate: so costs are counted per frame that was drawn, and the last column says what the rate would take.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from made_obs import moving_clip, portrait, write_clip
from obs_host import Host, wait_for

TICKS = os.sysconf("SC_CLK_TCK")
WARM = 5  # seconds before counting
# A worker whose network looks at squares, as MediaPipe's does.
SQUARE = """#!/bin/sh
shift 2
exec {python} -c '
import sys
from cyclorama import live
from cyclorama.matting import portrait
portrait.Portrait.size = lambda self, height, width: (256, 256)
sys.exit(live.main())' "$@"
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor milliseconds of OBS and of the worker per frame drawn; mattes and frames drawn a second; the delay."""

    obs: float
    worker: float
    mattes: float
    frames: float
    delay: str


def processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def mattes(host: Host) -> int:
    code = "answer = [s.mattes - s.unchanged for s in sys.modules['cyclorama_background'].state.plugin.memory.streams]"
    return max(host.run(code))


def measure(folder: Path, clip: Path, options: argparse.Namespace, *, plugin: bool, python: str = "") -> Cost:
    """One run of OBS."""
    with Host(folder, plugin=plugin, python=python, size=options.size, rate=options.rate) as host:
        host.add_clip("camera", clip)
        if plugin:
            host.add_filter("camera", mode="colour")
            wait_for("the first mattes", lambda: mattes(host) > 3)
        time.sleep(WARM)
        worker = host.worker() if plugin else 0
        before = processor_seconds(host.process.pid), processor_seconds(worker) if worker else 0.0
        made, drawn = mattes(host) if plugin else 0, frames_drawn(host)
        started = time.monotonic()
        time.sleep(options.seconds)
        spent = time.monotonic() - started
        drawn = frames_drawn(host) - drawn
        obs = (processor_seconds(host.process.pid) - before[0]) / drawn
        if plugin and host.workers() != [worker]:
            sys.exit("the worker was replaced meanwhile: this machine has too much else to do for a figure")
        own = (processor_seconds(worker) - before[1]) / drawn if worker else 0.0
        made = mattes(host) - made if plugin else 0
        delay = delay_of(host) if plugin else "-"
        host.stop()
    return Cost(1000 * obs, 1000 * own, made / spent, drawn / spent, delay)


def frames_drawn(host: Host) -> int:
    stats = host.call("GetStats")
    return int(stats["renderTotalFrames"] - stats["renderSkippedFrames"])


def delay_of(host: Host) -> str:
    """What the filter's window says of the delay."""
    text = host.run(
        "source = obs.obs_get_source_by_name('camera')\n"
        "each = obs.obs_source_get_filter_by_name(source, 'cyclorama')\n"
        "properties = obs.obs_source_properties(each)\n"
        "answer = obs.obs_property_description(obs.obs_properties_get(properties, 'status'))\n"
        "obs.obs_properties_destroy(properties)\n"
        "obs.obs_source_release(each); obs.obs_source_release(source)\n"
    )
    return next(
        (line.split(" late")[0].removeprefix("The picture is ") for line in text.splitlines() if "late" in line), "-"
    )


def size_of(text: str) -> tuple[int, int]:
    width, height = map(int, text.split("x"))
    return width, height


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=size_of, default=(1280, 720))
    parser.add_argument("--rate", type=int, default=30)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = folder / "camera.mkv"
        try:
            still = cv2.resize(portrait(), options.size)
            steps = [cv2.warpAffine(still, shifted(i), options.size, borderMode=cv2.BORDER_REFLECT) for i in range(60)]
            write_clip(clip, steps, options.rate)  # type: ignore[arg-type]
        except ImportError:  # no portrait here: the network works as hard on anything
            moving_clip(clip)
        square = folder / "square"
        square.write_text(SQUARE.format(python=sys.executable))
        square.chmod(0o755)
        runs = {
            "without the filter": measure(folder / "without", clip, options, plugin=False),
            "portrait-fast": measure(folder / "with", clip, options, plugin=True),
            "network of 256 x 256": measure(folder / "square-host", clip, options, plugin=True, python=str(square)),
        }
    width, height = options.size
    load = os.getloadavg()[0]
    print(f"{width} x {height} at {options.rate}, {os.cpu_count()} cores, other load {load:.1f}; CPU ms a frame drawn:")
    print(
        f"{'':24}{'OBS':>7}{'worker':>8}{'mattes/s':>10}{'frames/s':>10}{'delay':>8}   cores at {options.rate} frames/s"
    )
    plain = runs.pop("without the filter")
    print(f"{'without the filter':24}{plain.obs:7.1f}{'':18}{plain.frames:10.1f}")
    for label, cost in runs.items():
        worker = cost.worker * options.rate / 1000
        added = (cost.obs - plain.obs) * options.rate / 1000 + worker
        figures = f"{cost.obs:7.1f}{cost.worker:8.1f}{cost.mattes:10.1f}{cost.frames:10.1f}{cost.delay:>8}"
        print(f"{label:24}{figures}   {added:.2f} added, {worker:.2f} of them the worker's")


def shifted(step: int) -> object:
    import numpy as np

    return np.array([[1, 0, 40 * np.sin(step / 60 * 2 * np.pi)], [0, 1, 0]], np.float32)


if __name__ == "__main__":
    main()
