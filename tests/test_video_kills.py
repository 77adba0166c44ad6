"""Runs that are killed with -9 and gone on with: what comes out is what an unbroken run gives, frame for frame."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cyclorama_ffmpeg.work_folder import work_folder
from made_video import BLUE, Sound, frame_times, names, packet_times, sound_packets, stored, write_video

COMMAND = [sys.executable, "-c", "from cyclorama_ffmpeg.commands.main import main; main()", "video"]
KEYED = ["--model", "green-screen", "-b", "#2846be"]
DEADLINE = 300  # seconds after which a command counts as hanging
KILLS = 10
FRAMES, SEGMENT = 300, 40  # of the run that is killed
# A process of its own, with shorter segments, and without the time that the whole command takes to load.
RUN = f"""
import sys
from pathlib import Path
from cyclorama import Engine, Settings
from cyclorama.types import Colour
from cyclorama_ffmpeg import segments
from cyclorama_ffmpeg.video import Options, replace_background
segments.SEGMENT = {SEGMENT}
session = Engine("green-screen").session(Settings(Colour{BLUE}))
print(replace_background(session, Path(sys.argv[1]), Path(sys.argv[2]), options=Options(resume=True)).resumed)
"""
# x264's macroblock tree with B-frames decides by memory that nobody wrote to: of the same frames it makes other bits
# now and then. With glibc filling all memory the same way, its bits are always the same.
FILLED = {**os.environ, "MALLOC_PERTURB_": "85"}
SIZE = (320, 192)


def whole_segments(target: Path) -> int:
    folder = work_folder(target)
    return len([p for p in folder.iterdir() if p.suffix == ".picture"]) if folder.is_dir() else 0


def test_ten_kills_at_random_moments_change_nothing(tmp_path: Path) -> None:
    sounds = [Sound(), Sound(pitch=600, language="deu")]
    source = write_video(tmp_path / "in.mp4", count=FRAMES, size=SIZE, sounds=sounds, options={"bf": "2"})
    arguments = [sys.executable, "-c", RUN, source]
    given: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": FILLED}
    subprocess.run([*arguments, tmp_path / "unbroken.mp4"], check=True, timeout=DEADLINE, **given)
    chance, target = random.Random(6), tmp_path / "broken.mp4"
    kept = []
    for _ in range(KILLS):
        process = subprocess.Popen([*arguments, target], **given)
        # Some of them get as far as another segment, so that the next one has something new to go on with.
        wanted, rest = whole_segments(target) + (chance.random() < 0.4), chance.uniform(0, 0.3)
        until = time.monotonic() + DEADLINE
        while whole_segments(target) < wanted and process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(rest)
        process.kill()
        process.communicate(timeout=DEADLINE)
        assert process.returncode == -9, "it was over before it was killed"
        assert not target.exists()
        kept.append(whole_segments(target))
    assert kept == sorted(kept)
    assert len(set(kept)) > 2, "too few of the runs got anywhere for the test to say anything"
    last = subprocess.run([*arguments, target], check=True, timeout=DEADLINE, text=True, **given)
    assert int(last.stdout) == kept[-1] * SEGMENT

    frames = stored(target)
    assert len(frames) == FRAMES
    assert frames == stored(tmp_path / "unbroken.mp4")
    assert packet_times(target) == packet_times(tmp_path / "unbroken.mp4")
    assert frame_times(target) == frame_times(source)
    assert sound_packets(target) == sound_packets(source)
    assert names(tmp_path) == ["broken.mp4", "in.mp4", "unbroken.mp4"]


def test_a_killed_run_that_nobody_prepared_can_be_gone_on_with(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=600, size=SIZE)
    target = tmp_path / "out.mp4"
    process = subprocess.Popen([*COMMAND, source, *KEYED, "-o", target], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = time.monotonic() + DEADLINE
    while not whole_segments(target) and time.monotonic() < until:
        assert process.poll() is None, "it was over before it could be killed"
        time.sleep(0.005)
    process.kill()
    process.communicate(timeout=DEADLINE)

    def again(*more: str) -> subprocess.CompletedProcess[str]:
        arguments = [*COMMAND, source, *KEYED, "-o", target, *more]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=DEADLINE, check=False)

    refused = again()
    assert refused.returncode == 1
    assert refused.stderr.endswith("a run for it was cut off; --resume goes on with that, --overwrite starts anew\n")
    gone_on = again("--resume")
    assert gone_on.returncode == 0, gone_on.stderr
    assert "went on after the " in gone_on.stderr
    assert frame_times(target) == frame_times(source)
    assert names(tmp_path) == ["in.mp4", "out.mp4"]

    done = again("--resume")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"cyclorama: note: {target} is done already; --overwrite does it again\n"
