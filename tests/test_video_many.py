"""Many videos in one call: which are meant, where results go, what fails alone, the report, several at a time."""

from __future__ import annotations

import io
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from rich.progress import Progress

from cyclorama.engine import Engine, Session
from cyclorama.types import Colour, Settings
from cyclorama_ffmpeg import batch
from cyclorama_ffmpeg.commands import console
from cyclorama_ffmpeg.commands.video import Bars
from cyclorama_ffmpeg.video import Options, Summary
from made_video import BLUE, Sound, begun, frame_times, names, pictures, sound_packets, write_video

COMMAND = [sys.executable, "-c", "from cyclorama_ffmpeg.commands.main import main; main()", "video"]
KEYED = ["--model", "green-screen", "-b", "#2846be"]
LEVELS = 12  # of 255, after H.264
DEADLINE = 60  # seconds after which a command counts as hanging
COUNT = 3  # frames of a video


def cyclorama(*arguments: object, cwd: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    result = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=DEADLINE, cwd=cwd)
    assert result.returncode == status, result.stderr
    return result


def damaged(path: Path) -> Path:
    """A video of which 60 % are there."""
    data = write_video(path, count=30, sounds=[Sound()], muxer_options={"movflags": "+faststart"}).read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    return path


def outputs(result: subprocess.CompletedProcess[str]) -> list[str]:
    """The files that standard output names, in its order."""
    return [line.partition("  (")[0] for line in result.stdout.splitlines()]


# Which files, and where to


