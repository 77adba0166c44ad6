"""How well outfits are told: found people matched with the true ones, counts, curves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cyclorama.outfit import kind_of, overlaps
from cyclorama.types import OUTFITS, Rgb
from cyclorama_training.outfit_data import CLASSES, SMALLEST_SHARE, Box
from cyclorama_training.outfit_material import Labelled

People = Callable[[Rgb], tuple[NDArray[np.float32], NDArray[np.float32]]]  # see `cyclorama.outfit.people`
Look = Callable[[Rgb], tuple[Sequence[Box], Sequence[NDArray[np.float32]]]]  # see `cyclorama.outfit.TwoLooks.look`

MATCH = 0.5  # intersection over union from which a found box is a true person's
ROWS = (*CLASSES, "nobody")  # of the confusion matrix: the truth
COLUMNS = (*OUTFITS, "", "missed")  # what was said; "" is other clothes, or not sure
BAR = 0.85  # precision and recall that each outfit is held to


@dataclass(slots=True)
class Tally:
    """What was found in some pictures.

    Attributes:
        counts: int (truths, said), see `ROWS` and `COLUMNS`.
        shares: for each person found, the true row, and each outfit's share of its scores.
    """

    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((len(ROWS), len(COLUMNS)), np.int64))
    shares: list[tuple[int, NDArray[np.float32]]] = field(default_factory=list)

    def precision(self, kind: str) -> float:
        column = self.counts[:, OUTFITS.index(kind)]
        return ratio(column[OUTFITS.index(kind)], column.sum())

    def recall(self, kind: str) -> float:
        row = self.counts[CLASSES.index(kind)]
        return ratio(row[CLASSES.index(kind)], row.sum())  # casual's column is ""

    def found(self, kind: str) -> float:
        """Share of a class's people that were found, whatever was said of their clothes."""
        row = self.counts[CLASSES.index(kind)]
        return ratio(row[:-1].sum(), row.sum())

    def f1(self, kind: str) -> float:
        p, r = self.precision(kind), self.recall(kind)
        return 2 * p * r / (p + r) if p + r else 0.0

    def mean_f1(self) -> float:
        return float(np.mean([self.f1(kind) for kind in OUTFITS]))

    def curve(self, kind: str) -> NDArray[np.float64]:
        """Recall and precision (2, N) as the share of a kind's scores from which it is said falls."""
        index, truths = OUTFITS.index(kind), int(self.counts[CLASSES.index(kind)].sum())
        ranked = sorted(self.shares, key=lambda pair: -float(pair[1][index]))
        right = np.cumsum([row == index for row, _ in ranked])
        return np.stack([right / max(1, truths), right / np.arange(1, len(ranked) + 1)])

    def line(self) -> str:
        kinds = (f"{kind} P {self.precision(kind):.2f} R {self.recall(kind):.2f}" for kind in OUTFITS)
        return ", ".join([*kinds, f"casual R {self.recall(CLASSES[-1]):.2f}"])

    def figures(self) -> dict[str, Any]:
        return {
            "truths": list(ROWS),
            "said": list(COLUMNS),
            "counts": self.counts.tolist(),
            "precision": {kind: self.precision(kind) for kind in OUTFITS},
            "recall": {kind: self.recall(kind) for kind in CLASSES},
            "found": {kind: self.found(kind) for kind in CLASSES},
        }


def ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else 0.0


def measure(look: Look, pictures: Iterable[Labelled]) -> Tally:
    """Looks at pictures in which everybody of size is labelled."""
    tally = Tally()
    for picture in pictures:
        boxes, shares = look(picture.rgb)
        count(tally, boxes, shares, picture.truths)
    return tally


def matches(
    boxes: Iterable[Sequence[float] | NDArray[np.float32]], truths: Sequence[tuple[str, Box]]
) -> list[int | None]:
    """For each box, the surest first, the index of the true person that it is; -1 for nobody, None for no matter.

    A box that is nobody's and smaller than what is labelled says nothing: passers-by have no label.
    """
    true_boxes = np.array([box for _, box in truths], np.float32).reshape(-1, 4)
    sizes = np.maximum(true_boxes[:, 2:] - true_boxes[:, :2], 0).prod(1)
    least = SMALLEST_SHARE * float(sizes.max()) if len(sizes) else 0.0
    free = np.ones(len(truths), bool)
    rows: list[int | None] = []
    for box in (np.array(each, np.float32) for each in boxes):
        union = overlaps(box, true_boxes)[0] * free
        match = int(union.argmax()) if len(union) else -1
        if match >= 0 and union[match] >= MATCH:
            free[match] = False
            rows.append(match)
        else:
            rows.append(None if float(np.maximum(box[2:] - box[:2], 0).prod()) < least else -1)
    return rows


def count(
    tally: Tally,
    boxes: Sequence[Box],
    shares: Sequence[NDArray[np.float32]],
    truths: Sequence[tuple[str, Box]],
) -> None:
    """Adds a picture's people."""
    rows = matches(boxes, truths)
    for share, match in zip(shares, rows, strict=True):
        if match is not None:
            row = CLASSES.index(truths[match][0]) if match >= 0 else len(CLASSES)
            tally.counts[row, COLUMNS.index(kind_of(share)[0])] += 1
            tally.shares.append((row, share[: len(OUTFITS)]))
    for index in set(range(len(truths))) - set(rows):
        tally.counts[CLASSES.index(truths[index][0]), -1] += 1


def first_said(look: Look, pictures: Iterable[Labelled]) -> Tally:
    """What is said of the largest person of each picture: for groups, of which the boxes are not known."""
    tally = Tally()
    for picture in pictures:
        boxes, shares = look(picture.rgb)
        sizes = [(right - left) * (bottom - top) for left, top, right, bottom in boxes]
        kind = kind_of(shares[int(np.argmax(sizes))])[0] if sizes else "missed"
        tally.counts[CLASSES.index(picture.truths[0][0]), COLUMNS.index(kind)] += 1
    return tally


def found(people: People, pictures: Iterable[Labelled]) -> float:
    """F1 of people's boxes, whatever they wear."""
    right, wrong, missed = 0, 0, 0
    for picture in pictures:
        boxes, _ = people(picture.rgb)
        rows = matches(boxes, picture.truths)
        hits = sum(row is not None and row >= 0 for row in rows)
        right, wrong, missed = right + hits, wrong + rows.count(-1), missed + len(picture.truths) - hits
    return 2 * right / max(1, 2 * right + wrong + missed)
