"""How a picture and the subject in it look: colour, brightness, where the light comes from, how it is framed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.band import shrink
from cyclorama.colour import linear_from_srgb
from cyclorama.types import Alpha, LightSide, Rgb

Framing: TypeAlias = Literal["head and shoulders", "half length", "full length"]

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # of sRGB's primaries (BT.709)
LONG_SIDE = 256  # pixels; the statistics need no more
SURE = 0.9  # alpha from which a pixel is the subject's alone
FEWEST = 0.005  # share of the picture below which a subject is too small to tell anything of it
MINKOWSKI = 6  # the norm that Finlayson & Trezzi 2004 found best
# Stops between the bright and the dark side, from which a side is named; of faces lit from the front 90 % have less.
SIDE_STOPS = 1.0
BACKLIT_STOPS = 2.5  # that the room is brighter than the subject
GAMMA = 2.2  # of sRGB, near enough for a ratio
DARKEST = 1e-3  # light that counts as black, so that logarithms stay finite

STRAND = 7  # pixels of the small picture; what is thinner is no head: hair that stands up, a raised finger
# The eyes lie where the distance from the top of the head reaches this share of the head's width.
EYES = 0.62
# Height of what is seen of a person, in widths of the head.
HALF_LENGTH, FULL_LENGTH = 2.9, 5.5


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of a whole picture; the fields are those of `cyclorama.types.Scene`."""

    mean: tuple[float, float, float]
    luminance: float
    warmth: float
    light: LightSide


@dataclass(frozen=True, slots=True)
class Look:
    """Of the subject in a picture.

    Attributes:
        luminance: mean luma, 0 ... 1.
        warmth: of the light that falls on the subject; log2 of red over blue, as sRGB values.
        light: where the light comes from.
        eyes: how far down the eyes of the topmost person are, as a share of the height.
        framing: how much of a person is seen.
    """

    luminance: float
    warmth: float
    light: LightSide
    eyes: float
    framing: Framing


def statistics(rgb: Rgb) -> Statistics:
    """The statistics of a picture, uint8 (H, W, 3) sRGB."""
    mean = rgb.reshape(-1, 3).mean(0) / 255
    small = _small(rgb)
    luminance = linear_from_srgb(small) @ LUMA
    third = max(1, luminance.shape[1] // 3)
    side = _stops(float(luminance[:, -third:].mean()), float(luminance[:, :third].mean()))
    light: LightSide = "front" if abs(side) < SIDE_STOPS else ("right" if side > 0 else "left")
    red, green, blue = (float(c) for c in mean)
    return Statistics((red, green, blue), float(mean @ LUMA), _stops(red, blue), light)


def look(rgb: Rgb, alpha: Alpha) -> Look | None:
    """How the subject looks.

    Args:
        rgb: uint8 (H, W, 3) sRGB.
        alpha: float32 (H, W) in [0, 1].

    Returns:
        None where the matte is as good as empty.
    """
    small = _small(rgb)
    height, width = small.shape[:2]
    matte = shrink(alpha, height, width)
    subject = matte > SURE
    if subject.mean() < FEWEST:
        return None
    luma = small @ LUMA
    opened = cv2.morphologyEx(subject.astype(np.uint8), cv2.MORPH_OPEN, np.ones((STRAND, STRAND), np.uint8))
    eyes, head = _head(opened.astype(bool) if opened.any() else subject)
    shown = float(np.nonzero(subject.any(1))[0][-1] + 1) - float(np.nonzero(subject.any(1))[0][0])
    framing: Framing = "head and shoulders"
    if shown > FULL_LENGTH * head:
        framing = "full length"
    elif shown > HALF_LENGTH * head:
        framing = "half length"
    return Look(
        luminance=float(luma[subject].mean()),
        warmth=_stops(*(float(c) for c in illuminant(small)[[0, 2]])) / GAMMA,
        light=_side(linear_from_srgb(small) @ LUMA, subject, matte < 1 - SURE),
        eyes=eyes / height,
        framing=framing,
    )


def illuminant(pixels: NDArray[np.float32]) -> NDArray[np.float64]:
    """The colour of the light, linear red, green, blue whose mean is 1, by pixels float32 (..., 3) in [0, 1].

    Source: Finlayson & Trezzi 2004, "Shades of Gray and Colour Constancy".
    """
    light = linear_from_srgb(pixels.reshape(-1, 3)).astype(np.float64) ** MINKOWSKI
    norm = (light.sum(0) / max(1, len(light))) ** (1 / MINKOWSKI) + DARKEST
    return norm / norm.mean()


def _small(rgb: Rgb) -> NDArray[np.float32]:
    """The picture in [0, 1] at a size that the statistics need."""
    height, width = rgb.shape[:2]
    scale = min(1.0, LONG_SIDE / max(height, width))
    small = shrink(rgb, max(1, round(height * scale)), max(1, round(width * scale)))
    return small.astype(np.float32) / np.float32(255)


def _stops(bright: float, dark: float) -> float:
    return float(np.log2(max(bright, DARKEST) / max(dark, DARKEST)))


def _head(subject: NDArray[np.bool_]) -> tuple[float, float]:
    """Row of the eyes and width of the head of the topmost person, in pixels.

    From the top of a head down, the outline widens until the ears; shoulders come only further down.
    """
    rows = np.nonzero(subject.any(1))[0]
    top = int(rows[0])
    # Of the topmost person alone: others stand beside the column of the top.
    column = int(np.median(np.nonzero(subject[top])[0]))
    widest = 1
    for row in range(top, subject.shape[0]):
        line = subject[row]
        if not line[column]:
            continue  # hair with a gap
        left, right = column, column
        while left > 0 and line[left - 1]:
            left -= 1
        while right < line.size - 1 and line[right + 1]:
            right += 1
        widest = max(widest, right - left + 1)
        if row - top >= EYES * widest:
            return float(row), float(widest)
    return float(rows[-1]), float(widest)


def _side(luminance: NDArray[np.float32], subject: NDArray[np.bool_], room: NDArray[np.bool_]) -> LightSide:
    """Where the light on the subject comes from, by the shading of its two halves."""
    weights: NDArray[np.int64] = subject.cumsum(1)
    # Row by row, so that a leaning body has a left and a right half too.
    left = subject & (weights * 2 <= weights[:, -1:])
    stops = _stops(*(float(luminance[half].mean()) if half.any() else 0.0 for half in (subject & ~left, left)))
    if abs(stops) >= SIDE_STOPS:
        return "right" if stops > 0 else "left"
    if room.mean() > FEWEST and _stops(float(luminance[room].mean()), float(luminance[subject].mean())) > BACKLIT_STOPS:
        return "back"
    return "front"
