"""`cyclorama filter` while the stream goes on: latency, readers that go away, signals, what libraries print."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction

import av
import pytest

from cyclorama_ffmpeg.pipe_ends import Incoming
from made_filter import COMMAND, DEADLINE, KEYED, filtered, nut, posix


@pytest.mark.parametrize("sound", [False, True], ids=["pictures alone", "with sound"])
def test_each_frame_leaves_before_the_next_is_needed(sound: bool) -> None:
    """In step: the next frame is sent when the last one is back; with sound one frame may wait for its sound."""
    ready = threading.Semaphore(1 + sound)
    process = subprocess.Popen([*COMMAND, *KEYED], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    count, lost = 8, []

    class Gate:
        """Lets a frame into the pipe when the one before is out of the other end."""

        def write(self, data: bytes) -> int:
            process.stdin.write(data)  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            return len(data)

    def times() -> Iterator[int]:
        for index in range(count):
            if not ready.acquire(timeout=DEADLINE):
                lost.append(index)
            yield 3000 * index

    feeder = threading.Thread(target=lambda: (nut(times=times(), sound=sound, target=Gate()), process.stdin.close()))  # type: ignore[arg-type, union-attr, func-returns-value]
    feeder.start()
    done = []
    with av.open(Incoming(process.stdout.raw), format="nut", options={"fpsprobesize": "0"}) as out:  # type: ignore[attr-defined]
        for frame in out.decode(video=0):
            done.append(frame.pts * frame.time_base)  # type: ignore[operator]
            ready.release()
    feeder.join(DEADLINE)
    assert process.wait(DEADLINE) == 0
    assert done == [Fraction(i, 30) for i in range(count)]
    assert not lost, "a frame had to wait for a later one"


@posix
def test_a_closed_reader_ends_it_quietly_with_sigpipes_status() -> None:
    process = subprocess.Popen(
        [*COMMAND, *KEYED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None

    def feed() -> None:
        try:
            process.stdin.write(nut(200))  # type: ignore[union-attr]
            process.stdin.close()  # type: ignore[union-attr]
        except BrokenPipeError:
            pass

    feeder = threading.Thread(target=feed)
    feeder.start()
    assert process.stdout.read(1000).startswith(b"nut/multimedia container")
    process.stdout.close()
    assert process.wait(DEADLINE) == 141
    feeder.join(DEADLINE)
    assert process.stderr.read() == b""


@posix
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_can_be_stopped_while_nothing_comes(number: int, status: int) -> None:
    def listen() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    process = subprocess.Popen(
        [*COMMAND, *KEYED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=listen
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(nut(2)[: 2 * 160 * 96])
    process.stdin.flush()
    process.stdout.read(100)  # the first frame is through
    time.sleep(0.2)
    process.send_signal(number)
    _, said = process.communicate(timeout=DEADLINE)
    assert process.returncode == status
    assert said.count(b"\n") == 1


def test_what_a_library_prints_does_not_get_into_the_stream() -> None:
    noisy = (
        "import os, cyclorama.matting.green_screen as g\n"
        "step = g.GreenScreen.step\n"
        "def loud(self, rgb, state, original=None):\n"
        "    print('from Python', flush=True); os.write(1, b'from C\\n')\n"
        "    return step(self, rgb, state)\n"
        "g.GreenScreen.step = loud\n"
        "from cyclorama_ffmpeg.commands.main import main; main()"
    )
    given = nut(2)
    result = subprocess.run(
        [sys.executable, "-c", noisy, "filter", *KEYED], input=given, capture_output=True, timeout=DEADLINE
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == filtered(given, *KEYED)[0]
    assert result.stderr.count(b"from Python") == result.stderr.count(b"from C") == 2
