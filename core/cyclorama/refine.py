"""Bringing a small matte to the picture's full size along the picture's own edges."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.band import around, marked, split, strips, unsure
from cyclorama.types import Alpha, DeepRgb, Rgb

Plane: TypeAlias = NDArray[np.float32]

RADIUS = 2  # pixels of the small matte
# Variance of colour (components in [0, 1]) below which a window counts as flat. Larger is softer: at 1e-3 it
# adds a halo.
EPSILON = 1e-4
MARGIN = 2  # small pixels around the unsure band in which the filter is trusted


def upsample_alpha(alpha: Alpha, guide: Rgb, rgb: DeepRgb) -> Alpha:
    """The matte at the size of `rgb`, following its edges.

    Args:
        alpha: float32 (h, w) in [0, 1], the small matte.
        guide: uint8 (h, w, 3), the picture that it was made from.
        rgb: uint8 or uint16 (H, W, 3), the full picture.

    Returns:
        float32 (H, W) in [0, 1].

    Source: He, Sun & Tang 2013, "Guided Image Filtering" (colour guide, equations 14 to 16), with the
    coefficients found on the small picture and applied on the large one (He & Sun 2015, "Fast Guided
    Filter"), in the unsure band alone: elsewhere a local linear model can only add texture.
    """
    height, width = rgb.shape[:2]
    if alpha.shape == (height, width):
        return alpha
    full: Alpha = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    band = unsure(alpha, MARGIN)
    marks = marked(band, height, width)
    if not marks.any():
        return full
    model: NDArray[np.float32] = cv2.merge(edge_model(alpha, guide, band))  # type: ignore[assignment]
    model[..., :3] /= np.iinfo(rgb.dtype).max
    for strip in strips(marks, height, width):
        *weights, out = split(strip.enlarged(model))
        for weight, plane in zip(weights, cv2.split(strip.take(rgb)), strict=True):
            weight *= plane  # type: ignore[arg-type]
            out += weight
        strip.put(full, np.clip(out, 0, 1, out=out))
    return full


def edge_model(alpha: Alpha, guide: Rgb, band: NDArray[np.uint8]) -> tuple[Plane, Plane, Plane, Plane]:
    """Models alpha = a . rgb + b, rgb in [0, 1], of a small matte in its unsure band, and the matte elsewhere.

    Args:
        alpha: float32 (h, w) in [0, 1].
        guide: uint8 (h, w, 3), the picture that it was made from.
        band: uint8 (h, w), 1 where the models are to be trusted.

    Returns:
        The three a, which are 0 outside of the band, and b, each float32 (h, w).
    """
    part = around(band, 2 * RADIUS + 1)  # the reach of the two means, and of the trust
    trust: Plane = cv2.blur(band[part].astype(np.float32), (3, 3))  # type: ignore[assignment]
    models = GuidedFilter(guide[part].astype(np.float32) / np.float32(255)).models(alpha[part])
    weights = [np.zeros_like(alpha) for _ in range(3)]
    for whole, weight in zip(weights, models[:3], strict=True):
        np.multiply(weight, trust, out=whole[part])
    offset = alpha.copy()
    offset[part] += trust * (models[3] - alpha[part])
    red, green, blue = weights
    return red, green, blue, offset


class GuidedFilter:
    """Per-pixel linear models alpha = a . rgb + b of the neighbourhood, for any number of mattes of one picture.

    Args:
        guide: float32 (h, w, 3) in [0, 1].
    """

    def __init__(self, guide: NDArray[np.float32]) -> None:
        # Planes of their own: arithmetic on every third value of an interleaved picture is slow.
        self.planes: tuple[Plane, ...] = tuple(cv2.split(guide))  # type: ignore[arg-type]
        self._means = tuple(_mean(plane) for plane in self.planes)
        r, g, b = self.planes
        mr, mg, mb = self._means
        epsilon = np.float32(EPSILON)
        rr, gg, bb = (
            _mean(r * r) - mr * mr + epsilon,
            _mean(g * g) - mg * mg + epsilon,
            _mean(b * b) - mb * mb + epsilon,
        )
        rg, rb, gb = _mean(r * g) - mr * mg, _mean(r * b) - mr * mb, _mean(g * b) - mg * mb

        # Inverse of the symmetric 3 x 3 covariance by its adjugate; EPSILON keeps it regular.
        i_rr, i_rg, i_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
        i_gg, i_gb, i_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
        self._adjugate = ((i_rr, i_rg, i_rb), (i_rg, i_gg, i_gb), (i_rb, i_gb, i_bb))
        self._scale = 1 / (rr * i_rr + rg * i_rg + rb * i_rb)

    def models(self, alpha: Alpha) -> tuple[Plane, Plane, Plane, Plane]:
        """The models' three a and b, each float32 (h, w), of a matte float32 (h, w)."""
        mr, mg, mb = self._means
        ma = _mean(alpha)
        cr, cg, cb = (_mean(plane * alpha) - mean * ma for plane, mean in zip(self.planes, self._means, strict=True))
        ar, ag, ab = ((row[0] * cr + row[1] * cg + row[2] * cb) * self._scale for row in self._adjugate)
        offset = ma - ar * mr - ag * mg - ab * mb
        return _mean(ar), _mean(ag), _mean(ab), _mean(offset)


def _mean(x: Plane) -> Plane:
    window = (2 * RADIUS + 1, 2 * RADIUS + 1)
    return cv2.blur(x, window, borderType=cv2.BORDER_REFLECT_101)  # type: ignore[return-value]
