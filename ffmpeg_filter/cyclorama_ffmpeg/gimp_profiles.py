"""Where GIMP 3 keeps its users' profiles, and how a program is started from inside of its package."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Packaging: TypeAlias = Literal["native", "flatpak", "snap"]

FLATPAK = "org.gimp.GIMP"
VERSIONS = "3.*"
PROGRAMS = ("gimp", "gimp-3", "gimp-3.0", "gimp-3.2")


@dataclass(frozen=True, slots=True)
class Profile:
    """One user's settings of one GIMP.

    Attributes:
        path: GIMP's folder; its plug-ins are in `plug-ins` there.
        packaging: whether that GIMP runs in a sandbox.
    """

    path: Path
    packaging: Packaging

    def from_inside(self, command: Sequence[str]) -> list[str]:
        """What runs a command as that GIMP would."""
        if self.packaging == "flatpak":
            return ["flatpak", "run", f"--command={command[0]}", FLATPAK, *command[1:]]
        if self.packaging == "snap":
            return ["snap", "run", "--shell", "gimp", "-c", 'exec "$@"', "gimp", *command]
        return list(command)


def profiles() -> list[Profile]:
    """All GIMP 3 profiles of this user; a GIMP that was never started has none."""
    found: dict[Path, Profile] = {}
    for folder, packaging in _folders():
        for path in sorted(folder.glob(VERSIONS)):
            if path.is_dir():
                found.setdefault(path.resolve(), Profile(path, packaging))
    if chosen := os.environ.get("GIMP3_DIRECTORY"):
        path = Path(chosen).expanduser()
        if path.is_dir():
            found.setdefault(path.resolve(), Profile(path, "native"))
    return list(found.values())


def packaging_of(path: Path) -> Packaging:
    """How the GIMP of a profile folder is packaged, by where the folder lies."""
    home = Path.home()
    if path.is_relative_to(home / ".var/app" / FLATPAK):
        return "flatpak"
    if path.is_relative_to(home / "snap"):
        return "snap"
    # Flathub's GIMP keeps its profile with the native one's.
    native = any(shutil.which(program) for program in PROGRAMS)
    if sys.platform == "linux" and path.is_relative_to(_config(home)) and not native and _has_flatpak(home):
        return "flatpak"
    return "native"


def _folders() -> Iterable[tuple[Path, Packaging]]:
    home = Path.home()
    if sys.platform == "win32":
        yield Path(os.environ.get("APPDATA", home / "AppData/Roaming")) / "GIMP", "native"
        return
    if sys.platform == "darwin":
        yield home / "Library/Application Support/GIMP", "native"
    folders = [_config(home), home / ".var/app" / FLATPAK / "config/GIMP", home / "snap/gimp/current/.config/GIMP"]
    for folder in folders:
        yield folder, packaging_of(folder)


def _config(home: Path) -> Path:
    return Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "GIMP"


def _has_flatpak(home: Path) -> bool:
    installations = (Path("/var/lib/flatpak"), home / ".local/share/flatpak")
    return any((folder / "app" / FLATPAK).is_dir() for folder in installations)
