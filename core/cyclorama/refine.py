"""Bringing a small matte to the picture's full size along the picture's own edges."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.band import enlarge, tiles, unsure
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
    if not band.any():
        return full
    coefficients = guided_coefficients(alpha, guide.astype(np.float32) / np.float32(255))
    trust: NDArray[np.float32] = cv2.blur(band.astype(np.float32), (3, 3))  # type: ignore[assignment]
    top = np.float32(np.iinfo(rgb.dtype).max)
    for rows, columns in tiles(band, height, width):
        a = enlarge(coefficients, rows, columns, height, width)
        pixels = rgb[rows, columns].astype(np.float32) / top
        guided = a[..., 0] * pixels[..., 0] + a[..., 1] * pixels[..., 1] + a[..., 2] * pixels[..., 2] + a[..., 3]
        weight = enlarge(trust, rows, columns, height, width)
        linear = full[rows, columns]
        full[rows, columns] = np.clip(linear + weight * (guided - linear), 0, 1)
    return full


def guided_coefficients(alpha: Alpha, guide: NDArray[np.float32]) -> NDArray[np.float32]:
    """Per-pixel linear model alpha = a . rgb + b of the neighbourhood: float32 (h, w, 4), a then b.

    Args:
        alpha: float32 (h, w).
        guide: float32 (h, w, 3) in [0, 1].
    """
    window = (2 * RADIUS + 1, 2 * RADIUS + 1)

    def mean(x: Plane) -> Plane:
        return cv2.blur(x, window, borderType=cv2.BORDER_REFLECT_101)  # type: ignore[return-value]

    # Planes of their own: arithmetic on every third value of an interleaved picture is slow.
    planes: tuple[Plane, ...] = tuple(cv2.split(guide))  # type: ignore[arg-type]
    r, g, b = planes
    mr, mg, mb, ma = mean(r), mean(g), mean(b), mean(alpha)
    cr, cg, cb = mean(r * alpha) - mr * ma, mean(g * alpha) - mg * ma, mean(b * alpha) - mb * ma
    epsilon = np.float32(EPSILON)
    rr, gg, bb = mean(r * r) - mr * mr + epsilon, mean(g * g) - mg * mg + epsilon, mean(b * b) - mb * mb + epsilon
    rg, rb, gb = mean(r * g) - mr * mg, mean(r * b) - mr * mb, mean(g * b) - mg * mb

    # Inverse of the symmetric 3 x 3 covariance by its adjugate; EPSILON keeps it regular.
    i_rr, i_rg, i_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    i_gg, i_gb, i_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    scale = 1 / (rr * i_rr + rg * i_rg + rb * i_rb)
    ar = (i_rr * cr + i_rg * cg + i_rb * cb) * scale
    ag = (i_rg * cr + i_gg * cg + i_gb * cb) * scale
    ab = (i_rb * cr + i_gb * cg + i_bb * cb) * scale
    offset = ma - ar * mr - ag * mg - ab * mb
    return cv2.merge([mean(ar), mean(ag), mean(ab), mean(offset)])  # type: ignore[return-value]
