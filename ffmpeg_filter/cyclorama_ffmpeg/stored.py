"""Frames worked on as they are stored, in the file's own luma and chroma planes, where that gives the same picture."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import av
import numpy as np
from av.video.reformatter import ColorRange

from cyclorama.engine import Session
from cyclorama.planes import Coding, Planes
from cyclorama.types import Clip, Colour, DeepRgb, Picture
from cyclorama_ffmpeg.encodings import Encoding
from cyclorama_ffmpeg.frames import FromRgb, matrix_is_read, matrix_of, stamp, tag, tags_of

LAYOUT = "yuv420p"
LAYOUTS = (LAYOUT, "yuvj420p")  # the second is the same in full range, by its old name
# swscale's number of a matrix -> the weights of red and blue in luma (H.273, table 4).
WEIGHTS = {1: (0.2126, 0.0722), 4: (0.30, 0.11), 5: (0.299, 0.114), 7: (0.212, 0.087), 9: (0.2627, 0.0593)}


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A picture that is ready for the encoder."""

    frame: av.VideoFrame

    @property
    def shape(self) -> tuple[int, int, int]:
        """That of the array that it stands for."""
        return self.frame.height, self.frame.width, 3


Pixels: TypeAlias = DeepRgb | Stored  # a picture: an array uint8 or uint16 (H, W, 3 or 4), or one that is stored


def fits(frame: av.VideoFrame, session: Session, encoding: Encoding, aspect: Fraction) -> bool:
    """Whether a frame can be worked on in its own planes.

    That is for SDR in 8 bits and 4:2:0, upright, of even sides, that comes out so with something opaque behind.

    Args:
        aspect: width to height of a pixel.
    """
    settings = session.settings
    return (
        frame.format.name in LAYOUTS
        and (encoding.pixel_format, encoding.codec.form) == (LAYOUT, "stored")
        and not (encoding.square and aspect != 1)
        and not (frame.width % 2 or frame.height % 2)
        and round(frame.rotation / 90) % 4 == 0
        and matrix_is_read(frame)
        and session.working is None
        and isinstance(settings.background, Colour | Picture | Clip)
        and settings.light == "srgb"
        and not settings.harmonize
    )


def coding_of(frame: av.VideoFrame) -> Coding:
    """How the numbers of a frame stand for colours."""
    kr, kb = WEIGHTS[matrix_of(int(frame.colorspace), frame.height)]
    return Coding(kr, kb, full=tags_of(frame).range == ColorRange.JPEG)


def planes_of(frame: av.VideoFrame) -> Planes:
    """A frame's own memory, in one of `LAYOUTS`; the frame is to be kept as long as the planes."""
    return Planes(
        *(
            np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]  # type: ignore[call-overload]
            for plane in frame.planes
        )
    )


def blank(like: av.VideoFrame) -> av.VideoFrame:
    """A frame to write into, with the size, time and colour tags of another."""
    frame = av.VideoFrame(like.width, like.height, LAYOUT)
    stamp(frame, like)
    tag(frame, tags_of(like))
    return frame


class Backdrop:
    """Backgrounds in the planes of frames; one that stays is converted once."""

    def __init__(self) -> None:
        self._from_rgb = FromRgb(LAYOUT)
        self._rgb: DeepRgb | None = None
        self._frame: av.VideoFrame

    def __call__(self, rgb: DeepRgb, like: av.VideoFrame) -> Planes:
        """The planes of a picture in the coding of a frame; until the next call."""
        if rgb is not self._rgb:
            self._rgb, self._frame = rgb, self._from_rgb(rgb, like)
        return planes_of(self._frame)
