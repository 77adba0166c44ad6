"""Opening video files, and frames to and from RGB arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, VideoReformatter
from numpy.typing import NDArray

from cyclorama.colour import to_8_bits
from cyclorama.errors import MediaError
from cyclorama.types import DeepRgb, Rgb
from cyclorama.working_space import WorkingSpace
from cyclorama_ffmpeg.whole_input import check_whole

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from cyclorama.colour import Primaries
    from cyclorama.working_space import Transfer

Sampled = TypeVar("Sampled", bound=NDArray[Any])

HIGH_DEFINITION = 720  # lines; from here on untagged video is BT.709, below it BT.601, as players assume
MATRIX_709, MATRIX_601 = 1, 6  # H.273
# H.273 matrix coefficients -> SWS_CS_* of swscale.
MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9}
UNTOLD = {0, 2, 3}  # the identity (RGB), unspecified and reserved
TRANSFERS: dict[int, Transfer] = {16: "pq", 18: "hlg"}  # H.273; the others are SDR's
PRIMARIES: dict[int, Primaries] = {9: "bt2020", 11: "p3", 12: "p3"}  # those of SDR's sets differ too little to see
WHITE, SWSCALE_WHITE = 65_535, 65_280  # of 16 bits: 255 * 257 here, 255 * 256 on swscale's way to and from YUV


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


def open_video(path: Path) -> InputContainer:
    """Opens a file of moving pictures.

    Raises:
        MediaError: as `open_input`; or it is a still picture.
    """
    container = open_input(path)
    if container.format.name == "image2" or container.format.name.endswith("_pipe"):
        container.close()
        raise MediaError(f"{path}: expected a video, this is a picture; use: cyclorama image")
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


def matrix_is_read(frame: av.VideoFrame) -> bool:
    """Whether the frame's colours can be had: not of ICtCp, of BT.2020 with constant luminance and the like."""
    return frame.format.is_rgb or int(frame.colorspace) in MATRICES.keys() | UNTOLD


def _usual_matrix(height: int) -> int:
    return MATRIX_709 if height >= HIGH_DEFINITION else MATRIX_601


@dataclass(frozen=True, slots=True)
class Tags:
    """How a frame's numbers are to be read, by the tables of H.273; range 1 is limited, 2 is full, 0 untold."""

    matrix: int
    range: int
    primaries: int
    transfer: int

    @property
    def hdr(self) -> str:
        """The name of a transfer function for high dynamic range, empty for others."""
        return TRANSFERS.get(self.transfer, "").upper()

    def working_space(self) -> WorkingSpace | None:
        """What the frame is to be worked on in; None: its numbers are sRGB's, near enough."""
        transfer = TRANSFERS.get(self.transfer, "sdr")
        primaries = PRIMARIES.get(self.primaries, "bt709")
        if transfer != "sdr" and self.primaries in UNTOLD:  # BT.2100 knows one set alone
            primaries = "bt2020"
        return None if (transfer, primaries) == ("sdr", "bt709") else WorkingSpace(transfer, primaries)


def tags_of(frame: av.VideoFrame) -> Tags:
    """The tags for a YUV frame made from this one: its own, where it is YUV itself."""
    matrix, scale = int(frame.colorspace), int(frame.color_range)
    if frame.format.is_rgb:  # its matrix is the identity, which would turn the result green
        matrix, scale = _usual_matrix(frame.height), int(ColorRange.MPEG)
    elif frame.format.name.startswith("yuvj"):  # full range by its old name, whatever the tag
        scale = int(ColorRange.JPEG)
    return Tags(matrix, scale, int(frame.color_primaries), int(frame.color_trc))


def plain_tags(tags: Tags) -> Tags:
    """Tags for a grey picture beside a frame, a matte: nothing of it is HDR."""
    return replace(tags, primaries=1, transfer=1) if tags.hdr else tags


