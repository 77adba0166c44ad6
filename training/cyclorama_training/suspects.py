"""Finds mattes that are not to be trained on as they are: where a trained network disagrees with them most.

A teacher's mattes miss people, take things for people, and halve them. The list that this writes is made to be
looked through and then taken over into `mattes.txt`, which `data.verdicts` reads. What it cannot find is what the
network learned from the very mattes: of the 20 wrong ones that a look at all pictures of people at sports and at
work brought to light, 7 were among the 209 that the network agreed with least.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cyclorama_training.compose import Float
from cyclorama_training.data import SPLITS, Image, Person, fit
from cyclorama_training.metrics import iou
from cyclorama_training.readers import PEOPLE
from cyclorama_training.recipe import Recipe
from cyclorama_training.sheet import beside, labelled, stacked, tinted
from cyclorama_training.validate import Predict

LONG_SIDE = 512  # pixels, at which pictures are read, found in, and compared
GIVEN_ALPHA, FOUND_ALPHA = 0.3, 0.5  # from here on a pixel is the given matte's, or found
AWAY = 15  # pixels of the box that the given matte is widened by: 7 to each side
# Of the frame, found away from the given matte: somebody else is in the picture.
PARTIAL_SHARE = 0.01
# Below it a matte is worth a look. The shipped network's own mean on pictures it never saw is 0.93.
DOUBTFUL_IOU = 0.85
CELL_HEIGHT, COLUMNS, ROWS = 150, 3, 7  # of a page of the contact sheet
GIVEN_COLOUR, FOUND_COLOUR = (255, 60, 160), (40, 220, 60)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A doubtful matte.

    Attributes:
        away: share of the frame that is found as a person away from the given matte.
        iou: of the given and the found matte.
        views: the picture, the given matte over it, and the found one.
    """

    name: str
    away: float
    iou: float
    views: tuple[Image, Image, Image]

    @property
    def partial(self) -> bool:
        return self.away > PARTIAL_SHARE


def everybody(recipe: Recipe, root: Path) -> Iterable[Person]:
    """Everybody whom the recipe reads, of both splits; those already listed as wrong are left out."""
    for split in SPLITS:
        for source in (s for s in recipe.people if s.has_part_in(root, split)):
            yield from PEOPLE[source.kind](source, root, split, LONG_SIDE)


def suspects(people: Iterable[Person], predict: Predict) -> list[Suspect]:
    """The doubtful ones, those with the least in common first."""
    found = (judge(person, predict(person.picture)) for person in people)
    return sorted((s for s in found if s.partial or s.iou < DOUBTFUL_IOU), key=lambda s: s.iou)


def judge(person: Person, found: Float) -> Suspect:
    """Compares a person's matte with the one that was found in the picture, float (H, W) in [0, 1]."""
    given = person.alpha.astype(np.float32) / np.float32(255)
    near = cv2.dilate((given > GIVEN_ALPHA).astype(np.uint8), np.ones((AWAY, AWAY), np.uint8))
    away = float(((found > FOUND_ALPHA) & (near == 0)).mean())
    views = (
        person.picture,
        tinted(person.picture, given, GIVEN_COLOUR),
        tinted(person.picture, found, FOUND_COLOUR),
    )
    small = [fit(view, 2 * CELL_HEIGHT) for view in views]  # hundreds of them are kept
    return Suspect(person.name, away, iou(found, given), (small[0], small[1], small[2]))


def listing(found: Sequence[Suspect]) -> str:
    """Lines for `mattes.txt`: the partial ones by name, then the candidates for `wrong` as comments, worst first."""
    partial = [f"{s.name} partial  # {s.away:.1%} of the frame found away from it" for s in found if s.partial]
    wrong = [f"# wrong? {s.name}  IoU {s.iou:.2f}" for s in found if s.iou < DOUBTFUL_IOU]
    return "\n".join(
        [*sorted(partial), "", "# Look at these, and list what is not right as `NAME wrong  # why`.", *wrong, ""]
    )


def pages(found: Sequence[Suspect]) -> list[Image]:
    """Contact sheets: each suspect's picture, given and found matte; worst first, row by row."""
    cells = [
        labelled(s.views, CELL_HEIGHT, f"{i}. {s.name}  IoU {s.iou:.2f}, {s.away:.1%} away")
        for i, s in enumerate(found, 1)
    ]
    rows = [beside(cells[i : i + COLUMNS]) for i in range(0, len(cells), COLUMNS)]
    return [stacked(rows[i : i + ROWS]) for i in range(0, len(rows), ROWS)]
