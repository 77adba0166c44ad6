"""Losses of alpha, foreground and background in the unknown part of a picture (Forte & Pitie 2020, section 3.3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

COLOURS = 0.25  # weight of the colours' losses beside alpha's
BEFORE = 0.5  # weight of the alpha before fusion: the fused one has no slope where it is cut at 0 and 1
LEVELS = 5  # of the pyramid


@dataclass(frozen=True, slots=True)
class Truth:
    """What was composed: rgb (N, 3, H, W), alpha and unknown (N, 1, H, W), the colours (N, 3, H, W), in [0, 1]."""

    rgb: Tensor
    alpha: Tensor
    foreground: Tensor
    background: Tensor
    unknown: Tensor


def refine_loss(alpha: Tensor, foreground: Tensor, background: Tensor, said: Tensor, truth: Truth) -> Tensor:
    """L1, composition, gradient and Laplacian of alpha; L1, composition and Laplacian of the colours.

    Args:
        alpha: (N, 1, H, W), fused; said: before it.
    """
    a, f, b, unknown = truth.alpha, truth.foreground, truth.background, truth.unknown
    count = unknown.sum().clamp(min=1)
    # Colours that are not seen have no truth: the foreground's where alpha is 0, the background's where it is 1.
    wrong = torch.cat([alpha - a, (foreground - f) * (a > 0), (background - b) * (a < 1)], 1) * unknown
    by_alpha = unknown * (alpha * f + (1 - alpha) * b - truth.rgb)
    by_colours = unknown * (a * foreground + (1 - a) * background - truth.rgb)
    weights = wrong.new_tensor([1.0] + 6 * [COLOURS / 3])
    per_plane = wrong.abs().sum((0, 2, 3)) + laplacian(wrong)
    total = (weights * per_plane).sum() + gradient(wrong[:, :1]) + BEFORE * ((said - a) * unknown).abs().sum()
    total = total + by_alpha.abs().sum() / 3 + COLOURS * by_colours.abs().sum() / 3
    return total / count


def laplacian(error: Tensor) -> Tensor:
    """Absolute sums (C,) over a Laplacian pyramid of (N, C, H, W), H and W multiples of 32.

    Its means are of 2 x 2 pixels: with Gaussian ones the losses took half as long as the network.
    """
    total = error.new_zeros(error.shape[1])
    for _ in range(LEVELS):
        little = functional.avg_pool2d(error, 2)
        back = functional.interpolate(little, scale_factor=2.0, mode="nearest")
        total = total + (error - back).abs().sum((0, 2, 3))
        # A level has a quarter of the pixels. Doubled, its sum weighs as half of the level above it does.
        error = 2 * little
    return total


def gradient(error: Tensor) -> Tensor:
    """Absolute sum of the slopes to the right and down."""
    return error.diff(dim=3).abs().sum() + error.diff(dim=2).abs().sum()
