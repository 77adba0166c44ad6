"""`cyclorama live`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from cyclorama.errors import SettingError
from cyclorama.matting import FOR_LIVE
from cyclorama.types import Transparent
from cyclorama_ffmpeg.commands.console import engine_for, say
from cyclorama_ffmpeg.commands.options import (
    BackgroundOption,
    DecontaminateOption,
    DeviceOption,
    HarmonizeOption,
    LibraryOption,
    LightOption,
    ModelOption,
    SmoothingOption,
    SubjectOption,
    ThreadsOption,
    scenes_for,
    settings_for,
    subject_of,
)
from cyclorama_ffmpeg.suggestions import Chooser, FirstFrames
from cyclorama_ffmpeg.virtual_camera import Camera, Sink, VirtualCamera, run


def live_command(
    camera: Annotated[
        str, typer.Option("--camera", help="A camera's number, from 0, or a video file that stands for one.")
    ] = "0",
    virtual: Annotated[
        bool, typer.Option("--virtual", help="Show the result as a camera that other programs can choose.")
    ] = False,
    virtual_device: Annotated[
        str | None,
        typer.Option("--virtual-device", metavar="NAME", help="Which one: /dev/video2, OBS Virtual Camera ..."),
    ] = None,
    background: BackgroundOption = "blur",
    subject: SubjectOption = "all",
    library: LibraryOption = None,
    harmonize: HarmonizeOption = False,
    smoothing: SmoothingOption = 0.6,
    light: LightOption = "srgb",
    decontaminate: DecontaminateOption = True,
    model: ModelOption = FOR_LIVE,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
) -> None:
    """Replace the background of a camera, live, as a virtual camera for meetings and streams. Ctrl-C ends it."""
    if not virtual:
        raise SettingError("expected --virtual: it is the one place that the picture can go to")
    scenes, whom = scenes_for(background, library), subject_of(subject)
    settings = settings_for(background, scenes, light, decontaminate, smoothing, whom, harmonize)
    if isinstance(settings.background, Transparent):
        raise SettingError("-b transparent: a virtual camera has no transparency; choose a colour such as #00b140")
    engine = engine_for(model, device, threads)
    before = FirstFrames(Chooser(engine, scenes, whom), say) if scenes else None

    def started(sink: Sink) -> None:
        say(f"{sink.name}: {source.width} x {source.height}; Ctrl-C ends it")

    with Camera(camera) as source:
        open_sink = partial(VirtualCamera, device=virtual_device)
        figures = run(engine.session(settings), source, open_sink, before=before, started=started)
    say(f"{figures.frames} frames, each {figures.delay_ms:.0f} ms late")
