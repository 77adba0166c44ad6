"""A trained checkpoint as an ONNX file that takes uint8 pictures as they are."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import torch
from torch import Tensor, nn

from cyclorama import weights
from cyclorama.errors import ModelError
from cyclorama_training.network import PortraitNetwork

OPSET = 18
TOLERANCE = 2e-3  # of alpha, between PyTorch and ONNX Runtime: rounding of folded batch normalisation


class Deployed(nn.Module):
    """uint8 (N, H, W, 3) sRGB to alpha float32 (N, H, W), so that no caller can normalise it wrongly."""

    def __init__(self, network: PortraitNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, rgb: Tensor) -> Tensor:
        alpha = self.network(rgb.permute(0, 3, 1, 2).float() / 255.0)
        assert isinstance(alpha, Tensor)
        return alpha[:, 0]


def export(checkpoint: Path, target: Path) -> str:
    """Writes `target` and compares it with PyTorch on two shapes.

    Returns:
        The lines for `manifest.toml`.

    Raises:
        ModelError: ONNX Runtime's alpha differs from PyTorch's by more than `TOLERANCE`.
    """
    network = PortraitNetwork()
    network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["network"])
    model = Deployed(network).eval()
    example = torch.randint(0, 256, (1, 288, 512, 3), dtype=torch.uint8)
    torch.onnx.export(
        model,
        (example,),
        target,
        dynamo=True,
        opset_version=OPSET,
        input_names=["rgb"],
        output_names=["alpha"],
        dynamic_shapes={"rgb": {1: "height", 2: "width"}},
        external_data=False,
        verbose=False,
    )
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    for shape in ((288, 512), (512, 384)):
        rgb = torch.randint(0, 256, (1, *shape, 3), dtype=torch.uint8)
        with torch.inference_mode():
            expected = model(rgb)
        (got,) = session.run(None, {"rgb": rgb.numpy()})
        difference = float((expected - torch.from_numpy(got)).abs().max())
        if difference > TOLERANCE:
            raise ModelError(f"{target}: ONNX Runtime differs from PyTorch by {difference:.4f} at {shape}")
    return f'file = "{target.name}"\nsha256 = "{weights.sha256(target)}"'
