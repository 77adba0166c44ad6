"""Which files a call means, and what its results are called."""

from __future__ import annotations

import glob
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from cyclorama.errors import MediaError, OutputError
from cyclorama_ffmpeg.output import is_sequence

MARK = "-cyclorama"  # ends the names of results that are named here


def expand(inputs: Iterable[str], suffixes: Collection[str], kind: str) -> list[Path]:
    """Files named, files of folders named, and files of patterns that the shell left alone; each once.

    Of a folder those count that end in one of `suffixes`, that are not hidden, and that are not results of
    an earlier call.

    Args:
        kind: what is looked for, for messages: "pictures".

    Raises:
        MediaError: a folder has none, or nothing matches a pattern.
    """
    return list(dict.fromkeys(_expanded(inputs, suffixes, kind)))


def _expanded(inputs: Iterable[str], suffixes: Collection[str], kind: str) -> Iterator[Path]:
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if _counts(p, suffixes))
            if not found:
                raise MediaError(f"{path}: expected {kind} in this folder, it has none")
            yield from found
        elif not path.exists() and glob.has_magic(text):
            found = sorted(Path(m) for m in glob.glob(text, recursive=True))  # noqa: PTH207 - absolute patterns too
            matches = [m for m in found if m.is_file()]
            if not matches:
                raise MediaError(f"{text}: no file matches")
            yield from matches
        else:
            yield path


def _counts(path: Path, suffixes: Collection[str]) -> bool:
    hidden, result = path.name.startswith("."), path.stem.endswith(MARK)
    return path.suffix.lower() in suffixes and not hidden and not result and path.is_file()


def folder_of(wish: Path | None) -> Path | None:
    """The folder that an option for outputs names: one that exists, or a name without a suffix; else None."""
    return wish if wish is not None and (wish.is_dir() or not wish.suffix) else None


def place(wish: Path | None, default: Path, count: int, kind: str) -> Path:
    """Where one result goes.

    Args:
        wish: a file, or a folder (see `folder_of`); None: `default` it is.
        default: its folder counts where nothing is wished, its name in a wished folder too.
        count: of results that the wish is for.

    Raises:
        OutputError: one file is named for several results, or in a folder that is not there.
    """
    if wish is None:
        return default
    folder = folder_of(wish)
    if folder is not None:
        return folder / default.name
    if count > 1:
        raise OutputError(f"{wish}: expected a folder for {count} {kind}, got a file's name")
    if not is_sequence(wish) and not wish.parent.is_dir():
        raise OutputError(f"{wish.parent}: no such folder; make it first")
    return wish


def check_distinct(results: Iterable[tuple[Path, Path]]) -> None:
    """Raises OutputError where two results, given as (source, target), have the same target."""
    seen: dict[Path, Path] = {}
    for source, target in results:
        # By the folder's true path: a link or `..` makes a second name, not a second file.
        true = target.parent.resolve() / target.name
        if true in seen:
            raise OutputError(
                f"{target}: would be written twice (from {seen[true]} and {source}); rename one of them, "
                "or choose another name with -o or --matte"
            )
        seen[true] = source


def identity(path: Path) -> tuple[int, int] | None:
    """What links and other spellings of a file's name have in common; None where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def make_folder(folder: Path) -> None:
    """Makes a folder that was asked for; only when its first file is written: a call that fails leaves none."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror})") from error
