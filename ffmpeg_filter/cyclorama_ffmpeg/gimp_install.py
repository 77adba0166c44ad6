"""Putting the GIMP plug-in into a profile, and looking whether it is well there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import cyclorama
from cyclorama import catalogue, wire
from cyclorama.errors import InputError, OutputError
from cyclorama_ffmpeg.gimp_profiles import FLATPAK, Profile
from cyclorama_ffmpeg.installing import Trial, read_engine, remove, try_worker, worker_command, write_engine

# GIMP lists a file in a folder of the same name, and nothing else.
NAME = "cyclorama-gimp"
PACKAGE = "cyclorama_gimp"
PROCEDURE = "plug-in-cyclorama-"
RUN_BIT = 0o755
LOOK_SECONDS = 20
SANDBOX_CURES = {
    "flatpak": "allow GIMP to start programs outside of its sandbox, and install again: "
    f"flatpak override --user --talk-name=org.freedesktop.Flatpak {FLATPAK}",
    "snap": "Snap's GIMP may start no program outside of its sandbox: take GIMP from Flathub or your distribution",
    "native": "",
}


@dataclass(frozen=True, slots=True)
class Installation:
    """A plug-in in its place.

    Attributes:
        folder: of the plug-in.
        trial: of its worker, started as GIMP will.
    """

    folder: Path
    trial: Trial


@dataclass(frozen=True, slots=True)
class Finding:
    """What the doctor sees of one profile.

    Attributes:
        place: whether the plug-in is in place, in words.
        listing: whether GIMP lists it.
        trial: of its worker; None where there is no plug-in.
    """

    place: str
    listing: str
    trial: Trial | None


def install(profile: Profile) -> Installation:
    """Copies the plug-in into a profile, writes down the worker's command, and tries it.

    Raises:
        OutputError: the profile cannot be written to.
    """
    command, trial = choose_command(profile)
    try:
        folder = place(profile.path)
    except OSError as error:
        raise OutputError(f"{profile.path}: cannot be written to ({error.strerror})") from error
    # Warm: one worker serves several actions over a unix socket. One outside of the sandbox sees neither GIMP's process
    # nor its sockets.
    write_engine(folder, command, warm=command[0] != "flatpak-spawn")
    return Installation(folder, trial)


def choose_command(profile: Profile) -> tuple[list[str], Trial]:
    """The command by which that GIMP reaches the worker, and how it did."""
    plain = worker_command()
    trial = try_worker(profile.from_inside(plain))
    if trial.seconds is None and profile.packaging == "flatpak":
        outside = ["flatpak-spawn", "--host", "--watch-bus", *plain]
        second = try_worker(profile.from_inside(outside))
        if second.seconds is not None:
            return outside, second
    cure = SANDBOX_CURES[profile.packaging]
    if trial.seconds is None and cure:
        trial = Trial(None, f"{trial.note}; {cure}")
    return plain, trial


def place(profile: Path) -> Path:
    """Copies the plug-in's files into a profile's folder, in place of older ones; returns the plug-in's folder."""
    plugins = profile / "plug-ins"
    plugins.mkdir(exist_ok=True)
    target, fresh = plugins / NAME, plugins / f".{NAME}.part"
    shutil.rmtree(fresh, ignore_errors=True)
    package = Path(str(resources.files(PACKAGE)))
    shutil.copytree(package, fresh / PACKAGE, ignore=shutil.ignore_patterns("__pycache__", f"{NAME}.py"))
    shutil.copy(package / f"{NAME}.py", fresh)
    (fresh / f"{NAME}.py").chmod(RUN_BIT)
    # The one module of the engine that the plug-in shares, under the name that it has there.
    (fresh / "cyclorama").mkdir()
    (fresh / "cyclorama/__init__.py").write_text('"""The part of Cyclorama that plug-ins carry."""\n', "utf-8")
    shutil.copy(Path(wire.__file__), fresh / "cyclorama")
    # Beside the code and not in engine.json: what GIMP registered must stay valid while it runs.
    titles = {scene.name: scene.title for scene in catalogue.built_in() if not scene.loop}
    (fresh / "scenes.json").write_text(json.dumps(titles, indent=1, ensure_ascii=False) + "\n", "utf-8")
    shutil.rmtree(target, ignore_errors=True)
    os.replace(fresh, target)
    return target


def uninstall(profile: Profile) -> Path | None:
    """Removes the plug-in from a profile; returns the folder that is gone, None where there was none."""
    folder = plugin_folder(profile)
    if not folder.is_dir():
        return None
    remove(folder)
    return folder


def plugin_folder(profile: Profile) -> Path:
    return profile.path / "plug-ins" / NAME


def examine(profile: Profile) -> Finding:
    """What is to be said of one profile."""
    folder = plugin_folder(profile)
    script = folder / f"{NAME}.py"
    if not script.is_file():
        return Finding("not installed; run cyclorama install gimp", "", None)
    try:
        engine = read_engine(folder)
    except InputError as error:
        return Finding(f"damaged: {error}", _listing(profile, script), None)
    current = engine.version == cyclorama.__version__
    state = "in place" if current else f"of version {engine.version}; run cyclorama install gimp again"
    return Finding(state, _listing(profile, script), try_worker(profile.from_inside(engine.command)))


def _listing(profile: Profile, script: Path) -> str:
    """Whether GIMP lists the plug-in, by what it wrote down at its last start."""
    if sys.platform != "win32" and not os.access(script, os.X_OK):
        return f"not listed: {script} lost its run bit; run cyclorama install gimp again"
    if profile.packaging == "native" and (fault := _python_fault()):
        return f"not listed: {fault}"
    known = profile.path / "pluginrc"
    if not known.exists() or known.stat().st_mtime < script.parent.stat().st_mtime:
        return "will be listed at GIMP's next start"
    if PROCEDURE in known.read_text("utf-8", "replace"):
        return "listed under Filters > Cyclorama"
    return "not listed: GIMP started it and it failed; start GIMP in a terminal to read why"


def _python_fault() -> str:
    """Why GIMP's Python plug-ins do not run on this system; "" where they do or it cannot be told."""
    if sys.platform != "linux" or not _has_program(("gimp", "gimp-3.0", "gimp-console-3.0")):
        return ""
    test = ["/usr/bin/env", "python3", "-c", "import gi; gi.require_version('Gimp', '3.0')"]
    try:
        ran = subprocess.run(test, capture_output=True, text=True, timeout=LOOK_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return f"python3 does not start ({error})"
    if ran.returncode == 0:
        return ""
    reason = ran.stderr.strip().splitlines()[-1:] or ["no reason given"]
    return f"the python3 that comes first on the path ({shutil.which('python3')}) lacks GIMP's modules ({reason[0]})"


def _has_program(names: Sequence[str]) -> bool:
    return any(shutil.which(name) for name in names)
