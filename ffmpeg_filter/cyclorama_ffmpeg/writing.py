"""Writing video files: pictures encoded, everything else carried over, in a thread of its own."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

import av
import cv2
import numpy as np

from cyclorama.errors import MediaError
from cyclorama.types import DeepRgb
from cyclorama_ffmpeg.carrying import Carrier
from cyclorama_ffmpeg.encodings import Encoding
from cyclorama_ffmpeg.formats import container_of
from cyclorama_ffmpeg.reading import QUEUE_FRAMES, Packet
from cyclorama_ffmpeg.stored import Pixels, Stored
from cyclorama_ffmpeg.streams import counts_timecode, lasting
from cyclorama_ffmpeg.trim import Cut

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

MOST_TICKS = 2**31 - 1  # of MP4's movie timescale, a second
Item: TypeAlias = "Packet | tuple[Pixels, av.VideoFrame]"


class Encoder(Protocol):
    """What makes packets of pictures; see `PictureEncoder`."""

    left_out: int
    keeps_rate: bool

    def open(
        self, container: OutputContainer, pixels: Pixels, like: av.VideoFrame, aspect: Fraction
    ) -> VideoStream: ...

    def encode(self, pixels: Pixels, like: av.VideoFrame) -> Iterator[Packet]: ...

    def flush(self) -> list[Packet]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Before:
    """The picture before a writer's first one: shape of its array, and time in ticks."""

    shape: tuple[int, ...]
    pts: int


def create(path: Path, target: Path, streams: Sequence[Stream]) -> OutputContainer:
    """Opens a file to write.

    Args:
        target: what it will be called in the end, which says its kind.
        streams: whose times it should hold exactly.
    """
    name = container_of(target).format
    return av.open(f"file:{path}", "w", format=name, options=_muxer_options(name, streams))


