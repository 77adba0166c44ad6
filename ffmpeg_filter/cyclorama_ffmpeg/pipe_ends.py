"""The two ends of a filter in a pipe, as PyAV reads and writes them.

PyAV calls them from C, out of which nothing may be raised: an interrupt would be swallowed, a second error
printed. So whatever happens is kept, the stream seems to end, and `check` raises it.
"""

from __future__ import annotations

from io import RawIOBase

MOST_READ = 1 << 18  # bytes; a pipe gives 64 KiB at a time, four times that where somebody widened it


class Incoming:
    """Bytes as they come: a read waits for the first, never for more.

    Args:
        file: unbuffered.
    """

    def __init__(self, file: RawIOBase) -> None:
        self._file = file
        self._error: BaseException | None = None
        self._ahead = b""  # seen by `peek`, not read yet

    def read(self, size: int) -> bytes:
        """At most `size` bytes; none at the end."""
        if self._ahead:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        try:
            return b"" if self._error else self._file.read(min(size, MOST_READ)) or b""
        except BaseException as error:  # noqa: BLE001 - raised by `check`
            self._error = error
            return b""

    def peek(self, size: int, until: bytes = b"") -> bytes:
        """The next bytes, which stay to be read: `size` of them, or fewer at the end or after `until`.

        Raises:
            BaseException: as `check`.
        """
        while len(self._ahead) < size and not (until and until in self._ahead):
            ahead, self._ahead = self._ahead, b""
            more = self.read(size - len(ahead))
            self._ahead = ahead + more
            if not more:
                break
        self.check()
        return self._ahead[:size]

    def check(self) -> None:
        """Raises what has happened: an OSError, or an interrupt."""
        if self._error is not None:
            raise self._error


class Outgoing:
    """Bytes that leave at once, and completely.

    Args:
        file: unbuffered.
    """

    def __init__(self, file: RawIOBase) -> None:
        self._file = file
        self._error: BaseException | None = None

    def write(self, data: bytes) -> int:
        """Writes all of it; after an error nothing more."""
        rest = memoryview(data)
        try:
            while rest and self._error is None:
                rest = rest[self._file.write(rest) or 0 :]
        except BaseException as error:  # noqa: BLE001 - raised by `check`
            self._error = error
        return len(data)

    def check(self) -> None:
        """Raises what has happened: a BrokenPipeError where nobody reads any more, or an interrupt."""
        if self._error is not None:
            raise self._error
