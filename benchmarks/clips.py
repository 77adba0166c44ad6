"""Real footage: what is kept of nobody, what is lost of somebody, and flicker, by boxes that were drawn by eye.

    python benchmarks/clips.py CLIPS [--model portrait ...] [--worst FOLDER]

CLIPS holds what `clips.toml` names; what is missing is passed by. Frames go one after the other through a session, as
in `cyclorama video`. Figures of a clip:

kept      mean alpha where nobody is, percent
spots     frames in which more than 1/4000 of the frame (58 pixels of 640 x 360) is solid where nobody is
lost      mean of 1 - alpha inside of somebody, percent
holes     frames in which more than a hundredth of the box inside of somebody is not solid
flicker   mean change of alpha from frame to frame where the picture stands still, 10^-3 of the frame

There is no truth of these clips: the figures compare networks, and none of them says how good an edge is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama import Engine, Settings, toml
from cyclorama.types import Alpha, Rgb
from cyclorama_training.footage import frames
from cyclorama_training.sheet import tinted

BOXES = Path(__file__).with_suffix(".toml")
SOLID = 0.9  # alpha from which a pixel is plainly there
SPOT, HOLE = 1 / 4000, 1 / 100
STILL, SIGMA = 4, 1.0  # levels that a still pixel may change by, in the picture blurred so much
WRONG = (255, 60, 160)

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip and its boxes: rows of frame, left, top, right, bottom (shares of the frame); one for all frames."""

    file: str
    nobody: list[NDArray[np.float64]]
    somebody: list[NDArray[np.float64]]
    stop: int | None

    @classmethod
    def parse(cls, table: dict[str, Any]) -> Clip:
        boxes = ([np.array(box["at"], float) for box in table.get(kind, [])] for kind in ("nobody", "somebody"))
        return cls(table["file"], *boxes, table.get("stop"))


def inside(boxes: Sequence[NDArray[np.float64]], number: int, height: int, width: int) -> Mask:
    """What the boxes cover of a frame, (H, W)."""
    mask = np.zeros((height, width), bool)
    for box in boxes:
        times = box[:, 0]
        if len(box) == 1 or times[0] <= number <= times[-1]:
            left, top, right, bottom = (np.interp(number, times, box[:, side]) for side in range(1, 5))
            mask[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = True
    return mask


@dataclass(slots=True)
class Tally:
    """Figures of a clip, frame by frame.

    Attributes:
        worst: the frame with the most that is wrong, and where it is wrong.
    """

    kept: list[float] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)
    flicker: list[float] = field(default_factory=list)
    spots: int = 0
    holes: int = 0
    wrong: float = 0.0
    worst: tuple[int, Rgb, Alpha] | None = None
    _before: tuple[Rgb, Alpha] | None = None

    def add(self, clip: Clip, number: int, rgb: Rgb, alpha: Alpha) -> None:
        nobody, somebody = (inside(boxes, number, *alpha.shape) for boxes in (clip.nobody, clip.somebody))
        solid = alpha >= SOLID
        if nobody.any():
            self.kept.append(float(alpha[nobody].mean()))
            self.spots += bool((solid & nobody).mean() > SPOT)
        if somebody.any():
            self.lost.append(float(1 - alpha[somebody].mean()))
            self.holes += bool((~solid)[somebody].mean() > HOLE)
        error = np.where(nobody, alpha, np.where(somebody, 1 - alpha, 0)).astype(np.float32)
        if error.mean() > self.wrong or self.worst is None:
            self.wrong, self.worst = float(error.mean()), (number, rgb, error)
        blurred: Rgb = cv2.GaussianBlur(rgb, (0, 0), SIGMA)  # type: ignore[assignment]
        if self._before is not None:
            still = cv2.absdiff(blurred, self._before[0]).max(2) < STILL
            self.flicker.append(float((np.abs(alpha - self._before[1]) * still).mean()))
        self._before = blurred, alpha

    def row(self) -> list[str]:
        """The figures as text."""
        cells = []
        for shares, bad in ((self.kept, self.spots), (self.lost, self.holes)):
            cells += [f"{100 * np.mean(shares):.2f}", f"{bad}/{len(shares)}"] if shares else ["", ""]
        return [*cells, f"{1000 * np.mean(self.flicker):.2f}"]


def measure(engine: Engine, clip: Clip, path: Path) -> Tally:
    session, tally = engine.session(Settings(decontaminate=False)), Tally()
    for number, rgb, _ in islice(frames(path, 1), clip.stop):
        tally.add(clip, number, rgb, session.matte(rgb).alpha)
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--model", nargs="+", default=["portrait", "portrait-fast"])
    parser.add_argument("--worst", type=Path, help="folder for the frame of each clip in which the most is wrong")
    given = parser.parse_args()
    clips = [Clip.parse(table) for table in toml.loads(BOXES.read_text("utf-8"))["clip"]]
    found = [clip for clip in clips if (given.clips / clip.file).is_file()]
    if not found:
        sys.exit(f"{given.clips}: expected some of {', '.join(clip.file for clip in clips)}")
    print("| clip | model | kept | spots | lost | holes | flicker |\n|---|---|---|---|---|---|---|")
    engines = {model: Engine(model) for model in given.model}
    for clip in found:
        for model, engine in engines.items():
            tally = measure(engine, clip, given.clips / clip.file)
            print("|", " | ".join([Path(clip.file).stem, Path(model).stem, *tally.row()]), "|", flush=True)
            if given.worst is not None and tally.worst is not None:
                given.worst.mkdir(parents=True, exist_ok=True)
                number, rgb, error = tally.worst
                target = given.worst / f"{Path(clip.file).stem}-{Path(model).stem}-{number}.png"
                cv2.imwrite(str(target), cv2.cvtColor(tinted(rgb, error, WRONG), cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