class Writer:
    """Encodes pictures and writes them and all else in a thread of its own; to be used as a context manager.

    Args:
        container: to write into; closed at the end.
        target: what the file will be called in the end, for messages.
        stream: of the source's pictures; its rate, time base and aspect are kept.
        encoder: fresh.
        source: whose chapters and metadata are kept; None for pictures alone.
        carriers: of every other stream that is kept.
        cut: what part of the source it is.
        before: the picture before the first one, where others were written elsewhere.

    Attributes:
        notes: what had to change; whole when the writer has ended.
    """

    def __init__(
        self,
        container: OutputContainer,
        target: Path,
        encoding: Encoding,
        stream: VideoStream,
        encoder: Encoder,
        *,
        source: InputContainer | None = None,
        carriers: Mapping[Stream, Carrier] | None = None,
        cut: Cut | None = None,
        before: Before | None = None,
    ) -> None:
        self._container = container
        self._target, self._encoding, self._source_stream, self._source = target, encoding, stream, source
        self._cut = cut
        self._carriers = dict(carriers or {})
        self._encoder = encoder
        self._queue: queue.Queue[Item | None] = queue.Queue(QUEUE_FRAMES)
        self._error: BaseException | None = None
        self._abandoned = False
        self._early: list[Packet] = []
        self._shape: tuple[int, ...] | None = None  # of the first picture; None until it came
        self._given: tuple[int, ...] | None = before.shape if before else None  # of the last picture
        self._last_pts: int | None = before.pts if before else None
        self._end = Fraction(0)  # of the last picture, in seconds
        self._aspect = Fraction(1)
        self.notes: list[str] = []
        self._is_mp4 = container.format.name in ("mp4", "mov")
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

    def put(self, item: Item) -> None:
        """Hands over a packet, or a picture and the frame whose time and colour tags it takes."""
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
        finally:
            self._encoder.close()

    def _flush(self) -> None:
        packets = self._encoder.flush()
        if packets and self._is_mp4:
            packets[-1].duration = lasts(packets[-1], self._end)
        self._mux(packets)
        for carrier in self._carriers.values():
            self._mux(carrier.carry(None))
        if self._encoder.left_out:
            least = self._encoding.codec.least_gap_ms
            self.notes.append(
                f"{self._target}: {self._encoder.left_out} pictures that came less than {least} ms after another are "
                f"left out, since {self._target.suffix} shows no more than {1000 // least} a second"
            )

    def _mux(self, packets: Iterable[Packet]) -> None:
        for packet in packets:
            self._container.mux(packet)

    def _write(self, item: Item) -> None:
        if isinstance(item, av.Packet):
            if self._shape is not None:
                self._mux(self._carriers[item.stream].carry(item))
            else:  # the first packet written settles all streams, so the picture's size must be known
                self._early.append(item)
            return
        pixels, like = item
        self._check(pixels, like)
        if self._shape is None:
            self._aspect = self._aspect_of(like)
        if not isinstance(pixels, Stored):
            if self._encoding.square:
                pixels = square(pixels, self._aspect)
            if self._encoding.even:
                pixels = even(pixels)
        if self._shape is None:
            self._open(pixels, like)
            self._note(item[0], pixels)
            self._shape = item[0].shape
            for packet in self._early:
                self._mux(self._carriers[packet.stream].carry(packet))
            self._early.clear()
        self._mux(self._encoder.encode(pixels, like))

    def _open(self, pixels: Pixels, like: av.VideoFrame) -> None:
        """Adds all streams in the source's order: only now the picture's upright size is known."""
        if self._source is None:
            self._encoder.open(self._container, pixels, like, self._aspect)
            return
        waiting = dict(self._carriers)
        for stream in self._source.streams:
            if stream.index == self._source_stream.index:
                made = self._encoder.open(self._container, pixels, like, self._aspect)
                made.disposition = stream.disposition.value  # type: ignore[assignment]  # PyAV 17 takes a number alone
                rate = self._source_stream.average_rate if self._encoder.keeps_rate else None
                late = self._cut is not None and self._cut.skipped > 0  # a timecode is that of the first picture
                timecode = not late and (not self._is_mp4 or counts_timecode(rate))
                made.metadata.update(lasting(stream.metadata, timecode=timecode))
                self._container.metadata.update(lasting(self._source.metadata, timecode=timecode))
                if not timecode and "timecode" in {**stream.metadata, **self._source.metadata}:
                    why = "it counts from the source's first picture" if late else ".mkv would keep it"
                    self.notes.append(f"{self._target}: the timecode is not carried over; {why}")
            elif stream in waiting:
                waiting.pop(stream).open(self._container)
        for carrier in waiting.values():
            carrier.open(self._container)
        self._container.set_chapters(self._source.chapters() if self._cut is None else self._cut.chapters())

    def _check(self, pixels: Pixels, like: av.VideoFrame) -> None:
        """Raises MediaError for pictures that one stream cannot hold one after the other."""
        # PyAV would scale such a picture to the first one's size without a word.
        if self._given is not None and pixels.shape != self._given:
            (h, w), (height, width) = pixels.shape[:2], self._given[:2]
            raise MediaError(
                f"{self._target}: the picture changes its size from {width} x {height} to {w} x {h} "
                f"at {float(like.time or 0):.3f} s; split the video there first"
            )
        if self._last_pts is not None and (like.pts or 0) <= self._last_pts:
            raise MediaError(
                f"{self._target}: the source's frame at {float(like.time or 0):.3f} s comes no later than the one "
                "before it; give its frames new times first, for example with ffmpeg -vf setpts=N/FRAME_RATE/TB"
            )
        self._given, self._last_pts = pixels.shape, like.pts
        self._end = ((like.pts or 0) + like.duration) * (like.time_base or Fraction(0))

    def _aspect_of(self, like: av.VideoFrame) -> Fraction:
        """Width to height of an upright pixel."""
        aspect = self._source_stream.sample_aspect_ratio or Fraction(1)
        return 1 / aspect if round(like.rotation / 90) % 2 else aspect

    def _note(self, given: Pixels, written: Pixels) -> None:
        """Says where the size had to change."""
        (h, w), (height, width) = given.shape[:2], written.shape[:2]
        if (h, w) == (height, width):
            return
        if self._encoding.square:
            why = f"its pixels were {self._aspect.numerator}:{self._aspect.denominator} and are square now"
        else:
            name = self._encoding.name.upper()
            why = f"{name} that plays everywhere has even sides (the last row or column is there twice); .webm keeps it"
        self.notes.append(f"{self._target}: the picture was {w} x {h} and is {width} x {height}, because {why}")


def _muxer_options(name: str, streams: Sequence[Stream]) -> dict[str, str]:
    """Args: name: FFmpeg's, of the container's format."""
    if name in ("gif", "webp"):
        return {"loop": "0"}  # without end
    if name not in ("mp4", "mov"):
        return {}
    # MP4 counts a late start in movie ticks, by default milliseconds, which would shift it.
    ticks = math.lcm(*(s.time_base.denominator for s in streams if s.time_base))
    return {"movflags": "+faststart", **({"movie_timescale": str(ticks)} if 1 < ticks <= MOST_TICKS else {})}


def lasts(packet: Packet, end: Fraction) -> int:
    """Duration, in ticks, of the last packet of a film whose last picture ends then, in seconds.

    MP4 takes its end from the last packet, which with B-frames is not the last picture shown.
    """
    return round(end / packet.time_base) - (packet.pts or 0)


def square(pixels: DeepRgb, aspect: Fraction) -> DeepRgb:
    """A picture with its pixels made square; it only grows, so that no detail is lost."""
    if aspect == 1:
        return pixels
    height, width = pixels.shape[:2]
    size = (round(width * aspect), height) if aspect > 1 else (width, round(height / aspect))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def even(pixels: DeepRgb) -> DeepRgb:
    """A picture with even sides: an odd one gets its last row or column twice."""
    height, width = pixels.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return pixels
    return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
