"""A long video's pictures encoded in segments, each on the disk before the work is lost with the process.

Every segment begins with a keyframe and is flushed at its end, so that they can be joined packet by packet.
What the next frame depends on (the network's memory, the smoothing's, who was seen) lies beside them: a run
that goes on gives the very frames that one without a break gives.
"""

from __future__ import annotations

import gc
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import av

from cyclorama.errors import MediaError
from cyclorama.memory import give_back_freed_memory
from cyclorama_ffmpeg.encoder import PictureEncoder
from cyclorama_ffmpeg.encodings import Encoding
from cyclorama_ffmpeg.formats import container_of
from cyclorama_ffmpeg.packet_log import PacketLog
from cyclorama_ffmpeg.work_folder import WorkFolder
from cyclorama_ffmpeg.writing import Before, Item, Writer

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

# Frames of a segment: as many as x264 and x265 put between keyframes by themselves.
SEGMENT = 250

Frames = Iterator[av.VideoFrame]


@dataclass(frozen=True, slots=True)
class Seam:
    """A frame by which the place is found again: its time, in its own ticks, and a checksum of its pixels."""

    pts: int
    crc: int


class SeamError(MediaError):
    """The last frame that was done does not come again."""


class Stage(Protocol):
    """What makes pictures of frames."""

    def frames(self, seam: Seam | None) -> AbstractContextManager[Frames]:
        """All frames, or those after a seam."""

    def work(self, frames: Frames) -> None:
        """Puts the pictures of some frames into the writers; when it returns, none of them is still under way."""

    def remembered(self) -> dict[str, object]:
        """All that the next frame's pictures depend on."""

    def recall(self, state: Mapping[str, Any]) -> None:
        """Goes on from what was remembered."""


@dataclass(frozen=True, slots=True)
class Track:
    """One series of pictures that is encoded: the result, or its matte.

    Attributes:
        name: in the work folder.
        target: the file that it will end in.
        encoder: makes a fresh one for each segment.
    """

    name: str
    target: Path
    encoding: Encoding
    encoder: Callable[[], PictureEncoder]


class SegmentedWriter:
    """Writes a track's pictures, each segment with an encoder of its own, one after the other.

    Two at a time would save the wait for the last pictures of the first, and take another encoder's memory.
    """

    def __init__(self, work: WorkFolder, track: Track, stream: VideoStream) -> None:
        self._work, self._track, self._stream = work, track, stream
        self._index = 0
        self._writer: Writer | None = None
        self.before: Before | None = None  # the last picture of the segments so far

    def begin(self, index: int) -> None:
        """Begins a segment."""
        self._index = index
        log = PacketLog(self._work.part(self._track.name, index), container_of(self._track.target).format)
        self._writer = Writer(
            cast("OutputContainer", log),
            self._track.target,
            self._track.encoding,
            self._stream,
            self._track.encoder(),
            before=self.before,
        )
        self._writer.__enter__()

    def put(self, item: Item) -> None:
        """Hands over a picture, as to `Writer.put`."""
        assert self._writer is not None
        assert not isinstance(item, av.Packet)
        self._writer.put(item)
        self.before = Before(item[0].shape, item[1].pts or 0)

    def end(self) -> None:
        """Ends the segment: it is on the disk then.

        Raises:
            OutputError: it could not be encoded or written.
        """
        writer, self._writer = self._writer, None
        assert writer is not None
        writer.__exit__(None)
        self._work.settle_track(self._track.name, self._index)
        del writer
        gc.collect()  # PyAV's objects hold each other: encoders with all their frames would wait to be collected
        give_back_freed_memory()

    def abandon(self) -> None:
        """Stops without finishing the segment."""
        if self._writer is not None:
            self._writer.__exit__(BaseException)


@dataclass(frozen=True, slots=True)
class Made:
    """What is known of the pictures when all segments are there.

    Attributes:
        shapes: of the arrays, a track each.
        end: when the last picture ends, in seconds.
    """

    shapes: tuple[tuple[int, ...], ...]
    end: Fraction


class Segments:
    """The work on a whole video, segment by segment.

    Attributes:
        writers: for the stage: one a track.
    """

    def __init__(self, work: WorkFolder, tracks: Sequence[Track], stream: VideoStream) -> None:
        self._work = work
        self.writers = [SegmentedWriter(work, track, stream) for track in tracks]

    def make(self, stage: Stage) -> Made:
        """Does what is not done yet."""
        state = self._work.finished()
        if state is not None:
            stage.recall(state["stage"])
        else:
            try:
                state = self._go_on(stage)
            except BaseException:
                for writer in self.writers:
                    with suppress(BaseException):  # the first failure is the one to be told
                        writer.abandon()
                raise
            self._work.finish(state)
        return Made(tuple(shape for shape, _ in state["before"]), state["end"])

    def _go_on(self, stage: Stage) -> Any:
        index, seam, state = self._work.count(), None, None
        if index:
            state = self._work.state(index - 1)
            stage.recall(state["stage"])
            seam = Seam(*state["seam"])
            for writer, before in zip(self.writers, state["before"], strict=True):
                writer.before = Before(*before)
        last: list[av.VideoFrame] = []

        def part(first: av.VideoFrame, frames: Frames) -> Frames:
            for frame in chain([first], islice(frames, SEGMENT - 1)):
                last[:] = [frame]
                yield frame

        with stage.frames(seam) as frames:
            while (first := next(frames, None)) is not None:
                for writer in self.writers:
                    writer.begin(index)
                stage.work(part(first, frames))
                frame = last[0]
                state = {
                    "stage": stage.remembered(),
                    "seam": (frame.pts, checksum(frame)),
                    "before": [(each.before.shape, each.before.pts) for each in self.writers if each.before],
                    "end": ((frame.pts or 0) + frame.duration) * (frame.time_base or Fraction(0)),
                }
                self._work.save(index, state)  # before the segment counts
                for writer in self.writers:
                    writer.end()
                index += 1
            if state is None:
                stage.work(iter(()))  # which says that there are none
        return state


def after(frames: Frames, seam: Seam) -> Frames:
    """The frames that follow a seam, which must be among them.

    Raises:
        SeamError: it is not.
    """
    found = next((frame for frame in frames if frame.pts is None or frame.pts >= seam.pts), None)
    if found is None or found.pts != seam.pts or checksum(found) != seam.crc:
        raise SeamError(
            "its frames are not those of the run that was cut off; start anew with --overwrite and without --resume"
        )
    return frames


def checksum(frame: av.VideoFrame) -> int:
    """CRC-32 of the pixels of a frame, of any layout."""
    packer: VideoCodecContext = av.CodecContext.create("rawvideo", "w")  # type: ignore[assignment]
    packer.width, packer.height, packer.pix_fmt = frame.width, frame.height, frame.format.name
    packer.time_base = frame.time_base or Fraction(1)
    crc = 0
    for packet in packer.encode(frame):
        crc = zlib.crc32(packet, crc)  # type: ignore[arg-type]
    return crc
