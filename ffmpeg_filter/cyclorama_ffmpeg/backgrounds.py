"""What `--background` means: a word, a colour, a scene's name or a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

import cyclorama_scenes
from cyclorama.errors import InputError, MediaError, SettingError
from cyclorama.types import Background, Blur, Clip, Colour, Picture, Rgb, Transparent
from cyclorama_ffmpeg import still
from cyclorama_ffmpeg.frames import ToSrgb, open_input, upright, video_stream

WORDS = "suggest, transparent, blur, blur:RADIUS, #rrggbb"
FALLBACK_RATE = Fraction(25)  # frames a second, for the last frame of a clip that says neither duration nor rate
SUGGEST = "suggest"  # by what they wear; see `cyclorama_ffmpeg.suggestions`
CLIPS = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"})  # what a library's clips end in
HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


def parse(text: str) -> Background:
    """The background that a user named.

    Args:
        text: `transparent`, `blur`, `blur:RADIUS` (pixels), `#rgb`, `#rrggbb`, a built-in scene's name, or
            a file: a picture, or a clip, which loops.

    Raises:
        SettingError: it is none of these. MediaError: the file cannot be read.
    """
    if text == SUGGEST:
        raise SettingError("-b suggest has to see who is in the picture; name a background here")
    if text == "transparent":
        return Transparent()
    if text == "blur":
        return Blur()
    if text.startswith("blur:"):
        try:
            radius = float(text.removeprefix("blur:"))
        except ValueError:
            raise SettingError(f"expected blur:RADIUS with a number of pixels, got {text!r}") from None
        return Blur(radius)
    if text.startswith("#"):
        if not HEX.fullmatch(text):
            raise SettingError(f"expected a colour as #rgb or #rrggbb, got {text!r}")
        digits = text[1:] if len(text) == 7 else "".join(c * 2 for c in text[1:])
        return Colour(int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16))
    scenes = cyclorama_scenes.paths()
    path = scenes.get(text, Path(text))
    if not path.exists():
        raise SettingError(
            f"{text}: no such background; expected a file, one of the words {WORDS}, or a scene: {', '.join(scenes)}"
        )
    return from_file(path)


def from_file(path: Path) -> Background:
    """A picture or a clip, whichever the file is."""
    if path.suffix.lower() in still.READABLE - {".gif"}:
        return Picture(still.read(path).srgb)
    try:
        clip = LoopedClip(path)
    except MediaError as not_a_clip:
        try:
            return Picture(still.read(path).srgb)
        except InputError:
            raise not_a_clip from None
    return Clip(clip)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A frame of a clip: when it begins and ends, in seconds since the clip's first, and its picture."""

    start: Fraction
    end: Fraction
    picture: Rgb


class LoopedClip:
    """A video file as an endless background: it holds one frame at a time, and starts over at its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._to_srgb = ToSrgb()
        self._length: Fraction | None = None  # known once the end was seen
        self._frames: Iterator[Shown]
        self._shown: Shown
        self._rewind()

    def frame_at(self, time: Fraction) -> Rgb:
        """See `cyclorama.types.Frames`. Going back costs decoding from the start."""
        while True:
            inside = time if self._length is None else time % self._length
            if inside < self._shown.start:
                self._rewind()
            elif inside < self._shown.end:
                return self._shown.picture
            elif (following := next(self._frames, None)) is None:
                self._length = self._shown.end
            else:
                self._shown = following

    def _rewind(self) -> None:
        self._frames = self._decode()
        first = next(self._frames, None)
        if first is None:
            raise MediaError(f"{self._path}: expected a clip, it has no frame that can be decoded")
        self._shown = first

    def _decode(self) -> Iterator[Shown]:
        """Every frame once."""
        with open_input(self._path) as container:
            stream = video_stream(container, self._path)
            stream.thread_type = "AUTO"
            base = stream.time_base or Fraction(1, 1000)
            # A frame stays until the next one comes, so the work is always one frame behind the decoder.
            shown: av.VideoFrame | None = None
            origin = start = Fraction(0)
            gap = 1 / (stream.average_rate or FALLBACK_RATE)
            try:
                for frame in container.decode(stream):
                    time = (frame.pts or 0) * base
                    if shown is None:
                        origin = time
                    else:
                        gap = max(time - origin - start, Fraction(0))
                        yield Shown(start, start + gap, self._rgb(shown))
                        start += gap
                    shown = frame
            except av.FFmpegError as error:
                raise MediaError(f"{self._path}: the clip is damaged ({error.strerror})") from error
            if shown is not None:
                own = shown.duration * base or gap or 1 / FALLBACK_RATE
                yield Shown(start, start + own, self._rgb(shown))

    def _rgb(self, frame: av.VideoFrame) -> Rgb:
        return upright(self._to_srgb(frame), frame.rotation)
