"""A trained checkpoint as an ONNX file that takes uint8 pictures as they are, and as tensors to train on from."""

from __future__ import annotations

from pathlib import Path

import onnx
import onnxruntime
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.export import Dim

from cyclorama import weights
from cyclorama.errors import ModelError
from cyclorama_training.folding import FourAtOnce, folded
from cyclorama_training.network import MEMORY, PortraitNetwork

OPSET = 18
TOLERANCE = 2e-3  # of alpha, between PyTorch and ONNX Runtime: rounding of folded batch normalisation


def strip(path: Path) -> None:
    """Takes the exporter's notes out of an ONNX file: they hold the paths of the machine that wrote it."""
    model = onnx.load(path)
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    onnx.save(model, path)


class Deployed(nn.Module):
    """uint8 (N, H, W, 3) sRGB to alpha float32 (N, H, W), so that no caller can normalise it wrongly.

    After the picture it takes the memory of the frames before, after alpha it gives the new one, see
    `PortraitNetwork`; tensors of zeros are no memory.
    """

    def __init__(self, network: PortraitNetwork) -> None:
        super().__init__()
        self.network = folded(network)
        last = self.network.detail[-1]
        assert isinstance(last, nn.Conv2d)
        self.network.detail[-1] = FourAtOnce(last)

    def forward(self, rgb: Tensor, *memory: Tensor) -> tuple[Tensor, ...]:
        alpha, _, after = self.network((rgb.permute(0, 3, 1, 2).float() / 255.0)[:, None], memory)
        return alpha[:, 0], *after


def no_memory(height: int, width: int) -> list[Tensor]:
    return [torch.zeros(1, c, height // s, width // s) for s, c in MEMORY.items()]


def start_from(network: PortraitNetwork, path: Path) -> None:
    """Loads the tensors that `export` wrote beside an ONNX file, to train on from them.

    Raises:
        ModelError: the file is damaged, or another network's.
    """
    try:
        network.load_state_dict({name: value.float() for name, value in load_file(path).items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path}: expected the .safetensors of this network ({reason})") from error


def export(checkpoint: Path, target: Path) -> str:
    """Writes `target`, compares it with PyTorch (two frames of three shapes), and writes the tensors as .safetensors.

    The tensors are of half precision: enough to go on training from, and half the size.

    Returns:
        The lines for `manifest.toml`.

    Raises:
        ModelError: ONNX Runtime's alpha differs from PyTorch's by more than `TOLERANCE`.
    """
    network = PortraitNetwork()
    network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["network"])
    model = Deployed(network).eval()
    height, width = 288, 512
    rows, columns = Dim("rows"), Dim("columns")
    names = [f"memory_{stride}" for stride in MEMORY]
    torch.onnx.export(
        model,
        (torch.randint(0, 256, (1, height, width, 3), dtype=torch.uint8), *no_memory(height, width)),
        target,
        dynamo=True,
        opset_version=OPSET,
        input_names=["rgb", *names],
        output_names=["alpha", *(f"next_{name}" for name in names)],
        dynamic_shapes={
            "rgb": {1: 16 * rows, 2: 16 * columns},
            "memory": tuple({2: 16 // s * rows, 3: 16 // s * columns} for s in MEMORY),
        },
        external_data=False,
        verbose=False,
    )
    strip(target)
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    for shape in ((288, 512), (512, 384), (144, 256)):
        memory = no_memory(*shape)
        for frame in ("first", "second"):
            rgb = torch.randint(0, 256, (1, *shape, 3), dtype=torch.uint8)
            with torch.inference_mode():
                expected = model(rgb, *memory)
            feeds = zip(["rgb", *names], [rgb, *memory], strict=True)
            got = session.run(None, {name: tensor.numpy() for name, tensor in feeds})
            difference = float((expected[0] - torch.from_numpy(got[0])).abs().max())
            if difference > TOLERANCE:
                raise ModelError(
                    f"{target}: ONNX Runtime differs from PyTorch by {difference:.4f} at {shape}, {frame} frame"
                )
            memory = list(expected[1:])
    halves = {name: value.half().contiguous() for name, value in network.state_dict().items()}
    save_file(halves, target.with_suffix(".safetensors"))
    return f'file = "{target.name}"\nsha256 = "{weights.sha256(target)}"'
