"""Putting a subject over a background."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.band import FAINTEST, marked, shrink, strips
from cyclorama.colour import decode, encode
from cyclorama.types import Alpha, Colour, DeepRgb, Light, Rgb
from cyclorama.working_space import WorkingSpace

BELOW_ONE = float(np.nextafter(np.float32(1), np.float32(0)))
BLUR_SHARE = 0.02  # default standard deviation of a blurred room, of the frame's long side


def composite(
    foreground: DeepRgb,
    alpha: Alpha,
    background: DeepRgb,
    light: Light = "srgb",
    working: WorkingSpace | None = None,
) -> DeepRgb:
    """`alpha * foreground + (1 - alpha) * background` (Porter & Duff 1984, "over"; straight foreground).

    Args:
        foreground, background: uint8 or uint16 (H, W, 3), alike in shape and dtype.
        alpha: float32 (H, W) in [0, 1].
        light: "srgb" blends the stored values. A network learns its alpha from pictures blended so, and
            players and editors blend so by default: the same alpha then gives back the same hair.
            "linear" blends light, as a lens does: better for defocus and motion blur, but thin dark hair
            over a bright background is lost in it.
        working: what the values of HDR and wide-gamut frames are; None: sRGB.

    Returns:
        An array of the shape and dtype of `foreground`.
    """
    if light == "linear":
        to_light, from_light = (decode, encode) if working is None else (working.decode, working.encode)
        mixed = cv2.blendLinear(to_light(foreground), to_light(background), alpha, 1 - alpha)
        return from_light(mixed, foreground.dtype)  # type: ignore[arg-type]
    if foreground.dtype == np.uint8:
        return _mixed(foreground, alpha, background)  # type: ignore[arg-type]
    # As background + alpha * difference: exact where alpha is 0 or 1, and OpenCV rounds at the end.
    difference: NDArray[np.float32] = cv2.subtract(foreground, background, dtype=cv2.CV_32F)  # type: ignore[assignment]
    difference *= alpha[..., None]
    return cv2.add(difference, background, dtype=cv2.CV_16U)  # type: ignore[return-value]


def _mixed(foreground: Rgb, alpha: Alpha, background: Rgb) -> Rgb:
    """The same for 8 bits: copied where alpha is sure, mixed in the tiles where it is not."""
    sure: NDArray[np.uint8] = cv2.compare(alpha, 1, cv2.CMP_EQ)  # type: ignore[call-overload]
    out: Rgb = cv2.copyTo(foreground, sure, background.copy())  # type: ignore[assignment]
    partial: NDArray[np.uint8] = cv2.inRange(alpha, FAINTEST, BELOW_ONE)  # type: ignore[assignment]
    height, width = alpha.shape
    for strip in strips(marked(partial, height, width), height, width):
        share = strip.take(alpha)
        strip.put(out, cv2.blendLinear(strip.take(foreground), strip.take(background), share, 1 - share))
    return out


def fill(colour: Colour, height: int, width: int) -> Rgb:
    """A picture of one colour, uint8 (height, width, 3)."""
    return np.full((height, width, 3), (colour.red, colour.green, colour.blue), np.uint8)


def cover(picture: Rgb, height: int, width: int) -> Rgb:
    """Scales a picture until it covers height x width, and crops it around its middle."""
    h, w = picture.shape[:2]
    if (h, w) == (height, width):
        return picture
    scale = max(height / h, width / w)
    crop_h, crop_w = min(h, max(1, round(height / scale))), min(w, max(1, round(width / scale)))
    top, left = (h - crop_h) // 2, (w - crop_w) // 2
    crop = picture[top : top + crop_h, left : left + crop_w]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(crop, (width, height), interpolation=method)  # type: ignore[return-value]


def blurred_room(rgb: DeepRgb, alpha: Alpha, radius: float | None) -> DeepRgb:
    """The picture without its subject, out of focus.

    Args:
        rgb: uint8 or uint16 (H, W, 3).
        alpha: float32 (H, W) in [0, 1].
        radius: standard deviation in pixels; None: `BLUR_SHARE` of the long side.

    Weighting by 1 - alpha (normalised convolution, Knutsson & Westin 1993) keeps the subject's colours
    out of the room: a plain blur surrounds the subject with a glow of itself.
    """
    height, width = alpha.shape
    sigma = BLUR_SHARE * max(height, width) if radius is None else radius
    # A blur of sigma needs no more detail than sigma / 3.
    scale = min(1.0, 3.0 / sigma)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = shrink(rgb, *size[::-1]).astype(np.float32)
    # To the fourth: a small pixel that is half subject has half the subject's colour, and must hardly count.
    weight: NDArray[np.float32] = (1 - shrink(alpha, *size[::-1])) ** 4
    # Where no room is near, its mean colour stands in: hidden by the subject, but never a division by 0.
    mean = (small * weight[..., None]).sum((0, 1)) / max(float(weight.sum()), 1e-3)
    blurred = cv2.GaussianBlur(np.dstack([small * weight[..., None], weight]), (0, 0), sigma * scale)
    share = blurred[..., 3:]
    room = (blurred[..., :3] + 1e-3 * mean) / (share + 1e-3)
    large = cv2.resize(room, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.rint(np.clip(large, 0, np.iinfo(rgb.dtype).max)).astype(rgb.dtype)
