"""Scenes with what is known of them: the built-in catalogue, and libraries of a user's own.

A library is a folder with a `catalogue.toml`, or one whose subfolders are named by outfits. What no catalogue
says of a picture is measured, and kept in the user's cache: never in the library itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

from cyclorama import toml, weights
from cyclorama.errors import InputError, MediaError, SettingError
from cyclorama.look import Statistics, statistics
from cyclorama.types import LIGHT_SIDES, OUTFITS, Rgb, Scene

FILE = "catalogue.toml"
VERSION = 1  # of what the cache holds; another is measured anew
MEASURED = {"light", "mean", "luminance", "warmth"}
REQUIRED = {"name", "file", "kind", "title", "outfits"}
OPTIONAL = {"indoor", "horizon", "eye_height", "defocus", "loop"}
EYE_HEIGHTS = ("standing", "sitting", "")

Read: TypeAlias = Callable[[Path], Rgb]  # a file's picture, or a clip's first; raises InputError


def _silent(note: str) -> None:
    pass


def built_in() -> tuple[Scene, ...]:
    """The scenes that ship, in the catalogue's order.

    Raises:
        MediaError: the catalogue is missing or damaged.
    """
    return load(Path(str(resources.files("cyclorama_scenes"))) / FILE)


def load(path: Path, read: Read | None = None) -> tuple[Scene, ...]:
    """The scenes of a catalogue file.

    Args:
        read: opens pictures of which the catalogue does not say how they look; None: it must say so.

    Raises:
        MediaError: the file cannot be read, or a scene of it lacks something or has a wrong value.
    """
    try:
        tables = toml.loads(path.read_text("utf-8")).get("scene", [])
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({error.strerror})") from error
    except (toml.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MediaError(f"{path}: expected a catalogue in TOML ({error})") from error
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise MediaError(f"{path}: expected tables [[scene]]")
    cache = Cache(path.parent) if read is not None else None
    scenes = tuple(_scene(path, number, table, read, cache) for number, table in enumerate(tables, 1))
    if cache is not None:
        cache.save()
    names = [scene.name for scene in scenes]
    if twice := {name for name in names if names.count(name) > 1}:
        raise MediaError(f"{path}: expected every name once, got {', '.join(sorted(twice))} more than once")
    return scenes


def library(
    folder: Path,
    read: Read,
    suffixes: Collection[str],
    clips: Collection[str] = (),
    *,
    say: Callable[[str], object] = _silent,
) -> tuple[Scene, ...]:
    """The scenes of a user's folder, by name.

    A `catalogue.toml` in it is followed. Else all pictures in it and in its subfolders are scenes: those in a
    folder `beachwear`, `workwear` or `sportswear` suit that outfit, all others anybody. A scene's name is its
    path within the folder, without the suffix.

    Args:
        suffixes: of pictures, in lower case.
        clips: suffixes of clips.
        say: is told of each file that cannot be read.

    Raises:
        SettingError: the folder is not there or holds no picture.
        MediaError: its catalogue is damaged.
    """
    if not folder.is_dir():
        raise SettingError(f"--library {folder}: expected a folder of pictures, there is none")
    if (folder / FILE).is_file():
        return load(folder / FILE, read)
    cache = Cache(folder)
    found: list[Scene] = []
    unreadable = 0
    taken: set[str] = set()
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder)
        suffix = file.suffix.lower()
        hidden = any(part.startswith(".") for part in inside.parts)
        if hidden or suffix not in (*suffixes, *clips) or not file.is_file():
            continue
        try:
            measured = cache.statistics(file, read)
        except InputError as error:
            unreadable += 1
            say(f"left out of the library: {error}")
            continue
        outfits = tuple(part for part in inside.parts[:-1] if part in OUTFITS)
        name = inside.with_suffix("").as_posix()
        name = inside.as_posix() if name in taken else name
        taken.add(name)
        title = file.stem.replace("-", " ").replace("_", " ")
        found.append(Scene(name, file, "", title, outfits, loop=suffix in clips, **_fields(measured)))
    cache.save()
    if not found:
        what = f"{unreadable} files in it cannot be read" if unreadable else "there is none in it"
        raise SettingError(f"--library {folder}: expected pictures ({', '.join(sorted(suffixes))}); {what}")
    return tuple(found)


class Cache:
    """What was measured of a folder's pictures, in the user's cache folder.

    An entry holds as long as the file has the same size and time of change. A cache that cannot be read or
    written costs time and nothing else.

    Args:
        folder: the library.
    """

    def __init__(self, folder: Path) -> None:
        name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:32]
        self._file = weights.cache_folder() / "libraries" / f"{name}.json"
        self._known = self._read()
        self._used: dict[str, Any] = {}
        self._changed = False

    def statistics(self, file: Path, read: Read) -> Statistics:
        """A picture's statistics, measured where they are not known.

        Raises:
            InputError: the picture cannot be read.
        """
        path = str(file.resolve())
        status = file.stat()
        stamp = [status.st_mtime_ns, status.st_size]
        entry = self._known.get(path)
        found = _statistics(entry, stamp)
        if found is None:
            found = statistics(read(file))
            self._changed = True
        self._used[path] = {"stamp": stamp, "look": asdict(found)}
        return found

    def save(self) -> None:
        """Writes what was used; what no longer exists is forgotten."""
        if not self._changed and self._used.keys() == self._known.keys():
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._file.parent, prefix=".library.")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump({"version": VERSION, "pictures": self._used}, file)
                os.replace(temporary, self._file)
            except OSError:
                Path(temporary).unlink(missing_ok=True)
                raise
        except OSError:
            return  # a full disk, or a home without permission: the next call measures again

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._file.read_text("utf-8"))
            return dict(kept["pictures"]) if kept["version"] == VERSION else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}


def _statistics(entry: Any, stamp: list[int]) -> Statistics | None:
    """Of a cache's entry; None where it is of another file, or damaged."""
    try:
        if entry["stamp"] != stamp:
            return None
        values = entry["look"]
        red, green, blue = (float(component) for component in values["mean"])
        light = values["light"]
        if light not in LIGHT_SIDES:
            return None
        return Statistics((red, green, blue), float(values["luminance"]), float(values["warmth"]), light)
    except (KeyError, TypeError, ValueError):
        return None


