"""`cyclorama preview`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cyclorama.matting import FOR_VIDEO
from cyclorama_ffmpeg import preview, still
from cyclorama_ffmpeg.commands.console import engine_for, out, say
from cyclorama_ffmpeg.commands.options import (
    BackgroundOption,
    DecontaminateOption,
    DeinterlaceOption,
    DeviceOption,
    FromOption,
    HarmonizeOption,
    LibraryOption,
    LightOption,
    ModelOption,
    OverwriteOption,
    SmoothingOption,
    SubjectOption,
    ThreadsOption,
    ToOption,
    scenes_for,
    settings_for,
    span_of,
    subject_of,
)
from cyclorama_ffmpeg.frames import open_video, video_stream
from cyclorama_ffmpeg.output import check_target, whole_file
from cyclorama_ffmpeg.suggestions import Chooser
from cyclorama_ffmpeg.trim import Span


def preview_command(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A video.")],
    background: BackgroundOption = "transparent",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A picture's name. Default: beside IN, IN-preview.png."),
    ] = None,
    rows: Annotated[int, typer.Option("--rows", min=1, max=100, help="Moments shown, at equal distances.")] = 5,
    subject: SubjectOption = "all",
    library: LibraryOption = None,
    harmonize: HarmonizeOption = False,
    smoothing: SmoothingOption = 0.6,
    start: FromOption = None,
    end: ToOption = None,
    deinterlace: DeinterlaceOption = True,
    light: LightOption = "srgb",
    decontaminate: DecontaminateOption = True,
    model: ModelOption = FOR_VIDEO,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
    overwrite: OverwriteOption = False,
) -> None:
    """Show some seconds of a video, the first ones unless told otherwise, on one picture: with matte and result."""
    scenes, whom = scenes_for(background, library), subject_of(subject)
    settings = settings_for(background, scenes, light, decontaminate, smoothing, whom, harmonize)
    span = span_of(start, end) or Span()
    with open_video(source) as container:  # a source that cannot be read is said before the output's faults
        video_stream(container, source)
    target = output or source.with_name(f"{source.stem}-preview.png")
    still.check_format(target, alpha=False)
    check_target(target, (source, Path(background)), overwrite=overwrite)
    engine = engine_for(model, device, threads)
    if scenes:
        choice = Chooser(engine, scenes, whom).for_video(source, span)
        say(str(choice))
        settings = replace(settings, background=choice.background)
    shown = preview.rows(engine.session(settings), source, span, rows, deinterlace=deinterlace)
    with whole_file(target) as temporary:
        still.write(temporary, preview.sheet(shown))
    out.print(f"{target}  ({len(shown)} rows, {preview.clock(shown[0].time)} to {preview.clock(shown[-1].time)})")
