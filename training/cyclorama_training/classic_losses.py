"""Losses that the classics were trained with, by the names that recipes give them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

SMOOTH = 1.0  # pixels: keeps the dice of an empty mask defined


def l1(logits: Tensor, target: Tensor) -> Tensor:
    """Mean absolute difference of alpha."""
    return functional.l1_loss(torch.sigmoid(logits), target)


def soft_dice(logits: Tensor, target: Tensor) -> Tensor:
    """1 less the Dice coefficient of alpha itself, of each picture, then their mean (Milletari 2016, V-Net)."""
    alpha, target = torch.sigmoid(logits).flatten(1), target.flatten(1)
    shared = 2 * (alpha * target).sum(1) + SMOOTH
    return 1 - (shared / (alpha.square().sum(1) + target.square().sum(1) + SMOOTH)).mean()


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "l1": l1,
    "dice": soft_dice,
    "cross-entropy": functional.binary_cross_entropy_with_logits,
}


def weighted(weights: Mapping[str, float], logits: Tensor, target: Tensor) -> Tensor:
    """Sum of losses.

    Args:
        weights: by name in `LOSSES`.
        logits, target: float (N, H, W); the target in [0, 1].
    """
    return torch.stack([w * LOSSES[name](logits, target) for name, w in weights.items()]).sum()
