"""Putting the OBS script where OBS can load it, and looking whether it is well there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import cyclorama
import cyclorama_scenes
from cyclorama import ring
from cyclorama.errors import InputError, OutputError
from cyclorama_ffmpeg.installing import Trial, read_engine, remove, try_worker, worker_command, write_engine
from cyclorama_ffmpeg.output import whole_file

PACKAGE = "cyclorama_obs"
SCRIPT = "cyclorama_background.py"
FOLDER = "cyclorama"  # in OBS' own configuration
FLATPAK = "com.obsproject.Studio"
LOOK_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Installation:
    """A script in its place.

    Attributes:
        script: what is to be added in OBS.
        trial: of the engine, by the interpreter that was written down.
    """

    script: Path
    trial: Trial


@dataclass(frozen=True, slots=True)
class Finding:
    """What the doctor sees of one place.

    Attributes:
        place: whether the script is in place, in words.
        listing: whether OBS loads it.
        trial: of its engine; None where there is no script.
    """

    place: str
    listing: str
    trial: Trial | None


def configurations(platform: str = sys.platform, environment: Mapping[str, str] = os.environ) -> list[Path]:
    """OBS' configuration folders of this user, those that there could be."""
    home = Path(environment.get("HOME") or environment.get("USERPROFILE") or Path.home())
    if platform == "win32":
        return [Path(environment.get("APPDATA", home / "AppData/Roaming")) / "obs-studio"]
    if platform == "darwin":
        return [home / "Library/Application Support/obs-studio"]
    return [
        Path(environment.get("XDG_CONFIG_HOME", home / ".config")) / "obs-studio",
        home / f".var/app/{FLATPAK}/config/obs-studio",
        home / "snap/obs-studio/current/.config/obs-studio",
    ]


def install(folder: Path) -> Installation:
    """Copies the script and all it needs into a folder, writes down this interpreter, and tries the engine.

    Raises:
        OutputError: the folder cannot be written to.
    """
    return Installation(place_files(folder), try_worker(worker_command()))


def place_files(folder: Path) -> Path:
    """Fills a folder; returns the script that is to be added in OBS. OBS may run meanwhile: each file appears whole.

    Raises:
        OutputError: the folder cannot be written to.
    """
    package = Path(str(resources.files(PACKAGE)))
    sources = {file.name: file for file in package.iterdir() if file.is_file() and file.name != "__init__.py"}
    sources["cyclorama_ring.py"] = Path(ring.__file__)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror})") from error
    for name, source in sources.items():
        with whole_file(folder / name) as temporary:
            shutil.copyfile(source, temporary)
    scenes = {name: str(path) for name, path in cyclorama_scenes.paths().items()}
    write_engine(folder, live_command(), scenes=scenes)
    return folder / SCRIPT


def live_command() -> list[str]:
    """What starts the live worker."""
    return [worker_command()[0], "-m", "cyclorama.live"]


def uninstall(folder: Path) -> bool:
    """Removes the script's folder; False where it holds none."""
    if not (folder / SCRIPT).is_file():
        return False
    remove(folder)
    return True


def examine(configuration: Path) -> Finding:
    """What is to be said of the script in one of OBS' configurations."""
    folder = configuration / FOLDER
    script = folder / SCRIPT
    if not script.is_file():
        return Finding("not installed; run cyclorama install obs", "", None)
    try:
        engine = read_engine(folder)
    except InputError as error:
        return Finding(f"damaged: {error}", listing(configuration, script), None)
    current = engine.version == cyclorama.__version__
    state = "in place" if current else f"of version {engine.version}; run cyclorama install obs again"
    return Finding(state, listing(configuration, script), try_worker(worker_command(engine.command[0])))


def listing(configuration: Path, script: Path) -> str:
    """Whether one of OBS' scene collections loads the script."""
    collections = sorted((configuration / "basic/scenes").glob("*.json"))
    loading = [file.stem for file in collections if loads(file, script)]
    if loading:
        return f"loaded by the scene collection {', '.join(loading)}"
    return f"in no scene collection: add {script} in OBS under Tools > Scripts"


def loads(collection: Path, script: Path) -> bool:
    try:
        scripts = json.loads(collection.read_text("utf-8"))["modules"]["scripts-tool"]
        return any(Path(each["path"]) == script for each in scripts)
    except (OSError, ValueError, KeyError, TypeError):  # not a collection, or one without scripts
        return False


def program() -> str:
    """OBS' own version line; "" where there is no OBS on the path."""
    found = shutil.which("obs") or shutil.which("obs64")
    if found is None:
        return ""
    try:
        answer = subprocess.run([found, "--version"], capture_output=True, text=True, timeout=LOOK_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return f"{found}, which does not say its version"
    return answer.stdout.strip()
