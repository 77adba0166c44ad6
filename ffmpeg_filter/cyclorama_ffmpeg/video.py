"""Video files: new pictures, everything else as it was.

Decoding, matting and encoding overlap: the calling thread mattes, one thread decodes ahead and one
encodes behind; all three spend their time in C without Python's lock. Queues are short, so memory is
flat however long the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from cyclorama.engine import Session
from cyclorama.errors import MediaError, OutputError
from cyclorama.types import Transparent
from cyclorama_ffmpeg.arrangement import (
    Arrangement,
    Options,
    arrange,
    arrange_streams,
    borrowed_sound,
    matte_encoding,
    stream_tags,
)
from cyclorama_ffmpeg.carrying import carrier_for
from cyclorama_ffmpeg.deinterlacing import Deinterlacer
from cyclorama_ffmpeg.frames import open_video, tags_of, video_stream
from cyclorama_ffmpeg.mastering import dynamic_metadata
from cyclorama_ffmpeg.output import is_sequence, whole_file, whole_sequence
from cyclorama_ffmpeg.reading import Decoded, Reader
from cyclorama_ffmpeg.sheet import grey
from cyclorama_ffmpeg.trim import Cut
from cyclorama_ffmpeg.working_frames import ToWorking
from cyclorama_ffmpeg.writing import Writer

__all__ = ["Arrangement", "Options", "Summary", "arrange", "replace_background"]


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
    options: Options | None = None,
) -> Summary:
    """Writes `source` with its background replaced to `target`, which appears whole or not at all.

    Every stream of sound and text is copied packet by packet; chapters, attachments and metadata are kept.
    Timestamps of the pictures pass through as they are, variable frame rates too (.mkv and .webm count whole
    milliseconds). Rotation is applied, so that the result is upright without a tag. The size changes only where
    the encoding cannot hold it: H.264 makes odd sides even, WebM makes pixels square; a note says so. HDR stays
    HDR: the background is mapped into it, and the network sees the frames as SDR shows them.

    Args:
        session: fresh; its settings say what goes behind.
        matte_target: also write the matte, as a grey video, to this file.
        progress: called after each frame with frames done, frames in all (0: unknown), and their time.

    Raises:
        MediaError: the source cannot be read, is damaged, or has no video.
        OutputError: the target cannot hold the result, or cannot be written.
        PictureError: the frames are too small or too large.
        SettingError: an option has no sense here.
    """
    options = options or Options()
    transparent = isinstance(session.settings.background, Transparent)
    with ExitStack() as stack:
        container = stack.enter_context(open_video(source))
        stream = video_stream(container, source)
        borrowed = borrowed_sound(options, stack)
        arranged, plan = arrange_streams(source, container, stream, target, borrowed, options, transparent=transparent)
        plain = None if matte_target is None else matte_encoding(matte_target)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = options.threads
        notes = list(arranged.notes)
        sound_file = options.kept.audio_from
        carriers = {
            c.stream: carrier_for(c, sound_file if sound_file is not None and c.stream.type == "audio" else source)
            for c in plan.carried
        }
        deinterlacer = Deinterlacer() if options.deinterlace else None
        own = [c.stream for c in plan.carried if c.how != "attach" and c.stream.container is container]
        session.working = stream_tags(stream).working_space()
        cut = None if options.span is None else Cut(options.span, source, container, stream)
        if cut is not None:
            cut.seek()
            if borrowed is not None:
                borrowed.align(cut.origin)
        try:
            # Both files before both writers: neither moves into place before the other is whole.
            temporary = stack.enter_context(_whole(target))
            matte_temporary = stack.enter_context(_whole(matte_target)) if matte_target is not None else None
            writers = [
                Writer(
                    temporary,
                    target,
                    arranged.encoding,
                    stream,
                    source=container,
                    carriers=carriers,
                    working=session.working,
                    cut=cut,
                )
            ]
            stack.enter_context(writers[0])
            if matte_target is not None and matte_temporary is not None and plain is not None:
                writers.append(stack.enter_context(Writer(matte_temporary, matte_target, plain, stream)))
            items = stack.enter_context(Reader(source, container, stream, own, deinterlacer, borrowed))
            deep = session.working is not None or arranged.encoding.bits > 8
            run = _Run(session, source, writers, deep=deep, cut=cut)
            if cut is not None:
                items = cut.parts(items, [s for s in own if s.type == "audio"], run.warm_up)
            run(items, arranged.frames, progress)
            stack.close()
        except av.FFmpegError as error:
            raise OutputError(f"{target}: FFmpeg cannot write it ({error.strerror})") from error
    notes += run.notes
    if deinterlacer is not None and deinterlacer.used:
        notes.append("the video is interlaced and was deinterlaced, one frame for one; --no-deinterlace leaves it")
    for each in writers:
        notes += each.notes
    return Summary(run.done, run.end, tuple(notes))


class _Run:
    """Frames through the session into the writers. The second writer, if any, gets the mattes.

    Attributes:
        done: frames so far.
        end: when the last of them began, in seconds since the first.
    """

    def __init__(
        self, session: Session, source: Path, writers: Sequence[Writer], *, deep: bool, cut: Cut | None = None
    ) -> None:
        self._session, self._source, self._writers, self._cut = session, source, writers, cut
        self._to_working = ToWorking(session, source, deep=deep)
        self._first: Fraction | None = None
        self._damaged = 0
        self._interlaced = False
        self._dynamic: str | None = None
        self.done = 0
        self.end = Fraction(0)

    def __call__(self, items: Iterator[Decoded], total: int, progress: Callable[[int, int, Fraction], None]) -> None:
        for item in items:
            if isinstance(item, av.Packet):
                self._writers[0].put(item)
            else:
                self._work(item)
                progress(self.done, total, self.end)
        if not self.done:
            raise MediaError(f"{self._source}: expected a video, no frame of it can be decoded")

    @property
    def notes(self) -> list[str]:
        notes = []
        if self._interlaced:
            notes.append("the video is interlaced and was left so: moving edges are combs, which mattes cannot follow")
        if self._dynamic:
            notes.append(f"the metadata of {self._dynamic} for each scene is not carried over; the HDR below it is")
        if self._damaged:
            notes.append(f"{self._damaged} frames are damaged in the source and were patched by the decoder")
        return notes

    def warm_up(self, frame: av.VideoFrame) -> None:
        """Shows the session a frame that is not kept, so that the mattes after it are those of a whole run."""
        rgb = self._to_working(frame)
        self._session.small_alpha(self._session.shrink(rgb), rgb.shape[:2])

    def _work(self, frame: av.VideoFrame) -> None:
        if frame.pts is None or frame.time_base is None:
            raise MediaError(
                f"{self._source}: a frame has no timestamp; remux it first: "
                "ffmpeg -fflags +genpts -i IN -c copy OUT.mkv"
            )
        session = self._session
        time = frame.pts * frame.time_base
        if self._first is None:
            self._first = time
            if tags_of(frame).working_space() != session.working:
                raise MediaError(
                    f"{self._source}: the file and its frames disagree on what their colours are; remux it first: "
                    "ffmpeg -i IN -c copy OUT.mkv"
                )
            self._dynamic = dynamic_metadata(frame)
        self._damaged += frame.is_corrupt
        self._interlaced |= frame.interlaced_frame
        rgb = self._to_working(frame)
        matte = session.matte(rgb)
        # A clip behind goes on as if the video had been worked on from its beginning.
        skipped = Fraction(0) if self._cut is None else self._cut.skipped
        self._writers[0].put((session.compose(rgb, matte, time - self._first + skipped), frame))
        for writer in self._writers[1:]:
            writer.put((grey(matte.alpha), frame))
        self.done += 1
        self.end = time - self._first


def _whole(target: Path) -> AbstractContextManager[Path]:
    return whole_sequence(target) if is_sequence(target) else whole_file(target)
