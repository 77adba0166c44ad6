"""The two ways through a file: straight, or in segments that a run which was cut off can be gone on from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import av
import numpy as np

from cyclorama.engine import Session
from cyclorama.errors import MediaError
from cyclorama_ffmpeg.arrangement import Options
from cyclorama_ffmpeg.carrying import Carrier
from cyclorama_ffmpeg.deinterlacing import Deinterlacer
from cyclorama_ffmpeg.encoder import PictureEncoder
from cyclorama_ffmpeg.encodings import Encoding
from cyclorama_ffmpeg.formats import container_of
from cyclorama_ffmpeg.frames import open_video, video_stream
from cyclorama_ffmpeg.joining import Recorded, Replay, heads_agree, in_order, others, recorded
from cyclorama_ffmpeg.reading import BorrowedSound, Decoded, Packet, Reader
from cyclorama_ffmpeg.segments import SEGMENT, Frames, Seam, SeamError, Segments, Track, after
from cyclorama_ffmpeg.trim import WARM_UP, Cut, seek_before
from cyclorama_ffmpeg.work_folder import WorkFolder
from cyclorama_ffmpeg.writing import Item, Writer, create

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

    from cyclorama.working_space import WorkingSpace

# Less is done again sooner than it is asked for.
WORTH_KEEPING = 2 * SEGMENT
AT_ONCE = ("gif", "webp")  # containers whose pictures are made of one another, up to the end

Progress: TypeAlias = Callable[[int, int, Fraction], None]  # frames done, frames in all (0: unknown), their time


class Taker(Protocol):
    """What takes pictures and packets: a `Writer`, or one of segments."""

    def put(self, item: Item) -> None: ...


class Run(Protocol):
    """Frames through the session into writers; when a call returns, none of its frames is under way."""

    done: int

    def __call__(self, items: Iterable[Decoded], writers: Sequence[Taker], total: int, progress: Progress) -> None: ...

    def warm_up(self, frame: av.VideoFrame) -> None: ...

    def remembered(self) -> dict[str, object]: ...

    def recall(self, remembered: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True)
class Output:
    """One file to write: the result with all that is carried over, or a matte.

    Attributes:
        name: "picture" or "matte".
        target: what it is called in the end.
        temporary: where it is written.
        source: whose chapters and metadata it takes; None: pictures alone.
        working: what its pictures' values stand for where that is not sRGB.
    """

    name: str
    target: Path
    temporary: Path
    encoding: Encoding
    source: InputContainer | None = None
    carriers: Mapping[Stream, Carrier] = field(default_factory=dict)
    working: WorkingSpace | None = None

    def encoder(self, stream: VideoStream) -> PictureEncoder:
        """Args: stream: of the source's pictures."""
        return PictureEncoder(self.encoding, stream, working=self.working, plain=self.source is None)

    def writer(self, stream: VideoStream, cut: Cut | None, replay: Replay | None = None) -> Writer:
        """Opens the file.

        Args:
            stream: of the source's pictures.
            replay: what the pictures come from where they were encoded before.
        """
        return Writer(
            create(self.temporary, self.target, [stream, *self.carriers]),
            self.target,
            self.encoding,
            stream,
            replay or self.encoder(stream),
            source=self.source,
            carriers=self.carriers if replay is None else {**self.carriers, stream: Recorded(replay)},
            cut=cut,
        )


def in_segments(options: Options, frames: int, targets: Sequence[Path]) -> bool:
    """Whether a file is to be made in segments.

    Args:
        frames: of it, about; 0: unknown.
    """
    wanted = options.resume if options.resume is not None else frames == 0 or frames >= WORTH_KEEPING
    return wanted and all(container_of(target).format not in AT_ONCE for target in targets)


