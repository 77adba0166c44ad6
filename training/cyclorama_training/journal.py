"""What is written down of a run while it trains: figures as JSON lines and for TensorBoard, and pictures to look at."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from torch.utils.tensorboard import SummaryWriter

from cyclorama_ffmpeg.sheet import contact_sheet, grey
from cyclorama_training.data import Image
from cyclorama_training.metrics import mad
from cyclorama_training.validate import Picture, Predict, ValidationSet

HARD = 12  # pictures that are looked at again and again
HARD_HEIGHT = 192  # pixels of each
HARD_COLUMNS = 2


class Journal:
    """The log of a run: `log.jsonl`, and the same in `events.out.tfevents.*` for `tensorboard --logdir`.

    Args:
        step: where the run goes on; what TensorBoard was told of later steps, before a kill, is struck out.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.folder = folder
        self._board = SummaryWriter(folder, purge_step=step + 1)  # type: ignore[no-untyped-call]

    def write(self, kind: str, step: int, figures: Mapping[str, float]) -> None:
        """Notes figures of a step; TensorBoard shows those of one kind together."""
        with (self.folder / "log.jsonl").open("a") as file:
            file.write(json.dumps({"step": step, **figures}) + "\n")
        for name, value in figures.items():
            self._board.add_scalar(f"{kind}/{name}", value, step)  # type: ignore[no-untyped-call]
        self._board.flush()  # type: ignore[no-untyped-call]

    def show(self, kind: str, step: int, picture: Image) -> None:
        """Keeps a picture uint8 (H, W, 3) of a step, as `KIND/STEP.png` too."""
        target = self.folder / kind / f"{step:07}.png"
        target.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(target), np.ascontiguousarray(picture[..., ::-1]))
        self._board.add_image(kind, picture, step, dataformats="HWC")  # type: ignore[no-untyped-call]
        self._board.flush()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        self._board.close()  # type: ignore[no-untyped-call]


class HardPictures:
    """The worst dozen of the first validation, then always the same ones: what training does to them is to be seen.

    Their names are kept in `hard.txt`, so that a run that goes on shows the same ones.
    """

    def __init__(self, folder: Path, validation: ValidationSet) -> None:
        self._list = folder / "hard.txt"
        self._all = {p.name: p for p in (*validation.pictures, *validation.empty)}

    def sheet(self, predict: Predict) -> Image:
        """Input, truth and matte of each: uint8 (H, W, 3)."""
        pictures = self.pictures(predict)
        views = [view for p in pictures for view in (p.rgb, grey(p.alpha), grey(predict(p.rgb)))]
        row = 3 * HARD_COLUMNS
        return contact_sheet([views[i : i + row] for i in range(0, len(views), row)], HARD_HEIGHT)

    def pictures(self, predict: Predict) -> Sequence[Picture]:
        """The listed ones that are still there; where there is no list yet it is made, which takes a pass over all."""
        if not self._list.exists():
            error = {name: mad(predict(p.rgb), p.alpha) for name, p in self._all.items()}
            worst = sorted(error, key=error.__getitem__, reverse=True)[:HARD]
            self._list.write_text("\n".join(worst) + "\n")
        return [self._all[name] for name in self._list.read_text().splitlines() if name in self._all]
