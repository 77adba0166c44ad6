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
matte       session, height, width, depth, foreground, trimap; payload:     height, width, depth; payload:
            RGB, then the trimap if it is true                              alpha, then RGB if asked for
render      session, height, width, depth, time; payload: RGB               height, width, channels; payload
reset       session                                                         (empty)
close       session                                                         (empty)
layer       session, height, width, depth, channels, planes, outside,       height, width, found, rectangles;
            colours, room; payload: pixels, then the planes                 payload: mask, each rectangle's
                                                                            pixels, the room
scenes                                                                      scenes: each scene, title
scene       scene, height, width                                            payload: 8-bit sRGB that covers it
cover       height, width, depth, to_height, to_width; payload: RGB         payload: RGB that covers it
suggest     session, height, width, top, thumbnail; payload: 8-bit RGB      suggestions, outfits, height,
                                                                            width; payload: thumbnails, RGB
==========  ==============================================================  ==================================

`depth` is 8 or 16 bits, little-endian, for all planes of a message. An answer with "error" in its header
({"kind", "message"}) says why a request failed; the worker goes on. Before the answer to a request with
"stages": true come messages {"stage": name}, each as that part of the work begins and the last "answer"; a
worker whose host has gone away stops at the next one.

`layer` is what editors ask (see `cyclorama.layers`). Its depth may be 32 too: floats. Its planes are out of
"view" (RGB in sRGB), "selection", "mask" and "trimap" (one channel each); they have 8 bits where the pixels have,
else 16, and so has the mask of the answer. "colours" is "keep", "clean" or "renew", "room" {"radius": pixels or
null} where the blurred room is wanted. Rectangles are [top, left, height, width]. `suggest` answers with each
scene, title, score and reason, the best first, and with "thumbnail", a long side, with the subject before it.
"""

import contextlib
import json
import socket
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


class Connection:
    """The two ends of a pipe or socket that leads to a worker.

    Args:
        requests, answers: binary streams, the first to write, the second to read.
    """

    def __init__(self, requests, answers):
        self._requests, self._answers = requests, answers

    def request(self, header, payload=b"", on_stage=None):
        """Sends a request and waits for its answer: (header, payload).

        Args:
            on_stage: called with the name of each stage of the work as it begins.

        Raises:
            WorkerError: the worker refused it. WireError: the worker ended.
        """
        if on_stage is not None:
            header = dict(header, stages=True)
        try:
            write(self._requests, header, payload)
            answer = read(self._answers)
            while answer is not None and "stage" in answer[0]:
                on_stage(answer[0]["stage"])
                answer = read(self._answers)
        except OSError as error:
            raise WireError("the worker's pipe broke (%s)%s" % (error, self._ending())) from None
        if answer is None:
            raise WireError("the worker ended before it answered" + self._ending())
        header, payload = answer
        if "error" in header:
            raise WorkerError(header["error"]["kind"], header["error"]["message"])
        return header, payload

    def close(self):
        """Hangs up."""
        with contextlib.suppress(OSError):  # the worker is gone, and some bytes were still on their way
            self._requests.close()
        self._answers.close()

    def _ending(self):
        """What is known of how the worker ended, to be put behind a message."""
        return ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def connect(path):
    """A connection to the worker that listens on the unix socket `path`.

    Raises:
        OSError: nobody does.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
        end.connect(path)
        return Connection(end.makefile("wb"), end.makefile("rb"))


class Client(Connection):
    """A worker process and the two ends of its pipe.

    Args:
        command: for example [interpreter, "-m", "cyclorama.worker"].
        log: an open file for what the worker and its libraries print; None: this process's own stderr.
        options: more of `subprocess.Popen`'s, such as cwd and env.
    """

    def __init__(self, command, log=None, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, **options)
        super().__init__(self.process.stdin, self.process.stdout)

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

    def _ending(self):
        with contextlib.suppress(subprocess.TimeoutExpired):  # its end of the pipe may close some moments earlier
            self.process.wait(1)
        return "; its exit status is %r" % self.process.returncode
