"""A matte from a trimap: what is surely the subject, what is surely not, and a band between to be solved."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.band import shrink, working_size
from cyclorama.errors import PictureError
from cyclorama.refine import GuidedFilter, upsample_alpha
from cyclorama.types import Alpha, DeepRgb, Rgb

Plane: TypeAlias = NDArray[np.float32]

# A painted black or white may be off by a brush's soft edge.
BLACK, WHITE = 0.05, 0.95
WORKING_SIDE = 1024  # pixels; the band is solved at this long side and follows the picture's edges from there
# How far the unknown band goes beyond what the network doubts, as shares of the long side. It misses hair that stands
# off, so the band is wider outside.
OUTSIDE, INSIDE = 0.05, 0.015
DOUBTED = (0.02, 0.95)  # alpha; the network is seldom wrong above and below
FAR = 1e3  # pixels; farther is all the same
MOST_STEPS = 100
ENOUGH = 1e-3  # of the first residual


def from_alpha(alpha: Alpha, outside_px: float, inside_px: float) -> Alpha:
    """The trimap of a network's own doubt.

    Args:
        alpha: float32 (H, W) in [0, 1].
        outside_px, inside_px: how far the unknown band goes beyond what is doubted, pixels.

    Returns:
        float32 (H, W): 0 background, 1 subject, 0.5 unknown.
    """
    low, high = DOUBTED
    trimap = np.full(alpha.shape, 0.5, np.float32)
    trimap[_distance(alpha > low) > outside_px] = 0
    trimap[_distance(alpha < high) > inside_px] = 1
    return trimap


def of_doubt(alpha: Alpha) -> Alpha:
    """The trimap of a network's own doubt, as wide as measured best; see `from_alpha`."""
    height, width = alpha.shape
    # The band is many pixels wide: a large picture's need not be found pixel by pixel.
    small = shrink(alpha, *working_size(height, width, min(WORKING_SIDE, max(height, width)), 1))
    long_side = max(small.shape)
    trimap = from_alpha(small, OUTSIDE * long_side, INSIDE * long_side)
    return cv2.resize(trimap, (width, height), interpolation=cv2.INTER_NEAREST)  # type: ignore[return-value]


def completed(trimap: Alpha, alpha: Alpha) -> Alpha:
    """A drawn trimap with both kinds of sure pixels: one that it lacks is a network's, in what was left unknown.

    Args:
        trimap: float32 (H, W) in [0, 1].
        alpha: float32 (H, W) in [0, 1], the network's opinion.

    Raises:
        PictureError: they differ in size.
    """
    if trimap.shape != alpha.shape:
        (height, width), (h, w) = alpha.shape, trimap.shape
        raise PictureError(f"expected a trimap of the picture's {width} x {height} pixels, got {w} x {h}")
    no_background, no_subject = (trimap > BLACK).all(), (trimap < WHITE).all()
    if not (no_background or no_subject):
        return trimap
    doubt, unknown = of_doubt(alpha), unknown_in(trimap)
    taken = unknown & (((doubt == 0) & no_background) | ((doubt == 1) & no_subject))
    return np.where(taken, doubt, trimap)


def unknown_in(trimap: Alpha) -> NDArray[np.bool_]:
    """Where a trimap is neither black nor white, (H, W)."""
    return (trimap > BLACK) & (trimap < WHITE)


def distances(trimap: Alpha) -> Plane:
    """Pixels to the nearest sure background and to the nearest sure subject, float32 (H, W, 2), at most `FAR`."""
    return cv2.merge([_distance(trimap <= BLACK), _distance(trimap >= WHITE)])  # type: ignore[return-value]


def _distance(mask: NDArray[np.bool_]) -> Plane:
    """Pixels to the nearest one of a mask, float32 (H, W), at most `FAR`."""
    if not mask.any():
        return np.full(mask.shape, FAR, np.float32)
    # 2 % off at most, in a third of the time of the exact one.
    near = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.minimum(near, np.float32(FAR))


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
