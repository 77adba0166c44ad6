"""Where things stand in the frame, and how they move: affine maps from a source picture to the frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cyclorama_training.data import Image, Person

Matrix = NDArray[np.floating[Any]]  # (2, 3), source x, y to frame x, y

TOUCH_ALPHA = 128  # a side of the cut-out with this much alpha on it was cut by the picture's frame
TALL = 1.9  # height over width of a box that shows a standing person
CLOSE_SHARE = 0.10  # people so near that the frame cuts them anywhere: a back, a coat, no head
FAR_SHARE = 0.25  # of people seen to their feet: far away in the room; the evaluation's pictures hang on it
# Of the frame. Where cloth fills it nothing says that it is worn: a curtain would be a person as well.
MOST_COVERED = 0.75
TRIES = 4
STAY: Matrix = np.hstack([np.eye(2), np.zeros((2, 1))])  # the identity
STILL_SHARE = 0.4  # of layers that do not move at all, as people before a webcam mostly do


@dataclass(frozen=True, slots=True)
class Layer:
    """Something in the frame.

    Attributes:
        rgb: uint8 (H, W, 3).
        alpha: uint8 (H, W), or None where it covers all.
        matrix: source to frame.
    """

    rgb: Image
    alpha: Image | None
    matrix: Matrix

    def shrunk(self) -> Layer:
        """The same in the frame, from a smaller source where the map shrinks much: warping alone would alias."""
        scale = float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2])))) * 1.25
        if scale >= 0.75:
            return self
        h, w = self.rgb.shape[:2]
        size = (max(1, round(w * scale)), max(1, round(h * scale)))
        linear = self.matrix[:, :2] @ np.diag([w / size[0], h / size[1]])
        rgb, alpha = (x if x is None else averaged(x, size) for x in (self.rgb, self.alpha))
        assert rgb is not None
        return Layer(rgb, alpha, np.hstack([linear, self.matrix[:, 2:]]))

    def covers(self, height: int, width: int) -> float:
        """Share of the frame that it covers, roughly."""
        assert self.alpha is not None
        rough = np.diag([1 / 8, 1 / 8]) @ self.matrix
        return float(cv2.warpAffine(self.alpha, rough, (width // 8, height // 8)).mean()) / 255

    def warp(self, move: Matrix, height: int, width: int) -> tuple[Image, Image | None]:
        """The layer moved by `move` (frame to frame), as rgb and alpha of the frame's size."""
        matrix = np.hstack([move[:, :2] @ self.matrix[:, :2], move[:, :2] @ self.matrix[:, 2:] + move[:, 2:]])
        border = cv2.BORDER_REFLECT_101 if self.alpha is None else cv2.BORDER_REPLICATE
        rgb = cv2.warpAffine(self.rgb, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=border)
        if self.alpha is None:
            return rgb, None  # type: ignore[return-value]
        return rgb, cv2.warpAffine(self.alpha, matrix, (width, height), flags=cv2.INTER_LINEAR)  # type: ignore[return-value]


def averaged(image: Image, size: tuple[int, int]) -> Image:
    """The image in a smaller size (width, height)."""
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def covering(shape: tuple[int, ...], height: int, width: int, at_x: float, at_y: float, zoom: float) -> Matrix:
    """Maps 1/zoom of the largest crop of the frame's aspect to the frame."""
    h, w = shape[:2]
    scale = max(height / h, width / w) * zoom
    left, top = (w - width / scale) * at_x, (h - height / scale) * at_y
    return np.array([[scale, 0.0, -left * scale], [0.0, scale, -top * scale]])


