"""The network that finds people: YOLOv5n with ultralytics' anchor-free head, its loss, and its ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from cyclorama.errors import ModelError
from cyclorama_training import torchvision_operators
from cyclorama_training.export import OPSET, strip

ARCHITECTURE = "yolov5n.yaml"  # ultralytics': yolov5nu
BACKBONE = 10  # layers before the neck
HEAD = 24  # the last layer: another one than of the YOLOv5 that the first weights come from

LARGE = 256  # numbers of a weight that is worth storing in half precision
TOLERANCE = 1e-2  # of the largest result, between PyTorch and ONNX Runtime: the weights were rounded


def build() -> Any:
    """ultralytics' `DetectionModel` of one class, a person, with random weights."""
    torchvision_operators.mend()
    from ultralytics.cfg import get_cfg
    from ultralytics.nn.tasks import DetectionModel

    network = DetectionModel(ARCHITECTURE, nc=1, verbose=False)
    network.args = get_cfg()  # the weights of the loss's parts
    return network


def layer_of(name: str) -> int:
    """`model.3.cv1.conv.weight` is of layer 3."""
    return int(name.split(".")[1])


def start_from(network: nn.Module, path: Path) -> None:
    """Loads YOLOv5n's backbone and neck from tensors named as in ultralytics/yolov5.

    Raises:
        ModelError: the file cannot be read, or lacks them.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path}: expected a .safetensors file of YOLOv5n ({error})") from error
    own = {name: value for name, value in network.state_dict().items() if layer_of(name) < HEAD}
    wrong = [name for name, value in own.items() if name not in tensors or tensors[name].shape != value.shape]
    if wrong:
        raise ModelError(f"{path}: expected the tensors of YOLOv5n; {wrong[0]} is missing or of another shape")
    network.load_state_dict({name: tensors[name].float() for name in own}, strict=False)


class Deployed(nn.Module):
    """uint8 (1, S, S, 3) sRGB to boxes (N, 4), left, top, right, bottom in pixels, and scores (N,)."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        network.model[-1].export = True

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        found = self.network(rgb.permute(0, 3, 1, 2).float() / 255.0)
        found = found[0].T
        middle, half = found[:, :2], found[:, 2:4] / 2
        return torch.cat([middle - half, middle + half], 1), found[:, 4]


def to_onnx(model: nn.Module, target: Path, side: int, outputs: list[str]) -> None:
    """Writes a network that takes one picture of `side` pixels a side, its weights in half precision.

    They are made floats again when the file is loaded: half the size, and no slower.

    Raises:
        ModelError: ONNX Runtime's results differ from PyTorch's by more than `TOLERANCE`.
    """
    rgb = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, side, side, 3), dtype=np.uint8))
    with torch.inference_mode():  # before the export, which leaves ultralytics' anchors unusable
        expected = model(rgb)
    torch.onnx.export(
        model,
        (rgb,),
        target,
        dynamo=True,
        opset_version=OPSET,
        input_names=["rgb"],
        output_names=outputs,
        external_data=False,
        verbose=False,
    )
    strip(target)
    halve(target)
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    for wanted, got in zip(
        expected if len(outputs) > 1 else [expected], session.run(None, {"rgb": rgb.numpy()}), strict=True
    ):
        difference = float(np.abs(wanted.numpy() - got).max()) / max(1.0, float(np.abs(got).max()))
        if difference > TOLERANCE:
            raise ModelError(f"{target}: ONNX Runtime differs from PyTorch by {difference:.4f}")


def halve(path: Path) -> None:
    """Stores an ONNX file's large weights in half precision, each followed by a cast to floats."""
    model = onnx.load(path)
    graph, casts = model.graph, []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= LARGE:
            name = tensor.name
            tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, path)
