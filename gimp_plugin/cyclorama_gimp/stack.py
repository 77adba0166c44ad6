"""The image's layers: where the results go, and what is refused."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from gi.repository import Gegl, Gimp

from cyclorama_gimp.translation import _

# On a subject layer: the tattoo (GIMP's lasting number) of the layer that it was cut out of.
ORIGIN = "cyclorama-origin"
# GIMP_PARASITE_PERSISTENT and _UNDOABLE: without the latter GIMP shows a message that there is no way back.
KEPT_WITH_FILE = 1 | 2


class Refusal(Exception):
    """What was asked cannot be done here; the message says what to do instead."""


@contextlib.contextmanager
def one_undo_step(image: Any) -> Iterator[None]:
    image.undo_group_start()
    try:
        yield
    finally:
        image.undo_group_end()


def layer_of(image: Any, drawables: list[Any]) -> Any:
    """The layer that an action is for: the one that is selected, or the one whose mask is.

    Raises:
        Refusal: it is none, or several.
    """
    if len(drawables) != 1:
        raise Refusal(_("Select one layer: {count} are selected.").format(count=len(drawables)))
    (drawable,) = drawables
    if drawable.is_layer_mask():
        return Gimp.Layer.from_mask(drawable)
    if not drawable.is_layer():
        raise Refusal(_("Select a layer: “{name}” is none.").format(name=drawable.get_name()))
    if image.get_floating_sel() is not None:
        raise Refusal(_("Anchor the floating selection first (Layer > Anchor Layer)."))
    return drawable


def check_mode(image: Any) -> None:
    """Refuses images whose colours are a palette: neither cleaned edges nor backgrounds would fit it."""
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise Refusal(_("This image has a palette of few colours. Choose Image > Mode > RGB first."))


def copy_for_subject(image: Any, layer: Any, name: str) -> Any:
    """A copy that can be written to, not in the image yet, with the same pixels, place, opacity and mode.

    It has an alpha channel where the layer has one: pixels of another format are written a second later, which is
    what babl takes to find the conversion.
    """
    if layer.is_group_layer() or layer.is_text_layer():
        copy = _flat_copy(image, layer)
    else:
        copy = layer.copy()
        copy.set_lock_content(False)
        copy.set_lock_alpha(False)
    copy.set_name(name)
    copy.set_visible(True)
    return copy


def _flat_copy(image: Any, layer: Any) -> Any:
    """What a group or a text shows, as plain pixels."""
    copy = new_layer(image, layer.get_name(), layer.get_width(), layer.get_height(), alpha=True)
    copy.set_offsets(*layer.get_offsets()[1:])
    copy.set_opacity(layer.get_opacity())
    if layer.get_mode() != Gimp.LayerMode.PASS_THROUGH:
        copy.set_mode(layer.get_mode())
    everything = Gegl.Rectangle.new(0, 0, layer.get_width(), layer.get_height())
    layer.get_buffer().copy(everything, Gegl.AbyssPolicy.NONE, copy.get_buffer(), everything)
    copy.get_buffer().flush()
    return copy


def new_layer(image: Any, name: str, width: int, height: int, *, alpha: bool) -> Any:
    """An empty layer of the image's kind, not in it yet."""
    grey = image.get_base_type() == Gimp.ImageBaseType.GRAY
    if alpha:
        kind = Gimp.ImageType.GRAYA_IMAGE if grey else Gimp.ImageType.RGBA_IMAGE
    else:
        kind = Gimp.ImageType.GRAY_IMAGE if grey else Gimp.ImageType.RGB_IMAGE
    layer = Gimp.Layer.new(image, name, width, height, kind, 100, Gimp.LayerMode.NORMAL)
    if layer is None:
        raise MemoryError
    return layer


def add_mask(layer: Any, *, white: bool) -> Any:
    """A new mask of a layer."""
    mask = layer.create_mask(Gimp.AddMaskType.WHITE if white else Gimp.AddMaskType.BLACK)
    layer.add_mask(mask)
    return mask


def blend_as(layer: Any, light: str) -> None:
    """How the mask's half-covered pixels mix with what is below: "srgb" as stored values, "linear" as light.

    GIMP's own way is linear; the networks learned their alpha from pictures mixed as stored values.
    """
    spaces = Gimp.LayerColorSpace
    layer.set_composite_space(spaces.RGB_PERCEPTUAL if light == "srgb" else spaces.RGB_LINEAR)


def put_above(image: Any, layer: Any, below: Any) -> None:
    """Puts a layer into the image, right above another one, in its group."""
    if not image.insert_layer(layer, below.get_parent(), image.get_item_position(below)):
        raise RuntimeError(f"GIMP did not take the layer {layer.get_name()!r}")


def remember_origin(subject: Any, original: Any) -> None:
    """Notes on a subject layer which layer it was cut out of."""
    number = str(original.get_tattoo()).encode()
    subject.attach_parasite(Gimp.Parasite.new(ORIGIN, KEPT_WITH_FILE, number))


def origin_of(image: Any, subject: Any) -> Any:
    """The layer that a subject layer was cut out of, while it still lies under it; else the subject itself.

    One with a mask does not count: its mask is in the subject's alpha, which must stay.
    """
    note = subject.get_parasite(ORIGIN)
    if note is None:
        return subject
    original = image.get_layer_by_tattoo(int(bytes(note.get_data())))
    if original is None or original.get_mask() is not None or _place(original) != _place(subject):
        return subject
    return original


def _place(layer: Any) -> tuple[int, ...]:
    return (layer.get_width(), layer.get_height(), *layer.get_offsets()[1:])
