"""A clip behind the subject: it loops, keeps its own time, and takes no more memory the longer it runs."""

from __future__ import annotations

import weakref
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from cyclorama.errors import MediaError, SettingError
from cyclorama.types import Clip, Picture
from cyclorama_ffmpeg.backgrounds import LoopedClip, parse
from cyclorama_ffmpeg.frames import ToRgb
from made_video import RED, SIZE, flat_frame, frame_times, picture, pictures, run, turn, write_video

# Greys that tell the frames of a clip apart, and how far one may move through the encoder.
GREYS = (30, 90, 150, 210)
LEVELS = 6
MOST_FRAMES_HELD = 2  # the one shown, and the one that takes its place
MILLISECOND = Fraction(1, 1000)


def write_greys(path: Path, times: list[int], time_base: Fraction = MILLISECOND, **options: Any) -> Path:
    """A clip of one flat grey a frame, lossless."""
    frames = [
        av.VideoFrame.from_ndarray(np.full((48, 64, 3), GREYS[i], np.uint8), format="rgb24") for i in range(len(times))
    ]
    return write_video(path, frames=frames, size=(64, 48), codec="ffv1", times=times, time_base=time_base, **options)


def shown(clip: LoopedClip, milliseconds: Fraction | int) -> int:
    """Which frame of the clip is shown at a time."""
    level = clip.frame_at(milliseconds * MILLISECOND).mean()
    return int(np.argmin(np.abs(np.array(GREYS) - level)))


def test_each_frame_stays_until_the_next_and_the_last_for_its_own_time(tmp_path: Path) -> None:
    source = write_greys(tmp_path / "clip.mkv", [0, 100, 400])
    with av.open(str(source)) as container:
        last = list(container.decode(video=0))[-1]
        assert last.duration * last.time_base == Fraction(40, 1000), "the last frame has a duration of its own"
    clip = LoopedClip(source)
    expected = {0: 0, 99: 0, 100: 1, 399: 1, 400: 2, 439: 2, 440: 0, 539: 0, 540: 1, 839: 1, 840: 2, 879: 2, 880: 0}
    assert {time: shown(clip, time) for time in expected} == expected


def test_a_clip_that_starts_late_is_shown_from_its_first_frame(tmp_path: Path) -> None:
    source = write_greys(tmp_path / "clip.mkv", [5000, 5100])
    assert frame_times(source)[0] == 5
    clip = LoopedClip(source)
    assert [shown(clip, t) for t in (0, 100, 140)] == [0, 1, 0]


def test_jumps_over_many_rounds_and_back_find_the_right_frame(tmp_path: Path) -> None:
    clip = LoopedClip(write_greys(tmp_path / "clip.mkv", [0, 40, 80, 120]))
    assert [shown(clip, t) for t in (160_000_000 + 45, 130, 45, 0, 125)] == [1, 3, 1, 0, 3]


def test_a_clip_of_one_frame_stands_still(tmp_path: Path) -> None:
    clip = LoopedClip(write_greys(tmp_path / "clip.mkv", [0]))
    first = clip.frame_at(Fraction(0))
    assert all(clip.frame_at(Fraction(t, 7)) is first for t in range(100)), "it is decoded once"


def test_the_same_frame_is_the_same_array(tmp_path: Path) -> None:
    clip = LoopedClip(write_greys(tmp_path / "clip.mkv", [0, 100]))
    assert clip.frame_at(Fraction(1, 100)) is clip.frame_at(Fraction(9, 100)), "a session fits it once"


def test_memory_does_not_grow_with_the_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[Any]] = []
    convert = ToRgb.__call__

    def counted(self: ToRgb, frame: av.VideoFrame) -> Any:
        rgb = convert(self, frame)
        made.append(weakref.ref(rgb))
        return rgb

    monkeypatch.setattr(ToRgb, "__call__", counted)
    clip = LoopedClip(write_video(tmp_path / "clip.mkv", count=20, codec="mpeg4"))
    most = 0
    for time in range(100):
        clip.frame_at(Fraction(time, 25))
        most = max(most, sum(ref() is not None for ref in made))
    assert len(made) == 100, "every frame of every round is decoded when its time comes"
    assert most <= MOST_FRAMES_HELD


