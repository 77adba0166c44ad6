"""Video files: new pictures, everything else as it was.

Decoding, matting and encoding overlap: the calling thread mattes, one thread decodes ahead and one
encodes behind; all three spend their time in C without Python's lock. Queues are short, so memory is
flat however long the file.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import av
import numpy as np

from cyclorama.engine import Session, check
from cyclorama.errors import MediaError, OutputError, PictureError
from cyclorama.types import Rgb, Transparent
from cyclorama_ffmpeg.frames import FromRgb, ToRgb, open_input, upright, video_stream
from cyclorama_ffmpeg.output import whole_file

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.video.stream import VideoStream

QUEUE_FRAMES = 4


@dataclass(frozen=True, slots=True)
class Encoding:
    """How pictures are stored: FFmpeg's codec, pixel format and options."""

    codec: str
    pixel_format: str
    options: Mapping[str, str]


# x264 at crf 18 is what is called visually lossless; `veryfast` costs 10 % more bytes than `medium`
# there and a fifth of its time.
OPAQUE = {
    ".mp4": Encoding("libx264", "yuv420p", {"crf": "18", "preset": "veryfast"}),
    ".m4v": Encoding("libx264", "yuv420p", {"crf": "18", "preset": "veryfast"}),
    ".mov": Encoding("libx264", "yuv420p", {"crf": "18", "preset": "veryfast"}),
    ".mkv": Encoding("libx264", "yuv420p", {"crf": "18", "preset": "veryfast"}),
    ".webm": Encoding("libvpx-vp9", "yuv420p", {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "5"}),
}
# The two that players and editors really show with their transparency.
ALPHA = {
    ".webm": Encoding(
        "libvpx-vp9", "yuva420p", {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "5", "auto-alt-ref": "0"}
    ),
    ".mov": Encoding("prores_ks", "yuva444p10le", {"profile": "4444", "vendor": "apl0"}),
}


def _silent(done: int, total: int, time: Fraction) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Summary:
    """What was done: number of frames, seconds of picture, and things that the user should know."""

    frames: int
    duration: Fraction
    notes: tuple[str, ...]


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


