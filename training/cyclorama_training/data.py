"""Reading people with mattes and rooms without people, and the fixed train / validation split."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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
# The mattes of these cover every person that can be seen, so that the picture itself may be learned from.
# In `sports` a crowd behind the players is marked in one picture and not in the next.
WHOLE_SOURCES = frozenset({"portraits", "street", "work", "misc"})
# A matte with more half-transparent than covered area is the teacher's doubt, not hair.
MAX_UNSURE_SHARE = 0.30
SURE = (0.1, 0.9)


@dataclass(frozen=True, slots=True)
class Person:
    """A cut-out and the picture that it came from.

    Attributes:
        name: `source/file-stem`.
        picture: uint8 (H, W, 3) sRGB, the original.
        foreground: uint8 (H, W, 3) sRGB, straight, without the old background's colour in the fringe.
        alpha: uint8 (H, W), 255 = covered.
        whole: every person in `picture` is in `alpha`.
    """

    name: str
    picture: Image
    foreground: Image
    alpha: Image
    whole: bool


def split_of(group: str, one_in: int) -> Split:
    """Names are hashed, so that files that come later never move the ones that are there."""
    digest = int.from_bytes(hashlib.sha256(group.encode()).digest()[:4], "big")
    return "validation" if digest % one_in == 0 else "train"


def series(stem: str) -> str:
    """The name without its running number where the pictures of one series show the same person."""
    return re.sub(r"\d+$", "", stem) if stem.startswith(("stock-emotions", "person-vlado")) else stem


def fit(image: Image, long_side: int) -> Image:
    scale = long_side / max(image.shape[:2])
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def read_rgb(path: Path) -> Image:
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"{path}: not a picture that OpenCV reads")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


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


def people(root: Path, split: Split, long_side: int) -> Iterator[Person]:
    """Reads `root/SOURCE/{images,mattes}` at no more than `long_side` pixels."""
    for source in sorted(p.name for p in root.iterdir() if (p / "mattes").is_dir()):
        mattes = {p.stem: p for p in (root / source / "mattes").iterdir()}
        for path in sorted((root / source / "images").iterdir()):
            group = f"{source}/{series(path.stem)}"
            if path.stem not in mattes or split_of(group, PEOPLE_HELD_BACK) != split:
                continue
            matte = cv2.imread(str(mattes[path.stem]), cv2.IMREAD_GRAYSCALE)
            if matte is None:
                raise ValueError(f"{mattes[path.stem]}: not a picture that OpenCV reads")
            picture, alpha = fit(read_rgb(path), long_side), clean(fit(matte, long_side))  # type: ignore[arg-type]
            if alpha.shape != picture.shape[:2] or unsure_share(alpha) > MAX_UNSURE_SHARE:
                continue
            foreground = estimate_foreground(picture, alpha.astype(np.float32) / np.float32(255))
            yield Person(
                f"{source}/{path.stem}",
                picture,
                foreground.astype(np.uint8, copy=False),
                alpha,
                source in WHOLE_SOURCES,
            )


def rooms(root: Path, split: Split, long_side: int) -> Iterator[Image]:
    """Reads the pictures without people in `root`."""
    for path in sorted(root.iterdir()):
        # Pictures that one visitor took within a minute show the same room: they go together.
        group = re.sub(r"_\d{3}$", "", path.stem) if path.stem.startswith("davidg") else path.stem
        if path.suffix.lower() in {".jpg", ".png"} and split_of(group, ROOMS_HELD_BACK) == split:
            yield fit(read_rgb(path), long_side)
