"""`cyclorama install`: plug-ins for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cyclorama.errors import InputError
from cyclorama_ffmpeg import gimp_install, gimp_profiles
from cyclorama_ffmpeg.commands.console import out, show_trial
from cyclorama_ffmpeg.commands.install_obs import obs_command
from cyclorama_ffmpeg.gimp_profiles import Profile

install_group = typer.Typer(
    help="Put Cyclorama into another program: a plug-in for it, told where this Cyclorama is.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

install_group.command("obs")(obs_command)


@install_group.command("gimp")
def gimp_command(
    folder: Annotated[
        Path | None,
        typer.Option("--dir", help="A GIMP 3 profile (its folder plug-ins gets the plug-in). Default: all of yours."),
    ] = None,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Remove the plug-in instead.")] = False,
) -> None:
    """Install the plug-in into every GIMP 3 profile (native, Flatpak, Snap, Windows, macOS), and try it."""
    found = [_chosen(folder)] if folder else gimp_profiles.profiles()
    if not found:
        raise InputError(
            "no GIMP 3 profile found: start GIMP 3 once, then run this again, or name its folder with --dir"
        )
    if uninstall:
        for profile in found:
            gone = gimp_install.uninstall(profile)
            out.print(f"{profile.path}: {'removed' if gone else 'has no plug-in'}", markup=False)
        return
    failures = 0
    for profile in found:
        done = gimp_install.install(profile)
        out.print(str(done.folder), markup=False)
        failures += not show_trial(done.trial, "the plug-in", "; start GIMP anew: Filters > Cyclorama")
    if failures:
        raise typer.Exit(1)


def _chosen(folder: Path) -> Profile:
    if not folder.is_dir():
        raise InputError(f"{folder}: expected the folder of a GIMP 3 profile, such as ~/.config/GIMP/3.0")
    return Profile(folder, gimp_profiles.packaging_of(folder.resolve()))
