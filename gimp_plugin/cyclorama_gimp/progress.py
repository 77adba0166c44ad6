"""Where the work is: GIMP's progress bar, and for measurements a file."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from gi.repository import Gimp

from cyclorama_gimp.translation import _

# The worker's stages and the plug-in's own, in order: words, and the share of the work that is done as they begin.
STAGES = {
    "start": (_("Starting the engine"), 0.02),
    "read": (_("Reading the layer"), 0.08),
    "send": (_("Sending it to the engine"), 0.12),
    "suggest": (_("Looking at the clothes"), 0.15),
    "subject": (_("Finding the subject"), 0.2),
    "edge": (_("Following its edges"), 0.4),
    "trimap": (_("Solving the unknown band"), 0.5),
    "colours": (_("Cleaning the edge's colours"), 0.6),
    "room": (_("Blurring the room"), 0.75),
    "answer": (_("Receiving the result"), 0.85),
    "background": (_("Preparing the background"), 0.88),
    "write": (_("Making the layers"), 0.95),
}
TIMES = "CYCLORAMA_GIMP_TIMES"  # names a file that the stages' seconds are written to


class Progress:
    """Says each stage as it begins, and keeps how long the one before took."""

    def __init__(self, title: str) -> None:
        Gimp.progress_init(title)
        self._stage, self._since = "", time.perf_counter()
        self._seconds: dict[str, float] = {}

    def stage(self, name: str) -> None:
        """A stage begins; names that are not known (of a newer worker) are measured and not shown."""
        self._note(name)
        if name in STAGES:
            words, share = STAGES[name]
            Gimp.progress_set_text(words)
            Gimp.progress_update(share)

    def end(self) -> None:
        self._note("")
        Gimp.progress_end()
        if file := os.environ.get(TIMES):
            Path(file).write_text(json.dumps(self._seconds), "utf-8")

    def _note(self, following: str) -> None:
        now = time.perf_counter()
        if self._stage:
            self._seconds[self._stage] = self._seconds.get(self._stage, 0) + now - self._since
        self._stage, self._since = following, now
