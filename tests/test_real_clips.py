"""Real clips through the network, where a folder of them lies beside this checkout."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cyclorama.engine import Engine
from cyclorama.types import Colour, Settings
from cyclorama_ffmpeg.video import replace_background
from made_video import frame_times, sound_packets

CLIPS = Path(__file__).parent.parent.parent / "shared" / "clips"
NAMES = ("sam2_woman_dog_720p_audio.mp4", "intel_asl_book_480p.mkv")
SECONDS = "2"
FEWEST_FRAMES = 40  # in two seconds of any of them


@pytest.mark.parametrize("name", NAMES)
def test_a_real_clip_keeps_its_frames_times_and_sound(tmp_path: Path, name: str) -> None:
    if not (CLIPS / name).is_file():
        pytest.skip(f"{CLIPS / name} is not there")
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        pytest.skip("no ffmpeg command to trim the clip with")
    source, target = tmp_path / name, tmp_path / f"out{Path(name).suffix}"
    command = [
        ffmpeg,
        "-v",
        "error",
        "-i",
        str(CLIPS / name),
        "-t",
        SECONDS,
        "-map",
        "0:v",
        "-map",
        "0:a?",
        "-c",
        "copy",
        str(source),
    ]
    subprocess.run(command, check=True)
    times = frame_times(source)
    assert len(times) >= FEWEST_FRAMES
    summary = replace_background(Engine("portrait").session(Settings(background=Colour(20, 60, 120))), source, target)
    assert summary.frames == len(times)
    assert frame_times(target) == times
    assert sound_packets(target) == sound_packets(source)
    assert bool(sound_packets(source)) == ("audio" in name)
