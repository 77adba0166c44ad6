"""Batches of composed clips: the same ones whatever number of processes makes them, or shares them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from cyclorama_training.compose import Composer
from cyclorama_training.recipe import Recipe

PREFETCH = 4  # batches that a worker has ready


class Batches(IterableDataset[tuple[Tensor, Tensor]]):
    """Batches of one kind each, rgb uint8 (N, T, H, W, 3) and alpha float32 (N, T, H, W); a resumed run goes on.

    Of several ranks each takes its share of every batch, not of the steps: so a recipe means the same on one
    graphics card and on eight. Each clip has a seed of its own, so that none is composed for nothing.

    Args:
        first: number of the first batch.
    """

    def __init__(self, composer: Composer, recipe: Recipe, first: int, *, rank: int = 0, ranks: int = 1) -> None:
        self.composer, self.recipe, self.first = composer, recipe, first
        self.rank, self.ranks = rank, ranks

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker = get_worker_info()
        offset, count = (worker.id, worker.num_workers) if worker else (0, 1)
        for step in range(self.first + offset, self.recipe.steps, count):
            yield self.batch(step)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """This rank's share of the batch of a step."""
        kinds = self.recipe.phase_at(step).batches
        # 0 is taken by the kind: a seed ending in 0 is the one without it to NumPy.
        kind = kinds[np.random.default_rng((self.recipe.seed, step)).integers(len(kinds))]
        seeds = [(self.recipe.seed, step, 1 + index) for index in range(self.rank, kind.clips, self.ranks)]
        shape = kind.height, kind.width, kind.frames
        samples = [self.composer.sample(np.random.default_rng(s), *shape, mild=kind.mild) for s in seeds]
        rgb, alpha = (np.stack(arrays) for arrays in zip(*((s.rgb, s.alpha) for s in samples), strict=True))
        return torch.from_numpy(rgb), torch.from_numpy(alpha)

    def loader(self, workers: int) -> DataLoader[tuple[Tensor, Tensor]]:
        """The batches in order, made by `workers` processes, or by this one."""
        return DataLoader(self, batch_size=None, num_workers=workers, prefetch_factor=PREFETCH if workers else None)
