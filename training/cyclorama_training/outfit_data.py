"""What the outfit detector learns from: pictures by class, people cut out of them, boxes, and the fixed split.

The folders hold no boxes. They are made from mattes: each connected region is a person, unless `outfit.txt` says
otherwise.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from cyclorama.errors import SettingError
from cyclorama.foreground import estimate_foreground
from cyclorama.types import OUTFITS
from cyclorama_training.data import Image, fit, verdicts
from cyclorama_training.readers import pictures_in, read

Split = Literal["train", "validation", "test"]
Box = tuple[int, int, int, int]  # left, top, right, bottom; right and bottom are outside

CASUAL = "casual"  # clothes of none of the kinds: a class of its own, so that nobody is forced into another
CLASSES = (*OUTFITS, CASUAL)
# Of twelve hashes three are held back for the figures and one for choosing weights and thresholds. Never change it.
PARTS = 12
TEST, VALIDATION = (0, 1, 2), (3,)

LONG_SIDE = 448  # pixels; the detector sees less
COVERED = 128  # alpha from which a pixel belongs to a region
SMALLEST_SHARE = 0.1  # of the largest region's area: what is smaller is a hand, a shoe, a hole's rim
SMALLEST_SIDE = 24  # pixels: clothes cannot be told in less
PLATE_SIDE = 320  # pixels of a place without its people: what is left is blurred in part
MARGIN = 0.2  # of a box, around somebody in a close-up
UPRIGHT = 1.2  # height over width of regions that nobody looked at: wider ones are often several people


@dataclass(frozen=True, slots=True)
class Wearer:
    """A person cut out of a picture.

    Attributes:
        name: `class/file-stem`, or `folder/file-stem` of the further people.
        kind: one of `CLASSES`.
        rgb: uint8 (H, W, 3), straight colours.
        alpha: uint8 (H, W).
        cut: left, top, right, bottom: the old picture's frame cut the person there.
    """

    name: str
    kind: str
    rgb: Image
    alpha: Image
    cut: tuple[bool, bool, bool, bool]


@dataclass(frozen=True, slots=True)
class Closeup:
    """The part of a picture that shows a person, or a group, and what is around them.

    Attributes:
        rgb: uint8 (H, W, 3), as it was.
        alpha: uint8 (H, W), theirs alone.
        box: theirs, in pixels of both.
        alone: it is one person.
    """

    name: str
    kind: str
    rgb: Image
    alpha: Image
    box: Box
    alone: bool = True


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture and the people in it.

    Attributes:
        rgb: uint8 (H, W, 3).
        boxes: everybody's, with the class, where `whole`; else those of regions that may hold several people.
        whole: each box is one person, and nobody is left out.
    """

    name: str
    rgb: Image
    boxes: tuple[tuple[str, Box], ...]
    whole: bool
    verdict: str = ""


def group_of(stem: str) -> str:
    """What names of one shoot, and of one picture in two folders, have in common."""
    stem = re.sub(r"^(swim|surf)_", "", stem)
    if match := re.match(r"flickr8k_\w+?_(\d+)_[0-9a-f]+$", stem):
        return f"flickr/{match[1][:-4]}"  # numbers that are near: one photographer on one day
    if match := re.match(r"vikram_humanseg_(\d+)$", stem):
        return f"vikram/{int(match[1]) // 10}"
    for start in ("amareswimwear", "artswimwear", "vladmandic_samples_stock-models", "vladmandic_samples_person-vlado"):
        if stem.startswith(start):
            return start.removeprefix("vladmandic_samples_")
    stem = re.sub(r"^(ccp_|sports22_|idenprof_)", "", stem)  # people/street, sports and work have the bare name
    if match := re.match(r"(stock-models|stock-emotions-.|person-vlado|stock-group)", stem):
        return match[1]
    return stem


def split_of(stem: str) -> Split:
    part = int.from_bytes(hashlib.sha256(f"outfit/{group_of(stem)}".encode()).digest()[:4], "big") % PARTS
    return "test" if part in TEST else "validation" if part in VALIDATION else "train"


