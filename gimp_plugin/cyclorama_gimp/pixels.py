"""Pixels of GIMP's drawables as bytes, in their own colour space and depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from gi.repository import Babl, Gegl, Gimp

BYTES = {"u8": 1, "u16": 2, "float": 4}
DEPTHS = {"u8": 8, "u16": 16, "float": 32}


class Rectangle(NamedTuple):
    """In pixels of a drawable, whose left upper corner is 0, 0."""

    x: int
    y: int
    width: int
    height: int

    def moved(self, x: int, y: int) -> Rectangle:
        return self._replace(x=self.x + x, y=self.y + y)


@dataclass(frozen=True)
class Kind:
    """How a drawable's pixels travel.

    Attributes:
        sample: "u8", "u16" or "float"; what loses nothing of the drawable's values.
        alpha: whether there is an alpha channel.
        space: babl's name of the colour space.
    """

    sample: str
    alpha: bool
    space: str

    @property
    def depth(self) -> int:
        return DEPTHS[self.sample]

    @property
    def channels(self) -> int:
        return 4 if self.alpha else 3

    @property
    def pixels(self) -> str:
        """babl's name of the drawable's own pixels: its values as they are stored for the eye, not linear light."""
        return self.rgb(self.alpha)

    def rgb(self, alpha: bool) -> str:
        name = ("R'G'B'A " if alpha else "R'G'B' ") + self.sample
        # By GIMP's plain names the numbers would be brought to sRGB, and wide colours clipped.
        return Babl.get_name(Babl.format_with_space(name, Babl.space(self.space)))  # type: ignore[no-any-return]

    @property
    def mask_sample(self) -> str:
        return "u8" if self.sample == "u8" else "u16"

    @property
    def mask(self) -> str:
        """babl's name of masks and selections: linear, or alpha would be off by up to 69 of 255."""
        return f"Y {self.mask_sample}"

    @property
    def view(self) -> str | None:
        """babl's name of the pixels in sRGB for the network; None where they are so already."""
        return None if self.space == "sRGB" else f"R'G'B' {self.mask_sample}"


def kind_of(drawable: Any, precision: Any) -> Kind:
    """The kind of a drawable in an image of that precision."""
    space = Babl.get_name(Babl.format_get_space(drawable.get_format()))
    return Kind(_sample(precision.value_nick), drawable.has_alpha(), space)


def _sample(precision: str) -> str:
    if precision.startswith("u8"):
        # 8 linear bits have more darks than 8 bits for the eye can tell.
        return "u16" if precision == "u8-linear" else "u8"
    return "u16" if precision.startswith("u16") else "float"


def same_numbers(channel: Any, sample: str) -> str:
    """The format of that sample whose numbers are the channel's own, unconverted."""
    own = Babl.get_name(channel.get_format())
    return f"{own.split()[0]} {sample}"


def size_in_bytes(rectangle: Rectangle, sample: str, channels: int) -> int:
    return rectangle.width * rectangle.height * channels * BYTES[sample]


def whole(drawable: Any) -> Rectangle:
    return Rectangle(0, 0, drawable.get_width(), drawable.get_height())


def read(drawable: Any, rectangle: Rectangle, format_name: str, expected: int) -> bytes:
    """Bytes of a rectangle; what lies outside of the drawable is 0.

    Args:
        expected: how many bytes there must be; a format that is not understood gives others.
    """
    data: bytes = drawable.get_buffer().get(_gegl(rectangle), 1.0, format_name, Gegl.AbyssPolicy.NONE)
    if len(data) != expected:
        raise RuntimeError(f"GIMP gave {len(data)} bytes for {rectangle} as {format_name}, {expected} were expected")
    return data


def read_reduced(drawable: Any, rectangle: Rectangle, long_side: int) -> tuple[int, int, bytes]:
    """Height, width and 8-bit sRGB bytes of a rectangle, reduced to that long side where it is larger."""
    scale = min(1.0, long_side / max(rectangle.width, rectangle.height))
    x, y = int(rectangle.x * scale), int(rectangle.y * scale)
    small = Rectangle(x, y, max(1, int(rectangle.width * scale)), max(1, int(rectangle.height * scale)))
    # GEGL means by the rectangle one of the reduced picture.
    data: bytes = drawable.get_buffer().get(_gegl(small), scale, "R'G'B' u8", Gegl.AbyssPolicy.CLAMP)
    return small.height, small.width, data


def write(drawable: Any, rectangle: Rectangle, format_name: str, data: bytes) -> None:
    """Sets a rectangle. `data` must be bytes: a bytearray or memoryview takes forty times as long."""
    buffer = drawable.get_buffer()
    buffer.set(_gegl(rectangle), format_name, data)
    buffer.flush()


def write_clipped(drawable: Any, rectangle: Rectangle, format_name: str, data: bytes) -> None:
    """Sets what of a rectangle lies inside of a drawable; a write beyond its edge may end the process."""
    bounds = whole(drawable)
    left, top = max(0, -rectangle.x), max(0, -rectangle.y)
    right = min(rectangle.width, bounds.width - rectangle.x)
    bottom = min(rectangle.height, bounds.height - rectangle.y)
    if right <= left or bottom <= top:
        return
    if (left, top, right, bottom) != (0, 0, rectangle.width, rectangle.height):
        row = len(data) // rectangle.height
        pixel = row // rectangle.width
        data = b"".join(data[y * row + left * pixel : y * row + right * pixel] for y in range(top, bottom))
    inside = Rectangle(rectangle.x + left, rectangle.y + top, right - left, bottom - top)
    write(drawable, inside, format_name, data)


def write_parts(drawable: Any, parts: list[tuple[Rectangle, bytes]], format_name: str) -> None:
    """Sets several rectangles of a drawable that is not in an image yet."""
    buffer = drawable.get_buffer()
    for rectangle, data in parts:
        buffer.set(_gegl(rectangle), format_name, data)
    buffer.flush()


def merge(drawable: Any, parts: list[tuple[Rectangle, bytes]], format_name: str) -> None:
    """Sets rectangles of a drawable in an image, where they are selected; can be undone.

    The rectangles must hold all that is selected.
    """
    shadow = drawable.get_shadow_buffer()
    for rectangle, data in parts:
        shadow.set(_gegl(rectangle), format_name, data)
    shadow.flush()
    drawable.merge_shadow(True)
    drawable.update(*whole(drawable))


def _gegl(rectangle: Rectangle) -> Any:
    return Gegl.Rectangle.new(*rectangle)


def selection_of(image: Any, drawable: Any) -> Rectangle | None:
    """The selected part of a drawable; None where everything is selected."""
    if Gimp.Selection.is_empty(image):
        return None
    found, x, y, width, height = drawable.mask_intersect()
    return Rectangle(x, y, width, height) if found else Rectangle(0, 0, 0, 0)
