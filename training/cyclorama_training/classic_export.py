"""A trained classic as an ONNX file of one picture size, that takes uint8 pictures as they are."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from cyclorama.errors import ModelError
from cyclorama_training.classic_network import INSTANCES, build
from cyclorama_training.classic_recipe import ClassicRecipe
from cyclorama_training.export import OPSET, strip

TOLERANCE = 2e-3  # of alpha, between PyTorch and ONNX Runtime: rounding of folded batch normalisation


def export(state: dict[str, Any], target: Path) -> str:
    """Writes `target` and compares it with PyTorch.

    Args:
        state: `best.pt` of a classic's run.

    Returns:
        What it is, as a line.

    Raises:
        ModelError: ONNX Runtime's alpha differs from PyTorch's by more than `TOLERANCE`.
    """
    recipe = ClassicRecipe.parse(state["recipe"])
    model = build(recipe.network, recipe.training.loss, recipe.size)
    model.load_state_dict(state["network"])
    model.eval()
    write(model, recipe, target)
    height, width = recipe.size
    rgb = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, height, width, 3), dtype=np.uint8))
    with torch.inference_mode():
        expected = model(rgb).numpy()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of every person more than there were when the file was written
    session = onnxruntime.InferenceSession(str(target), options, providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {"rgb": rgb.numpy()})
    difference = float(np.abs(expected - got).max())
    if difference > TOLERANCE:
        raise ModelError(f"{target}: ONNX Runtime differs from PyTorch by {difference:.4f}")
    return f"{target}: {recipe.network['name']}, {width} x {height}; take it with --model {target}"


def write(model: Any, recipe: ClassicRecipe, target: Path) -> None:
    """Writes a classic of a recipe as an ONNX file."""
    # How many people there are decides over shapes within Mask R-CNN: torchvision knows how to write that for the
    # older exporter alone.
    dynamo = recipe.network["name"] != INSTANCES
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporters' notes to their developers
        torch.onnx.export(
            model.eval(),
            (torch.zeros(1, *recipe.size, 3, dtype=torch.uint8),),
            target,
            dynamo=dynamo,
            opset_version=OPSET,
            input_names=["rgb"],
            output_names=["alpha"],
            external_data=False,
            verbose=False,
        )
    strip(target)
