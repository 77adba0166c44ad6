"""What the network sees: people pasted into rooms they were never in, then a bad camera.

Everything is drawn from a NumPy generator that the caller seeds, so that a validation picture is the
same picture on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cyclorama_training.data import SOURCE_WEIGHT, Image, Person

Float = NDArray[np.floating[Any]]  # float32 in truth; NumPy's stubs widen it at every division

EMPTY_SHARE = 0.10  # an empty room must give an empty matte
ORIGINAL_SHARE = 0.28  # true pictures: real shadows, real contact, held objects
# Pieces of other rooms pasted in without a label. Without them a network learns that whatever was pasted, or
# simply stands out, is a person: rockets, machines, the dog's frisbee.
DECOY_SHARE = 0.25
# Pieces pasted over the people: desks, screens, bags. More of them, and a plain black coat becomes a thing
# that stands before somebody.
OCCLUDER_SHARE = 0.02
DARK_SHARE = 0.15  # people in black, or against the light
PEOPLE_COUNTS = (0.70, 0.21, 0.09)  # one, two, three people pasted into one room
TOUCH_ALPHA = 128  # a side of the cut-out with this much alpha on it was cut by the picture's frame
TALL = 1.9  # height over width of a box that shows a standing person


@dataclass(frozen=True, slots=True)
class Sample:
    """A training picture: rgb uint8 (H, W, 3), alpha float32 (H, W) in [0, 1]."""

    rgb: Image
    alpha: Float


class Composer:
    """Draws samples from lists of people and rooms."""

    def __init__(self, people: Sequence[Person], rooms: Sequence[Image]) -> None:
        if not people or not rooms:
            raise ValueError(f"expected people and rooms, got {len(people)} and {len(rooms)}")
        self.people, self.rooms = people, rooms
        sources = [p.name.split("/")[0] for p in people]
        weights = np.array([SOURCE_WEIGHT.get(s, 0.1) / sources.count(s) for s in sources])
        self.weights = weights / weights.sum()
        whole = weights * np.array([p.whole for p in people])
        self.whole_weights = whole / whole.sum() if whole.any() else None

    def sample(self, rng: Generator, height: int, width: int, *, hard: bool = True) -> Sample:
        """Draws one picture.

        Args:
            hard: with everything that a bad camera does; without, only compositing (for validation).
        """
        kind = rng.random()
        if hard and kind < EMPTY_SHARE:
            rgb: Float = self._room(rng, height, width).astype(np.float32) / 255
            if rng.random() < DECOY_SHARE:
                rgb, _ = self._paste_piece(rng, rgb)
            alpha: Float = np.zeros((height, width), np.float32)
        elif hard and kind < EMPTY_SHARE + ORIGINAL_SHARE and self.whole_weights is not None:
            rgb, alpha = self._original(rng, height, width)
        else:
            rgb, alpha = self._composite(rng, height, width, hard=hard)
        if rng.random() < 0.5:
            rgb, alpha = rgb[:, ::-1], alpha[:, ::-1]
        if hard:
            rgb = camera(rng, rgb)
        alpha = np.ascontiguousarray(np.clip(alpha, 0, 1), np.float32)  # rounding may leave it by 1e-7
        return Sample(np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8), alpha)

    def empty(self, index: int, height: int, width: int) -> Image:
        """The whole of one room, cropped to the shape from its middle."""
        return cover(self.rooms[index], height, width, 0.5, 0.5, 1.0)

    def _room(self, rng: Generator, height: int, width: int) -> Image:
        if rng.random() < 0.05:
            return plain(rng, height, width)
        room = self.rooms[int(rng.integers(len(self.rooms)))]
        zoom = float(rng.uniform(1.0, 1.8))
        return cover(room, height, width, float(rng.random()), float(rng.random()), zoom)

    def _original(self, rng: Generator, height: int, width: int) -> tuple[Float, Float]:
        person = self.people[rng.choice(len(self.people), p=self.whole_weights)]
        at = float(rng.random()), float(rng.random())
        zoom = float(rng.uniform(1.0, 1.5))
        rgb = cover(person.picture, height, width, *at, zoom)
        alpha = cover(person.alpha, height, width, *at, zoom)
        return rgb.astype(np.float32) / 255, alpha.astype(np.float32) / 255

    def _composite(self, rng: Generator, height: int, width: int, *, hard: bool) -> tuple[Float, Float]:
        rgb: Float = self._room(rng, height, width).astype(np.float32) / 255
        if hard and rng.random() < 0.35:
            rgb = cv2.GaussianBlur(rgb, (0, 0), float(rng.uniform(0.5, 6.0)) * height / 256)  # type: ignore[assignment]
        if hard:
            rgb = light(rng, rgb, 0.5)
        if hard and rng.random() < DECOY_SHARE:
            rgb, _ = self._paste_piece(rng, rgb)
        total: Float = np.zeros((height, width), np.float32)
        count = 1 + int(rng.choice(len(PEOPLE_COUNTS), p=PEOPLE_COUNTS))
        for _ in range(count):
            person = self.people[rng.choice(len(self.people), p=self.weights)]
            foreground, alpha = place(rng, person, height, width, small=count > 1)
            if hard:
                if rng.random() < DARK_SHARE:
                    foreground = foreground * np.float32(rng.uniform(0.08, 0.45))
                foreground = match_light(rng, light(rng, foreground, 0.35), rgb, alpha)
            a = alpha[..., None]
            rgb = foreground * a + rgb * (1 - a)
            total = 1 - (1 - total) * (1 - alpha)
        if hard and rng.random() < OCCLUDER_SHARE:
            rgb, covered = self._paste_piece(rng, rgb)
            total = total * (1 - covered)
        return rgb, total

    def _paste_piece(self, rng: Generator, rgb: Float) -> tuple[Float, Float]:
        """Pastes a piece of another room, cut as a simple shape or as a person; returns its alpha as well."""
        height, width = rgb.shape[:2]
        if rng.random() < 0.5:
            person = self.people[rng.choice(len(self.people), p=self.weights)]
            _, alpha = place(rng, person, height, width, small=True)
        else:
            alpha = shape(rng, height, width)
        piece = light(rng, self._room(rng, height, width).astype(np.float32) / 255, 0.5)
        a = alpha[..., None]
        return piece * a + rgb * (1 - a), alpha


def shape(rng: Generator, height: int, width: int) -> Float:
    """Alpha of a box, an ellipse or a polygon somewhere in the picture, with an edge as soft as a cut-out's."""
    size = rng.uniform(0.15, 0.7) * min(height, width)
    centre = rng.uniform(0.05, 0.95, 2) * (width, height)
    corners = int(rng.choice([4, 5, 7, 24]))
    turn = np.sort(rng.uniform(0, 2 * np.pi, corners)) if corners < 24 else np.linspace(0, 2 * np.pi, corners)
    stretch = np.exp(rng.normal(0, 0.4))
    points = np.column_stack([np.cos(turn) * stretch, np.sin(turn) / stretch]) * size / 2 + centre
    mask = np.zeros((height, width), np.float32)
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 1.0)
    return cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(0.4, 1.2)))  # type: ignore[return-value]


