"""What `cyclorama doctor` says of every OBS that it finds."""

from __future__ import annotations

from collections.abc import Iterator

from cyclorama_ffmpeg.obs_install import configurations, examine, program


def sentences() -> Iterator[str]:
    """One line for each configuration; none where there is no OBS."""
    version = program()
    for configuration in configurations():
        if not configuration.is_dir():
            continue
        finding = examine(configuration)
        parts = [version] if version else []
        parts += [part for part in (finding.place, finding.listing) if part]
        if finding.trial is not None:
            seconds = finding.trial.seconds
            reached = f"its engine does not start: {finding.trial.note}"
            parts.append(reached if seconds is None else f"its engine is ready in {seconds:.1f} s")
        yield f"OBS {configuration}: {'; '.join(parts)}"
