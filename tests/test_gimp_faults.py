"""What goes wrong in a real GIMP 3: said in plain words, with the image as it was and nothing left behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cyclorama import Engine
from gimp_host import Gimp3, needs_gimp
from made_gimp import picture_of
from pictures import green_screen

pytestmark = [needs_gimp, pytest.mark.timeout(1500)]

SCRIPT = Path(__file__).parent / "made_gimp_images.py"
LEAVE_SECONDS = 15  # a worker looks every second whether GIMP is there, and this machine may be busy
HALF_LEVEL = 0.5 / 255
LARGE = (3000, 4000)

# A worker that greets, opens a session, and dies when it is given a layer.
DIES = """#!/usr/bin/python3
import json, os, socket, sys
host, _ = socket.socket(fileno=0).accept()
stream = host.makefile("rwb")
while True:
    header = json.loads(stream.readline())
    if header["op"] == "layer":
        sys.exit("std::bad_alloc")
    stream.write(json.dumps({"protocol": 1, "model": "", "device": "", "note": ""}).encode() + b"\\n")
    stream.flush()
"""
CUT = {"procedure": "cut-out-subject", "arguments": {"model": "green-screen"}}
REPLACE = {"procedure": "replace-background"}


@dataclass(frozen=True)
class Results:
    gimp: Gimp3
    answers: dict[str, list[dict[str, Any]]]
    ended: float


def keyed(height: int, width: int) -> np.ndarray:
    small = green_screen()
    return np.ascontiguousarray(
        np.kron(small, np.ones((-(-height // 48), -(-width // 64), 1), np.uint8))[:height, :width]
    )


@pytest.fixture(scope="module")
def results() -> Iterator[Results]:
    gimp = Gimp3("faults")
    relay = f"{gimp.inside}/relay"
    (gimp.home / "dies").write_text(DIES)
    (gimp.home / "dies").chmod(0o755)
    (gimp.home / "text.txt").write_text("no picture")
    pictures = {
        "small": keyed(96, 128),
        "one": np.full((1, 1, 3), 200, np.uint8),
        "nobody": np.tile(np.array([0, 255, 0], np.uint8), (64, 64, 1)),
        "large": keyed(*LARGE),
    }
    for name, pixels in pictures.items():
        pixels.tofile(gimp.home / f"{name}.raw")

    def case(name: str, picture: str, command: list[str] | None, *calls: dict[str, Any], **more: Any) -> dict[str, Any]:
        # The one with little memory must not stay for the others.
        engine = {"procedure": "engine", "command": command, "warm": name != "memory"}
        shape = {"size": pictures[picture].shape[:2], "base": "rgb", "precision": "U8_NON_LINEAR", "sample": "u8"}
        return {"name": name, "stem": name, "file": f"{picture}.raw", **shape, "calls": [engine, *calls], **more}

    def replace(**arguments: Any) -> dict[str, Any]:
        return {**REPLACE, "arguments": {"model": "green-screen", **arguments}}

    cases = [
        case("missing", "small", None, CUT, replace(background="colour")),
        case("broken path", "small", ["/nowhere/python"], CUT),
        case("killed", "small", [f"{gimp.inside}/dies"], CUT),
        case("memory", "large", [relay, "limited"], {**CUT, "arguments": {"model": "green-screen"}}),
        case("one pixel", "one", [relay], CUT, replace(background="colour"), {"procedure": "select-subject"}),
        case("nobody", "nobody", [relay], CUT, replace(background="none")),
        case("no mask", "small", [relay], {"procedure": "refine-edge"}),
        case("no picture", "small", [relay], replace(background="picture")),
        case("a text", "small", [relay], replace(background="picture", picture="text.txt")),
        case("selection beside", "small", [relay], CUT, canvas=(96, 400), selection=(300, 0, 50, 50)),
        case("two layers", "small", [relay], CUT, {**CUT, "layers": ["photo", "Subject"]}),
        case("large", "large", [relay], CUT),
    ]
    try:
        answers = gimp.batch(SCRIPT, {"cases": cases}, timeout=1400)
        yield Results(gimp, answers, time.monotonic())
    finally:
        gimp.close()


@pytest.mark.parametrize(
    ("case", "number", "words"),
    [
        ("missing", 0, "engine.json cannot be read"),
        ("missing", 1, "Run “cyclorama install gimp” again."),
        ("broken path", 0, "Cyclorama's engine cannot be started: /nowhere/python: No such file or directory"),
        ("killed", 0, "engine ended before it was done. The picture is unchanged. Often there was too little memory"),
        ("killed", 0, "std::bad_alloc"),
        ("memory", 0, "there is not enough memory for a picture of this size"),
        ("one pixel", 0, "Nobody can be told apart in 1 × 1 pixels; 16 a side are the least."),
        ("one pixel", 1, "Nobody can be told apart in 1 × 1 pixels; 16 a side are the least."),
        ("one pixel", 2, "Nobody can be told apart in 1 × 1 pixels; 16 a side are the least."),
        ("nobody", 0, "Nobody was found here."),
        ("nobody", 1, "Nobody was found here."),
        ("no mask", 0, "This layer has no mask to refine."),
        ("no picture", 0, "Choose a picture to put behind the subject."),
        ("a text", 0, "text.txt cannot be opened"),
        ("selection beside", 0, "The selection does not touch this layer."),
        ("two layers", 1, "Select one layer: 2 are selected."),
    ],
)
def test_a_fault_is_said_in_plain_words_and_the_image_stays(
    results: Results, case: str, number: int, words: str
) -> None:
    call = results.answers[case][number]
    assert call["status"] == "execution-error"
    assert words in call["message"]
    before = ["Subject", "photo"] if case == "two layers" else ["photo"]
    picture = picture_of(results.gimp.home, call["image"])
    assert [layer.name for layer in picture.layers] == before
    assert picture.layers[0].visible


def test_twelve_megapixels_have_the_engines_own_mask(results: Results) -> None:
    (call,) = results.answers["large"]
    assert call["status"] == "success"
    mask = picture_of(results.gimp.home, call["image"]).layer("Subject").mask
    assert mask is not None
    assert np.abs(mask - Engine("green-screen").matte(keyed(*LARGE)).alpha).max() <= HALF_LEVEL + 1e-6


def test_no_worker_stays_when_gimp_has_ended(results: Results) -> None:
    assert results.gimp.workers.processes, "there were some"
    while results.gimp.workers.running:
        assert time.monotonic() - results.ended < LEAVE_SECONDS
        time.sleep(0.1)
