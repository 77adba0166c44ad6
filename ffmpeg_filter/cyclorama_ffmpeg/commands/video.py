"""`cyclorama video`."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

import cyclorama
from cyclorama.errors import CycloramaError
from cyclorama.matting import FOR_VIDEO
from cyclorama.types import Settings, Transparent
from cyclorama_ffmpeg import backgrounds, batch, paths, video
from cyclorama_ffmpeg.batch import Job, Outcome
from cyclorama_ffmpeg.commands.console import engine_for, err, fail, progress_bar, result, say
from cyclorama_ffmpeg.commands.options import (
    AttachmentsOption,
    AudioCodecOption,
    AudioFromOption,
    AudioOption,
    BackgroundOption,
    CodecOption,
    CrfOption,
    DecontaminateOption,
    DeinterlaceOption,
    DeviceOption,
    FromOption,
    HarmonizeOption,
    LibraryOption,
    LightOption,
    ModelOption,
    OverwriteOption,
    PixelFormatOption,
    PresetOption,
    ResumeOption,
    SmoothingOption,
    SubjectOption,
    SubtitlesOption,
    ThreadsOption,
    ToOption,
    scenes_for,
    sound_file,
    span_of,
    subject_of,
)
from cyclorama_ffmpeg.encodings import Wish
from cyclorama_ffmpeg.report import Report
from cyclorama_ffmpeg.streams import Kept
from cyclorama_ffmpeg.suggestions import Chooser

# Of the call, not of the work: a report has no use for them.
NO_SETTINGS = {"inputs", "output", "matte", "report", "jobs", "resume", "overwrite", "help"}


def video_command(
    context: typer.Context,
    inputs: Annotated[list[str], typer.Argument(metavar="IN...", help="Videos, folders, or patterns like '*.mp4'.")],
    background: BackgroundOption,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help=".mp4, .m4v, .mov, .mkv, .webm, .webp, .gif, or a sequence as frames/%05d.png (.exr); a folder for "
            "several. Default: beside IN, IN-cyclorama.mp4 (transparent: .webm), or another that can hold all of it.",
        ),
    ] = None,
    matte: Annotated[
        Path | None,
        typer.Option(
            "--matte",
            "--matte-video",
            help="Also write the alpha as a grey video: a file for one, a folder for several.",
        ),
    ] = None,
    subject: SubjectOption = "all",
    library: LibraryOption = None,
    harmonize: HarmonizeOption = False,
    smoothing: SmoothingOption = 0.6,
    start: FromOption = None,
    end: ToOption = None,
    codec: CodecOption = None,
    crf: CrfOption = None,
    preset: PresetOption = None,
    pixel_format: PixelFormatOption = None,
    deinterlace: DeinterlaceOption = True,
    audio: AudioOption = True,
    audio_codec: AudioCodecOption = None,
    audio_from: AudioFromOption = None,
    subtitles: SubtitlesOption = True,
    attachments: AttachmentsOption = True,
    light: LightOption = "srgb",
    decontaminate: DecontaminateOption = True,
    model: ModelOption = FOR_VIDEO,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="How many videos are worked on at a time.")] = 1,
    report: Annotated[
        Path | None, typer.Option("--report", help="Add a line of JSON to this file as each video ends.")
    ] = None,
    resume: ResumeOption = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Replace the background of videos; everything else in them is kept as it is."""
    scenes, whom = scenes_for(background, library), subject_of(subject)
    transparent = not scenes and isinstance(backgrounds.parse(background), Transparent)
    other_sound = sound_file(audio_from, background)
    options = video.Options(
        wish=Wish(codec, crf, preset, pixel_format),
        kept=Kept(audio, audio_codec, other_sound, subtitles, attachments),
        deinterlace=deinterlace,
        span=span_of(start, end),
        resume=resume,
    )
    sources = paths.expand(inputs, batch.READABLE, "videos")
    planned, failed = batch.plan(sources, output, matte, transparent=transparent, options=options)
    done = [job for job in planned if resume and not overwrite and batch.is_done(job)]
    planned = [job for job in planned if job not in done]
    read = [Path(background)] if other_sound is None else [Path(background), other_sound]
    batch.check(planned, read, overwrite=overwrite, report=report, resume=resume)
    given = {p.name: p.opts[0].lstrip("-") for p in context.command.params if p.name not in NO_SETTINGS}
    settings = {given[name]: value for name, value in context.params.items() if name in given}
    ledger = Ledger(len(sources), None if report is None else Report(report, settings))
    for outcome in failed:
        ledger.add(outcome)
    for job in done:
        ledger.keep(job)
    if planned:
        workers = min(jobs, len(planned))
        network_threads, each = batch.share(workers, threads)
        options = replace(options, threads=each)
        for job in planned:
            ledger.note(job.source, job.notes)
        engine = engine_for(model, device, network_threads)

        chooser = Chooser(engine, scenes, whom) if scenes else None

        def session(source: Path) -> cyclorama.Session:
            # A background of its own: a clip can be at one place at a time.
            if chooser is None:
                behind = backgrounds.parse(background)
            else:
                choice = chooser.for_video(source, options.span)
                say(f"{source}: {choice}" if len(sources) > 1 else str(choice))
                behind = choice.background
            return engine.session(
                Settings(behind, light, decontaminate, smoothing, whom, harmonize)  # type: ignore[arg-type]
            )

        with progress_bar() as progress:
            bars = Bars(progress, planned)

            def ended(outcome: Outcome) -> None:
                bars.end(outcome)
                ledger.add(outcome)

            try:
                batch.run(planned, session, options=options, workers=workers, progress=bars.show, ended=ended)
            except KeyboardInterrupt:
                if resume:
                    say("what was done is kept for the next call with --resume")
                raise
    ledger.close()


