"""Crops around unknown pixels, composed anew each time: what the `refine` network sees while it is trained."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from cyclorama import trimap
from cyclorama.band import shrink
from cyclorama_training.camera import NOISE, jpeg, motion_kernel
from cyclorama_training.data import Image, Room
from cyclorama_training.hair import Float
from cyclorama_training.light import light
from cyclorama_training.refine_losses import Truth
from cyclorama_training.refine_material import CutOut, RefineRecipe, backdrop, mixed
from cyclorama_training.refine_tiles import distances

PREFETCH = 4  # batches that a worker has ready
# Pixels around a crop from which its distances to what is sure are taken, and of these its trimap.
AROUND, BEYOND = 96, 64
LOOKED_AT = 500  # pixels, to find one of the edge
SOFT_SHARE = 0.75  # of crops around what is truly soft, the others around what the network doubts
# Large parts that the matte before misses would drown the hair: they count so much less. Pixels of what is "around".
HOPELESS, AREA = 0.9, 33
# The trimap of a crop is the network's doubt, or the truth's soft part; either is widened at random.
SEEN_SHARE = 0.7
BLIND_SHARE = 0.25  # of crops without the matte before, as for those who draw a trimap
WIDER = (0.5, 2.0)  # of what is used
DRAWN = (0.003, 0.05)  # of the long side
SMALLER_SHARE, BLUR_SHARE, MOTION_SHARE, NOISE_SHARE, JPEG_SHARE = 0.35, 0.25, 0.08, 0.5, 0.35


@dataclass(frozen=True, slots=True)
class Crop:
    """rgb, foreground, background float32 (H, W, 3) and alpha (H, W) in [0, 1]; distances (H, W, 2), see `trimap`;
    the matte before (H, W), one half where there is none; unknown (H, W), 0 where the trimap is sure, and elsewhere how
    much it counts what is found there.
    """

    rgb: Float
    foreground: Float
    background: Float
    alpha: Float
    distances: Float
    before: Float
    unknown: Float


def trimap_of(rng: Generator, cutout: CutOut, rows: slice, columns: slice) -> tuple[Float, Float]:
    """A trimap that somebody may have of a part of a cut-out, and the matte before, float32 (h, w)."""
    long_side = max(cutout.rgba.shape)
    seen = cutout.seen[int(rng.integers(len(cutout.seen))), rows, columns] * np.float32(1 / 255)
    if rng.random() < SEEN_SHARE:
        wide = float(rng.uniform(*WIDER)) * long_side
        known = band(seen, wide * trimap.OUTSIDE, wide * trimap.INSIDE)
    else:
        low, high = np.log(DRAWN).tolist()
        outside, inside = (np.exp(rng.uniform(low, high, 2)) * long_side).tolist()
        known = band(cutout.rgba[rows, columns, 3] * np.float32(1 / 255), outside, inside)
    return known, np.full_like(seen, 0.5) if rng.random() < BLIND_SHARE else seen


def band(alpha: Float, outside_px: float, inside_px: float) -> Float:
    """The trimap float32 (H, W) of what is doubted in an alpha, and of so many pixels more."""
    low, high = trimap.DOUBTED
    known = np.full(alpha.shape, 0.5, np.float32)
    known[trimap.distance(alpha > low) > outside_px] = 0
    known[trimap.distance(alpha < high) > inside_px] = 1
    return known


def edge_pixel(rng: Generator, cutout: CutOut) -> tuple[int, int]:
    """Row and column of a pixel of the edge, most often a soft one."""
    height, width = cutout.seen.shape[1:]
    rows, columns = rng.integers(height, size=LOOKED_AT), rng.integers(width, size=LOOKED_AT)
    plane = cutout.rgba[..., 3] if rng.random() < SOFT_SHARE else cutout.seen[0]
    values = plane[rows, columns]
    found = np.flatnonzero((values > 5) & (values < 250))
    index = int(found[0]) if len(found) else 0
    return int(rows[index]), int(columns[index])


def place(rng: Generator, cutout: CutOut, side: int) -> tuple[slice, slice]:
    """Rows and columns of a square of a cut-out that has something of its edge."""
    height, width = cutout.seen.shape[1:]
    # A crop that is shrunk on the way shows finer hair.
    taken = round(side * float(rng.uniform(1.0, 1.7))) if rng.random() < SMALLER_SHARE else side
    taken = min(taken, height, width)
    top, left = (
        int(np.clip(at + rng.integers(-taken // 3, taken // 3 + 1) - taken // 2, 0, end - taken))
        for at, end in zip(edge_pixel(rng, cutout), (height, width), strict=True)
    )
    return slice(top, top + taken), slice(left, left + taken)


def told(rng: Generator, cutout: CutOut, rows: slice, columns: slice, side: int) -> list[Float]:
    """What the network is told of a square: `Crop.distances`, `Crop.before` and `Crop.unknown`."""
    taken, reach = rows.stop - rows.start, AROUND + BEYOND
    y, x = max(0, rows.start - reach), max(0, columns.start - reach)
    known, before = trimap_of(rng, cutout, slice(y, rows.stop + reach), slice(x, columns.stop + reach))
    near = distances(known) * np.float32(side / taken)
    inner = slice(rows.start - y, rows.stop - y), slice(columns.start - x, columns.stop - x)
    unknown = trimap.unknown_in(known).astype(np.float32)
    planes = ((near, cv2.INTER_LINEAR), (before, cv2.INTER_LINEAR), (unknown, cv2.INTER_NEAREST))
    return [np.asarray(cv2.resize(plane[inner], (side, side), interpolation=method)) for plane, method in planes]


def crop_of(rng: Generator, cutout: CutOut, rooms: Sequence[Room], side: int) -> Crop:
    """A crop of a cut-out before a room, side x side."""
    rows, columns = place(rng, cutout, side)
    distances, before, unknown = told(rng, cutout, rows, columns, side)
    rgba = shrink(np.ascontiguousarray(cutout.rgba[rows, columns]), side, side)
    own = light(rng, np.ascontiguousarray(rgba[..., :3]), 0.4).astype(np.float32) / 255
    room = backdrop(rng, rooms, side, side, float(rng.uniform(side, max(cutout.rgba.shape)))).astype(np.float32) / 255
    alpha, foreground, background = out_of_focus(rng, rgba[..., 3].astype(np.float32) / 255, own, room)
    rgb = shot(rng, mixed(foreground, alpha, background))
    counts = unknown * (1 - HOPELESS * missed(before, alpha))
    planes = [rgb, foreground, background, alpha, distances, before, counts]
    if rng.random() < 0.5:
        planes = [np.ascontiguousarray(plane[:, ::-1]) for plane in planes]
    return Crop(*planes)


def missed(before: Float, alpha: Float) -> Float:
    """Where the matte before is wrong all around, (H, W) in [0, 1]: nobody can tell from near what belongs to whom."""
    wrong: Float = np.asarray(cv2.blur(np.abs(before - alpha), (AREA, AREA)), np.float32)
    return np.clip(2 * wrong - 1, 0, 1)


def out_of_focus(rng: Generator, alpha: Float, foreground: Float, background: Float) -> tuple[Float, Float, Float]:
    """All of a crop blurred as a lens or a movement does; the truth is blurred with it."""
    kernel = None
    if rng.random() < MOTION_SHARE:
        kernel = motion_kernel(rng)
    elif rng.random() < BLUR_SHARE:
        gauss = cv2.getGaussianKernel(9, float(np.exp(rng.uniform(np.log(0.4), np.log(1.8)))))
        kernel = gauss @ gauss.T
    if kernel is None:
        return alpha, foreground, background
    amount, share, rest = (
        np.asarray(cv2.filter2D(plane, -1, kernel), np.float32)
        for plane in (foreground * alpha[..., None], alpha, background)
    )
    colours = np.where(share[..., None] > 1e-3, amount / np.maximum(share[..., None], 1e-3), foreground)
    return np.clip(share, 0, 1), np.clip(colours, 0, 1).astype(np.float32), rest


def shot(rng: Generator, rgb: Float) -> Float:
    """Noise and JPEG; 8 bits in any case."""
    if rng.random() < NOISE_SHARE:
        at = int(rng.integers(max(1, NOISE.size - rgb.size)))
        grain = np.resize(NOISE[at : at + rgb.size], rgb.shape)
        rgb = rgb + np.float32(np.exp(rng.uniform(np.log(0.003), np.log(0.04)))) * grain
    levels: Image = np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
    if rng.random() < JPEG_SHARE:
        levels = jpeg(levels, int(rng.integers(50, 97)))
    return levels.astype(np.float32) / 255


class Crops(IterableDataset[list[Tensor]]):
    """Batches of crops as tensors, in the order of `Crop`; a resumed run goes on.

    Args:
        first: number of the first batch.
    """

    def __init__(self, recipe: RefineRecipe, cutouts: Sequence[CutOut], rooms: Sequence[Room], first: int) -> None:
        self.recipe, self.cutouts, self.rooms, self.first = recipe, cutouts, rooms, first

    def __iter__(self) -> Iterator[list[Tensor]]:
        worker = get_worker_info()
        offset, count = (worker.id, worker.num_workers) if worker else (0, 1)
        for step in range(self.first + offset, self.recipe.steps, count):
            yield self.batch(step)

    def batch(self, step: int) -> list[Tensor]:
        """The batch of a step."""
        crops = []
        for index in range(self.recipe.batch):
            rng = np.random.default_rng((self.recipe.seed, step, 1 + index))
            cutout = self.cutouts[int(rng.integers(len(self.cutouts)))]
            crops.append(crop_of(rng, cutout, self.rooms, self.recipe.side))
        return stacked(crops)

    def loader(self, workers: int) -> DataLoader[list[Tensor]]:
        """The batches in order, made by `workers` processes, or by this one."""
        return DataLoader(self, batch_size=None, num_workers=workers, prefetch_factor=PREFETCH if workers else None)


def stacked(crops: Sequence[Crop]) -> list[Tensor]:
    """A batch, in the order of `Crop`, channels before rows."""
    names = Crop.__slots__
    return [torch.from_numpy(np.stack([planes(getattr(crop, name)) for crop in crops])) for name in names]


def planes(array: Float) -> Float:
    """(H, W) or (H, W, C) as (C, H, W)."""
    return np.ascontiguousarray(np.moveaxis(np.atleast_3d(array), 2, 0), np.float32)


def truth_of(batch: Sequence[Tensor]) -> tuple[tuple[Tensor, Tensor, Tensor], Truth]:
    """A batch as the network's three inputs, and what it is to answer."""
    rgb, foreground, background, alpha, distances, before, unknown = batch
    return (rgb, distances, before), Truth(rgb, alpha, foreground, background, unknown)
