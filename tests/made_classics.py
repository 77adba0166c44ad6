"""Recipes of the classics made small, for pictures that `made_people` writes."""

from __future__ import annotations

from pathlib import Path

from cyclorama_training.classic_recipe import ClassicRecipe
from cyclorama_training.recipe import find

# What is replaced in each recipe that ships: everything else is as its authors had it.
SMALLER = {
    "deeplabv3plus": {'"resnet50"': '"resnet18"', "[512, 512]": "[64, 64]"},
    "deeplabv3plus-lite0": {"[192, 192]": "[64, 64]", "batch = 8": "batch = 4"},
    "fcn-resnet101": {'"resnet101"': '"resnet50"', "[256, 256]": "[64, 64]", "batch = 8": "batch = 4"},
    "mask-rcnn": {'"resnet50"': '"resnet18"\nproposals = 10', "[800, 800]": "[64, 64]", "epochs = 26": "epochs = 2"},
    "tiramisu": {"[4, 5, 7, 10, 12, 15]": "[1, 2, 2]", "[224, 224]": "[64, 64]", "epochs = 100": "epochs = 2"},
    "unet-resnet50": {
        '"resnet50"': '"resnet18"',
        "[320, 240]": "[64, 96]",
        "batch = 128": "batch = 4",
        "epochs = 40": "epochs = 2",
    },
}
CLASSICS = sorted(SMALLER)


def text_of(name: str) -> str:
    """A shipped recipe with a small network, small pictures, and two epochs of few pictures."""
    text = find(name).read_text("utf-8")
    for written, smaller in SMALLER[name].items():
        assert written in text, written
        text = text.replace(written, smaller)
    text = text.replace("epochs = 20", "epochs = 2").replace("epoch_pictures = 500", "epoch_pictures = 6")
    return text.replace("bfloat16", "float32")


def recipe_of(name: str) -> ClassicRecipe:
    return ClassicRecipe.parse(text_of(name))


def write_recipe(name: str, folder: Path) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text_of(name), "utf-8")
    return path