class ToRgb:
    """Frames to arrays by one swscale context, which is made once: making it costs more than its work.

    Args:
        deep: arrays uint16 rather than uint8.
    """

    def __init__(self, *, deep: bool = False) -> None:
        self._deep = deep
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> DeepRgb:
        """uint8 or uint16 (H, W, 3) of a frame of any pixel format, by the frame's own transfer and primaries."""
        matrix = matrix_of(int(frame.colorspace), frame.height)
        layout = "rgb48le" if self._deep else "rgb24"
        rgb = self._reformatter.reformat(frame, format=layout, src_colorspace=matrix, dst_color_range=ColorRange.JPEG)
        pixels: DeepRgb = rgb.to_ndarray()  # type: ignore[assignment]
        if self._deep and not frame.format.is_rgb:
            pixels = _scaled(pixels, WHITE / SWSCALE_WHITE)
        return pixels


class ToSrgb:
    """Frames as SDR shows them, whatever they are: for backgrounds and previews."""

    def __init__(self) -> None:
        self._to_rgb, self._to_deep_rgb = ToRgb(), ToRgb(deep=True)

    def __call__(self, frame: av.VideoFrame) -> Rgb:
        """uint8 (H, W, 3) sRGB of a frame of any pixel format."""
        working = tags_of(frame).working_space()
        if working is None:
            return self._to_rgb(frame)  # type: ignore[return-value]
        worked = working.from_signal(self._to_deep_rgb(frame))
        return working.srgb_view(to_8_bits(worked))


class FromRgb:
    """Arrays to frames of the encoder's pixel format, in the matrix and range of the source."""

    def __init__(self, pixel_format: str) -> None:
        self._format = av.VideoFormat(pixel_format)
        self._reformatter = VideoReformatter()

    def __call__(self, pixels: DeepRgb, like: av.VideoFrame, tags: Tags | None = None) -> av.VideoFrame:
        """A frame with the pixels uint8 or uint16 (H, W, 3 or 4), and the time and colour tags of `like`.

        Args:
            tags: to be used instead of those of `like`.
        """
        tags = tags or tags_of(like)
        if self._format.is_rgb:
            tags = replace(tags, matrix=0, range=int(ColorRange.JPEG))
        depth = ("rgb24", "rgba") if pixels.dtype == np.uint8 else ("rgb48le", "rgba64le")
        if pixels.dtype != np.uint8 and not self._format.is_rgb:
            scaled = _scaled(pixels, SWSCALE_WHITE / WHITE)
            if pixels.shape[2] == 4:
                scaled[..., 3] = pixels[..., 3]  # which swscale passes through
            pixels = scaled
        source = av.VideoFrame.from_ndarray(pixels, format=depth[pixels.shape[2] - 3])  # type: ignore[arg-type]
        if not self._format.is_rgb:
            source.colorspace = tags.matrix  # the result takes it over; PyAV 17 knows no BT.2020 below
        frame = self._reformatter.reformat(
            source,
            format=self._format.name,
            dst_colorspace=matrix_of(tags.matrix, pixels.shape[0]),
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.JPEG if tags.range == ColorRange.JPEG else ColorRange.MPEG,
        )
        stamp(frame, like)
        tag(frame, tags)
        return frame


def stamp(frame: av.VideoFrame, like: av.VideoFrame) -> None:
    """Gives a frame the time of another."""
    frame.pts, frame.duration, frame.time_base = like.pts, like.duration, like.time_base  # type: ignore[assignment]


def tag(frame: av.VideoFrame, tags: Tags) -> None:
    """Says how a frame's numbers are to be read."""
    frame.colorspace, frame.color_range = tags.matrix, tags.range
    frame.color_primaries, frame.color_trc = tags.primaries, tags.transfer


def upright(rgb: Sampled, rotation: int) -> Sampled:
    """Turns a picture by the file's display matrix: `rotation` degrees counter-clockwise, as PyAV gives it."""
    quarter_turns = round(rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarter_turns)) if quarter_turns else rgb  # type: ignore[return-value]


def _scaled(pixels: DeepRgb, factor: float) -> DeepRgb:
    # As a plane: OpenCV takes a number for the first component's alone.
    height, width, components = pixels.shape
    plane = cv2.multiply(pixels.reshape(height, -1), factor)  # type: ignore[call-overload]
    return plane.reshape(height, width, components)
