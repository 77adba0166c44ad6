"""Sheets of pictures for the eye: mattes as grey, mattes laid over pictures, captions."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from cyclorama_ffmpeg.sheet import GAP, LINE, contact_sheet, paper, write
from cyclorama_training.compose import Float
from cyclorama_training.data import Image


def tinted(rgb: Image, alpha: Float, colour: tuple[int, int, int]) -> Image:
    """The picture, half of it in a colour where the matte is, with the matte's outline."""
    share = (0.5 * alpha)[..., None]
    out = np.rint(rgb * (1 - share) + np.array(colour) * share).astype(np.uint8)
    outlines, _ = cv2.findContours((alpha >= 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(out, outlines, -1, colour, max(1, round(max(rgb.shape) / 256)))  # type: ignore[return-value]


def labelled(row: Sequence[Image], height: int, text: str) -> Image:
    """A row of pictures of that height, with a line of text under it."""
    page = contact_sheet([row], height)
    strip = paper(LINE, page.shape[1])
    write(strip, text, GAP, LINE - 9)
    return np.vstack([page, strip])


def stacked(pages: Sequence[Image]) -> Image:
    """Pages of any width under each other."""
    width = max(page.shape[1] for page in pages)
    return np.vstack([np.hstack([page, paper(page.shape[0], width - page.shape[1])]) for page in pages])


def beside(pages: Sequence[Image]) -> Image:
    """Pages of any height beside each other."""
    height = max(page.shape[0] for page in pages)
    return np.hstack([np.vstack([page, paper(height - page.shape[0], page.shape[1])]) for page in pages])
