"""ONNX Runtime: choosing a device, and saying which it is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cyclorama.errors import DeviceError, ModelError

if TYPE_CHECKING:
    import onnxruntime

# Our name -> ONNX Runtime's provider and the package that brings it.
PROVIDERS = {
    "cuda": ("CUDAExecutionProvider", "onnxruntime-gpu"),
    "directml": ("DmlExecutionProvider", "onnxruntime-directml"),
    "coreml": ("CoreMLExecutionProvider", "onnxruntime (macOS)"),
    "openvino": ("OpenVINOExecutionProvider", "onnxruntime-openvino"),
    "cpu": ("CPUExecutionProvider", "onnxruntime"),
}
# Tried in this order for "auto". OpenVINO is left to those who name it: it is a CPU as well.
PREFERRED = ("cuda", "directml", "coreml")
DEVICES = ("auto", *PROVIDERS)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A session and where it really runs.

    Attributes:
        device: a key of `PROVIDERS`.
        note: why "auto" did not take something better, or "".
    """

    session: onnxruntime.InferenceSession
    device: str
    note: str


def load(path: Path, *, device: str, threads: int) -> LoadedModel:
    """Loads an ONNX file on the device asked for.

    Args:
        device: one of `DEVICES`. "auto" takes the first GPU provider that works, else the CPU.
        threads: of the CPU; 0 means all cores that this process may use.

    Raises:
        DeviceError: the device was named, and its provider is not installed or does not start.
        ModelError: ONNX Runtime refuses the file.
    """
    import onnxruntime

    available = onnxruntime.get_available_providers()
    if device not in DEVICES:
        raise DeviceError(f"expected a device out of {', '.join(DEVICES)}; got {device!r}")
    if device != "auto":
        provider, package = PROVIDERS[device]
        if provider not in available:
            raise DeviceError(
                f"device {device!r} needs ONNX Runtime's {provider}, which is not installed: "
                f"install {package} in place of onnxruntime, or take --device cpu"
            )
        session = _session(path, provider, threads)
        if session.get_providers()[0] != provider:
            raise DeviceError(
                f"{provider} is installed but did not start (its driver or libraries are missing): "
                "mend that, or take --device cpu"
            )
        return LoadedModel(session, device, "")
    note = ""
    for name in PREFERRED:
        provider, _ = PROVIDERS[name]
        if provider not in available:
            continue
        session = _session(path, provider, threads)
        if session.get_providers()[0] == provider:
            return LoadedModel(session, name, note)
        note = f"{provider} is installed but did not start, so the CPU works instead"
    return LoadedModel(_session(path, PROVIDERS["cpu"][0], threads), "cpu", note)


def _session(path: Path, provider: str, threads: int) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or cores()
    options.inter_op_num_threads = 1
    # A thread that spins between frames burns a live stream's CPU and the encoder's share.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors alone: a provider that fails to load is said in our own words
    providers = [provider] if provider == PROVIDERS["cpu"][0] else [provider, PROVIDERS["cpu"][0]]
    try:
        return onnxruntime.InferenceSession(os.fspath(path), options, providers=providers)
    except Exception as error:  # ONNX Runtime's exceptions share no public base class
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"{path}: ONNX Runtime cannot load this model ({reason})") from error


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
