"""`cyclorama filter` between other programs: streams in and out, times, what it says, bad input."""

from __future__ import annotations

import os
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama.engine import Engine
from cyclorama.types import Colour, Settings
from made_filter import COMMAND, DEADLINE, KEYED, TICK, filtered, frames, nut, posix
from made_video import BLUE, GREEN, RED, SIZE, Sound, frame_times, picture, pictures, sound_packets, write_video

CUT_OUT = ["--model", "green-screen", "-b", "transparent"]
LEVELS = 8  # of 255: YUV of 8 bits by swscale, there and back twice
LAYOUTS = (
    "yuv420p",
    "yuv422p",
    "yuv444p",
    "yuv420p10le",
    "yuv444p16le",
    "nv12",
    "yuyv422",
    "yuva420p",
    "rgb24",
    "bgr24",
)
LAYOUTS += ("bgr0", "rgba", "rgb48le", "gbrp")
UNEVEN = [7, 3010, 3011, 9000, 90_001, 90_500]  # ticks


def check_picture(rgb: NDArray[np.uint8], index: int, levels: int = LEVELS) -> None:
    """The square where it was, and blue where green was."""
    height, width = rgb.shape[:2]
    subject = (picture(index, (width, height)) == RED).all(2)
    rows, columns = np.nonzero(subject)
    inside = rgb[rows.min() + 4 : rows.max() - 4, columns.min() + 4 : columns.max() - 4].reshape(-1, 3)
    assert np.abs(inside.mean(0) - RED).max() <= levels
    assert np.abs(rgb[: height // 8].reshape(-1, 3).mean(0) - BLUE).max() <= levels


# Kinds of streams


@pytest.mark.parametrize("layout", LAYOUTS)
def test_nut_comes_out_as_it_went_in_with_every_time_exact(layout: str) -> None:
    given = nut(layout=layout, times=UNEVEN)
    out, said = filtered(given, *KEYED)
    assert said == ""
    before, after = frames(given), frames(out)
    assert {frame.format.name for frame in after} == {layout}
    assert [f.pts * f.time_base for f in after] == [t * TICK for t in UNEVEN]  # type: ignore[operator]
    assert [f.pts * f.time_base for f in before] == [t * TICK for t in UNEVEN]  # type: ignore[operator]
    for index, frame in enumerate(after):
        check_picture(frame.to_ndarray(format="rgb24"), index)


def test_the_picture_is_the_one_that_the_engine_makes() -> None:
    given = nut(3, layout="rgb24")
    session = Engine("green-screen").session(Settings(Colour(*BLUE), smoothing=0))
    expected = [session.render(frame.to_ndarray(format="rgb24")) for frame in frames(given)]
    got = [frame.to_ndarray(format="rgb24") for frame in frames(filtered(given, *KEYED)[0])]
    assert all((a == b).all() for a, b in zip(expected, got, strict=True))


def test_sound_in_nut_is_passed_through_packet_by_packet(tmp_path: Path) -> None:
    given = nut(5, sound=True)
    (tmp_path / "in.nut").write_bytes(given)
    (tmp_path / "out.nut").write_bytes(filtered(given, *KEYED)[0])
    before = sound_packets(tmp_path / "in.nut")
    assert len(before[0]) == 5
    assert sound_packets(tmp_path / "out.nut") == before


@pytest.mark.parametrize(
    ("size", "layout"), [(SIZE, "yuv420p"), ((67, 51), "yuv420p"), (SIZE, "yuv444p10le"), (SIZE, "gray")]
)
def test_y4m_comes_out_with_its_header(size: tuple[int, int], layout: str) -> None:
    given = nut(layout=layout, size=size, container="yuv4mpegpipe", times=[0, 3000, 6000])
    header = given.partition(b"\n")[0]
    if layout == "yuv420p":  # what PyAV cannot say: where colour is sampled, the shape of pixels
        telling = header.replace(b"C420jpeg XYSCSS=420JPEG", b"C420mpeg2 XYSCSS=420MPEG2").replace(b" A0:0", b" A16:11")
        assert telling != header
        given, header = given.replace(header, telling), telling
    out, said = filtered(given, *KEYED)
    assert said == ""
    assert out.partition(b"\n")[0] == header
    assert len(out) == len(given)
    got = frames(out)
    assert len(got) == 3
    if layout != "gray":
        for index, frame in enumerate(got):
            check_picture(frame.to_ndarray(format="rgb24"), index)


def test_bare_rgb_comes_out_bare() -> None:
    given = b"".join(picture(i).tobytes() for i in range(3))
    out, said = filtered(given, *KEYED, "--size", "160x96", "--rate", "30000/1001")
    assert said == ""
    assert len(out) == len(given)
    for index, rgb in enumerate(np.frombuffer(out, np.uint8).reshape(3, 96, 160, 3)):
        check_picture(rgb, index)


def test_another_kind_can_be_written_than_was_read() -> None:
    given = nut(3, sound=True)
    out, said = filtered(given, *KEYED, "--format", "y4m")
    assert said == "cyclorama: note: stream 1 (audio, pcm_s16le) is not passed on: y4m has no place for it\n"
    assert out.startswith(b"YUV4MPEG2 W160 H96 F30:1 Ip A0:0 C420jpeg XCOLORRANGE=LIMITED\nFRAME\n")
    assert len(frames(out)) == 3
    again, said = filtered(out, *KEYED, "--format", "nut")
    assert said == ""
    assert [f.pts * f.time_base for f in frames(again, "nut")] == [Fraction(i, 30) for i in range(3)]  # type: ignore[operator]
    bare, _ = filtered(nut(3), *KEYED, "--format", "rgb")
    assert len(bare) == 3 * 96 * 160 * 3
    named = filtered(bare, *KEYED, "--size", "160x96", "--rate", "12.5", "--format", "y4m")[0]
    assert named.startswith(b"YUV4MPEG2 W160 H96 F25:2 ")


def test_another_container_is_read_and_nut_written(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mkv", count=4, codec="ffv1", sounds=[Sound("flac")])
    out, _ = filtered(source.read_bytes(), *KEYED)
    (tmp_path / "out.nut").write_bytes(out)
    assert frame_times(tmp_path / "out.nut") == frame_times(source)
    assert [h for h, *_ in sound_packets(tmp_path / "out.nut")[0]] == [h for h, *_ in sound_packets(source)[0]]


def test_hdr_keeps_its_numbers_and_what_nut_cannot_tell_is_said(tmp_path: Path) -> None:
    settings = {"color_trc": 16, "color_primaries": 9, "colorspace": 9, "color_range": 1}
    source = write_video(
        tmp_path / "in.mkv",
        count=2,
        codec="ffv1",
        pixel_format="yuv420p10le",
        options={"slices": "4"},
        settings=settings,
    )
    with av.open(str(source)) as container:
        before = [frame.to_ndarray() for frame in container.decode(video=0)]
        assert int(container.streams.video[0].codec_context.color_trc) == 16
    out, said = filtered(source.read_bytes(), *KEYED)
    assert "nut does not tell how colours are meant (matrix 9, primaries 9, transfer 16 of H.273)" in said
    after = frames(out)
    assert {frame.format.name for frame in after} == {"yuv420p10le"}
    inside = (slice(32, 64), slice(12, 44))
    moved = after[0].to_ndarray()[inside].astype(int) - before[0][inside]
    assert np.abs(moved).max() <= LEVELS


def test_transparency_goes_out_in_every_kind() -> None:
    size = ["--size", "160x96", "--rate", "30"]
    for given, arguments, layout in (
        (nut(2), [], "yuva420p"),
        (nut(2, layout="yuv422p10le"), [], "yuva422p10le"),
        (nut(2, layout="rgb24"), [], "rgba"),
        (nut(2), ["--format", "y4m"], "yuva444p"),
    ):
        found = frames(filtered(given, *CUT_OUT, *arguments)[0])
        assert {frame.format.name for frame in found} == {layout}
        check_alpha(found[1].to_ndarray(format="rgba"))
    bare = filtered(picture(1).tobytes(), *CUT_OUT, *size)[0]
    check_alpha(np.frombuffer(bare, np.uint8).reshape(96, 160, 4))


def check_alpha(rgba: NDArray[np.uint8]) -> None:
    assert rgba[30:66, 10:46, 3].min() >= 255 - LEVELS
    assert rgba[:, 70:, 3].max() <= LEVELS
    assert rgba[:, 70:, :3].max() <= LEVELS, "the room does not hide there"


def test_uneven_times_are_refused_where_they_would_be_lost() -> None:
    out, said = filtered(nut(times=UNEVEN), *KEYED, "--format", "y4m", status=1)
    assert "standard input: frame 2 is -1.00 frames off the constant rate of 30 a second, which y4m has to keep" in said
    assert said.count("\n") == 1
    assert len(frames(out)) == 2, "frames until then were written"


# Other programs on both sides


@pytest.fixture
def ffmpeg() -> str:
    command = shutil.which("ffmpeg")
    if command is None:
        pytest.skip("no ffmpeg command to stand beside the filter")
    return command


@pytest.mark.parametrize(
    ("out_of", "into"),
    [(["-c:v", "rawvideo", "-c:a", "copy", "-f", "nut"], []), (["-f", "yuv4mpegpipe"], ["-f", "yuv4mpegpipe"])],
    ids=["nut", "y4m"],
)
def test_it_stands_between_two_ffmpegs(tmp_path: Path, ffmpeg: str, out_of: list[str], into: list[str]) -> None:
    source = write_video(
        tmp_path / "in.mkv",
        codec="ffv1",
        times=[1001 * i for i in range(12)],
        time_base=Fraction(1, 30_000),
        rate=Fraction(30_000, 1001),
        sounds=[Sound()],
    )
    without, target = tmp_path / "without.mkv", tmp_path / "out.mkv"
    first = [ffmpeg, "-v", "error", "-i", str(source), *out_of, "-"]
    last = [ffmpeg, "-v", "error", *into, "-i", "-", "-c:v", "ffv1", "-c:a", "copy"]
    assert chain([first, [*last, str(without)]]) == [0, 0]
    assert chain([first, [*COMMAND, *KEYED], [*last, str(target)]]) == [0, 0, 0]
    assert frame_times(target) == frame_times(without)
    assert len(frame_times(target)) >= 12
    assert sound_packets(target) == sound_packets(without)
    assert len(sound_packets(target)) == (0 if into else 1)
    for index, rgb in enumerate(pictures(target)[:12]):
        check_picture(rgb, index)


def chain(commands: list[list[str]]) -> list[int]:
    """Runs programs in a pipe, as a shell does; their exit statuses."""
    processes: list[subprocess.Popen[bytes]] = []
    for command in commands:
        given = processes[-1].stdout if processes else subprocess.DEVNULL
        taken = None if command is commands[-1] else subprocess.PIPE
        processes.append(subprocess.Popen(command, stdin=given, stdout=taken))
        if len(processes) > 1:
            processes[-2].stdout.close()  # type: ignore[union-attr]  # so that who writes learns that nobody reads
    return [process.wait(DEADLINE) for process in processes]


# What it says


def test_pictures_that_ffmpeg_has_made_lossy_are_noticed() -> None:
    _, said = filtered(nut(2, codec="mpeg4"), *KEYED)
    assert said == (
        "cyclorama: note: the pictures came as MPEG-4, which loses some of each; FFmpeg does so unless told: "
        "-c:v rawvideo\n"
    )


def test_what_cannot_be_told_on_is_said() -> None:
    given = nut(2, container="yuv4mpegpipe")
    header = given.partition(b"\n")[0]
    said = filtered(given.replace(header, header.replace(b"Ip", b"It")), *KEYED)[1]
    assert "deinterlace them before: ffmpeg -vf bwdif" in said
    telling = header.replace(b"A0:0", b"A16:11").replace(b"XCOLORRANGE=LIMITED", b"") + b" XCOLORRANGE=FULL"
    said = filtered(given.replace(header, telling), *KEYED, "--format", "nut")[1]
    assert "setsar=16/11" in said
    assert "full range): tell the program after it" in said


# Bad input


@pytest.mark.parametrize(
    ("data", "arguments", "reason"),
    [
        (b"", [], "standard input: expected NUT, Y4M, or bare RGB with --size and --rate; nothing came"),
        (b"no stream at all " * 500, [], "standard input: expected NUT, Y4M, or bare RGB with --size and --rate"),
        (b"YUV4MPEG2 W160 H96 F30:1\n", [], "standard input: expected pictures, the stream has none"),
        (b"abc", ["--size", "160x96"], "bare RGB needs both --size and --rate"),
        (b"abc", ["--rate", "30"], "bare RGB needs both --size and --rate"),
        (b"abc", ["--size", "160*96", "--rate", "30"], "--size: expected WIDTHxHEIGHT in pixels"),
        (b"abc", ["--size", "160x96", "--rate", "30/0"], "--rate: expected frames a second, such as 25"),
        (b"abc", ["--size", "160x96", "--rate", "30"], "breaks off within a frame; those before it were"),
        (b"YUV4MPEG2 W160 H96 F30:1\n", ["--size", "160x96", "--rate", "30"], "this stream is y4m and has its own"),
        (b"abc", ["-b", "suggest", "--library", "nowhere"], "--library nowhere: expected a folder of pictures"),
        (b"abc", ["--subject", "0"], "--subject: expected all, largest, a number from 1 (from the left), or X,Y"),
        (b"abc", ["--format", "avi"], "--format: expected nut, y4m, rgb; got 'avi'"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(data: bytes, arguments: list[str], reason: str) -> None:
    out, said = filtered(data, *KEYED, *arguments, status=1)
    assert reason in said
    assert said.startswith("cyclorama: ")
    assert said.count("\n") == 1
    assert out == b""


def test_a_stream_that_breaks_off_gives_its_whole_frames_and_says_so() -> None:
    given = nut(5)
    out, said = filtered(given[: len(given) * 7 // 10], *KEYED, status=1)
    assert said == (
        "cyclorama: standard input: the stream is damaged or breaks off within a frame; those before it were written\n"
    )
    assert [f.pts * f.time_base for f in frames(out)] == [Fraction(i, 30) for i in range(3)]  # type: ignore[operator]


def test_frames_too_small_are_refused() -> None:
    assert (
        "expected a picture of 16 pixels or more a side, got 8 x 8"
        in filtered(nut(1, size=(8, 8)), *KEYED, status=1)[1]
    )


@posix
@pytest.mark.parametrize(("end", "what"), [(0, "a stream on standard input"), (1, "a program to read standard output")])
def test_a_terminal_at_an_end_is_refused_with_an_example(end: int, what: str) -> None:
    import pty

    terminal, side = pty.openpty()
    ends: dict[str, Any] = {"stdin": side} if end == 0 else {"stdout": side, "stdin": subprocess.PIPE}
    process = subprocess.Popen([*COMMAND, *KEYED], stderr=subprocess.PIPE, **ends)
    _, said = process.communicate(timeout=DEADLINE)
    os.close(side)
    os.close(terminal)
    assert process.returncode == 1
    assert f"expected {what}, this is a terminal: ffmpeg -i IN -c:v rawvideo".encode() in said


def test_green_is_what_the_keyer_takes_away() -> None:
    """What the tests above rely on."""
    assert (picture()[:8] == GREEN).all()
