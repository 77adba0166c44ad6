"""The hidden folder beside an output in which its work lies until it is whole.

A run that is killed leaves it; the next one for the same output goes on with it, or takes it away.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from cyclorama.errors import OutputError
from cyclorama_ffmpeg import state_file
from cyclorama_ffmpeg.output import UNFINISHED, is_sequence

JOB, LOCK, END, ELSEWHERE = "job.json", "lock", "end", "elsewhere.json"
PART = ".part"  # ends the names of files that are not whole


def work_folder(target: Path) -> Path:
    """Where the work on an output lies; a sequence's folder may not be there yet."""
    name = target.name
    if is_sequence(target):
        folder = target.parent.resolve()
        inside = folder / f".{name}.cyclorama"
        beside = folder.with_name(f".{folder.name}.{name}.cyclorama")
        return inside if folder.is_dir() and not beside.is_dir() else beside
    return target.with_name(f".{name}.cyclorama")


def is_cut_off(target: Path) -> bool:
    """Whether a run for this output was cut off, or is still at work."""
    return (work_folder(target) / JOB).is_file()


def discard(target: Path) -> None:
    """Takes away what a run for this output left.

    Raises:
        OutputError: it is still at work.
    """
    folder = work_folder(target)
    if folder.is_dir():
        with _locked(folder, target):
            _clear_elsewhere(folder)
        shutil.rmtree(folder, ignore_errors=True)


class WorkFolder:
    """The work on one output: a context manager, which takes the folder away where the work came to its end.

    Of each segment there are one file a track (encoded pictures) and one of the state after it. It counts
    when all of them are whole.

    Args:
        target: the output.
        job: all that decides over the pictures, in words: a name for each thing and what it is.
        tracks: names: "picture", "matte".
        resume: go on with what is there, and leave it there when the work is stopped.

    Raises:
        OutputError: another run is at work on it; or what is there was made otherwise, or cannot be written.
    """

    def __init__(self, target: Path, job: Mapping[str, str], tracks: Sequence[str], *, resume: bool) -> None:
        self._target, self._job, self._tracks, self._resume = target, dict(job), list(tracks), resume
        self._folder = work_folder(target)
        self._lock: IO[bytes]

    def __enter__(self) -> WorkFolder:
        try:
            self._folder.mkdir(exist_ok=True)
            self._lock = _locked(self._folder, self._target)
            _clear_elsewhere(self._folder)
            before = self._folder / JOB
            if self._resume and before.is_file():
                self._check(before)
            else:
                for old in self._folder.iterdir():
                    if old.name != LOCK:
                        old.unlink()
                self._whole(JOB).write_text(json.dumps(self._job, indent=1), "utf-8")
                self.settle(JOB)
        except OSError as error:
            raise OutputError(f"{self._folder}: cannot be written to ({error.strerror or error})") from error
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._lock.close()
        if kind is None or not self._resume:
            shutil.rmtree(self._folder, ignore_errors=True)

    def answer_for(self, paths: Sequence[Path]) -> None:
        """Names unfinished files that lie elsewhere: where this process is killed, the next one takes them away."""
        self._whole(ELSEWHERE).write_text(json.dumps([str(path.absolute()) for path in paths]), "utf-8")
        self.settle(ELSEWHERE)

    def part(self, track: str, index: int) -> Path:
        """Where a segment's pictures are written."""
        return self._whole(_name(track, index))

    def settle(self, name: str) -> None:
        """Says that a file is whole."""
        os.replace(self._whole(name), self._folder / name)

    def settle_track(self, track: str, index: int) -> None:
        self.settle(_name(track, index))

    def save(self, index: int, state: object) -> None:
        """Keeps the state after a segment; older ones, which nobody needs any more, go."""
        state_file.save(self._folder / _name("state", index), state)
        (self._folder / _name("state", index - 2)).unlink(missing_ok=True)

    def finish(self, state: object) -> None:
        """Says that all segments are there."""
        state_file.save(self._folder / END, state)

    def finished(self) -> Any:
        """What was given to `finish`; None: there is more to do."""
        return state_file.load(self._folder / END) if (self._folder / END).is_file() else None

    def count(self) -> int:
        """Segments after which the work can go on."""
        count = self._recorded()
        return count if (self._folder / _name("state", count - 1)).is_file() else 0

    def state(self, index: int) -> Any:
        """The state after a segment."""
        return state_file.load(self._folder / _name("state", index))

    def track(self, track: str) -> list[Path]:
        """A track's files in order."""
        return [self._folder / _name(track, index) for index in range(self._recorded())]

    def _recorded(self) -> int:
        count = 0
        while all((self._folder / _name(track, count)).is_file() for track in self._tracks):
            count += 1
        return count

    def _whole(self, name: str) -> Path:
        return self._folder / f"{name}{PART}"

    def _check(self, before: Path) -> None:
        try:
            then = json.loads(before.read_text("utf-8"))
        except ValueError:
            then = {}
        names = [name for name in {**then, **self._job} if then.get(name) != self._job.get(name)]
        if names:
            what = "; ".join(f"{n}: {then.get(n, 'none')}, now {self._job.get(n, 'none')}" for n in names)
            raise OutputError(
                f"{self._target}: the run that was cut off was another ({what}); give the same as then, or start anew "
                "with --overwrite and without --resume"
            )


def _name(track: str, index: int) -> str:
    return f"{index:06}.{track}"


def _clear_elsewhere(folder: Path) -> None:
    if (folder / ELSEWHERE).is_file():
        for path in map(Path, json.loads((folder / ELSEWHERE).read_text("utf-8"))):
            unfinished = path.parent if is_sequence(path) else path  # a sequence has a folder of its own
            if not UNFINISHED.match(unfinished.name):
                continue  # whoever wrote the list, nothing else goes
            if unfinished.is_dir():
                shutil.rmtree(unfinished, ignore_errors=True)
            else:
                unfinished.unlink(missing_ok=True)
        (folder / ELSEWHERE).unlink()


def _locked(folder: Path, target: Path) -> IO[bytes]:
    """Opens the folder's lock, which is held until it is closed, or the process ends however it ends."""
    file = (folder / LOCK).open("wb")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise OutputError(
            f"{target}: another run is at work on it; wait for its end, or choose another name"
        ) from error
    return file
