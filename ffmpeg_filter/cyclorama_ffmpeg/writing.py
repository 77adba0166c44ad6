"""Writing video files: pictures encoded, sound copied, in a thread of its own."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import av
import cv2
import numpy as np

from cyclorama.errors import MediaError, OutputError
from cyclorama.types import Rgb
from cyclorama_ffmpeg.frames import FromRgb, tags_of

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

Packet: TypeAlias = "av.Packet[av.AudioStream]"

QUEUE_FRAMES = 4
MOST_TICKS = 2**31 - 1  # of MP4's movie timescale, a second
# Said of the file or the encoding that was, not of the pictures: the muxers write their own.
STALE_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder", "rotate", "timecode", "duration"}
STALE_PREFIXES = ("bps", "number_of_", "_statistics_", "duration-")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How pictures are stored: FFmpeg's codec, pixel format and options.

    Attributes:
        even: wants even sides.
        square: has no place for an aspect of the pixels. (VP9 has none. WebM would, but PyAV cannot set it.)
    """

    codec: str
    pixel_format: str
    options: Mapping[str, str]
    even: bool = False
    square: bool = False


# x264 at crf 18 is what is called visually lossless; `veryfast` takes half the time of `medium` there and no
# more bytes (60 frames of 720p footage: 0.45 s and 0.90 s, 528 and 543 kB).
# 4:2:0, because hardware and browsers play no other H.264.
H264 = Encoding("libx264", "yuv420p", {"crf": "18", "preset": "veryfast"}, even=True)
VP9 = {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "5"}
OPAQUE = {
    ".mp4": H264,
    ".m4v": H264,
    ".mov": H264,
    ".mkv": H264,
    ".webm": Encoding("libvpx-vp9", "yuv420p", VP9, square=True),
}
# The two that players and editors really show with their transparency.
ALPHA = {
    ".webm": Encoding("libvpx-vp9", "yuva420p", {**VP9, "auto-alt-ref": "0"}, square=True),
    ".mov": Encoding("prores_ks", "yuva444p10le", {"profile": "4444", "vendor": "apl0"}),
}


def encoding_for(target: Path, *, transparent: bool) -> Encoding:
    """The encoding for a file's name.

    Raises:
        OutputError: that container is not written, or carries no transparency that players show.
    """
    suffix = target.suffix.lower()
    if suffix not in OPAQUE:
        raise OutputError(f"{target}: expected a name that ends in {', '.join(OPAQUE)}")
    if not transparent:
        return OPAQUE[suffix]
    if suffix not in ALPHA:
        raise OutputError(
            f"{target}: {suffix} carries no transparency that players show; "
            "name it .webm (VP9, for the web and OBS) or .mov (ProRes 4444, for editors)"
        )
    return ALPHA[suffix]


@cache
def holds(suffix: str) -> frozenset[str]:
    """FFmpeg's names of the codecs that a container can hold."""
    # Opening writes nothing yet: no file of this name appears.
    with av.open(f"file:nothing{suffix}", "w") as container:
        return frozenset(container.supported_codecs)


def sounds(source: InputContainer) -> dict[int, str]:
    """Stream index -> FFmpeg's name of the codec, of the sound that can be copied: FFmpeg has to know it."""
    return {a.index: a.codec_context.codec.name for a in source.streams.audio if a.codec_context}


def suffixes_for(codecs: Collection[str], *, transparent: bool) -> list[str]:
    """The containers that can hold all these codecs beside the pictures, the most common first."""
    table = ALPHA if transparent else OPAQUE
    return [suffix for suffix in table if holds(suffix).issuperset(codecs)]


def default_target(source: Path, container: InputContainer, *, transparent: bool) -> Path:
    """A name beside the source, of the first container that can hold its sound as it is."""
    table = ALPHA if transparent else OPAQUE
    suffixes = suffixes_for(sounds(container).values(), transparent=transparent) or list(table)
    return source.with_name(f"{source.stem}-cyclorama{suffixes[0]}")


