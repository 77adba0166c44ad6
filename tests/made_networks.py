"""Networks that tests make, as ONNX files: what they find is the red channel, or how many frames came before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[int | str]
RED = np.array([1, 0, 0], np.float32)


def save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[int, Shape]],
    outputs: dict[str, Shape],
    weights: dict[str, NDArray[Any]],
) -> Path:
    """A graph with inputs {name: (type, shape)} and floats for outputs {name: shape}."""
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 10
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def red_floats(path: Path, height: int | str = "height", width: int | str = "width") -> Path:
    """float (1, 3, H, W) -> (1, 1, H, W), by a convolution."""
    return save(
        path,
        [helper.make_node("Conv", ["picture", "red"], ["alpha"])],
        {"picture": (TensorProto.FLOAT, (1, 3, height, width))},
        {"alpha": (1, 1, height, width)},
        {"red": RED.reshape(1, 3, 1, 1)},
    )


def red_bytes(path: Path) -> Path:
    """uint8 (1, H, W, 3) -> (1, H, W), by a matrix product."""
    nodes = [
        helper.make_node("Cast", ["rgb"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["floats", "red"], ["large"]),
        helper.make_node("Div", ["large", "most"], ["mask"]),
    ]
    weights = {"red": RED, "most": np.array(255, np.float32)}
    return save(path, nodes, {"rgb": (TensorProto.UINT8, (1, "h", "w", 3))}, {"mask": (1, "h", "w")}, weights)


def counting(path: Path, memory: str = "r1i", channels: int | str = "c") -> Path:
    """As RobustVideoMatting: alpha is 0.25 in a first frame, and 0.25 more in each that follows."""
    nodes = [
        helper.make_node("Add", [memory, "quarter"], ["r1o"]),
        helper.make_node("Mul", ["src", "downsample_ratio"], ["fgr"]),
        helper.make_node("ReduceMean", ["src", "channel"], ["grey"], keepdims=1),
        helper.make_node("Mul", ["grey", "nothing"], ["black"]),
        helper.make_node("Add", ["black", "r1o"], ["pha"]),
    ]
    inputs = {
        "src": (TensorProto.FLOAT, (1, 3, "h", "w")),
        memory: (TensorProto.FLOAT, ("b", channels, "y", "x")),
        "downsample_ratio": (TensorProto.FLOAT, (1,)),
    }
    outputs = {"fgr": (1, 3, "h", "w"), "pha": (1, 1, "h", "w"), "r1o": ("b", channels, "y", "x")}
    quarter, nothing = np.array(0.25, np.float32), np.array(0, np.float32)
    return save(path, nodes, inputs, outputs, {"quarter": quarter, "nothing": nothing, "channel": np.array([1])})


def convolutions(path: Path) -> Path:
    """Three operators whose work can be counted by hand, for (1, 3, 32, 48)."""
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("Conv", ["picture", "w1", "b1"], ["y1"], strides=[2, 2], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["y1", "w2"], ["y2"], group=4, pads=[1, 1, 1, 1]),
        helper.make_node("ConvTranspose", ["y2", "w3"], ["y3"], strides=[2, 2]),
        helper.make_node("Sigmoid", ["y3"], ["alpha"]),
    ]
    shapes = {"w1": (4, 3, 3, 3), "b1": (4,), "w2": (4, 1, 3, 3), "w3": (4, 1, 2, 2)}
    weights = {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}
    picture = {"picture": (TensorProto.FLOAT, (1, 3, "h", "w"))}
    return save(path, nodes, picture, {"alpha": (1, 1, "h2", "w2")}, weights)


def two_outputs(path: Path) -> Path:
    """Nobody can say which of its two mattes is meant."""
    nodes = [helper.make_node("Conv", ["picture", "red"], [name]) for name in ("left", "right")]
    shape = (1, 1, "h", "w")
    picture = {"picture": (TensorProto.FLOAT, (1, 3, "h", "w"))}
    return save(path, nodes, picture, {"left": shape, "right": shape}, {"red": RED.reshape(1, 3, 1, 1)})


def words(path: Path) -> Path:
    """No picture goes in."""
    node = helper.make_node("Identity", ["numbers"], ["same"])
    return save(path, [node], {"numbers": (TensorProto.FLOAT, (1, 8))}, {"same": (1, 8)}, {})
