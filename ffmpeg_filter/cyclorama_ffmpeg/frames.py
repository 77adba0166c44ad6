"""Opening video files, and frames to and from RGB arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from cyclorama.errors import MediaError
from cyclorama.types import Rgb

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

HIGH_DEFINITION = 720  # lines; from here on untagged video is BT.709, below it BT.601, as players assume
UNSPECIFIED = 2  # of H.273's tables
# H.273 matrix coefficients -> swscale's names.
MATRICES = {1: Colorspace.ITU709, 5: Colorspace.ITU601, 6: Colorspace.ITU601, 7: Colorspace.SMPTE240M}


def open_input(path: Path) -> InputContainer:
    """Opens a file for reading.

    Raises:
        MediaError: missing, empty, or nothing that FFmpeg reads.
    """
    if not path.exists():
        raise MediaError(f"{path}: no such file")
    if path.is_dir():
        raise MediaError(f"{path}: expected a video, this is a folder")
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: expected a video, the file is empty")
    try:
        # As a URL with its scheme, so that no name is taken for a protocol or an image pattern.
        return av.open(f"file:{path}", metadata_errors="replace")
    except av.FFmpegError as error:
        raise MediaError(f"{path}: expected a video, FFmpeg cannot open it ({error.strerror})") from error


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The stream to work on: the first that is not a cover picture.

    Raises:
        MediaError: there is none.
    """
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    kinds = ", ".join(sorted({s.type for s in container.streams})) or "no stream at all"
    raise MediaError(f"{path}: expected a video stream, the file has {kinds}")


def matrix_of(frame: av.VideoFrame) -> Colorspace:
    """The YUV matrix of a frame, guessed from its height where it has no tag."""
    guess = Colorspace.ITU709 if frame.height >= HIGH_DEFINITION else Colorspace.ITU601
    return MATRICES.get(int(frame.colorspace), guess)


class ToRgb:
    """Frames to arrays by one swscale context, which is made once: making it costs more than its work."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> Rgb:
        """uint8 (H, W, 3) sRGB of a frame of any pixel format."""
        rgb = self._reformatter.reformat(
            frame, format="rgb24", src_colorspace=matrix_of(frame), dst_color_range=ColorRange.JPEG
        )
        return rgb.to_ndarray()  # type: ignore[return-value]


class FromRgb:
    """Arrays to frames of the encoder's pixel format, in the matrix and range of the source."""

    def __init__(self, pixel_format: str) -> None:
        self._format = pixel_format
        self._reformatter = VideoReformatter()

    def __call__(self, pixels: Rgb, like: av.VideoFrame) -> av.VideoFrame:
        """A frame with the pixels uint8 (H, W, 3 or 4), and the time and colour tags of `like`."""
        layout = "rgba" if pixels.shape[2] == 4 else "rgb24"
        source = av.VideoFrame.from_ndarray(pixels, format=layout)
        full = int(like.color_range) == int(ColorRange.JPEG)
        frame = self._reformatter.reformat(
            source,
            format=self._format,
            dst_colorspace=matrix_of(like),
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
        )
        frame.pts, frame.time_base = like.pts, like.time_base
        frame.colorspace, frame.color_range = like.colorspace, like.color_range
        frame.color_primaries, frame.color_trc = like.color_primaries, like.color_trc
        return frame


def upright(rgb: Rgb, rotation: int) -> Rgb:
    """Turns a picture by the file's display matrix: `rotation` degrees counter-clockwise, as PyAV gives it."""
    quarter_turns = round(rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarter_turns)) if quarter_turns else rgb