def plain(rng: Generator, height: int, width: int) -> Image:
    """A wall of one colour with a soft gradient over it."""
    colour = rng.uniform(20, 255, 3)
    slope = rng.uniform(-40, 40, 2)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    shade = slope[0] * (y / height - 0.5) + slope[1] * (x / width - 0.5)
    return np.clip(colour + shade[..., None], 0, 255).astype(np.uint8)


def cover(image: Image, height: int, width: int, at_x: float, at_y: float, zoom: float) -> Image:
    """Crops `image` to the shape's aspect, 1/zoom of the largest such crop, and resizes it."""
    h, w = image.shape[:2]
    scale = max(height / h, width / w) * zoom
    crop_h, crop_w = min(h, max(1, round(height / scale))), min(w, max(1, round(width / scale)))
    top, left = round((h - crop_h) * at_y), round((w - crop_w) * at_x)
    crop = image[top : top + crop_h, left : left + crop_w]
    method = cv2.INTER_AREA if crop_h > height else cv2.INTER_LINEAR
    return cv2.resize(crop, (width, height), interpolation=method)  # type: ignore[return-value]


def place(rng: Generator, person: Person, height: int, width: int, *, small: bool) -> tuple[Float, Float]:
    """Pastes a cut-out somewhere it could stand: a side cut by its old frame stays outside the new one.

    Returns:
        foreground float32 (height, width, 3) and alpha float32 (height, width), both in [0, 1].
    """
    h, w = person.alpha.shape
    ys, xs = np.flatnonzero((person.alpha > 26).any(1)), np.flatnonzero((person.alpha > 26).any(0))
    top, bottom, left, right = int(ys[0]), int(ys[-1]) + 1, int(xs[0]), int(xs[-1]) + 1
    edge = person.alpha > TOUCH_ALPHA
    cut_bottom, cut_left, cut_right = bool(edge[-1].any()), bool(edge[:, 0].any()), bool(edge[:, -1].any())

    box_height, box_width = bottom - top, right - left
    if box_height > TALL * box_width and rng.random() < 0.5:
        # Head and shoulders of a standing person: what a webcam sees.
        box_height = max(8, round(box_height * float(rng.uniform(0.22, 0.6))))
        bottom, cut_bottom = top + box_height, True
    low, high = (0.35, 0.9) if small else (0.45, 1.05)
    if rng.random() < 0.12:
        low, high = 0.15, 0.4
    if cut_bottom:
        low, high = max(low, 0.4), high + 0.15
    scale = float(rng.uniform(low, high)) * height / box_height
    stretch = float(np.exp(rng.normal(0, 0.08)))
    angle = 0.0 if cut_left or cut_right else float(rng.normal(0, 4.0 if cut_bottom else 8.0))

    if cut_left and cut_right:
        scale = max(scale, width / (w * stretch))
        centre_x = width / 2 + (left + right - w) / 2 * scale * stretch
    elif cut_left:
        centre_x = box_width * scale * stretch / 2
    elif cut_right:
        centre_x = width - box_width * scale * stretch / 2
    else:
        centre_x = float(rng.uniform(0.1, 0.9)) * width if rng.random() < 0.5 else float(rng.normal(0.5, 0.12)) * width
    if cut_bottom:
        # The cut stays outside; where the person is larger than the frame, the head stays inside.
        head_room = float(rng.uniform(-0.02, 0.15)) * height
        base = max(height * (1 + float(rng.uniform(0.0, 0.06))), head_room + box_height * scale)
    else:
        base = float(rng.uniform(min(1.0, scale * box_height / height), 1.04)) * height

    # Shrink first where the step is large: warping alone would alias.
    shrink = min(1.0, scale * 1.25)
    foreground, alpha = person.foreground, person.alpha
    if shrink < 0.75:
        size = (max(1, round(w * shrink)), max(1, round(h * shrink)))
        foreground = cv2.resize(foreground, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    else:
        shrink = 1.0
    turn = np.deg2rad(angle)
    a, b = np.cos(turn) * scale / shrink, np.sin(turn) * scale / shrink
    anchor = np.array([(left + right) / 2 * shrink, bottom * shrink])
    linear = np.array([[a * stretch, -b], [b * stretch, a]])
    shift = np.array([centre_x, base]) - linear @ anchor
    matrix = np.hstack([linear, shift[:, None]])
    warped = cv2.warpAffine(
        foreground, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    covered = cv2.warpAffine(alpha, matrix, (width, height), flags=cv2.INTER_LINEAR)
    return warped.astype(np.float32) / 255, covered.astype(np.float32) / 255


def light(rng: Generator, rgb: Float, strength: float) -> Float:
    """Exposure, gamma, white balance and saturation, as a lamp or a camera's automatic would change them."""
    gain = np.exp(rng.normal(0, 0.35 * strength)) * np.exp(rng.normal(0, 0.15 * strength, 3))
    gamma = float(np.exp(rng.normal(0, 0.35 * strength)))
    out = np.power(np.clip(rgb * gain.astype(np.float32), 0, 1), gamma, dtype=np.float32)
    saturation = np.float32(np.exp(rng.normal(0, 0.4 * strength)))
    grey = out.mean(2, keepdims=True)
    return np.clip(grey + (out - grey) * saturation, 0, 1)


def match_light(rng: Generator, foreground: Float, room: Float, alpha: Float) -> Float:
    """Moves the person's mean colour towards the room's by a random share: hard cases are the alike ones."""
    covered = float(alpha.sum())
    if covered < 1 or rng.random() < 0.4:
        return foreground
    share = float(rng.uniform(0, 0.8))
    ours = (foreground * alpha[..., None]).sum((0, 1)) / covered
    theirs = room.mean((0, 1))
    gain = ((1 - share) * ours + share * theirs + 0.02) / (ours + 0.02)
    return np.clip(foreground * gain.astype(np.float32), 0, 1)


def camera(rng: Generator, rgb: Float) -> Float:
    """Light, blur, low resolution, noise and JPEG of a cheap camera; each only sometimes."""
    rgb = np.ascontiguousarray(rgb, np.float32)
    height, width = rgb.shape[:2]
    if rng.random() < 0.8:
        rgb = light(rng, rgb, 0.7)
    if rng.random() < 0.08:  # a dark room
        rgb = rgb * np.float32(rng.uniform(0.15, 0.5))
    if rng.random() < 0.05:
        rgb = np.repeat(rgb.mean(2, keepdims=True), 3, 2)
    if rng.random() < 0.15:
        rgb = cv2.GaussianBlur(rgb, (0, 0), float(rng.uniform(0.4, 1.4)))  # type: ignore[assignment]
    if rng.random() < 0.08:
        rgb = motion_blur(rng, rgb)
    if rng.random() < 0.15:
        shrink = float(rng.uniform(0.4, 0.9))
        little = cv2.resize(rgb, (int(width * shrink), int(height * shrink)), interpolation=cv2.INTER_AREA)
        rgb = cv2.resize(little, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    if rng.random() < 0.35:
        noise = rng.standard_normal((height, width, 3), dtype=np.float32)
        rgb = rgb + noise * np.float32(rng.uniform(0.004, 0.06))
    if rng.random() < 0.35:
        quality = int(rng.integers(30, 95))
        _, data = cv2.imencode(
            ".jpg", np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality]
        )
        rgb = cv2.imdecode(data, cv2.IMREAD_COLOR).astype(np.float32) / 255  # type: ignore[union-attr]
    return rgb


def motion_blur(rng: Generator, rgb: Float) -> Float:
    length = int(rng.integers(3, 10))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), float(rng.uniform(0, 180)), 1)
    kernel = cv2.warpAffine(kernel, turn, (length, length))  # type: ignore[assignment]
    return cv2.filter2D(rgb, -1, kernel / max(float(kernel.sum()), 1e-3))  # type: ignore[return-value]
