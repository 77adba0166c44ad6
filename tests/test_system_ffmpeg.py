"""Encoders of the system's ffmpeg, which PyAV's FFmpeg lacks: exact times, everything kept, failures in one line."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from cyclorama.errors import OutputError, SettingError
from cyclorama_ffmpeg import segments, system_ffmpeg
from cyclorama_ffmpeg.encodings import Wish
from cyclorama_ffmpeg.system_ffmpeg import Child
from cyclorama_ffmpeg.video import Options, arrange
from made_video import BLUE, RED, SIZE, Sound, frame_times, picture, pictures, run, sound_packets, write_video

# Encoder -> a container for it, and the levels of 255 that it may be off.
FOREIGN = {"libtheora": ("out.mkv", 16), "libxvid": ("out.mp4", 16), "libaom-av1": ("out.mkv", 12)}
UNEVEN = [0, 2, 4, 6, 8, 10, 30, 50, 70, 73, 75, 90]  # times in hundredths of a second
HUNDREDTH = Fraction(1, 100)


@pytest.fixture
def foreign() -> str:
    """An encoder that is there and that PyAV lacks."""
    return next(iter(encoders()))


def encoders() -> Iterator[str]:
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg command here")
    found = [name for name in FOREIGN if name not in av.codecs_available and system_ffmpeg.find(name)]
    if not found:
        pytest.skip("the ffmpeg command here has no encoder that PyAV lacks")
    return iter(found)


def frames(times: list[int]) -> list[av.VideoFrame]:
    made = [
        av.VideoFrame.from_ndarray(picture(i), format="rgb24").reformat(format="yuv420p") for i in range(len(times))
    ]
    for frame, time in zip(made, times, strict=True):
        frame.pts, frame.duration, frame.time_base = time, 2, HUNDREDTH
        frame.colorspace = frame.color_primaries = frame.color_trc = 1
        frame.color_range = 1
    return made


def child(encoder: str, given: list[av.VideoFrame], **options: str) -> Child:
    found = system_ffmpeg.find(encoder)
    if found is None:
        pytest.skip(f"the ffmpeg command here has no {encoder}")
    return Child(found, options, given[0], HUNDREDTH, Fraction(1))


@pytest.mark.parametrize("encoder", FOREIGN)
def test_everything_is_kept_around_pictures_that_are_encoded_elsewhere(tmp_path: Path, encoder: str) -> None:
    if encoder not in encoders():
        pytest.skip(f"no {encoder} that PyAV lacks here")
    name, levels = FOREIGN[encoder]
    sounds = [Sound("flac"), Sound("flac", pitch=300)]
    source = write_video(tmp_path / f"in{Path(name).suffix}", times=UNEVEN, time_base=HUNDREDTH, sounds=sounds)
    summary = run(source, tmp_path / name, options=Options(wish=Wish(encoder)))
    assert any(note.startswith(f"{encoder} is encoded by the system's ffmpeg (") for note in summary.notes)
    assert frame_times(tmp_path / name) == frame_times(source)
    assert sound_packets(tmp_path / name) == sound_packets(source)
    last = pictures(tmp_path / name)[-1]
    assert np.abs(last[4, 4].astype(int) - BLUE).max() <= levels
    middle = 4 * (len(UNEVEN) - 1) + SIZE[1] // 4
    assert np.abs(last[SIZE[1] // 2, middle].astype(int) - RED).max() <= levels
    assert sorted(p.name for p in tmp_path.iterdir()) == [source.name, name]


def test_times_and_lengths_are_exact_with_b_frames() -> None:
    given = frames(UNEVEN)
    worker = child("libx264", given, bf="2", preset="veryfast")
    packets = [packet for frame in [*given, None] for packet in worker.encode(frame)]
    worker.close()
    shown, decoded = [p.pts or 0 for p in packets], [p.dts for p in packets]
    assert sorted(shown) == UNEVEN
    assert shown != UNEVEN, "no B-frames, so the test says nothing"
    assert {p.duration for p in packets} == {2}
    assert all(d is not None and d <= s for s, d in zip(shown, decoded, strict=True))
    assert decoded == sorted(set(decoded), key=lambda d: d or 0)


def test_tags_reach_an_encoder_through_a_pipe_that_does_not_tell_them() -> None:
    given = frames([0])
    worker = child("libx264", given)
    context = worker.template.codec_context
    assert (int(context.colorspace), int(context.color_primaries), int(context.color_trc)) == (1, 1, 1)
    worker.close()


def test_segments_are_joined_from_several_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, foreign: str
) -> None:
    monkeypatch.setattr(segments, "SEGMENT", 5)
    out = tmp_path / FOREIGN[foreign][0]
    source = write_video(tmp_path / f"in{out.suffix}", times=UNEVEN, time_base=HUNDREDTH, sounds=[Sound("flac")])
    run(source, out, options=Options(wish=Wish(foreign), resume=True))
    assert frame_times(out) == frame_times(source)
    assert sorted(p.name for p in tmp_path.iterdir()) == [source.name, out.name]


def test_a_program_that_dies_in_the_middle_is_one_line_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, foreign: str
) -> None:
    # Its trial goes well; at its real work it takes a little of the pictures and fails.
    real = shutil.which("ffmpeg")
    fake = tmp_path / "ffmpeg"
    fake.write_text(
        "#!/bin/sh\n"
        f"if [ -e {tmp_path}/tried ]; then head -c 99999 >/dev/null; echo the card fell out >&2; exit 3; fi\n"
        f'case "$*" in *pipe:0*) touch {tmp_path}/tried;; esac\nexec {real} "$@"\n'
    )
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(shutil, "which", lambda _: str(fake))
    for answer in (system_ffmpeg.find, system_ffmpeg.version):
        answer.cache_clear()
    folder = tmp_path / "here"
    folder.mkdir()
    source = write_video(folder / "in.mp4", count=60, sounds=[Sound()])
    try:
        with pytest.raises(OutputError, match=rf"{foreign} of the system's ffmpeg ended before .*: the card fell out;"):
            run(source, folder / FOREIGN[foreign][0], options=Options(wish=Wish(foreign)))
    finally:
        for answer in (system_ffmpeg.find, system_ffmpeg.version):
            answer.cache_clear()
    assert [p.name for p in folder.iterdir()] == ["in.mp4"]


@pytest.mark.timeout(60)
def test_an_interrupt_ends_the_program_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, foreign: str) -> None:
    source = write_video(tmp_path / "in.mp4", count=60)
    started = []
    true = Child._start

    def noted(self: Child, first: av.VideoFrame) -> None:
        true(self, first)
        started.append(self._process)

    monkeypatch.setattr(Child, "_start", noted)

    def stop(done: int, *_: object) -> None:
        if started and done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(source, tmp_path / FOREIGN[foreign][0], options=Options(wish=Wish(foreign)), progress=stop)
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]
    assert len(started) == 1
    assert started[0] is not None
    assert started[0].poll() is not None


def test_a_setting_that_the_encoder_refuses_is_one_line_before_the_work() -> None:
    with pytest.raises(OutputError, match=r"libx264 of the system's ffmpeg does not work here: .*\bcrf\b") as caught:
        child("libx264", frames([0]), crf="much")
    assert "\n" not in str(caught.value)


def test_what_nobody_has_is_said(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=4)
    with pytest.raises(SettingError, match=r"neither this build of FFmpeg nor the system's ffmpeg has .* nosuch"):
        arrange(source, tmp_path / "out.mp4", transparent=False, options=Options(wish=Wish("nosuch")))


def test_a_container_that_cannot_hold_it_is_refused_before_the_work(tmp_path: Path) -> None:
    if "libtheora" not in encoders():
        pytest.skip("no libtheora that PyAV lacks here")
    source = write_video(tmp_path / "in.mp4", count=4)
    with pytest.raises(OutputError, match=r"\.mp4 cannot hold libtheora; name it \.mkv"):
        arrange(source, tmp_path / "out.mp4", transparent=False, options=Options(wish=Wish("libtheora")))
