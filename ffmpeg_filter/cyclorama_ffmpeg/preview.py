"""A contact sheet of the first seconds of a video: as filmed, its matte, and the result, for the eye."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from cyclorama.colour import to_8_bits
from cyclorama.engine import Session, original
from cyclorama.types import DeepRgb, Rgb
from cyclorama_ffmpeg.arrangement import stream_tags
from cyclorama_ffmpeg.deinterlacing import Deinterlacer
from cyclorama_ffmpeg.frames import open_video, video_stream
from cyclorama_ffmpeg.reading import Reader
from cyclorama_ffmpeg.sheet import grey, labelled_sheet, on_squares
from cyclorama_ffmpeg.trim import Cut, Span
from cyclorama_ffmpeg.working_frames import ToWorking

SECONDS = Fraction(5)  # that are shown where nobody names an end
LARGEST = (640, 480)  # width and height in pixels of a picture on the sheet; three stand beside each other
HEADINGS = ("as filmed", "matte", "result")


@dataclass(frozen=True, slots=True)
class Row:
    """One moment: seconds since the video's first picture, and three pictures uint8 (H, W, 3) of one size."""

    time: Fraction
    original: Rgb
    matte: Rgb
    result: Rgb


def rows(session: Session, source: Path, span: Span, count: int, *, deinterlace: bool = True) -> list[Row]:
    """Moments at equal distances over a span, `count` of them or as many as there are.

    All pictures of the span pass through the network, so that the mattes are those that `video` gives.

    Args:
        session: fresh; its settings say what goes behind.
        span: without an end it is `SECONDS` long.

    Raises:
        MediaError: the source cannot be read, is damaged, or has no video.
        PictureError: the frames are too small or too large.
        SettingError: no picture begins within the span.
    """
    found: list[Row] = []
    with ExitStack() as stack:
        container = stack.enter_context(open_video(source))
        stream = video_stream(container, source)
        stream.thread_type = "AUTO"
        session.working = stream_tags(stream).working_space()
        to_working = ToWorking(session, source, deep=session.working is not None)

        def show(frame: av.VideoFrame) -> None:
            rgb = to_working(frame)
            small = session.shrink(rgb)
            session.small_alpha(small, original(rgb, small))

        end = span.start + SECONDS if span.end is None else span.end
        if container.duration is not None:
            length = Fraction(container.duration, av.time_base)
            end = min(end, length) if length > span.start else end
        moments = [span.start + (end - span.start) * i / count for i in range(count)]
        cut = Cut(Span(span.start, end), source, container, stream)
        cut.seek()
        reader = stack.enter_context(Reader(source, container, stream, (), Deinterlacer() if deinterlace else None))
        for frame in cut.parts(reader, (), show):
            assert isinstance(frame, av.VideoFrame)  # no other streams were asked for
            time = (frame.pts or 0) * (frame.time_base or Fraction(0)) + cut.skipped
            if time < moments[0]:
                show(frame)
                continue
            found.append(_row(session, to_working(frame), time))
            moments = [moment for moment in moments if moment > time]
            if not moments:
                break
    return found


def sheet(shown: list[Row]) -> Rgb:
    """The page: uint8 (H, W, 3)."""
    height, width = shown[0].original.shape[:2]
    scale = min(1, LARGEST[0] / width, LARGEST[1] / height)
    labelled = [(clock(row.time), (row.original, row.matte, row.result)) for row in shown]
    return labelled_sheet(labelled, HEADINGS, max(1, round(height * scale)))


def clock(time: Fraction) -> str:
    """A time as 0:00:01.234, as --from and --to take it."""
    milliseconds = round(time * 1000)
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"


def _row(session: Session, rgb: DeepRgb, time: Fraction) -> Row:
    matte = session.matte(rgb)
    result = session.compose(rgb, matte, time)
    return Row(time, _srgb(session, rgb), grey(matte.alpha), _srgb(session, result))


def _srgb(session: Session, worked: DeepRgb) -> Rgb:
    """Working values as SDR shows them, transparency as a pattern."""
    eight = to_8_bits(worked)
    colours = np.ascontiguousarray(eight[..., :3])
    seen = colours if session.working is None else session.working.srgb_view(colours)
    return seen if eight.shape[2] == 3 else on_squares(np.dstack([seen, eight[..., 3]]))
