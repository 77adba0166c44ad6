"""`cyclorama filter`."""

from __future__ import annotations

import os
import re
import sys
from fractions import Fraction
from typing import Annotated, get_args

import typer

from cyclorama.errors import SettingError
from cyclorama.matting import FOR_VIDEO
from cyclorama_ffmpeg import pipe
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
from cyclorama_ffmpeg.pipe_ends import Incoming, Outgoing
from cyclorama_ffmpeg.sinks import Kind
from cyclorama_ffmpeg.suggestions import Chooser, FirstFrames

READER_GONE = 141  # what a shell gives a command that SIGPIPE ended
USAGE = "ffmpeg -i IN -c:v rawvideo -c:a copy -f nut - | cyclorama filter -b studio | ffmpeg -i - OUT"


def filter_command(
    background: BackgroundOption,
    kind: Annotated[
        str | None,
        typer.Option("--format", help="Of what is written: nut, y4m, or rgb, which is pixels alone. Default: as read."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option("--size", metavar="WxH", help="Bare RGB is read, 3 bytes a pixel, of this size."),
    ] = None,
    rate: Annotated[
        str | None, typer.Option("--rate", metavar="RATE", help="Its frames a second: 25, 30000/1001.")
    ] = None,
    subject: SubjectOption = "all",
    library: LibraryOption = None,
    harmonize: HarmonizeOption = False,
    smoothing: SmoothingOption = 0.6,
    light: LightOption = "srgb",
    decontaminate: DecontaminateOption = True,
    model: ModelOption = FOR_VIDEO,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
) -> None:
    """Replace the background of a stream between two programs: from standard input to standard output.

    ffmpeg -i IN -c:v rawvideo -c:a copy -f nut - | cyclorama filter -b studio | ffmpeg -i - OUT
    """
    if kind not in (None, *get_args(Kind)):
        raise SettingError(f"--format: expected {', '.join(get_args(Kind))}; got {kind!r}")
    bare = bare_of(size, rate)
    if sys.stdin.isatty():
        raise SettingError(f"expected a stream on standard input, this is a terminal: {USAGE}")
    if sys.stdout.isatty():
        raise SettingError(f"expected a program to read standard output, this is a terminal: {USAGE}")
    # Nothing but the stream goes to standard output: what a library prints goes where messages go.
    outgoing = Outgoing(os.fdopen(os.dup(1), "wb", buffering=0))
    os.dup2(2, 1)
    incoming = Incoming(open(0, "rb", buffering=0, closefd=False))  # noqa: SIM115 - open as long as the process is
    scenes, whom = scenes_for(background, library), subject_of(subject)
    settings = settings_for(background, scenes, light, decontaminate, smoothing, whom, harmonize)
    engine = engine_for(model, device, threads)
    before = FirstFrames(Chooser(engine, scenes, whom), say) if scenes else None

    def note(text: str) -> None:
        say(f"note: {text}")

    try:
        pipe.run(
            engine.session(settings),
            incoming,
            outgoing,
            bare=bare,
            kind=kind,  # type: ignore[arg-type]
            say=note,
            before=before,
        )
    except BrokenPipeError:  # the reader has what it wanted
        raise typer.Exit(READER_GONE) from None


def bare_of(size: str | None, rate: str | None) -> pipe.Bare | None:
    """What --size and --rate say together; None where neither is given.

    Raises:
        SettingError: one is missing or not understood.
    """
    if size is None and rate is None:
        return None
    if size is None or rate is None:
        raise SettingError("bare RGB needs both --size and --rate; other streams need neither")
    found = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", size)
    if found is None:
        raise SettingError(f"--size: expected WIDTHxHEIGHT in pixels, such as 1280x720, got {size!r}")
    try:
        frames = Fraction(rate)
    except (ValueError, ZeroDivisionError):
        frames = Fraction(0)
    if frames <= 0:
        raise SettingError(f"--rate: expected frames a second, such as 25 or 30000/1001, got {rate!r}")
    return pipe.Bare(int(found[1]), int(found[2]), frames)
