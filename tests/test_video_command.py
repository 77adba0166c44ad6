"""`cyclorama video` as people run it: a process of its own, its exit code, its words, and what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from made_video import BLUE, Sound, begun, frame_times, names, pictures, sound_packets, write_video

COMMAND = [sys.executable, "-c", "from cyclorama_ffmpeg.commands.main import main; main()", "video"]
KEYED = ["--model", "green-screen", "-b", "#2846be"]
LEVELS = 12  # of 255, after H.264
DEADLINE = 60  # seconds after which a command counts as hanging


def cyclorama(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=DEADLINE, **options)


def refused(result: subprocess.CompletedProcess[str], status: int = 1) -> str:
    """The one line of a refusal."""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("cyclorama: ")
    assert result.returncode == status
    assert result.stdout == ""
    return lines[0]


def test_a_video_gets_its_background_and_keeps_its_sound(tmp_path: Path) -> None:
    source = write_video(tmp_path / "talk.mp4", sounds=[Sound()])
    result = cyclorama(source, *KEYED)
    assert result.returncode == 0
    assert result.stderr == ""
    target = tmp_path / "talk-cyclorama.mp4"
    assert result.stdout.startswith(f"{target}  (12 frames in ")
    assert frame_times(target) == frame_times(source)
    assert sound_packets(target) == sound_packets(source)
    assert np.abs(pictures(target)[0][4:16].astype(int) - BLUE).max() <= LEVELS
    assert names(tmp_path) == ["talk-cyclorama.mp4", "talk.mp4"]


def test_the_network_is_what_runs_without_a_model_named(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=2)
    result = cyclorama(source, "-b", "#2846be", "--device", "cpu", "--threads", "1")
    assert result.returncode == 0, result.stderr
    assert frame_times(tmp_path / "in-cyclorama.mp4") == frame_times(source)


def test_a_matte_is_written_beside(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4")
    result = cyclorama(source, *KEYED, "-o", tmp_path / "out.mkv", "--matte", tmp_path / "matte.mp4")
    assert result.returncode == 0, result.stderr
    assert frame_times(tmp_path / "matte.mp4") == frame_times(source)


@pytest.mark.parametrize(
    ("sound", "background", "suffix"),
    [
        ("aac", "#2846be", ".mp4"),
        ("pcm_u8", "#2846be", ".mov"),
        ("aac", "transparent", ".mov"),
        ("libopus", "transparent", ".webm"),
    ],
)
def test_without_a_name_the_container_is_one_that_holds_the_sound(
    tmp_path: Path, sound: str, background: str, suffix: str
) -> None:
    source = write_video(tmp_path / "in.mkv", count=2, sounds=[Sound(sound)])
    result = cyclorama(source, "--model", "green-screen", "-b", background)
    assert result.returncode == 0, result.stderr
    assert names(tmp_path) == [f"in-cyclorama{suffix}", "in.mkv"]


def test_what_is_left_out_is_said_in_a_note(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mkv", count=3, sounds=[Sound()])
    result = cyclorama(source, *KEYED, "-o", tmp_path / "frames" / "%02d.png")
    assert result.returncode == 0
    assert result.stderr.startswith("cyclorama: note: ")
    assert ".png holds pictures alone: stream 1 (audio, aac) of the source are left out" in result.stderr
    assert names(tmp_path / "frames") == ["01.png", "02.png", "03.png"]


def test_the_options_reach_the_encoder_and_the_streams(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mkv", count=3, sounds=[Sound()])
    music = write_video(tmp_path / "music.mp4", count=10, sounds=[Sound(pitch=200), Sound(pitch=100)])
    options = ["--codec", "av1", "--crf", "40", "--preset", "12", "--pixel-format", "yuv420p10le", "--no-deinterlace"]
    more = ["--audio-from", music, "--audio-codec", "flac", "--no-subtitles", "--no-attachments"]
    result = cyclorama(source, *KEYED, *options, *more, "-o", tmp_path / "out.mkv", "--matte-video", tmp_path / "m.mkv")
    assert result.returncode == 0, result.stderr
    assert result.stderr == "", "encoders keep quiet"
    with av.open(str(tmp_path / "out.mkv")) as container:
        video = container.streams.video[0]
        assert (video.codec_context.codec.canonical_name, video.format.name) == ("av1", "yuv420p10le")
        assert [a.codec_context.name for a in container.streams.audio] == ["flac", "flac"]
    behind = cyclorama(source, "--model", "green-screen", "-b", music, "--audio-from", "background")
    assert behind.returncode == 0, behind.stderr
    [first, *_], [wanted, *_] = sound_packets(tmp_path / "in-cyclorama.mp4"), sound_packets(music)
    assert first[0][0] == wanted[0][0]
    line = refused(cyclorama(source, *KEYED, "--no-audio", "--audio-codec", "aac"))
    assert "--no-audio leaves nothing for --audio-codec" in line
    line = refused(cyclorama(source, *KEYED, "--audio-from", "background"))
    assert "expected a clip behind, got -b #2846be; name a file" in line


# Input that cannot be used


def missing(path: Path) -> None:
    assert not path.exists()


def empty(path: Path) -> None:
    path.touch()


def folder(path: Path) -> None:
    path.mkdir()


def words(path: Path) -> None:
    path.write_text("no video at all " * 100, "utf-8")


def picture(path: Path) -> None:
    Image.new("RGB", (64, 64)).save(path, "PNG")


def without_index(path: Path) -> None:
    """An MP4 whose recording broke off: the index would have come last."""
    data = write_video(path, count=30).read_bytes()
    assert data.index(b"mdat") < data.index(b"moov")
    path.write_bytes(data[: data.index(b"moov") - 4])


def without_tail(path: Path) -> None:
    """An MP4 for the web, its index in front, of which a download brought 60 %."""
    data = write_video(path, count=30, sounds=[Sound()], muxer_options={"movflags": "+faststart"}).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat") < len(data) // 2
    path.write_bytes(data[: len(data) * 6 // 10])


def matroska_without_tail(path: Path) -> None:
    data = write_video(path, count=30, sounds=[Sound()], container_format="matroska").read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])


def avi_without_tail(path: Path) -> None:
    data = write_video(path, count=30, codec="mpeg4", container_format="avi").read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])


def sound_alone(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream: Any = container.add_stream("aac", rate=48_000, layout="mono")
        for i in range(10):
            block = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            block.sample_rate, block.pts = 48_000, 1024 * i
            container.mux(stream.encode(block))
        container.mux(stream.encode(None))


def no_frame(path: Path) -> None:
    write_video(path, frames=[], sounds=[Sound()], times=[], container_format="matroska")
    with av.open(str(path)) as container:
        assert container.streams.video
        assert not list(container.decode(video=0))


def tiny(path: Path) -> None:
    write_video(path, size=(8, 8))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (missing, "no such file"),
        (empty, "expected a video, the file is empty"),
        (folder, "expected videos in this folder, it has none"),
        (words, "expected a video, FFmpeg cannot open it"),
        (picture, "expected a video, this is a picture; use: cyclorama image"),
        (without_index, "expected a video, FFmpeg cannot open it"),
        (without_tail, "the file is cut short: its headers speak of "),
        (matroska_without_tail, "the file is cut short: its headers speak of "),
        (avi_without_tail, "the file is cut short: its headers speak of "),
        (sound_alone, "expected a video stream, the file has audio"),
        (no_frame, "expected a video, no frame of it can be decoded"),
        (tiny, "expected a picture of 16 pixels or more a side, got 8 x 8"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_input_that_cannot_be_used_is_one_line_and_leaves_nothing(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    source = tmp_path / "in.mp4"
    make(source)
    before = names(tmp_path)
    line = refused(cyclorama(source, *KEYED, "-o", tmp_path / "out.mp4"))
    assert line.startswith(f"cyclorama: {source}: {reason}")
    assert names(tmp_path) == before


def test_a_matroska_recording_that_was_never_closed_is_taken_as_it_is(tmp_path: Path) -> None:
    """Live recordings leave their length open; what is there is whole."""
    source = write_video(tmp_path / "in.mkv", muxer_options={"live": "1"})
    data = source.read_bytes()
    assert bytes.fromhex("18538067 01ffffffffffffff") in data, "the length is open"
    assert cyclorama(source, *KEYED).returncode == 0
    assert frame_times(tmp_path / "in-cyclorama.mp4") == frame_times(source)


def test_a_background_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=2)
    line = refused(cyclorama(source, "--model", "green-screen", "-b", tmp_path / "nowhere.jpg"))
    assert "nowhere.jpg: no such background" in line
    assert names(tmp_path) == ["in.mp4"]


# Output that cannot be written


def test_the_output_is_never_the_input(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=2)
    before = source.read_bytes()
    (tmp_path / "link.mp4").symlink_to(source)
    for target in (source, tmp_path / "link.mp4"):
        assert "the output is the input itself" in refused(cyclorama(source, *KEYED, "-o", target, "--overwrite"))
    assert "the output is the input itself" in refused(cyclorama(source, *KEYED, "--matte", source, "--overwrite"))
    assert source.read_bytes() == before
    assert names(tmp_path) == ["in.mp4", "link.mp4"]


def test_the_output_is_never_the_background(tmp_path: Path) -> None:
    source, behind = write_video(tmp_path / "in.mp4", count=2), write_video(tmp_path / "behind.mp4", count=2)
    line = refused(cyclorama(source, "--model", "green-screen", "-b", behind, "-o", behind, "--overwrite"))
    assert "the output is the input itself" in line


def test_an_output_that_exists_stays_unless_told_otherwise(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=2)
    (tmp_path / "out.mp4").write_bytes(b"precious")
    assert "exists already; give --overwrite" in refused(cyclorama(source, *KEYED, "-o", tmp_path / "out.mp4"))
    assert (tmp_path / "out.mp4").read_bytes() == b"precious"
    assert cyclorama(source, *KEYED, "-o", tmp_path / "out.mp4", "--overwrite").returncode == 0
    assert len(pictures(tmp_path / "out.mp4")) == 2


def test_a_place_that_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=2)
    assert "no such folder; make it first" in refused(cyclorama(source, *KEYED, "-o", tmp_path / "none" / "out.mp4"))
    assert "expected a name that ends in .mp4" in refused(cyclorama(source, *KEYED, "-o", tmp_path / "out.xyz"))
    transparent = cyclorama(source, "--model", "green-screen", "-b", "transparent", "-o", tmp_path / "out.mp4")
    assert "carries no transparency that players show" in refused(transparent)
    assert names(tmp_path) == ["in.mp4"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="Windows' folders and root's know no such mode")
def test_a_folder_without_permission_is_said(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=2)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    assert "cannot be written to" in refused(cyclorama(source, *KEYED, "-o", closed / "out.mp4"))


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="this system cannot limit the size of files")
    frames = np.random.default_rng(0).integers(0, 255, (20, 192, 320, 3)).astype(np.uint8)
    noise = [av.VideoFrame.from_ndarray(frame, format="rgb24") for frame in frames]
    source = write_video(tmp_path / "in.mp4", frames=noise, size=(320, 192), sounds=[Sound()])

    def limit() -> None:  # the nearest thing to a full disk that a test can have: files of 100 kB at most
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    assert source.stat().st_size > 400_000
    line = refused(cyclorama(source, *KEYED, "-o", tmp_path / "out.mp4", preexec_fn=limit))
    assert line.startswith(f"cyclorama: {tmp_path / 'out.mp4'}: ")
    assert names(tmp_path) == ["in.mp4"]


# Being stopped


@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
@pytest.mark.parametrize(
    ("number", "status", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_being_stopped_in_the_middle_leaves_nothing(tmp_path: Path, number: int, status: int, word: str) -> None:
    source = write_video(tmp_path / "in.mp4", count=400, size=(640, 384), sounds=[Sound()], codec="mpeg4")
    arguments = [str(source), *KEYED, "-o", str(tmp_path / "out.mp4"), "--matte", str(tmp_path / "matte.mp4")]

    def listen() -> None:  # a shell's background jobs are started deaf to Ctrl-C
        signal.signal(signal.SIGINT, signal.default_int_handler)

    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=listen
    )
    until = time.monotonic() + DEADLINE
    while not begun(tmp_path):
        assert process.poll() is None, "it was over before it could be stopped"
        assert time.monotonic() < until, "nothing was begun"
        time.sleep(0.01)
    process.send_signal(number)
    output, errors = process.communicate(timeout=DEADLINE)
    result = subprocess.CompletedProcess(arguments, process.returncode, output, errors)
    assert refused(result, status) == f"cyclorama: {word}; nothing half written was left"
    assert names(tmp_path) == ["in.mp4"]
