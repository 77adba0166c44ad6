"""What stands before the camera in tests of the OBS filter."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, RATE = 640, 360, 15
# The room of the chaos tests is a green screen's green: the keyer takes it away to the last pixel, so that any green
# pixel of a recording is the room's.
ROOM = (0, 255, 0)
RED = (210, 40, 30)  # the subject


def portrait() -> NDArray[np.uint8]:
    """A photograph of a person before a room (public domain), uint8 (HEIGHT, WIDTH, 3)."""
    from skimage import data

    return np.ascontiguousarray(cv2.resize(data.astronaut()[:288], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA))


def before_green(shift: float = 0.0) -> NDArray[np.uint8]:
    """A red figure before a room of one colour; `shift` moves it sideways, in pixels."""
    picture = np.full((HEIGHT, WIDTH, 3), ROOM, np.uint8)
    x = round(WIDTH / 2 + shift)
    cv2.circle(picture, (x, 120), 60, RED, -1)
    cv2.rectangle(picture, (x - 90, 190), (x + 90, HEIGHT), RED, -1)
    return picture


def write_picture(path: Path, rgb: NDArray[np.uint8]) -> Path:
    cv2.imwrite(str(path), rgb[..., ::-1])
    return path


def write_clip(path: Path, pictures: list[NDArray[np.uint8]], rate: int = RATE) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "8", "preset": "ultrafast"})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        # Said, so that no reader has to guess which matrix it was: BT.601, 16 ... 235.
        stream.codec_context.colorspace, stream.codec_context.color_range = 6, 1
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def moving_clip(path: Path, seconds: int = 4) -> Path:
    """The red figure going to and fro."""
    count = seconds * RATE
    return write_clip(path, [before_green(120 * np.sin(2 * np.pi * i / count)) for i in range(count)])


def room_pixels(rgb: NDArray[np.uint8]) -> int:
    """How many pixels have the room's colour."""
    r, g, b = (rgb[..., i].astype(int) for i in range(3))
    return int(((g > 180) & (r < 90) & (b < 90)).sum())


def subject_pixels(rgb: NDArray[np.uint8]) -> int:
    r, g, b = (rgb[..., i].astype(int) for i in range(3))
    return int(((r > 150) & (g < 90) & (b < 90)).sum())
