"""When things are shown and heard: sound of other lengths, edit lists, odd decoding times, interlaced pictures."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from cyclorama_ffmpeg.video import Options
from made_video import GREEN, RED, SIZE, Sound, ffmpeg, frame_times, pictures, run, sound_packets, turn, write_video

MILLISECOND = Fraction(1, 1000)
B_FRAMES = {"preset": "medium", "bf": "2", "b-adapt": "0", "crf": "4", "g": "25"}


def shown(path: Path) -> list[tuple[str, Fraction, Fraction]]:
    """Kind, start and duration of every stream, in seconds."""
    with av.open(str(path)) as container:
        return [
            (s.type, (s.start_time or 0) * (s.time_base or 0), (s.duration or 0) * (s.time_base or 0))
            for s in container.streams
        ]


@pytest.mark.parametrize(
    ("arguments", "longer"),
    [(["-t", "0.5"], "picture"), (["-af", "apad=pad_dur=1"], "sound")],
    ids=["sound ends early", "sound ends late"],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_sound_of_another_length_keeps_it(tmp_path: Path, arguments: list[str], longer: str, suffix: str) -> None:
    video = write_video(tmp_path / "video.mp4", count=25, sounds=[Sound()])
    ffmpeg("-i", video, "-vn", *arguments, tmp_path / "sound.m4a")
    source = tmp_path / "in.mp4"
    ffmpeg("-i", video, "-i", tmp_path / "sound.m4a", "-map", "0:v", "-map", "1:a", "-c", "copy", source)
    durations = {kind: length for kind, _, length in shown(source)}
    assert (durations["audio"] > durations["video"] + Fraction(1, 4)) == (longer == "sound")
    assert (durations["audio"] < durations["video"] - Fraction(1, 4)) == (longer == "picture")
    run(source, tmp_path / f"out{suffix}")
    assert sound_packets(tmp_path / f"out{suffix}") == sound_packets(source)
    assert shown(tmp_path / f"out{suffix}")[1] == shown(source)[1]


@pytest.mark.parametrize("late", ["sound", "picture"])
def test_what_starts_late_starts_late(tmp_path: Path, late: str) -> None:
    video = write_video(tmp_path / "video.mp4", count=25, sounds=[Sound()])
    maps = ("-map", "0:v", "-map", "1:a") if late == "sound" else ("-map", "1:v", "-map", "0:a")
    ffmpeg("-i", video, "-itsoffset", "0.7", "-i", video, *maps, "-c", "copy", tmp_path / "in.mp4")
    source = tmp_path / "in.mp4"
    starts = {kind: start for kind, start, _ in shown(source)}
    gap = starts["audio"] - starts["video"]
    assert abs(gap) > Fraction(6, 10)
    assert (gap > 0) == (late == "sound")
    run(source, tmp_path / "out.mp4")
    assert sound_packets(tmp_path / "out.mp4") == sound_packets(source)
    assert frame_times(tmp_path / "out.mp4") == frame_times(source)


def trimmed(folder: Path) -> Path:
    """A film of two seconds of which an edit list hides the first half second, in the middle of a group of pictures."""
    whole = write_video(folder / "whole.mp4", count=50, sounds=[Sound()], options=B_FRAMES)
    ffmpeg("-ss", "0.5", "-i", whole, "-c", "copy", folder / "in.mp4")
    with av.open(str(folder / "in.mp4")) as container:
        packets = [(p.stream.type, p.is_discard, p.pts or 0) for p in container.demux() if p.size]
    for kind in ("video", "audio"):
        assert any(hidden for type_, hidden, _ in packets if type_ == kind), f"some {kind} is hidden"
    assert min(pts for *_, pts in packets) < 0
    return folder / "in.mp4"


def test_an_edit_list_hides_what_it_hid(tmp_path: Path) -> None:
    source = trimmed(tmp_path)
    run(source, tmp_path / "out.mp4")
    assert frame_times(tmp_path / "out.mp4") == frame_times(source)
    assert frame_times(source)[0] == 0
    assert len(frame_times(source)) == 37
    assert sound_packets(tmp_path / "out.mp4") == sound_packets(source)


def test_hidden_sound_does_not_come_to_light_in_a_container_without_edit_lists(tmp_path: Path) -> None:
    source = trimmed(tmp_path)
    run(source, tmp_path / "out.mkv")
    before, after = sound_packets(source)[0], sound_packets(tmp_path / "out.mkv")[0]
    first = frame_times(tmp_path / "out.mkv")[0]
    assert first < Fraction(15, 100), "what a decoder needs to start with, and no more"
    kept = before[-len(after) :]
    assert [h for h, *_ in after] == [h for h, *_ in kept]
    assert max(abs(a[1] - first - (b[1] or 0)) for a, b in zip(after, kept, strict=True)) <= 2 * MILLISECOND


@pytest.mark.parametrize(("suffix", "oddity"), [(".mp4", "negative"), (".mkv", "missing")])
def test_odd_decoding_times_do_no_harm(tmp_path: Path, suffix: str, oddity: str) -> None:
    source = write_video(tmp_path / f"in{suffix}", count=20, options=B_FRAMES)
    with av.open(str(source)) as container:
        times = [p.dts for p in container.demux(video=0) if p.size]
    if oddity == "negative":
        assert any(t is not None and t < 0 for t in times)
    else:
        assert None in times
    run(source, tmp_path / "out.mp4")
    assert frame_times(tmp_path / "out.mp4") == frame_times(source)
    for index, rgb in enumerate(pictures(tmp_path / "out.mp4")):
        left = 4 * index % (SIZE[0] - SIZE[1] // 2)
        assert np.abs(rgb[40:56, left + 8 : left + 40].astype(int) - RED).mean() < 12, f"frame {index}"


@pytest.mark.parametrize("lie", [3, 3000])
def test_a_frame_count_that_lies_ends_nothing_early(tmp_path: Path, lie: int) -> None:
    source = write_video(tmp_path / "in.avi", codec="mpeg4", count=12)
    data = bytearray(source.read_bytes())
    start = data.index(b"strh") + 8 + 32  # dwLength of the stream's header
    assert struct.unpack_from("<I", data, start) == (12,)
    struct.pack_into("<I", data, start, lie)
    source.write_bytes(data)
    with av.open(str(source)) as container:
        assert container.streams.video[0].frames == lie
    seen: list[tuple[int, int]] = []
    summary = run(source, tmp_path / "out.mp4", progress=lambda done, total, _: seen.append((done, total)))
    assert summary.frames == len(frame_times(tmp_path / "out.mp4")) == 12
    assert seen[-1][0] == 12


# Interlaced pictures


def write_interlaced(path: Path, *, count: int = 8, settings: dict[str, Any] | None = None) -> Path:
    """A red square that moves 8 pixels a field over green, top field first."""
    width, height = SIZE
    frames = []
    for index in range(count):
        rgb = np.full((height, width, 3), GREEN, np.uint8)
        for field in (0, 1):
            left = 8 * (2 * index + field) % (width - 48)
            rgb[24 + field : 72 : 2, left : left + 48] = RED
        frames.append(av.VideoFrame.from_ndarray(rgb, format="rgb24"))
    options = {"x264-params": "tff=1", "crf": "4"}
    return write_video(path, frames=frames, options=options, settings=settings)


def combs(path: Path) -> float:
    """How much neighbouring lines differ beyond lines two apart: 0 without combs."""
    found = []
    for rgb in pictures(path)[2:-2]:
        red = rgb[28:68, :, 0].astype(int)
        found.append(np.abs(red[1:-1] - red[:-2]).mean() - np.abs(red[2:] - red[:-2]).mean())
    return float(np.mean(found))


@pytest.mark.parametrize("deinterlace", [True, False])
def test_interlaced_pictures_are_deinterlaced_one_for_one_or_said(tmp_path: Path, deinterlace: bool) -> None:
    source = write_interlaced(tmp_path / "in.mp4")
    with av.open(str(source)) as container:
        assert next(container.decode(video=0)).interlaced_frame
    assert combs(source) > 5
    summary = run(source, tmp_path / "out.mp4", options=Options(deinterlace=deinterlace))
    assert frame_times(tmp_path / "out.mp4") == frame_times(source)
    [note] = summary.notes
    if deinterlace:
        assert combs(tmp_path / "out.mp4") < 1
        assert "was deinterlaced, one frame for one; --no-deinterlace leaves it" in note
    else:
        assert combs(tmp_path / "out.mp4") > 2
        assert "is interlaced and was left so" in note


def test_progressive_pictures_are_not_touched(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=6)
    with av.open(str(source)) as container:
        assert not any(frame.interlaced_frame for frame in container.decode(video=0))
    assert run(source, tmp_path / "out.mp4").notes == ()
    run(source, tmp_path / "same.mp4", options=Options(deinterlace=False))
    assert np.array_equal(pictures(tmp_path / "out.mp4"), pictures(tmp_path / "same.mp4"))


def test_interlaced_pictures_keep_their_turn_and_tags(tmp_path: Path) -> None:
    source = write_interlaced(tmp_path / "in.mp4", settings={"colorspace": 1, "color_primaries": 1, "color_trc": 1})
    turn(source, 90)
    run(source, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
    assert (frame.width, frame.height, frame.rotation) == (96, 160, 0)
    assert (int(frame.colorspace), int(frame.color_primaries), int(frame.color_trc)) == (1, 1, 1)
