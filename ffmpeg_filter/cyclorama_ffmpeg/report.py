"""The report of a run over many videos: JSON lines, one a video, written as they end."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from cyclorama.errors import OutputError
from cyclorama_ffmpeg.batch import Outcome
from cyclorama_ffmpeg.output import check_target


class Report:
    """A file that grows by a line a video; lines of earlier runs stay.

    Each line is an object: `input`, `output`, `matte` (null where there is none), `frames`, `seconds` (of work),
    `fps`, `notes` (a list), `error` (null where it went well) and `settings`.

    Args:
        settings: as the user gave them; the same in every line.

    Raises:
        OutputError: it cannot be written, or is another kind of file.
    """

    def __init__(self, path: Path, settings: Mapping[str, object]) -> None:
        self._path, self._settings = path, dict(settings)
        check_target(path, (), overwrite=True)
        if path.is_file() and path.stat().st_size:
            with path.open("rb") as file:
                first = file.read(1)
                file.seek(-1, os.SEEK_END)
                last = file.read(1)
            if first != b"{":
                raise OutputError(
                    f"{path}: expected a report of JSON lines to go on with, or a new name; this is neither"
                )
            if last != b"\n":  # a run was killed while it wrote
                self._append("\n")

    def add(self, outcome: Outcome) -> None:
        """Writes an outcome's line.

        Raises:
            OutputError: it cannot be written any more.
        """
        frames = outcome.summary.frames if outcome.summary else 0
        made = frames - outcome.summary.resumed if outcome.summary else 0
        line = {
            "input": str(outcome.source),
            "output": None if outcome.target is None else str(outcome.target),
            "matte": None if outcome.matte is None else str(outcome.matte),
            "frames": frames,
            "seconds": round(outcome.seconds, 3),
            "fps": round(made / outcome.seconds, 3) if outcome.seconds else 0,
            "notes": list(outcome.summary.notes) if outcome.summary else [],
            "error": None if outcome.error is None else str(outcome.error) or type(outcome.error).__name__,
            "settings": self._settings,
        }
        self._append(json.dumps(line, ensure_ascii=False, default=str) + "\n")

    def _append(self, text: str) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise OutputError(f"{self._path}: the report cannot be written ({error.strerror})") from error
