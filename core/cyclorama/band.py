"""Where the matte is unsure: the only part of a picture that is worth full-resolution work.

On portraits the band around an outline is a tenth of the picture. Working in rectangles that cover it
keeps the work vectorised and skips the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.types import Alpha, Region

Sampled = TypeVar("Sampled", bound=NDArray[Any])

SURE_BACKGROUND, SURE_FOREGROUND = 0.02, 0.98
FAINTEST = float(np.finfo(np.float32).tiny)  # the smallest alpha that is not 0
TILE = 64  # pixels; on a portrait at 1080p rectangles of 64 hold 0.27 of the picture, of 96 0.35
STRIP = 4096  # pixels, about, of its length


def unsure(alpha: Alpha, margin: int = 0, within: float = SURE_BACKGROUND) -> NDArray[np.uint8]:
    """Mask uint8 (H, W), 1 where alpha is not `within` so much of 0 or 1, widened by `margin` pixels.

    A jump from 0 to 1 between neighbours is unsure as well: the true edge is somewhere on it.
    """
    low = cv2.erode(alpha, np.ones((3, 3), np.uint8))
    high = cv2.dilate(alpha, np.ones((3, 3), np.uint8))
    mask = ((high > within) & (low < 1 - within)).astype(np.uint8)
    if margin:
        return cv2.dilate(mask, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))  # type: ignore[return-value]
    return mask


def around(mask: NDArray[np.uint8] | NDArray[np.bool_], margin: int) -> tuple[slice, slice]:
    """Rows and columns of what is set in a mask (H, W), with so many pixels on each side where there are any."""
    left, top, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return (
        slice(max(0, top - margin), top + height + margin),
        slice(max(0, left - margin), left + width + margin),
    )


def marked(mask: NDArray[np.uint8], height: int, width: int) -> NDArray[np.bool_]:
    """Which tiles of a height x width picture hold pixels of the mask, (rows, columns) of tiles.

    Args:
        mask: uint8 (h, w), any size; it is stretched over the picture.
    """
    rows, columns = -(-height // TILE), -(-width // TILE)
    h, w = mask.shape
    if (h, w) != (height, width):  # a mask pixel's footprint may straddle tiles
        mask = cv2.dilate(mask, np.ones((3, 3), np.uint8))  # type: ignore[assignment]
    tops, lefts = np.arange(rows) * TILE * h // height, np.arange(columns) * TILE * w // width
    # Down by plain maxima, which NumPy does 16 rows' width at a time; `reduceat` takes ten times as long there.
    ends = [*tops[1:], h]
    lines = np.stack([mask[top:end].max(axis=0) for top, end in zip(tops, ends, strict=True)])
    return np.maximum.reduceat(lines, lefts, axis=1) > 0


def islands(
    marks: NDArray[np.bool_], size: tuple[int, int], small_size: tuple[int, int], reach: int
) -> Iterator[tuple[tuple[slice, slice], tuple[slice, slice], tuple[slice, slice]]]:
    """Rectangles of a small picture that together hold all marked tiles of the full one.

    Args:
        marks: of tiles.
        size, small_size: height and width of the two pictures.
        reach: pixels of the small picture around a place by which what is computed there is decided.

    Yields:
        Rows and columns of a rectangle; those of it with `reach` pixels more where there are any; and those of the
        first within the second.
    """
    lines = np.flatnonzero(np.diff(marks.any(axis=1), prepend=False, append=False)).reshape(-1, 2)
    for first, last in lines.tolist():
        columns = np.flatnonzero(marks[first:last].any(axis=0))
        inner, outer, within = [], [], []
        for axis, (start, stop) in enumerate(((first, last), (int(columns[0]), int(columns[-1]) + 1))):
            scale, end = small_size[axis] / size[axis], small_size[axis]
            # A pixel more on each side: what is found is stretched.
            low, high = max(0, int(start * TILE * scale) - 1), min(end, int(np.ceil(stop * TILE * scale)) + 1)
            inner.append(slice(low, high))
            outer.append(slice(max(0, low - reach), min(end, high + reach)))
            within.append(slice(low - outer[-1].start, high - outer[-1].start))
        yield (inner[0], inner[1]), (outer[0], outer[1]), (within[0], within[1])


def at_tiles(alpha: Alpha, height: int, width: int) -> Alpha:
    """A matte of any size at the middle of each tile of a height x width picture, (rows, columns) of tiles."""

    def middles(side: int, small_side: int) -> NDArray[np.int64]:
        starts = np.arange(0, side, TILE)
        return (starts + np.minimum(starts + TILE, side)) * small_side // (2 * side)

    return alpha[np.ix_(middles(height, alpha.shape[0]), middles(width, alpha.shape[1]))]


def rectangles(marks: NDArray[np.bool_], height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Rectangles (rows, columns) of the marked tiles; neighbours in a row are joined, so that a wide band is few."""
    for row, line in enumerate(marks):
        rows = slice(row * TILE, min((row + 1) * TILE, height))
        edges = np.flatnonzero(np.diff(line, prepend=False, append=False))
        for start, end in edges.reshape(-1, 2).tolist():
            yield rows, slice(start * TILE, min(end * TILE, width))


