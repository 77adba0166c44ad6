"""Many pictures in one call: which output belongs to which input, and doing one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cyclorama.engine import Engine, cut_out
from cyclorama.errors import OutputError
from cyclorama.foreground import estimate_foreground
from cyclorama.types import Settings
from cyclorama_ffmpeg import still
from cyclorama_ffmpeg.output import check_target, whole_file


@dataclass(frozen=True, slots=True)
class Job:
    """One picture: where it comes from, and the files that are made of it."""

    source: Path
    target: Path
    matte: Path | None
    cutout: Path | None

    @property
    def targets(self) -> tuple[Path, ...]:
        return tuple(t for t in (self.target, self.matte, self.cutout) if t is not None)


def plan(
    sources: Sequence[Path], output: Path | None, matte: Path | None, *, default_suffix: str | None, cutout: bool
) -> list[Job]:
    """One job a source.

    Args:
        output: a file for one source; a folder (one that exists, or a name without a suffix) for any
            number; None: `NAME-cyclorama` beside each source.
        matte: likewise, for `NAME-matte.png`.
        default_suffix: of outputs whose name is made here; None: the source's own, if it can be written.

    Raises:
        OutputError: one file is named for several sources, or two sources would write the same file.
    """
    jobs = []
    for source in sources:
        suffix = default_suffix or (source.suffix if source.suffix.lower() in still.WRITABLE else ".png")
        target = _named(output, source.with_name(f"{source.stem}-cyclorama{suffix}"), len(sources))
        mask = _named(matte, Path(f"{source.stem}-matte.png"), len(sources)) if matte else None
        cut = target.with_name(f"{source.stem}-cutout.png") if cutout else None
        jobs.append(Job(source, target, mask, cut))
    seen: dict[Path, Path] = {}
    for job in jobs:
        for target in job.targets:
            other = seen.setdefault(target, job.source)
            if other != job.source or job.targets.count(target) > 1:
                raise OutputError(f"{target}: would be written twice (from {other} and {job.source}); give a folder")
    return jobs


def _named(wish: Path | None, default: Path, count: int) -> Path:
    if wish is None:
        return default
    if wish.is_dir() or not wish.suffix:
        return wish / default.name
    if count > 1:
        raise OutputError(f"{wish}: expected a folder for {count} pictures, got a file's name")
    return wish


def check(jobs: Sequence[Job], *, transparent: bool, overwrite: bool) -> None:
    """Raises OutputError for what cannot be written, before any work is done. Makes missing output folders."""
    for job in jobs:
        still.check_format(job.target, alpha=transparent)
        if job.matte is not None:
            still.check_format(job.matte, alpha=False)
        for target in job.targets:
            if not target.parent.exists() and job.source.parent != target.parent:
                try:
                    target.parent.mkdir()
                except OSError as error:
                    raise OutputError(f"{target.parent}: cannot be made ({error.strerror})") from error
            check_target(target, (job.source,), overwrite=overwrite)


def run(engine: Engine, settings: Settings, job: Job) -> None:
    """Does one picture.

    Raises:
        MediaError, PictureError: the source cannot be used. OutputError: a target cannot be written.
    """
    picture = still.read(job.source)
    alpha = still.matte_of(engine, picture)
    with whole_file(job.target) as temporary:
        still.write(temporary, still.replace_background(engine.session(settings), picture, alpha), picture)
    if job.matte is not None:
        with whole_file(job.matte) as temporary:
            still.write(temporary, np.rint(alpha * 255).astype(np.uint8))
    if job.cutout is not None:
        with whole_file(job.cutout) as temporary:
            still.write(temporary, cut_out(estimate_foreground(picture.pixels, alpha), alpha), picture)
