"""The fixed validation pictures and the figures of a matting function on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cyclorama_training.compose import Composer, Sample
from cyclorama_training.data import Image
from cyclorama_training.metrics import iou, mad

EMPTY_ROOMS = 24
SEED = 20261121
# Long side 512; a webcam's, a portrait's and a square picture's shape.
SHAPES = ((288, 512), (512, 384), (512, 512))

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
class ValidationSet:
    samples: Sequence[Sample]
    empty: Sequence[Image]

    @classmethod
    def compose(cls, composer: Composer, pictures: int) -> ValidationSet:
        """Held-back people over held-back rooms, the same at every call."""
        samples = []
        for index in range(pictures):
            rng = np.random.default_rng((SEED, index))
            samples.append(composer.sample(rng, *SHAPES[index % len(SHAPES)], hard=False))
        count = min(EMPTY_ROOMS, len(composer.rooms))
        return cls(samples, [composer.empty(i, *SHAPES[0]) for i in range(count)])

    def measure(self, predict: Predict) -> Report:
        pairs = [(predict(s.rgb), s.alpha) for s in self.samples]
        empty = [float(predict(room).mean()) for room in self.empty]
        return Report(
            iou=float(np.mean([iou(p, t) for p, t in pairs])),
            mad=float(np.mean([mad(p, t) for p, t in pairs])),
            empty_mean=float(np.mean(empty)),
            empty_worst=float(np.max(empty)),
        )
