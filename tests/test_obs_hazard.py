"""Nothing stops the picture: neither another script that calls OBS from a thread as much as it likes, for nothing of
Python is on the graphics thread, nor OBS' own saving."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from made_obs import HEIGHT, WIDTH, before_green, subject_pixels, write_picture
from obs_host import Host, wait_for, why_not

pytestmark = [pytest.mark.skipif(why_not() != "", reason=why_not()), pytest.mark.timeout(240)]

MAGENTA = 0xFFC800C8  # ABGR
# What froze OBS within a hundred calls where a Python filter rendered: calls that take OBS' locks, with Python's lock
# held, from a thread that is not OBS'.
HAZARD = """
import threading, time
import obspython as obs

class Work:
    stop = threading.Event()
    calls = 0

def calls():
    while not Work.stop.is_set():
        scene = obs.obs_frontend_get_current_scene()
        items = obs.obs_scene_enum_items(obs.obs_scene_from_source(scene)) or []
        obs.sceneitem_list_release(items)
        obs.obs_source_release(scene)
        obs.obs_source_release(obs.obs_get_output_source(0))
        obs.obs_enter_graphics()
        obs.obs_leave_graphics()
        obs.source_list_release(obs.obs_enum_sources())
        Work.calls += 1

def script_load(settings):
    Work.thread = threading.Thread(target=calls, daemon=True)
    Work.thread.start()

def script_unload():
    Work.stop.set()
    Work.thread.join()
"""


@pytest.mark.parametrize("seconds", [5, pytest.param(30, marks=pytest.mark.long)])
def test_a_script_that_calls_obs_without_end_does_not_stop_the_picture(tmp_path: Path, seconds: int) -> None:
    hazard = tmp_path / "hazard.py"
    hazard.write_text(HAZARD)
    with Host(tmp_path / "host", model="green-screen", scripts=(hazard,)) as host:
        host.add_picture("camera", write_picture(tmp_path / "camera.png", before_green()))
        host.add_filter("camera", mode="colour", colour=MAGENTA)
        subject = lambda: subject_pixels(host.screenshot("camera")) > 8_000  # noqa: E731
        wait_for("the subject", subject)
        frames = host.call("GetStats")["renderTotalFrames"]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            host.set_filter("camera", feather=time.monotonic() % 3)
            host.screenshot("camera")
        assert host.run("answer = sys.modules['hazard'].Work.calls") > 100
        assert host.call("GetStats")["renderTotalFrames"] > frames + seconds, "frames were drawn all the while"
        worker = host.worker()
        os.kill(worker, 9)
        wait_for("another worker", lambda: host.workers() not in ([], [worker]))
        wait_for("the subject again", subject)
        host.stop()


# Both wait for the filters' callbacks with the source's list of filters locked, which drawing the scene waits for.
SAVE = """
import time
source = obs.obs_get_source_by_name("camera")
end = time.monotonic() + 5
while time.monotonic() < end:
    obs.obs_data_array_release(obs.obs_source_backup_filters(source))
    answer = obs.obs_source_get_width(source), obs.obs_source_get_height(source)
obs.obs_source_release(source)
"""


def test_saving_while_a_filtered_scene_draws_a_filtered_source_does_not_stop_the_picture(tmp_path: Path) -> None:
    with Host(tmp_path / "host", model="green-screen") as host:
        host.add_picture("camera", write_picture(tmp_path / "camera.png", before_green()))
        host.add_filter("camera", mode="colour", colour=MAGENTA)
        host.add_filter("stage", "of the scene", mode="colour", colour=MAGENTA)
        wait_for("the subject", lambda: subject_pixels(host.screenshot("camera")) > 8_000)
        assert host.run(SAVE) == [WIDTH, HEIGHT]
        frames = host.call("GetStats")["renderTotalFrames"]
        wait_for("frames", lambda: host.call("GetStats")["renderTotalFrames"] > frames + 5)
        host.stop()
