"""Many pictures in one call: which output belongs to which input, and doing one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cyclorama.engine import Engine
from cyclorama.errors import OutputError
from cyclorama.types import Alpha, Background, Settings, Transparent
from cyclorama_ffmpeg import still
from cyclorama_ffmpeg.output import check_target, whole_file
from cyclorama_ffmpeg.paths import MARK, check_distinct, identity, make_folder, place

SOMEBODY = 0.5  # alpha that is reached somewhere where somebody is


@dataclass(frozen=True, slots=True)
class Job:
    """One picture: where it comes from, a trimap drawn for it, and the files that are made of it."""

    source: Path
    target: Path
    matte: Path | None
    cutout: Path | None
    trimap: Path | None = None

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
        OutputError: one file is named for several sources, in a folder that is not there, or one file
            would be written twice.
    """
    jobs = []
    for source in sources:
        suffix = default_suffix or (source.suffix if source.suffix.lower() in still.WRITABLE else ".png")
        target = place(output, source.with_name(f"{source.stem}{MARK}{suffix}"), len(sources), "pictures")
        mask = place(matte, Path(f"{source.stem}-matte.png"), len(sources), "pictures") if matte else None
        cut = target.with_name(f"{source.stem}-cutout.png") if cutout else None
        jobs.append(Job(source, target, mask, cut))
    check_distinct((job.source, target) for job in jobs for target in job.targets)
    return jobs


def check(jobs: Sequence[Job], *, transparent: bool, overwrite: bool) -> None:
    """Raises OutputError for what cannot be written, before any work is done.

    Folders that were asked for and are not there yet are made by `run`: a call that fails leaves none.
    """
    sources = {identity(job.source) for job in jobs} - {None}
    for job in jobs:
        still.check_format(job.target, alpha=transparent)
        if job.matte is not None:
            still.check_format(job.matte, alpha=False)
        for target in job.targets:
            if target.parent.is_dir():
                check_target(target, (job.source,), overwrite=overwrite)
                if identity(target) in sources:
                    raise OutputError(f"{target}: this output is another of the inputs; choose a folder with -o")
            elif target.parent != job.source.parent:  # else the source is not there either, and `run` says so
                check_target(target.parent, (), overwrite=False)


def run(
    engine: Engine, settings: Settings, job: Job, choose: Callable[[still.Still, Alpha], Background] | None = None
) -> bool:
    """Does one picture.

    Args:
        choose: says what goes behind this picture, by the picture and its matte; None: what the settings say.

    Returns:
        Whether anybody is in the result.

    Raises:
        MediaError, PictureError: the source cannot be used. OutputError: a target cannot be written.
    """
    picture = still.read(job.source)
    trimap = None if job.trimap is None else still.read_trimap(job.trimap)
    alpha = still.matte_of(engine, picture, settings.subject, refine=settings.refine, trimap=trimap)
    if choose is not None:
        settings = replace(settings, background=choose(picture, alpha))
    for target in job.targets:
        make_folder(target.parent)
    with whole_file(job.target) as temporary:
        still.write(temporary, still.replace_background(engine.session(settings), picture, alpha), picture)
    if job.matte is not None:
        with whole_file(job.matte) as temporary:
            still.write(temporary, np.rint(alpha * 255).astype(np.uint8))
    if job.cutout is not None:
        alone = engine.session(replace(settings, background=Transparent()))
        with whole_file(job.cutout) as temporary:
            still.write(temporary, still.replace_background(alone, picture, alpha), picture)
    return bool(alpha.max() >= SOMEBODY)
