"""What the people in a picture wear: the matte and a detector find the people, another network looks at each of them.

A connected region of the matte is one person, or several who touch: then the detector, a YOLOv5, tells them apart. The
last network sees each person alone, whole and from the chest up, and says how much their clothes are beachwear,
workwear, sportswear or others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama import matting, weights
from cyclorama.errors import PictureError
from cyclorama.types import OUTFITS, Alpha, Outfit, Rgb

if TYPE_CHECKING:
    from cyclorama.matting.onnx import LoadedModel

Floats = NDArray[np.float32]
Box = tuple[int, int, int, int]  # left, top, right, bottom; right and bottom are outside

UPPER = 1.15  # of a box's width: height of the upper part, where collars, neckties and straps are
GREY = 114  # around the picture on a network's square, as in training
COVERED = 0.5  # alpha from which a pixel belongs to somebody
SMALLEST_SHARE = 0.1  # of the largest region's or person's area: smaller ones are hands, shoes, passers-by
SMALLEST_AREA = 0.002  # of the picture's: in less no clothes can be told
WITHIN = 0.7  # share of a detector's box in a region's from which it is a part of it
PART = 0.75  # of a region's area: a box that is larger is all of it
TOGETHER = 0.5  # of a region's area, that people in it fill at least
BENEATH = 0.3  # of a person's width, over which somebody is below
FOUND = 0.3  # score from which a box is a person
SAME = 0.5  # intersection over union from which two boxes are of one person
INSIDE = 0.8  # share of a box in a surer one from which it is a part of that person
AROUND = 0.08  # of a person's box, added on each side: the edge of what they wear
# Share of a kind from which it is said, by the validation pictures: few learned beachwear, and its shares are lower.
SURE = {"beachwear": 0.45, "workwear": 0.4, "sportswear": 0.5}
NOBODY = len(OUTFITS) + 1  # index of the share that says: no person; before it are other clothes


class Detector(Protocol):
    """Finds people and what they wear. It holds no stream's state: threads and sessions may share it.

    Attributes:
        device: where it runs: a key of `cyclorama.matting.onnx.PROVIDERS`.
        note: why "auto" did not take something better, or "".
    """

    device: str
    note: str

    def detect(self, rgb: Rgb, alpha: Alpha | None = None) -> list[Outfit]:
        """Everybody in a picture, the largest first, recognised clothes or not.

        Args:
            rgb: uint8 (H, W, 3) sRGB, any size.
            alpha: float32 of any size, the matte of everybody; None: the detector makes its own.

        Raises:
            PictureError: another shape or dtype.
        """

    def find(self, rgb: Rgb, alpha: Alpha) -> list[Box]:
        """Boxes of everybody in a picture whose matte is known, whatever they wear: much faster.

        Args:
            rgb: uint8 (H, W, 3) sRGB, any size.
            alpha: float32 of any size, the matte of all of it.

        Raises:
            PictureError: another shape or dtype of the picture.
        """


@dataclass(frozen=True, slots=True)
class Fitted:
    """Where a picture lies on a network's square: scaled by `scale`, `width` x `height` at `left`, `top`."""

    scale: float
    left: int
    top: int
    width: int
    height: int

    @classmethod
    def of(cls, shape: tuple[int, ...], side: int) -> Fitted:
        """A picture of this shape in the middle of a square of `side` pixels, as large as it can be."""
        h, w = shape[:2]
        scale = side / max(h, w)
        width, height = max(1, round(w * scale)), max(1, round(h * scale))
        return cls(scale, (side - width) // 2, (side - height) // 2, width, height)

    def put(self, rgb: Rgb, square: Rgb) -> None:
        """Draws the picture into the square."""
        how = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
        small = cv2.resize(rgb, (self.width, self.height), interpolation=how)
        square[self.top : self.top + self.height, self.left : self.left + self.width] = small

    def into_square(self, boxes: Floats) -> Floats:
        """Boxes (N, 4) of the picture, left, top, right, bottom, in pixels of the square."""
        return boxes * np.float32(self.scale) + self._corner()

    def into_picture(self, boxes: Floats) -> Floats:
        return (boxes - self._corner()) / np.float32(self.scale)

    def _corner(self) -> Floats:
        return np.array([self.left, self.top, self.left, self.top], np.float32)


class TwoLooks:
    """The three networks by ONNX Runtime: first all people are found, then each is looked at."""

    def __init__(self, matter: matting.Matter, finder: LoadedModel, reader: LoadedModel) -> None:
        self._matter = matter
        self._finder, self._reader = finder.session, reader.session
        self._side, self._close_side = (int(s.get_inputs()[0].shape[1]) for s in (self._finder, self._reader))
        self.device = finder.device
        self.note = finder.note or reader.note

    def detect(self, rgb: Rgb, alpha: Alpha | None = None) -> list[Outfit]:
        boxes, shares = self.look(rgb, alpha)
        found = (Outfit(*kind_of(share), box) for box, share in zip(boxes, shares, strict=True))
        return sorted(found, key=lambda each: (each.box[0] - each.box[2]) * (each.box[3] - each.box[1]))

    def look(self, rgb: Rgb, alpha: Alpha | None = None) -> tuple[list[Box], list[Floats]]:
        """Everybody's box in pixels of the picture, and shares: `OUTFITS`, then other clothes; see `detect`."""
        boxes, shares = [], []
        for box in self.find(rgb, self.matte(rgb) if alpha is None else alpha):
            share = self.read(rgb, box)
            if share.argmax() != NOBODY:
                boxes.append(box)
                shares.append(share[:NOBODY] / share[:NOBODY].sum())
        return boxes, shares

    def find(self, rgb: Rgb, alpha: Alpha) -> list[Box]:
        found, _ = people(self._find, self._side, rgb)
        scale = np.array([rgb.shape[1] / alpha.shape[1], rgb.shape[0] / alpha.shape[0]] * 2, np.float32)
        return whole(told_apart(regions(alpha) * scale, found), rgb.shape)

    def matte(self, rgb: Rgb) -> Alpha:
        """Alpha of everybody, float32, at the network's working size.

        Raises:
            PictureError: another shape or dtype than uint8 (H, W, 3).
        """
        check(rgb)
        height, width = self._matter.size(*rgb.shape[:2])
        small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
        alpha, _ = self._matter.step(small, self._matter.start(height, width))  # type: ignore[arg-type]
        return alpha

    def read(self, rgb: Rgb, box: Box) -> Floats:
        """What is in a box: shares (classes,) of `OUTFITS`, other clothes, and nobody."""
        squares = [closer(rgb, each, self._close_side) for each in {box, upper(box)}]
        shares: Floats = np.mean([self._reader.run(None, {"rgb": square[None]})[0][0] for square in squares], axis=0)
        return shares

    def _find(self, square: Rgb) -> tuple[Floats, Floats]:
        boxes, scores = self._finder.run(None, {"rgb": square[None]})
        return boxes, scores


def check(rgb: Rgb) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or not rgb.size:
        raise PictureError(f"expected an array uint8 of shape (height, width, 3), got {rgb.dtype} {tuple(rgb.shape)}")


def regions(alpha: Floats) -> Floats:
    """Boxes (N, 4) of a matte's connected regions, in its pixels, the largest first; specks are left out."""
    covered = (alpha >= COVERED).astype(np.uint8)
    stats = cv2.connectedComponentsWithStats(covered, connectivity=8)[2][1:].astype(np.float32)
    stats = stats[np.argsort(-stats[:, cv2.CC_STAT_AREA], kind="stable")]
    areas = stats[:, cv2.CC_STAT_AREA]
    stats = stats[areas >= max(SMALLEST_AREA * alpha.size, SMALLEST_SHARE * areas.max(initial=0))]
    return np.hstack([stats[:, :2], stats[:, :2] + stats[:, 2:4]])


def told_apart(regions: Floats, found: Floats) -> Floats:
    """Boxes (N, 4) of people: of each region, or of two and more whom the detector found in it; see `grown`."""
    boxes: list[Floats] = []
    sizes = np.maximum(found[:, 2:] - found[:, :2], 0).prod(1)
    for region in regions:
        area = (region[2] - region[0]) * (region[3] - region[1])
        parts = (overlaps(region, found)[1] >= WITHIN) & (sizes <= PART * area)
        parts &= sizes >= SMALLEST_SHARE * sizes.max(initial=0, where=parts)
        # Two hands are not two people.
        several = parts.sum() > 1 and sizes[parts].sum() >= TOGETHER * area
        boxes += list(grown(found[parts], region)) if several else [region]
    return np.array(boxes, np.float32).reshape(-1, 4)


def grown(boxes: Floats, region: Floats) -> Floats:
    """Boxes (N, 4) of people with the rest of their region (4,), for the detector cuts off legs and arms.

    Its sides go to the outermost of them, and what is below to each under whom nobody else begins.
    """
    out = np.clip(boxes, np.tile(region[:2], 2), np.tile(region[2:], 2))
    out[out[:, 0].argmin(), 0] = region[0]
    out[out[:, 2].argmax(), 2] = region[2]
    for box in out:
        shared = np.minimum(box[2], out[:, 2]) - np.maximum(box[0], out[:, 0])
        below = (out[:, 1] > (box[1] + box[3]) / 2) & (shared > BENEATH * (box[2] - box[0]))
        if not below.any():
            box[3] = region[3]
    return out


def people(network: Callable[[Rgb], tuple[Floats, Floats]], side: int, rgb: Rgb) -> tuple[Floats, Floats]:
    """Everybody in a picture, the surest first.

    Args:
        network: from a square uint8 (side, side, 3) to boxes (N, 4) in its pixels and scores (N,).
        rgb: uint8 (H, W, 3) sRGB, any size.

    Returns:
        Boxes (N, 4): left, top, right, bottom in pixels of the picture; scores (N,).

    Raises:
        PictureError: another shape or dtype.
    """
    check(rgb)
    fitted = Fitted.of(rgb.shape, side)
    square = np.full((side, side, 3), GREY, np.uint8)
    fitted.put(rgb, square)
    boxes, scores = merged(*network(square))
    return fitted.into_picture(boxes), scores


def merged(boxes: Floats, scores: Floats) -> tuple[Floats, Floats]:
    """One box for each person, the surest first: of boxes (N, 4) those over a surer one, or inside it, go."""
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] >= FOUND]
    boxes, scores = boxes[order], scores[order]
    left, kept = np.ones(len(boxes), bool), []
    for index in range(len(boxes)):
        if left[index]:
            kept.append(index)
            union, inside = overlaps(boxes[index], boxes)
            left &= (union < SAME) & (inside < INSIDE)
    return boxes[kept], scores[kept]


