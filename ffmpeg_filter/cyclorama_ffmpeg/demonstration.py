"""A clip of a real person, made from a photograph that a dependency ships, its background replaced, and suggestions."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.engine import Engine
from cyclorama.errors import OutputError, SettingError
from cyclorama.matting import FOR_STILLS
from cyclorama.types import Rgb, Settings
from cyclorama_ffmpeg import backgrounds, sheet, showing, still, suggestions, video
from cyclorama_ffmpeg.output import whole_file

WIDTH, HEIGHT = 640, 480  # pixels
RATE, SECONDS = 24, 6
SOUND_RATE = 48_000
SCENE = "window-light"
SUGGESTED = 5  # scenes


@dataclass(frozen=True, slots=True)
class Demonstration:
    """The files that the demonstration wrote."""

    before: Path
    after: Path
    sheet: Path
    suggestions: Path


def run(folder: Path, *, say: Callable[[str], None]) -> Demonstration:
    """Makes the clip, replaces its background, and draws the sheet.

    Raises:
        SettingError: scikit-image, which ships the photograph, is not installed.
        OutputError: the folder cannot be written.
    """
    picture = photograph()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror})") from error
    names = ("before.mp4", "after.mp4", "before-and-after.png", "suggestions.png")
    made = Demonstration(*(folder / name for name in names))
    with whole_file(made.before) as temporary:
        write_clip(temporary, picture)
    engine = Engine()
    start = time.perf_counter()
    session = engine.session(Settings(background=backgrounds.parse(SCENE)))
    summary = video.replace_background(session, made.before, made.after)
    seconds = time.perf_counter() - start
    say(
        f"{summary.frames} frames in {seconds:.1f} s on {engine.matter.device}; the sound is the same, packet by packet"
    )
    rows = [sheet.frames_at(path, 4) for path in (made.before, made.after)]
    with whole_file(made.sheet) as temporary:
        still.write(temporary, sheet.contact_sheet(rows, 288))
    with whole_file(made.suggestions) as temporary:
        still.write(temporary, suggested(shot(picture, 0.0), say))
    return made


def suggested(picture: Rgb, say: Callable[[str], None]) -> Rgb:
    """The sheet of scenes that are suggested for a picture, uint8 (H, W, 3)."""
    engine = Engine(FOR_STILLS)
    chooser = suggestions.Chooser(engine, suggestions.scenes(None, say))
    shown = showing.of_picture(chooser, still.Still(picture, picture, None, b"", b""))
    best = chooser.rank(shown.sight, SUGGESTED, still_pictures=True)
    return showing.sheet(engine, shown, [chooser.choice(each) for each in best])


def photograph() -> Rgb:
    """Eileen Collins, photographed by NASA (public domain): uint8 (512, 512, 3)."""
    try:
        from skimage import data
    except ImportError as error:
        raise SettingError(
            "the demonstration's photograph comes with scikit-image: pip install 'cyclorama[demo]'"
        ) from error
    return np.ascontiguousarray(data.astronaut())


def write_clip(path: Path, photograph: Rgb) -> None:
    """A hand-held shot of a photograph, with a chord that swells: H.264 and AAC in MP4."""
    with av.open(f"file:{path}", "w") as container:
        picture = container.add_stream("libx264", rate=RATE)
        picture.width, picture.height = WIDTH, HEIGHT
        picture.pix_fmt = "yuv420p"
        picture.options = {"crf": "16", "preset": "veryfast"}
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="stereo")
        samples = chord()
        for index in range(RATE * SECONDS):
            frame = av.VideoFrame.from_ndarray(shot(photograph, index / (RATE * SECONDS)), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(picture.encode(frame))
            start, end = (SOUND_RATE * i // RATE for i in (index, index + 1))
            block = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[:, start:end]), "fltp", "stereo")
            block.sample_rate, block.pts, block.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
            container.mux(sound.encode(block))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))


def shot(photograph: Rgb, progress: float) -> Rgb:
    """The photograph as a hand-held camera sees it that moves in: uint8 (HEIGHT, WIDTH, 3)."""
    height, width = photograph.shape[:2]
    turn = 2 * np.pi * progress
    zoom = WIDTH / width * (1.10 + 0.14 * (0.5 - 0.5 * np.cos(turn)))
    centre = (
        width * (0.49 - 0.02 * np.sin(turn) + 0.004 * np.sin(5 * turn)),
        height * (0.34 - 0.01 * np.cos(turn) + 0.003 * np.sin(7 * turn)),
    )
    matrix = cv2.getRotationMatrix2D(centre, 1.5 * np.sin(turn), zoom)
    matrix = np.column_stack([matrix[:, :2], matrix[:, 2] + np.array([WIDTH / 2, HEIGHT / 2]) - np.array(centre)])
    return cv2.warpAffine(photograph, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)  # type: ignore[return-value]


def chord() -> NDArray[np.float32]:
    """A major chord that swells and fades, a little apart in the two ears: float32 (2, samples)."""
    t = np.arange(SOUND_RATE * SECONDS) / SOUND_RATE
    swell = 0.12 * np.sin(np.pi * t / SECONDS) ** 2
    ears = [sum(np.sin(2 * np.pi * (f + shift) * t) for f in (220.0, 277.18, 329.63)) for shift in (0.0, 0.4)]
    return (swell * np.array(ears)).astype(np.float32)
