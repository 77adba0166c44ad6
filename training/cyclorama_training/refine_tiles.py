"""The `refine` network by ONNX Runtime, in tiles: the alpha of what a trimap leaves open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.matting.onnx import LoadedModel, load
from cyclorama.trimap import BLACK, WHITE, distance, unknown_in
from cyclorama.types import Alpha, DeepRgb

STRIDE = 64  # of the network: sides come in these steps. Tiles lie in them as well, so that all see the same grid
# Pixels: of a tile, of the strip on each side of its border in which its neighbour's alpha fades in, of what the
# network sees around it, and of how far from there the nearest sure pixels are looked for.
TILE, FADE, CONTEXT, AROUND = 4 * STRIDE, 16, STRIDE, 96

Place: TypeAlias = tuple[slice, slice]  # rows, columns


class Refiner:
    """A loaded network without a state: threads may share it.

    Args:
        tile_px: side of a tile, a multiple of `STRIDE`.

    Attributes:
        device: where it runs, in words for people.
    """

    def __init__(self, model: LoadedModel, tile_px: int = TILE) -> None:
        self._session = model.session
        self._tile_px = tile_px
        self.device = model.device

    def solve(self, trimap: Alpha, rgb: DeepRgb, before: Alpha | None = None) -> Alpha:
        """The matte that keeps a trimap's sure parts and finds what is between.

        Args:
            trimap: float32 (H, W) in [0, 1], see `cyclorama.trimap`.
            rgb: uint8 or uint16 (H, W, 3) sRGB.
            before: another network's matte, to be improved; None: what is unknown is found from the trimap alone.

        Returns:
            float32 (H, W) in [0, 1]; exactly 0 and 1 in the sure parts.
        """
        unknown = unknown_in(trimap)
        alpha = np.where(unknown, 0, np.rint(trimap)).astype(np.float32)
        for tile in tiles(unknown, self._tile_px):
            share = tile.share() * unknown[tile.place]
            alpha[tile.place] += share * self._look(tile, trimap, rgb, before)
        return np.clip(alpha, 0, 1, out=alpha)

    def _look(self, tile: Tile, trimap: Alpha, rgb: DeepRgb, before: Alpha | None) -> Alpha:
        """What the network takes for a tile's alpha."""
        seen, own = widened(tile.place, trimap.shape, CONTEXT - FADE)
        wider, within = widened(seen, trimap.shape, AROUND)
        inputs = {
            "rgb": rgb[seen].astype(np.float32) / np.float32(np.iinfo(rgb.dtype).max),
            "distances": distances(trimap[wider])[within],
            "before": np.full_like(trimap[seen], 0.5) if before is None else before[seen],
        }
        down, right = (-side % STRIDE for side in trimap[seen].shape)
        feeds = {
            name: cv2.copyMakeBorder(plane, 0, down, 0, right, cv2.BORDER_REFLECT_101)[None]
            for name, plane in inputs.items()
        }
        (alpha,) = self._session.run(["alpha"], feeds)
        found: Alpha = alpha[0][own]
        return found


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture.

    Attributes:
        place: of it, with the strips that it shares with its neighbours.
        shared: for rows and columns, whether there is a neighbour before and after.
    """

    place: Place
    shared: tuple[tuple[bool, bool], tuple[bool, bool]]

    def share(self) -> NDArray[np.float32]:
        """How much it counts in each of its pixels; together with its neighbours 1."""
        sides = []
        for side, (before, after) in zip(self.place, self.shared, strict=True):
            ramp = np.ones(side.stop - side.start, np.float32)
            rising = (np.arange(2 * FADE, dtype=np.float32) + np.float32(0.5)) / (2 * FADE)
            if before:
                ramp[: 2 * FADE] = rising
            if after:
                ramp[-2 * FADE :] = rising[::-1]
            sides.append(ramp)
        return sides[0][:, None] * sides[1]


def tiles(unknown: NDArray[np.bool_], side_px: int) -> Iterator[Tile]:
    """The tiles of a picture in which something is unknown, bool (H, W)."""
    height, width = unknown.shape
    for rows in parts(height, side_px):
        for columns in parts(width, side_px):
            place, _ = widened((rows, columns), unknown.shape, FADE)
            if unknown[place].any():
                yield Tile(place, ((rows.start > 0, rows.stop < height), (columns.start > 0, columns.stop < width)))


def parts(length: int, side_px: int) -> list[slice]:
    """Parts of a length, `side_px` each; the last one takes what is left, if that is less than half of it."""
    count = max(1, round(length / side_px))
    starts = [index * side_px for index in range(count)]
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], length], strict=True)]


def widened(place: Place, shape: tuple[int, ...], by_px: int) -> tuple[Place, Place]:
    """A place with so much more on each side as the picture has, and the place within that."""
    (top, left), (bottom, right) = (
        [max(0, side.start - by_px) for side in place],
        [min(end, side.stop + by_px) for side, end in zip(place, shape, strict=False)],
    )
    rows, columns = place
    within = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
    return (slice(top, bottom), slice(left, right)), within


def distances(trimap: Alpha) -> NDArray[np.float32]:
    """Pixels to the nearest sure background and to the nearest sure subject, float32 (H, W, 2)."""
    return cv2.merge([distance(trimap <= BLACK), distance(trimap >= WHITE)])  # type: ignore[return-value]


def create(path: Path, *, device: str = "cpu", threads: int = 0) -> Refiner:
    """Loads what `cyclorama export` wrote.

    Args:
        device, threads: see `cyclorama.matting.onnx.load`.

    Raises:
        ModelError: the file cannot be read.
        DeviceError: the device was named and cannot be used.
    """
    return Refiner(load(path, device=device, threads=threads))
