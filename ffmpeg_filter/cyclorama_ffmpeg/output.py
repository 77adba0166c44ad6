"""Output files that appear whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cyclorama.errors import OutputError

UNFINISHED = re.compile(r"\..*\.[0-9a-f]{8}\.part(\.\w+)?$")  # names of what is not whole yet
NUMBER = re.compile(r"%0?[0-9]*d")


def check_target(target: Path, sources: tuple[Path, ...], *, overwrite: bool) -> None:
    """Raises OutputError where writing to `target` would lose something or cannot work.

    Called before the work starts: nobody wants to hear of it after an hour.
    """
    for source in sources:
        if target.exists() and source.exists() and target.samefile(source):
            raise OutputError(f"{target}: the output is the input itself; choose another name with -o")
    if target.is_dir():
        raise OutputError(f"{target}: expected a file to write, this is a folder")
    if target.exists() and not overwrite:
        raise OutputError(f"{target}: exists already; give --overwrite or another name with -o")
    _check_folder(target)


def check_sequence(target: Path, *, overwrite: bool) -> None:
    """Raises OutputError where a sequence of pictures, frames/%05d.png, cannot be written or would hit another.

    Its folder may be missing; then the folder appears whole.
    """
    there = sequence_files(target)
    if there and not overwrite:
        raise OutputError(f"{there[0]}: exists already; give --overwrite or another name with -o")
    _check_folder(target if target.parent.is_dir() else target.parent)


def is_sequence(target: Path) -> bool:
    """Whether a name has a place for a number, as frames/%05d.png has."""
    return NUMBER.search(target.name) is not None


def sequence_files(target: Path) -> list[Path]:
    """The files that are there under the numbers of a sequence, in order."""
    number = NUMBER.search(target.name)
    if number is None or not target.parent.is_dir():
        return []
    start, end = re.escape(target.name[: number.start()]), re.escape(target.name[number.end() :])
    return sorted(p for p in target.parent.iterdir() if re.fullmatch(f"{start}[0-9]+{end}", p.name))


def _check_folder(target: Path) -> None:
    folder = target.parent
    if not folder.is_dir():
        raise OutputError(f"{folder}: no such folder; make it first")
    # Asking for permission is not enough (read-only file systems, root): try.
    probe = _beside(target)
    try:
        probe.touch(exist_ok=False)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written to ({error.strerror}); choose another place with -o") from error
    probe.unlink()


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Gives a name beside `target` to write to, and moves it into place if nothing was raised.

    Whatever is raised inside, an interrupt too, leaves `target` as it was and nothing beside it.
    """
    temporary = _beside(target)
    try:
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_sequence(target: Path) -> Iterator[Path]:
    """The same for a sequence of pictures: gives a pattern in a folder of its own.

    Pictures of an earlier sequence of the same name go when the new ones are whole.
    """
    folder = target.parent.resolve()
    there = folder.is_dir()
    temporary = _beside(folder / "frames" if there else folder)
    try:
        temporary.mkdir()
        yield temporary / target.name
        if not there:
            os.replace(temporary, folder)
            return
        for old in sequence_files(target):
            old.unlink()
        for picture in sorted(temporary.iterdir()):
            os.replace(picture, folder / picture.name)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _beside(target: Path) -> Path:
    # The suffix stays: writers choose the format by it. The dot hides it from a folder's view.
    return target.with_name(f".{target.stem}.{secrets.token_hex(4)}.part{target.suffix}")
