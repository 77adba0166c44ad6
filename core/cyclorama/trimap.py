"""A matte from a trimap: what is surely the subject, what is surely not, and a band between to be solved."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cyclorama.band import shrink
from cyclorama.refine import GuidedFilter, upsample_alpha
from cyclorama.types import Alpha, DeepRgb, Rgb

Plane: TypeAlias = NDArray[np.float32]

# A painted black or white may be off by a brush's soft edge.
BLACK, WHITE = 0.05, 0.95
WORKING_SIDE = 1024  # pixels; the band is solved at this long side and follows the picture's edges from there
MOST_STEPS = 100
ENOUGH = 1e-3  # of the first residual


def solve(trimap: Alpha, alpha: Alpha, rgb: DeepRgb) -> Alpha:
    """The matte that keeps a trimap's sure parts and solves the rest.

    Args:
        trimap: float32 (H, W) in [0, 1]: up to `BLACK` background, from `WHITE` subject, between them unknown.
        alpha: float32 (H, W) in [0, 1], a network's opinion. It is where the solution starts from and no more:
            who draws a trimap does so because the network was wrong. Unknown parts that touch no sure one keep it.
        rgb: uint8 or uint16 (H, W, 3).

    Returns:
        float32 (H, W) in [0, 1]; exactly 0 and 1 in the sure parts.

    Source: Levin, Lischinski & Weiss 2008, "A Closed-Form Solution to Natural Image Matting" (equation 14, the
    sure parts as given values), its Laplacian applied by box filters as in He, Sun & Tang 2010, "Fast Matting
    Using Large Kernel Matting Laplacian Matrices" (algorithm 1), solved by conjugate gradients.
    """
    height, width = alpha.shape
    scale = min(1.0, WORKING_SIDE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    small = shrink(rgb, *size)
    top = np.float32(np.iinfo(rgb.dtype).max)
    guide = small.astype(np.float32) / top
    known = shrink(_sure(trimap), *size)
    solved = _conjugate_gradients(guide, known, shrink(alpha, *size))
    eight: Rgb = np.rint(guide * 255).astype(np.uint8)
    full = upsample_alpha(solved, eight, rgb)
    return np.where(trimap <= BLACK, 0, np.where(trimap >= WHITE, 1, full)).astype(np.float32, copy=False)


def _sure(trimap: Alpha) -> Plane:
    """(H, W, 2): how surely each pixel is background, and subject."""
    return np.dstack([trimap <= BLACK, trimap >= WHITE]).astype(np.float32)


def _conjugate_gradients(guide: Plane, sure: Plane, alpha: Alpha) -> Alpha:
    """Alpha (h, w) with L alpha = 0 in the unknown pixels, the others given; starts from `alpha`."""
    windows = GuidedFilter(guide)
    unknown = (sure.max(2) < 0.5).astype(np.float32)
    given = (1 - unknown) * (sure[..., 1] > sure[..., 0])
    x = given + unknown * alpha
    residual = -unknown * _laplacian(windows, x)
    direction, energy = residual.copy(), float((residual * residual).sum())
    enough = energy * ENOUGH**2
    for _ in range(MOST_STEPS):
        if energy <= enough:
            break
        product = unknown * _laplacian(windows, direction)
        step = np.float32(energy / max(float((direction * product).sum()), 1e-20))
        x += step * direction
        residual -= step * product
        before, energy = energy, float((residual * residual).sum())
        direction = residual + np.float32(energy / before) * direction
    return np.clip(x, 0, 1)


def _laplacian(windows: GuidedFilter, x: Plane) -> Plane:
    """The matting Laplacian's product with a plane, over a window's number of pixels: x less its guided filter."""
    ar, ag, ab, b = windows.models(x)
    red, green, blue = windows.planes
    return x - ar * red - ag * green - ab * blue - b
