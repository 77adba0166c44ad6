"""What a model costs: time beside others in one run, parameters, multiply-accumulates."""

from __future__ import annotations

import json
import math
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cyclorama.matting.onnx_file import OnnxFile
from cyclorama_training.contender import Contender

FRAME = (720, 1280)  # height and width of the timed frame
ROUNDS, WARM_UP = 30, 3
# Operators with multiply-accumulates -> number of the input that holds the weights.
WEIGHTS = {"Conv": 1, "ConvTranspose": 1, "ConvInteger": 1, "QLinearConv": 3}
PRODUCTS = {"MatMul", "MatMulInteger", "QLinearMatMul"}


@dataclass(frozen=True, slots=True)
class Speed:
    """Cost of one frame of `FRAME`.

    Attributes:
        size: height and width of the network's input.
        network_ms: median time of the network alone; whole_ms: from frame to matte of the frame's size.
        asked_ms: as `network_ms`, with a picture of the size that was asked for; None: none was.
        parameters: weights in the file; None where there is no file, or the package `onnx` is missing.
        macs: multiply-accumulates for a frame, all looks of the network together; None without a file.
    """

    size: tuple[int, int]
    network_ms: float
    whole_ms: float
    asked_ms: float | None
    parameters: int | None
    macs: int | None


@dataclass(frozen=True, slots=True)
class Published:
    """A figure of somebody else's network, from the sources beside it.

    Attributes:
        macs: at `size` (height, width).
        network_ms: ONNX Runtime, two threads of a shared server (Zen 4), as this project measured it once.
    """

    name: str
    parameters: float
    size: tuple[int, int]
    macs: float
    network_ms: float


PUBLISHED = (
    # Operations: NXP eIQ Model Zoo, selfie-segmenter (63.84 M at 256 x 256, 35.78 M at 256 x 144); parameters:
    # Qualcomm AI Hub, MediaPipe-Selfie-Segmentation (106 K).
    Published("MediaPipe Selfie (published)", 106e3, (144, 256), 35.78e6, 1.0),
    # OpenVINO Open Model Zoo, robust-video-matting-mobilenetv3: 3.7363 M parameters, 9.3892 GFlops for a frame of
    # 1280 x 720 that it looks at in 512 x 288; a multiply-accumulate is two of them.
    Published("RobustVideoMatting MobileNetV3 (published)", 3.7363e6, (288, 512), 9.3892e9 / 2, 68.5),
)
# The same measurement of RobustVideoMatting at 256 x 144, for which nobody published operations.
RVM_SMALL_MS = 17.5


def speeds(contenders: Sequence[Contender], asked: Mapping[str, tuple[int, int]]) -> dict[str, Speed]:
    """Measures all models in turns, so that what else the machine does hits them alike; by their names.

    Args:
        asked: names of models and the sizes (height, width) at which their networks are timed besides.
    """
    frame = np.random.default_rng(0).integers(0, 256, (*FRAME, 3), np.uint8)
    runs: dict[tuple[str, str], Callable[[], object]] = {}
    for each in contenders:
        stream = each.stream()
        runs[each.name, "network"] = each.network(frame)
        if size := asked.get(each.name):
            runs[each.name, "asked"] = each.network(frame, size)
        runs[each.name, "whole"] = lambda stream=stream: stream(frame)  # type: ignore[misc]
    times = interleaved(runs)
    found = {}
    for each in contenders:
        size = each.size(*FRAME)
        parameters, macs = None, None
        if each.path is not None:
            looks = Counter(each.looks(*FRAME))
            parameters = parameters_of(each.path)
            macs = sum(count * macs_of(each.path, *look) for look, count in looks.items())
        network, whole = times[each.name, "network"], times[each.name, "whole"]
        found[each.name] = Speed(size, network, whole, times.get((each.name, "asked")), parameters, macs)
    return found


def interleaved(runs: Mapping[Any, Callable[[], object]]) -> dict[Any, float]:
    """Median time in milliseconds of each of some functions, called in turns."""
    times: dict[Any, list[float]] = {key: [] for key in runs}
    for turn in range(WARM_UP + ROUNDS):
        for key, run in runs.items():
            start = time.perf_counter()
            run()
            if turn >= WARM_UP:
                times[key].append((time.perf_counter() - start) * 1e3)
    return {key: statistics.median(values) for key, values in times.items()}


def parameters_of(path: Path) -> int | None:
    """Numbers in the tensors of an ONNX file that are weights: whatever is not an index; None without `onnx`."""
    try:
        import onnx
    except ModuleNotFoundError:
        return None
    graph = onnx.load(path).graph
    constants = [a.t for node in graph.node if node.op_type == "Constant" for a in node.attribute if a.name == "value"]
    indices = {onnx.TensorProto.INT32, onnx.TensorProto.INT64, onnx.TensorProto.BOOL}
    return sum(math.prod(t.dims) for t in (*graph.initializer, *constants) if t.data_type not in indices)


def macs_of(path: Path, height: int, width: int) -> int:
    """Multiply-accumulates of convolutions and matrix products for one picture of that working size.

    Counted from a run with ONNX Runtime's profile: it knows every tensor's true shape, where shape inference
    stops at what a graph computes of its inputs.
    """
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        # As the file has it: optimised graphs have operators of their own.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        # Weights that were packed for the processor are missing in the profile.
        options.add_session_config_entry("session.disable_prepacking", "1")
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        session.run(None, OnnxFile(path).feeds(np.zeros((height, width, 3), np.uint8)))
        events = json.loads(Path(session.end_profiling()).read_text("utf-8"))
    return sum(_macs(e["args"]) for e in events if e.get("cat") == "Node" and "input_type_shape" in e["args"])


def _macs(node: Mapping[str, Any]) -> int:
    kind = node["op_name"]
    if kind not in WEIGHTS and kind not in PRODUCTS and kind != "Gemm":
        return 0
    # Each tensor is noted as {type: shape}.
    inputs, outputs = ([next(iter(t.values())) for t in node[f"{side}_type_shape"]] for side in ("input", "output"))
    if kind in WEIGHTS:
        # Weights are (out, in / groups, kernel), of the transposed one (in, out / groups, kernel): each value that
        # comes out, and there each that goes in, meets one filter.
        met = inputs[0] if kind == "ConvTranspose" else outputs[0]
        return math.prod(met) * math.prod(inputs[WEIGHTS[kind]][1:])
    if kind == "Gemm":  # its left side may be turned: each value of it meets every column that comes out
        return math.prod(inputs[0]) * int(outputs[0][-1])
    return math.prod(outputs[0]) * int(inputs[0][-1])
