"""What the commands say and show, and where: results to standard output, all else to the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import cyclorama
from cyclorama_ffmpeg.installing import Trial

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(message: object) -> None:
    err.print(f"cyclorama: {message}", style="red" if err.is_terminal else None, markup=False)


def say(text: str) -> None:
    """A line on what was decided or happened, beside the results."""
    err.print(f"cyclorama: {text}", markup=False)


def result(text: str) -> None:
    """A line to standard output while a bar may stand on the terminal: rich puts what is printed above it.

    Not by a console of rich's own, which would write into the bar's line.
    """
    print(text, flush=True)


def engine_for(model: str, device: str, threads: int) -> cyclorama.Engine:
    """Loads the engine, and says why a GPU that is there is not used."""
    engine = cyclorama.Engine(model, device, threads=threads)
    if engine.matter.note:
        err.print(f"cyclorama: {engine.matter.note}", markup=False)
    return engine


def show_trial(trial: Trial, what: str, then: str = "") -> bool:
    """Says how the engine of a plug-in that was installed started; False where it did not.

    Args:
        what: of it is in place.
        then: what to do next.
    """
    if trial.seconds is None:
        fail(f"{what} is in place, but its engine does not start: {trial.note}")
        return False
    out.print(f"  engine ready in {trial.seconds:.1f} s{then}")
    if trial.note:
        out.print(f"  {trial.note}", markup=False)
    return True


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on a terminal, nothing elsewhere.

    Results that go to a file stay out of the terminal, which rich would send them to.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    shown, results_shown = err.is_terminal, out.is_terminal
    with Progress(*columns, console=err, disable=not shown, transient=True, redirect_stdout=results_shown) as progress:
        yield progress
