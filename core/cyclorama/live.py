"""The live worker: `python -m cyclorama.live` answers the streams of a `cyclorama.ring` until its input ends.

A kick, one byte on standard input, says that some stream has a request. What comes back is made for a shader that
composites at the frame's own size: the coefficients of the guided filter, and the spread colours of subject and room,
all at the network's size. The shader's few lines are then the last step of `refine` and `foreground`, and the matte
is the same as everywhere else.
"""

from __future__ import annotations

import argparse
import contextlib
import mmap
import os
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama import catalogue, ring
from cyclorama.band import marked, unsure
from cyclorama.composite import blurred_room
from cyclorama.engine import Engine, Session
from cyclorama.errors import CycloramaError
from cyclorama.foreground import both_sides, to_levels
from cyclorama.matting import FOR_LIVE
from cyclorama.memory import keep_freed_memory
from cyclorama.refine import MARGIN, edge_model
from cyclorama.suggesting import suggest_for
from cyclorama.temporal import STILL, WINDOW
from cyclorama.types import Alpha, Original, Rgb, Settings

KICKS = 64  # bytes read at once: several kicks are one look at all streams
MEMORY_OF_TIMES = 0.9  # share of the running mean that is kept
WIDE = 0.03  # half width of the soft matte for light wrap, of the long side
HALF_A_LEVEL = 0.5 / 255  # of alpha; less cannot be seen
SUGGESTIONS = 5  # at most
CANNOT_START = 3  # exit status

Planes = dict[str, NDArray[np.generic]]
Colours = list[NDArray[np.uint8]]


@dataclass(slots=True)
class Memory:
    """One stream's session, and the last picture that went through the network."""

    claim: int
    session: Session
    shape: tuple[int, int]
    picture: Rgb | None = None
    alpha: Alpha | None = None


class Live:
    """Answers requests over one loaded engine.

    Args:
        shared: the mapped ring.
        engine: what all streams use.
    """

    def __init__(self, shared: mmap.mmap, engine: Engine) -> None:
        self._header = ring.Header.from_buffer(shared)
        self._streams = [ring.Stream.from_buffer(shared, ring.stream_offset(i)) for i in range(ring.STREAMS)]
        self._bytes = np.frombuffer(shared, np.uint8)
        self._offsets = ring.plane_offsets()
        self._memories: list[Memory | None] = [None] * ring.STREAMS
        self._engine = engine
        self._barrier = threading.Lock()
        # Looking at clothes takes many frames' time: mattes must not wait for it.
        self._beside = ThreadPoolExecutor(1, thread_name_prefix="suggest")

    def serve(self, kicks: int) -> None:
        """Reads kicks until they end; with the last one the host has gone."""
        while os.read(kicks, KICKS):
            while sum(self._answer(index) for index in range(ring.STREAMS)):
                pass

    def _answer(self, index: int) -> bool:
        """Does a stream's request, if it has one for this worker."""
        stream = self._streams[index]
        request = stream.request
        if request == stream.answer or stream.request_epoch != self._header.epoch:
            return False
        try:
            if stream.kind == ring.OPEN:
                self._open(index, stream)
            elif stream.kind == ring.MATTE:
                self._matte(index, stream)
            elif stream.kind == ring.SUGGEST:
                picture = self._picture(index, stream)
                self._beside.submit(self._suggest, stream, stream.claim, picture)
            stream.failed = 0
        except Exception as error:  # noqa: BLE001 - one stream's fault must not end the others
            stream.message = ring.text(str(error) or type(error).__name__)
            stream.failed = 1
            if not isinstance(error, CycloramaError):
                log(traceback.format_exc())
        # A lock is a memory barrier: what was written above is seen before the answer is.
        with self._barrier:
            stream.answer = request
        return True

    def _open(self, index: int, stream: ring.Stream) -> None:
        shape = (stream.source_height, stream.source_width)
        height, width = self._engine.matter.size(*shape)
        scale = min(1.0, (ring.PIXELS / (height * width)) ** 0.5)
        stream.working_height, stream.working_width = max(1, int(height * scale)), max(1, int(width * scale))
        stream.mattes = stream.unchanged = 0
        self._memories[index] = Memory(stream.claim, self._engine.session(), shape)

    def _matte(self, index: int, stream: ring.Stream) -> None:
        memory = self._memories[index]
        if memory is None or memory.claim != stream.claim:
            raise CycloramaError("expected an opened stream: open it first")
        started = time.perf_counter()
        small = self._picture(index, stream)
        if memory.picture is not None and not changed(small, memory.picture):
            stream.unchanged += 1
            assert memory.alpha is not None
            alpha = memory.alpha
        else:
            memory.session.settings = Settings(smoothing=min(max(stream.smoothing, 0.0), 0.99))
            alpha = memory.session.small_alpha(small, Original(memory.shape))
            memory.picture, memory.alpha = small, alpha
        made = planes(small, alpha, stream.blur, colours=bool(stream.want_colours), blurred=bool(stream.want_blurred))
        for name, plane in made.items():
            self._plane(index, name, stream)[...] = plane.view(np.uint8).reshape(*plane.shape[:2], -1)
        milliseconds = (time.perf_counter() - started) * 1e3
        kept = MEMORY_OF_TIMES if stream.mattes else 0.0
        stream.milliseconds = kept * stream.milliseconds + (1 - kept) * milliseconds
        stream.mattes += 1

    def _suggest(self, stream: ring.Stream, claim: int, picture: Rgb) -> None:
        """Writes down which scenes fit a picture, or why that cannot be said."""
        try:
            found = suggest_for(self._engine, self._engine.detector, picture, catalogue.built_in(), SUGGESTIONS)
            lines = "\n".join(f"{each.scene}\t{each.reason}" for each in found)
        except Exception as error:  # noqa: BLE001 - mattes go on without suggestions
            lines = f"\t{error}"
            log(traceback.format_exc())
        if stream.claim == claim:
            stream.suggestions = ring.text(lines, ring.PATH)
            with self._barrier:
                stream.suggested += 1

    def _picture(self, index: int, stream: ring.Stream) -> Rgb:
        """The frame that was sent, uint8 (h, w, 3)."""
        return cv2.cvtColor(self._plane(index, "picture", stream), cv2.COLOR_BGRA2RGB)  # type: ignore[return-value]

    def _plane(self, index: int, name: str, stream: ring.Stream) -> NDArray[np.uint8]:
        """A plane of a stream at its picture's size, uint8 (h, w, bytes a pixel)."""
        height, width, depth = stream.height, stream.width, dict(ring.PLANES)[name]
        if not 0 < height * width <= ring.PIXELS:
            raise CycloramaError(f"expected a working picture of up to {ring.PIXELS} pixels, got {width} x {height}")
        start = ring.stream_offset(index) + self._offsets[name]
        return self._bytes[start : start + height * width * depth].reshape(height, width, depth)


