"""Closed-form matting: the alpha that a picture's colours speak for, where others leave it open."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.band import around, shrink
from cyclorama.types import Alpha

Plane: TypeAlias = NDArray[np.float32]

RADIUS = 4  # pixels of a window, in which alpha is taken for a linear function of colour
EPSILON = 3e-5  # variance of colour (components in [0, 1]) below which a window counts as flat
SMALLEST = 64  # pixels of the short side of the smallest size at which it is solved
# At most: at that size, at the ones between, and at the picture's own. It is the first that costs nothing.
FIRST_STEPS, MORE_STEPS, LAST_STEPS = 60, 30, 20
ENOUGH = 3e-3  # of the first residual


def solve(guide: Plane, alpha: Alpha, unknown: Plane, trust: Plane | float = 0.0) -> Alpha:
    """Alpha with x L x + trust (x - alpha)^2 at its least in the unknown pixels; the others keep theirs.

    Args:
        guide: float32 (h, w, 3) in [0, 1], the picture.
        alpha: float32 (h, w) in [0, 1]: what is known, and in the unknown pixels where the solution starts from, and
            what is trusted.
        unknown: float32 (h, w), 1 where alpha is to be found, else 0.
        trust: float32 (h, w), or one for all; 0: the colours alone decide.

    Returns:
        float32 (h, w) in [0, 1].

    Source: Levin, Lischinski & Weiss 2008, "A Closed-Form Solution to Natural Image Matting" (equation 14), the
    Laplacian applied by box filters as in He, Sun & Tang 2010, "Fast Matting Using Large Kernel Matting Laplacian
    Matrices" (algorithm 1), solved by conjugate gradients, from coarse to fine.
    """
    return Problem(guide, unknown).solve(alpha, trust)


class Problem:
    """A picture's unknown pixels: what all solutions of them share, made once. Threads may share it.

    Args:
        guide, unknown: see `solve`.
    """

    def __init__(self, guide: Plane, unknown: Plane) -> None:
        # What is unknown, and the Laplacian, at the picture's size and at halves of it; none where nothing is unknown.
        self._levels: list[tuple[Plane, Laplacian]] = []
        if not unknown.any():
            return
        self._part = around(unknown > 0, 2 * RADIUS + 1)  # beyond it nothing counts
        guide, unknown = guide[self._part], unknown[self._part]
        self._levels.append((unknown, Laplacian(guide)))
        while min(unknown.shape) >= 2 * SMALLEST:
            height, width = (side // 2 for side in unknown.shape)
            guide, unknown = shrink(guide, height, width), np.rint(shrink(unknown, height, width))
            self._levels.append((unknown, Laplacian(guide)))

    def solve(self, alpha: Alpha, trust: Plane | float = 0.0) -> Alpha:
        """See `solve`."""
        if not self._levels:
            return alpha
        part = self._part
        trusted = trust[part] if isinstance(trust, np.ndarray) else np.full_like(alpha[part], trust)
        solved = alpha.astype(np.float32)
        solved[part] = np.clip(self._solved(0, solved[part], trusted), 0, 1)
        return solved

    def _solved(self, level: int, alpha: Plane, trust: Plane) -> Plane:
        """The same, not cut at 0 and 1. It starts from what half the size finds: that reaches far in a few steps."""
        unknown, laplacian = self._levels[level]
        x, most_steps = alpha, FIRST_STEPS
        if level + 1 < len(self._levels):
            half = self._levels[level + 1][0].shape
            found = self._solved(level + 1, shrink(alpha, *half), shrink(trust, *half))
            size = unknown.shape[1], unknown.shape[0]
            x = np.where(unknown > 0, cv2.resize(found, size, interpolation=cv2.INTER_LINEAR), alpha)
            most_steps = MORE_STEPS if level else LAST_STEPS
        residual = -unknown * (laplacian.times(x) + trust * (x - alpha))
        direction, energy = residual.copy(), float((residual * residual).sum())
        enough = energy * ENOUGH**2
        for _ in range(most_steps):
            if energy <= enough:
                break
            product = unknown * (laplacian.times(direction) + trust * direction)
            step = np.float32(energy / max(float((direction * product).sum()), 1e-20))
            x = x + step * direction
            residual -= step * product
            before, energy = energy, float((residual * residual).sum())
            direction = residual + np.float32(energy / before) * direction
        return x


class Laplacian:
    """The matting Laplacian of a picture, over a window's number of pixels.

    Args:
        guide: float32 (h, w, 3) in [0, 1].
    """

    def __init__(self, guide: Plane) -> None:
        self._planes: tuple[Plane, ...] = tuple(cv2.split(guide))  # type: ignore[arg-type]
        self._means = tuple(_mean(plane) for plane in self._planes)
        # In single precision the determinant of a steep edge's covariance is lost in rounding.
        planes = [plane.astype(np.float64) for plane in self._planes]
        r, g, b = planes
        mr, mg, mb = (_mean(plane) for plane in planes)
        rr, gg, bb = (_mean(p * p) - m * m + EPSILON for p, m in ((r, mr), (g, mg), (b, mb)))
        rg, rb, gb = _mean(r * g) - mr * mg, _mean(r * b) - mr * mb, _mean(g * b) - mg * mb
        i_rr, i_rg, i_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
        i_gg, i_gb, i_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
        determinant = rr * i_rr + rg * i_rg + rb * i_rb
        adjugate = ((i_rr, i_rg, i_rb), (i_rg, i_gg, i_gb), (i_rb, i_gb, i_bb))
        self._inverse = [[(plane / determinant).astype(np.float32) for plane in row] for row in adjugate]

    def times(self, x: Plane) -> Plane:
        """Its product with a plane (h, w): x less what its windows' linear models of colour make of it."""
        mean = _mean(x)
        shared = [_mean(plane * x) - own * mean for plane, own in zip(self._planes, self._means, strict=True)]
        slopes = [row[0] * shared[0] + row[1] * shared[1] + row[2] * shared[2] for row in self._inverse]
        offset = mean
        for slope, own in zip(slopes, self._means, strict=True):
            offset = offset - slope * own
        result = x - _mean(offset)
        for slope, plane in zip(slopes, self._planes, strict=True):
            result -= _mean(slope) * plane
        return result


def _mean(x: NDArray[np.floating]) -> NDArray[np.floating]:  # type: ignore[type-arg]
    window = (2 * RADIUS + 1, 2 * RADIUS + 1)
    return cv2.blur(x, window, borderType=cv2.BORDER_REFLECT_101)  # type: ignore[return-value]
