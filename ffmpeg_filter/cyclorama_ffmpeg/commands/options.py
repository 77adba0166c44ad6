"""Options that several commands share, and what is made of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from cyclorama.errors import SettingError
from cyclorama_ffmpeg.formats import CODECS
from cyclorama_ffmpeg.trim import Span, parse_time

BackgroundOption = Annotated[
    str,
    typer.Option(
        "--background",
        "-b",
        help="transparent, blur, blur:RADIUS (pixels), #rrggbb, a built-in scene's name (see `cyclorama scenes`), "
        "or a file: a picture, or a clip, which loops. suggest: by what they wear (not in this version yet).",
    ),
]
ModelOption = Annotated[str, typer.Option("--model", help="Network or keyer; see `cyclorama models`.")]
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
    float, typer.Option("--smoothing", min=0, max=0.99, help="Steadiness of the edge where nothing moves; 0: none.")
]
FromOption = Annotated[
    str | None,
    typer.Option("--from", help="Begin here: seconds, or HH:MM:SS.mmm, since the first picture.", metavar="TIME"),
]
ToOption = Annotated[str | None, typer.Option("--to", help="End here; likewise.", metavar="TIME")]

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
