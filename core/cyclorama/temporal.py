"""Steadying a matte over time without trails."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.types import Alpha, Rgb

# Change of a pixel's neighbourhood, in levels of 255, at which nothing is kept. On a
# webcam's clip (640 x 480) the wall's change after the 5 x 5 mean is 0 at the median and 4 at the 99th percentile.
STILL, MOVED = 2.0, 8.0
WINDOW = (5, 5)


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """The last picture, uint8 (h, w, 3), and its smoothed matte, float32 (h, w)."""

    rgb: Rgb
    alpha: Alpha


def smooth(rgb: Rgb, alpha: Alpha, memory: Memory | None, strength: float) -> tuple[Alpha, Memory]:
    """Blends the matte with the last one where the picture stood still.

    Args:
        rgb: uint8 (h, w, 3), the picture that the matte was made from.
        alpha: float32 (h, w) in [0, 1].
        memory: from the last frame; None, or of another size, starts anew.
        strength: 0 ... 1, the share of the last matte that is kept where nothing moved.

    Returns:
        The smoothed matte and the memory for the next frame. Where a pixel's neighbourhood changed by
        `MOVED` levels or more the matte is the new one exactly, so nothing that moves leaves a trail.
    """
    if memory is None or memory.alpha.shape != alpha.shape or strength == 0:
        return alpha, Memory(rgb, alpha)
    # The largest of the components, by planes: NumPy's maximum along an axis of three takes 3 ms at 512 x 288.
    red, green, blue = cv2.split(cv2.blur(cv2.absdiff(rgb, memory.rgb), WINDOW))
    change: NDArray[np.float32] = cv2.max(cv2.max(red, green), blue).astype(np.float32)
    # What covers a place now or did a frame ago decides for its surroundings too: motion blur reaches out.
    change = cv2.dilate(change, np.ones((3, 3), np.uint8))  # type: ignore[assignment]
    keep = np.clip((MOVED - change) / (MOVED - STILL), 0, 1) * np.float32(strength)
    smoothed = alpha + keep * (memory.alpha - alpha)
    return smoothed, Memory(rgb, smoothed)
