"""What `cyclorama doctor` says of every GIMP 3 that it finds."""

from __future__ import annotations

from collections.abc import Iterator

from cyclorama_ffmpeg.gimp_install import examine
from cyclorama_ffmpeg.gimp_profiles import profiles


def sentences() -> Iterator[str]:
    """One line for each profile; none where there is no GIMP 3."""
    for profile in profiles():
        finding = examine(profile)
        parts = [finding.place]
        if finding.listing:
            parts.append(finding.listing)
        if finding.trial is not None:
            seconds = finding.trial.seconds
            reached = f"its engine does not start: {finding.trial.note}"
            parts.append(reached if seconds is None else f"its engine is ready in {seconds:.1f} s")
        packaging = "" if profile.packaging == "native" else f" ({profile.packaging})"
        yield f"GIMP{packaging} {profile.path}: {'; '.join(parts)}"
