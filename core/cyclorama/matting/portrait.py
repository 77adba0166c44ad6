"""`portrait`: the network that this project trained, by ONNX Runtime."""

from __future__ import annotations

import numpy as np

from cyclorama import weights
from cyclorama.matting import Matter, State
from cyclorama.matting.onnx import LoadedModel, load
from cyclorama.types import Alpha, Rgb

# A sigmoid never says 0 or 1: its last 1/255 at either end is taken for sure.
TAIL = np.float32(1 / 255)
LONG_SIDE = 512  # pixels; the size that it was trained for
STRIDE = 32


class Portrait:
    """A stateless network: each frame by itself."""

    name = "portrait"

    def __init__(self, model: LoadedModel) -> None:
        self._session = model.session
        self.device = model.device
        self.note = model.note

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Long side 512 whatever the picture's size, each side to the nearest multiple of 32."""
        scale = LONG_SIDE / max(height, width)
        sides = (max(STRIDE, round(side * scale / STRIDE) * STRIDE) for side in (height, width))
        h, w = sides
        return h, w

    def start(self, height: int, width: int) -> State:
        return None

    def step(self, rgb: Rgb, state: State) -> tuple[Alpha, State]:
        (alpha,) = self._session.run(None, {"rgb": np.ascontiguousarray(rgb)[None]})
        return np.clip((alpha[0] - TAIL) / (1 - 2 * TAIL), 0, 1), state


def create(*, device: str, threads: int) -> Matter:
    """Loads the network's weights; see `cyclorama.matting.create`."""
    return Portrait(load(weights.path("portrait"), device=device, threads=threads))