def changed(picture: Rgb, before: Rgb) -> bool:
    """Whether anything moved between two pictures, by more than a camera's noise."""
    if picture.shape != before.shape:
        return True
    return bool(cv2.blur(cv2.absdiff(picture, before), WINDOW).max() >= STILL)


def planes(small: Rgb, alpha: Alpha, blur: float, *, colours: bool, blurred: bool) -> Planes:
    """What a shader needs to composite a large frame.

    Args:
        small: uint8 (h, w, 3), the frame at working size.
        alpha: float32 (h, w), its matte.
        blur: standard deviation of a blurred room, as a share of the long side.
        colours: whether spill is to be corrected or light wrapped.
        blurred: whether the room is wanted out of focus.

    Returns:
        The planes of `cyclorama.ring.PLANES` that were asked for, by name.
    """
    made: Planes = {"models": np.dstack(edge_model(alpha, small, unsure(alpha, MARGIN))).astype(np.float16)}
    if colours:
        subject, room = spread_colours(small, alpha)
        window = 2 * max(1, round(WIDE * max(alpha.shape))) + 1
        wide = cv2.convertScaleAbs(cv2.blur(alpha, (window, window)), alpha=255)
        made["subject"], made["room"] = cv2.merge([*subject, wide]), cv2.merge([*room, wide])
    if blurred:
        room_behind = blurred_room(small, alpha, max(1.0, blur * max(alpha.shape)))
        made["blurred"] = cv2.cvtColor(room_behind, cv2.COLOR_RGB2RGBA)
    return made


def spread_colours(small: Rgb, alpha: Alpha) -> tuple[Colours, Colours]:
    """The subject's and the room's colours around the edge: red, green and blue, uint8 (h, w) each."""
    pixels = [plane.astype(np.float32) for plane in cv2.split(small)]
    # A little more than the mixed pixels: the large matte's edge need not lie within the small one's.
    mixed = cv2.dilate(unsure(alpha, within=HALF_A_LEVEL), np.ones((3, 3), np.uint8))
    marks = marked(mixed, *alpha.shape)  # type: ignore[arg-type]
    if not marks.any():
        own: Colours = list(cv2.split(small))  # type: ignore[arg-type]
        return own, own
    height, width = alpha.shape
    subject, difference = both_sides(pixels, alpha, marks, (height, width), 255.0)
    room = [near - above for near, above in zip(subject, difference, strict=True)]
    return to_colours(subject), to_colours(room)


def to_colours(planes: list[NDArray[np.float32]]) -> Colours:
    """Planes in levels as uint8."""
    return [to_levels(plane, np.dtype(np.uint8)) for plane in planes]  # type: ignore[misc]


def log(text: str) -> None:
    """Writes to the log. A full disk must not stop the picture."""
    with contextlib.suppress(OSError):
        print(text.rstrip(), file=sys.stderr, flush=True)


def open_ring(name: str) -> mmap.mmap:
    """Maps the ring: the number of an inherited descriptor, or a file's path."""
    if name.isdigit():
        return mmap.mmap(int(name), ring.BYTES)
    with open(name, "r+b") as file:  # noqa: PTH123 - mmap wants a descriptor
        return mmap.mmap(file.fileno(), ring.BYTES)


def main() -> int:
    """Loads the engine, says so in the ring, and serves standard input."""
    parser = argparse.ArgumentParser(prog="python -m cyclorama.live", description=__doc__.splitlines()[0])
    parser.add_argument("--ring", required=True, help="descriptor or path of the shared memory")
    parser.add_argument("--model", default=FOR_LIVE)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    keep_freed_memory()
    os.dup2(2, 1)  # what libraries print belongs in the log
    shared = open_ring(options.ring)
    header = ring.Header.from_buffer(shared)
    try:
        engine = Engine(options.model, options.device, threads=options.threads)
    except CycloramaError as error:
        log(f"cyclorama live: {error}")
        header.message = ring.text(str(error))
        header.state = ring.FAILED
        return CANNOT_START
    header.model, header.device = engine.matter.name.encode(), engine.matter.device.encode()
    header.message = ring.text(engine.matter.note)
    live = Live(shared, engine)
    header.state = ring.READY
    live.serve(sys.stdin.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
