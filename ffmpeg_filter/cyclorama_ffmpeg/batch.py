"""Many videos in one call: which output belongs to which input, and working through them, several at a time.

Several at a time are threads: the time goes into ONNX Runtime, OpenCV and FFmpeg, which work without Python's
lock, so that threads do what processes would, with one loaded network for all of them. Four clips of 45 frames of
720p took 21 s of CPU time one by one, 21 and 22 s as two threads, 19 and 22 s as two processes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from threading import Event

import cv2

from cyclorama.engine import Session
from cyclorama.errors import CycloramaError, OutputError
from cyclorama.matting.onnx import cores
from cyclorama_ffmpeg.output import check_sequence, check_target, is_sequence, sequence_files
from cyclorama_ffmpeg.paths import check_distinct, folder_of, identity, make_folder, place
from cyclorama_ffmpeg.video import Options, Summary, arrange, replace_background
from cyclorama_ffmpeg.work_folder import is_cut_off

# What a folder's videos end in.
# fmt: off
READABLE = frozenset({
    ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts",
    ".vob", ".webm", ".wmv",
})
# fmt: on
POLL_S = 0.5  # on some systems Ctrl-C is not heard while waiting


@dataclass(frozen=True, slots=True)
class Job:
    """One video: where it comes from, and the files that are made of it.

    Attributes:
        frames: how many there are, about; 0: unknown.
        notes: what the user should know before.
    """

    source: Path
    target: Path
    matte: Path | None
    frames: int
    notes: tuple[str, ...]

    @property
    def targets(self) -> tuple[Path, ...]:
        return (self.target,) if self.matte is None else (self.target, self.matte)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one video.

    Attributes:
        target: None where it failed before it had one.
        summary: None where it failed.
        seconds: that it took.
        error: why it failed.
    """

    source: Path
    target: Path | None = None
    matte: Path | None = None
    summary: Summary | None = None
    seconds: float = 0
    error: Exception | None = None


class _Stopped(Exception):
    """Raised within a job that is to end early."""


def plan(
    sources: Sequence[Path], output: Path | None, matte: Path | None, *, transparent: bool, options: Options
) -> tuple[list[Job], list[Outcome]]:
    """One job a source, and the sources that fail already; see `video.arrange`.

    Args:
        output: a file for one source; a folder (one that exists, or a name without a suffix) for any number;
            None: `NAME-cyclorama` beside each source.
        matte: likewise, for `NAME-matte.mp4`.

    Raises:
        OutputError: one file is named for several sources, or in a folder that is not there.
    """
    jobs: list[Job] = []
    failed: list[Outcome] = []
    folder = folder_of(output)
    for source in sources:
        target = None if output is None or folder is not None else place(output, source, len(sources), "videos")
        mask = place(matte, Path(f"{source.stem}-matte.mp4"), len(sources), "videos") if matte else None
        try:
            arranged = arrange(
                source, target, transparent=transparent, options=options, matte_target=mask, folder=folder
            )
        except CycloramaError as error:
            failed.append(Outcome(source, target, mask, error=error))
        else:
            jobs.append(Job(source, arranged.target, mask, arranged.frames, arranged.notes))
    return jobs, failed


def is_done(job: Job) -> bool:
    """Whether an earlier run has made all of a video's files: they appear whole, and its work is gone then."""
    there = [bool(sequence_files(t)) if is_sequence(t) else t.exists() for t in job.targets]
    return all(there) and not is_cut_off(job.target)


def check(
    jobs: Sequence[Job],
    others: Sequence[Path],
    *,
    overwrite: bool,
    report: Path | None = None,
    resume: bool | None = None,
) -> None:
    """Raises OutputError for what cannot be written, or would be written twice, before any work is done.

    Folders that were asked for and are not there yet are made by `run`: a call that fails leaves none.

    Args:
        others: files that are read beside the sources, the background for one.
        report: a file that is written too.
        resume: see `video.Options`. A run that was cut off had leave to write its files.
    """
    results = [(job.source, target) for job in jobs for target in job.targets]
    check_distinct([*results, *([] if report is None else [(Path("--report"), report)])])
    sources = {identity(path) for path in (*others, *(job.source for job in jobs))} - {None}
    for job in jobs:
        cut_off = is_cut_off(job.target)
        if cut_off and not resume and not overwrite:
            raise OutputError(
                f"{job.target}: a run for it was cut off; --resume goes on with that, --overwrite starts anew"
            )
        replace = overwrite or cut_off
        for target in job.targets:
            if is_sequence(target):
                check_sequence(target, overwrite=replace)
            elif target.parent.is_dir():
                check_target(target, (job.source, *others), overwrite=replace)
                if identity(target) in sources:
                    raise OutputError(f"{target}: this output is another of the inputs; choose a folder with -o")
            else:
                check_target(target.parent, (), overwrite=False)


def run(
    jobs: Sequence[Job],
    session: Callable[[Path], Session],
    *,
    options: Options,
    workers: int,
    progress: Callable[[Job, int, int], None],
    ended: Callable[[Outcome], None],
) -> None:
    """Does all jobs; one that fails does not keep the others from being done.

    An interrupt stops those that are under way, which leave nothing half written, and is raised again.

    Args:
        session: makes a fresh one for each video, given its file; called in the threads.
        workers: videos at a time; `share` says how many threads each should have.
        progress: called in the threads, at the beginning and after each frame, with frames done and frames in
            all (0: unknown).
        ended: called in this thread, as videos end.
    """
    stop, threads_before = Event(), cv2.getNumThreads()

    def work(job: Job) -> Outcome:
        start = time.perf_counter()

        def show(done: int, total: int, _: Fraction) -> None:
            if stop.is_set():
                raise _Stopped
            progress(job, done, total)

        summary, failure = None, None
        progress(job, 0, job.frames)
        try:
            for target in job.targets:
                if not is_sequence(target):
                    make_folder(target.parent)
            summary = replace_background(
                session(job.source), job.source, job.target, matte_target=job.matte, progress=show, options=options
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this video's: the caller says it
            failure = error
        return Outcome(job.source, job.target, job.matte, summary, time.perf_counter() - start, failure)

    cv2.setNumThreads(options.threads or threads_before)  # OpenCV knows this of the process alone
    with ThreadPoolExecutor(workers, thread_name_prefix="video") as pool:
        waiting: set[Future[Outcome]] = {pool.submit(work, job) for job in jobs}
        try:
            while waiting:
                done, waiting = wait(waiting, POLL_S, FIRST_COMPLETED)
                for future in done:
                    ended(future.result())
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            cv2.setNumThreads(threads_before)


def share(workers: int, threads: int) -> tuple[int, int]:
    """CPU threads of the shared network, and of each video's decoder, encoder and pictures; 0: all cores.

    Args:
        threads: that the network may have in all; 0: all cores.
    """
    if workers == 1:
        return threads, 0
    # Those that work on the videos run the network too, beside its own.
    return max(1, (threads or cores()) - workers + 1), max(1, cores() // workers)
