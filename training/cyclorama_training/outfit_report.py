"""The outfit detector's figures: as a table, as values, and as curves and a confusion matrix to look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.types import OUTFITS
from cyclorama_training.data import Image
from cyclorama_training.outfit_data import CLASSES
from cyclorama_training.outfit_evaluate import BAR, COLUMNS, ROWS, Look, Tally, first_said, measure
from cyclorama_training.outfit_material import Labelled

PARTS = ("original", "pasted", "squashed")  # everybody of size has a box
PANEL = 420  # pixels a side
MARGIN = 84  # for what is written beside a panel
PAPER, INK, FAINT = (255, 255, 255), (40, 40, 40), (222, 222, 222)
COLOURS = {"beachwear": (0, 130, 200), "workwear": (200, 90, 0), "sportswear": (20, 140, 60)}
FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, slots=True)
class OutfitReport:
    """What was found in held-back pictures.

    Attributes:
        parts: of `PARTS`; of groups, of unclear clothes and of close pictures, what was said of the largest
            person; of empty rooms.
        sources: of the pictures as they are, by data set.
    """

    parts: dict[str, Tally]
    sources: dict[str, Tally]
    pictures: dict[str, int]

    @classmethod
    def of(cls, look: Look, pictures: Iterable[Labelled]) -> OutfitReport:
        sorted_out: dict[str, list[Labelled]] = {}
        for picture in pictures:
            sorted_out.setdefault(picture.part, []).append(picture)
        parts = {
            part: (measure if part in PARTS or part == "empty" else first_said)(look, found)
            for part, found in sorted_out.items()
        }
        by_source: dict[str, list[Labelled]] = {}
        for picture in sorted_out["original"]:
            by_source.setdefault(f"{picture.truths[0][0]}, {picture.source}", []).append(picture)
        sources = {name: measure(look, found) for name, found in sorted(by_source.items())}
        return cls(parts, sources, {part: len(found) for part, found in sorted_out.items()})

    def passed(self) -> bool:
        """Whether the pictures as they are reach the bar: precision and recall of every outfit."""
        tally = self.parts["original"]
        return all(min(tally.precision(kind), tally.recall(kind)) >= BAR for kind in OUTFITS)

    def figures(self) -> dict[str, Any]:
        return {
            "passed": self.passed(),
            "pictures": self.pictures,
            "parts": {part: tally.figures() for part, tally in self.parts.items()},
            "sources": {name: tally.figures() for name, tally in self.sources.items()},
        }

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Headings and rows: precision / recall of each outfit, and of casual people how many are left so."""
        headings = ["pictures", "number", *(f"{kind} P / R" for kind in OUTFITS), "casual left so", "found"]
        rows = []
        for part in PARTS:
            tally = self.parts[part]
            found = 1 - tally.counts[:-1, -1].sum() / max(1, tally.counts[:-1].sum())
            rates = [f"{tally.precision(kind):.3f} / {tally.recall(kind):.3f}" for kind in OUTFITS]
            rows.append([part, str(self.pictures[part]), *rates, f"{tally.recall(CLASSES[-1]):.3f}", f"{found:.3f}"])
        for name, tally in self.sources.items():
            kind = name.split(",")[0]
            cells = [f"- / {tally.recall(kind):.3f}" if kind == other else "" for other in OUTFITS]
            casual = f"{tally.recall(kind):.3f}" if kind == CLASSES[-1] else ""
            rows.append([name, str(tally.counts[:-1].sum()), *cells, casual, f"{tally.found(kind):.3f}"])
        for part in ("group", "unclear", "close"):
            tally = self.parts[part]
            cells = [f"- / {tally.recall(kind):.3f}" if tally.counts[i].sum() else "" for i, kind in enumerate(CLASSES)]
            rows.append([f"{part}: the largest", str(self.pictures[part]), *cells, ""])
        empty = self.parts["empty"].counts[-1]
        rows.append(["empty rooms", str(self.pictures["empty"]), *(str(n) for n in empty[:-1]), "people seen"])
        return headings, rows

    def picture(self) -> Image:
        """Curves and confusion matrix of the pictures as they are, uint8 (H, W, 3)."""
        tally = self.parts["original"]
        return np.hstack([curves(tally), matrix(tally.counts)])

    def png(self) -> bytes:
        _, packed = cv2.imencode(".png", cv2.cvtColor(self.picture(), cv2.COLOR_RGB2BGR))
        return packed.tobytes()


def curves(tally: Tally) -> Image:
    """Precision over recall of each outfit, with the point that it works at."""
    panel, put = paper("precision over recall")
    for tenth in range(0, 11, 2):
        away = MARGIN + round(PANEL * tenth / 10)
        cv2.line(panel, (away, MARGIN), (away, MARGIN + PANEL), FAINT, 1)
        cv2.line(panel, (MARGIN, away), (MARGIN + PANEL, away), FAINT, 1)
        put(f"{tenth / 10:.1f}", away - 10, MARGIN + PANEL + 20)
        put(f"{1 - tenth / 10:.1f}", MARGIN - 34, away + 5)

    def at(recall: float, precision: float) -> tuple[int, int]:
        return round(MARGIN + recall * PANEL), round(MARGIN + (1 - precision) * PANEL)

    cv2.rectangle(panel, at(BAR, 1), at(1, BAR), FAINT, 2)
    for row, kind in enumerate(OUTFITS):
        points = np.array([at(*point) for point in tally.curve(kind).T], np.int32)
        if len(points):
            cv2.polylines(panel, [points[:, None]], False, COLOURS[kind], 2, cv2.LINE_AA)
        cv2.circle(panel, at(tally.recall(kind), tally.precision(kind)), 6, COLOURS[kind], -1, cv2.LINE_AA)
        put(kind, MARGIN + 20, MARGIN + PANEL - 60 + 20 * row, COLOURS[kind])
    put("recall", MARGIN + PANEL - 45, MARGIN + PANEL + 42)
    return panel


def matrix(counts: NDArray[np.int64]) -> Image:
    """Truth by row, what was said by column; darker is a larger share of the row."""
    panel, put = paper("truth (rows), said (columns)")
    step = PANEL // max(counts.shape)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    for i, j in np.ndindex(*counts.shape):
        left, top = MARGIN + j * step, MARGIN + i * step
        shade = round(255 - 200 * float(shares[i, j]))
        cv2.rectangle(panel, (left, top), (left + step - 2, top + step - 2), (shade, shade, 255), -1)
        put(str(counts[i, j]), left + step // 2 - 12, top + step // 2 + 5, PAPER if shares[i, j] > 0.6 else INK)
    names(put, ROWS, lambda i: (4, MARGIN + i * step + step // 2 + 5))
    names(put, [name or "other" for name in COLUMNS], lambda j: (MARGIN + j * step + 2, MARGIN - 8))
    return panel


def names(put: Any, texts: Sequence[str], where: Any) -> None:
    for index, text in enumerate(texts):
        put(text, *where(index))


def paper(title: str) -> tuple[Image, Any]:
    panel = np.full((PANEL + 2 * MARGIN - 30, PANEL + 2 * MARGIN - 40, 3), PAPER, np.uint8)

    def put(text: str, x: int, y: int, colour: tuple[int, int, int] = INK) -> None:
        cv2.putText(panel, text, (x, y), FONT, 0.45, colour, 1, cv2.LINE_AA)

    put(title, MARGIN, 34)
    return panel, put
