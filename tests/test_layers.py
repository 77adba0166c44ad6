"""What editors ask of the engine: masks, cleaned colours, trimaps, and a worker that waits on a socket."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama import Engine, PictureError, wire
from cyclorama.composite import cover
from cyclorama.editing import scene_picture, suggest_answer
from cyclorama.layers import Layer, cleaned, find_subject, mask_of, recoloured, room
from cyclorama.outfit import Box
from cyclorama.trimap import solve
from cyclorama.types import Outfit
from made import disc, scene

LEVEL = 1 / 255
# A wide soft edge between two textures, found from a trimap alone; the network's opinion there was off by 0.41.
SOLVED = 0.04
MEAN_ROOM = 2e-3  # a thousandth of the room's mean colour is in every blurred pixel


def quiet(_stage: str) -> None:
    """Stages that nobody looks at."""


def keyed(depth: str = "uint8") -> NDArray[np.uint8 | np.uint16 | np.float32]:
    """A disc before green, with a soft edge."""
    a = disc(120, 160, radius=40, softness=6)[..., None]
    eight = np.rint(np.array([190, 60, 50]) * a + np.array([20, 200, 40]) * (1 - a)).astype(np.uint8)
    if depth == "uint8":
        return eight
    return eight.astype(np.uint16) * np.uint16(257) if depth == "uint16" else eight / np.float32(255)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("green-screen")


def test_a_trimap_keeps_its_sure_parts_and_solves_the_rest() -> None:
    made = scene(270, 360, radius=75, softness=15)
    sure = disc(270, 360, radius=60, softness=1) > 0.5
    possible = disc(270, 360, radius=93, softness=1) > 0.5
    trimap = np.where(sure, 1, np.where(possible, 0.5, 0)).astype(np.float32)
    wrong = np.zeros_like(made.alpha)
    alpha = solve(trimap, wrong, made.rgb)
    assert (alpha[sure] == 1).all()
    assert (alpha[~possible] == 0).all()
    band = possible & ~sure
    assert np.abs(wrong - made.alpha)[band].mean() > 0.3
    assert np.abs(alpha - made.alpha)[band].mean() < SOLVED


@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
def test_the_mask_is_the_engines_alpha_in_every_depth(engine: Engine, depth: str) -> None:
    pixels = keyed(depth)
    own = engine.matte(keyed("uint8" if depth == "uint8" else "uint16")).alpha  # type: ignore[arg-type]
    assert np.abs(find_subject(engine.session(), Layer(pixels), quiet) - own).max() < LEVEL / 2


def test_what_transparent_pixels_hide_does_not_count(engine: Engine) -> None:
    rgba = np.dstack([keyed(), np.full((120, 160), 255, np.uint8)])
    rgba[:30, :, :3], rgba[:30, :, 3] = 255, 0
    other = rgba.copy()
    other[:30, :, :3] = (255, 0, 255)
    first, second = (find_subject(engine.session(), Layer(p), quiet) for p in (rgba, other))
    assert (first == second).all()


def test_outside_of_the_selection_the_mask_is_what_was_asked_for() -> None:
    alpha = np.full((2, 2), 0.5, np.float32)
    selection = np.array([[0, 0.5], [1, 1]], np.float32)
    layer = Layer(np.zeros((2, 2, 3), np.uint8), selection=selection)
    assert mask_of(layer, alpha, "drop").tolist() == [[0, 0.25], [0.5, 0.5]]
    assert mask_of(layer, alpha, "keep").tolist() == [[1, 0.75], [0.5, 0.5]]
    assert (mask_of(layer, alpha, "whole") == alpha).all()


def test_cleaning_changes_the_edge_alone_and_keeps_lights_above_white(engine: Engine) -> None:
    pixels = keyed("float32")
    pixels[55:60, 75:80] = 3.0
    pixels[0, 0] = np.nan
    layer = Layer(pixels)
    alpha = find_subject(engine.session(), layer, quiet)
    after = pixels.copy()
    for (rows, columns), part in cleaned(layer, alpha):
        after[rows, columns] = part
    changed = (after != pixels).any(2) & ~np.isnan(pixels).any(2)
    assert changed.any()
    assert ((alpha > 0) & (alpha < 1))[changed].all()
    assert (after[55:60, 75:80] == 3.0).all()
    green = (after[..., 1] - after[..., 0])[changed]
    assert green.mean() < (pixels[..., 1] - pixels[..., 0])[changed].mean() - 0.1


def test_cleaning_honours_the_selection(engine: Engine) -> None:
    selection = np.zeros((120, 160), np.float32)
    selection[:, :80] = 1
    layer = Layer(keyed(), selection=selection)
    alpha = find_subject(engine.session(), layer, quiet)
    for (rows, columns), part in cleaned(layer, alpha):
        outside = selection[rows, columns] == 0
        assert (part[outside] == layer.pixels[rows, columns][outside]).all()


def test_recolouring_covers_all_that_is_selected(engine: Engine) -> None:
    selection = np.zeros((120, 160), np.float32)
    selection[30:90, 20:100] = 1
    layer = Layer(keyed(), selection=selection, mask=np.ones((120, 160), np.float32))
    covered = np.zeros((120, 160), bool)
    for (rows, columns), _ in recoloured(layer, find_subject(engine.session(), layer, quiet)):
        covered[rows, columns] = True
    assert covered[selection > 0].all()


def test_a_blurred_room_keeps_lights_above_white() -> None:
    pixels = np.full((64, 64, 3), 0.25, np.float32)
    pixels[:, 40:] = 4.0
    blurred = room(Layer(pixels), np.zeros((64, 64), np.float32), 2.0)
    assert blurred[:, 60:].min() > 3.9
    assert abs(float(blurred[:, :30].mean()) - 0.25) < MEAN_ROOM


def test_the_worker_says_its_stages_and_stops_when_the_host_has_gone() -> None:
    with wire.Client([sys.executable, "-m", "cyclorama.worker"], subprocess.DEVNULL) as client:
        client.request({"op": "open", "session": "1", "model": "green-screen"})
        stages: list[str] = []
        pixels = keyed()
        header = {"op": "layer", "session": "1", "height": 120, "width": 160, "colours": "clean", "room": {}}
        answer, data = client.request(header, pixels.tobytes(), on_stage=stages.append)
        assert stages == ["subject", "edge", "colours", "room", "answer"]
        assert answer["found"]
        parts = sum(h * w * 3 for _, _, h, w in answer["rectangles"])
        assert len(data) == 120 * 160 + parts + 120 * 160 * 3
        # The host asks for more and goes: the next stage has nobody to be said to, and the process leaves.
        wire.write(client.process.stdin, {**header, "stages": True}, pixels.tobytes())
        client.process.stdout.close()
        client.process.stdin.close()
        assert client.process.wait(10) == 0


@pytest.mark.parametrize(
    ("header", "size", "kind"),
    [
        ({"planes": ["ears"]}, 120 * 160 * 3, "SettingError"),
        ({"channels": 2}, 120 * 160 * 2, "SettingError"),
        ({"outside": "elsewhere"}, 120 * 160 * 3, "SettingError"),
        ({"planes": ["selection"]}, 120 * 160 * 3, "PictureError"),
        ({"height": 1, "width": 1}, 3, "PictureError"),
    ],
)
def test_a_layer_that_is_none_is_refused(header: dict[str, object], size: int, kind: str) -> None:
    with wire.Client([sys.executable, "-m", "cyclorama.worker"], subprocess.DEVNULL) as client:
        client.request({"op": "open", "session": "1", "model": "green-screen"})
        whole = {"op": "layer", "session": "1", "height": 120, "width": 160, **header}
        with pytest.raises(wire.WorkerError) as caught:
            client.request(whole, bytes(size))
        assert caught.value.kind == kind


def test_scenes_are_named_and_cover_any_size() -> None:
    with wire.Client([sys.executable, "-m", "cyclorama.worker"], subprocess.DEVNULL) as client:
        scenes = client.request({"op": "scenes"})[0]["scenes"]
        assert {"scene": "studio", "title": "Grey studio"} in scenes
        _, data = client.request({"op": "scene", "scene": scenes[0]["scene"], "height": 50, "width": 70})
        assert len(data) == 50 * 70 * 3
        with pytest.raises(wire.WorkerError, match="expected a scene out of"):
            client.request({"op": "scene", "scene": "moon", "height": 50, "width": 70})


class Seen:
    """A detector that has seen one person, in sportswear."""

    device = "cpu"
    note = ""

    def detect(self, rgb: NDArray[np.uint8], alpha: NDArray[np.float32] | None = None) -> list[Outfit]:
        height, width = rgb.shape[:2]
        return [Outfit("sportswear", 0.9, (width // 4, height // 4, width * 3 // 4, height * 3 // 4))]

    def find(self, rgb: NDArray[np.uint8], alpha: NDArray[np.float32]) -> list[Box]:
        return [each.box for each in self.detect(rgb)]


def test_suggestions_come_with_titles_reasons_and_the_subject_before_them() -> None:
    engine = Engine("green-screen", detector=Seen())
    header = {"height": 120, "width": 160, "top": 3, "thumbnail": 80}
    answer, data = suggest_answer(engine, header, bytearray(keyed().tobytes()), quiet)
    suggestions = answer["suggestions"]
    assert len(suggestions) == 3
    assert all(each["scene"] and each["title"] and each["reason"] for each in suggestions)
    assert [each["score"] for each in suggestions] == sorted((each["score"] for each in suggestions), reverse=True)
    assert answer["outfits"][0]["kind"] == "sportswear"
    assert (answer["height"], answer["width"]) == (60, 80)
    first = np.frombuffer(data, np.uint8).reshape(3, 60, 80, 3)[0]
    assert np.abs(first[30, 40].astype(int) - (190, 60, 50)).max() <= 2
    behind = cover(scene_picture(suggestions[0]["scene"]), 60, 80)
    assert (first[0] == behind[0]).all()


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[bytes], subprocess.Popen[bytes]]]:
    """A worker that listens at a path, and the process whose end it waits for."""
    path = tmp_path / "s"
    host = subprocess.Popen(["sleep", "60"])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        command = [sys.executable, "-m", "cyclorama.worker", "--listen", "--idle", "30", "--parent", str(host.pid)]
        worker = subprocess.Popen(command, stdin=listener, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield path, worker, host
    for process in (host, worker):
        process.kill()
        process.wait()


needs_unix = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs unix sockets")
Listening = tuple[Path, "subprocess.Popen[bytes]", "subprocess.Popen[bytes]"]


@needs_unix
def test_a_listening_worker_serves_one_host_after_the_other_and_leaves_with_their_program(listening: Listening) -> None:
    path, worker, host = listening
    for _ in range(2):
        with wire.connect(str(path)) as client:
            assert client.request({"op": "hello"})[0]["protocol"] == wire.PROTOCOL
    host.kill()
    host.wait()
    assert worker.wait(10) == 0
    assert not path.exists()


@needs_unix
def test_a_host_that_sends_rubbish_or_goes_away_leaves_the_worker_well(listening: Listening) -> None:
    path, worker, _ = listening
    with socket.socket(socket.AF_UNIX) as rude:
        rude.connect(str(path))
        rude.sendall(b"GET / HTTP/1.1\r\n\r\n")
    with wire.connect(str(path)) as client:
        client.request({"op": "open", "session": "1", "model": "green-screen"})
        big = np.zeros((2000, 3000, 3), np.uint8)
        wire.write(
            client._requests,
            {"op": "layer", "session": "1", "height": 2000, "width": 3000, "colours": "clean", "stages": True},
            big.tobytes(),
        )
    start = time.perf_counter()
    with wire.connect(str(path)) as client:
        client.request({"op": "hello"})
    assert time.perf_counter() - start < 10
    assert worker.poll() is None


@needs_unix
def test_an_idle_worker_leaves(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        command = [sys.executable, "-m", "cyclorama.worker", "--listen", "--idle", "0.5"]
        worker = subprocess.Popen(command, stdin=listener)
    assert worker.wait(20) == 0
    assert not path.exists()


def test_too_small_a_layer_is_said(engine: Engine) -> None:
    with pytest.raises(PictureError, match="expected a picture of 16 pixels or more a side, got 1 x 1"):
        find_subject(engine.session(), Layer(np.zeros((1, 1, 3), np.uint8)), quiet)
