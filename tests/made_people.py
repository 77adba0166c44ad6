"""People and rooms that tests of the training package make: orange discs on a stick, before textures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama_training.data import Person, Room, box_of
from made import disc, texture

HEIGHT, WIDTH = 80, 64
RECIPE = """
[data]
people = "people"
rooms = "rooms"
long_side = 96
room_long_side = 96
[train]
seed = 3
encoder_rate_share = 0.25
memory_rate_share = 2
weight_decay = 1e-4
ema_decay = 0.9
validate_every = 4
precision = "float32"
[[phase]]
steps = 6
rate = 2e-3
batches = [{ size = [64, 64], clips = 4 }, { size = [64, 96], clips = 4 }]
[[phase]]
steps = 2
rate = 1e-3
batches = [{ size = [64, 64], frames = 3, clips = 2 }]
"""


def figure() -> NDArray[np.float32]:
    """Alpha of a person (H, W): a disc on a stick, which the lower side of the picture cuts."""
    alpha = disc(HEIGHT, WIDTH, radius=18, softness=2, centre=(30, 32))
    alpha[40:, 26:38] = 1
    return alpha


def skin(seed: int) -> NDArray[np.uint8]:
    """The colours of a person, uint8 (H, W, 3), everywhere."""
    return texture(HEIGHT, WIDTH, (220, 140, 60), seed)


def photograph(seed: int) -> NDArray[np.uint8]:
    """A person before a wall: uint8 (H, W, 3)."""
    a = figure()[..., None]
    return np.rint(skin(seed) * a + texture(HEIGHT, WIDTH, (60, 90, 80), seed + 99) * (1 - a)).astype(np.uint8)


def grey(alpha: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(alpha * 255).astype(np.uint8)


def write(path: Path, rgb: NDArray[np.uint8]) -> None:
    """A picture grey, RGB or RGBA; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    turned = rgb if rgb.ndim == 2 else np.ascontiguousarray(rgb[..., [2, 1, 0, 3][: rgb.shape[2]]])
    assert cv2.imwrite(str(path), turned)


def write_data(root: Path, count: int = 30) -> Path:
    """The layout that recipes read by default, and `recipe.toml`."""
    for index in range(count):
        write(root / f"people/portraits/images/{index:03}.png", photograph(index))
        write(root / f"people/portraits/mattes/{index:03}.png", grey(figure()))
        write(root / f"rooms/room_{index}.png", texture(72, 96, (index * 8, 90, 120), index + 500))
    (root / "recipe.toml").write_text(RECIPE)
    return root


def person(seed: int = 0, *, name: str = "portraits/000", whole: bool = True) -> Person:
    alpha = grey(figure())
    box = box_of(alpha)
    assert box is not None
    return Person(name, photograph(seed), skin(seed), alpha, whole, box)


def room(seed: int = 0) -> Room:
    return Room(f"room_{seed}", texture(72, 96, (40, 90, 200), seed + 500), 1.0)
