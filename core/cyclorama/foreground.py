"""Colours of the subject alone, so that the old background does not shine through its edge."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.band import SURE_FOREGROUND, enlarge, tiles
from cyclorama.types import Alpha, DeepRgb

Float = NDArray[np.float32]

# The blurs of the method run on a picture of this long side: they only spread colours, and the detail
# comes back with the full-size step.
WORKING_SIDE = 480
# Radii of the paper's two passes, 90 and 6 pixels, which it gives for pictures of some 2,000 pixels.
RADII_SHARE = (90 / 2000, 6 / 2000)
TINY = 1e-5


def estimate_foreground(rgb: DeepRgb, alpha: Alpha) -> DeepRgb:
    """The subject's own colours, straight (not premultiplied).

    Args:
        rgb: uint8 or uint16 (H, W, 3).
        alpha: float32 (H, W) in [0, 1].

    Returns:
        An array of the shape and dtype of `rgb`: the picture's own colours where alpha is 1, estimated
        ones where it is between, and near it where alpha is 0 the nearest subject colour (so that scaling
        a cut-out brings no fringe). Far from the subject the values are the picture's.

    Source: Forte 2021, "Approximate Fast Foreground Colour Estimation" (blur fusion, two passes), with
    the blurs on a small picture and the last equation on the full one.
    """
    height, width = alpha.shape
    top = np.float32(np.iinfo(rgb.dtype).max)
    scale = min(1.0, WORKING_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32) / top
    a = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
    foreground: Float = small
    background: Float = small
    for share in RADII_SHARE:
        radius = max(2, round(share * max(size)))
        foreground, background = _fuse(small, a, foreground, background, radius)  # type: ignore[arg-type]

    out = rgb.copy()
    partial = ((alpha > 0) & (alpha < SURE_FOREGROUND)).astype(np.uint8)
    for rows, columns in tiles(partial, height, width):
        pixels = rgb[rows, columns].astype(np.float32) / top
        matte = alpha[rows, columns, None]
        f = enlarge(foreground, rows, columns, height, width)
        b = enlarge(background, rows, columns, height, width)
        estimate = f + matte * (pixels - matte * f - (1 - matte) * b)
        out[rows, columns] = np.rint(np.clip(estimate, 0, 1) * top).astype(rgb.dtype)
    return out


def _fuse(picture: Float, alpha: Alpha, foreground: Float, background: Float, radius: int) -> tuple[Float, Float]:
    """One pass: each side's blurred colours, then the picture's residual given back to the foreground."""
    window = (2 * radius + 1, 2 * radius + 1)
    a = alpha[..., None]
    weight = cv2.blur(alpha, window)[..., None]
    f = cv2.blur(foreground * a, window) / (weight + TINY)
    b = cv2.blur(background * (1 - a), window) / (1 - weight + TINY)
    return np.clip(f + a * (picture - a * f - (1 - a) * b), 0, 1), b