@dataclass(slots=True, kw_only=True, eq=False)
class Rewriting:
    """A file made in segments, then joined.

    Attributes:
        container, stream: of the source, for what is copied; pictures are read by containers of their own.
        own: streams of the source whose packets are copied.
        cut: the part that is wanted.
        total: frames of it, about; 0: unknown.
        deinterlaced: whether there was anything to deinterlace.
        resumed: frames that an earlier run had done.
    """

    session: Session
    source: Path
    container: InputContainer
    stream: VideoStream
    outputs: Sequence[Output]
    own: Sequence[Stream]
    borrowed: BorrowedSound | None
    cut: Cut | None
    options: Options
    total: int
    progress: Progress
    deinterlaced: bool = False
    resumed: int = 0
    _run: Run = field(init=False)
    _writers: Sequence[Taker] = field(init=False)
    _deinterlacer: Deinterlacer | None = field(init=False, default=None)

    def straight(self, run: Run) -> list[str]:
        """Writes the outputs as the frames come.

        Returns:
            What had to change in them.
        """
        with ExitStack() as stack:
            writers = [stack.enter_context(output.writer(self.stream, self.cut)) for output in self.outputs]
            deinterlacer = Deinterlacer() if self.options.deinterlace else None
            reader = Reader(self.source, self.container, self.stream, self.own, deinterlacer, self.borrowed)
            items = stack.enter_context(reader)
            if self.cut is not None:
                items = self.cut.parts(items, self._sounds, run.warm_up)
            run(items, writers, self.total, self.progress)
        self.deinterlaced = deinterlacer is not None and deinterlacer.used
        return [note for writer in writers for note in writer.notes]

    def in_segments(self, run: Run, work: WorkFolder) -> list[str]:
        """Makes what is not made yet, then joins it; returns as `straight`."""
        tracks = [Track(o.name, o.target, o.encoding, partial(o.encoder, self.stream)) for o in self.outputs]
        segments = Segments(work, tracks, self.stream)
        self._run, self._writers = run, segments.writers
        made = segments.make(self)
        with self.frames(None) as frames:
            like = next(frames)
        notes: list[str] = []
        for output, shape in zip(self.outputs, made.shapes, strict=True):
            notes += self._join(output, work.track(output.name), shape, like, made.end)
        return notes

    @property
    def _sounds(self) -> list[Stream]:
        return [stream for stream in self.own if stream.type == "audio"]

    @contextmanager
    def frames(self, seam: Seam | None) -> Iterator[Frames]:
        """The frames of the part that is wanted: all, or those after a seam."""
        with ExitStack() as stack:
            try:
                frames = self._opened(stack, seam, seek=True)
            except SeamError:  # some files give other frames after a seek than on the way there
                stack.close()
                try:
                    frames = self._opened(stack, seam, seek=False)
                except SeamError as error:
                    raise MediaError(f"{self.source}: {error}") from None
            yield frames

    def _opened(self, stack: ExitStack, seam: Seam | None, *, seek: bool) -> Frames:
        container = stack.enter_context(open_video(self.source))
        stream = video_stream(container, self.source)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = self.options.threads
        start = None if self.cut is None else self.cut.seen_from
        if seam is not None:
            zero = Fraction(0) if self.cut is None else self.cut.zero or Fraction(0)
            start = seam.pts * (stream.time_base or Fraction(1)) + zero - WARM_UP
        if seek and start is not None:
            seek_before(start, self.source, container, stream)
        self._deinterlacer = Deinterlacer() if self.options.deinterlace else None
        items = stack.enter_context(Reader(self.source, container, stream, (), self._deinterlacer))
        if self.cut is not None:
            # What a session remembers at a seam is exact: it needs no warming up.
            items = self.cut.parts(items, (), self._run.warm_up if self._run.done == 0 else _ignore)
        frames = (item for item in items if isinstance(item, av.VideoFrame))
        return frames if seam is None else after(frames, seam)

    def work(self, frames: Frames) -> None:
        """See `segments.Stage`."""
        self._run(frames, self._writers, self.total, self.progress)
        self.deinterlaced |= self._deinterlacer is not None and self._deinterlacer.used

    def remembered(self) -> dict[str, object]:
        """See `segments.Stage`."""
        return {
            "run": self._run.remembered(),
            "session": self.session.remembered(),
            "zero": None if self.cut is None else self.cut.zero,
            "deinterlaced": self.deinterlaced,
        }

    def recall(self, state: Mapping[str, Any]) -> None:
        """See `segments.Stage`."""
        self._run.recall(state["run"])
        self.session.recall(state["session"])
        if self.cut is not None:
            self.cut.zero = state["zero"]
        self.deinterlaced, self.resumed = state["deinterlaced"], self._run.done

    def _join(
        self, output: Output, logs: Sequence[Path], shape: tuple[int, ...], like: av.VideoFrame, end: Fraction
    ) -> list[str]:
        """Writes one output, and gives what had to change in it."""
        replay = Replay(output.encoder(self.stream), heads_agree(logs, output.target), output.target, end)
        writer = output.writer(self.stream, self.cut, replay)
        packets = recorded(logs, self.stream)
        if output.source is not None:
            packets = in_order(packets, self._others(like, end))
        with writer:
            writer.put((np.zeros(shape, np.uint8), like))  # by which the encoder is opened
            for packet in packets:
                writer.put(packet)
        return writer.notes

    def _others(self, like: av.VideoFrame, end: Fraction) -> Iterator[Packet]:
        """Everything but the pictures, cut as they are."""
        if self.cut is None:
            first = (like.pts or 0) * (like.time_base or Fraction(0))
            return others(self.source, self.container, self.own, self.borrowed, first, end)
        end += self.cut.zero or 0
        packets = others(self.source, self.container, self.own, self.borrowed, self.cut.origin, end)
        return (item for item in self.cut.parts(packets, self._sounds, _ignore) if isinstance(item, av.Packet))


def _ignore(frame: av.VideoFrame) -> None:
    pass
