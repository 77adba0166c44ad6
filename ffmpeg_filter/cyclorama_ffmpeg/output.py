"""Output files that appear whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cyclorama.errors import OutputError


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


def _beside(target: Path) -> Path:
    # The suffix stays: writers choose the format by it. The dot hides it from a folder's view.
    return target.with_name(f".{target.stem}.{secrets.token_hex(4)}.part{target.suffix}")
