"""Messages between a host program's plug-in and the worker process.

A message is one line of JSON, then as many raw bytes as its "bytes" says. No ports, no pickle, no
temporary pictures. This file needs the standard library alone and runs on Python 3.8 and later: it is
copied beside the plug-ins, whose hosts bring their own Python without NumPy.

Requests that the worker answers (see `cyclorama.worker`):

==========  ==============================================================  ==================================
op          header                                                          answer
==========  ==============================================================  ==================================
hello                                                                       version, protocol, models
open        session, model, device, settings; payload: background's pixels  model, device, note
settings    session, settings; payload: background's pixels                 (empty)
matte       session, height, width, depth, foreground; payload: RGB         height, width, depth; payload:
                                                                            alpha, then RGB if asked for
render      session, height, width, depth, time; payload: RGB               height, width, channels; payload
reset       session                                                         (empty)
close       session                                                         (empty)
==========  ==============================================================  ==================================

`depth` is 8 or 16 bits, little-endian, for all planes of a message. An answer with "error" in its header
({"kind", "message"}) says why a request failed; the worker goes on.
"""

import contextlib
import json
import subprocess

PROTOCOL = 1
LONGEST_HEADER = 1 << 16
MOST_BYTES = 1 << 32


class WireError(Exception):
    """The pipe carried something that is no message, or ended inside one."""


class WorkerError(Exception):
    """The worker refused a request; `kind` is the name of its exception."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def write(stream, header, payload=b""):
    """Sends one message: a dict for JSON, and any bytes-like object."""
    size = memoryview(payload).nbytes
    line = json.dumps(dict(header, bytes=size), separators=(",", ":")).encode("utf-8")
    stream.write(line + b"\n")
    if size:
        stream.write(payload)
    stream.flush()


def read(stream):
    """Receives one message: (header, payload as bytearray), or None where the stream ended between messages."""
    line = stream.readline(LONGEST_HEADER)
    if not line:
        return None
    try:
        header = json.loads(line.decode("utf-8"))
        size = header.get("bytes", 0)
        if not (line.endswith(b"\n") and isinstance(size, int) and 0 <= size <= MOST_BYTES):
            raise ValueError
    except (ValueError, AttributeError):
        raise WireError("expected one line of JSON with a whole number of bytes, got %r" % line[:80]) from None
    payload = bytearray(size)
    view = memoryview(payload)
    while view:
        count = stream.readinto(view)
        if not count:
            raise WireError("expected %d bytes after the header, the stream ended %d short" % (size, len(view)))
        view = view[count:]
    return header, payload


class Client:
    """A worker process and the two ends of its pipe.

    Args:
        command: for example [interpreter, "-m", "cyclorama.worker"].
        log: an open file for what the worker and its libraries print; None: this process's own stderr.
    """

    def __init__(self, command, log=None):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        self._requests, self._answers = self.process.stdin, self.process.stdout

    def request(self, header, payload=b""):
        """Sends a request and waits for its answer: (header, payload).

        Raises:
            WorkerError: the worker refused it. WireError: the worker ended.
        """
        try:
            write(self._requests, header, payload)
            answer = read(self._answers)
        except OSError as error:
            raise WireError("the worker's pipe broke (%s); it ended with %r" % (error, self.process.poll())) from None
        if answer is None:
            raise WireError("the worker ended (exit status %r) before it answered" % self.process.wait())
        header, payload = answer
        if "error" in header:
            raise WorkerError(header["error"]["kind"], header["error"]["message"])
        return header, payload

    def close(self, timeout=5.0):
        """Ends the worker: it leaves by itself when its input ends, and is killed if it does not."""
        with contextlib.suppress(OSError):  # it is dead already, and some bytes were still on their way
            self._requests.close()
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._answers.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
