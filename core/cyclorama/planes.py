"""Frames of video as they are stored: the subject put over a background in luma and chroma planes.

Blending, spreading colours and the models of the edge are linear, so they hold in any linear function of RGB. That
saves the way to a full-size RGB picture and back, and with it three of the six samples that each four pixels have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.band import Strip, at_tiles, marked, rectangles, shrink, split, strips, under, unsure
from cyclorama.foreground import Float, both_sides, small_size, to_levels, unmixed
from cyclorama.refine import MARGIN, edge_model
from cyclorama.types import Alpha, Original, Region, Rgb

Plane: TypeAlias = NDArray[np.uint8]

TOP = 255.0
HALF_A_LEVEL = 0.5 / TOP  # of alpha; less cannot be seen


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """A picture in 8 bits with chroma of half its size (4:2:0); the sides are even.

    Attributes:
        y: uint8 (H, W).
        u, v: uint8 (H / 2, W / 2).
    """

    y: Plane
    u: Plane
    v: Plane

    def __iter__(self) -> Iterator[Plane]:
        return iter((self.y, self.u, self.v))


@dataclass(frozen=True, slots=True)
class Coding:
    """How luma and chroma stand for colours.

    Attributes:
        kr, kb: weights of red and blue in luma.
        full: values use all levels, rather than 16 ... 235 and 16 ... 240.
    """

    kr: float
    kb: float
    full: bool

    def to_rgb(self) -> NDArray[np.float64]:
        """The matrix (3, 4) that takes y, u, v and 1, in levels, to RGB in levels (ITU-T H.273, 8.3)."""
        kg = 1 - self.kr - self.kb
        luma, chroma, black = (1, 1, 0) if self.full else (255 / 219, 255 / 224, 16)
        u, v = chroma * 2 * (1 - self.kb), chroma * 2 * (1 - self.kr)
        matrix = np.array([[luma, 0, v], [luma, -u * self.kb / kg, -v * self.kr / kg], [luma, u, 0]])
        return np.column_stack([matrix, -matrix @ (black, 128, 128)])


@dataclass(frozen=True, slots=True, eq=False)
class Small:
    """A frame at the network's working size: uint8 (h, w, 3), as it is coded and as RGB."""

    yuv: NDArray[np.uint8]
    rgb: Rgb


def shrunk(frame: Planes, coding: Coding, height: int, width: int) -> Small:
    """The frame at height x width."""
    yuv = _small(frame, height, width)
    return Small(yuv, cv2.transform(yuv, coding.to_rgb()))  # type: ignore[arg-type]


def original(frame: Planes, coding: Coding, small: Small) -> Original:
    """A frame that was scaled to `small`."""
    scaled = small.rgb.shape[:2]

    def part(region: Region, height: int, width: int) -> Rgb:
        cut = Planes(*(plane[under(region, scaled, plane.shape)] for plane in frame))
        return shrunk(cut, coding, height, width).rgb

    return Original(frame.y.shape, part)