class Ledger:
    """Says how each video ended, and in the end how all did.

    Args:
        count: of videos.
    """

    def __init__(self, count: int, report: Report | None) -> None:
        self._count, self._report = count, report
        self._start = time.perf_counter()
        self._failed = self._frames = 0
        self._unreported = False
        self._noted: set[tuple[Path, str]] = set()

    def note(self, source: Path, notes: Sequence[str]) -> None:
        """Says notes on a video that were not said yet."""
        for note in notes:
            if (source, note) not in self._noted:
                self._noted.add((source, note))
                whose = f"{source}: " if self._count > 1 else ""
                err.print(f"cyclorama: note: {whose}{note}", markup=False)

    def add(self, outcome: Outcome) -> None:
        """Says how a video ended, and reports it."""
        if self._report is not None and not self._unreported:
            try:
                self._report.add(outcome)
            except CycloramaError as error:  # the videos are worth more than the report on them
                self._unreported = True
                fail(error)
        summary, failure = outcome.summary, outcome.error
        if summary is not None:
            self.note(outcome.source, summary.notes)
            made = summary.frames - summary.resumed
            self._frames += made
            rate = made / outcome.seconds
            frames = f"{made} frames in {outcome.seconds:.1f} s, {rate:.1f} fps"
            result(f"{outcome.target}  ({frames})")
        elif failure is not None:
            if not isinstance(failure, CycloramaError | OSError):  # a fault of ours
                if self._count == 1:
                    raise failure
                traceback.print_exception(failure)
            self._failed += 1
            named = str(outcome.source) in str(failure) or self._count == 1
            fail(failure if named else f"{outcome.source}: {failure}")

    def keep(self, job: Job) -> None:
        """Says that a video was done before."""
        self.note(job.source, [f"{job.target} is done already; --overwrite does it again"])

    def close(self) -> None:
        """Says the sum of several videos; exit status 1 where something failed."""
        if self._count > 1:
            seconds = time.perf_counter() - self._start
            done = f"{self._count - self._failed} of {self._count} videos"
            rate = f"{self._frames / seconds:.1f} fps"
            err.print(f"cyclorama: {done}, {self._frames} frames in {seconds:.1f} s, {rate}", markup=False)
        if self._failed or self._unreported:
            if self._count > 1 and self._failed:
                fail(f"{self._failed} of {self._count} videos failed")
            raise typer.Exit(1)


class Bars:
    """Bars on a terminal: one for each video under way, and one for all where there are several."""

    def __init__(self, progress: Progress, jobs: Sequence[Job]) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._start = time.perf_counter()
        self._done = dict.fromkeys((job.source for job in jobs), 0)
        self._expected = {job.source: job.frames or None for job in jobs}
        self._earlier = dict.fromkeys(self._done, 0)  # frames that a run had done which was cut off
        self._under_way: dict[Path, tuple[TaskID, float]] = {}
        self._all = progress.add_task("all", total=self._total(), rate="") if len(jobs) > 1 else None

    def show(self, job: Job, done: int, total: int) -> None:
        """Called after each frame of each video, in the video's own thread."""
        now = time.perf_counter()
        with self._lock:
            if job.source not in self._under_way:
                task = self._progress.add_task(job.source.name, total=None, rate="")
                self._under_way[job.source] = task, now
            task, start = self._under_way[job.source]
            self._earlier[job.source] += max(0, done - self._done[job.source] - 1)
            self._done[job.source] = done
            of_all, earlier = sum(self._done.values()), sum(self._earlier.values())
        known = max(done, total) if total else None
        rate = _rate(done - self._earlier[job.source], now - start)
        self._progress.update(task, completed=done, total=known, rate=rate)
        if self._all is not None:
            self._progress.update(self._all, completed=of_all, rate=_rate(of_all - earlier, now - self._start))

    def end(self, outcome: Outcome) -> None:
        """Takes a video's bar away, and corrects how many frames all of them have."""
        if outcome.source in self._under_way:
            self._progress.remove_task(self._under_way.pop(outcome.source)[0])
        self._expected[outcome.source] = self._done[outcome.source]
        if self._all is not None:
            self._progress.update(self._all, total=self._total())

    def _total(self) -> int | None:
        known = [frames for frames in self._expected.values() if frames is not None]
        return sum(known) if len(known) == len(self._expected) else None


def _rate(frames: int, seconds: float) -> str:
    return f"{frames / seconds:.1f} fps" if seconds else ""
