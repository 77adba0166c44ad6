"""The network that this project trained, by ONNX Runtime: `portrait-fast`, `portrait` and `portrait-best`.

One set of weights at several working sizes: what it learned serves all of them.
"""

from __future__ import annotations

import numpy as np

from cyclorama import weights
from cyclorama.band import working_size
from cyclorama.matting import Matter, State
from cyclorama.matting.nearer import Nearer
from cyclorama.matting.onnx import LoadedModel, load
from cyclorama.matting.panel import BothWays, Panel
from cyclorama.types import Alpha, Original, Rgb

# A sigmoid never says 0 or 1: its last 1/255 at either end is taken for sure.
TAIL = np.float32(1 / 255)
STRIDE = 16  # of the network: sides come in these steps
PICTURE = "rgb"
FAST_SIDE, FAST_NEAR = 320, 256  # pixels, for live use; and of its other looks at small people
LONG_SIDE, NEAR_SIDE = 640, 448  # the same for video
WHERE_SIDE = 512  # for what need not be exact: where people are
# Pixels. On the held-back people's pictures the median of these, each also mirrored, has an IoU of 0.968 and a MAD of
# 11.1e-3 where 512, also mirrored, has 0.965 and 11.8e-3. They were chosen with weights before: 0.965 and 11.9e-3,
# where 448, 576 and 768 had 0.964 and 12.2e-3, and five sizes the same as these.
BEST_SIDES = (448, 576, 704, 896)


class Portrait:
    """The network at one working size; it remembers the frames of a stream.

    Args:
        long_side: pixels of the working size.
    """

    def __init__(self, name: str, model: LoadedModel, long_side: int) -> None:
        self.name = name
        self._session = model.session
        self._long_side = long_side
        self.device = model.device
        self.note = model.note
        # Inputs other than the picture are memory, (1, channels, height / stride, width / stride), called
        # `memory_STRIDE`; the outputs after alpha are the same ones for the next frame, in the same order.
        self._memory = {
            each.name: (int(each.shape[1]), int(each.name.rpartition("_")[2]))
            for each in self._session.get_inputs()
            if each.name != PICTURE
        }

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The long side of the model whatever the picture's size, each side to the nearest multiple of 16."""
        return working_size(height, width, self._long_side, STRIDE)

    def looks(self, height: int, width: int) -> list[tuple[int, int]]:
        return [self.size(height, width)]

    def start(self, height: int, width: int) -> State:
        return [np.zeros((1, c, height // s, width // s), np.float32) for c, s in self._memory.values()]

    def step(self, rgb: Rgb, state: State, original: Original | None = None) -> tuple[Alpha, State]:
        assert isinstance(state, list)
        feeds = {PICTURE: np.ascontiguousarray(rgb)[None], **dict(zip(self._memory, state, strict=True))}
        alpha, *after = self._session.run(None, feeds)
        return np.clip((alpha[0] - TAIL) / (1 - 2 * TAIL), 0, 1), after


def create(*, device: str, threads: int) -> Matter:
    """Loads the network for video; see `cyclorama.matting.create`."""
    return _create("portrait", LONG_SIDE, NEAR_SIDE, device=device, threads=threads)


def create_once(*, device: str, threads: int) -> Matter:
    """The same with one look alone, a smaller one, to know where people are."""
    name = "portrait"
    return Portrait(name, load(weights.path(name), device=device, threads=threads), WHERE_SIDE)


def create_best(*, device: str, threads: int) -> Matter:
    """Loads the network for stills."""
    name = "portrait-best"
    both = BothWays(threads)
    model = load(weights.path(name), device=device, threads=both.each)
    return Panel(name, [Portrait(name, model, long_side) for long_side in BEST_SIDES], both)


def create_fast(*, device: str, threads: int) -> Matter:
    """Loads the network for live use on a CPU that has other work."""
    return _create("portrait-fast", FAST_SIDE, FAST_NEAR, device=device, threads=threads)


def _create(name: str, long_side: int, near_side: int, *, device: str, threads: int) -> Matter:
    model = load(weights.path(name), device=device, threads=threads)
    return Nearer(Portrait(name, model, long_side), near_side, STRIDE)
