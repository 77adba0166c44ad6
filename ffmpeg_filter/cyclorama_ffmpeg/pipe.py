"""A filter in a pipe: video comes in at one side and goes out at the other with its background replaced.

Frame by frame in one thread: each one leaves before the next is read, so that a live stream is late by the
work on one frame and no more. The programs on both sides do their own work meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.reformatter import ColorRange

from cyclorama.engine import Session
from cyclorama.errors import MediaError, SettingError
from cyclorama.types import DeepRgb, Transparent
from cyclorama_ffmpeg.arrangement import stream_tags
from cyclorama_ffmpeg.frames import FromRgb, matrix_of, tags_of, video_stream
from cyclorama_ffmpeg.pipe_ends import Incoming, Outgoing
from cyclorama_ffmpeg.sinks import Kind, Nut, Rgb, Sink, Y4m, layout
from cyclorama_ffmpeg.streams import can_copy, describe, kind_of
from cyclorama_ffmpeg.working_frames import ToWorking

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

NAME = "standard input"
BROKEN = f"{NAME}: the stream is damaged or breaks off within a frame; those before it were written"
NUT_START, Y4M_START = b"nut/multimedia container", b"YUV4MPEG2 "
LONGEST_HEADER = 4096  # bytes of a Y4M header; FFmpeg's have fewer than 100


def _silent(note: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Bare:
    """Bare pixels, RGB of 3 bytes each: width and height in pixels, frames a second."""

    width: int
    height: int
    rate: Fraction


def run(
    session: Session,
    incoming: Incoming,
    outgoing: Outgoing,
    *,
    bare: Bare | None = None,
    kind: Kind | None = None,
    say: Callable[[str], object] = _silent,
    before: Callable[[Session, DeepRgb], object] | None = None,
) -> int:
    """Reads a stream to its end and writes it with its background replaced.

    In NUT every picture keeps its time exactly, and packets of other streams are passed through.

    Args:
        session: fresh; its settings say what goes behind.
        bare: what the stream is where it says nothing itself.
        kind: of the stream that is written; None: that of the one that is read, and NUT where that is another.
        say: is told what the user should know.
        before: is called before each frame is rendered; it may give the session other settings.

    Returns:
        Number of frames.

    Raises:
        MediaError: what comes is no video, is damaged or breaks off; whole frames until then were written.
        SettingError: an option does not fit the stream.
        PictureError: the frames are too small or too large.
        OSError: an end failed; BrokenPipeError: nobody reads any more.
    """
    given, header = _recognised(incoming, bare)
    with _opened(incoming, given, bare) as container:
        stream = video_stream(container, Path(NAME))
        if given == "nut" and stream.codec_context.name == "mpeg4":
            say("the pictures came as MPEG-4, which loses some of each; FFmpeg does so unless told: -c:v rawvideo")
        work = _Run(session, container, stream, outgoing, kind or given or "nut", header, say, before)
        try:
            for packet in container.demux([stream, *work.others]):
                incoming.check()
                if packet.is_corrupt:
                    raise MediaError(BROKEN)
                work(packet)
                outgoing.check()
        except av.FFmpegError as error:
            raise MediaError(BROKEN) from error
        finally:
            work.close()
        incoming.check()
        outgoing.check()
        if not work.done:
            raise MediaError(f"{NAME}: expected pictures, the stream has none")
        return work.done


def _recognised(incoming: Incoming, bare: Bare | None) -> tuple[Kind | None, bytes]:
    """What kind of stream it is, None for another container, and the header of Y4M."""
    start = incoming.peek(len(NUT_START))
    if not start:
        raise MediaError(f"{NAME}: expected NUT, Y4M, or bare RGB with --size and --rate; nothing came")
    kind: Kind | None = None
    if start.startswith(NUT_START):
        kind = "nut"
    elif start.startswith(Y4M_START):
        kind = "y4m"
    if bare is not None:
        if kind is not None:
            raise SettingError(
                f"--size and --rate are for bare RGB; this stream is {kind} and has its own: leave them out"
            )
        return "rgb", b""
    return kind, incoming.peek(LONGEST_HEADER, until=b"\n").partition(b"\n")[0] if kind == "y4m" else b""


def _opened(incoming: Incoming, kind: Kind | None, bare: Bare | None) -> InputContainer:
    names = {"nut": "nut", "y4m": "yuv4mpegpipe", "rgb": "rawvideo"}
    options = {"fpsprobesize": "0"}  # else it reads ahead to find the rate
    if bare is not None:
        options = {"video_size": f"{bare.width}x{bare.height}", "pixel_format": "rgb24", "framerate": str(bare.rate)}
    try:
        return av.open(incoming, "r", format=names[kind] if kind else None, options=options, metadata_errors="replace")
    except av.FFmpegError as error:
        incoming.check()
        raise MediaError(
            f"{NAME}: expected NUT, Y4M, or bare RGB with --size and --rate; FFmpeg cannot read it ({error.strerror})"
        ) from error


class _Run:
    """Packets of one stream after the other through the session into the sink.

    Attributes:
        done: frames so far.
        others: streams whose packets are passed through.
    """

    def __init__(
        self,
        session: Session,
        container: InputContainer,
        stream: VideoStream,
        outgoing: Outgoing,
        kind: Kind,
        header: bytes,
        say: Callable[[str], object],
        before: Callable[[Session, DeepRgb], object] | None,
    ) -> None:
        self._session, self._stream, self._kind, self._say, self._before = session, stream, kind, say, before
        self._transparent = isinstance(session.settings.background, Transparent)
        self._early: list[av.Packet[Stream]] = []  # before the first picture
        self._open = False
        self._shape: tuple[int, ...] = ()
        self._first = Fraction(0)
        self.done = 0
        stream.thread_type = "SLICE"  # threads that take a frame each would hold back as many frames
        session.working = stream_tags(stream).working_space()
        self._rate = stream.average_rate or stream.base_rate
        left = [s for s in container.streams if s.index != stream.index]
        self.others = [s for s in left if kind == "nut" and kind_of(s) != "video" and can_copy(s, "nut")]
        for other in left:
            if other not in self.others:
                why = "it shows the room" if kind_of(other) == "video" else f"{kind} has no place for it"
                say(f"stream {other.index} ({describe(other)}) is not passed on: {why}")
        self._sink = self._made(container, outgoing, header)

    def __call__(self, packet: av.Packet[Stream]) -> None:
        """Does what a packet asks for."""
        if packet.stream.index == self._stream.index:
            for frame in packet.decode():
                self._work(frame)  # type: ignore[arg-type]  # of the video stream
        elif packet.size:
            if self._open:
                self._sink.packet(packet)
            else:
                self._early.append(packet)

    def close(self) -> None:
        """Ends the stream, if it was begun."""
        if self._open:
            self._sink.close()

    def _made(self, container: InputContainer, outgoing: Outgoing, header: bytes) -> Sink:
        if self._kind == "nut":
            return Nut(outgoing, self._stream, self.others, container)
        if self._rate is None:
            raise SettingError(f"--format {self._kind} needs a constant rate, the stream names none; take nut")
        if self._kind == "rgb":
            return Rgb(outgoing)
        return Y4m(outgoing, self._rate, self._stream.sample_aspect_ratio, header)

    def _work(self, frame: av.VideoFrame) -> None:
        if frame.pts is None or frame.time_base is None:
            raise MediaError(f"{NAME}: a frame has no timestamp; give it one: ffmpeg -fflags +genpts -i IN -f nut -")
        time = frame.pts * frame.time_base
        if not self._open:
            self._begin(frame, time)
        self._check_time(time)
        rgb = self._to_working(frame)
        if self._shape not in ((), rgb.shape):
            (h, w), (height, width) = rgb.shape[:2], self._shape[:2]
            raise MediaError(
                f"{NAME}: the picture changes its size from {width} x {height} to {w} x {h}; scale it first"
            )
        self._shape = rgb.shape
        if self._before is not None:
            self._before(self._session, rgb)
        done = self._from_rgb(self._signal(self._session.render(rgb, time - self._first)), frame)
        if not self._open:
            self._open = True
            self._sink.open(done)
            for packet in self._early:
                self._sink.packet(packet)
            self._early.clear()
        self._sink.picture(done)
        self.done += 1

    def _begin(self, frame: av.VideoFrame, time: Fraction) -> None:
        name = layout(self._kind, frame.format.name, transparent=self._transparent)
        deep = self._session.working is not None or any(c.bits > 8 for c in av.VideoFormat(name).components)
        self._to_working = ToWorking(self._session, NAME, deep=deep)
        self._from_rgb = FromRgb(name)
        self._first = time
        if frame.interlaced_frame:
            self._say(
                "the pictures are interlaced, which mattes cannot follow; deinterlace them before: ffmpeg -vf bwdif"
            )
        aspect = self._stream.sample_aspect_ratio
        if self._kind != "y4m" and aspect not in (None, 1):
            self._say(
                f"the pixels are not square, which {self._kind} does not tell here; add after it: -vf setsar={aspect}"
            )
        tags = tags_of(frame)
        full = tags.range == ColorRange.JPEG and self._kind == "nut" and not frame.format.is_rgb
        if full or tags.hdr or matrix_of(tags.matrix, frame.height) != matrix_of(0, frame.height):
            self._say(
                f"{self._kind} does not tell how colours are meant (matrix {tags.matrix}, primaries {tags.primaries}, "
                f"transfer {tags.transfer} of H.273{', full range' if full else ''}): tell the program after it"
            )

    def _check_time(self, time: Fraction) -> None:
        """Raises MediaError where a sink that counts frames would show this one at another time."""
        if self._kind != "nut" and self._rate is not None:
            off = (time - self._first) * self._rate - self.done
            if abs(off) > Fraction(1, 2):
                raise MediaError(
                    f"{NAME}: frame {self.done} is {float(off):+.2f} frames off the constant rate of {self._rate} a "
                    f"second, which {self._kind} has to keep; take --format nut, or a constant rate: ffmpeg -vf fps"
                )

    def _signal(self, pixels: DeepRgb) -> DeepRgb:
        """Pixels in the values that the stream had."""
        working = self._session.working
        if working is None:
            return pixels
        colours = working.to_signal(pixels[..., :3])
        return colours if pixels.shape[2] == 3 else np.dstack([colours, pixels[..., 3]])