def _scene(path: Path, number: int, table: Mapping[str, Any], read: Read | None, cache: Cache | None) -> Scene:
    name = table.get("name")
    where = f"{path}: scene {name if isinstance(name, str) else number}"
    measured = read is not None and cache is not None
    required = ({"name", "file"} if measured else REQUIRED | MEASURED) - table.keys()
    if required:
        raise MediaError(f"{where}: expected {', '.join(sorted(required))}, which it does not say")
    if unknown := table.keys() - REQUIRED - MEASURED - OPTIONAL:
        raise MediaError(f"{where}: {', '.join(sorted(unknown))}: nothing of this name is known")
    file = path.parent / _value(table, "file", str, where)
    if not file.is_file():
        raise MediaError(f"{where}: {file}: no such file")
    if read is not None and cache is not None and MEASURED - table.keys():
        table = {**_fields(cache.statistics(file, read)), **table}
    outfits = _value(table, "outfits", list | tuple, where, [])
    light, eye_height = _value(table, "light", str, where), _value(table, "eye_height", str, where, "")
    for value, names, field in ((light, LIGHT_SIDES, "light"), (eye_height, EYE_HEIGHTS, "eye_height")):
        if value not in names:
            raise MediaError(f"{where}: {field}: expected {', '.join(n for n in names if n)}; got {value!r}")
    if wrong := [outfit for outfit in outfits if outfit not in OUTFITS]:
        raise MediaError(f"{where}: outfits: expected {', '.join(OUTFITS)}; got {wrong[0]!r}")
    mean = [float(component) for component in _value(table, "mean", list | tuple, where) if _is_number(component)]
    if len(mean) != 3:
        raise MediaError(f"{where}: mean: expected red, green and blue from 0 to 1; got {table['mean']!r}")
    return Scene(
        name=_value(table, "name", str, where),
        file=file,
        kind=_value(table, "kind", str, where, ""),
        title=_value(table, "title", str, where, table["name"]),
        outfits=tuple(outfits),
        light=light,
        mean=(mean[0], mean[1], mean[2]),
        luminance=float(_value(table, "luminance", int | float, where)),
        warmth=float(_value(table, "warmth", int | float, where)),
        horizon=_value(table, "horizon", int | float, where, None),
        eye_height=eye_height,
        defocus=_value(table, "defocus", int | float, where, None),
        indoor=_value(table, "indoor", bool, where, None),
        loop=_value(table, "loop", bool, where, False),
    )


def _fields(measured: Statistics) -> dict[str, Any]:
    """As `Scene` and a catalogue name them."""
    return {name: getattr(measured, name) for name in MEASURED}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _value(table: Mapping[str, Any], field: str, kind: Any, where: str, *default: Any) -> Any:
    """A field of a scene, checked.

    Args:
        default: one value where the field may be left out.
    """
    if field not in table:
        if default:
            return default[0]
        raise MediaError(f"{where}: expected {field}, which it does not say")
    value = table[field]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        names = {str: "text", bool: "true or false", list | tuple: "a list"}
        raise MediaError(f"{where}: {field}: expected {names.get(kind, 'a number')}, got {value!r}")
    return value
