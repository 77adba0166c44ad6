"""Steadying a matte over time without trails."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.types import Alpha, Rgb

# Difference of a pixel's neighbourhood from where it was a frame ago, in levels of 255: up to the first as much is kept
# as may be, from the second on nothing. On a webcam's clip (640 x 480) the wall's change after the 5 x 5 mean is 0 at
# the median and 4 at the 99th percentile. Chosen by dtSSD over composited clips: it falls by 0.01e-2 from 16 to 20 and
# from 20 to 24, and edges that move fast are held back more.
STILL, MOVED = 2.0, 20.0
WINDOW = (5, 5)
LEAST_SIDE = 32  # pixels; the search for motion halves its picture, and OpenCV's fails at 640 x 16


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """The last picture, uint8 (h, w, 3), and its smoothed matte, float32 (h, w)."""

    rgb: Rgb
    alpha: Alpha


def smooth(rgb: Rgb, alpha: Alpha, memory: Memory | None, strength: float) -> tuple[Alpha, Memory]:
    """Blends the matte with the last one, moved along with the picture, where that shows the same.

    Args:
        rgb: uint8 (h, w, 3), the picture that the matte was made from.
        alpha: float32 (h, w) in [0, 1].
        memory: from the last frame; None, or of another size, starts anew.
        strength: 0 ... 1, the share of the last matte that is kept where the picture is the same.

    Returns:
        The smoothed matte and the memory for the next frame. Where a pixel's neighbourhood differs by `MOVED` levels
        or more from where it was found a frame ago the matte is the new one exactly, so nothing leaves a trail.
    """
    if memory is None or memory.alpha.shape != alpha.shape or strength == 0:
        return alpha, Memory(rgb, alpha)
    before = followed(memory, rgb)
    # The largest of the components, by planes: NumPy's maximum along an axis of three takes 3 ms at 512 x 288.
    red, green, blue = cv2.split(cv2.blur(cv2.absdiff(rgb, before.rgb), WINDOW))
    change: NDArray[np.float32] = cv2.max(cv2.max(red, green), blue).astype(np.float32)
    # What covers a place now or did a frame ago decides for its surroundings too: motion blur reaches out.
    change = cv2.dilate(change, np.ones((3, 3), np.uint8))  # type: ignore[assignment]
    keep = np.clip((MOVED - change) / (MOVED - STILL), 0, 1) * np.float32(strength)
    smoothed = alpha + keep * (before.alpha - alpha)
    return smoothed, Memory(rgb, smoothed)


def followed(memory: Memory, rgb: Rgb) -> Memory:
    """The last picture and matte with each pixel where it is now, by dense inverse search (Kroeger 2016).

    Args:
        rgb: uint8, the picture of now, of the memory's size.
    """
    height, width = rgb.shape[:2]
    if min(height, width) < LEAST_SIDE:
        return memory
    now, then = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (rgb, memory.rgb))
    # Made anew for each frame, which takes 0.01 ms: it is for one thread at a time.
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    places = search.calc(now, then, None)  # type: ignore[call-overload]
    places[..., 0] += np.arange(width, dtype=np.float32)
    places[..., 1] += np.arange(height, dtype=np.float32)[:, None]
    picture, alpha = (
        cv2.remap(plane, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
        for plane in (memory.rgb, memory.alpha)
    )
    return Memory(picture, alpha)
