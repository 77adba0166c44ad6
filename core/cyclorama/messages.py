"""Arrays and settings as `cyclorama.wire` messages carry them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cyclorama.errors import PictureError, SettingError
from cyclorama.types import Alpha, Background, Blur, Colour, DeepRgb, Picture, Settings, Transparent

DEPTHS: Mapping[int, np.dtype[Any]] = {8: np.dtype("<u1"), 16: np.dtype("<u2"), 32: np.dtype("<f4")}


def picture_from(header: Mapping[str, Any], payload: bytearray) -> DeepRgb:
    """The RGB picture of a message, without a copy."""
    height, width = size_from(header)
    (picture,) = planes_from(payload, height, width, [(3, _picture_dtype(header))])
    return picture


def picture_and_trimap_from(header: Mapping[str, Any], payload: bytearray) -> tuple[DeepRgb, Alpha | None]:
    """The RGB picture of a message, and after it the trimap where "trimap" says so: float32 (H, W) in [0, 1]."""
    if not header.get("trimap"):
        return picture_from(header, payload), None
    height, width = size_from(header)
    dtype = _picture_dtype(header)
    picture, plane = planes_from(payload, height, width, [(3, dtype), (1, dtype)])
    return picture, plane[..., 0].astype(np.float32) / np.float32(np.iinfo(dtype).max)


def size_from(header: Mapping[str, Any], prefix: str = "") -> tuple[int, int]:
    """The height and width that a message names."""
    height, width = header.get(f"{prefix}height"), header.get(f"{prefix}width")
    if not (isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0):
        raise PictureError(f"expected a whole {prefix}height and {prefix}width above 0, got {height!r}, {width!r}")
    return height, width


def _picture_dtype(header: Mapping[str, Any]) -> np.dtype[Any]:
    depth = header.get("depth", 8)
    if depth not in (8, 16):
        raise PictureError(f"expected a depth of 8 or 16, got {depth!r}")
    return DEPTHS[depth]


def planes_from(
    payload: bytearray, height: int, width: int, kinds: Sequence[tuple[int, np.dtype[Any]]]
) -> list[NDArray[Any]]:
    """The planes (height, width, channels) of a payload, one after the other, without a copy.

    Args:
        kinds: channels and dtype of each.
    """
    sizes = [height * width * channels * dtype.itemsize for channels, dtype in kinds]
    if len(payload) != sum(sizes):
        raise PictureError(f"expected {sum(sizes)} bytes of pixels for {width} x {height}, got {len(payload)}")
    planes, start = [], 0
    for (channels, dtype), size in zip(kinds, sizes, strict=True):
        plane: NDArray[Any] = np.frombuffer(payload, dtype, height * width * channels, start)
        planes.append(plane.reshape(height, width, channels))
        start += size
    return planes


def settings_from(values: Mapping[str, Any], payload: bytearray) -> Settings:
    """Settings of a message; the names are those of `Settings`, a background is {"kind", ...}."""
    known = {field.name for field in fields(Settings)}
    if unknown := set(values) - known:
        raise SettingError(f"expected settings out of {', '.join(sorted(known))}; got {', '.join(sorted(unknown))}")
    # JSON has no tuples: the x and y of a subject come as a list.
    rest: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k != "background"}
    return Settings(background=background_from(values.get("background", {"kind": "transparent"}), payload), **rest)


def background_from(values: Mapping[str, Any], payload: bytearray) -> Background:
    """A background of a message; a picture's pixels are the payload, RGB of "height" x "width"."""
    kind = values.get("kind")
    if kind == "transparent":
        return Transparent()
    if kind == "colour":
        return Colour(values.get("red", 0), values.get("green", 0), values.get("blue", 0))
    if kind == "blur":
        return Blur(values.get("radius"))
    if kind == "picture":
        pixels = picture_from({**values, "depth": 8}, payload)
        return Picture(pixels)  # type: ignore[arg-type]
    raise SettingError(f"expected a background of kind transparent, colour, blur or picture; got {kind!r}")
