"""`cyclorama install obs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cyclorama.errors import InputError
from cyclorama_ffmpeg import obs_install
from cyclorama_ffmpeg.commands.console import out, show_trial


def obs_command(
    folder: Annotated[
        Path | None,
        typer.Option("--dir", help="Where the script goes. Default: cyclorama in the configuration of each OBS."),
    ] = None,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Remove the script instead.")] = False,
) -> None:
    """Put the filter's script where OBS (28 or later) can load it, and try the engine."""
    found = [folder] if folder else [c / obs_install.FOLDER for c in obs_install.configurations() if c.is_dir()]
    if not found:
        raise InputError("no OBS found: start OBS once, then run this again, or name a folder with --dir")
    failures = 0
    for place in found:
        if uninstall:
            out.print(f"{place}: {'removed' if obs_install.uninstall(place) else 'holds no script'}", markup=False)
            continue
        done = obs_install.install(place)
        out.print(str(done.script), markup=False)
        failures += not show_trial(done.trial, "the script")
    if not uninstall:
        out.print(
            "In OBS: Tools > Scripts > + and choose that file (once); then, on a video source, "
            "Filters > + > Cyclorama background"
        )
    if failures:
        raise typer.Exit(1)
