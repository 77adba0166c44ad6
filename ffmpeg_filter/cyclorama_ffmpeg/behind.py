"""Work that is done behind the calling thread, in order."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeAlias

Work: TypeAlias = Callable[[], object]

WAITING = 2  # pieces of work; each holds a frame or two


class Behind:
    """A thread that does work in the order in which it is given; to be used as a context manager.

    When the block is left, all that was handed over is done.
    """

    def __init__(self) -> None:
        self._queue: queue.Queue[Work | None] = queue.Queue(WAITING)
        self._error: BaseException | None = None
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name="finish", daemon=True)

    def __enter__(self) -> Behind:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._abandoned = kind is not None  # what is still waiting is not done
        self._queue.put(None)
        self._thread.join()
        if kind is None:
            self._check()

    def put(self, work: Work) -> None:
        """Hands over a piece of work; waits while many are waiting.

        Raises:
            The exception of an earlier one. Nothing is done after that.
        """
        self._check()
        self._queue.put(work)

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while (work := self._queue.get()) is not None:
            if self._error is None and not self._abandoned:
                self._error = _error_of(work)


def _error_of(work: Work) -> BaseException | None:
    try:
        work()
    except BaseException as error:  # noqa: BLE001 - whatever it is, the other thread raises it
        return error
    return None
