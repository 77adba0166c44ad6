"""What the menu's entries do. Each computes first and changes the image last, in one undo step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gi.repository import Gegl, Gimp

from cyclorama_gimp import backgrounds, pixels, stack, suggestions
from cyclorama_gimp.connection import connection, installed
from cyclorama_gimp.matting import Result, Source, ask, source_of
from cyclorama_gimp.progress import Progress
from cyclorama_gimp.stack import Refusal
from cyclorama_gimp.suggestions import Suggestion
from cyclorama_gimp.translation import _

Wish = Mapping[str, Any]  # the procedure's arguments by name, with underscores


def replace_background(image: Any, drawables: list[Any], wish: Wish, progress: Progress) -> None:
    """The subject as a layer with a mask, the background under it, the original hidden below."""
    stack.check_mode(image)
    source = source_of(image, stack.layer_of(image, drawables))
    kind = wish["background"]
    if kind == "picture":
        # A file that cannot be opened is said before the work, not after it.
        backgrounds.open_picture(wish["picture"]).delete()
    progress.stage("start")
    with connection(installed(), Gimp.getpid()) as worker:
        if kind == "suggested":
            best = suggestions.ask(worker, source, progress, wish["model"], 1, pictures=False)[0]
            wish = {**wish, "background": "scene", "scene": best.scene}
        asked = _asked(wish, "keep")
        if kind == "blur":
            asked["room"] = {"radius": wish["blur_radius"] or None}
        result = ask(worker, source, progress, asked, {})
        progress.stage("background")
        behind = backgrounds.made(worker, source, result, wish)
    progress.stage("write")
    with stack.one_undo_step(image):
        below = source.layer if behind is None else backgrounds.put_above(image, source, behind)
        _put_subject(source, result, below, wish["light"], outside_stays=True)


def suggest_background(image: Any, drawables: list[Any], wish: Wish, progress: Progress) -> list[Suggestion]:
    """The scenes that fit a layer, with pictures of the subject before them; nothing is changed."""
    source = source_of(image, stack.layer_of(image, drawables))
    progress.stage("start")
    with connection(installed(), Gimp.getpid()) as worker:
        return suggestions.ask(worker, source, progress, wish["model"], wish["count"], pictures=True)


def cut_out_subject(image: Any, drawables: list[Any], wish: Wish, progress: Progress) -> None:
    """The subject as a layer with a mask, the original hidden below."""
    stack.check_mode(image)
    source = source_of(image, stack.layer_of(image, drawables))
    progress.stage("start")
    with connection(installed(), Gimp.getpid()) as worker:
        result = ask(worker, source, progress, _asked(wish, "drop"), {})
    progress.stage("write")
    with stack.one_undo_step(image):
        _put_subject(source, result, source.layer, wish["light"], outside_stays=False)


def select_subject(image: Any, drawables: list[Any], wish: Wish, progress: Progress) -> None:
    """The subject as the selection; where there is one already, what it has of the subject."""
    layer = stack.layer_of(image, drawables)
    source = source_of(image, layer)
    progress.stage("start")
    with connection(installed(), Gimp.getpid()) as worker:
        asked = {"model": wish["model"], "outside": "drop", "colours": "keep", "refine": wish["hair"]}
        result = ask(worker, source, progress, asked, {})
    progress.stage("write")
    with stack.one_undo_step(image):
        black = Gegl.Color.new("black")
        channel = Gimp.Channel.new(image, _("Subject"), image.get_width(), image.get_height(), 100, black)
        there = source.rectangle.moved(*layer.get_offsets()[1:])
        # Its numbers become the selection's whatever they stand for, and in 8-bit images they stand for something else.
        own = pixels.same_numbers(channel, source.kind.mask_sample)
        pixels.write_clipped(channel, there, own, result.mask)
        image.insert_channel(channel, None, 0)
        image.select_item(Gimp.ChannelOps.REPLACE, channel)
        image.remove_channel(channel)
        image.set_selected_layers([layer])


def refine_edge(image: Any, drawables: list[Any], wish: Wish, progress: Progress) -> None:
    """The mask anew: where the selection is, or in what a trimap leaves open."""
    layer = stack.layer_of(image, drawables)
    mask = layer.get_mask()
    if mask is None:
        raise Refusal(_("This layer has no mask to refine. Choose Filters > Cyclorama > Cut Out Subject first."))
    source = source_of(image, layer)
    masks = {"mask": source.mask_of(mask, source.rectangle)}
    trimap = wish["trimap"]
    if trimap is not None:
        masks["trimap"] = _trimap_of(source, trimap)
    elif wish["method"] == "trimap" or (wish["method"] == "auto" and not source.selected):
        masks["trimap"] = masks["mask"]
    coloured = wish["decontaminate"] and image.get_base_type() != Gimp.ImageBaseType.INDEXED
    asked = {"model": wish["model"], "outside": "whole", "colours": "renew" if coloured else "keep", "refine": True}
    progress.stage("start")
    with connection(installed(), Gimp.getpid()) as worker:
        result = ask(worker, source, progress, asked, masks, pixels_of=stack.origin_of(image, layer))
    progress.stage("write")
    with stack.one_undo_step(image):
        pixels.merge(mask, [(source.rectangle, result.mask)], source.kind.mask)
        if result.parts:
            pixels.merge(layer, result.parts, source.kind.pixels)


def _asked(wish: Wish, outside: str) -> dict[str, Any]:
    colours = "clean" if wish["decontaminate"] else "keep"
    return {"model": wish["model"], "outside": outside, "colours": colours, "refine": wish["hair"]}


def _put_subject(source: Source, result: Result, below: Any, light: str, *, outside_stays: bool) -> None:
    image, original = source.image, source.layer
    subject = stack.copy_for_subject(image, original, _("Subject"))
    pixels.write_parts(subject, result.parts, source.kind.pixels)
    if not subject.has_alpha():
        subject.add_alpha()
    stack.put_above(image, subject, below)
    if subject.get_mask() is not None:
        subject.remove_mask(Gimp.MaskApplyMode.APPLY)
    mask = stack.add_mask(subject, white=outside_stays)
    pixels.write(mask, source.rectangle, source.kind.mask, result.mask)
    mask.update(*pixels.whole(mask))
    stack.blend_as(subject, light)
    stack.remember_origin(subject, original)
    original.set_visible(False)
    image.set_selected_layers([subject])


def _trimap_of(source: Source, drawable: Any) -> bytes:
    """The rectangle of a trimap that lies over the source, wherever either is in the image."""
    x, y = source.layer.get_offsets()[1:]
    left, top = drawable.get_offsets()[1:]
    return source.mask_of(drawable, source.rectangle.moved(x - left, y - top))
