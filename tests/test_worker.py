"""The worker as a real process, talked to as the plug-ins do."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from cyclorama import Colour, Engine, Settings, wire
from cyclorama.messages import settings_from
from made import disc, texture

WIRE = Path(wire.__file__)
LEVEL = 1 / 255


def start() -> wire.Client:
    return wire.Client([sys.executable, "-m", "cyclorama.worker"], log=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def worker() -> Iterator[wire.Client]:
    with start() as client:
        yield client


def picture() -> np.ndarray:
    a = disc(90, 160, radius=30, softness=3)[..., None]
    return np.rint(np.array([190, 60, 50]) * a + np.array([20, 200, 40]) * (1 - a)).astype(np.uint8)


def test_hello_names_version_and_models(worker: wire.Client) -> None:
    header, _ = worker.request({"op": "hello"})
    assert header["protocol"] == wire.PROTOCOL
    assert "portrait" in header["models"]


@pytest.mark.parametrize("model", ["green-screen", "portrait"])
@pytest.mark.parametrize("depth", [8, 16])
def test_the_matte_is_the_engines_own(worker: wire.Client, model: str, depth: int) -> None:
    rgb = picture() if depth == 8 else picture().astype("<u2") * np.uint16(257)
    worker.request({"op": "open", "session": model, "model": model, "device": "cpu"})
    request = {"op": "matte", "session": model, "height": 90, "width": 160, "depth": depth, "foreground": True}
    worker.request({"op": "reset", "session": model})
    header, planes = worker.request(request, rgb.tobytes())
    assert (header["height"], header["width"], header["depth"]) == (90, 160, depth)
    values = np.frombuffer(planes, rgb.dtype)
    alpha, foreground = values[: 90 * 160].reshape(90, 160), values[90 * 160 :].reshape(90, 160, 3)
    expected = Engine(model, "cpu").matte(rgb)
    assert np.abs(alpha / np.iinfo(rgb.dtype).max - expected.alpha).max() <= LEVEL / 2 + 1e-6
    assert (foreground == expected.foreground).all()


def test_all_settings_travel_under_their_own_names() -> None:
    sent = {
        "light": "linear",
        "decontaminate": False,
        "smoothing": 0.2,
        "subject": [3, 4.5],
        "harmonize": True,
        "refine": True,
    }
    settings = settings_from({**sent, "background": {"kind": "colour", "red": 7}}, bytearray())
    assert settings == Settings(Colour(7, 0, 0), "linear", False, 0.2, (3, 4.5), True, True)
    assert sent.keys() | {"background"} == {field.name for field in fields(Settings)}


def test_render_replaces_the_background(worker: wire.Client) -> None:
    background = texture(90, 160, (100, 90, 80), 3)
    settings = {"background": {"kind": "picture", "height": 90, "width": 160}}
    worker.request({"op": "open", "session": "r", "model": "green-screen", "settings": settings}, background.tobytes())
    header, out = worker.request(
        {"op": "render", "session": "r", "height": 90, "width": 160, "time": "1001/30000"}, picture().tobytes()
    )
    pixels = np.frombuffer(out, np.uint8).reshape(header["height"], header["width"], header["channels"])
    assert (pixels[0, 0] == background[0, 0]).all()
    worker.request({"op": "settings", "session": "r", "settings": {"background": {"kind": "colour", "blue": 9}}})
    _, out = worker.request({"op": "render", "session": "r", "height": 90, "width": 160}, picture().tobytes())
    expected = Engine("green-screen").render(picture(), Settings(background=Colour(0, 0, 9)))
    assert out == expected.tobytes()
    worker.request({"op": "close", "session": "r"})
    with pytest.raises(wire.WorkerError, match="expected the name of an open session, got 'r'"):
        worker.request({"op": "reset", "session": "r"})


@pytest.mark.parametrize(
    ("header", "payload", "kind"),
    [
        ({"op": "dance"}, b"", "SettingError"),
        ({"op": "open", "session": "x", "model": "nobody"}, b"", "ModelError"),
        ({"op": "open", "session": "x", "settings": {"colour": 1}}, b"", "SettingError"),
        ({"op": "open", "session": "x", "settings": {"background": {"kind": "hole"}}}, b"", "SettingError"),
        ({"op": "matte", "session": "ok", "height": 20, "width": 20}, b"short", "PictureError"),
        ({"op": "matte", "session": "ok", "height": 20, "width": "20"}, b"", "PictureError"),
        ({"op": "matte", "session": "ok", "height": 2, "width": 2, "depth": 8}, bytes(12), "PictureError"),
        ({"op": "matte", "session": "ok", "height": 20, "width": 20, "depth": 7}, b"", "PictureError"),
    ],
)
def test_a_bad_request_is_answered_and_the_worker_goes_on(
    worker: wire.Client, header: dict[str, object], payload: bytes, kind: str
) -> None:
    worker.request({"op": "open", "session": "ok", "model": "green-screen"})
    with pytest.raises(wire.WorkerError) as caught:
        worker.request(header, payload)
    assert caught.value.kind == kind
    assert worker.request({"op": "hello"})[0]["protocol"] == wire.PROTOCOL


def test_the_worker_leaves_when_its_input_ends() -> None:
    client = start()
    client.request({"op": "hello"})
    client.close()
    assert client.process.returncode == 0


def test_a_killed_worker_is_said() -> None:
    client = start()
    client.request({"op": "hello"})
    client.process.kill()
    client.process.wait()
    with pytest.raises(wire.WireError, match="the worker"):
        client.request({"op": "hello"})
    client.close()


def test_what_libraries_print_does_not_reach_the_pipe() -> None:
    code = (
        "import cyclorama.worker as w; answer = w.Worker._hello;"
        "w.Worker._hello = lambda *a: (print('noise'), answer(*a))[1]; w.main()"
    )
    with wire.Client([sys.executable, "-c", code], log=subprocess.DEVNULL) as client:
        assert client.request({"op": "hello"})[0]["protocol"] == wire.PROTOCOL


@pytest.mark.parametrize(
    "data", [b"garbage\n", b'{"bytes": -1}\n', b'{"bytes": "many"}\n', b"[1]\n", b'{"bytes": 5}\nab', b"x" * 70_000]
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(wire.WireError, match="expected"):
        wire.read(io.BytesIO(data))


def test_messages_follow_each_other_until_the_end() -> None:
    stream = io.BytesIO()
    wire.write(stream, {"a": 1}, b"payload")
    wire.write(stream, {"b": "ü"})
    stream.seek(0)
    assert wire.read(stream) == ({"a": 1, "bytes": 7}, b"payload")
    assert wire.read(stream) == ({"b": "ü", "bytes": 0}, b"")
    assert wire.read(stream) is None
