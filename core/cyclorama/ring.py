"""Memory that a live host program shares with the live worker (`cyclorama.live`).

The host maps one file, which the worker inherits or opens. It holds a header and `STREAMS` streams, one for each
filtered source. A stream has one picture and one answer: the host writes the picture, then raises `request`, and
kicks the worker with one byte on its standard input; the worker writes the planes, then sets `answer` to it. While
they differ the picture and the planes are the worker's, else the host's, so nobody waits for a lock and no picture is
half of one frame and half of another.

This file needs the standard library alone and runs on Python 3.6 and later: it is copied beside the OBS script, which
hands these structures on to the graphics side as C declarations.
"""

import ctypes

VERSION = 1
STREAMS = 4
PIXELS = 640 * 640  # most of a working picture
TEXT = 512  # bytes of a message, UTF-8 with a zero at its end
PATH = 1024

STOPPED, STARTING, READY, FAILED = range(4)  # states of the worker
OPEN, MATTE, SUGGEST = 1, 2, 3  # kinds of request
NO_FILE, PICTURE, CLIP = range(3)  # kinds of background

UINT, REAL, CHARACTER = ctypes.c_uint32, ctypes.c_float, ctypes.c_char
C_NAMES = {UINT: "uint32_t", REAL: "float", ctypes.c_int64: "int64_t", CHARACTER: "char"}


class Header(ctypes.Structure):
    """What concerns all streams. `epoch` is the number of the worker, so that answers of a dead one are not taken."""

    _fields_ = (
        ("version", UINT),
        ("epoch", UINT),
        ("state", UINT),
        ("padding", UINT),
        ("kick", ctypes.c_int64),  # the pipe's end that the host writes to: descriptor, or Windows' handle
        ("model", CHARACTER * 32),
        ("device", CHARACTER * 32),
        ("message", CHARACTER * TEXT),
    )


class Stream(ctypes.Structure):
    """One source. Its filter writes the fields down to `path`, the host's script `source` and `source_serial`, and the
    worker those from `answer` on."""

    _fields_ = (
        ("claim", UINT),  # who uses the stream: counts upwards; 0 nobody
        ("request", UINT),
        ("request_epoch", UINT),
        ("kind", UINT),
        ("source_width", UINT),
        ("source_height", UINT),
        ("width", UINT),  # of the picture
        ("height", UINT),
        ("smoothing", REAL),
        ("blur", REAL),  # standard deviation as a share of the long side
        ("want_colours", UINT),
        ("want_blurred", UINT),
        ("visible", UINT),  # 1 while it is drawn
        ("wanted", UINT),  # counts the backgrounds asked for
        ("wanted_kind", UINT),  # NO_FILE, PICTURE or CLIP, at `path`
        ("in_use", UINT),  # the last `source_serial` that was drawn
        ("path", CHARACTER * PATH),
        ("source", ctypes.c_int64),  # pointer to OBS' source of the background, or 0
        ("source_serial", UINT),  # which of the wanted ones it is
        ("answer", UINT),
        ("failed", UINT),  # 1: the last request could not be done; `message` says why
        ("working_width", UINT),  # answers to OPEN: the size that pictures are wanted in
        ("working_height", UINT),
        ("milliseconds", REAL),  # of work for a matte, a running mean
        ("mattes", UINT),  # made since the stream was opened
        ("unchanged", UINT),  # requests that the last matte answered, because the picture stood still
        ("suggested", UINT),  # counts the answers to SUGGEST; they come when they are ready, mattes go on meanwhile
        ("message", CHARACTER * TEXT),
        ("suggestions", CHARACTER * PATH),  # lines "scene<tab>reason", the best first
    )


# Planes of a stream: name -> bytes a pixel. All have the picture's size.
PLANES = (
    ("picture", 4),  # BGRA, the frame at working size
    ("models", 8),  # RGBA half floats: alpha = r * R + g * G + b * B + a of the large picture's colours
    ("subject", 4),  # RGBA: the subject's colours spread outwards; A: the matte, wide and soft
    ("room", 4),  # RGBA: the room's colours spread under the subject
    ("blurred", 4),  # RGBA: the room out of focus
)
PAGE = 4096
HEADER_BYTES = PAGE
RECORD_BYTES = PAGE
STREAM_BYTES = RECORD_BYTES + sum(size for _, size in PLANES) * PIXELS
BYTES = HEADER_BYTES + STREAMS * STREAM_BYTES


def stream_offset(index):
    """Where a stream's record begins."""
    return HEADER_BYTES + index * STREAM_BYTES


def plane_offsets():
    """Where each plane begins, from the stream's record."""
    offsets, position = {}, RECORD_BYTES
    for name, size in PLANES:
        offsets[name] = position
        position += size * PIXELS
    return offsets


def c_declarations():
    """The two structures in C, so that there is one place that knows them."""
    return "\n".join(_c_structure(kind) for kind in (Header, Stream))


def _c_structure(kind):
    lines = []
    for name, field in kind._fields_:
        array = issubclass(field, ctypes.Array)
        length = "[%d]" % field._length_ if array else ""
        lines.append("    %s %s%s;" % (C_NAMES[field._type_ if array else field], name, length))
    return "typedef struct {\n%s\n} cyclorama_%s;" % ("\n".join(lines), kind.__name__.lower())


def text(message, most=TEXT):
    """A message as a structure's field takes it: cut to fit, without half a character at its end."""
    return message.encode("utf-8")[: most - 1].decode("utf-8", "ignore").encode("utf-8")
