"""A layer of a picture editor: from its pixels, of any depth and colour space, to its mask and cleaned colours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cyclorama.band import tiles
from cyclorama.composite import blurred_room
from cyclorama.engine import Session, check, original
from cyclorama.foreground import estimate_foreground
from cyclorama.refine import upsample_alpha
from cyclorama.types import Alpha, DeepRgb

Pixels: TypeAlias = NDArray[np.uint8 | np.uint16 | np.float32]
# What the mask is where nothing is selected: no subject, all of the picture (which stays), or the subject all the
# same, for editors that put it into the old mask by the selection themselves.
Outside: TypeAlias = Literal["drop", "keep", "whole"]
Say: TypeAlias = Callable[[str], None]
Rectangle: TypeAlias = tuple[slice, slice]  # rows, columns

FLOAT_SCALE = np.float32(65535)
NEUTRAL = 0.5  # grey behind transparent pixels: what colours they hide must not count


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """What an editor hands over; all planes are alike in height and width.

    Attributes:
        pixels: uint8, uint16 or float32 (H, W, 3 or 4), straight alpha; encoded, not linear light, in the
            layer's own colour space. Floats may leave [0, 1].
        view: uint8 or uint16 (H, W, 3), the same in sRGB for the network; None where `pixels` are sRGB.
        selection: float32 in [0, 1]; None: everything.
        mask: float32 in [0, 1], the layer's mask so far.
        trimap: float32 in [0, 1], see `cyclorama.trimap`.
    """

    pixels: Pixels
    view: DeepRgb | None = None
    selection: Alpha | None = None
    mask: Alpha | None = None
    trimap: Alpha | None = None


def find_subject(session: Session, layer: Layer, say: Say) -> Alpha:
    """The subject's alpha in the whole layer, float32 (H, W); `say` is told each stage as it begins.

    Raises:
        PictureError: too small or too large for the engine.
    """
    rgb = over_grey(layer.pixels if layer.view is None else layer.view, layer.pixels)
    check(rgb)
    say("subject")
    session.reset()
    small = session.shrink(rgb)
    small_alpha = session.small_alpha(small, original(rgb, small))
    say("edge")
    alpha = upsample_alpha(small_alpha, small, rgb)
    if session.settings.refine or layer.trimap is not None:
        say("trimap")
        alpha = session.detail(alpha, rgb, layer.trimap)
    return alpha


def mask_of(layer: Layer, alpha: Alpha, outside: Outside) -> Alpha:
    """The layer's new mask: `alpha` where the layer is selected, and what `outside` says elsewhere."""
    if layer.selection is None or outside == "whole":
        return alpha
    if outside == "drop":
        return alpha * layer.selection
    kept: Alpha = 1 + layer.selection * (alpha - 1)
    return kept


def cleaned(layer: Layer, alpha: Alpha) -> Iterator[tuple[Rectangle, Pixels]]:
    """Rectangles of the layer that hold the old background's colours at the subject's edge, without these.

    Pixels that need no change, and those not selected, keep their exact values; so do those outside of the
    subject, for whoever paints them into the mask wants to see what was there.
    """
    own = _integer(layer.pixels[..., :3])
    foreground = estimate_foreground(own, alpha)
    if layer.selection is not None:
        difference = foreground.astype(np.float32) - own
        foreground = np.rint(own + layer.selection[..., None] * difference).astype(own.dtype)
    edge = _edge(alpha)
    for rows, columns in tiles(edge, *alpha.shape):
        yield (rows, columns), _replaced(layer.pixels, foreground, edge, rows, columns)


def recoloured(layer: Layer, alpha: Alpha) -> Iterator[tuple[Rectangle, Pixels]]:
    """Rectangles that hold all that is selected, with the subject's own colours for the layer's new mask.

    For a layer whose colours were cleaned for its old mask: `layer.pixels` are the picture's.
    """
    if layer.selection is not None and layer.mask is not None:
        alpha = layer.mask + layer.selection * (alpha - layer.mask)
    own = _integer(layer.pixels[..., :3])
    foreground = estimate_foreground(own, alpha)
    edge = _edge(alpha)
    selected = np.ones(alpha.shape, np.uint8) if layer.selection is None else (layer.selection > 0).astype(np.uint8)
    for rows, columns in tiles(selected, *alpha.shape):
        yield (rows, columns), _replaced(layer.pixels, foreground, edge, rows, columns)


def room(layer: Layer, alpha: Alpha, radius: float | None) -> Pixels:
    """The layer out of focus without its subject, (H, W, 3) in the layer's colour space and depth.

    Args:
        radius: standard deviation in pixels; None: `cyclorama.composite.BLUR_SHARE` of the long side.
    """
    rgb = layer.pixels[..., :3]
    if rgb.dtype != np.float32:
        return blurred_room(rgb, alpha, radius)  # type: ignore[arg-type]
    # Lamps brighter than white stay so: the range is scaled to what the integers hold, and back.
    peak = max(1.0, float(rgb.max(initial=0)))
    return blurred_room(_integer(rgb / np.float32(peak)), alpha, radius) * np.float32(peak / FLOAT_SCALE)


def over_grey(rgb: Pixels, pixels: Pixels) -> DeepRgb:
    """The visible part of a layer as uint8 or uint16 (H, W, 3): `rgb` over grey by the alpha of `pixels`."""
    whole = _integer(rgb[..., :3])
    if pixels.shape[2] == 3:
        return np.ascontiguousarray(whole)
    opaque = _integer(pixels[..., 3:])
    cover = opaque / np.float32(np.iinfo(opaque.dtype).max)
    if cover.min(initial=1) == 1:
        return np.ascontiguousarray(whole)
    grey = np.float32(round(NEUTRAL * np.iinfo(whole.dtype).max))
    return np.rint(grey + cover * (whole - grey)).astype(whole.dtype)


def _integer(rgb: Pixels) -> DeepRgb:
    """uint8 and uint16 as they are, floats as uint16."""
    if rgb.dtype != np.float32:
        return rgb  # type: ignore[return-value]
    # nan_to_num: editors' filters leave NaN behind, which has no integer.
    return np.rint(np.clip(np.nan_to_num(rgb), 0, 1) * FLOAT_SCALE).astype(np.uint16)


def _edge(alpha: Alpha) -> NDArray[np.uint8]:
    """1 where a pixel is partly the subject's."""
    return ((alpha > 0) & (alpha < 1)).astype(np.uint8)


def _replaced(pixels: Pixels, foreground: DeepRgb, edge: NDArray[np.uint8], rows: slice, columns: slice) -> Pixels:
    """A rectangle of `pixels` with the edge's colours taken from `foreground`, where these are others."""
    out = pixels[rows, columns].copy()
    new, there = foreground[rows, columns], edge[rows, columns, None] > 0
    if pixels.dtype == np.float32:  # which hold more than 16 bits where nothing was estimated
        there = there & (new != _integer(out[..., :3])).any(2, keepdims=True)
        np.copyto(out[..., :3], new / FLOAT_SCALE, where=there)
    else:
        np.copyto(out[..., :3], new, where=there)
    return out
