"""One layer's way to the worker and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cyclorama_gimp import pixels
from cyclorama_gimp.pixels import Kind, Rectangle
from cyclorama_gimp.progress import Progress
from cyclorama_gimp.stack import Refusal
from cyclorama_gimp.translation import _

SESSION = "gimp"
# The selection's rectangle is widened by this share of its sides: a head is known by its shoulders.
CONTEXT = 0.25
SMALLEST_SIDE = 16  # pixels that the engine takes


@dataclass(frozen=True)
class Source:
    """The part of a layer that the engine sees.

    Attributes:
        layer: GIMP's.
        kind: of its pixels.
        rectangle: of it that is sent.
        selected: whether a selection limits the work.
    """

    image: Any
    layer: Any
    kind: Kind
    rectangle: Rectangle
    selected: bool

    def mask_of(self, drawable: Any, rectangle: Rectangle) -> bytes:
        """One channel of a mask or selection, at the depth of masks."""
        expected = pixels.size_in_bytes(rectangle, self.kind.mask_sample, 1)
        return pixels.read(drawable, rectangle, self.kind.mask, expected)


@dataclass(frozen=True)
class Result:
    """What came back, in the layer's coordinates.

    Attributes:
        mask: samples of `Kind.mask` for the source's rectangle.
        parts: rectangles of the layer with cleaned colours, as `Kind.pixels`.
        room: the blurred room of the source's rectangle as opaque `Kind.rgb`, where it was asked for.
    """

    mask: bytes
    parts: list[tuple[Rectangle, bytes]] = field(default_factory=list)
    room: bytes = b""


def source_of(image: Any, layer: Any) -> Source:
    """What to send of a layer.

    Raises:
        Refusal: the selection does not touch it, or there is too little of it.
    """
    selection = pixels.selection_of(image, layer)
    whole = pixels.whole(layer)
    if selection is not None and not (selection.width and selection.height):
        raise Refusal(_("The selection does not touch this layer. Change it, or choose Select > None."))
    rectangle = whole if selection is None else _widened(selection, whole)
    if min(rectangle.width, rectangle.height) < SMALLEST_SIDE:
        words = _("Nobody can be told apart in {width} × {height} pixels; {least} a side are the least.")
        raise Refusal(words.format(width=rectangle.width, height=rectangle.height, least=SMALLEST_SIDE))
    kind = pixels.kind_of(layer, image.get_precision())
    return Source(image, layer, kind, rectangle, selection is not None)


def _widened(selection: Rectangle, whole: Rectangle) -> Rectangle:
    across = max(SMALLEST_SIDE, round(CONTEXT * selection.width))
    down = max(SMALLEST_SIDE, round(CONTEXT * selection.height))
    left, top = max(0, selection.x - across), max(0, selection.y - down)
    right = min(whole.width, selection.x + selection.width + across)
    bottom = min(whole.height, selection.y + selection.height + down)
    return Rectangle(left, top, right - left, bottom - top)


def ask(
    worker: Any,
    source: Source,
    progress: Progress,
    wish: Mapping[str, Any],
    masks: Mapping[str, bytes],
    pixels_of: Any = None,
) -> Result:
    """Sends a source and receives what the engine made of it.

    Args:
        wish: "model", "outside", "colours", "refine", and "room" where it is wanted; see `cyclorama.wire`.
        masks: more planes, "mask" and "trimap".
        pixels_of: the drawable whose pixels are sent in place of the layer's own; alike in size.

    Raises:
        Refusal: nobody is in it.
    """
    progress.stage("read")
    kind, rectangle = source.kind, source.rectangle
    drawable = source.layer if pixels_of is None else pixels_of
    planes = [
        pixels.read(drawable, rectangle, kind.pixels, pixels.size_in_bytes(rectangle, kind.sample, kind.channels))
    ]
    names = []
    if kind.view is not None:
        names.append("view")
        expected = pixels.size_in_bytes(rectangle, kind.mask_sample, 3)
        planes.append(pixels.read(drawable, rectangle, kind.view, expected))
    if source.selected:
        names.append("selection")
        there = rectangle.moved(*source.layer.get_offsets()[1:])
        planes.append(source.mask_of(source.image.get_selection(), there))
    names += masks
    planes += masks.values()
    progress.stage("send")
    settings = {"refine": wish["refine"]}
    worker.request({"op": "open", "session": SESSION, "model": wish["model"], "settings": settings})
    header = {
        "op": "layer",
        "session": SESSION,
        "height": rectangle.height,
        "width": rectangle.width,
        "depth": kind.depth,
        "channels": kind.channels,
        "planes": names,
        **{name: value for name, value in wish.items() if name not in ("model", "refine")},
    }
    payload = planes[0] if len(planes) == 1 else b"".join(planes)
    answer, data = worker.request(header, payload, on_stage=progress.stage)
    if not answer["found"] and "trimap" not in names:
        raise Refusal(
            _("Nobody was found here. Select the part of the picture in which somebody is, or another layer.")
        )
    return _result(source, answer, memoryview(data))


def _result(source: Source, answer: Mapping[str, Any], data: memoryview) -> Result:
    kind, rectangle = source.kind, source.rectangle
    start = pixels.size_in_bytes(rectangle, kind.mask_sample, 1)
    mask, parts = bytes(data[:start]), []
    for top, left, height, width in answer["rectangles"]:
        part = Rectangle(left, top, width, height)
        end = start + pixels.size_in_bytes(part, kind.sample, kind.channels)
        parts.append((part.moved(rectangle.x, rectangle.y), bytes(data[start:end])))
        start = end
    return Result(mask, parts, bytes(data[start:]))
