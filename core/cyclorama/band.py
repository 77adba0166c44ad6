"""Where the matte is unsure: the only part of a picture that is worth full-resolution work.

On portraits the band around an outline is a tenth of the picture. Working in rectangles that cover it
keeps the work vectorised and skips the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.types import Alpha

Sampled = TypeVar("Sampled", bound=NDArray[Any])

SURE_BACKGROUND, SURE_FOREGROUND = 0.02, 0.98
TILE = 64  # pixels; on a portrait at 1080p rectangles of 64 hold 0.27 of the picture, of 96 0.35


def unsure(alpha: Alpha, margin: int = 0) -> NDArray[np.uint8]:
    """Mask uint8 (H, W), 1 where alpha is neither surely 0 nor surely 1, widened by `margin` pixels.

    A jump from 0 to 1 between neighbours is unsure as well: the true edge is somewhere on it.
    """
    low = cv2.erode(alpha, np.ones((3, 3), np.uint8))
    high = cv2.dilate(alpha, np.ones((3, 3), np.uint8))
    mask = ((high > SURE_BACKGROUND) & (low < SURE_FOREGROUND)).astype(np.uint8)
    if margin:
        return cv2.dilate(mask, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))  # type: ignore[return-value]
    return mask


def tiles(mask: NDArray[np.uint8], height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Rectangles (rows, columns) of a height x width picture that cover the mask's pixels.

    Args:
        mask: uint8 (h, w), any size; it is stretched over the picture.

    Neighbours in a row are joined, so that a wide band is few calls.
    """
    rows, columns = -(-height // TILE), -(-width // TILE)
    h, w = mask.shape
    if (h, w) != (height, width):  # a mask pixel's footprint may straddle tiles
        mask = cv2.dilate(mask, np.ones((3, 3), np.uint8))  # type: ignore[assignment]
    tops, lefts = np.arange(rows) * TILE * h // height, np.arange(columns) * TILE * w // width
    marked = np.maximum.reduceat(np.maximum.reduceat(mask, tops, axis=0), lefts, axis=1)
    for row in range(rows):
        column = 0
        while column < columns:
            if not marked[row, column]:
                column += 1
                continue
            end = column
            while end < columns and marked[row, end]:
                end += 1
            yield (
                slice(row * TILE, min((row + 1) * TILE, height)),
                slice(column * TILE, min(end * TILE, width)),
            )
            column = end


def working_size(height: int, width: int, long_side: int, step: int) -> tuple[int, int]:
    """Height and width of the same aspect with that long side, each to the nearest multiple of `step`."""
    scale = long_side / max(height, width)
    h, w = (max(step, round(side * scale / step) * step) for side in (height, width))
    return h, w


def shrink(picture: Sampled, height: int, width: int) -> Sampled:
    """A picture or matte averaged down to height x width (or stretched, where that is larger)."""
    h, w = picture.shape[:2]
    if (h, w) == (height, width):
        return picture
    # INTER_AREA has a fast path for halving and a slow one for everything else: halve first.
    while h >= 2 * height and w >= 2 * width:
        picture = cv2.resize(picture, (w // 2, h // 2), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        h, w = picture.shape[:2]
    method = cv2.INTER_AREA if h * w > height * width else cv2.INTER_LINEAR
    return cv2.resize(picture, (width, height), interpolation=method)  # type: ignore[return-value]


def enlarge(small: NDArray[np.float32], rows: slice, columns: slice, height: int, width: int) -> NDArray[np.float32]:
    """The rectangle [rows, columns] of `small` stretched linearly over a height x width picture.

    Args:
        small: float32 (h, w) or (h, w, C), C <= 4.

    Equal to resizing the whole and cutting, without the cost of the whole.
    """
    h, w = small.shape[:2]
    scale_y, scale_x = h / height, w / width
    # Pixel centres are at +0.5: x_small = (x + 0.5) * scale - 0.5.
    matrix = np.array(
        [
            [scale_x, 0, (columns.start + 0.5) * scale_x - 0.5],
            [0, scale_y, (rows.start + 0.5) * scale_y - 0.5],
        ]
    )
    size = (columns.stop - columns.start, rows.stop - rows.start)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(small, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[return-value]
