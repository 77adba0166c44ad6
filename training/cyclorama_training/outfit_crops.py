"""Squares for the network that reads clothes to learn from: people as they were, before something else, and bare.

Nearly each class comes from one data set, with one kind of place, distance and resolution. Only clothes may tell the
classes apart: everybody is seen whole and from the chest up, near and far, and equally spoilt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cyclorama.foreground import estimate_foreground
from cyclorama.outfit import AROUND, GREY, NOBODY, Fitted, closer, upper
from cyclorama_training.data import Image
from cyclorama_training.geometry import covering
from cyclorama_training.outfit_compose import recoloured, spoil
from cyclorama_training.outfit_data import CLASSES, Closeup

AS_THEY_WERE = 0.45  # of those who are not bare; the others stand before something else
NOBODY_SHARE = 1 / 9  # of the squares; the classes have the rest in equal parts
UPRIGHT = 1.2  # height over width from which somebody may be cut below the chest
BUST_SHARE = 0.5
BUST = (0.75, 2.0)  # heights of what is left then, in widths
JITTER = 0.05  # of a box's sides: how far the finder's boxes may be off
STRETCH = 0.18  # standard deviation of the logarithm of width over height
SIZES = (56, 260)  # pixels of the longer side, before it is put on the square
LEAST = 12  # pixels of a side
# How often each is drawn beside the others of its class: names begin so. What is not listed has 1.
WEIGHT = {
    "beachwear/swim": 1.5,
    "workwear/flickr8k": 1.5,
    "workwear/ccp": 8.0,  # few suits beside many casual people of the same streets
    "workwear/vikram": 2.0,
    "portraits/": 2.5,
    "misc/": 2.0,
    "sports/": 0.6,
    "work/": 0.6,
}
GROUP_WEIGHT = 0.35  # of regions that may hold several people


@dataclass(slots=True)
class Crops:
    """Draws squares.

    Attributes:
        people: of each class, not empty.
        backgrounds: rooms and landscapes.
        side: of the squares, in pixels.
        bare: share of the squares without anything behind the person.
    """

    people: Mapping[str, Sequence[Closeup]]
    backgrounds: Sequence[Image]
    side: int
    bare: float
    chances: dict[str, NDArray[np.float64]] = field(init=False)

    def __post_init__(self) -> None:
        self.chances = {kind: chances(people) for kind, people in self.people.items()}

    def draw(self, rng: Generator, count: int) -> Iterator[tuple[Image, int]]:
        """Squares uint8 (side, side, 3), and the class of each: an index of `CLASSES`, or `NOBODY`."""
        for _ in range(count):
            if rng.random() < NOBODY_SHARE:
                yield on_square(spoil(rng, self.nobody(rng)), self.side), NOBODY
            else:
                kind = int(rng.integers(len(CLASSES)))
                people, chance = self.people[CLASSES[kind]], self.chances[CLASSES[kind]]
                closeup = people[int(rng.choice(len(people), p=chance))]
                yield on_square(spoil(rng, self.somebody(rng, closeup)), self.side), kind

    def somebody(self, rng: Generator, closeup: Closeup) -> Image:
        """A person, or the upper part of one, perhaps mirrored."""
        left, top, right, bottom = framed(rng, closeup)
        part = (slice(top, bottom), slice(left, right))
        rgb, alpha = closeup.rgb[part], closeup.alpha[part]
        if rng.random() < self.bare:
            rgb = over(np.full_like(rgb, GREY), closeup, part)
        elif rng.random() > AS_THEY_WERE:
            rgb = over(self.background(rng, *alpha.shape), closeup, part)
        long_side = float(np.exp(rng.uniform(*np.log(SIZES))))
        scale, stretch = min(1.3, long_side / max(alpha.shape)), float(np.exp(rng.normal(0, STRETCH)))
        size = (max(6, round(rgb.shape[1] * scale * stretch**0.5)), max(6, round(rgb.shape[0] * scale / stretch**0.5)))
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        gain = np.exp(rng.normal(0, 0.08) + rng.normal(0, 0.04, 3))
        small = recoloured(small, np.arange(256)[:, None] / 255 * gain)  # type: ignore[arg-type]
        return np.ascontiguousarray(small[:, ::-1]) if rng.random() < 0.5 else small

    def nobody(self, rng: Generator) -> Image:
        """A piece of a room, or of the shape of somebody who is not there."""
        picture = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
        height, width = picture.shape[:2]
        share = np.exp(rng.uniform(np.log(0.1), 0, 2))
        w, h = max(16, round(width * share[0])), max(16, round(height * share[1]))
        x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
        piece = np.ascontiguousarray(picture[y : y + h, x : x + w])
        if rng.random() < self.bare:
            everybody = self.people[CLASSES[int(rng.integers(len(CLASSES)))]]
            shape = everybody[int(rng.integers(len(everybody)))].alpha[:: int(rng.choice([-1, 1]))]
            piece = blended(piece, np.full_like(piece, GREY), cv2.resize(shape, (w, h)))  # type: ignore[arg-type]
        return piece

    def background(self, rng: Generator, height: int, width: int) -> Image:
        picture = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
        at_x, at_y, zoom = float(rng.uniform()), float(rng.uniform()), float(rng.uniform(1, 2))
        matrix = covering(picture.shape, height, width, at_x, at_y, zoom)
        return cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR)  # type: ignore[return-value]


def plain(closeup: Closeup, side: int) -> list[Image]:
    """Squares of a person and of their upper part: both as the detector sees them, then with nothing behind them."""
    bare = blended(closeup.rgb, np.full_like(closeup.rgb, GREY), closeup.alpha)
    parts = closeup.box, upper(closeup.box)
    return [closer(picture, part, side) for picture in (closeup.rgb, bare) for part in parts]


def framed(rng: Generator, closeup: Closeup) -> tuple[int, int, int, int]:
    """What is seen of a close-up: left, top, right, bottom."""
    left, top, right, bottom = closeup.box
    if bottom - top > UPRIGHT * (right - left) and rng.random() < BUST_SHARE:
        bottom = min(bottom, top + round((right - left) * float(np.exp(rng.uniform(*np.log(BUST))))))
    x, y = right - left, bottom - top
    shift = rng.normal(0, JITTER, 4)
    height, width = closeup.alpha.shape
    seen = (
        max(0, round(left + x * (shift[0] - AROUND))),
        max(0, round(top + y * (shift[1] - AROUND))),
        min(width, round(right + x * (shift[2] + AROUND))),
        min(height, round(bottom + y * (shift[3] + AROUND))),
    )
    return seen if min(seen[2] - seen[0], seen[3] - seen[1]) >= LEAST else closeup.box


def over(background: Image, closeup: Closeup, part: tuple[slice, slice]) -> Image:
    alpha = closeup.alpha[part]
    own = estimate_foreground(np.ascontiguousarray(closeup.rgb[part]), alpha.astype(np.float32) / np.float32(255))
    return blended(own.astype(np.uint8), background, alpha)


def blended(front: Image, back: Image, alpha: Image) -> Image:
    share = alpha[..., None].astype(np.float32) / 255
    return np.rint(front * share + back * (1 - share)).astype(np.uint8)


def on_square(rgb: Image, side: int) -> Image:
    square = np.full((side, side, 3), GREY, np.uint8)
    Fitted.of(rgb.shape, side).put(rgb, square)
    return square


def chances(people: Sequence[Closeup]) -> NDArray[np.float64]:
    weights = np.array(
        [
            next((weight for start, weight in WEIGHT.items() if each.name.startswith(start)), 1.0)
            * (1.0 if each.alone else GROUP_WEIGHT)
            for each in people
        ]
    )
    return weights / weights.sum()
