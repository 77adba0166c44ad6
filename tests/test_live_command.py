"""`cyclorama live`: from a file that stands for a camera to a sink that stands for a virtual camera."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama import Clip, Colour, Engine, Settings, Transparent
from cyclorama.errors import CycloramaError, DeviceError, MediaError
from cyclorama_ffmpeg.virtual_camera import Camera, VirtualCamera, run
from made_obs import RATE, moving_clip, room_pixels, subject_pixels

COMMAND = [sys.executable, "-c", "from cyclorama_ffmpeg.commands.main import main; main()", "live"]
SUBJECT = 8_000  # pixels


@dataclass
class Screen:
    """A sink that keeps what it was shown."""

    height: int
    width: int
    rate: float
    name: str = "screen"
    pictures: list[NDArray[np.uint8]] = field(default_factory=list)
    closed: bool = False
    slowness: float = 0.0

    def send(self, rgb: NDArray[np.uint8]) -> None:
        assert not self.closed
        self.pictures.append(rgb)
        time.sleep(self.slowness)

    def close(self) -> None:
        self.closed = True


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return moving_clip(tmp_path_factory.mktemp("camera") / "camera.mkv", seconds=2)


def shown(clip: Path, settings: Settings, *, slowness: float = 0.0, **more: Callable[..., None]) -> Screen:
    screens: list[Screen] = []

    def open_screen(*, height: int, width: int, rate: float) -> Screen:
        screens.append(Screen(height, width, rate, slowness=slowness))
        return screens[-1]

    with Camera(str(clip)) as camera:
        session = Engine("green-screen").session(settings)
        try:
            run(session, camera, open_screen, started=lambda sink: None, **more)  # noqa: ARG005
        finally:
            assert screens[-1].closed
    return screens[-1]


def test_every_picture_has_the_subject_and_none_has_the_room(clip: Path) -> None:
    screen = shown(clip, Settings(background=Colour(200, 0, 200)))
    assert (screen.height, screen.width, screen.rate) == (360, 640, RATE)
    assert screen.pictures
    assert all(subject_pixels(picture) > SUBJECT for picture in screen.pictures)
    assert not any(room_pixels(picture) for picture in screen.pictures)


def test_who_is_slow_drops_frames_and_does_not_fall_behind(clip: Path) -> None:
    started = time.monotonic()
    screen = shown(clip, Settings(background=Colour(200, 0, 200)), slowness=0.3)
    assert 1 < len(screen.pictures) < 2 * RATE / 2
    assert time.monotonic() - started < 2 + 5


def test_a_clip_behind_moves_with_the_clock(clip: Path) -> None:
    asked: list[Fraction] = []

    class Moving:
        def frame_at(self, time: Fraction) -> NDArray[np.uint8]:
            asked.append(time)
            return np.full((36, 64, 3), 77, np.uint8)

    shown(clip, Settings(background=Clip(Moving())))
    assert asked == sorted(asked)
    assert asked[-1] > asked[0]


def test_a_fault_closes_the_sink_and_shows_nothing_more(clip: Path) -> None:
    def fails(*_: object) -> None:
        raise CycloramaError("made to fail")

    with pytest.raises(CycloramaError, match="made to fail"):
        shown(clip, Settings(background=Colour(0, 0, 0)), before=fails)


def test_transparency_cannot_be_shown(clip: Path) -> None:
    with pytest.raises(CycloramaError, match="no transparency"):
        shown(clip, Settings(background=Transparent()))


def test_a_camera_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="expected a camera's number"):
        Camera(str(tmp_path / "nobody.mp4"))


def test_a_virtual_camera_gets_pictures_of_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for pyvirtualcam, whose real devices need a kernel module or OBS' own camera."""
    opened: list[tuple[object, ...]] = []
    sent: list[NDArray[np.uint8]] = []

    def open_camera(width: int, height: int, rate: float, device: str | None) -> SimpleNamespace:
        opened.append((width, height, rate, device))
        return SimpleNamespace(device="/dev/video9", send=sent.append, close=lambda: opened.append(("closed",)))

    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=open_camera))
    sink = VirtualCamera(height=48, width=64, rate=25.0, device="/dev/video9")
    sink.send(np.zeros((48, 64, 3), np.uint8))
    sink.close()
    assert sink.name == "/dev/video9"
    assert opened == [(64, 48, 25.0, "/dev/video9"), ("closed",)]
    assert len(sent) == 1


def test_a_system_without_virtual_cameras_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_camera(*_: object, **__: object) -> None:
        raise RuntimeError("v4l2loopback is not there")

    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=open_camera))
    with pytest.raises(DeviceError, match="v4l2loopback is not there"):
        VirtualCamera(height=48, width=64, rate=25.0)
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(DeviceError, match=r"pip install 'cyclorama\[live\]'"):
        VirtualCamera(height=48, width=64, rate=25.0)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ([], "expected --virtual"),
        (["--virtual", "-b", "transparent"], "no transparency"),
        (["--virtual", "--camera", "nobody.mp4", "--model", "green-screen"], "expected a camera's number"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(options: list[str], reason: str, tmp_path: Path) -> None:
    ran = subprocess.run([*COMMAND, *options], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert ran.returncode == 1
    assert reason in ran.stderr
    assert len([line for line in ran.stderr.splitlines() if "cyclorama" in line]) == 1