@cache
def looked_at() -> dict[str, str]:
    """`class/file-stem` -> "leave", "group", "first" or "unclear", as `outfit.txt` lists them."""
    text = resources.files("cyclorama_training").joinpath("outfit.txt").read_text("utf-8")
    return dict(re.findall(r"^([^#\n]\S*) (\w+)$", text, re.MULTILINE))


def regions(alpha: Image) -> list[tuple[Box, Image]]:
    """Connected regions of a matte, the largest first: box, and alpha of the region alone, of the matte's size."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((alpha >= COVERED).astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    found = []
    for index in 1 + np.argsort(-areas, kind="stable"):
        left, top, width, height, area = (int(v) for v in stats[index])
        if area < SMALLEST_SHARE * areas.max():
            break
        # The soft edge belongs to the region as well.
        near = cv2.dilate((labels == index).astype(np.uint8), np.ones((9, 9), np.uint8))
        found.append(((left, top, left + width, top + height), (alpha * near).astype(np.uint8)))
    return found


@cache
def held_back_boxes() -> dict[str, tuple[Box, ...]]:
    """Everybody's boxes in the held-back pictures, the largest first: fixed, so that figures compare networks.

    They are regions of the mattes of an earlier `portrait`, mistakes included, in pixels of the picture as `scenes`
    gives it.
    """
    text = resources.files("cyclorama_training").joinpath("outfit_boxes.txt").read_text("utf-8")
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, *numbers = line.split()
            sides = [int(number) for number in numbers]
            found[name] = tuple((a, b, c, d) for a, b, c, d in zip(*(sides[i::4] for i in range(4)), strict=True))
    return found


def scenes(root: Path, split: Split, matte: Callable[[Path, Image], Image]) -> Iterator[tuple[Scene, Image]]:
    """The class folders' pictures of a split, with their mattes; those to be left out are left out.

    Args:
        root: folder with a folder for each of `CLASSES`.
        matte: alpha, uint8 (H, W), of a picture; the path is its name.

    Raises:
        SettingError: a class's folder is missing.
    """
    for kind in CLASSES:
        folder = root / kind
        if not folder.is_dir():
            raise SettingError(f"{folder}: no such folder; expected {', '.join(CLASSES)} in {root}")
        for path in pictures_in(folder):
            name = f"{kind}/{path.stem}"
            verdict = looked_at().get(name, "")
            if verdict == "leave" or split_of(path.stem) != split:
                continue
            rgb = fit(cv2.cvtColor(read(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), LONG_SIDE)
            alpha = matte(path, rgb)
            found = held_back_boxes().get(name)
            if found is None:
                found = tuple(box for box, _ in regions(alpha))
            boxes = tuple((kind, box) for box in (found[:1] if verdict == "first" else found))
            if boxes:
                whole = verdict in ("", "first") and all(
                    min(b[2] - b[0], b[3] - b[1]) >= SMALLEST_SIDE for _, b in boxes
                )
                yield Scene(name, rgb, boxes, whole, verdict), alpha


def wearers(scene: Scene, alpha: Image) -> Iterator[Wearer]:
    """The people of a scene, cut out: none where people touch or their clothes are not clear."""
    if scene.verdict in ("group", "unclear"):
        return
    for (box, own), (kind, _) in zip(regions(alpha), scene.boxes, strict=False):
        if min(box[2] - box[0], box[3] - box[1]) >= SMALLEST_SIDE:
            yield cut_out(scene.name, kind, scene.rgb, own, box)


def closeups(scene: Scene, alpha: Image) -> Iterator[Closeup]:
    """Everybody in a scene whose clothes are clear, groups as well."""
    if scene.verdict == "unclear":
        return
    for (box, own), (kind, _) in zip(regions(alpha), scene.boxes, strict=False):
        if min(box[2] - box[0], box[3] - box[1]) >= SMALLEST_SIDE:
            yield closeup(scene.name, kind, scene.rgb, own, box, alone=scene.verdict != "group")


def further(base: Path, kind: str, names: str, split: Split) -> Iterator[tuple[Scene, Image]]:
    """A split's pictures of a folder with `images` and `mattes`, with their mattes.

    Args:
        kind: the class of everybody in them.
        names: a pattern; other file stems are left out.

    Raises:
        SettingError: the folder is missing.
    """
    if not (base / "images").is_dir() or not (base / "mattes").is_dir():
        raise SettingError(f"{base}: expected the folders images and mattes in it")
    for path in pictures_in(base / "images"):
        name = f"{base.name}/{path.stem}"
        if split_of(path.stem) != split or verdicts().get(name) == "wrong" or not re.search(names, path.stem):
            continue
        rgb = fit(cv2.cvtColor(read(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), LONG_SIDE)
        alpha = fit(read(base / "mattes" / f"{path.stem}.png", cv2.IMREAD_GRAYSCALE), LONG_SIDE)
        people = [(box, own) for box, own in regions(alpha) if wearable(box, kind)]
        if people:
            theirs = np.max([own for _, own in people], axis=0)
            yield Scene(name, rgb, tuple((kind, box) for box, _ in people), True), theirs


def wearable(box: Box, kind: str) -> bool:
    """Whether a region that nobody looked at is likely one person."""
    width, height = box[2] - box[0], box[3] - box[1]
    return min(width, height) >= SMALLEST_SIDE and (height >= UPRIGHT * width or kind == CASUAL)


def closeup(name: str, kind: str, rgb: Image, alpha: Image, box: Box, *, alone: bool = True) -> Closeup:
    left, top, right, bottom = box
    height, width = alpha.shape
    x, y = MARGIN * (right - left), MARGIN * (bottom - top)
    x0, y0, x1, y1 = max(0, int(left - x)), max(0, int(top - y)), int(right + x) + 1, int(bottom + y) + 1
    part = (slice(y0, min(height, y1)), slice(x0, min(width, x1)))
    inner = (left - x0, top - y0, right - x0, bottom - y0)
    return Closeup(name, kind, rgb[part].copy(), alpha[part].copy(), inner, alone)


def cut_out(name: str, kind: str, rgb: Image, alpha: Image, box: Box) -> Wearer:
    foreground = estimate_foreground(rgb, alpha.astype(np.float32) / np.float32(255)).astype(np.uint8)
    left, top, right, bottom = box
    height, width = alpha.shape
    part = (slice(top, bottom), slice(left, right))
    cut = (left == 0, top == 0, right == width, bottom == height)
    return Wearer(name, kind, np.ascontiguousarray(foreground[part]), np.ascontiguousarray(alpha[part]), cut)


def shrunk(wearer: Wearer, long_side: int) -> Wearer:
    return replace(wearer, rgb=fit(wearer.rgb, long_side), alpha=fit(wearer.alpha, long_side))


def plate(scene: Scene, alpha: Image) -> Image:
    """The scene without its people: what they cover takes the blurred colours around them."""
    rgb, alpha = fit(scene.rgb, PLATE_SIDE), fit(alpha, PLATE_SIDE)
    hole = cv2.dilate((alpha > 12).astype(np.uint8), np.ones((11, 11), np.uint8))
    keep = (1 - hole).astype(np.float32)
    filled = rgb.astype(np.float32)
    out, known = filled * keep[..., None], keep.copy()
    for sigma in (6, 20, 60):
        weight = cv2.GaussianBlur(keep, (0, 0), sigma)
        near = cv2.GaussianBlur(filled * keep[..., None], (0, 0), sigma) / np.maximum(weight, 1e-4)[..., None]
        take = ((known == 0) & (weight > 0.05)).astype(np.float32)
        out += near * take[..., None]
        known += take
    out[known == 0] = 127
    return np.clip(np.rint(out), 0, 255).astype(np.uint8)
