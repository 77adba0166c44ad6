"""The live worker by itself: what it puts into the ring is what the engine makes, and nothing stops it but its host."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama import Blur, Engine, live, ring
from cyclorama.composite import blurred_room
from made import scene

PATIENCE = 60.0  # seconds; a busy machine starts a worker slowly
# Levels. The shader's sums in floats, half floats between: where the models are steep, more (8.1 with this picture).
MEAN, WORST_IN_1000 = 0.3, 12.0


def wait_for(condition: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "in time"
        time.sleep(0.01)


class Host:
    """The host's end: a ring, a pipe, and a worker that has the other ends."""

    def __init__(self, folder: Path, *, model: str = "green-screen", log: int = subprocess.DEVNULL) -> None:
        path = folder / "ring"
        path.write_bytes(bytes(ring.BYTES))
        with path.open("r+b") as file:
            self.shared = mmap.mmap(file.fileno(), ring.BYTES)
        self.header = ring.Header.from_buffer(self.shared)
        self.streams = [ring.Stream.from_buffer(self.shared, ring.stream_offset(i)) for i in range(ring.STREAMS)]
        self.header.epoch = 1
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "cyclorama.live", "--ring", str(path)),
                *("--model", model, "--device", "cpu", "--threads", "1"),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )

    def ask(self, kind: int, index: int = 0, **fields: object) -> ring.Stream:
        """One request of a stream; returns it answered."""
        stream = self.streams[index]
        for name, value in {"claim": 1, "request_epoch": 1, "kind": kind, **fields}.items():
            setattr(stream, name, value)
        stream.request += 1
        assert self.process.stdin
        self.process.stdin.write(b"k")
        self.process.stdin.flush()
        wait_for(lambda: stream.answer == stream.request)
        return stream

    def open(self, height: int, width: int, index: int = 0) -> tuple[int, int]:
        stream = self.ask(ring.OPEN, index, source_height=height, source_width=width)
        return stream.working_height, stream.working_width

    def plane(self, name: str, shape: tuple[int, int], index: int = 0) -> NDArray[np.uint8]:
        start = ring.stream_offset(index) + ring.plane_offsets()[name]
        depth = dict(ring.PLANES)[name]
        return np.frombuffer(self.shared, np.uint8, shape[0] * shape[1] * depth, start).reshape(*shape, depth)

    def matte(self, small: NDArray[np.uint8], index: int = 0, **wishes: object) -> ring.Stream:
        shape = small.shape[:2]
        bgra = np.dstack([small[..., ::-1], np.full(shape, 255, np.uint8)])
        start = ring.stream_offset(index) + ring.plane_offsets()["picture"]
        self.shared[start : start + bgra.size] = bgra.tobytes()
        sizes = {"height": shape[0], "width": shape[1], "smoothing": 0.6, "blur": 0.02}
        return self.ask(ring.MATTE, index, **{**sizes, **wishes})

    def end(self) -> int:
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(PATIENCE)

    def __enter__(self) -> Host:
        wait_for(lambda: self.header.state == ring.READY)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with Host(tmp_path) as host:
        yield host


