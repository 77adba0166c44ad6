"""A keyer for real green screens: no network, the same result on every machine."""

from __future__ import annotations

import numpy as np

from cyclorama.errors import DeviceError
from cyclorama.matting import Matter, State
from cyclorama.types import Alpha, Original, Rgb

# Green excess (G - max(R, B), of 255) up to which a pixel is subject and from which it is screen.
SUBJECT, SCREEN = 16.0, 80.0


class GreenScreen:
    """Colour-difference key (Vlahos 1971): how far green stands above the other two."""

    name = "green-screen"
    device = "CPU"
    note = ""

    def size(self, height: int, width: int) -> tuple[int, int]:
        return height, width

    def looks(self, height: int, width: int) -> list[tuple[int, int]]:
        return []

    def start(self, height: int, width: int) -> State:
        return None

    def step(self, rgb: Rgb, state: State, original: Original | None = None) -> tuple[Alpha, State]:
        r, g, b = (rgb[..., i].astype(np.float32) for i in range(3))
        excess = g - np.maximum(r, b)
        return np.clip((SCREEN - excess) / np.float32(SCREEN - SUBJECT), 0, 1), state


def create(*, device: str, threads: int) -> Matter:  # noqa: ARG001 - all factories are called alike
    """Makes the keyer; it knows the CPU alone and one thread."""
    if device not in ("auto", "cpu"):
        raise DeviceError(f"expected device 'cpu' for the model 'green-screen', got {device!r}: it has no other")
    return GreenScreen()
