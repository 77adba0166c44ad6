"""What picture editors ask of the worker: a layer's mask, and backgrounds that fill it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np

from cyclorama import catalogue
from cyclorama.band import shrink
from cyclorama.composite import composite, cover
from cyclorama.engine import Engine, Session
from cyclorama.errors import MediaError, SettingError
from cyclorama.layers import Layer, cleaned, find_subject, mask_of, recoloured, room
from cyclorama.messages import DEPTHS, picture_from, planes_from, size_from
from cyclorama.suggest import suggest
from cyclorama.suggesting import see
from cyclorama.types import Alpha, Rgb, Scene

Answer = tuple[Mapping[str, Any], bytes]
Say = Callable[[str], None]  # told the name of each stage of the work as it begins

PLANES = ("view", "selection", "mask", "trimap")
OUTSIDE = ("drop", "keep", "whole")
COLOURS = ("keep", "clean", "renew")
SUBJECT = 0.5  # alpha that a layer must reach somewhere for somebody to be in it


def layer_answer(session: Session, header: Mapping[str, Any], payload: bytearray, say: Say) -> Answer:
    """Answers "layer"; see `cyclorama.wire`."""
    layer = layer_from(header, payload)
    outside, colours = header.get("outside", "drop"), header.get("colours", "keep")
    if outside not in OUTSIDE or colours not in COLOURS:
        raise SettingError(
            f"expected outside out of {', '.join(OUTSIDE)} and colours out of {', '.join(COLOURS)}; "
            f"got {outside!r} and {colours!r}"
        )
    alpha = find_subject(session, layer, say)
    mask = mask_of(layer, alpha, outside)
    parts, rectangles = [_samples(mask, mask_depth(header))], []
    if colours != "keep":
        say("colours")
        changes = cleaned(layer, alpha) if colours == "clean" else recoloured(layer, alpha)
        for (rows, columns), pixels in changes:
            rectangles.append([rows.start, columns.start, rows.stop - rows.start, columns.stop - columns.start])
            parts.append(pixels.tobytes())
    if "room" in header:
        say("room")
        parts.append(room(layer, alpha, header["room"].get("radius")).astype(layer.pixels.dtype).tobytes())
    seen = alpha if layer.selection is None else alpha * layer.selection
    height, width = alpha.shape
    answer = {"height": height, "width": width, "found": bool(seen.max() >= SUBJECT), "rectangles": rectangles}
    return answer, b"".join(parts)


def layer_from(header: Mapping[str, Any], payload: bytearray) -> Layer:
    """The layer of a message, without a copy of its pixels."""
    height, width = size_from(header)
    depth, channels, names = header.get("depth", 8), header.get("channels", 3), header.get("planes", [])
    if depth not in DEPTHS or channels not in (3, 4):
        raise SettingError(f"expected a depth of 8, 16 or 32 and 3 or 4 channels; got {depth!r} and {channels!r}")
    if unknown := set(names) - set(PLANES):
        raise SettingError(f"expected planes out of {', '.join(PLANES)}; got {', '.join(sorted(unknown))}")
    dtype = DEPTHS[mask_depth(header)]
    kinds = [(channels, DEPTHS[depth]), *((3 if name == "view" else 1, dtype) for name in names)]
    pixels, *planes = planes_from(payload, height, width, kinds)
    values: dict[str, Any] = {}
    for name, plane in zip(names, planes, strict=True):
        values[name] = plane if name == "view" else plane[..., 0] / np.float32(np.iinfo(dtype).max)
    return Layer(pixels, **values)


def mask_depth(header: Mapping[str, Any]) -> int:
    """Bits of the masks of a message."""
    return 8 if header.get("depth", 8) == 8 else 16


def scenes_answer() -> Answer:
    """Answers "scenes"."""
    return {"scenes": [{"scene": scene.name, "title": scene.title} for scene in still_scenes().values()]}, b""


def scene_answer(header: Mapping[str, Any]) -> Answer:
    """Answers "scene"."""
    height, width = size_from(header)
    return {}, cover(scene_picture(str(header.get("scene", ""))), height, width).tobytes()


def suggest_answer(engine: Engine, header: Mapping[str, Any], payload: bytearray, say: Say) -> Answer:
    """Answers "suggest"."""
    rgb = picture_from(header, payload)
    say("suggest")
    matte = engine.matte(rgb)
    sight = see(engine, engine.detector, rgb, matte.alpha)
    scenes = still_scenes()
    found = suggest(sight.outfits, sight.look, list(scenes.values()), int(header.get("top", 5)))
    long_side = int(header.get("thumbnail", 0))
    thumbnails, size = [], (0, 0)
    if long_side:
        scale = long_side / max(rgb.shape[:2])
        size = (max(1, round(rgb.shape[0] * scale)), max(1, round(rgb.shape[1] * scale)))
        subject, alpha = (
            shrink(rgb if matte.foreground is None else matte.foreground, *size),
            shrink(matte.alpha, *size),
        )
        for each in found:
            behind = cover(scene_picture(each.scene), *size)
            thumbnails.append(composite(subject, alpha, behind).tobytes())
    suggestions = [
        {"scene": each.scene, "title": scenes[each.scene].title, "score": each.score, "reason": each.reason}
        for each in found
    ]
    outfits = [{"kind": each.kind, "confidence": each.confidence, "box": each.box} for each in sight.outfits]
    answer = {"suggestions": suggestions, "outfits": outfits, "height": size[0], "width": size[1]}
    return answer, b"".join(thumbnails)


def still_scenes() -> Mapping[str, Scene]:
    """The built-in scenes that are pictures, by name: editors have no use for a clip."""
    return {scene.name: scene for scene in catalogue.built_in() if not scene.loop}


def scene_picture(name: str) -> Rgb:
    """The pixels of a built-in scene, uint8 (H, W, 3).

    Raises:
        SettingError: there is no such scene. MediaError: its file is missing or damaged.
    """
    scenes = still_scenes()
    if name not in scenes:
        raise SettingError(f"expected a scene out of {', '.join(scenes)}; got {name!r}")
    file = scenes[name].file
    # By NumPy, because OpenCV does not open names outside of ASCII on Windows.
    picture = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR_RGB)
    if picture is None:
        raise MediaError(f"{file}: the scene's file is damaged; install Cyclorama again")
    return picture  # type: ignore[return-value]


def cover_answer(header: Mapping[str, Any], payload: bytearray) -> Answer:
    """Answers "cover"."""
    return {}, cover(picture_from(header, payload), *size_from(header, "to_")).tobytes()  # type: ignore[arg-type]


def _samples(alpha: Alpha, depth: int) -> bytes:
    dtype = DEPTHS[depth]
    return np.rint(alpha * np.float32(np.iinfo(dtype).max)).astype(dtype).tobytes()
