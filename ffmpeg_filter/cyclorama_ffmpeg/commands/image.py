"""`cyclorama image`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cyclorama.errors import CycloramaError, SettingError
from cyclorama.matting import FOR_STILLS, PORTRAITS
from cyclorama.types import Alpha, Background, Settings, Transparent
from cyclorama_ffmpeg import backgrounds, images, paths, still
from cyclorama_ffmpeg.commands.console import engine_for, fail, progress_bar, result, say
from cyclorama_ffmpeg.commands.options import (
    BackgroundOption,
    DecontaminateOption,
    DeviceOption,
    HarmonizeOption,
    LibraryOption,
    LightOption,
    ModelOption,
    OverwriteOption,
    SubjectOption,
    ThreadsOption,
    scenes_for,
    subject_of,
)
from cyclorama_ffmpeg.suggestions import UNCHOSEN, Chooser


def image_command(
    inputs: Annotated[list[str], typer.Argument(metavar="IN...", help="Pictures, folders, or patterns like '*.jpg'.")],
    background: BackgroundOption = "transparent",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A file for one picture, a folder for several. Default: beside each."),
    ] = None,
    matte: Annotated[
        Path | None,
        typer.Option("--matte", help="Also write the alpha as a grey picture: a file for one, a folder for several."),
    ] = None,
    cutout: Annotated[
        bool, typer.Option("--cutout", help="Also write the subject alone, NAME-cutout.png, beside the output.")
    ] = False,
    subject: SubjectOption = "all",
    refine: Annotated[
        bool | None,
        typer.Option(
            "--refine/--no-refine",
            help="Find single hairs, and what the model is in doubt of, anew: some seconds more. "
            "Default: with the portrait models, where all people are kept.",
        ),
    ] = None,
    trimap: Annotated[
        Path | None,
        typer.Option(
            "--trimap",
            help="A picture as large as the one picture, drawn by hand: white stays, black goes, grey is to be found.",
        ),
    ] = None,
    library: LibraryOption = None,
    harmonize: HarmonizeOption = False,
    light: LightOption = "srgb",
    decontaminate: DecontaminateOption = True,
    model: ModelOption = FOR_STILLS,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
    overwrite: OverwriteOption = False,
) -> None:
    """Replace the background of pictures (JPEG, PNG, WebP, TIFF, AVIF; 8 and 16 bits)."""
    scenes, whom = scenes_for(background, library), subject_of(subject)
    behind = UNCHOSEN if scenes else backgrounds.parse(background)
    settings = Settings(
        background=behind,
        light=light,  # type: ignore[arg-type]
        decontaminate=decontaminate,
        subject=whom,
        harmonize=harmonize,
        # The network for hair knows people alone, and not whom of two who touch.
        refine=(model in PORTRAITS and whom == "all") if refine is None else refine,
    )
    sources = paths.expand(inputs, still.READABLE, "pictures")
    default = ".png" if isinstance(behind, Transparent) else None
    jobs = images.plan(sources, output, matte, default_suffix=default, cutout=cutout)
    if trimap is not None:
        if len(jobs) > 1:
            raise SettingError(f"--trimap is for one picture, got {len(jobs)}")
        jobs = [replace(jobs[0], trimap=trimap)]
    images.check(jobs, transparent=isinstance(behind, Transparent), overwrite=overwrite)
    engine = engine_for(model, device, threads)
    chooser = Chooser(engine, scenes, whom) if scenes else None
    failures = 0
    with progress_bar() as progress:
        task = progress.add_task("pictures", total=len(jobs), rate="")
        for job in jobs:
            start = time.perf_counter()
            try:
                choose = None if chooser is None else scene_for(chooser, job.source)
                if not images.run(engine, settings, job, choose) and whom != "all":
                    say(f"note: {job.source}: nobody was kept: --subject {subject} is not in this picture")
                result(str(job.target))
            except CycloramaError as error:
                failures += 1
                fail(error)
            progress.update(task, advance=1, rate=f"{time.perf_counter() - start:.1f} s")
    if failures:
        if len(jobs) > 1:
            fail(f"{failures} of {len(jobs)} pictures failed")
        raise typer.Exit(1)


def scene_for(chooser: Chooser, source: Path) -> Callable[[still.Still, Alpha], Background]:
    """Chooses the scene for a picture, and says which and why."""

    def choose(picture: still.Still, alpha: Alpha) -> Background:
        choice = chooser.for_picture(picture, alpha)
        say(f"{source}: {choice}")
        return choice.background

    return choose