def check_sound(target: Path, container: InputContainer, *, transparent: bool) -> None:
    """Raises OutputError where the target's container cannot hold a stream of sound as it is."""
    copied = sounds(container)
    for index, codec in copied.items():
        if codec not in holds(target.suffix.lower()):
            others = suffixes_for(copied.values(), transparent=transparent)
            advice = (
                f"name the output {' or '.join(others)}, which can"
                if others
                else f"nor can {' or '.join(ALPHA if transparent else OPAQUE)}: convert the sound first, "
                "with ffmpeg -i IN -c:v copy -c:a flac OUT.mkv (or -c:a libopus, for .webm)"
            )
            raise OutputError(
                f"{target}: {target.suffix} cannot hold the sound of stream {index} ({codec}) as it is; {advice}"
            )


class Writer:
    """Encodes pictures and copies sound packets in a thread of its own; to be used as a context manager.

    Args:
        path: the file to write.
        target: what the file will be called in the end, for messages and the container's choice.
        source: whose sound, chapters and metadata are kept; None for pictures alone.
        stream: of the pictures; its rate, time base and aspect are kept.
    """

    def __init__(
        self, path: Path, target: Path, encoding: Encoding, source: InputContainer | None, stream: VideoStream
    ) -> None:
        self._target, self._encoding, self._source_stream = target, encoding, stream
        self._from_rgb = FromRgb(encoding.pixel_format)
        self._audio: dict[int, av.AudioStream] = {}
        self._queue: queue.Queue[Packet | tuple[Rgb, av.VideoFrame] | None] = queue.Queue(QUEUE_FRAMES)
        self._error: BaseException | None = None
        self._abandoned = False
        self._early: list[Packet] = []
        self._shape: tuple[int, ...] | None = None  # of the first picture; None until it came
        self._last_pts: int | None = None
        self._end = Fraction(0)  # of the last picture, in seconds
        self._aspect = Fraction(1)
        self.notes: list[str] = []
        options = _muxer_options(target, [stream, *(source.streams.audio if source else ())])
        self._container: OutputContainer = av.open(f"file:{path}", "w", options=options)
        try:
            rate = stream.average_rate or stream.base_rate or 25
            self._video = cast("VideoStream", self._container.add_stream(encoding.codec, rate=rate))
            if source is not None:
                check_sound(target, source, transparent=encoding in ALPHA.values())
                self._container.metadata.update(_lasting(source.metadata))
                self._container.set_chapters(source.chapters())
                self._video.metadata.update(_lasting(stream.metadata))
                for index in sounds(source):
                    audio = cast("av.AudioStream", source.streams[index])
                    copy = self._container.add_stream_from_template(audio)
                    copy.metadata.update(audio.metadata)
                    copy.disposition = audio.disposition.value  # type: ignore[assignment]  # PyAV 17 takes a number alone
                    self._audio[index] = copy
        except BaseException:
            self._container.close()
            raise
        self._thread = threading.Thread(target=self._work, name="encode", daemon=True)

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._abandoned = kind is not None
        try:
            self._finish()
        except BaseException:  # an interrupt, while the last pictures were encoded
            self._abandoned = True
            self._finish()
            raise
        if kind is None and self._error is not None:
            raise self._error

    def put(self, item: Packet | tuple[Rgb, av.VideoFrame]) -> None:
        """Hands over a sound packet, or a picture and the frame whose time and colour tags it takes."""
        if self._error is not None:
            raise self._error
        self._queue.put(item)

    def _finish(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._abandoned or self._error is not None:
                continue  # only emptying the queue, so that nobody waits on it
            try:
                self._write(item)
            except BaseException as error:  # noqa: BLE001 - raised again by `put` or at the end
                self._error = error
        try:
            if self._shape is not None and self._error is None and not self._abandoned:
                self._flush()
            self._container.close()
        except BaseException as error:  # noqa: BLE001
            self._error = self._error or error

    def _flush(self) -> None:
        packets = self._video.encode(None)
        if packets and packets[-1].pts is not None and packets[-1].time_base and _is_mp4(self._target):
            # MP4 takes its end from the last packet, which with B-frames is not the last picture shown.
            packets[-1].duration = round(self._end / packets[-1].time_base) - packets[-1].pts
        self._container.mux(packets)

    def _copy(self, packet: Packet) -> None:
        packet.stream = self._audio[packet.stream.index]
        self._container.mux(packet)

    def _write(self, item: Packet | tuple[Rgb, av.VideoFrame]) -> None:
        if isinstance(item, av.Packet):
            if self._shape is not None:
                self._copy(item)
            else:  # the first packet written settles all streams, so the picture's size must be known
                self._early.append(item)
            return
        pixels, like = item
        self._check(pixels, like)
        if self._shape is None:
            self._aspect = self._aspect_of(like)
        if self._encoding.square:
            pixels = square(pixels, self._aspect)
        if self._encoding.even:
            pixels = even(pixels)
        if self._shape is None:
            self._open(pixels, like)
            self._note(item[0], pixels)
            self._shape = item[0].shape
            for packet in self._early:
                self._copy(packet)
            self._early.clear()
        self._container.mux(self._video.encode(self._from_rgb(pixels, like)))

    def _check(self, pixels: Rgb, like: av.VideoFrame) -> None:
        """Raises MediaError for pictures that one stream cannot hold one after the other."""
        # PyAV would scale such a picture to the first one's size without a word.
        if self._shape is not None and pixels.shape != self._shape:
            (h, w), (height, width) = pixels.shape[:2], self._shape[:2]
            raise MediaError(
                f"{self._target}: the picture changes its size from {width} x {height} to {w} x {h} "
                f"at {float(like.time or 0):.3f} s; split the video there first"
            )
        if self._last_pts is not None and (like.pts or 0) <= self._last_pts:
            raise MediaError(
                f"{self._target}: the source's frame at {float(like.time or 0):.3f} s comes no later than the one "
                "before it; give its frames new times first, for example with ffmpeg -vf setpts=N/FRAME_RATE/TB"
            )
        self._last_pts = like.pts
        self._end = ((like.pts or 0) + like.duration) * (like.time_base or Fraction(0))

    def _open(self, pixels: Rgb, like: av.VideoFrame) -> None:
        """Sets the encoder up by the first picture: only now its upright size is known."""
        context = self._video.codec_context
        context.height, context.width = pixels.shape[:2]
        context.pix_fmt = self._encoding.pixel_format
        context.options = dict(self._encoding.options)
        context.time_base = self._source_stream.time_base or Fraction(1, 90_000)
        self._video.time_base = context.time_base
        context.thread_type = "AUTO"
        context.flags |= av.codec.context.Flags.frame_duration  # else the last frame's would be a guess
        tags = tags_of(like)
        context.color_primaries, context.color_trc = tags.primaries, tags.transfer
        context.colorspace, context.color_range = tags.matrix, tags.range
        if not self._encoding.square:
            context.sample_aspect_ratio = self._aspect

    def _aspect_of(self, like: av.VideoFrame) -> Fraction:
        """Width to height of an upright pixel."""
        aspect = self._source_stream.sample_aspect_ratio or Fraction(1)
        return 1 / aspect if round(like.rotation / 90) % 2 else aspect

    def _note(self, given: Rgb, written: Rgb) -> None:
        """Says where the size had to change."""
        (h, w), (height, width) = given.shape[:2], written.shape[:2]
        if (h, w) == (height, width):
            return
        if self._encoding.square:
            why = f"its pixels were {self._aspect.numerator}:{self._aspect.denominator} and are square now"
        else:
            why = "H.264 that plays everywhere has even sides (the last row or column is there twice); .webm keeps it"
        self.notes.append(f"{self._target}: the picture was {w} x {h} and is {width} x {height}, because {why}")


def square(pixels: Rgb, aspect: Fraction) -> Rgb:
    """A picture with its pixels made square; it only grows, so that no detail is lost."""
    if aspect == 1:
        return pixels
    height, width = pixels.shape[:2]
    size = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def even(pixels: Rgb) -> Rgb:
    """A picture with even sides: an odd one gets its last row or column twice."""
    height, width = pixels.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return pixels
    return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _is_mp4(target: Path) -> bool:
    return target.suffix.lower() in (".mp4", ".m4v", ".mov")


def _muxer_options(target: Path, streams: Sequence[Stream]) -> dict[str, str]:
    if not _is_mp4(target):
        return {}
    # MP4 counts a late start in movie ticks, by default milliseconds, which would shift it.
    ticks = math.lcm(*(s.time_base.denominator for s in streams if s.time_base))
    return {"movflags": "+faststart", **({"movie_timescale": str(ticks)} if 1 < ticks <= MOST_TICKS else {})}


def _lasting(metadata: Mapping[str, str]) -> dict[str, str]:
    return {
        key: value
        for key, value in metadata.items()
        if key.lower() not in STALE_TAGS and not key.lower().startswith(STALE_PREFIXES)
    }
