"""Colours of the subject alone, so that the old background does not shine through its edge."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.band import SURE_FOREGROUND, enlarge, shrink, tiles
from cyclorama.types import Alpha, DeepRgb

Float = NDArray[np.float32]

# The blurs of the method run on a picture of this long side: they only spread colours, and the detail
# comes back with the full-size step.
WORKING_SIDE = 480
# Radii of the paper's two passes, 90 and 6 pixels, which it gives for pictures of some 2,000 pixels.
RADII_SHARE = (90 / 2000, 6 / 2000)
# Doublings of the power of alpha by which neighbours count in the two passes (so to the 8th, then to the
# 4th; the paper's is the first). A half-covered pixel carries the old background's colour into the mean: on
# drawn strands of hair, dark on bright, the error fell from 16.4 to 6.7 levels.
SURENESS = (3, 2)
# Where all neighbours are faint they still count, by this share of alpha.
FAINT = np.float32(1e-6)
TINY = np.float32(1e-12)
FAINTEST = float(np.finfo(np.float32).tiny)  # the smallest alpha that is not 0


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
    small = shrink(rgb, *size[::-1]).astype(np.float32) / top
    a: Alpha = shrink(alpha, *size[::-1])
    foreground: Float = small
    background: Float = small
    for share, doublings in zip(RADII_SHARE, SURENESS, strict=True):
        radius = max(2, round(share * max(size)))
        foreground = _spread(foreground, a, doublings, radius)
        background = _spread(background, 1 - a, doublings, radius)
        # The picture's residual is given back to the foreground (the paper's last step).
        b, f = background, foreground
        mixed = a[..., None]
        foreground = np.clip(f + mixed * (small - mixed * f - (1 - mixed) * b), 0, 1)

    out = rgb.copy()
    partial: NDArray[np.uint8] = cv2.inRange(alpha, FAINTEST, SURE_FOREGROUND)  # type: ignore[assignment]
    for rows, columns in tiles(partial, height, width):
        matte = alpha[rows, columns, None]
        f = enlarge(foreground, rows, columns, height, width)
        b = enlarge(background, rows, columns, height, width)
        # f + matte * (pixels - matte * f - (1 - matte) * b), in place: memory is what this costs.
        estimate = rgb[rows, columns] / top
        estimate -= b
        b -= f
        b *= matte
        estimate += b
        estimate *= matte
        estimate += f
        np.clip(estimate, 0, 1, out=estimate)
        estimate *= top
        out[rows, columns] = np.rint(estimate, out=estimate)
    return out


def _spread(colours: Float, share: Alpha, doublings: int, radius: int) -> Float:
    """Each pixel's mean colour of the neighbours that are surely of one side; `share` is that side's alpha."""
    window = (2 * radius + 1, 2 * radius + 1)
    weight = share
    for _ in range(doublings):
        weight = weight * weight
    weight = weight + FAINT * share
    return cv2.blur(colours * weight[..., None], window) / (cv2.blur(weight, window)[..., None] + TINY)
