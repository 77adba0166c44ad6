"""A trained `refine` checkpoint as an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnxruntime
import torch
from torch import Tensor, nn
from torch.export import Dim

from cyclorama import weights
from cyclorama.errors import ModelError
from cyclorama.refiner import STRIDE
from cyclorama_training.export import OPSET, strip
from cyclorama_training.refine_compose import GIVEN
from cyclorama_training.refine_network import FRESH, RefineNetwork

TOLERANCE = 2e-3  # of all planes, between PyTorch and ONNX Runtime
SHAPES = ((384, 384), (320, 256), (64, 128))
OUTPUTS = ("alpha", "foreground", "background")


class Deployed(nn.Module):
    """RGB float32 (N, H, W, 3) in [0, 1], distances (N, H, W, 2) in pixels and three mattes (N, H, W), to alpha
    (N, H, W), and foreground and background (N, H, W, 3).
    """

    def __init__(self, network: RefineNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, rgb: Tensor, distances: Tensor, *mattes: Tensor) -> tuple[Tensor, ...]:
        given = rgb.permute(0, 3, 1, 2), distances.permute(0, 3, 1, 2), *(matte[:, None] for matte in mattes)
        alpha, foreground, background, _ = self.network(*given)
        return alpha[:, 0], foreground.permute(0, 2, 3, 1), background.permute(0, 2, 3, 1)


def is_refine(state: Mapping[str, Any]) -> bool:
    """Whether what a checkpoint holds is of this network."""
    return all(f"{name}.weight" in state.get("network", {}) for name in FRESH)


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
        input_names=list(GIVEN),
        output_names=list(OUTPUTS),
        dynamic_shapes={"rgb": sides, "distances": sides, "mattes": (sides,) * 3},
        external_data=False,
        verbose=False,
    )
    strip(target)
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    for shape in SHAPES:
        given = example(*shape)
        with torch.inference_mode():
            expected = model(*given)
        got = session.run(list(OUTPUTS), {name: x.numpy() for name, x in zip(GIVEN, given, strict=True)})
        difference = max(float((e - torch.from_numpy(g)).abs().max()) for e, g in zip(expected, got, strict=True))
        if difference > TOLERANCE:
            raise ModelError(f"{target}: ONNX Runtime differs from PyTorch by {difference:.4f} at {shape}")
    return f'file = "{target.name}"\nsha256 = "{weights.sha256(target)}"'


def example(height: int, width: int) -> tuple[Tensor, ...]:
    mattes = (torch.rand(1, height, width) for _ in range(3))
    return torch.rand(1, height, width, 3), 60 * torch.rand(1, height, width, 2), *mattes
