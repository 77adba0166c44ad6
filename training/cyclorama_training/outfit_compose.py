"""Pictures for the outfit detector to learn from: people of every class in front of everything, all equally spoilt.

Nearly each class comes from one data set, with one kind of place, resolution and shape. So that clothes are all
that tells them apart, people are cut out and put into rooms and into each other's places, and every picture is
stretched, shrunk, compressed and cropped alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cyclorama.outfit import GREY, Fitted
from cyclorama_training.data import Image
from cyclorama_training.geometry import covering
from cyclorama_training.outfit_data import CLASSES, Box, Scene, Wearer

ASPECTS = (1.0, 4 / 3, 16 / 9, 3 / 4, 9 / 16)  # width over height of frames that people bring
PEOPLE = (1, 2, 3, 4, 6, 9)
PEOPLE_CHANCE = (0.5, 0.22, 0.12, 0.08, 0.05, 0.03)
EMPTY_SHARE = 0.05  # of composed pictures: rooms and places with nobody in them
BUST_SHARE = 0.4  # of upright people: cut below the chest, as before a webcam
MOST_HIDDEN = 0.5  # of a person's box by those in front
TRIES = 6
STRETCH = 0.22  # standard deviation of the logarithm of width over height; 224 px squares are squashed by 0.4
SMALLEST = 0.05  # of the frame's long side: boxes below it are not asked for
# How often each is drawn beside the others of its class: names begin so. What is not listed has 1.
WEIGHT = {"beachwear/swim": 2.0, "workwear/flickr8k": 2.0, "workwear/ccp": 1.5, "workwear/vikram": 3.0, "work/": 0.7}


@dataclass(frozen=True, slots=True)
class Picture:
    """What the network gets.

    Attributes:
        rgb: uint8 (S, S, 3).
        kinds: int64 (N,), indices of `CLASSES`.
        boxes: float32 (N, 4): centre x, centre y, width, height, in parts of S.
    """

    rgb: Image
    kinds: NDArray[np.int64]
    boxes: NDArray[np.float32]


@dataclass(slots=True)
class Composer:
    """Draws pictures: people cut out before backgrounds, or whole scenes as they were.

    Attributes:
        people, scenes: of each class, not empty.
        backgrounds: rooms, and places without the people that were there.
        whole_share: of whole scenes among the pictures.
    """

    people: Mapping[str, Sequence[Wearer]]
    scenes: Mapping[str, Sequence[Scene]]
    backgrounds: Sequence[Image]
    whole_share: float = 0.25
    chances: dict[str, NDArray[np.float64]] = field(init=False)

    def __post_init__(self) -> None:
        self.chances = {kind: shares([w.name for w in people]) for kind, people in self.people.items()}

    def draw(self, rng: Generator, size: int) -> Picture:
        """A picture of `size` pixels a side, with everything done to it that training does."""
        rgb, boxes = self.frame(rng, size)
        return fitted(spoil(rng, rgb), boxes, size)

    def frame(self, rng: Generator, size: int) -> tuple[Image, list[tuple[str, Box]]]:
        """A whole scene or a composed one, perhaps mirrored, whose long side is at most `size`."""
        rgb, boxes = self.whole(rng, size) if rng.random() < self.whole_share else self.composed(rng, size)
        return mirrored(rgb, boxes) if rng.random() < 0.5 else (rgb, boxes)

    def composed(self, rng: Generator, size: int) -> tuple[Image, list[tuple[str, Box]]]:
        """People before a background, in a frame of a common shape whose long side is `size`."""
        aspect = ASPECTS[int(rng.integers(len(ASPECTS)))]
        width, height = (size, round(size / aspect)) if aspect >= 1 else (round(size * aspect), size)
        frame = self.background(rng, width, height)
        boxes: list[tuple[str, Box]] = []
        if rng.random() < EMPTY_SHARE:
            return frame, boxes
        count = int(rng.choice(PEOPLE, p=PEOPLE_CHANCE))
        # Who stands in front is larger.
        tall = np.sort(np.exp(rng.uniform(np.log(0.2), np.log(1.5 if count < 3 else 0.8), count)))
        for share in tall:
            kind = CLASSES[int(rng.integers(len(CLASSES)))]
            wearer = self.people[kind][int(rng.choice(len(self.chances[kind]), p=self.chances[kind]))]
            rgb, alpha = figure(rng, wearer, float(share) * height)
            for _ in range(TRIES):
                place = stand(rng, wearer.cut, alpha.shape, width, height)
                box = inside((place[0], place[1], place[0] + alpha.shape[1], place[1] + alpha.shape[0]), width, height)
                if box is not None and not any(hidden(old, box) > MOST_HIDDEN for _, old in boxes):
                    paste(frame, rgb, alpha, *place)
                    boxes.append((kind, box))
                    break
        return frame, boxes

    def background(self, rng: Generator, width: int, height: int) -> Image:
        picture = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
        at_x, at_y, zoom = float(rng.uniform()), float(rng.uniform()), float(rng.uniform(1, 1.8))
        matrix = covering(picture.shape, height, width, at_x, at_y, zoom)
        return cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR)  # type: ignore[return-value]

    def whole(self, rng: Generator, size: int) -> tuple[Image, list[tuple[str, Box]]]:
        """A scene as it was: cropped, stretched and scaled."""
        kind = CLASSES[int(rng.integers(len(CLASSES)))]
        chosen = self.scenes[kind][int(rng.integers(len(self.scenes[kind])))]
        h, w = chosen.rgb.shape[:2]
        # A crop that keeps most of the largest person.
        left, top, right, bottom = chosen.boxes[0][1]
        amount = rng.uniform(0, 1, 4) * (rng.random() < 0.6)
        x0, y0 = int(amount[0] * (left + 0.15 * (right - left))), int(amount[1] * (top + 0.05 * (bottom - top)))
        x1 = w - int(amount[2] * (w - right + 0.15 * (right - left)))
        y1 = h - int(amount[3] * (h - bottom + 0.5 * (bottom - top)))
        scale = size / max(x1 - x0, y1 - y0) * float(rng.uniform(0.7, 1.0))
        stretch = float(np.exp(rng.normal(0, STRETCH / 2)))
        fx, fy = scale * min(1.0, stretch), scale * min(1.0, 1 / stretch)
        out = (max(8, round((x1 - x0) * fx)), max(8, round((y1 - y0) * fy)))
        rgb = cv2.resize(chosen.rgb[y0:y1, x0:x1], out, interpolation=cv2.INTER_AREA)
        boxes = []
        for name, box in chosen.boxes:
            moved = tuple(round((v - o) * f) for v, o, f in zip(box, (x0, y0, x0, y0), (fx, fy, fx, fy), strict=True))
            kept = inside(moved, *out)  # type: ignore[arg-type]
            if kept is not None:
                boxes.append((name, kept))
        return rgb, boxes  # type: ignore[return-value]


def shares(names: Sequence[str]) -> NDArray[np.float64]:
    weights = np.array([next((w for start, w in WEIGHT.items() if name.startswith(start)), 1.0) for name in names])
    return weights / weights.sum()


def figure(rng: Generator, wearer: Wearer, tall: float) -> tuple[Image, Image]:
    """A cut-out scaled to a height, perhaps its upper part alone, stretched and in other light."""
    rgb, alpha = wearer.rgb, wearer.alpha
    h, w = alpha.shape
    if h > 1.6 * w and rng.random() < BUST_SHARE:
        keep = round(h * float(rng.uniform(0.3, 0.7)))
        columns = np.flatnonzero((alpha[:keep] > 127).any(0))
        if len(columns):
            part = (slice(0, keep), slice(int(columns[0]), int(columns[-1]) + 1))
            rgb, alpha = rgb[part], alpha[part]
            tall *= 1.2
            h, w = alpha.shape
    scale = tall / h
    stretch = float(np.exp(rng.normal(0, STRETCH)))
    size = (max(4, round(w * scale * stretch**0.5)), max(8, round(h * scale / stretch**0.5)))
    rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)  # type: ignore[assignment]
    alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)  # type: ignore[assignment]
    gain = np.exp(rng.normal(0, 0.18) + rng.normal(0, 0.06, 3))
    ramp = np.clip(np.arange(256)[:, None] / 255, 0, 1) ** np.exp(rng.normal(0, 0.15)) * gain
    return recoloured(rgb, ramp), alpha


def recoloured(rgb: Image, ramp: NDArray[np.float64]) -> Image:
    """Each channel through its column of a table (256, 3) of 0 ... 1."""
    table = np.clip(np.rint(ramp * 255), 0, 255).astype(np.uint8)
    return cv2.LUT(rgb, table[:, None, :])  # type: ignore[return-value]


def stand(
    rng: Generator, cut: tuple[bool, bool, bool, bool], shape: tuple[int, ...], width: int, height: int
) -> tuple[int, int]:
    """Left and top of a figure: where the old frame cut it, mostly the new one does."""
    h, w = shape[:2]
    low, high = sorted((-0.15 * w, width - 0.85 * w))
    left = rng.uniform(low, high)
    if rng.random() < 0.7:
        if cut[0] != cut[2]:
            left = 0 if cut[0] else width - w
        elif cut[0]:
            left = (width - w) / 2
    low, high = sorted((height - h, 0.1 * height))
    top = rng.uniform(low, high)
    if cut[3] and rng.random() < 0.7:
        top = height - h * rng.uniform(0.75, 1.0)
    if h > height:
        top = rng.uniform(-0.05, 0.1) * height  # the head stays inside
    return round(left), round(top)


def paste(frame: Image, rgb: Image, alpha: Image, left: int, top: int) -> None:
    """Blends a figure into a frame, in place."""
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + rgb.shape[1]), min(height, top + rgb.shape[0])
    share = alpha[y0 - top : y1 - top, x0 - left : x1 - left].astype(np.float32)[..., None] / 255
    part = frame[y0:y1, x0:x1]
    part[:] = np.rint(part + (rgb[y0 - top : y1 - top, x0 - left : x1 - left].astype(np.float32) - part) * share)


def inside(box: Box, width: int, height: int) -> Box | None:
    """The part of a box inside the frame; None where it is next to nothing, or less than 0.3 of the box."""
    x0, y0, x1, y1 = max(0, box[0]), max(0, box[1]), min(width, box[2]), min(height, box[3])
    if x1 <= x0 or y1 <= y0 or (x1 - x0) * (y1 - y0) < 0.3 * (box[2] - box[0]) * (box[3] - box[1]):
        return None
    return (x0, y0, x1, y1) if max(x1 - x0, y1 - y0) >= SMALLEST * max(width, height) else None


def hidden(behind: Box, front: Box) -> float:
    """Share of a box that another covers."""
    w = min(behind[2], front[2]) - max(behind[0], front[0])
    h = min(behind[3], front[3]) - max(behind[1], front[1])
    return max(0, w) * max(0, h) / ((behind[2] - behind[0]) * (behind[3] - behind[1]))


def mirrored(rgb: Image, boxes: list[tuple[str, Box]]) -> tuple[Image, list[tuple[str, Box]]]:
    width = rgb.shape[1]
    turned = [(kind, (width - right, top, width - left, bottom)) for kind, (left, top, right, bottom) in boxes]
    return np.ascontiguousarray(rgb[:, ::-1]), turned


def spoil(rng: Generator, rgb: Image) -> Image:
    """Light, softness, noise, grey and compression: the same for all classes."""
    h, w = rgb.shape[:2]
    if rng.random() < 0.5:
        share = float(rng.uniform(0.35, 0.9))
        small = cv2.resize(rgb, (max(8, round(w * share)), max(8, round(h * share))), interpolation=cv2.INTER_AREA)
        rgb = cv2.resize(small, (w, h), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    gain = np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.05, 3))
    rgb = recoloured(rgb, (np.arange(256)[:, None] / 255) ** np.exp(rng.normal(0, 0.2)) * gain)
    if rng.random() < 0.06:
        rgb = cv2.cvtColor(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)  # type: ignore[assignment]
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(1, 10), (h, w, 1)).astype(np.float32)
        rgb = np.clip(rgb + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        _, packed = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))])
        rgb = cv2.imdecode(packed, cv2.IMREAD_COLOR)  # type: ignore[assignment]
    return rgb


def fitted(rgb: Image, boxes: Sequence[tuple[str, Box]], size: int) -> Picture:
    """A picture on the network's grey square, as the detector puts it there."""
    fit = Fitted.of(rgb.shape, size)
    square = np.full((size, size, 3), GREY, np.uint8)
    fit.put(rgb, square)
    corners = fit.into_square(np.array([box for _, box in boxes], np.float32).reshape(-1, 4)) / size
    middle, extent = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
    kinds = np.array([CLASSES.index(kind) for kind, _ in boxes], np.int64)
    return Picture(square, kinds, np.hstack([middle, extent]).astype(np.float32))