def place(
    rng: Generator, person: Person, height: int, width: int, *, small: bool, far_share: float = FAR_SHARE
) -> Matrix:
    """Puts a cut-out somewhere it could stand: a side cut by its old frame stays outside the new one."""
    _, w = person.alpha.shape
    top, bottom, left, right = person.box
    edge = person.alpha > TOUCH_ALPHA
    cut_bottom, cut_left, cut_right = bool(edge[-1].any()), bool(edge[:, 0].any()), bool(edge[:, -1].any())

    box_height, box_width = bottom - top, right - left
    close = not small and rng.random() < CLOSE_SHARE
    far = not close and not cut_bottom and rng.random() < far_share
    if box_height > TALL * box_width and not far and rng.random() < 0.5:
        # Head and shoulders of a standing person: what a webcam sees.
        box_height = max(8, round(box_height * float(rng.uniform(0.22, 0.6))))
        bottom, cut_bottom = top + box_height, True
    low, high = (0.35, 0.9) if small else (0.45, 1.05)
    if far:
        low, high = 0.07, 0.35
    if cut_bottom:
        low, high = max(low, 0.4), high + 0.15
    if close:
        low, high = 1.1, 2.0
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
    tall = box_height * scale
    if close:
        base = float(rng.uniform(height, max(height, 0.4 * height + tall)))
    elif cut_bottom:
        # The cut stays outside; where the person is larger than the frame, the head stays inside.
        head_room = float(rng.uniform(-0.02, 0.15)) * height
        base = max(height * (1 + float(rng.uniform(0.0, 0.06))), head_room + tall)
    else:
        base = float(rng.uniform(min(1.0, tall / height), 1.04)) * height

    return standing(((left + right) / 2, bottom), (centre_x, base), scale, angle, stretch)


def standing(
    foot: tuple[float, float], at: tuple[float, float], scale: float, degrees: float, stretch: float = 1.0
) -> Matrix:
    """Maps `foot`, x and y in the source, to `at` in the frame, scaled and turned about it; `stretch` is of widths."""
    turn = np.deg2rad(degrees)
    a, b = np.cos(turn) * scale, np.sin(turn) * scale
    linear = np.array([[a * stretch, -b], [b * stretch, a]])
    shift = np.array(at) - linear @ np.array(foot)
    return np.hstack([linear, shift[:, None]])


def motion(rng: Generator, frames: int, height: int, width: int, *, speed: float = 1.0) -> list[Matrix]:
    """A map for each frame, the first one the identity: drifting, turning and growing about the middle, or at rest.

    Args:
        speed: 1 for people; rooms, which move with the camera, are slower.
    """
    if frames == 1 or rng.random() < STILL_SHARE:
        return [STAY] * frames
    fast = speed * float(rng.choice([0.3, 1.0, 2.5]))
    drift = rng.normal(0, 0.02 * fast, 2) * (width, height)
    turn, grow = np.deg2rad(rng.normal(0, 1.0 * fast)), rng.normal(0, 0.008 * fast)
    sway, phase = rng.uniform(0.3, 2.0), rng.uniform(0, 2 * np.pi)
    pause = rng.integers(1, frames) if rng.random() < 0.3 else frames
    middle = np.array([width / 2, height / 2])
    moves: list[Matrix] = [STAY]
    for t in range(1, frames):
        # Half of the way even, half to and fro; after the pause it rests.
        way = min(t, pause)
        way = 0.5 * way + 0.5 * (np.sin(phase + sway * way) - np.sin(phase)) / sway
        angle, size = turn * way, np.exp(grow * way)
        linear = size * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        moves.append(np.hstack([linear, (middle + drift * way - linear @ middle)[:, None]]))
    return moves


class Bend:
    """Limbs of a cut-out that move by themselves: a smooth field of shifts that comes and goes from frame to frame."""

    def __init__(self, rng: Generator, height: int, width: int) -> None:
        grid = rng.normal(0, 0.03, (5, 5, 2)).astype(np.float32) * np.float32(min(height, width))
        self.field = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        self.at = np.dstack([x, y])
        self.pace, self.phase = float(rng.uniform(0.2, 1.5)), float(rng.uniform(0, 2 * np.pi))

    def apply(self, image: Image, frame: int) -> Image:
        amount = np.float32(np.sin(self.phase + self.pace * frame))
        at = self.at + self.field * amount
        return cv2.remap(  # type: ignore[return-value]
            image, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
