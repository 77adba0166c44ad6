"""The same matte everywhere: one frame through the API, the command and the worker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama import Colour, Engine, Settings, wire
from made import disc, texture

HEIGHT, WIDTH = 270, 480
ROUNDING = 1  # levels of 255


@pytest.fixture(scope="module")
def frame() -> NDArray[np.uint8]:
    """A photograph where there is one, else something with an edge that the network is unsure of."""
    try:
        from skimage import data

        return np.ascontiguousarray(cv2.resize(data.astronaut()[:288], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA))
    except ImportError:
        a = disc(HEIGHT, WIDTH, radius=90)[..., None]
        return (
            texture(HEIGHT, WIDTH, (220, 160, 130), 1) * a + texture(HEIGHT, WIDTH, (60, 80, 90), 2) * (1 - a)
        ).astype(np.uint8)


@pytest.mark.parametrize("model", ["portrait", "green-screen"])
def test_the_api_the_command_and_the_worker_agree(frame: NDArray[np.uint8], model: str, tmp_path: Path) -> None:
    settings = Settings(background=Colour(0, 177, 64))
    engine = Engine(model, "cpu")
    matte = engine.matte(frame, settings)
    rendered = engine.render(frame, settings)

    source = tmp_path / "frame.png"
    cv2.imwrite(str(source), frame[..., ::-1])
    code = "from cyclorama_ffmpeg.commands.main import main; main()"
    options = ["-b", "#00b140", "-o", "out.png", "--matte", "matte.png", "--model", model, "--device", "cpu"]
    command = [sys.executable, "-c", code, "image", "frame.png", *options, "--no-refine"]
    subprocess.run(command, cwd=tmp_path, check=True)
    by_command = cv2.imread(str(tmp_path / "out.png"))[..., ::-1]
    alpha_by_command = cv2.imread(str(tmp_path / "matte.png"), cv2.IMREAD_GRAYSCALE)

    with wire.Client([sys.executable, "-m", "cyclorama.worker"], log=subprocess.DEVNULL) as worker:
        colour = {"kind": "colour", "red": 0, "green": 177, "blue": 64}
        opening = {"op": "open", "session": "1", "model": model, "device": "cpu", "settings": {"background": colour}}
        worker.request(opening)
        shape = {"session": "1", "height": HEIGHT, "width": WIDTH}
        _, plane = worker.request({"op": "matte", **shape}, frame.tobytes())
        worker.request({"op": "reset", "session": "1"})
        _, pixels = worker.request({"op": "render", **shape}, frame.tobytes())
    by_worker = np.frombuffer(pixels, np.uint8).reshape(HEIGHT, WIDTH, 3)
    alpha_by_worker = np.frombuffer(plane, np.uint8).reshape(HEIGHT, WIDTH)

    assert matte.alpha.max() > 0.5, "there is a subject"
    for alpha in (alpha_by_command, alpha_by_worker):
        assert np.abs(alpha - matte.alpha * 255).max() <= ROUNDING
    for picture in (by_command, by_worker):
        assert np.abs(picture.astype(int) - rendered).max() <= ROUNDING
