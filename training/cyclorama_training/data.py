"""People with mattes and rooms without people, what makes a matte usable, and the fixed train / validation split."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.foreground import estimate_foreground

Split = Literal["train", "validation"]
SPLITS: tuple[Split, ...] = ("train", "validation")
Image = NDArray[np.uint8]

# One name in this many is held back. Changing it changes the split: do not, once a figure is published.
PEOPLE_HELD_BACK = 10
ROOMS_HELD_BACK = 6

# How often each source is drawn. Portraits are few but have the hair; `work` is 224 px and blurred.
SOURCE_WEIGHT = {"portraits": 0.24, "street": 0.30, "sports": 0.22, "work": 0.14, "misc": 0.10}
OTHER_WEIGHT = 0.1  # of a source that is not said anything of
# A matte with more half-transparent than covered area is the teacher's doubt, not hair.
MAX_UNSURE_SHARE = 0.30
SURE = (0.1, 0.9)
BOX_ALPHA = 26  # what is fainter does not count for the box
VERDICT = re.compile(r"^([^#\n]+?)[ \t]+(wrong|partial)\b", re.MULTILINE)  # names of files may hold spaces


@dataclass(frozen=True, slots=True)
class Person:
    """A cut-out and the picture that it came from.

    Attributes:
        name: `source/file-stem`.
        picture: uint8 (H, W, 3) sRGB, the original.
        foreground: uint8 (H, W, 3) sRGB, straight, without the old background's colour in the fringe.
        alpha: uint8 (H, W), 255 = covered.
        whole: every person in `picture` is in `alpha`.
        box: top, bottom, left, right of what is covered, ends excluded.
    """

    name: str
    picture: Image
    foreground: Image
    alpha: Image
    whole: bool
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Room:
    """A picture without people: uint8 (H, W, 3) sRGB, and how often it is drawn beside the others."""

    name: str
    picture: Image
    weight: float


def share_of(group: str, shares: int) -> int:
    """Which of so many equal shares a name is in: hashed, so that files that come later never move those there."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:4], "big") % shares


def split_of(group: str, one_in: int) -> Split:
    """One share of the names is held back."""
    return "validation" if share_of(group, one_in) == 0 else "train"


def series(stem: str) -> str:
    """The name without its running number where the pictures of one series show the same person."""
    return re.sub(r"\d+$", "", stem) if stem.startswith(("stock-emotions", "person-vlado")) else stem


def fit(image: NDArray[Any], long_side: int) -> NDArray[Any]:
    """The picture with no more than `long_side` pixels a side."""
    scale = long_side / max(image.shape[:2])
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def clean(alpha: Image) -> Image:
    """Drops specks in which the teacher was never sure, and the haze at either end."""
    stretched = np.clip((alpha.astype(np.float32) / 255 - 0.03) / 0.94, 0, 1)
    count, labels = cv2.connectedComponents((stretched > 0.05).astype(np.uint8), connectivity=8)
    if count > 1:
        peak = np.zeros(count, np.float32)
        np.maximum.at(peak, labels.astype(np.intp).ravel(), stretched.ravel())
        stretched[(peak < 0.6)[labels] & (labels > 0)] = 0
    return np.rint(stretched * 255).astype(np.uint8)


def unsure_share(alpha: Image) -> float:
    """Half-transparent area over covered area; 1 where nothing is covered."""
    a = alpha.astype(np.float32) / 255
    covered = float((a > SURE[0]).sum())
    return float(((a > SURE[0]) & (a < SURE[1])).sum()) / covered if covered else 1.0


def box_of(alpha: Image) -> tuple[int, int, int, int] | None:
    """Top, bottom, left, right of what is covered, ends excluded; None where nothing is."""
    ys, xs = np.flatnonzero((alpha > BOX_ALPHA).any(1)), np.flatnonzero((alpha > BOX_ALPHA).any(0))
    return (int(ys[0]), int(ys[-1]) + 1, int(xs[0]), int(xs[-1]) + 1) if len(ys) else None


@cache
def verdicts() -> dict[str, str]:
    """Name (`source/file-stem`) -> "wrong" or "partial", as `mattes.txt` lists them."""
    text = resources.files("cyclorama_training").joinpath("mattes.txt").read_text("utf-8")
    return dict(VERDICT.findall(text))


@cache
def peopled() -> frozenset[str]:
    """Rooms (file stems) in which people are seen, as `rooms.txt` lists them."""
    text = resources.files("cyclorama_training").joinpath("rooms.txt").read_text("utf-8")
    return frozenset(filter(None, (line.partition("#")[0].strip() for line in text.splitlines())))


def person(name: str, picture: Image, alpha: Image, *, foreground: Image | None = None) -> Person | None:
    """A person from a picture and its matte; None where the matte is of no use.

    Args:
        picture: uint8 (H, W, 3) sRGB.
        alpha: uint8 (H, W), as it was read.
        foreground: as in `Person`, where it is known; then `picture` is not a true one, and never shown as it is.
    """
    verdict = verdicts().get(name)
    alpha = clean(alpha)
    if verdict == "wrong" or alpha.shape != picture.shape[:2] or unsure_share(alpha) > MAX_UNSURE_SHARE:
        return None
    box = box_of(alpha)
    if box is None:
        return None
    whole = verdict is None and foreground is None
    if foreground is None:
        estimated = estimate_foreground(picture, alpha.astype(np.float32) / np.float32(255))
        foreground = estimated.astype(np.uint8, copy=False)
    return Person(name, picture, foreground, alpha, whole, box)