def large(plane: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.float32]:
    """A plane as a shader samples it at the frame's size: stretched linearly, edges repeated."""
    return cv2.resize(plane.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def shaded(
    host: Host, rgb: NDArray[np.uint8], small: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Alpha and the subject's colours as the shader finds them, in [0, 1]."""
    shape = rgb.shape[:2]
    halves = np.frombuffer(host.plane("models", small).tobytes(), np.float16).reshape(*small, 4)
    models = cv2.resize(halves.astype(np.float32), shape[::-1], interpolation=cv2.INTER_LINEAR)
    pixels = rgb.astype(np.float32) / 255
    alpha = np.clip((models[..., :3] * pixels).sum(axis=2) + models[..., 3], 0, 1)[..., None]
    own, behind = (large(host.plane(name, small)[..., :3], shape) / 255 for name in ("subject", "room"))
    colours = np.clip(own + alpha * (pixels - alpha * own - (1 - alpha) * behind), 0, 1)
    return alpha, np.where(alpha > 0, colours, pixels)


def test_the_planes_composite_to_what_the_engine_renders(tmp_path: Path) -> None:
    skimage = pytest.importorskip("skimage.data", reason="not installed: scikit-image, for a portrait")
    rgb = np.ascontiguousarray(cv2.resize(skimage.astronaut()[:288], (640, 360), interpolation=cv2.INTER_AREA))
    session = Engine("portrait-fast", "cpu", threads=1).session()
    matte = session.matte(rgb)
    with Host(tmp_path, model="portrait-fast") as host:
        size = host.open(*rgb.shape[:2])
        assert size == session.engine.matter.size(*rgb.shape[:2])
        host.matte(session.shrink(rgb), want_colours=1, want_blurred=1)
        alpha, colours = shaded(host, rgb, size)
        room = large(host.plane("blurred", size)[..., :3], rgb.shape[:2])
    assert matte.foreground is not None
    behind = np.array([0, 177, 64])
    expected = matte.alpha[..., None] * matte.foreground + (1 - matte.alpha[..., None]) * behind
    away = np.abs(alpha * colours * 255 + (1 - alpha) * behind - expected)
    assert away.mean() < MEAN
    assert np.percentile(away, 99.9) < WORST_IN_1000
    away = np.abs(room - blurred_room(rgb, matte.alpha, Blur().radius))
    assert away.mean() < 1.5, "the blurred room, from a smaller picture of it"


def test_a_picture_that_stands_still_is_not_looked_at_again(host: Host) -> None:
    made = scene(96, 128)
    host.open(96, 128)
    first = host.matte(made.rgb)
    assert (first.mattes, first.unchanged) == (1, 0)
    before = host.plane("models", (96, 128)).copy()
    second = host.matte(np.clip(made.rgb.astype(int) + 1, 0, 255).astype(np.uint8))
    assert (second.mattes, second.unchanged) == (2, 1)
    assert np.abs(before.view(np.float16).astype(float) - host.plane("models", (96, 128)).view(np.float16)).max() < 0.2
    third = host.matte(np.roll(made.rgb, 8, axis=1))
    assert (third.mattes, third.unchanged) == (3, 1)


def test_a_slow_drift_is_not_taken_for_standing_still(host: Host) -> None:
    made = scene(96, 128).rgb
    host.open(96, 128)
    for step in range(6):
        stream = host.matte(np.clip(made.astype(int) + step, 0, 255).astype(np.uint8))
    assert stream.mattes - stream.unchanged >= 3


def test_two_streams_do_not_mix(host: Host) -> None:
    left, right = scene(96, 128).rgb, scene(64, 96, room=(0, 255, 0)).rgb
    assert host.open(96, 128, 0) == (96, 128)
    assert host.open(64, 96, 1) == (64, 96)
    host.matte(left, 0)
    alone = host.plane("models", (96, 128), 0).copy()
    host.matte(right, 1)
    assert np.array_equal(host.plane("models", (96, 128), 0), alone)
    assert host.streams[0].mattes == host.streams[1].mattes == 1


def test_requests_that_cannot_be_done_are_answered_with_a_reason(host: Host) -> None:
    stream = host.matte(scene(96, 128).rgb)
    assert stream.failed == 1
    assert b"open it first" in stream.message
    host.open(96, 128)
    stream = host.ask(ring.MATTE, height=5000, width=5000)
    assert stream.failed == 1
    assert b"5000 x 5000" in stream.message
    assert host.matte(scene(96, 128).rgb).failed == 0, "the worker goes on"


def test_a_dead_workers_requests_are_not_answered_by_the_next(host: Host) -> None:
    stream = host.streams[1]
    stream.kind, stream.request_epoch = ring.OPEN, 0
    stream.request = 7
    host.open(96, 128)
    assert stream.answer == 0


def test_the_largest_sources_get_a_working_size_that_has_room(host: Host) -> None:
    height, width = host.open(2160, 3840)  # the keyer wants every pixel
    assert height * width <= ring.PIXELS
    assert abs(width / height - 16 / 9) < 0.01


def test_the_worker_leaves_when_its_host_is_gone(host: Host) -> None:
    assert host.end() == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_log_on_a_full_disk_does_not_stop_the_worker(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as log, Host(tmp_path, log=log.fileno()) as host:
        host.open(96, 128)
        host.ask(ring.MATTE, height=0, width=0)  # a fault, whose traceback has nowhere to go
        assert host.matte(scene(96, 128).rgb).failed == 0


def test_a_model_that_is_not_there_is_said_and_nothing_runs(tmp_path: Path) -> None:
    host = Host(tmp_path, model="nobody")
    assert host.process.wait(PATIENCE) == live.CANNOT_START
    assert host.header.state == ring.FAILED
    assert b"expected a model" in host.header.message


def test_the_c_declarations_have_the_layout_of_the_structures(tmp_path: Path) -> None:
    compiler = next(
        (c for c in ("cc", "gcc", "clang") if any((Path(p) / c).exists() for p in os.get_exec_path())), None
    )
    if compiler is None:
        pytest.skip("no C compiler here")
    lines = [
        f'printf("%zu\\n", offsetof(cyclorama_{kind.__name__.lower()}, {name}));'
        for kind in (ring.Header, ring.Stream)
        for name, _ in kind._fields_
    ]
    source = tmp_path / "layout.c"
    source.write_text(
        "#include <stdint.h>\n#include <stddef.h>\n#include <stdio.h>\n"
        + ring.c_declarations()
        + "\nint main(void) {"
        + "".join(lines)
        + "}"
    )
    subprocess.run([compiler, source, "-o", tmp_path / "layout"], check=True)
    answer = subprocess.run([tmp_path / "layout"], capture_output=True, text=True, check=True).stdout.split()
    expected = [getattr(kind, name).offset for kind in (ring.Header, ring.Stream) for name, _ in kind._fields_]
    assert [int(each) for each in answer] == expected
    assert max(expected) + ring.PATH <= ring.RECORD_BYTES


def test_messages_are_cut_between_characters() -> None:
    assert ring.text("ä" * ring.TEXT).decode() == "ä" * ((ring.TEXT - 1) // 2)


def test_suggestions_come_beside_the_mattes(tmp_path: Path) -> None:
    skimage = pytest.importorskip("skimage.data", reason="not installed: scikit-image, for a portrait")
    rgb = np.ascontiguousarray(cv2.resize(skimage.astronaut()[:288], (640, 360), interpolation=cv2.INTER_AREA))
    with Host(tmp_path, model="portrait-fast") as host:
        host.open(360, 640)
        bgra = np.dstack([rgb[..., ::-1], np.full((360, 640), 255, np.uint8)])
        start = ring.stream_offset(0) + ring.plane_offsets()["picture"]
        host.shared[start : start + bgra.size] = bgra.tobytes()
        stream = host.ask(ring.SUGGEST, height=360, width=640)
        wait_for(lambda: stream.suggested == 1)
        first = stream.suggestions.decode().splitlines()[0].split("\t")
    from cyclorama import catalogue

    assert first[0] in {each.name for each in catalogue.built_in()}
    assert first[1]
