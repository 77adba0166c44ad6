"""What goes behind the subject, as a layer of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gi.repository import Gegl, Gimp, GLib

from cyclorama_gimp import pixels, stack
from cyclorama_gimp.connection import scene_titles
from cyclorama_gimp.matting import Result, Source
from cyclorama_gimp.pixels import Rectangle
from cyclorama_gimp.stack import Refusal
from cyclorama_gimp.translation import _


@dataclass(frozen=True)
class Background:
    """Pixels that fill a layer.

    Attributes:
        name: of the layer.
        rectangle: of the subject's layer that it lies behind.
        format: babl's name of the pixels.
        data: the pixels; b"" for one colour.
        colour: that colour, a Gegl.Color; else None.
    """

    name: str
    rectangle: Rectangle
    format: str = ""
    data: bytes = b""
    colour: Any = None


def of_colour(source: Source, colour: Any) -> Background:
    return Background(_("Colour"), pixels.whole(source.layer), colour=colour)


def of_room(source: Source, result: Result) -> Background:
    """The blurred room, where the engine saw the layer; elsewhere the layer itself stays."""
    return Background(_("Blurred room"), source.rectangle, source.kind.rgb(alpha=False), result.room)


def of_scene(worker: Any, source: Source, scene: str) -> Background:
    """A built-in scene, 8 bits of sRGB, which GIMP brings to the image's colour space and depth."""
    area = pixels.whole(source.layer)
    request = {"op": "scene", "scene": scene, "height": area.height, "width": area.width}
    _answer, data = worker.request(request)
    return Background(scene_titles().get(scene, scene), area, "R'G'B' u8", bytes(data))


def of_picture(worker: Any, source: Source, file: Any) -> Background:
    """A file that GIMP can open, scaled to cover the layer.

    Raises:
        Refusal: GIMP cannot open it.
    """
    area = pixels.whole(source.layer)
    opened = open_picture(file)
    try:
        flat = opened.flatten()
        own = pixels.whole(flat)
        sample = source.kind.mask_sample
        wide = pixels.Kind(sample, alpha=False, space=source.kind.space).pixels
        data = pixels.read(flat, own, wide, pixels.size_in_bytes(own, sample, 3))
    finally:
        opened.delete()
    depth = pixels.DEPTHS[sample]
    request = {"op": "cover", "height": own.height, "width": own.width, "depth": depth}
    request.update(to_height=area.height, to_width=area.width)
    _answer, fitted = worker.request(request, data)
    return Background(file.get_basename(), area, wide, bytes(fitted))


def open_picture(file: Any) -> Any:
    """An image of a file's own, without a window."""
    if file is None:
        raise Refusal(_("Choose a picture to put behind the subject."))
    try:
        opened = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file)
    except GLib.Error as error:
        raise Refusal(
            _("{file} cannot be opened: {reason}").format(file=file.get_parse_name(), reason=error.message)
        ) from None
    if opened is None:
        raise Refusal(_("{file} cannot be opened.").format(file=file.get_parse_name()))
    return opened


def put_above(image: Any, source: Source, background: Background) -> Any:
    """Puts the background into the image, above the source's layer, and returns its layer."""
    area, original = background.rectangle, source.layer
    layer = stack.new_layer(image, background.name, area.width, area.height, alpha=False)
    x, y = original.get_offsets()[1:]
    layer.set_offsets(x + area.x, y + area.y)
    if background.colour is None:
        pixels.write(layer, Rectangle(0, 0, area.width, area.height), background.format, background.data)
    else:
        buffer = layer.get_buffer()
        buffer.set_color(Gegl.Rectangle.new(0, 0, area.width, area.height), background.colour)
        buffer.flush()
    stack.put_above(image, layer, original)
    return layer


def made(worker: Any, source: Source, result: Result, wish: Mapping[str, Any]) -> Background | None:
    """The background that was asked for; None for nothing.

    Args:
        wish: "background" and what belongs to it: "scene", "picture", "colour".
    """
    kind = wish["background"]
    if kind == "scene":
        return of_scene(worker, source, wish["scene"])
    if kind == "picture":
        return of_picture(worker, source, wish["picture"])
    if kind == "colour":
        return of_colour(source, wish["colour"])
    if kind == "blur":
        return of_room(source, result)
    return None