def test_a_background_clip_follows_the_time_of_the_frames(tmp_path: Path) -> None:
    behind = write_greys(tmp_path / "behind.mkv", [0, 100, 200])
    times = [0, 90, 110, 150, 230, 250, 340, 1000]  # the clip is 240 ms long
    source = write_video(tmp_path / "in.mp4", times=[t + 700 for t in times], time_base=MILLISECOND)
    background = parse(str(behind))
    assert isinstance(background, Clip)
    run(source, tmp_path / "out.mp4", background)
    found = [rgb[2:14].mean() for rgb in pictures(tmp_path / "out.mp4")]
    expected = [GREYS[i] for i in (0, 0, 1, 1, 2, 0, 1, 0)]
    assert np.abs(np.subtract(found, expected)).max() <= LEVELS


def test_an_animated_gif_is_a_clip(tmp_path: Path) -> None:
    frames = [Image.new("L", (64, 48), grey) for grey in GREYS[:3]]
    frames[0].save(tmp_path / "behind.gif", save_all=True, append_images=frames[1:], duration=[100, 200, 50], loop=0)
    background = parse(str(tmp_path / "behind.gif"))
    assert isinstance(background, Clip)
    clip = background.frames
    assert isinstance(clip, LoopedClip)
    assert [shown(clip, t) for t in (0, 99, 100, 299, 300, 349, 350, 450)] == [0, 0, 1, 1, 2, 2, 0, 1]


def test_a_gif_of_one_picture_is_a_background_too(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48), (90, 90, 90)).save(tmp_path / "behind.gif")
    source = write_video(tmp_path / "in.mp4", count=2)
    run(source, tmp_path / "out.mp4", parse(str(tmp_path / "behind.gif")))
    assert abs(pictures(tmp_path / "out.mp4")[1][2:14].mean() - 90) <= LEVELS


def test_a_still_picture_is_no_clip(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "behind.png")
    assert isinstance(parse(str(tmp_path / "behind.png")), Picture)


def test_a_turned_clip_stands_upright(tmp_path: Path) -> None:
    top = flat_frame([(slice(0, 48), slice(0, 160), RED)], SIZE, "601", full=False)
    source = write_video(tmp_path / "clip.mp4", frames=[top])
    turn(source, 90)
    rgb = LoopedClip(source).frame_at(Fraction(0))
    assert rgb.shape == (160, 96, 3)
    assert rgb[:, 60:, 0].mean() > 150, "what was on top is on the right"


def test_a_damaged_clip_is_named(tmp_path: Path) -> None:
    whole = write_greys(tmp_path / "whole.mkv", [0, 100, 200]).read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) * 6 // 10])
    with pytest.raises(MediaError, match=r"cut\.mkv: the file is cut short"):
        parse(str(tmp_path / "cut.mkv"))


def test_a_file_of_words_is_no_background(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a picture " * 50, "utf-8")
    with pytest.raises(MediaError, match=r"notes\.txt: expected a video, this is text"):
        parse(str(tmp_path / "notes.txt"))


def test_a_background_that_is_not_there_lists_what_could_be(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"nowhere\.mp4: no such background; expected a file, one of the words"):
        parse(str(tmp_path / "nowhere.mp4"))


def test_the_subject_moves_while_the_clip_plays(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=6)
    run(source, tmp_path / "out.mp4", parse(str(write_greys(tmp_path / "behind.mkv", [0, 40, 80, 120]))))
    for index, rgb in enumerate(pictures(tmp_path / "out.mp4")):
        subject = (picture(index) == RED).all(2)
        rows, columns = np.nonzero(subject)
        inner = rgb[rows.min() + 8 : rows.max() - 8, columns.min() + 8 : columns.max() - 8]
        assert np.abs(inner.reshape(-1, 3).mean(0) - RED).max() <= LEVELS