def replace_background(
    session: Session,
    source: Path,
    target: Path,
    *,
    matte_target: Path | None = None,
    progress: Callable[[int, int, Fraction], None] = _silent,
) -> Summary:
    """Writes `source` with its background replaced to `target`, which appears whole or not at all.

    Every audio stream is copied packet by packet. Timestamps of the pictures pass through as they are,
    variable frame rates too. Rotation is applied, so that the result is upright without a tag.

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
    with open_input(source) as container:
        stream = video_stream(container, source)
        stream.thread_type = "AUTO"
        notes = _notes(container, stream)
        total = stream.frames or _estimate(stream, container)
        with whole_file(target) as temporary, _optional(matte_target) as matte_temporary:
            try:
                writer = _Writer(temporary, target, encoding, container, stream)
                matte_writer = None
                if matte_temporary is not None and matte_target is not None:
                    plain = encoding_for(matte_target, transparent=False)
                    matte_writer = _Writer(matte_temporary, matte_target, plain, None, stream)
                done, end = _run(session, source, container, stream, writer, matte_writer, total, progress)
            except av.FFmpegError as error:
                raise OutputError(f"{target}: FFmpeg cannot write it ({error.strerror})") from error
    return Summary(done, end, notes)


@contextmanager
def _optional(target: Path | None) -> Iterator[Path | None]:
    if target is None:
        yield None
    else:
        with whole_file(target) as temporary:
            yield temporary


def _run(
    session: Session,
    source: Path,
    container: InputContainer,
    stream: VideoStream,
    writer: _Writer,
    matte_writer: _Writer | None,
    total: int,
    progress: Callable[[int, int, Fraction], None],
) -> tuple[int, Fraction]:
    done, first, time = 0, None, Fraction(0)
    to_rgb = ToRgb()
    with _Reader(source, container, stream) as items, writer, matte_writer or _nothing():
        for item in items:
            if isinstance(item, av.Packet):
                writer.put(item)
                continue
            if item.pts is None:
                raise MediaError(f"{source}: a frame has no timestamp; remux the file first")
            time = item.pts * (item.time_base or stream.time_base or Fraction(1))
            first = time if first is None else first
            rgb = upright(to_rgb(item), item.rotation)
            try:
                check(rgb)
            except PictureError as error:
                raise PictureError(f"{source}: {error}") from None
            matte = session.matte(rgb)
            writer.put((session.compose(rgb, matte, time - first), item))  # type: ignore[arg-type]
            if matte_writer is not None:
                grey = np.rint(matte.alpha * np.float32(255)).astype(np.uint8)
                matte_writer.put((np.repeat(grey[..., None], 3, 2), item))
            done += 1
            progress(done, total, time - first)
    if not done:
        raise MediaError(f"{source}: expected a video, no frame of it can be decoded")
    return done, time - (first or 0)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _notes(container: InputContainer, stream: VideoStream) -> tuple[str, ...]:
    """What the result will lack, in words: nothing is dropped silently."""
    notes = []
    bits = max((c.bits for c in stream.format.components), default=8) if stream.format else 8
    if bits > 8:
        notes.append(f"the video has {bits} bits a component, the result has 8")
    dropped = [s for s in container.streams if s.type not in ("video", "audio")]
    if dropped:
        kinds = ", ".join(f"{s.index} ({s.type})" for s in dropped)
        notes.append(f"streams that are no picture and no sound are not carried over: {kinds}")
    others = [s.index for s in container.streams.video if s.index != stream.index]
    if others:
        notes.append(f"video streams beside the first are not carried over: {', '.join(map(str, others))}")
    return tuple(notes)


def _estimate(stream: VideoStream, container: InputContainer) -> int:
    """Number of frames by duration and rate; 0 where the file says neither."""
    seconds = Fraction(0)
    if stream.duration is not None and stream.time_base is not None:
        seconds = stream.duration * stream.time_base
    elif container.duration is not None:
        seconds = Fraction(container.duration, av.time_base)
    return int(seconds * (stream.average_rate or 0))


Packet: TypeAlias = "av.Packet[av.AudioStream]"
Decoded: TypeAlias = "av.VideoFrame | Packet"


class _Reader:
    """Frames of the video and packets of the sound in file order, decoded ahead in a thread."""

    def __init__(self, source: Path, container: InputContainer, stream: VideoStream) -> None:
        self._source, self._container, self._stream = source, container, stream
        self._queue: queue.Queue[Decoded | Exception | None] = queue.Queue(QUEUE_FRAMES)
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
        wanted = [self._stream, *self._container.streams.audio]
        for packet in self._container.demux(wanted):
            if packet.is_corrupt:
                raise MediaError(f"{self._source}: the file is damaged or cut short; nothing was written")
            items: list[Decoded]
            if packet.stream.type == "video":
                items = list(packet.decode())  # type: ignore[arg-type]
            else:  # the last packet of a stream is an empty one, for decoders
                items = [cast("Packet", packet)] if packet.size else []
            for item in items:
                if self._stop.is_set():
                    return
                self._queue.put(item)


class _Writer:
    """Encodes pictures and copies sound packets in a thread of its own."""

    def __init__(
        self, path: Path, target: Path, encoding: Encoding, source: InputContainer | None, stream: VideoStream
    ) -> None:
        self._target = target
        self._source_stream = stream
        options = {"movflags": "+faststart"} if target.suffix.lower() in (".mp4", ".m4v", ".mov") else {}
        self._container: OutputContainer = av.open(f"file:{path}", "w", options=options)
        self._encoding = encoding
        self._from_rgb = FromRgb(encoding.pixel_format)
        self._audio: dict[int, av.AudioStream] = {}
        self._queue: queue.Queue[Packet | tuple[Rgb, av.VideoFrame] | None] = queue.Queue(QUEUE_FRAMES)
        self._error: BaseException | None = None
        self._opened = False
        self._early: list[Packet] = []
        try:
            rate = stream.average_rate or stream.base_rate or 25
            self._video = cast("VideoStream", self._container.add_stream(encoding.codec, rate=rate))
            if source is not None:
                self._container.metadata.update(source.metadata)
                for audio in source.streams.audio:
                    self._copy_stream(audio)
        except BaseException:
            self._container.close()
            raise
        self._thread = threading.Thread(target=self._work, name="encode", daemon=True)

    def _copy_stream(self, audio: av.AudioStream) -> None:
        name = audio.codec_context.codec.canonical_name if audio.codec_context else "unknown"
        if name not in self._container.supported_codecs:
            raise OutputError(
                f"{self._target}: {self._target.suffix} cannot hold the sound of stream {audio.index} ({name}) "
                "as it is; name the output .mkv, which can"
            )
        copy = self._container.add_stream_from_template(audio)
        copy.metadata.update(audio.metadata)
        self._audio[audio.index] = copy

    def __enter__(self) -> _Writer:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._queue.put(None)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def put(self, item: Packet | tuple[Rgb, av.VideoFrame]) -> None:
        """Hands over a sound packet, or a picture and the frame whose time and colour tags it takes."""
        if self._error is not None:
            raise self._error
        self._queue.put(item)

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._error is not None:
                continue  # only emptying the queue, so that nobody waits on it
            try:
                self._write(item)
            except BaseException as error:  # noqa: BLE001 - raised again by `put` or at the end
                self._error = error
        try:
            if self._error is None and self._opened:
                self._container.mux(self._video.encode(None))
            self._container.close()
        except BaseException as error:  # noqa: BLE001
            self._error = self._error or error

    def _copy(self, packet: Packet) -> None:
        packet.stream = self._audio[packet.stream.index]
        self._container.mux(packet)

    def _write(self, item: Packet | tuple[Rgb, av.VideoFrame]) -> None:
        if isinstance(item, av.Packet):
            if self._opened:
                self._copy(item)
            else:  # the first packet written settles all streams, so the picture's size must be known
                self._early.append(item)
            return
        pixels, like = item
        if not self._opened:
            self._open(pixels, like)
            for packet in self._early:
                self._copy(packet)
            self._early.clear()
        self._container.mux(self._video.encode(self._from_rgb(pixels, like)))

    def _open(self, pixels: Rgb, like: av.VideoFrame) -> None:
        """Sets the encoder up by the first picture: only now its upright size is known."""
        context = self._video.codec_context
        context.height, context.width = pixels.shape[:2]
        context.pix_fmt = self._encoding.pixel_format
        context.options = dict(self._encoding.options)
        context.time_base = self._source_stream.time_base or Fraction(1, 90_000)
        self._video.time_base = context.time_base
        context.thread_type = "AUTO"
        for tag in ("color_primaries", "color_trc", "colorspace", "color_range"):
            setattr(context, tag, getattr(like, tag))
        aspect = self._source_stream.sample_aspect_ratio
        if aspect:
            turned = round(like.rotation / 90) % 2
            context.sample_aspect_ratio = 1 / aspect if turned else aspect
        self._opened = True