def replace(
    frame: Planes,
    coding: Coding,
    small: Small,
    alpha: Alpha,
    background: Planes,
    out: Planes,
    *,
    decontaminate: bool = True,
    full_alpha: Alpha | None = None,
) -> None:
    """Writes the frame's subject over a background into `out`.

    It is what `upsample_alpha`, `estimate_foreground` and `composite` do in RGB, within a few levels, where alpha is
    between 0 and 1. Elsewhere the planes are copied.

    Args:
        small: of the frame.
        alpha: float32 (h, w), the matte of that.
        background, out: of the frame's size.
        full_alpha: float32 (H, W) of zeros, into which the matte is to be written in full size; None: it is not.
    """
    height, width = frame.y.shape
    band = unsure(alpha, MARGIN)
    if alpha.shape == (height, width):
        band[:] = 0  # nothing to refine
    mixed = marked(band | unsure(alpha, within=HALF_A_LEVEL), height, width)
    for plane, behind in zip(out, background, strict=True):
        np.copyto(plane, behind)
    whole = ~mixed & (at_tiles(alpha, height, width) > 0.5)
    for rows, columns in rectangles(whole, height, width):
        half = slice(rows.start // 2, rows.stop // 2), slice(columns.start // 2, columns.stop // 2)
        for plane, own, part in zip(out, frame, ((rows, columns), half, half), strict=True):
            plane[part] = own[part]
        if full_alpha is not None:
            full_alpha[rows, columns] = 1
    if not mixed.any():
        return
    size = small_size(height, width)
    at_size = small if max(alpha.shape) >= max(size) else shrunk(frame, coding, *size)
    model = _model(alpha, small, band, coding, at_size.yuv.shape[:2])
    edge = _edge(model, at_size, mixed, (height, width))
    for strip in strips(mixed, height, width):
        matte = _mix(strip, frame, edge, background, out, decontaminate=decontaminate)
        if full_alpha is not None:
            strip.put(full_alpha, matte)


def _small(frame: Planes, height: int, width: int) -> NDArray[np.uint8]:
    """The frame at height x width, y, u, v interleaved."""
    chroma = (cv2.resize(halved, (width, height)) for halved in (_halved(c, height, width) for c in (frame.u, frame.v)))
    return cv2.merge([shrink(frame.y, height, width), *chroma])  # type: ignore[return-value]


def _halved(plane: Plane, height: int, width: int) -> Plane:
    """A plane halved as long as that leaves height x width.

    The rest of the way is good enough by linear interpolation for chroma; an exact mean takes ten times as long.
    """
    h, w = plane.shape[0] // 2, plane.shape[1] // 2
    while h >= height and w >= width:
        plane = cv2.resize(plane, (w, h), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        h, w = h // 2, w // 2
    return plane


def _model(alpha: Alpha, small: Small, band: NDArray[np.uint8], coding: Coding, size: tuple[int, int]) -> Float:
    """Models alpha = a . yuv + b, yuv in levels, as `edge_model` has them of RGB: float32 (*size, 4), b last."""
    to_rgb = coding.to_rgb() / TOP
    change = np.eye(4)
    change[:3, :3], change[3, :3] = to_rgb[:, :3].T, to_rgb[:, 3]
    model = cv2.transform(cv2.merge(edge_model(alpha, small.rgb, band)), change)
    return cv2.resize(model, size[::-1])  # type: ignore[return-value]


@dataclass(frozen=True, slots=True, eq=False)
class _Edge:
    """What is known of the edge from a small picture, in pictures float32 (h, w, 4) that are to be stretched.

    Attributes:
        model: the weights of y, u and v in alpha, and the offset. They may be large and cancel each other: all four
            have to be stretched alike.
        luma: of the subject, and by how much it is above the room's; twice, since four components are stretched
            faster than two.
        chroma: u and v of the subject, and by how much they are above the room's.
    """

    model: Float
    luma: Float
    chroma: Float


def _edge(model: Float, small: Small, mixed: NDArray[np.bool_], size: tuple[int, int]) -> _Edge:
    ay, au, av, offset = split(model)
    y, u, v = (plane.astype(np.float32) for plane in cv2.split(small.yuv))
    alpha: Alpha = np.clip(ay * y + au * u + av * v + offset, 0, 1)
    (fy, fu, fv), (dy, du, dv) = both_sides((y, u, v), alpha, mixed, size, TOP)
    luma, chroma = cv2.merge([fy, dy, fy, dy]), cv2.merge([fu, fv, du, dv])
    return _Edge(model, luma, chroma)  # type: ignore[arg-type]


def _mix(strip: Strip, frame: Planes, edge: _Edge, background: Planes, out: Planes, *, decontaminate: bool) -> Alpha:
    """Mixes one strip of the frame and its background into `out`, and gives the strip's matte."""
    half = strip.halved()
    y, u, v = (s.take(plane).astype(np.float32) for s, plane in zip((strip, half, half), frame, strict=True))
    ay, au, av, alpha = split(strip.enlarged(edge.model))
    for weight, samples in ((ay, y), (au, _doubled(u)), (av, _doubled(v))):
        weight *= samples
        alpha += weight
    np.clip(alpha, 0, 1, out=alpha)
    half_alpha: Alpha = cv2.resize(alpha, u.shape[::-1], interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    if decontaminate:
        fy, dy, _, _ = split(strip.enlarged(edge.luma))
        fu, fv, du, dv = split(half.enlarged(edge.chroma))
        y = np.clip(unmixed(alpha, y, fy, dy), 0, TOP)
        u, v = (np.clip(unmixed(half_alpha, c, f, d), 0, TOP) for c, f, d in ((u, fu, du), (v, fv, dv)))
    places, mattes = (strip, half, half), (alpha, half_alpha, half_alpha)
    for place, matte, own, behind, plane in zip(places, mattes, (y, u, v), background, out, strict=True):
        room = place.take(behind).astype(np.float32)
        own -= room
        own *= matte
        own += room
        place.put(plane, to_levels(own, plane.dtype))
    return alpha


def _doubled(plane: Float) -> Float:
    """Each sample four times, as swscale reads chroma on the quick way to RGB."""
    height, width = plane.shape
    return cv2.resize(plane, (2 * width, 2 * height), interpolation=cv2.INTER_NEAREST)  # type: ignore[return-value]
