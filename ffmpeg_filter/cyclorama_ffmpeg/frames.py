"""Opening video files, and frames to and from RGB arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.reformatter import ColorRange, VideoReformatter

from cyclorama.errors import MediaError
from cyclorama.types import Rgb
from cyclorama_ffmpeg.whole_input import check_whole

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

HIGH_DEFINITION = 720  # lines; from here on untagged video is BT.709, below it BT.601, as players assume
MATRIX_709, MATRIX_601 = 1, 6  # H.273
# H.273 matrix coefficients -> SWS_CS_* of swscale.
MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}


def open_input(path: Path) -> InputContainer:
    """Opens a file for reading.

    Raises:
        MediaError: missing, empty, cut short, or nothing that FFmpeg reads.
    """
    if not path.exists():
        raise MediaError(f"{path}: no such file")
    if path.is_dir():
        raise MediaError(f"{path}: expected a video, this is a folder")
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: expected a video, the file is empty")
    check_whole(path)
    try:
        # As a URL with its scheme, so that no name is taken for a protocol or an image pattern.
        container = av.open(f"file:{path}", metadata_errors="replace")
    except av.FFmpegError as error:
        raise MediaError(f"{path}: expected a video, FFmpeg cannot open it ({error.strerror})") from error
    if container.format.name == "tty":  # FFmpeg would draw the letters
        container.close()
        raise MediaError(f"{path}: expected a video, this is text")
    return container


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The stream to work on: the first that is not a cover picture.

    Raises:
        MediaError: there is none.
    """
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    # Only cover pictures can be left among the video streams.
    names = {s.type: "a cover picture" if s.type == "video" else s.type for s in container.streams}
    kinds = " and ".join(sorted(names.values(), key=lambda n: n.startswith("a cover"))) or "no stream at all"
    raise MediaError(f"{path}: expected a video stream, the file has {kinds}")


def matrix_of(tag: int, height: int) -> int:
    """swscale's number of a YUV matrix by its tag, and by the height of the picture where that says nothing."""
    return MATRICES.get(tag) or MATRICES[_usual_matrix(height)]


def _usual_matrix(height: int) -> int:
    return MATRIX_709 if height >= HIGH_DEFINITION else MATRIX_601


@dataclass(frozen=True, slots=True)
class Tags:
    """How a frame's numbers are to be read, by the tables of H.273; range 1 is limited, 2 is full, 0 untold."""

    matrix: int
    range: int
    primaries: int
    transfer: int


def tags_of(frame: av.VideoFrame) -> Tags:
    """The tags for a YUV frame made from this one: its own, where it is YUV itself."""
    matrix, scale = int(frame.colorspace), int(frame.color_range)
    if frame.format.is_rgb:  # its matrix is the identity, which would turn the result green
        matrix, scale = _usual_matrix(frame.height), int(ColorRange.MPEG)
    elif frame.format.name.startswith("yuvj"):  # full range by its old name, whatever the tag
        scale = int(ColorRange.JPEG)
    return Tags(matrix, scale, int(frame.color_primaries), int(frame.color_trc))


class ToRgb:
    """Frames to arrays by one swscale context, which is made once: making it costs more than its work."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> Rgb:
        """uint8 (H, W, 3) sRGB of a frame of any pixel format."""
        matrix = matrix_of(int(frame.colorspace), frame.height)
        rgb = self._reformatter.reformat(frame, format="rgb24", src_colorspace=matrix, dst_color_range=ColorRange.JPEG)
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
        tags = tags_of(like)
        frame = self._reformatter.reformat(
            source,
            format=self._format,
            dst_colorspace=matrix_of(tags.matrix, pixels.shape[0]),
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.JPEG if tags.range == ColorRange.JPEG else ColorRange.MPEG,
        )
        frame.pts, frame.duration, frame.time_base = like.pts, like.duration, like.time_base  # type: ignore[assignment]
        frame.colorspace, frame.color_range = tags.matrix, tags.range
        frame.color_primaries, frame.color_trc = tags.primaries, tags.transfer
        return frame


def upright(rgb: Rgb, rotation: int) -> Rgb:
    """Turns a picture by the file's display matrix: `rotation` degrees counter-clockwise, as PyAV gives it."""
    quarter_turns = round(rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarter_turns)) if quarter_turns else rgb
