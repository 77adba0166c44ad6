"""What every host program's plug-in needs: the worker's command written down beside it, and tried once.

Plug-ins run in their host's Python, which has neither NumPy nor Cyclorama. They start the worker with the interpreter
that this module writes into `engine.json`: the one that runs the installation.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cyclorama
from cyclorama import wire
from cyclorama.errors import InputError, OutputError
from cyclorama_ffmpeg.output import whole_file

ENGINE_FILE = "engine.json"
ANSWER_SECONDS = 120  # a first start reads the networks from a slow disk


@dataclass(frozen=True, slots=True)
class Trial:
    """A worker that was started once.

    Attributes:
        seconds: from its start until the network was ready; None where it did not get there.
        note: why not, or what the engine has to say about its device.
    """

    seconds: float | None
    note: str


@dataclass(frozen=True, slots=True)
class EngineFile:
    """What a plug-in was told.

    Attributes:
        command: starts the worker.
        version: of Cyclorama when it was written.
    """

    command: tuple[str, ...]
    version: str


def worker_command(interpreter: str | None = None) -> list[str]:
    """What starts a worker.

    Args:
        interpreter: a Python that has Cyclorama; None: this one. Its links are kept: a virtual environment's
            Python is a link, and what it leads to does not have the environment's packages.
    """
    return [interpreter or os.path.abspath(sys.executable), "-m", "cyclorama.worker"]  # noqa: PTH100 - resolves no link


def write_engine(folder: Path, command: Sequence[str], **more: object) -> None:
    """Writes `engine.json` into a plug-in's folder.

    Args:
        command: starts the worker as the host program has to.
        more: what that host's plug-in has to know besides.
    """
    values = {"command": list(command), **more, "version": cyclorama.__version__}
    with whole_file(folder / ENGINE_FILE) as temporary:
        temporary.write_text(json.dumps(values, indent=1) + "\n", "utf-8")


def read_engine(folder: Path) -> EngineFile:
    """What `write_engine` wrote.

    Raises:
        InputError: it is missing or damaged.
    """
    file = folder / ENGINE_FILE
    try:
        values = json.loads(file.read_text("utf-8"))
        return EngineFile(tuple(values["command"]), str(values["version"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{file}: cannot be read ({error}); install the plug-in again") from None


def remove(folder: Path) -> None:
    """Removes a plug-in's folder.

    Raises:
        OutputError: it cannot be removed.
    """
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be removed ({error.strerror})") from error


def try_worker(command: Sequence[str]) -> Trial:
    """Starts the worker, has it load the default network, and ends it."""
    start = time.perf_counter()
    try:
        # As the plug-ins do it: without their host's settings for its own Python, and nowhere near a checkout.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        client = wire.Client(list(command), subprocess.DEVNULL, env=environment, cwd=os.path.abspath(os.sep))  # noqa: PTH100
    except OSError as error:
        return Trial(None, f"{command[0]}: {error.strerror}")
    # The wire has no time limit of its own: networks take as long as they take.
    limit = threading.Timer(ANSWER_SECONDS, client.process.kill)
    limit.start()
    try:
        with client:
            client.request({"op": "hello"})
            answer, _ = client.request({"op": "open", "session": "trial"})
            return Trial(time.perf_counter() - start, answer["note"])
    except (wire.WireError, wire.WorkerError) as error:
        return Trial(None, str(error))
    finally:
        limit.cancel()
