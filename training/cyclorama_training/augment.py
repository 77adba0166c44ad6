"""What the classics' authors did to pictures so that there were more of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import permutations

import cv2
import numpy as np
from numpy.random import Generator

from cyclorama.errors import SettingError
from cyclorama_training.data import Image
from cyclorama_training.examples import Marked

# Of a picture of 512 x 512, as CoarseDropout was set for DeepLabV3+.
HOLES, HOLE = (3, 10), 32 / 512
ORDERS = [list(order) for order in permutations(range(3))][1:]  # of the colours; the first is as they are


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How pictures are changed.

    Attributes:
        versions: each picture comes as it is, and once more changed in each of these ways (keys of `CHANGES`).
        chances: way -> how probably it happens to a picture besides, each time that it is drawn.
        turn_degrees: the most that "turn" turns a picture, either way.
    """

    versions: tuple[str, ...] = ()
    chances: Mapping[str, float] = field(default_factory=dict)
    turn_degrees: float = 0.0

    def __post_init__(self) -> None:
        if unknown := {*self.versions, *self.chances} - CHANGES.keys():
            raise SettingError(f"augment: expected any of {', '.join(CHANGES)}; got {', '.join(sorted(unknown))}")

    @property
    def factor(self) -> int:
        """How many pictures are made of one."""
        return 1 + len(self.versions)

    def apply(self, marked: Marked, version: int, rng: Generator) -> Marked:
        """A picture's version, 0 to `factor` - 1, with what happens to it besides."""
        names = self.versions[version - 1 : version] if version else ()
        for name in (*names, *(n for n, chance in self.chances.items() if rng.random() < chance)):
            marked = CHANGES[name](marked, rng, self.turn_degrees)
        return marked


def flip(marked: Marked, _: Generator, __: float) -> Marked:
    """Left and right swapped."""
    return Marked(marked.rgb[:, ::-1], marked.alphas[:, :, ::-1], marked.apart)


def grey(marked: Marked, _: Generator, __: float) -> Marked:
    """Without colours."""
    grey: Image = cv2.cvtColor(np.ascontiguousarray(marked.rgb), cv2.COLOR_RGB2GRAY)  # type: ignore[assignment]
    return Marked(np.repeat(grey[..., None], 3, 2), marked.alphas, marked.apart)


def shuffle(marked: Marked, rng: Generator, _: float) -> Marked:
    """Red, green and blue in another order."""
    return Marked(marked.rgb[..., ORDERS[rng.integers(len(ORDERS))]], marked.alphas, marked.apart)


def holes(marked: Marked, rng: Generator, _: float) -> Marked:
    """Black squares over the picture alone: what is under them is still to be found."""
    rgb = marked.rgb.copy()
    height, width = rgb.shape[:2]
    tall, wide = max(1, round(HOLE * height)), max(1, round(HOLE * width))
    for _ in range(int(rng.integers(*HOLES, endpoint=True))):
        top, left = int(rng.integers(height)), int(rng.integers(width))
        rgb[top : top + tall, left : left + wide] = 0
    return Marked(rgb, marked.alphas, marked.apart)


def turn(marked: Marked, rng: Generator, degrees: float) -> Marked:
    """Turned around the middle; what comes in at the corners mirrors the picture."""
    height, width = marked.rgb.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), float(rng.uniform(-degrees, degrees)), 1.0)

    def turned(image: Image) -> Image:
        whole = np.ascontiguousarray(image)
        return cv2.warpAffine(whole, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)  # type: ignore[return-value]

    return Marked(turned(marked.rgb), np.stack([turned(a) for a in marked.alphas]), marked.apart)


CHANGES: dict[str, Callable[[Marked, Generator, float], Marked]] = {
    change.__name__: change for change in (flip, grey, shuffle, holes, turn)
}
