"""sRGB's transfer function, both ways (IEC 61966-2-1)."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from cyclorama.types import DeepRgb


def linear_from_srgb(encoded: NDArray[np.float32]) -> NDArray[np.float32]:
    """Amounts of light for encoded values; both in [0, 1], any shape."""
    # Computed for all and chosen from: the two branches are cheap beside an index array.
    low = encoded / np.float32(12.92)
    high = ((encoded + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(encoded <= 0.04045, low, high).astype(np.float32, copy=False)


def srgb_from_linear(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Encoded values for amounts of light; both in [0, 1], any shape."""
    low = light * np.float32(12.92)
    high = np.float32(1.055) * np.maximum(light, 0) ** np.float32(1 / 2.4) - np.float32(0.055)
    return np.where(light <= 0.0031308, low, high).astype(np.float32, copy=False)


@cache
def _linear_table(levels: int) -> NDArray[np.float32]:
    return linear_from_srgb(np.linspace(0, 1, levels, dtype=np.float32))


def decode(picture: DeepRgb) -> NDArray[np.float32]:
    """Light in [0, 1] of a uint8 or uint16 sRGB picture, same shape."""
    return _linear_table(int(np.iinfo(picture.dtype).max) + 1)[picture]


def encode(light: NDArray[np.float32], dtype: np.dtype[np.uint8 | np.uint16]) -> DeepRgb:
    """The sRGB picture, uint8 or uint16, of light in [0, 1]."""
    top = np.iinfo(dtype).max
    return np.rint(srgb_from_linear(np.clip(light, 0, 1)) * np.float32(top)).astype(dtype)
