"""Contact sheets: frames of two videos side by side, for the eye."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from cyclorama.types import Rgb
from cyclorama_ffmpeg.frames import ToRgb, open_input, upright, video_stream

GAP = 6  # pixels between pictures
PAPER = 245


def frames_at(path: Path, count: int) -> list[Rgb]:
    """`count` frames spread evenly over a video."""
    to_rgb = ToRgb()
    with open_input(path) as container:
        stream = video_stream(container, path)
        stream.thread_type = "AUTO"
        # Two passes: containers may lie about the number of frames.
        total = sum(1 for _ in container.decode(stream))
    wanted = {round(i) for i in np.linspace(0, max(0, total - 1), count)}
    with open_input(path) as container:
        stream = video_stream(container, path)
        frames = enumerate(container.decode(stream))
        return [upright(to_rgb(frame), frame.rotation) for index, frame in frames if index in wanted]


def contact_sheet(rows: Sequence[Sequence[Rgb]], height: int) -> Rgb:
    """Rows of pictures, each scaled to `height` pixels, on light paper: uint8 (H, W, 3)."""
    scaled = [[_fit(picture, height) for picture in row] for row in rows]
    width = max(sum(p.shape[1] + GAP for p in row) + GAP for row in scaled)
    page = np.full((len(rows) * (height + GAP) + GAP, width, 3), PAPER, np.uint8)
    for index, row in enumerate(scaled):
        top, left = GAP + index * (height + GAP), GAP
        for picture in row:
            page[top : top + height, left : left + picture.shape[1]] = picture
            left += picture.shape[1] + GAP
    return page


def _fit(picture: Rgb, height: int) -> Rgb:
    width = round(picture.shape[1] * height / picture.shape[0])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
