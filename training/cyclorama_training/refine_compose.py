"""Crops of composites, as the `refine` network sees them while it is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from cyclorama.refiner import STRIDE, distances
from cyclorama.trimap import unknown_in
from cyclorama_training.hair import Float
from cyclorama_training.refine_losses import Truth
from cyclorama_training.refine_material import Composite, RefineRecipe

PREFETCH = 4  # batches that a worker has ready
AROUND = 64  # pixels around a crop in which the nearest sure pixels are looked for
LOOKED_AT = 200  # pixels, to find an unknown one
GIVEN = ("rgb", "distances", "before", "trusting", "colours")
TRUE = ("rgb", "alpha", "foreground", "background", "unknown")

Planes = dict[str, Float]


def whole(composite: Composite) -> Planes:
    """All of a composite, filled up to multiples of the network's stride: see `crop_of`."""
    height, width = composite.planes.shape[:2]
    return padded(
        seen(composite, slice(0, height), slice(0, width)), height + -height % STRIDE, width + -width % STRIDE
    )


def crop_of(rng: Generator, composite: Composite, side: int) -> Planes:
    """A crop of side x side pixels that holds something unknown, by chance mirrored.

    Returns:
        float32 (side, side, channels): the planes of `GIVEN` and of `TRUE`, in [0, 1], distances in pixels.
    """
    rows, columns = place(rng, composite, side)
    planes = padded(seen(composite, rows, columns), side, side)
    return {name: plane[:, ::-1] for name, plane in planes.items()} if rng.random() < 0.5 else planes


def place(rng: Generator, composite: Composite, side: int) -> tuple[slice, slice]:
    """Rows and columns around an unknown pixel; fewer than `side` in a smaller picture."""
    height, width = composite.planes.shape[:2]
    y, x = rng.integers(height, size=LOOKED_AT), rng.integers(width, size=LOOKED_AT)
    levels = composite.planes[y, x, -1]
    found = np.flatnonzero((levels > 0) & (levels < 255))
    index = int(found[0]) if len(found) else 0
    top, left = (
        int(np.clip(at[index] - rng.integers(side), 0, max(0, end - side))) for at, end in ((y, height), (x, width))
    )
    return slice(top, min(top + side, height)), slice(left, min(left + side, width))


def seen(composite: Composite, rows: slice, columns: slice) -> Planes:
    """A part of a composite."""
    y, x = max(0, rows.start - AROUND), max(0, columns.start - AROUND)
    wider = composite.part(slice(y, rows.stop + AROUND), slice(x, columns.stop + AROUND))
    trimap = wider["trimap"][..., 0]
    wider["distances"] = distances(trimap)
    wider["unknown"] = unknown_in(trimap).astype(np.float32)[..., None]
    inner = slice(rows.start - y, rows.stop - y), slice(columns.start - x, columns.stop - x)
    return {name: plane[inner] for name, plane in wider.items()}


def padded(planes: Planes, height: int, width: int) -> Planes:
    """Planes with as much at the right and below as they lack; it is not unknown there."""
    h, w = planes["rgb"].shape[:2]
    if (h, w) == (height, width):
        return planes
    more = (0, height - h, 0, width - w)
    filled = {
        name: np.atleast_3d(cv2.copyMakeBorder(np.ascontiguousarray(plane), *more, cv2.BORDER_REPLICATE))
        for name, plane in planes.items()
    }
    filled["unknown"][h:] = 0
    filled["unknown"][:, w:] = 0
    return filled  # type: ignore[return-value]


class Crops(IterableDataset[dict[str, Tensor]]):
    """Batches of crops as tensors; a resumed run goes on.

    Args:
        first: number of the first batch.
    """

    def __init__(self, recipe: RefineRecipe, composites: Sequence[Composite], first: int) -> None:
        self.recipe, self.composites, self.first = recipe, composites, first

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        worker = get_worker_info()
        offset, count = (worker.id, worker.num_workers) if worker else (0, 1)
        for step in range(self.first + offset, self.recipe.steps, count):
            yield self.batch(step)

    def batch(self, step: int) -> dict[str, Tensor]:
        """The batch of a step."""
        crops = []
        for index in range(self.recipe.batch):
            rng = np.random.default_rng((self.recipe.seed, step, 1 + index))
            crops.append(crop_of(rng, self.composites[int(rng.integers(len(self.composites)))], self.recipe.side))
        return stacked(crops)

    def loader(self, workers: int) -> DataLoader[dict[str, Tensor]]:
        """The batches in order, made by `workers` processes, or by this one."""
        return DataLoader(self, batch_size=None, num_workers=workers, prefetch_factor=PREFETCH if workers else None)


def stacked(crops: Sequence[Planes]) -> dict[str, Tensor]:
    """A batch: float (N, channels, H, W)."""
    return {
        name: torch.from_numpy(np.ascontiguousarray(np.stack([crop[name] for crop in crops]).transpose(0, 3, 1, 2)))
        for name in crops[0]
    }


def truth_of(batch: dict[str, Tensor]) -> tuple[list[Tensor], Truth]:
    """A batch as the network's inputs, and what it is to answer."""
    return [batch[name] for name in GIVEN], Truth(**{name: batch[name] for name in TRUE})
