"""A trained `refine` checkpoint as an ONNX file."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime
import torch
from torch import Tensor, nn
from torch.export import Dim

from cyclorama import weights
from cyclorama.errors import ModelError
from cyclorama_training.export import OPSET, strip
from cyclorama_training.refine_network import STRIDE, Convolution, RefineNetwork

TOLERANCE = 2e-3  # of all planes, between PyTorch and ONNX Runtime
SHAPES = ((384, 384), (320, 256), (64, 128))
INPUTS = ("rgb", "distances", "before")
OUTPUTS = ("alpha", "foreground", "background")


class Deployed(nn.Module):
    """RGB float32 (N, H, W, 3) in [0, 1], distances (N, H, W, 2) in pixels and the matte before (N, H, W), to alpha
    (N, H, W), and foreground and background (N, H, W, 3).
    """

    def __init__(self, network: RefineNetwork) -> None:
        super().__init__()
        self.network = folded(network)

    def forward(self, rgb: Tensor, distances: Tensor, before: Tensor) -> tuple[Tensor, ...]:
        given = rgb.permute(0, 3, 1, 2), distances.permute(0, 3, 1, 2), before[:, None]
        alpha, foreground, background, _ = self.network(*given)
        return alpha[:, 0], foreground.permute(0, 2, 3, 1), background.permute(0, 2, 3, 1)


def folded(network: RefineNetwork) -> RefineNetwork:
    """The same network whose weights are standardised for good."""
    network = copy.deepcopy(network)
    for name, layer in list(network.named_modules()):
        if isinstance(layer, Convolution):
            inputs, outputs, kernel, stride = (
                layer.in_channels,
                layer.out_channels,
                layer.kernel_size[0],
                layer.stride[0],
            )
            plain = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
            plain.load_state_dict({"weight": layer.standardised(), "bias": layer.get_parameter("bias")})
            parent, _, own = name.rpartition(".")
            setattr(network.get_submodule(parent), own, plain)
    return network


def is_refine(state: Mapping[str, Any]) -> bool:
    """Whether what a checkpoint holds is of this network."""
    return "stem.gain" in state.get("network", {})


def export(state: Mapping[str, Any], target: Path) -> str:
    """Writes `target` and compares it with PyTorch in three shapes.

    Args:
        state: what `best.pt` holds.

    Returns:
        The lines for `manifest.toml`.

    Raises:
        ModelError: ONNX Runtime's planes differ from PyTorch's by more than `TOLERANCE`.
    """
    network = RefineNetwork()
    network.load_state_dict(state["network"])
    model = Deployed(network).eval()
    rows, columns = Dim("rows"), Dim("columns")
    sides = {1: STRIDE * rows, 2: STRIDE * columns}
    torch.onnx.export(
        model,
        example(*SHAPES[0]),
        target,
        dynamo=True,
        opset_version=OPSET,
        input_names=list(INPUTS),
        output_names=list(OUTPUTS),
        dynamic_shapes=dict.fromkeys(INPUTS, sides),
        external_data=False,
        verbose=False,
    )
    strip(target)
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    for shape in SHAPES:
        given = example(*shape)
        with torch.inference_mode():
            expected = model(*given)
        got = session.run(list(OUTPUTS), {name: x.numpy() for name, x in zip(INPUTS, given, strict=True)})
        difference = max(float((e - torch.from_numpy(g)).abs().max()) for e, g in zip(expected, got, strict=True))
        if difference > TOLERANCE:
            raise ModelError(f"{target}: ONNX Runtime differs from PyTorch by {difference:.4f} at {shape}")
    return f'file = "{target.name}"\nsha256 = "{weights.sha256(target)}"'


def example(height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    return torch.rand(1, height, width, 3), 60 * torch.rand(1, height, width, 2), torch.rand(1, height, width)
