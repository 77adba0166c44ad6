"""Options that several commands share, and what is made of them."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from cyclorama.errors import SettingError
from cyclorama.types import Scene, Settings, Subject
from cyclorama_ffmpeg import backgrounds, suggestions
from cyclorama_ffmpeg.commands.console import say
from cyclorama_ffmpeg.formats import CODECS
from cyclorama_ffmpeg.trim import Span, parse_time

BackgroundOption = Annotated[
    str,
    typer.Option(
        "--background",
        "-b",
        help="transparent, blur, blur:RADIUS (pixels), #rrggbb, a built-in scene's name (see `cyclorama scenes`), "
        "or a file: a picture, or a clip, which loops. suggest: the scene that fits what they wear.",
    ),
]
LibraryOption = Annotated[
    Path | None,
    typer.Option(
        "--library",
        metavar="DIR",
        help="Suggest from this folder's pictures instead: those in beachwear/, workwear/ and sportswear/ suit that "
        "outfit, all others anybody; or as its catalogue.toml says.",
    ),
]
HarmonizeOption = Annotated[
    bool,
    typer.Option(
        "--harmonize",
        help="Fit the subject into a picture or clip: exposure, white balance, grain, sharpness behind, and light that "
        "wraps around the edge.",
    ),
]
SubjectOption = Annotated[
    str,
    typer.Option(
        "--subject",
        metavar="WHO",
        help="Who is kept: all, largest, a number from the left (1 is leftmost), or X,Y: the pixel where they are. In "
        "a video the person is chosen where first seen, and followed.",
    ),
]
ModelOption = Annotated[
    str, typer.Option("--model", help="Network or keyer; see `cyclorama models`. Or an .onnx file.")
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, directml, coreml or openvino.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=0, help="CPU threads of the network; 0: all cores.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")]
LightOption = Annotated[
    str,
    typer.Option("--light", help="srgb blends as editors and players do; linear as a lens does (defocus, motion)."),
]
DecontaminateOption = Annotated[
    bool,
    typer.Option("--decontaminate/--keep-colours", help="Remove the old background's colour from hair and edges."),
]
SmoothingOption = Annotated[
    float, typer.Option("--smoothing", min=0, max=0.99, help="Steadiness of the edge from frame to frame; 0: none.")
]
FromOption = Annotated[
    str | None,
    typer.Option("--from", help="Begin here: seconds, or HH:MM:SS.mmm, since the first picture.", metavar="TIME"),
]
ToOption = Annotated[str | None, typer.Option("--to", help="End here; likewise.", metavar="TIME")]

ResumeOption = Annotated[
    bool | None,
    typer.Option(
        "--resume/--no-resume",
        help="Go on with a run that was cut off, and pass over videos that are done. --no-resume leaves nothing to go "
        "on with, and needs less room on the disk.",
        show_default=False,
    ),
]
CodecOption = Annotated[
    str | None,
    typer.Option(
        "--codec",
        help=f"How pictures are stored: {', '.join(CODECS)}, or an encoder of FFmpeg's by its name, such as "
        "h264_nvenc. Default: what suits the container; HEVC or AV1 where the video has more than 8 bits.",
    ),
]
CrfOption = Annotated[
    int | None, typer.Option("--crf", help="Constant quality on the codec's own scale; lower is better, and larger.")
]
PresetOption = Annotated[str | None, typer.Option("--preset", help="Speed on the codec's own scale: medium, 8 ...")]
PixelFormatOption = Annotated[
    str | None, typer.Option("--pixel-format", help="FFmpeg's name of the layout of pixels, such as yuv422p10le.")
]
DeinterlaceOption = Annotated[
    bool, typer.Option("--deinterlace/--no-deinterlace", help="Make interlaced frames whole, one for one.")
]
AudioOption = Annotated[bool, typer.Option("--audio/--no-audio", help="Keep the sound.")]
AudioCodecOption = Annotated[
    str | None,
    typer.Option("--audio-codec", help="Encode the sound anew: aac, libopus, flac ... Default: copied as it is."),
]
AudioFromOption = Annotated[
    str | None,
    typer.Option("--audio-from", metavar="FILE", help="Sound of another file instead; background: of the one behind."),
]
SubtitlesOption = Annotated[bool, typer.Option("--subtitles/--no-subtitles", help="Keep the subtitles.")]
AttachmentsOption = Annotated[bool, typer.Option("--attachments/--no-attachments", help="Keep fonts and covers.")]


def subject_of(text: str) -> Subject:
    """What --subject names.

    Raises:
        SettingError: it is not understood.
    """
    if text in ("all", "largest"):
        return text  # type: ignore[return-value]
    if re.fullmatch(r"[1-9]\d*", text):
        return int(text)
    if found := re.fullmatch(r"(\d+),(\d+)", text):
        return int(found[1]), int(found[2])
    raise SettingError(f"--subject: expected all, largest, a number from 1 (from the left), or X,Y; got {text!r}")


def scenes_for(background: str, library: Path | None) -> tuple[Scene, ...]:
    """The scenes that -b suggest chooses from; none where the background is another.

    Raises:
        SettingError: --library stands without -b suggest, or is no folder with pictures.
    """
    if background == backgrounds.SUGGEST:
        return suggestions.scenes(library, say)
    if library is not None:
        raise SettingError(f"--library is for -b suggest; got -b {background}")
    return ()


def settings_for(
    background: str,
    scenes: tuple[Scene, ...],
    light: str,
    decontaminate: bool,
    smoothing: float,
    subject: Subject,
    harmonize: bool,
) -> Settings:
    """What the options that all share say together; where `scenes` are to choose from, the background comes later.

    Raises:
        SettingError: one of them is not understood. MediaError: the background's file cannot be read.
    """
    behind = suggestions.UNCHOSEN if scenes else backgrounds.parse(background)
    return Settings(behind, light, decontaminate, smoothing, subject, harmonize)  # type: ignore[arg-type]


def sound_file(wish: str | None, background: str) -> Path | None:
    """The file that --audio-from names.

    Raises:
        SettingError: it is what stands behind, and that is no file.
    """
    if wish != "background":
        return None if wish is None else Path(wish)
    if not Path(background).is_file():
        raise SettingError(f"--audio-from background: expected a clip behind, got -b {background}; name a file")
    return Path(background)


def span_of(start: str | None, end: str | None) -> Span | None:
    """What --from and --to name together; None where neither is given.

    Raises:
        SettingError: one is no time, or the end is not after the start.
    """
    if start is None and end is None:
        return None
    return Span(_time("--from", start) or Fraction(0), _time("--to", end))


def _time(switch: str, text: str | None) -> Fraction | None:
    try:
        return None if text is None else parse_time(text)
    except SettingError as error:
        raise SettingError(f"{switch}: {error}") from None
