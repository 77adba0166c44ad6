"""Reaching the worker: one that is still warm, or a new one by the interpreter that the installation wrote down.

The first action starts a worker that listens on a socket in a folder of the user's own; later ones find its networks
loaded. It leaves by itself when it has been idle for some minutes or GIMP has ended. Where there are no such
sockets (Windows), or the worker lives outside of GIMP's sandbox, each action has a worker of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import cyclorama.wire as wire
from cyclorama_gimp.translation import _

FOLDER = Path(__file__).parent.parent
ENGINE, SCENES = FOLDER / "engine.json", FOLDER / "scenes.json"
AGAIN = _("Run “cyclorama install gimp” again.")
# What GIMP's packages set for their own Python and libraries, and what breaks any other.
FOREIGN = ("PYTHON", "LD_", "DYLD_", "GI_TYPELIB_PATH", "__PYVENV_LAUNCHER__")
LONGEST_SOCKET = 100  # bytes of a path; the system's limit is 104 or 108


class EngineError(Exception):
    """The engine cannot be reached or could not finish; the message is for a dialog."""


@dataclass(frozen=True)
class Installed:
    """What the installation wrote down.

    Attributes:
        command: starts the worker.
        warm: whether it may stay for later actions.
    """

    command: tuple[str, ...]
    warm: bool


def installed(file: Path = ENGINE) -> Installed:
    """Reads engine.json."""
    try:
        values = json.loads(file.read_text("utf-8"))
        return Installed(tuple(values["command"]), bool(values["warm"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EngineError(_("{file} cannot be read ({error}).").format(file=file, error=error) + " " + AGAIN) from None


def scene_titles(file: Path = SCENES) -> dict[str, str]:
    """Titles of the built-in backgrounds, by their names."""
    try:
        return dict(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError) as error:
        raise EngineError(_("{file} cannot be read ({error}).").format(file=file, error=error) + " " + AGAIN) from None


@contextlib.contextmanager
def connection(engine: Installed, host: int) -> Iterator[Any]:
    """A `cyclorama.wire.Connection` to a worker that answers.

    Args:
        host: GIMP's process number.

    Raises:
        EngineError: there is no worker, it ended too early, or it refused what was asked of it.
    """
    folder = private_folder()
    log = folder / f"gimp-{host}.log"
    try:
        if engine.warm and hasattr(socket, "AF_UNIX"):
            opened = _warm(engine, folder, host, log)
        else:
            with log.open("wb") as output:
                opened = wire.Client(list(engine.command), output, **_surroundings())
        with opened:
            _greet(opened)
            yield opened
    except wire.WorkerError as error:
        raise EngineError(str(error)) from None
    except wire.WireError as error:
        raise EngineError(_ended(error, log)) from None
    except OSError as error:  # the interpreter is gone or is no program
        words = _("Cyclorama's engine cannot be started: {command}: {error}.")
        raise EngineError(words.format(command=engine.command[0], error=error.strerror) + " " + AGAIN) from None


def private_folder() -> Path:
    """A folder for sockets and logs that nobody else may enter.

    Raises:
        EngineError: somebody else made it.
    """
    if not hasattr(os, "getuid"):
        folder = Path(tempfile.gettempdir()) / "cyclorama"
        folder.mkdir(exist_ok=True)
        return folder
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    folder = Path(runtime) / "cyclorama"
    if not runtime or not os.access(runtime, os.W_OK) or len(os.fsencode(folder)) > LONGEST_SOCKET - 24:
        folder = Path("/tmp") / f"cyclorama-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o170077 != 0o040000:
        words = _("{folder} is not a folder of yours alone, and Cyclorama keeps its engine's socket there; remove it.")
        raise EngineError(words.format(folder=folder))
    return folder


def _warm(engine: Installed, folder: Path, host: int, log: Path) -> Any:
    """A connection to this GIMP's worker, which is started if it is not there."""
    path = folder / f"gimp-{host}.sock"
    with _lock(folder):
        with contextlib.suppress(OSError, wire.WireError):
            opened = wire.connect(str(path))
            _greet(opened)  # it may be about to leave
            return opened
        _remove_stale(folder, path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener, log.open("wb") as output:
            listener.bind(str(path))
            # Before the worker runs: its callers wait in the queue, and nobody takes the socket for a stale one.
            listener.listen()
            command = [*engine.command, "--listen", "--parent", str(host)]
            try:
                subprocess.Popen(
                    command,
                    stdin=listener.fileno(),
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # GIMP ends a plug-in with all of its group, and the worker shall stay
                    **_surroundings(),
                )
            except OSError:
                path.unlink()
                raise
    return wire.connect(str(path))


def _greet(opened: Any) -> None:
    answer, _planes = opened.request({"op": "hello"})
    if answer["protocol"] != wire.PROTOCOL:
        raise EngineError(_("The plug-in and the engine are of different versions.") + " " + AGAIN)


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Two actions at the same time start one worker."""
    import fcntl  # not on Windows, where no worker is shared

    with (folder / "lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_stale(folder: Path, own: Path) -> None:
    """Removes this GIMP's dead socket, and what others left that were killed."""
    own.unlink(missing_ok=True)
    for file in [*folder.glob("gimp-*.sock"), *folder.glob("gimp-*.log")]:
        with contextlib.suppress(ValueError, PermissionError):
            try:
                os.kill(int(file.stem.partition("-")[2]), 0)
            except ProcessLookupError:
                file.unlink(missing_ok=True)


def _surroundings() -> dict[str, Any]:
    """Environment and folder for another Python than GIMP's."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    options: dict[str, Any] = {"env": environment}
    # `-m` looks in the working folder first, and the plug-in's own has a part of the package in it.
    options["cwd"] = os.path.abspath(os.sep)  # noqa: PTH100 - the drive's root on Windows
    if sys.platform == "win32":
        options["creationflags"] = subprocess.CREATE_NO_WINDOW
    return options


def _ended(error: Exception, log: Path) -> str:
    """What a dialog says of a worker that ended."""
    with log.open("rb") as file:
        last = _last_line(file)
    if "No module named" in last:
        return _("Cyclorama is no longer installed where the plug-in looks for it ({reason}).").format(reason=last) + (
            " " + AGAIN
        )
    words = _(
        "Cyclorama's engine ended before it was done. The picture is unchanged. Often there was too little memory: "
        "close other programs or scale the picture down, and try again. Its log: {log}"
    )
    return words.format(log=log) + (f"\n{last or error}")


def _last_line(file: BinaryIO) -> str:
    lines = file.read()[-2000:].decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""
