"""The plug-in in a GIMP with a window: its dialog, one step of undo, and cancelling."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from cyclorama.editing import still_scenes
from cyclorama_ffmpeg.demonstration import photograph
from gimp_host import MAIN_WINDOW, Gimp3, Window, needs_gimp

pytestmark = [needs_gimp, pytest.mark.timeout(900)]
pytest.importorskip("skimage", reason="the photograph comes with scikit-image")

SCRIPT = Path(__file__).parent / "made_gimp_watch.py"
DIALOG, SUGGESTIONS, MESSAGE = "Replace Background", "Suggested Backgrounds", "GIMP Message"
CANCEL = (697, 640)  # where a fresh profile has the progress bar's button in the main window
WORK_SECONDS = 200  # a busy machine's; an idle one needs three


@pytest.fixture(scope="module")
def window() -> Iterator[Window]:
    gimp = Gimp3("window")
    Image.fromarray(photograph()).save(gimp.home / "photo.png")
    shown = None
    try:
        shown = Window(gimp, SCRIPT, "photo.png")
        yield shown
    finally:
        if shown is not None:
            shown.close()
        gimp.close()


def plugins() -> list[Path]:
    """Processes of the plug-in."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"cyclorama-gimp.py\0" in (process / "cmdline").read_bytes():
                found.append(process)
    return found


def open_dialog(window: Window) -> None:
    window.menu(MAIN_WINDOW, DIALOG)
    window.wait(lambda: bool(window.window(DIALOG)), WORK_SECONDS)


def finished(window: Window) -> bool:
    """Whether all is done: the original is hidden last."""
    layers = window.state["layers"]
    return len(layers) == 3 and not layers[2]["visible"]


def test_cancel_changes_nothing(window: Window) -> None:
    open_dialog(window)
    window.key(DIALOG, "Escape")
    window.wait(lambda: not window.window(DIALOG))
    assert window.layers() == ["Background"]
    assert not window.state["dirty"]
    assert window.gimp.workers.processes == []


def test_ok_makes_the_layers_and_one_undo_takes_all_back(window: Window) -> None:
    open_dialog(window)
    # The first field is the background; down from "suggested" lies the built-in scene.
    window.key(DIALOG, "alt+b", "Down", "alt+o")
    window.wait(lambda: finished(window), WORK_SECONDS)
    subject, background, original = window.state["layers"]
    assert (subject["name"], subject["mask"], subject["visible"]) == ("Subject", True, True)
    assert (background["mask"], background["visible"]) == (False, True)
    assert (original["name"], original["visible"]) == ("Background", False)
    picture = Image.open(window.screenshot("done.png"))
    assert picture.size == (1400, 1000)
    assert len(picture.getcolors(1 << 21) or []) > 1000, "the screen shows a photograph"
    window.key(MAIN_WINDOW, "ctrl+z")
    window.wait(lambda: window.layers() == ["Background"])
    assert window.state["layers"][0]["visible"]
    assert not window.state["dirty"]
    assert not window.window(MESSAGE), "GIMP complains of nothing"


def test_the_last_settings_come_back(window: Window) -> None:
    settings = window.gimp.profile / "plug-in-settings"
    assert any("replace-background" in path.name for path in settings.iterdir())
    open_dialog(window)
    window.key(DIALOG, "alt+o")
    window.wait(lambda: finished(window), WORK_SECONDS)
    window.key(MAIN_WINDOW, "ctrl+z")
    window.wait(lambda: window.layers() == ["Background"])


def test_a_suggestion_is_chosen_by_its_picture_and_put_behind(window: Window) -> None:
    window.menu(MAIN_WINDOW, "Suggest Background")
    window.wait(lambda: bool(window.window(SUGGESTIONS)), WORK_SECONDS)
    window.key(SUGGESTIONS, "Escape")
    window.wait(lambda: not window.window(SUGGESTIONS))
    assert window.layers() == ["Background"]
    window.menu(MAIN_WINDOW, "Suggest Background")
    window.wait(lambda: bool(window.window(SUGGESTIONS)), WORK_SECONDS)
    window.key(SUGGESTIONS, "Down", "alt+r")
    window.wait(lambda: finished(window), WORK_SECONDS)
    titles = {scene.title for scene in still_scenes().values()}
    assert window.layers()[1] in titles
    window.key(MAIN_WINDOW, "ctrl+z")
    window.wait(lambda: window.layers() == ["Background"])


def test_cancel_in_the_progress_bar_stops_the_work_and_changes_nothing(window: Window) -> None:
    (worker,) = window.gimp.workers.running
    worker.send_signal(signal.SIGSTOP)  # as slow as can be
    try:
        open_dialog(window)
        window.key(DIALOG, "alt+o")
        window.wait(lambda: bool(plugins()))
        time.sleep(2)  # the progress bar comes
        window.click(MAIN_WINDOW, *CANCEL)
        window.wait(lambda: not plugins())
    finally:
        worker.send_signal(signal.SIGCONT)
    assert window.layers() == ["Background"]
    assert not window.state["dirty"]
    assert not window.window(MESSAGE)
    # The worker has nothing left to do, and serves the next call.
    open_dialog(window)
    window.key(DIALOG, "alt+o")
    window.wait(lambda: finished(window), WORK_SECONDS)
    assert window.gimp.workers.running == [worker]
    window.key(MAIN_WINDOW, "ctrl+z")
    window.wait(lambda: window.layers() == ["Background"])


def test_the_worker_leaves_when_gimp_is_killed(window: Window) -> None:
    assert len(window.gimp.workers.running) == 1
    window.close()
    end = time.monotonic() + WORK_SECONDS
    while window.gimp.workers.running:
        assert time.monotonic() < end
        time.sleep(0.1)
