"""A matte from a trimap: what is surely the subject, what is surely not, and a band between to be solved."""

from __future__ import annotations

from dataclasses import dataclass
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
    band = Band.of(trimap, rgb)
    start = band.filled(shrink(alpha, *band.size))
    return band.enlarged(closed_form(band.guide, start, band.unknown), trimap, rgb)


@dataclass(frozen=True, slots=True)
class Band:
    """A picture and its trimap at the size at which the unknown band is solved.

    Attributes:
        guide: float32 (h, w, 3) in [0, 1], the picture.
        sure: float32 (h, w, 2) in [0, 1], how surely each pixel is background, and subject.
        unknown: float32 (h, w), 1 where alpha is to be found, else 0.
    """

    guide: Plane
    sure: Plane
    unknown: Plane

    @classmethod
    def of(cls, trimap: Alpha, rgb: DeepRgb) -> Band:
        """See `solve`."""
        height, width = trimap.shape
        size = working_size(height, width, min(WORKING_SIDE, max(height, width)), 1)
        guide = shrink(rgb, *size).astype(np.float32) / np.float32(np.iinfo(rgb.dtype).max)
        sure = shrink(np.dstack([trimap <= BLACK, trimap >= WHITE]).astype(np.float32), *size)
        return cls(guide, sure, (sure.max(2) < 0.5).astype(np.float32))

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, pixels."""
        height, width = self.unknown.shape
        return height, width

    def trimap(self) -> Alpha:
        """float32 (h, w): 0 background, 1 subject, 0.5 unknown."""
        return self.filled(np.full_like(self.unknown, 0.5))

    def filled(self, alpha: Alpha) -> Alpha:
        """`alpha`, float32 (h, w), where it is to be found, and 0 or 1 where it is known."""
        return np.where(self.unknown > 0, alpha, self.sure[..., 1] > self.sure[..., 0]).astype(np.float32)

    def part(self, part: tuple[slice, slice]) -> Band:
        """Some of its rows and columns."""
        return Band(self.guide[part], self.sure[part], self.unknown[part])

    def opened(self, zone: NDArray[np.bool_]) -> Band:
        """The same with what is surely background in a zone (h, w) unknown as well."""
        zone = zone & (self.unknown == 0) & (self.sure[..., 0] >= self.sure[..., 1])
        sure = np.where(zone[..., None], np.float32(0), self.sure)
        return Band(self.guide, sure, np.where(zone, np.float32(1), self.unknown))

    def enlarged(self, found: Alpha, trimap: Alpha, rgb: DeepRgb) -> Alpha:
        """What was found, float32 (h, w), at the size of the picture; exactly 0 and 1 in the trimap's sure parts."""
        eight: Rgb = np.rint(self.guide * 255).astype(np.uint8)
        full = upsample_alpha(found, eight, rgb)
        return np.where(trimap <= BLACK, 0, np.where(trimap >= WHITE, 1, full)).astype(np.float32, copy=False)
