"""Video files: new pictures, everything else as it was.

Decoding, the network, compositing and encoding overlap: the calling thread runs the network, one thread decodes
ahead of it, one composites and one encodes behind; all four spend their time in C without Python's lock. Queues are
short, so memory is flat however long the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
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
from cyclorama_ffmpeg.behind import Behind
from cyclorama_ffmpeg.carrying import carrier_for
from cyclorama_ffmpeg.fingerprint import fingerprint
from cyclorama_ffmpeg.frames import open_video, tags_of, video_stream
from cyclorama_ffmpeg.mastering import dynamic_metadata
from cyclorama_ffmpeg.output import is_sequence, whole_file, whole_sequence
from cyclorama_ffmpeg.reading import Decoded
from cyclorama_ffmpeg.rendering import Finish, Renderer
from cyclorama_ffmpeg.rewriting import Output, Progress, Rewriting, Taker, in_segments
from cyclorama_ffmpeg.sheet import grey
from cyclorama_ffmpeg.trim import Cut
from cyclorama_ffmpeg.work_folder import WorkFolder, discard

__all__ = ["Arrangement", "Options", "Summary", "arrange", "replace_background"]


# Attributes of a `_Run` that it goes on from.
COUNTED = ("done", "end", "_first", "_damaged", "_interlaced", "_dynamic")


def _silent(done: int, total: int, time: Fraction) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Summary:
    """What was done: number of frames, seconds of picture, and things that the user should know.

    Attributes:
        resumed: frames that an earlier run had done.
    """

    frames: int
    duration: Fraction
    notes: tuple[str, ...]
    resumed: int = 0


def replace_background(
    session: Session,
    source: Path,
    target: Path,
    *,
    matte_target: Path | None = None,
    progress: Progress = _silent,
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
        own = [c.stream for c in plan.carried if c.how != "attach" and c.stream.container is container]
        session.working = stream_tags(stream).working_space()
        cut = None if options.span is None else Cut(options.span, source, container, stream)
        if cut is not None:
            cut.seek()
            if borrowed is not None:
                borrowed.align(cut.origin)
        encodings = {"picture": arranged.encoding, **({} if plain is None else {"matte": plain})}
        targets = [target] if matte_target is None else [target, matte_target]
        work = None
        if in_segments(options, arranged.frames, targets):
            job = fingerprint(session, source, encodings, options)
            # Before the outputs: they are in their places before it goes.
            work = stack.enter_context(WorkFolder(target, job, list(encodings), resume=options.resume is True))
        else:
            discard(target)
            if options.resume:
                notes.append(f"{target}: {target.suffix} is made in one piece: a run that is cut off begins anew")
        try:
            # All files before all writers: none moves into place before the others are whole.
            temporaries = [stack.enter_context(_whole(each)) for each in targets]
            if work is not None:
                work.answer_for(temporaries)
            outputs = [
                Output("picture", target, temporaries[0], arranged.encoding, container, carriers, session.working)
            ]
            if plain is not None:
                outputs.append(Output("matte", targets[1], temporaries[1], plain))
            rewriting = Rewriting(
                session=session,
                source=source,
                container=container,
                stream=stream,
                outputs=outputs,
                own=own,
                borrowed=borrowed,
                cut=cut,
                options=options,
                total=arranged.frames,
                progress=progress,
            )
            deep = session.working is not None or arranged.encoding.bits > 8
            aspect = stream.sample_aspect_ratio or Fraction(1)
            renderer = Renderer(session, source, arranged.encoding, deep=deep, aspect=aspect, mattes=plain is not None)
            run = _Run(renderer, session, source, cut=cut)
            notes_after = rewriting.straight(run) if work is None else rewriting.in_segments(run, work)
            stack.close()
        except av.FFmpegError as error:
            raise OutputError(f"{target}: FFmpeg cannot write it ({error.strerror})") from error
    if rewriting.resumed:
        notes.append(f"went on after the {rewriting.resumed} frames that an earlier run had done")
    notes += run.notes
    if rewriting.deinterlaced:
        notes.append("the video is interlaced and was deinterlaced, one frame for one; --no-deinterlace leaves it")
    return Summary(run.done, run.end, (*notes, *notes_after), rewriting.resumed)


class _Run:
    """Frames through the session into writers.

    It may be called again with the frames that follow; when a call returns, none of its frames is under way.

    Attributes:
        done: frames so far.
        end: when the last of them began, in seconds since the first.
    """

    def __init__(self, renderer: Renderer, session: Session, source: Path, *, cut: Cut | None = None) -> None:
        self._renderer, self._session, self._source, self._cut = renderer, session, source, cut
        self._first: Fraction | None = None
        self._damaged = 0
        self._interlaced = False
        self._dynamic: str | None = None
        self.done = 0
        self.end = Fraction(0)

    def __call__(self, items: Iterable[Decoded], writers: Sequence[Taker], total: int, progress: Progress) -> None:
        """Args: writers: the first gets the pictures, and the packets of all else; a second one the mattes."""
        with Behind() as behind:
            for item in items:
                if isinstance(item, av.Packet):
                    behind.put(partial(writers[0].put, item))
                else:
                    behind.put(partial(_write, self._begun(item), item, writers))
                    progress(self.done, total, self.end)
        if not self.done:
            raise MediaError(f"{self._source}: expected a video, no frame of it can be decoded")

    def remembered(self) -> dict[str, object]:
        """What the next frames depend on, and what was counted."""
        return {name: getattr(self, name) for name in COUNTED}

    def recall(self, remembered: Mapping[str, object]) -> None:
        """Goes on where another run stood."""
        for name in COUNTED:
            setattr(self, name, remembered[name])

    @property
    def notes(self) -> list[str]:
        notes = []
        if self._session.track is not None and self._session.track.chosen is None:
            notes.append("nobody was kept: the person that was asked for is in none of its pictures")
        if self._interlaced:
            notes.append("the video is interlaced and was left so: moving edges are combs, which mattes cannot follow")
        if self._dynamic:
            notes.append(f"the metadata of {self._dynamic} for each scene is not carried over; the HDR below it is")
        if self._damaged:
            notes.append(f"{self._damaged} frames are damaged in the source and were patched by the decoder")
        return notes

    def warm_up(self, frame: av.VideoFrame) -> None:
        """Shows the session a frame that is not kept, so that the mattes after it are those of a whole run."""
        self._renderer.begin(frame, Fraction(0))

    def _begun(self, frame: av.VideoFrame) -> Finish:
        """Does the first half of a frame's work, and gives the second; see `Renderer`."""
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
        # A clip behind goes on as if the video had been worked on from its beginning.
        skipped = Fraction(0) if self._cut is None else self._cut.skipped
        finish = self._renderer.begin(frame, time - self._first + skipped)
        self.done += 1
        self.end = time - self._first
        return finish


def _write(finish: Finish, frame: av.VideoFrame, writers: Sequence[Taker]) -> None:
    rendered = finish()
    writers[0].put((rendered.picture, frame))
    for writer in writers[1:]:
        assert rendered.alpha is not None
        writer.put((grey(rendered.alpha), frame))


def _whole(target: Path) -> AbstractContextManager[Path]:
    return whole_sequence(target) if is_sequence(target) else whole_file(target)
