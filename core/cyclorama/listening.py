"""A worker that several short-lived hosts share: it listens on a unix socket until nobody needs it.

GIMP's plug-ins end after every action. The first one makes the socket in a folder that only its user may enter and
hands it to the worker as standard input; those after it find a worker whose networks are loaded.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

GLANCE_SECONDS = 1.0  # between looks at whether the host program is still there


def listen(
    serve: Callable[[BinaryIO, BinaryIO], None], listener: socket.socket, *, idle_seconds: float, parent: int | None
) -> None:
    """Serves one connection after the other.

    Returns after `idle_seconds` without one, or once the process `parent` has ended, and removes the socket's file.
    """
    last = time.monotonic()
    try:
        while time.monotonic() - last < idle_seconds and (parent is None or alive(parent)):
            if not select.select([listener], [], [], GLANCE_SECONDS)[0]:
                continue
            connection, _ = listener.accept()
            # The host may go away at any time; that ends its connection and nothing else.
            with (
                contextlib.suppress(ConnectionError),
                connection,
                connection.makefile("rb") as requests,
                connection.makefile("wb") as answers,
            ):
                serve(requests, answers)
            last = time.monotonic()
    finally:
        name = listener.getsockname()
        listener.close()
        if name:
            Path(os.fsdecode(name)).unlink(missing_ok=True)


def alive(process: int) -> bool:
    """Whether a process of that number exists, whoever's it is."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
