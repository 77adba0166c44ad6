"""Contact sheets: frames side by side, for the eye, with words beside them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.types import Rgb
from cyclorama_ffmpeg.frames import ToSrgb, open_input, upright, video_stream

GAP = 6  # pixels between pictures
PAPER, INK = 245, 30
LETTERS = 0.5  # of OpenCV's font, whose capitals are 22 pixels high at 1
LINE = 22  # pixels of a line of text
LETTER = 9  # pixels of width that a letter takes at most, on average
NARROWEST = 200  # pixels of width that words are given
SQUARE = 12  # pixels of a side in the pattern that stands for transparency
SQUARES = (255, 204)  # its two greys


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """A picture uint8 (H, W, 3) with its name and some words below it."""

    picture: Rgb
    name: str
    words: str


def frames_at(path: Path, count: int) -> list[Rgb]:
    """`count` frames spread evenly over a video."""
    to_srgb = ToSrgb()
    with open_input(path) as container:
        stream = video_stream(container, path)
        stream.thread_type = "AUTO"
        # Two passes: containers may lie about the number of frames.
        total = sum(1 for _ in container.decode(stream))
    wanted = {round(i) for i in np.linspace(0, max(0, total - 1), count)}
    with open_input(path) as container:
        stream = video_stream(container, path)
        frames = enumerate(container.decode(stream))
        return [upright(to_srgb(frame), frame.rotation) for index, frame in frames if index in wanted]


def grey(alpha: NDArray[np.floating[Any]]) -> Rgb:
    """A matte (H, W) in [0, 1] as a picture."""
    return np.repeat(np.rint(alpha * np.float32(255)).astype(np.uint8)[..., None], 3, 2)


def contact_sheet(rows: Sequence[Sequence[Rgb]], height: int) -> Rgb:
    """Rows of pictures, each scaled to `height` pixels, on light paper: uint8 (H, W, 3)."""
    scaled = [[_fit(picture, height) for picture in row] for row in rows]
    width = max(sum(p.shape[1] + GAP for p in row) + GAP for row in scaled)
    page = paper(len(rows) * (height + GAP) + GAP, width)
    for index, row in enumerate(scaled):
        top, left = GAP + index * (height + GAP), GAP
        for picture in row:
            page[top : top + height, left : left + picture.shape[1]] = picture
            left += picture.shape[1] + GAP
    return page


def labelled_sheet(rows: Sequence[tuple[str, Sequence[Rgb]]], headings: Sequence[str], height: int) -> Rgb:
    """The same with a heading over each column, and a line of text over each row's pictures.

    Args:
        rows: text and pictures; the pictures of a column are of one size.
    """
    pages = [contact_sheet([pictures], height) for _, pictures in rows]
    top, left = paper(LINE, pages[0].shape[1]), GAP
    for heading, picture in zip(headings, rows[0][1], strict=True):
        write(top, heading, left, LINE - 7)
        left += _fit(picture, height).shape[1] + GAP
    strips = [captioned(page, text) for (text, _), page in zip(rows, pages, strict=True)]
    return np.vstack([top, *strips])


def card_sheet(cards: Sequence[Card], columns: int) -> Rgb:
    """Cards with pictures of one size, in rows of `columns` on light paper: uint8 (H, W, 3)."""
    height, width = cards[0].picture.shape[:2]
    step = max(width, NARROWEST)
    lines = [textwrap.wrap(card.words, int(step / LETTER)) for card in cards]
    deep = height + LINE * (1 + max(len(each) for each in lines)) + 2 * GAP
    columns = min(columns, len(cards))
    page = paper(-(-len(cards) // columns) * deep + GAP, columns * (step + GAP) + GAP)
    for index, (card, words) in enumerate(zip(cards, lines, strict=True)):
        top, left = GAP + index // columns * deep, GAP + index % columns * (step + GAP)
        page[top : top + height, left : left + width] = card.picture
        base = top + height + LINE - 4
        write(page, card.name, left, base, bold=True)
        for number, line in enumerate(words, 1):
            write(page, line, left, base + number * LINE)
    return page


def captioned(page: Rgb, text: str) -> Rgb:
    """The page with a line of text over it."""
    strip = paper(LINE, page.shape[1])
    write(strip, text, GAP, LINE - 7)
    return np.vstack([strip, page])


def paper(height: int, width: int) -> Rgb:
    """An empty page."""
    return np.full((height, width, 3), PAPER, np.uint8)


def write(page: Rgb, text: str, left: int, base: int, *, bold: bool = False) -> None:
    """Letters on a page, in place."""
    cv2.putText(page, text, (left, base), cv2.FONT_HERSHEY_SIMPLEX, LETTERS, (INK,) * 3, 1 + bold, cv2.LINE_AA)


def on_squares(rgba: NDArray[np.uint8]) -> Rgb:
    """A picture uint8 (H, W, 4) over the pattern that stands for transparency."""
    height, width = rgba.shape[:2]
    y, x = np.ogrid[:height, :width]
    squares = np.where((y // SQUARE + x // SQUARE) % 2, *SQUARES).astype(np.float32)
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return np.rint(rgba[..., :3] * alpha + squares[..., None] * (1 - alpha)).astype(np.uint8)


def _fit(picture: Rgb, height: int) -> Rgb:
    width = round(picture.shape[1] * height / picture.shape[0])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
