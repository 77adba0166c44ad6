"""Any matting network in an ONNX file: its layout is read from the graph's inputs and outputs.

Understood are one picture (1, 3, H, W) or (1, H, W, 3), uint8 or floats, of fixed or free size; after it, memory of a
recurrent network and RobustVideoMatting's `downsample_ratio`; and out of it one alpha, and as many new memories.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.band import working_size
from cyclorama.errors import ModelError
from cyclorama.matting import State
from cyclorama.matting.onnx import load
from cyclorama.types import Alpha, Original, Rgb

DTYPES: dict[str, type[np.generic]] = {
    "tensor(uint8)": np.uint8,
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
}
RATIO = "downsample_ratio"  # RobustVideoMatting's input: size at which it looks, over the picture's
ALPHA_NAMES = ("pha", "alpha")
# Networks of a free size get the size that RobustVideoMatting's authors advise, in steps that all can halve.
LONG_SIDE, STEP = 512, 32
OUTSIDE = 0.02  # of alpha below 0 or above 1: rounding; what is further out is no alpha
STRIDE = re.compile(r"_(\d+)$")  # of a memory's name: `memory_16` is as large as the picture over 16

Array = NDArray[Any]


class Tensor(Protocol):
    """An input or output as ONNX Runtime describes it; sizes that are free are names or None."""

    name: str
    shape: Sequence[int | str | None]
    type: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How a graph wants its picture and where its alpha is.

    Attributes:
        picture: name of the input, `dtype` its values, `channels_last` its order.
        size: height and width, None where they are free.
        ratio: whether it takes `downsample_ratio`.
        memory: the recurrent inputs, in order.
        alpha: number of the output; the recurrent ones are the last, in the order of `memory`.
    """

    picture: str
    dtype: type[np.generic]
    channels_last: bool
    size: tuple[int, int] | None
    ratio: bool
    memory: tuple[Tensor, ...]
    alpha: int

    @classmethod
    def of(cls, path: Path, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Layout:
        """Reads a graph's layout.

        Raises:
            ModelError: it is none that is understood.
        """
        picture = next((i for i in inputs if len(i.shape) == 4 and 3 in (i.shape[1], i.shape[3])), None)
        if picture is None or picture.type not in DTYPES:
            raise ModelError(
                f"{path}: expected an input (1, 3, H, W) or (1, H, W, 3) of uint8 or floats, got {_listed(inputs)}"
            )
        ratio = any(i.name == RATIO for i in inputs)
        memory = tuple(i for i in inputs if i is not picture and i.name != RATIO)
        if any(len(m.shape) != 4 or m.type not in DTYPES for m in memory):
            raise ModelError(f"{path}: expected memories of 4 axes after the picture, got {_listed(memory)}")
        found = outputs[: len(outputs) - len(memory)]
        named = [i for i, out in enumerate(found) if out.name in ALPHA_NAMES]
        alphas = named or [i for i, out in enumerate(found) if _single(out)]
        if len(alphas) != 1:
            raise ModelError(f"{path}: expected one output of one channel, the alpha, got {_listed(outputs)}")
        last = picture.shape[1] != 3
        height, width = picture.shape[1:3] if last else picture.shape[2:4]
        size = (height, width) if isinstance(height, int) and isinstance(width, int) else None
        return cls(picture.name, DTYPES[picture.type], last, size, ratio, memory, alphas[0])

    def size_for(self, height: int, width: int) -> tuple[int, int]:
        """The size (height, width) that a picture of height x width is scaled to."""
        if self.size or self.ratio:
            return self.size or (height, width)
        return working_size(height, width, LONG_SIDE, STEP)

    def start(self, height: int, width: int) -> list[Array]:
        """Memories of nothing for pictures of that working size."""
        return [np.zeros(_memory_shape(m, height, width), DTYPES[m.type]) for m in self.memory]

    def feeds(self, rgb: Rgb, memory: Sequence[Array], mean: Array, std: Array) -> dict[str, Array]:
        """What the graph is run on: a picture uint8 (h, w, 3) of working size, and the memory before it."""
        values: Array = rgb
        if self.dtype != np.uint8:
            values = ((rgb.astype(np.float32) / 255 - mean) / std).astype(self.dtype)
        values = values if self.channels_last else values.transpose(2, 0, 1)
        feeds = {self.picture: np.ascontiguousarray(values)[None]}
        if self.ratio:
            feeds[RATIO] = np.array([min(1.0, LONG_SIDE / max(rgb.shape))], np.float32)
        return feeds | {m.name: value for m, value in zip(self.memory, memory, strict=True)}


class OnnxFile:
    """A network in an ONNX file: a matter as any other, whatever it was made by.

    It takes pictures of any size as well, and then scales alpha back linearly.

    Args:
        mean, std: what floats are normalised by after they were scaled to [0, 1], (3,) or one for all channels.

    Raises:
        ModelError: ONNX Runtime refuses the file, or its layout is not understood.
        DeviceError: `device` was named and cannot be used.
    """

    def __init__(
        self,
        path: Path,
        device: str = "cpu",
        *,
        threads: int = 0,
        mean: Sequence[float] = (0.0,),
        std: Sequence[float] = (1.0,),
    ) -> None:
        if not path.is_file():
            raise ModelError(f"{path}: no such file")
        self.name, self.path = path.name, path
        loaded = load(path, device=device, threads=threads)
        self.session, self.device, self.note = loaded.session, loaded.device, loaded.note
        self.layout = Layout.of(path, self.session.get_inputs(), self.session.get_outputs())
        self.mean, self.std = np.array(mean, np.float32), np.array(std, np.float32)

    def feeds(self, rgb: Rgb, memory: Sequence[Array] | None = None) -> dict[str, Array]:
        """See `Layout.feeds`; without a memory, those of a first frame."""
        known = self.layout.start(*rgb.shape[:2]) if memory is None else memory
        return self.layout.feeds(rgb, known, self.mean, self.std)

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The graph's own size; where it is free the picture's proportions at a long side of 512."""
        return self.layout.size_for(height, width)

    def looks(self, height: int, width: int) -> list[tuple[int, int]]:
        return [self.size(height, width)]

    def start(self, height: int, width: int) -> State:
        return self.layout.start(height, width)

    def step(self, rgb: Rgb, state: State, original: Original | None = None) -> tuple[Alpha, State]:
        """Alpha float32 (H, W) of the next frame, uint8 (H, W, 3) of any size, and the memory after it.

        Args:
            state: the memory; None before a first frame.

        Raises:
            ModelError: what comes out is not an alpha of the picture.
        """
        assert state is None or isinstance(state, list)
        height, width = rgb.shape[:2]
        small = resized(rgb, *self.layout.size_for(height, width))
        out = self.session.run(None, self.feeds(small, state))
        alpha = np.asarray(out[self.layout.alpha], np.float32).squeeze()
        if alpha.ndim != 2 or not -OUTSIDE <= float(alpha.min()) <= float(alpha.max()) <= 1 + OUTSIDE:
            raise ModelError(
                f"{self.path}: expected alpha (H, W) from 0 to 1, "
                f"got {alpha.shape} from {alpha.min():.2f} to {alpha.max():.2f}"
            )
        return np.clip(resized(alpha, height, width), 0, 1), out[len(out) - len(self.layout.memory) :]


def resized(picture: Array, height: int, width: int) -> Array:
    """Averaged where it shrinks, linear where it grows."""
    if picture.shape[:2] == (height, width):
        return picture
    shrinks = height * width < picture.shape[0] * picture.shape[1]
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _single(output: Tensor) -> bool:
    """Whether it could be (1, H, W), (1, 1, H, W) or (1, H, W, 1)."""
    return len(output.shape) == 3 or (len(output.shape) == 4 and 1 in (output.shape[1], output.shape[3]))


def _memory_shape(memory: Tensor, height: int, width: int) -> tuple[int, ...]:
    """Fixed as it is; `NAME_16`: the picture's over 16; else 1 x 1, which RobustVideoMatting takes for nothing."""
    _, channels, *sides = memory.shape
    known = channels if isinstance(channels, int) else 1
    if all(isinstance(side, int) for side in sides):
        return (1, known, *(int(side or 1) for side in sides))
    stride = STRIDE.search(memory.name)
    return (1, known, height // int(stride[1]), width // int(stride[1])) if stride else (1, known, 1, 1)


def _listed(tensors: Sequence[Tensor]) -> str:
    return ", ".join(f"{t.name} {t.type} {tuple(t.shape)}" for t in tensors) or "none"
