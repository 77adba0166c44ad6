"""The fixed validation pictures and the figures of a matting function on them while it is trained."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cyclorama.band import working_size
from cyclorama_training.compose import Composer, Float, Track, render
from cyclorama_training.data import Image, Person, Room
from cyclorama_training.geometry import STAY, Layer, covering
from cyclorama_training.metrics import iou, mad

SEED = 20261121
LONG_SIDE = 512
EMPTY_SHAPE = (288, 512)
STRIDE = 32  # of the networks: pictures come in these steps, so that nothing is resized on the way

Predict = Callable[[Image], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Report:
    """Figures on the validation pictures.

    Attributes:
        iou: mean over pictures of the intersection over union at 0.5.
        mad: mean absolute difference of alpha.
        empty_mean, empty_worst: mean alpha over the empty rooms, and of the worst of them.
    """

    iou: float
    mad: float
    empty_mean: float
    empty_worst: float

    @property
    def score(self) -> float:
        """What checkpoints are chosen by, lower is better: a person seen in an empty room costs as well."""
        return self.mad + self.empty_mean

    def figures(self) -> dict[str, float]:
        return {
            "iou": self.iou,
            "mad": self.mad,
            "empty_mean": self.empty_mean,
            "empty_worst": self.empty_worst,
        }

    def line(self) -> str:
        return (
            f"IoU {self.iou:.4f}  MAD {self.mad * 1e3:.1f}e-3  "
            f"empty rooms {self.empty_mean * 100:.2f} % mean, {self.empty_worst * 100:.2f} % worst"
        )


@dataclass(frozen=True, slots=True)
class Picture:
    """A validation picture: rgb uint8 (H, W, 3), alpha float32 (H, W) in [0, 1]."""

    name: str
    rgb: Image
    alpha: Float


@dataclass(frozen=True, slots=True)
class ValidationSet:
    pictures: Sequence[Picture]
    empty: Sequence[Picture]

    @classmethod
    def compose(cls, composer: Composer, every: int = 1) -> ValidationSet:
        """Each held-back person once, in the framing of the own picture, over a held-back room: the same at every call.

        Args:
            every: takes one person in this many.
        """
        people = composer.people[::every]
        nobody = np.zeros(EMPTY_SHAPE, np.float32)
        return cls(
            [over_a_room(seeded(person.name), composer.rooms, person) for person in people],
            [Picture(room.name, whole_room(room.picture), nobody) for room in composer.rooms],
        )

    def measure(self, predict: Predict) -> Report:
        pairs = [(predict(p.rgb), p.alpha) for p in self.pictures]
        empty = [float(predict(p.rgb).mean()) for p in self.empty]
        return Report(
            iou=float(np.mean([iou(p, t) for p, t in pairs])),
            mad=float(np.mean([mad(p, t) for p, t in pairs])),
            empty_mean=float(np.mean(empty)),
            empty_worst=float(np.max(empty)),
        )


def seeded(*names: str) -> Generator:
    """Random numbers fixed by names: who is dropped or added leaves the pictures of the others as they are."""
    digest = hashlib.sha256("\n".join(names).encode()).digest()
    return np.random.default_rng((SEED, int.from_bytes(digest[:8], "big")))


def over_a_room(rng: Generator, rooms: Sequence[Room], person: Person) -> Picture:
    """A person in the framing of the own picture, over one of the rooms."""
    own_height, own_width = person.alpha.shape
    height, width = working_size(own_height, own_width, LONG_SIDE, STRIDE)
    room = rooms[int(rng.integers(len(rooms)))]
    at = float(rng.random()), float(rng.random()), float(rng.uniform(1.0, 1.3))
    behind = Layer(room.picture, None, covering(room.picture.shape, height, width, *at)).shrunk()
    whole = covering(person.alpha.shape, height, width, 0.5, 0.5, 1.0)
    cut_out = Layer(person.foreground, person.alpha, whole).shrunk()
    rgb, alpha = render(Track(behind, [STAY], person=False), [Track(cut_out, [STAY], person=True)], height, width, 1)
    return Picture(f"{person.name} in {room.name}", rgb[0], alpha[0])


def whole_room(room: Image) -> Image:
    """As much of the room as the shape holds, from its middle."""
    height, width = EMPTY_SHAPE
    h, w = room.shape[:2]
    scale = max(height / h, width / w)
    crop_h, crop_w = min(h, round(height / scale)), min(w, round(width / scale))
    top, left = (h - crop_h) // 2, (w - crop_w) // 2
    crop = room[top : top + crop_h, left : left + crop_w]
    return cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
