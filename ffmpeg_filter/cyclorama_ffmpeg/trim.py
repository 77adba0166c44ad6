"""A part of a video: which pictures and packets belong to it, and their times in the new file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av

from cyclorama.errors import SettingError
from cyclorama_ffmpeg.frames import open_input

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.container.core import Chapter
    from av.stream import Stream
    from av.video.stream import VideoStream

    from cyclorama_ffmpeg.reading import Decoded, Packet

# Seconds of pictures that the matte sees before the first one kept. On three clips of 30 frames a second, at the
# usual smoothing, it differed from that of a run from the beginning by 0.46 at most with none of them, 0.02 with
# 5 frames, 0 with 15.
WARM_UP = Fraction(1)
# Seconds of pictures after the end that are read for sound which stands later in the file. FFmpeg's muxers
# interleave within one.
LAG = Fraction(2)
CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, in seconds since the video's first picture; no `end`: to its last one."""

    start: Fraction = Fraction(0)
    end: Fraction | None = None

    def __post_init__(self) -> None:
        if self.end is not None and self.end <= self.start:
            raise SettingError(f"expected --to after --from, got {float(self.start):g} s to {float(self.end):g} s")

    def frames(self, total: int, rate: Fraction | None) -> int:
        """About how many of `total` frames lie in it; 0 where that is unknown."""
        if rate is None:
            return 0
        end = total if self.end is None else int(self.end * rate)
        return max(0, min(total or end, end) - int(self.start * rate))


def parse_time(text: str) -> Fraction:
    """Seconds of `90`, `90.5`, `1:30` or `0:01:30.500`, exactly.

    Raises:
        SettingError: it is none of these.
    """
    found = CLOCK.fullmatch(text.strip())
    if found is not None:
        hours, minutes, seconds = found.groups()
        if (hours is None or int(minutes) < 60) and (minutes is None or Fraction(seconds) < 60):
            return 3600 * int(hours or 0) + 60 * int(minutes or 0) + Fraction(seconds)
    raise SettingError(f"expected a time as seconds (90.5) or as HH:MM:SS.mmm (0:01:30.500), got {text!r}")


class Cut:
    """Cuts one span out of what a reader gives; to be made, and `seek` called, before the reader starts.

    Pictures are cut exactly: those that begin within the span. Everything else is cut at whole packets, those
    that begin between the first picture kept and the end. All times are moved so that this picture begins at 0.

    Args:
        source: the file, for messages and for a look at where its keyframes are.
        stream: of the pictures.

    Attributes:
        origin: when the file's first picture begins, in the file's own time.
        zero: when the first picture kept begins; None until it came.
    """

    def __init__(self, span: Span, source: Path, container: InputContainer, stream: VideoStream) -> None:
        self._source, self._container, self._stream = source, container, stream
        self.origin = (stream.start_time or 0) * (stream.time_base or Fraction(1, av.time_base))
        self.zero: Fraction | None = None
        self._span = span
        self._begin = self.origin + span.start
        self._end = None if span.end is None else self.origin + span.end

    @property
    def seen_from(self) -> Fraction:
        """From when on the pictures are wanted: those for the warm-up come first."""
        return self._begin - WARM_UP

    @property
    def skipped(self) -> Fraction:
        """Seconds of pictures before the first one kept."""
        return Fraction(0) if self.zero is None else self.zero - self.origin

    def seek(self) -> None:
        """Moves the container to a keyframe early enough for the warm-up; where there is none, it stays."""
        seek_before(self.seen_from, self._source, self._container, self._stream)

    def parts(
        self, items: Iterable[Decoded], sounds: Collection[Stream], warm_up: Callable[[av.VideoFrame], object]
    ) -> Iterator[Decoded]:
        """What belongs to the span, with its new times.

        Args:
            sounds: streams to wait for after the last picture: their packets may stand later in the file.
            warm_up: is given the pictures shortly before the span.

        Raises:
            SettingError: no picture begins within the span.
        """
        early: list[Packet] = []  # sound may stand before the pictures of its time
        waiting = {sound.index for sound in sounds}
        over = False
        for item in items:
            time = _time(item)
            if time is None:
                yield item  # a picture without a time is refused by whoever gets it
                continue
            late = self._end is not None and time >= self._end
            if isinstance(item, av.Packet):
                if late:
                    waiting.discard(item.stream.index)
                elif self.zero is None:
                    early += [item] if time >= self._begin else []
                elif time >= self.zero:
                    yield self._moved(item)
            elif late:
                over = True
            elif time >= self._begin:
                if self.zero is None:
                    self.zero = time
                yield self._moved(item)
                yield from (self._moved(packet) for packet in early if (_time(packet) or 0) >= self.zero)
                early.clear()
            elif time >= self.seen_from:
                warm_up(item)
            if self._end is not None and ((over and not waiting) or time >= self._end + LAG):
                break
        if self.zero is None:
            end = "" if self._span.end is None else f" and before {float(self._span.end):g} s"
            raise SettingError(
                f"{self._source}: no picture begins at or after {float(self._span.start):g} s{end}: "
                "choose another --from and --to"
            )

    def chapters(self) -> list[Chapter]:
        """The file's chapters, cut as the pictures are."""
        zero, kept = self.zero or Fraction(0), []
        for chapter in self._container.chapters():
            base = chapter["time_base"] or Fraction(1)
            start, end = chapter["start"] * base, chapter["end"] * base
            if self._end is not None:
                end = min(end, self._end)
            if max(start, zero) < end:
                chapter["start"] = round(max(start - zero, Fraction(0)) / base)
                chapter["end"] = round((end - zero) / base)
                kept.append(chapter)
        return kept

    def _moved(self, item: Decoded) -> Decoded:
        ticks = round((self.zero or 0) / (item.time_base or 1))
        item.pts = None if item.pts is None else item.pts - ticks
        if isinstance(item, av.Packet):
            item.dts = None if item.dts is None else item.dts - ticks
        return item


def seek_before(time: Fraction, source: Path, container: InputContainer, stream: VideoStream) -> None:
    """Moves a container to a keyframe from which a picture of that time can be decoded; if there is none, it stays."""
    ticks = _keyframe_before(time, source, stream)
    if ticks is not None:
        container.seek(ticks, stream=stream)


def _keyframe_before(time: Fraction, source: Path, stream: VideoStream) -> int | None:
    """Where to seek to for a picture at `time` or before, in the stream's ticks; None: to the beginning.

    Found with a container of its own, since some formats seek to a place from which the first pictures
    cannot be decoded (transport streams), or not at all; then the beginning is the right place.
    """
    base = stream.time_base or Fraction(1, av.time_base)
    origin = (stream.start_time or 0) * base
    with open_input(source) as container:
        same: VideoStream = container.streams[stream.index]  # type: ignore[assignment]
        back = Fraction(0)
        while (goal := time - back) > origin:
            ticks = int(goal / base)
            try:
                container.seek(ticks, stream=same)
                first = next(container.decode(same), None)
            except av.FFmpegError:
                return None
            begins = None if first is None or first.is_corrupt else _time(first)
            if begins is not None and begins <= time:
                return ticks
            back = 2 * back or WARM_UP
    return None


def _time(item: Decoded) -> Fraction | None:
    """When a picture or a packet begins, in seconds."""
    begins = item.pts
    if begins is None and isinstance(item, av.Packet):
        begins = item.dts
    return None if begins is None or item.time_base is None else begins * item.time_base
