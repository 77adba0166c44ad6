"""A detector that tests make, and a picture of somebody for it: a disc before a green wall."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cyclorama.outfit import Box
from cyclorama.types import Outfit
from made import scene


class MadeDetector:
    """Says of every picture the same, and remembers the last matte that it was handed."""

    device, note = "cpu", ""

    def __init__(self, outfits: list[Outfit]) -> None:
        self.outfits = outfits
        self.alpha: NDArray[np.float32] | None = None

    def detect(self, rgb: NDArray[np.uint8], alpha: NDArray[np.float32] | None = None) -> list[Outfit]:
        self.alpha = alpha
        return self.outfits

    def find(self, rgb: NDArray[np.uint8], alpha: NDArray[np.float32]) -> list[Box]:
        return [each.box for each in self.outfits]


def on_green(height: int = 180, width: int = 240) -> NDArray[np.uint8]:
    return scene(height, width, room=(0, 177, 64), subject=(200, 90, 70)).rgb
