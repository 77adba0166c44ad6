"""Reading video files: frames decoded ahead in a thread, and the packets of all else that is kept."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import av

from cyclorama.errors import MediaError
from cyclorama_ffmpeg.deinterlacing import Deinterlacer
from cyclorama_ffmpeg.frames import open_input

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

Packet: TypeAlias = "av.Packet[Stream]"
Decoded: TypeAlias = "av.VideoFrame | Packet"

QUEUE_FRAMES = 4
UNSPECIFIED = 2  # H.273, of matrix, primaries and transfer


class Reader:
    """Frames of the video and packets of other streams in file order, decoded ahead in a thread.

    Args:
        source: for messages.
        others: the streams whose packets are wanted too.
        deinterlacer: for the frames, if they are to be deinterlaced.
        borrowed: sound of another file, which comes as its time has come.
    """

    def __init__(
        self,
        source: Path,
        container: InputContainer,
        stream: VideoStream,
        others: Collection[Stream] = (),
        deinterlacer: Deinterlacer | None = None,
        borrowed: BorrowedSound | None = None,
    ) -> None:
        self._source, self._container, self._stream, self._others = source, container, stream, list(others)
        self._deinterlacer, self._borrowed = deinterlacer, borrowed
        self._queue: queue.Queue[Decoded | Exception | None] = queue.Queue(QUEUE_FRAMES)
        self._slots: deque[int | None] = deque()  # decoding times of the frames that are still to come
        tags = ("color_primaries", "color_trc", "colorspace")
        self._told = {tag: getattr(stream.codec_context, tag) for tag in tags}  # before a decoder says otherwise
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
            for item in self._decode():
                if self._stop.is_set():
                    return
                self._queue.put(item)
        except av.FFmpegError as error:
            last = MediaError(f"{self._source}: the file is damaged ({error.strerror}); nothing was written")
        except Exception as error:  # noqa: BLE001 - whatever it is, the other thread raises it
            last = error
        if not self._stop.is_set():
            if last is not None:
                self._queue.put(last)
            self._queue.put(None)

    def _decode(self) -> Iterator[Decoded]:
        end = None
        for item in self._own():
            if self._borrowed is not None and isinstance(item, av.VideoFrame) and item.time_base is not None:
                end = (item.pts or 0) + item.duration, item.time_base
                yield from self._borrowed.until((item.pts or 0) * item.time_base)
            yield item
        if self._borrowed is not None and end is not None:
            yield from self._borrowed.until(end[0] * end[1])

    def _own(self) -> Iterator[Decoded]:
        """What the file itself holds."""
        for packet in self._container.demux([self._stream, *self._others]):
            if packet.is_corrupt:
                raise MediaError(f"{self._source}: the file is damaged or cut short; nothing was written")
            if packet.stream.index != self._stream.index:
                if packet.size:  # the last packet of a stream is an empty one, for decoders
                    yield packet
                continue
            for frame in self._decode_packet(packet):  # type: ignore[arg-type]
                yield from [frame] if self._deinterlacer is None else self._deinterlacer(frame)
        if self._deinterlacer is not None:
            yield from self._deinterlacer(None)

    def _decode_packet(self, packet: av.Packet[VideoStream]) -> Iterator[av.VideoFrame]:
        if packet.size:
            self._slots.append(packet.dts)
        for frame in packet.decode():
            slot = self._slots.popleft() if self._slots else None
            # AVI numbers its frames and does not say in which order they are shown; FFmpeg's guess goes
            # wrong for H.264 with B-frames. The n-th frame shown takes the n-th place.
            if self._container.format.name == "avi":
                frame.pts = slot
            for tag, value in self._told.items():  # ProRes may leave them to the container
                if getattr(frame, tag) == UNSPECIFIED:
                    setattr(frame, tag, value)
            yield frame


class BorrowedSound:
    """The sound of another file, from its beginning, in place of the video's own; it is not looped.

    Raises:
        MediaError: the file cannot be read, or has no sound.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container = open_input(path)
        self.streams = [s for s in self._container.streams.audio if s.codec_context]
        if not self.streams:
            self._container.close()
            raise MediaError(f"{path}: expected sound for --audio-from, the file has none that FFmpeg knows")
        self._packets = self._container.demux(list(self.streams))
        self._next: Packet | None = None
        self._shift: Fraction | None = None

    def __enter__(self) -> BorrowedSound:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def align(self, time: Fraction) -> Fraction:
        """Lets the sound begin at a time of the video, and gives by how much it is moved for that."""
        self._shift = time - Fraction(self._container.start_time or 0, av.time_base)
        return self._shift

    def until(self, time: Fraction) -> Iterator[Packet]:
        """The packets that begin before a time of the video, in its time; the first call is the start."""
        shift = self.align(time) if self._shift is None else self._shift
        while (packet := self._peek()) is not None:
            base = packet.time_base
            begins = packet.pts if packet.dts is None else packet.dts
            if begins is None:
                raise MediaError(f"{self._path}: its sound has no timestamps; remux it first: ffmpeg -i IN -c copy OUT")
            if begins * base + shift >= time:
                return
            ticks = round(shift / base)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks
            self._next = None
            yield packet

    def _peek(self) -> Packet | None:
        while self._next is None and (packet := next(self._packets, None)) is not None:
            if packet.size:
                self._next = packet  # type: ignore[assignment]
        return self._next
