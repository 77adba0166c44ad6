"""What `--background` means: a word, a colour, a scene's name or a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

import cyclorama_scenes
from cyclorama.errors import InputError, MediaError, SettingError
from cyclorama.types import Background, Blur, Clip, Colour, Picture, Rgb, Transparent
from cyclorama_ffmpeg import still
from cyclorama_ffmpeg.frames import ToRgb, open_input, upright, video_stream

WORDS = "suggest, transparent, blur, blur:RADIUS, #rrggbb"
HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


def parse(text: str) -> Background:
    """The background that a user named.

    Args:
        text: `transparent`, `blur`, `blur:RADIUS` (pixels), `#rgb`, `#rrggbb`, a built-in scene's name, or
            a file: a picture, or a clip, which loops.

    Raises:
        SettingError: it is none of these. MediaError: the file cannot be read.
    """
    if text == "suggest":
        raise SettingError(
            "-b suggest comes with outfit detection, which this version does not have yet; "
            f"choose a scene ({', '.join(cyclorama_scenes.paths())}), a colour or a file"
        )
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


class LoopedClip:
    """A video file as an endless background: it holds one frame at a time, and starts over at its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._to_rgb = ToRgb()
        self._frames = self._decode()
        self._start = Fraction(0)  # when the present round began
        first = next(self._frames, None)
        if first is None:
            raise MediaError(f"{path}: expected a clip, it has no frame that can be decoded")
        _, self._shown = first
        self._next = next(self._frames, None)
        self._still = self._next is None

    def frame_at(self, time: Fraction) -> Rgb:
        """See `cyclorama.types.Frames`. Times must not go back by more than the clip's length."""
        while not self._still and (self._next is None or time >= self._start + self._next[0]):
            if self._next is None:
                self._start = self._start + self._length
                if time < self._start:
                    # The last frame stays for its own time.
                    self._start = self._start - self._length
                    return self._shown
                self._frames = self._decode()
                self._next = next(self._frames, None)
                continue
            _, self._shown = self._next
            self._next = next(self._frames, None)
        return self._shown

    def _decode(self) -> Iterator[tuple[Fraction, Rgb]]:
        """(time since the first frame, picture) of the whole file."""
        with open_input(self._path) as container:
            stream = video_stream(container, self._path)
            stream.thread_type = "AUTO"
            base = stream.time_base or Fraction(1, 1000)
            origin: Fraction | None = None
            last = gap = Fraction(0)
            try:
                for frame in container.decode(stream):
                    time = (frame.pts or 0) * base
                    origin = time if origin is None else origin
                    gap, last = time - origin - last, time - origin
                    yield last, upright(self._to_rgb(frame), frame.rotation)
            except av.FFmpegError as error:
                raise MediaError(f"{self._path}: the clip is damaged ({error.strerror})") from error
            self._length = last + (gap or Fraction(1, 25))
