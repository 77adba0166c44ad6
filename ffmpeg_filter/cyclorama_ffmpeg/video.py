"""Video files: new pictures, everything else as it was.

Decoding, matting and encoding overlap: the calling thread mattes, one thread decodes ahead and one
encodes behind; all three spend their time in C without Python's lock. Queues are short, so memory is
flat however long the file.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import av
import numpy as np

from cyclorama.engine import Session, check
from cyclorama.errors import MediaError, OutputError, PictureError
from cyclorama.types import Transparent
from cyclorama_ffmpeg.frames import ToRgb, open_input, upright, video_stream
from cyclorama_ffmpeg.output import whole_file
from cyclorama_ffmpeg.writing import QUEUE_FRAMES, Packet, Writer, encoding_for, sounds

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

HDR_TRANSFERS = {16: "PQ", 18: "HLG"}  # H.273


def _silent(done: int, total: int, time: Fraction) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Summary:
    """What was done: number of frames, seconds of picture, and things that the user should know."""

    frames: int
    duration: Fraction
    notes: tuple[str, ...]


def replace_background(
    session: Session,
    source: Path,
    target: Path,
    *,
    matte_target: Path | None = None,
    progress: Callable[[int, int, Fraction], None] = _silent,
) -> Summary:
    """Writes `source` with its background replaced to `target`, which appears whole or not at all.

    Every audio stream is copied packet by packet; chapters and metadata are kept. Timestamps of the pictures
    pass through as they are, variable frame rates too (.mkv and .webm count whole milliseconds). Rotation is
    applied, so that the result is upright without a tag. The size changes only where the encoding cannot hold
    it: H.264 makes odd sides even, WebM makes pixels square; a note says so.

    Args:
        session: fresh; its settings say what goes behind.
        matte_target: also write the matte, as a grey video, to this file.
        progress: called after each frame with frames done, frames in all (0: unknown), and their time.

    Raises:
        MediaError: the source cannot be read, is damaged, or has no video.
        OutputError: the target cannot hold the result, or cannot be written.
        PictureError: the frames are too small or too large.
    """
    encoding = encoding_for(target, transparent=isinstance(session.settings.background, Transparent))
    plain = None if matte_target is None else encoding_for(matte_target, transparent=False)
    with ExitStack() as stack:
        container = stack.enter_context(open_input(source))
        if container.format.name == "image2" or container.format.name.endswith("_pipe"):
            raise MediaError(f"{source}: expected a video, this is a picture; use: cyclorama image")
        stream = video_stream(container, source)
        stream.thread_type = "AUTO"
        notes = _notes(container, stream)
        try:
            # Both files before both writers: neither moves into place before the other is whole.
            temporary = stack.enter_context(whole_file(target))
            matte_temporary = stack.enter_context(whole_file(matte_target)) if matte_target is not None else None
            writers = [stack.enter_context(Writer(temporary, target, encoding, container, stream))]
            if matte_target is not None and matte_temporary is not None and plain is not None:
                writers.append(stack.enter_context(Writer(matte_temporary, matte_target, plain, None, stream)))
            items = stack.enter_context(_Reader(source, container, stream))
            done, end, damaged = _run(
                session, source, items, writers, stream.frames or _estimate(stream, container), progress
            )
            stack.close()
        except av.FFmpegError as error:
            raise OutputError(f"{target}: FFmpeg cannot write it ({error.strerror})") from error
    if damaged:
        notes.append(f"{damaged} frames are damaged in the source and were patched by the decoder")
    for each in writers:
        notes += each.notes
    return Summary(done, end, tuple(notes))


def _run(
    session: Session,
    source: Path,
    items: Iterator[Decoded],
    writers: Sequence[Writer],
    total: int,
    progress: Callable[[int, int, Fraction], None],
) -> tuple[int, Fraction, int]:
    """Frames done, seconds of them, and how many were damaged. The second writer, if any, gets the mattes."""
    done, damaged, first, time = 0, 0, None, Fraction(0)
    to_rgb = ToRgb()
    for item in items:
        if isinstance(item, av.Packet):
            writers[0].put(item)
            continue
        if item.pts is None or item.time_base is None:
            raise MediaError(
                f"{source}: a frame has no timestamp; remux it first: ffmpeg -fflags +genpts -i IN -c copy OUT.mkv"
            )
        time = item.pts * item.time_base
        first = time if first is None else first
        damaged += item.is_corrupt
        try:
            rgb = upright(to_rgb(item), item.rotation)
            check(rgb)
        except PictureError as error:
            raise PictureError(f"{source}: {error}") from None
        except av.FFmpegError as error:
            raise MediaError(
                f"{source}: frames of the kind {item.format.name} cannot be read ({error.strerror})"
            ) from error
        matte = session.matte(rgb)
        writers[0].put((session.compose(rgb, matte, time - first), item))  # type: ignore[arg-type]
        for writer in writers[1:]:
            grey = np.rint(matte.alpha * np.float32(255)).astype(np.uint8)
            writer.put((np.repeat(grey[..., None], 3, 2), item))
        done += 1
        progress(done, total, time - first)
    if not done:
        raise MediaError(f"{source}: expected a video, no frame of it can be decoded")
    return done, time - (first or 0), damaged


def _notes(container: InputContainer, stream: VideoStream) -> list[str]:
    """What the result will lack, in words: nothing is dropped silently."""
    notes = []
    bits = max((c.bits for c in stream.format.components), default=8) if stream.format else 8
    if bits > 8:
        notes.append(f"the video has {bits} bits a component, the result has 8")
    transfer = HDR_TRANSFERS.get(int(stream.codec_context.color_trc))
    if transfer:
        notes.append(f"the video is HDR ({transfer}), the background is not: its brightness will not fit")
    copied = sounds(container)
    for other in container.streams:
        if other.index == stream.index or other.index in copied:
            continue
        kind: str = other.type
        if other.disposition & av.stream.Disposition.attached_pic:
            kind = "cover picture"
        elif other.type == "audio":
            kind = "audio of a kind that FFmpeg does not know"
        notes.append(f"stream {other.index} ({kind}) is not carried over")
    return notes


def _estimate(stream: VideoStream, container: InputContainer) -> int:
    """Number of frames by duration and rate; 0 where the file says neither."""
    seconds = Fraction(0)
    if stream.duration is not None and stream.time_base is not None:
        seconds = stream.duration * stream.time_base
    elif container.duration is not None:
        seconds = Fraction(container.duration, av.time_base)
    return int(seconds * (stream.average_rate or 0))


Decoded: TypeAlias = "av.VideoFrame | Packet"


class _Reader:
    """Frames of the video and packets of the sound in file order, decoded ahead in a thread."""

    def __init__(self, source: Path, container: InputContainer, stream: VideoStream) -> None:
        self._source, self._container, self._stream = source, container, stream
        self._queue: queue.Queue[Decoded | Exception | None] = queue.Queue(QUEUE_FRAMES)
        self._slots: deque[int | None] = deque()  # decoding times of the frames that are still to come
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="decode", daemon=True)

    def __enter__(self) -> Iterator[Decoded]:
        self._thread.start()
        return self._items()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        while self._thread.is_alive():  # it may be waiting for room in the queue
            with suppress(queue.Empty):
                self._queue.get(timeout=0.05)
        self._thread.join()

    def _items(self) -> Iterator[Decoded]:
        while (item := self._queue.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    def _work(self) -> None:
        last: Exception | None = None
        try:
            self._decode()
        except av.FFmpegError as error:
            last = MediaError(f"{self._source}: the file is damaged ({error.strerror}); nothing was written")
        except Exception as error:  # noqa: BLE001 - whatever it is, the other thread raises it
            last = error
        if not self._stop.is_set():
            if last is not None:
                self._queue.put(last)
            self._queue.put(None)

    def _decode(self) -> None:
        copied = sounds(self._container)
        wanted = [self._stream, *(s for s in self._container.streams.audio if s.index in copied)]
        for packet in self._container.demux(wanted):
            if packet.is_corrupt:
                raise MediaError(f"{self._source}: the file is damaged or cut short; nothing was written")
            items: list[Decoded]
            if packet.stream.type == "video":
                items = list(self._decode_packet(packet))  # type: ignore[arg-type]
            else:  # the last packet of a stream is an empty one, for decoders
                items = [cast("Packet", packet)] if packet.size else []
            for item in items:
                if self._stop.is_set():
                    return
                self._queue.put(item)

    def _decode_packet(self, packet: av.Packet[VideoStream]) -> Iterator[av.VideoFrame]:
        if packet.size:
            self._slots.append(packet.dts)
        for frame in packet.decode():
            slot = self._slots.popleft() if self._slots else None
            # AVI numbers its frames and does not say in which order they are shown; FFmpeg's guess goes
            # wrong for H.264 with B-frames. The n-th frame shown takes the n-th place.
            if self._container.format.name == "avi":
                frame.pts = slot
            yield frame