def test_files_folders_and_patterns_are_taken_in_one_call(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name in ("one.mp4", "two-a.mp4", "two-b.mp4", "folder/three.mov", "folder/four.mkv"):
        write_video(tmp_path / name, count=COUNT)
    for other in ("folder/notes.txt", "folder/.five.mp4", "folder/six-cyclorama.mp4"):
        (tmp_path / other).write_bytes(b"no video")
    result = cyclorama("one.mp4", "two-*.mp4", "folder", "one.mp4", *KEYED, "-o", "done", cwd=tmp_path)
    stems = ["one", "two-a", "two-b", "four", "three"]
    assert outputs(result) == [str(Path("done") / f"{stem}-cyclorama.mp4") for stem in stems]
    assert names(tmp_path / "done") == sorted(f"{stem}-cyclorama.mp4" for stem in stems)
    for stem in stems:
        rgb = pictures(tmp_path / "done" / f"{stem}-cyclorama.mp4")
        assert len(rgb) == COUNT
        assert np.abs(rgb[0][4:16].astype(int) - BLUE).max() <= LEVELS


def test_without_a_folder_results_lie_beside_their_sources(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    write_video(tmp_path / "one.mp4", count=COUNT)
    write_video(tmp_path / "other" / "two.mp4", count=COUNT)
    cyclorama("one.mp4", "other/two.mp4", *KEYED, cwd=tmp_path)
    assert names(tmp_path) == ["one-cyclorama.mp4", "one.mp4", "other"]
    assert names(tmp_path / "other") == ["two-cyclorama.mp4", "two.mp4"]


def test_each_video_gets_the_container_that_holds_it(tmp_path: Path) -> None:
    write_video(tmp_path / "aac.mp4", count=COUNT, sounds=[Sound()])
    write_video(tmp_path / "pcm.mkv", count=COUNT, sounds=[Sound("pcm_u8")])
    cyclorama("aac.mp4", "pcm.mkv", *KEYED, "-o", "done", "--matte", "mattes", cwd=tmp_path)
    assert names(tmp_path / "done") == ["aac-cyclorama.mp4", "pcm-cyclorama.mov"]
    assert names(tmp_path / "mattes") == ["aac-matte.mp4", "pcm-matte.mp4"]


def refused(tmp_path: Path, *arguments: object) -> str:
    """The one line with which a call is refused before any work."""
    before = names(tmp_path)
    result = cyclorama(*arguments, cwd=tmp_path, status=1)
    assert names(tmp_path) == before
    lines = result.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("cyclorama: ")
    return lines[0]


def test_what_would_be_lost_or_cannot_be_is_refused_before_the_work(tmp_path: Path) -> None:
    for name in ("one.mp4", "one.mkv", "two.mp4"):
        write_video(tmp_path / name, count=COUNT)
    (tmp_path / "two-cyclorama.mp4").write_bytes(b"precious")
    (tmp_path / "empty").mkdir()
    assert "expected a folder for 2 videos, got a file's name" in refused(
        tmp_path, "one.mp4", "two.mp4", *KEYED, "-o", "out.mp4"
    )
    assert "would be written twice (from one.mp4 and one.mkv)" in refused(tmp_path, "one.mp4", "one.mkv", *KEYED)
    assert "two-cyclorama.mp4: exists already; give --overwrite" in refused(tmp_path, "one.mp4", "two.mp4", *KEYED)
    assert (tmp_path / "two-cyclorama.mp4").read_bytes() == b"precious"
    assert "empty: expected videos in this folder, it has none" in refused(tmp_path, "empty", *KEYED)
    assert "*.avi: no file matches" in refused(tmp_path, "*.avi", *KEYED)
    assert "would be written twice" in refused(tmp_path, "one.mp4", *KEYED, "-o", "out.mp4", "--report", "out.mp4")


# Failing alone


def test_a_failing_video_is_named_and_the_others_are_done(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", count=COUNT)
    damaged(tmp_path / "b.mp4")
    write_video(tmp_path / "c.mp4", count=COUNT, size=(8, 8))  # known to be too small when the first frame comes
    write_video(tmp_path / "d.mp4", count=COUNT)
    inputs = ["a.mp4", "b.mp4", "c.mp4", "missing.mp4", "d.mp4"]
    result = cyclorama(*inputs, *KEYED, "-o", "done", "--report", "report.jsonl", cwd=tmp_path, status=1)
    assert names(tmp_path / "done") == ["a-cyclorama.mp4", "d-cyclorama.mp4"]
    errors = result.stderr.splitlines()
    assert any(line.startswith("cyclorama: b.mp4: the file is cut short") for line in errors)
    assert any(line.startswith("cyclorama: c.mp4: expected a picture of 16 pixels or more") for line in errors)
    assert any(line.startswith("cyclorama: missing.mp4: no such file") for line in errors)
    assert errors[-1] == "cyclorama: 3 of 5 videos failed"
    assert errors[-2].startswith("cyclorama: 2 of 5 videos, 6 frames in ")
    lines = {line["input"]: line for line in map(json.loads, (tmp_path / "report.jsonl").read_text().splitlines())}
    assert set(lines) == set(inputs)
    assert {name for name in inputs if lines[name]["error"] is None} == {"a.mp4", "d.mp4"}
    assert "cut short" in lines["b.mp4"]["error"]
    assert lines["b.mp4"]["output"] is None
    assert lines["c.mp4"]["frames"] == 0


def test_a_fault_of_ours_in_one_video_is_shown_and_does_not_end_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is raised while a video is worked on is that video's."""
    sources = [write_video(tmp_path / f"{name}.mp4", count=COUNT) for name in "abc"]
    replace_background = batch.replace_background

    def faulty(session: Session, source: Path, *arguments: Any, **options: Any) -> Summary:
        if source.stem == "b":
            raise ZeroDivisionError("a fault")
        return replace_background(session, source, *arguments, **options)

    monkeypatch.setattr(batch, "replace_background", faulty)
    ended = run(sources, workers=1)
    assert [type(outcome.error) for outcome in ended] == [type(None), ZeroDivisionError, type(None)]
    assert [outcome.summary is None for outcome in ended] == [False, True, False]


def ignore(*_: object) -> None:
    pass


def run(sources: list[Path], workers: int) -> list[batch.Outcome]:
    """The outcomes in the order of the sources."""
    engine = Engine("green-screen")
    jobs, failed = batch.plan(sources, None, None, transparent=False, options=Options())
    assert not failed
    ended: list[batch.Outcome] = []
    batch.run(
        jobs,
        lambda _: engine.session(Settings(Colour(*BLUE))),
        options=Options(threads=1),
        workers=workers,
        progress=ignore,
        ended=ended.append,
    )
    return sorted(ended, key=lambda outcome: sources.index(outcome.source))


# The report


def test_the_report_has_a_line_a_video_and_keeps_those_of_earlier_runs(tmp_path: Path) -> None:
    words = tmp_path / "words.txt"
    words.write_text("not a video", "utf-8")
    write_video(tmp_path / "one.mp4", times=[0, 1, 2], sounds=[Sound()])
    write_video(tmp_path / "two.mkv", count=COUNT, codec="ffv1", pixel_format="yuv420p10le")
    report = tmp_path / "report.jsonl"
    cyclorama("one.mp4", *KEYED, "--report", report.name, "--to", "0:00:00.080", cwd=tmp_path)
    before = report.read_text("utf-8")
    with report.open("a") as file:
        file.write('{"input": "half a li')  # a run that was killed
    cyclorama("two.mkv", "one.mp4", *KEYED, "--report", report.name, "--overwrite", "-o", "done", cwd=tmp_path)
    text = report.read_text("utf-8")
    assert text.startswith(before)
    first, broken, *others = text.splitlines()
    assert broken == '{"input": "half a li'
    line = json.loads(first)
    assert line["input"] == "one.mp4"
    assert line["output"] == "one-cyclorama.mp4"
    assert line["frames"] == 2
    assert line["seconds"] > 0
    assert line["fps"] == pytest.approx(line["frames"] / line["seconds"], rel=0.05)
    assert line["error"] is None
    settings = line["settings"]
    assert settings["background"] == "#2846be"
    assert settings["model"] == "green-screen"
    assert settings["to"] == "0:00:00.080"
    assert settings["from"] is None
    assert settings["smoothing"] == 0.6
    assert "report" not in settings
    two, one = map(json.loads, others)
    assert (two["input"], one["input"]) == ("two.mkv", "one.mp4")
    assert one["output"] == str(Path("done") / "one-cyclorama.mp4")
    assert any("10 bits" in note for note in two["notes"])
    assert "note: two.mkv: " in cyclorama("two.mkv", "one.mp4", *KEYED, "-o", "again", cwd=tmp_path).stderr


def test_a_video_that_fails_alone_is_reported_too(tmp_path: Path) -> None:
    result = cyclorama("missing.mp4", *KEYED, "--report", "report.jsonl", cwd=tmp_path, status=1)
    assert result.stderr == "cyclorama: missing.mp4: no such file\n"
    line = json.loads((tmp_path / "report.jsonl").read_text("utf-8"))
    assert (line["input"], line["output"], line["error"]) == ("missing.mp4", None, "missing.mp4: no such file")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_report_that_cannot_be_written_is_said_once_and_costs_no_video(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, count=COUNT)
    (tmp_path / "report.jsonl").symlink_to("/dev/full")
    result = cyclorama("a.mp4", "b.mp4", *KEYED, "-o", "done", "--report", "report.jsonl", cwd=tmp_path, status=1)
    assert names(tmp_path / "done") == ["a-cyclorama.mp4", "b-cyclorama.mp4"]
    assert result.stderr.count("the report cannot be written (No space left on device)") == 1


def test_a_file_of_another_kind_is_not_taken_for_a_report(tmp_path: Path) -> None:
    write_video(tmp_path / "one.mp4", count=COUNT)
    (tmp_path / "thesis.txt").write_text("Chapter one", "utf-8")
    assert "thesis.txt: expected a report of JSON lines" in refused(
        tmp_path, "one.mp4", *KEYED, "--report", "thesis.txt"
    )
    assert (tmp_path / "thesis.txt").read_text("utf-8") == "Chapter one"
    assert "no such folder" in refused(tmp_path, "one.mp4", *KEYED, "--report", "nowhere/report.jsonl")


# Several at a time


def test_several_at_a_time_give_the_same_files(tmp_path: Path) -> None:
    behind = write_video(tmp_path / "behind.mkv", count=7, codec="ffv1")
    for index in range(4):
        write_video(tmp_path / f"{index}.mp4", count=10 + index, sounds=[Sound(pitch=200 + 100 * index)])
    inputs = [f"{index}.mp4" for index in range(4)]
    settings = ["--model", "green-screen", "-b", behind, "--codec", "ffv1"]
    cyclorama(*inputs, *settings, "-o", "one", cwd=tmp_path)
    result = cyclorama(*inputs, *settings, "-o", "three", "--jobs", "3", "--report", "r.jsonl", cwd=tmp_path)
    assert sorted(Path(name).name for name in outputs(result)) == names(tmp_path / "one")
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 4
    for name in names(tmp_path / "one"):
        alone, beside = tmp_path / "one" / name, tmp_path / "three" / name
        assert all((a == b).all() for a, b in zip(pictures(alone), pictures(beside), strict=True))
        assert sound_packets(alone) == sound_packets(beside)
        assert frame_times(alone) == frame_times(beside)


def test_videos_are_under_way_together(tmp_path: Path) -> None:
    sources = [write_video(tmp_path / f"{name}.mp4", count=20) for name in "ab"]
    jobs, _ = batch.plan(sources, None, None, transparent=False, options=Options())
    engine = Engine("green-screen")
    seen: list[Path] = []

    def progress(job: batch.Job, done: int, total: int) -> None:
        seen.append(job.source)
        assert total == 20
        if done == 0:  # until the other has begun too
            until = time.monotonic() + DEADLINE
            while len(set(seen)) < 2:
                assert time.monotonic() < until
                time.sleep(0.001)

    batch.run(
        jobs,
        lambda _: engine.session(Settings(Colour(*BLUE))),
        options=Options(),
        workers=2,
        progress=progress,
        ended=ignore,
    )
    assert len(seen) == 2 * (1 + 20)


@pytest.mark.parametrize(
    ("workers", "threads", "cores", "shares"),
    [(1, 0, 8, (0, 0)), (1, 3, 8, (3, 0)), (2, 0, 8, (7, 4)), (8, 0, 8, (1, 1)), (16, 0, 8, (1, 1)), (2, 4, 8, (3, 4))],
)
def test_cores_are_shared_out(
    monkeypatch: pytest.MonkeyPatch, workers: int, threads: int, cores: int, shares: tuple[int, int]
) -> None:
    monkeypatch.setattr(batch, "cores", lambda: cores)
    assert batch.share(workers, threads) == shares


@pytest.mark.skipif(os.name == "nt", reason="Windows has other signals")
def test_being_stopped_leaves_whole_videos_and_nothing_else(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", count=COUNT)
    for name in ("b.mp4", "c.mp4", "d.mp4"):
        write_video(tmp_path / name, count=400, size=(640, 384), codec="mpeg4")

    def listen() -> None:  # a shell's background jobs are started deaf to Ctrl-C
        signal.signal(signal.SIGINT, signal.default_int_handler)

    arguments = [*COMMAND, "a.mp4", "b.mp4", "c.mp4", "d.mp4", *KEYED, "--jobs", "2", "-o", "done"]
    process = subprocess.Popen(
        arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=listen
    )
    until = time.monotonic() + DEADLINE
    folder = tmp_path / "done"
    while not (folder / "a-cyclorama.mp4").exists() or not begun(folder):
        assert process.poll() is None, "it was over before it could be stopped"
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 130
    assert errors == "cyclorama: interrupted; nothing half written was left\n"
    assert names(folder) == ["a-cyclorama.mp4"]
    assert len(pictures(folder / "a-cyclorama.mp4")) == COUNT


# Progress


def test_bars_show_frames_rate_and_what_is_left_of_each_and_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = itertools.count()
    monkeypatch.setattr(
        "cyclorama_ffmpeg.commands.video.time", SimpleNamespace(perf_counter=lambda: float(next(seconds)))
    )
    terminal = Console(file=io.StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr(console, "err", terminal)
    jobs = [batch.Job(Path(name), Path("out"), None, frames, ()) for name, frames in (("a.mp4", 100), ("b.mp4", 300))]
    with console.progress_bar() as progress:
        bars = Bars(progress, jobs)
        for done in range(41):
            bars.show(jobs[0], done, 100)
        tasks = {task.description: task for task in progress.tasks}
        assert set(tasks) == {"all", "a.mp4"}
        assert (tasks["a.mp4"].completed, tasks["a.mp4"].total) == (40, 100)
        assert (tasks["all"].completed, tasks["all"].total) == (40, 400)
        assert tasks["a.mp4"].fields["rate"] == "1.0 fps"
        assert tasks["all"].fields["rate"] == "1.0 fps"
        assert shown(progress, "40/100")
        bars.end(batch.Outcome(jobs[0].source, summary=Summary(40, Fraction(1), ())))
        assert {task.description: task.total for task in progress.tasks} == {"all": 340}


def shown(progress: Progress, text: str) -> bool:
    page = Console(file=io.StringIO(), width=120)
    page.print(progress.get_renderable())
    return text in page.file.getvalue()  # type: ignore[attr-defined]