def overlaps(box: Floats, boxes: Floats) -> tuple[Floats, Floats]:
    """Of a box with each of others: intersection over union, and the share of the other that lies in it."""
    corner, end = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    shared = np.maximum(end - corner, 0).prod(1)
    own, others = np.maximum(box[2:] - box[:2], 0).prod(), np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(1)
    return shared / np.maximum(own + others - shared, 1e-6), shared / np.maximum(others, 1e-6)


def whole(boxes: Floats, shape: tuple[int, ...]) -> list[Box]:
    """Boxes (N, 4) in whole pixels inside a picture of this shape; what lies beside it is left out."""
    limits = np.array([shape[1], shape[0], shape[1], shape[0]])
    pixels = np.clip(np.rint(boxes), 0, limits).astype(int).tolist()
    return [(left, top, right, bottom) for left, top, right, bottom in pixels if left < right and top < bottom]


def closer(rgb: Rgb, box: Box, side: int) -> Rgb:
    """What is in a box and a little around it, in the middle of a grey square uint8 (side, side, 3)."""
    height, width = rgb.shape[:2]
    x, y = AROUND * (box[2] - box[0]), AROUND * (box[3] - box[1])
    left, top = max(0, round(box[0] - x)), max(0, round(box[1] - y))
    part = rgb[top : min(height, round(box[3] + y)), left : min(width, round(box[2] + x))]
    square = np.full((side, side, 3), GREY, np.uint8)
    Fitted.of(part.shape, side).put(part, square)
    return square


def upper(box: Box) -> Box:
    """The part of somebody's box from the chest up; all of it, where that is all that is seen."""
    left, top, right, bottom = box
    return left, top, right, min(bottom, top + round(UPPER * (right - left)))


def kind_of(share: Floats) -> tuple[str, float]:
    """The kind that the shares (`OUTFITS`, other clothes) speak for, and how much: "" where none has enough."""
    best = int(share[: len(OUTFITS)].argmax())
    said = share[best] >= SURE[OUTFITS[best]]
    return (OUTFITS[best], float(share[best])) if said else ("", float(1 - share[best]))


def create(*, device: str = "auto", threads: int = 0) -> TwoLooks:
    """Loads the detector that ships.

    Args:
        device, threads: see `cyclorama.matting.onnx.load`.

    Raises:
        ModelError: its weights are missing or damaged.
        DeviceError: the device was named and cannot be used.
    """
    from cyclorama.matting.onnx import load
    from cyclorama.matting.portrait import create_once

    finder, reader = (load(weights.path(name), device=device, threads=threads) for name in ("outfit", "outfit-clothes"))
    return TwoLooks(create_once(device=device, threads=threads), finder, reader)
