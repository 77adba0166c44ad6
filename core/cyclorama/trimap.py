"""A matte from a trimap: what is surely the subject, what is surely not, and a band between to be solved."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.band import shrink, working_size
from cyclorama.closed_form import solve as closed_form
from cyclorama.errors import PictureError
from cyclorama.refine import upsample_alpha
from cyclorama.types import Alpha, DeepRgb, Rgb

Plane: TypeAlias = NDArray[np.float32]

# A painted black or white may be off by a brush's soft edge.
BLACK, WHITE = 0.05, 0.95
WORKING_SIDE = 1024  # pixels; the band is solved at this long side and follows the picture's edges from there
# Shares of the long side. The unknown band goes so far beyond a doubt that is wider than a crisp edge's: the network
# misses hair that stands off, so it is wider outside. At a crisp edge it is narrow, for there is no hair.
OUTSIDE, INSIDE = 0.05, 0.015
CRISP, NARROW = 0.006, 0.006
DOUBTED = (0.02, 0.95)  # alpha; the network is seldom wrong above and below
FAR = 1e3  # pixels; farther is all the same
# How much a matte is trusted against the picture's colours, where it is sure; elsewhere with this power of sureness.
# So many times as much more where the subject's colour is the background's, to within `ALIKE`: no colour tells there.
TRUST, SURENESS, MORE, ALIKE = 3e-3, 3, 60.0, 0.15
STEEPER = 1.5  # times: what it leaves at a half is more often something or nothing
NEAR, WIDE = 0.02, 0.08  # of the long side: how far the colours of what is sure reach, and where these do not
COARSE = 8  # times smaller than the picture: spread colours
HAZE = 0.05  # alpha that is taken for nothing in the end, and as much below 1 for all: colours are never quite a line


def of_doubt(alpha: Alpha) -> Alpha:
    """The trimap of a network's own doubt.

    Args:
        alpha: float32 (H, W) in [0, 1].

    Returns:
        float32 (H, W): 0 background, 1 subject, 0.5 unknown.
    """
    height, width = alpha.shape
    # The band is many pixels wide: a large picture's need not be found pixel by pixel.
    small = shrink(alpha, *working_size(height, width, min(WORKING_SIDE, max(height, width)), 1))
    long_side = max(small.shape)
    low, high = DOUBTED
    # An edge between two pixels is a doubt as well.
    beside = np.ones((3, 3), np.uint8)
    some, not_all = (cv2.dilate(mask.astype(np.uint8), beside) > 0 for mask in (small > low, small < high))
    doubt = some & not_all
    crisp = 1 + CRISP * long_side
    to_soft, to_doubt = distance(distance(~doubt) > crisp) - crisp, distance(doubt)
    trimap = np.full(small.shape, 0.5, np.float32)
    for value, side, reach in ((0, small <= low, OUTSIDE), (1, small >= high, INSIDE)):
        trimap[side & (to_soft > reach * long_side) & (to_doubt > NARROW * long_side)] = value
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


def distance(mask: NDArray[np.bool_]) -> Plane:
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
    """
    return _solved(trimap, alpha, rgb, trusted=False)


def refine(alpha: Alpha, rgb: DeepRgb) -> Alpha:
    """A matte with what it leaves in doubt found by the picture's colours: single hairs.

    Args:
        alpha: float32 (H, W) in [0, 1], a network's. Where nobody is sure in it, it is the answer.
        rgb: uint8 or uint16 (H, W, 3).
    """
    trimap = of_doubt(alpha)
    return _solved(trimap, alpha, rgb, trusted=True) if (trimap >= WHITE).any() else alpha


def _solved(trimap: Alpha, alpha: Alpha, rgb: DeepRgb, *, trusted: bool) -> Alpha:
    height, width = alpha.shape
    size = working_size(height, width, min(WORKING_SIDE, max(height, width)), 1)
    guide = shrink(rgb, *size).astype(np.float32) / np.float32(np.iinfo(rgb.dtype).max)
    sure = shrink(np.dstack([trimap <= BLACK, trimap >= WHITE]).astype(np.float32), *size)
    unknown = (sure.max(2) < 0.5).astype(np.float32)
    believed = shrink(alpha, *size)
    if trusted:
        believed = np.clip(0.5 + STEEPER * (believed - np.float32(0.5)), 0, 1)
    start = np.where(unknown > 0, believed, sure[..., 1] > sure[..., 0]).astype(np.float32)
    found = closed_form(guide, start, unknown, trust(believed, guide, sure) if trusted else 0.0)
    eight: Rgb = np.rint(guide * 255).astype(np.uint8)
    full = upsample_alpha(found, eight, rgb)
    if trusted:
        full = np.clip((full - np.float32(HAZE)) / np.float32(1 - 2 * HAZE), 0, 1)
    return np.where(trimap <= BLACK, 0, np.where(trimap >= WHITE, 1, full)).astype(np.float32, copy=False)


def trust(alpha: Alpha, guide: Plane, sure: Plane) -> Plane:
    """How much a matte counts beside the picture's colours, float32 (h, w): most where it is sure and they say little.

    Args:
        alpha: float32 (h, w) in [0, 1].
        guide: float32 (h, w, 3) in [0, 1], the picture.
        sure: float32 (h, w, 2), how surely each pixel is background, and subject.
    """
    background, subject = (spread(guide, sure[..., side]) for side in (0, 1))
    apart = np.square(subject - background).sum(2)
    alike = np.exp(-apart / np.float32(2 * ALIKE**2))
    return np.float32(TRUST) * np.abs(2 * alpha - 1) ** SURENESS * (1 + np.float32(MORE) * alike)


def spread(guide: Plane, sure: Plane) -> Plane:
    """The colours of what is sure, carried into what is not: float32 (h, w, 3)."""
    height, width = sure.shape
    size = max(1, round(height / COARSE)), max(1, round(width / COARSE))
    weight = shrink(sure, *size)[..., None]
    amount = np.dstack([shrink(guide * sure[..., None], *size), weight])
    total = amount.sum((0, 1))
    colours = total[:3] / max(float(total[3]), 1e-6)
    for reach in (WIDE, NEAR):
        blurred = cv2.GaussianBlur(amount, (0, 0), reach * max(size))
        known = blurred[..., 3:]
        share = np.clip(known / np.float32(0.05), 0, 1)
        colours = share * blurred[..., :3] / np.maximum(known, 1e-6) + (1 - share) * colours
    return cv2.resize(colours, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]
