"""Losses of a predicted matte."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# 5-tap binomial kernel, the usual stand-in for a Gaussian in an image pyramid (Burt & Adelson 1983).
BINOMIAL = (1.0, 4.0, 6.0, 4.0, 1.0)
STEADY = 20.0  # what change between frames weighs


def laplacian_loss(predicted: Tensor, target: Tensor, levels: int = 4) -> Tensor:
    """Mean absolute difference of Laplacian pyramids (Hou & Liu 2019), coarse levels weighing more.

    Args:
        predicted, target: float (N, 1, H, W); H and W multiples of 2**levels.
    """
    kernel = torch.tensor(BINOMIAL, device=predicted.device, dtype=predicted.dtype) / sum(BINOMIAL)
    row, column = kernel.view(1, 1, 1, 5), kernel.view(1, 1, 5, 1)
    # The pyramid is linear, so that of the difference is the difference of the pyramids.
    x = predicted - target
    total = x.new_zeros(())
    for level in range(levels):
        padded = functional.pad(x, (2, 2, 2, 2), mode="reflect")
        blurred = functional.conv2d(functional.conv2d(padded, row), column)
        little = blurred[:, :, ::2, ::2]
        back = functional.interpolate(little, size=x.shape[2:], mode="bilinear", align_corners=False)
        total = total + 2.0**level * (x - back).abs().mean()
        x = little
    return total / levels


def temporal_loss(alpha: Tensor, target: Tensor) -> Tensor:
    """Squared difference of the changes from frame to frame (Lin 2021): what flickers although the truth rests.

    Args:
        alpha, target: float (N, T, H, W) in [0, 1].
    """
    return functional.mse_loss(alpha.diff(dim=1), target.diff(dim=1))


def matte_loss(alpha: Tensor, coarse_logits: Tensor, target: Tensor) -> Tensor:
    """L1 and Laplacian on the matte, cross-entropy on the coarse one (where is a person at all), change in clips.

    Args:
        alpha: float (N, T, H, W) in [0, 1].
        coarse_logits: float (N, T, H/16, W/16).
        target: float (N, T, H, W) in [0, 1].
    """
    alpha, coarse_logits = alpha.float(), coarse_logits.float()
    area = functional.interpolate(target, size=coarse_logits.shape[2:], mode="area")
    loss = (
        functional.l1_loss(alpha, target)
        + laplacian_loss(alpha.flatten(0, 1)[:, None], target.flatten(0, 1)[:, None])
        + 0.2 * functional.binary_cross_entropy_with_logits(coarse_logits, area)
        # Cross-entropy on the fine matte too: L1 of a sigmoid has no slope where it is surely wrong.
        + 0.2 * functional.binary_cross_entropy(alpha.clamp(1e-4, 1 - 1e-4), target)
    )
    return loss + STEADY * temporal_loss(alpha, target) if alpha.shape[1] > 1 else loss