def tiles(mask: NDArray[np.uint8], height: int, width: int) -> Iterator[tuple[slice, slice]]:
    """Rectangles of a height x width picture that cover the mask's pixels; see `marked` and `rectangles`."""
    return rectangles(marked(mask, height, width), height, width)


@dataclass(frozen=True, slots=True)
class Strip:
    """Rectangles of one height, laid side by side: arithmetic on many small pieces would mostly be calls.

    Attributes:
        height, width: of the picture.
        places: rows and columns of each rectangle.
    """

    height: int
    width: int
    places: tuple[tuple[slice, slice], ...]

    def take(self, picture: Sampled) -> Sampled:
        """The strip's part of a picture (H, W) or (H, W, C): an array of its own."""
        return np.concatenate([picture[place] for place in self.places], axis=1)  # type: ignore[return-value]

    def put(self, picture: NDArray[Any], values: NDArray[Any]) -> None:
        """Writes the strip's part back into a picture."""
        at = 0
        for rows, columns in self.places:
            length = columns.stop - columns.start
            picture[rows, columns] = values[:, at : at + length]
            at += length

    def enlarged(self, small: NDArray[np.float32]) -> NDArray[np.float32]:
        """The strip's part of a small picture stretched over the whole one; see `enlarge`."""
        parts = [enlarge(small, rows, columns, self.height, self.width) for rows, columns in self.places]
        return np.concatenate(parts, axis=1)

    def halved(self) -> Strip:
        """The same places in a picture of half the size, where all their edges are even."""

        def half(side: slice) -> slice:
            return slice(side.start // 2, side.stop // 2)

        return Strip(self.height // 2, self.width // 2, tuple((half(r), half(c)) for r, c in self.places))


def strips(marks: NDArray[np.bool_], height: int, width: int) -> Iterator[Strip]:
    """All marked tiles of a height x width picture, in strips short enough for a processor's cache."""
    places: list[tuple[slice, slice]] = []
    length = 0
    for rows, columns in rectangles(marks, height, width):
        if places and (places[0][0].stop - places[0][0].start != rows.stop - rows.start or length >= STRIP):
            yield Strip(height, width, tuple(places))
            places, length = [], 0
        places.append((rows, columns))
        length += columns.stop - columns.start
    if places:
        yield Strip(height, width, tuple(places))


def working_size(height: int, width: int, long_side: int, step: int) -> tuple[int, int]:
    """Height and width of the same aspect with that long side, each to the nearest multiple of `step`."""
    scale = long_side / max(height, width)
    h, w = (max(step, round(side * scale / step) * step) for side in (height, width))
    return h, w


def split(picture: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """The components of a picture float32 (H, W, C), each an array of its own."""
    return tuple(cv2.split(picture))  # type: ignore[arg-type]


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


def under(region: Region, scaled: tuple[int, int], size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of a picture of `size` (height, width) under a region of the same picture scaled to `scaled`.

    At least a pixel each; off by at most half a pixel.
    """

    def side(start: int, stop: int, axis: int) -> slice:
        scale = size[axis] / scaled[axis]
        first = min(round(start * scale), size[axis] - 1)
        return slice(first, max(first + 1, round(stop * scale)))

    return side(*region[:2], 0), side(*region[2:], 1)


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
