"""Pictures that tests make: a textured disc (the subject) over another texture, with the true alpha."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Scene:
    """A known mixture: rgb = alpha * foreground + (1 - alpha) * background."""

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.float32]
    foreground: NDArray[np.uint8]
    background: NDArray[np.uint8]


def texture(
    height: int, width: int, colour: tuple[int, int, int], seed: int, strength: float = 12.0
) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(0, 1, (height, width, 3)), (0, 0), 3) * strength * 6
    return np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)


def disc(
    height: int = 180,
    width: int = 240,
    *,
    radius: float = 50,
    softness: float = 6,
    centre: tuple[float, float] | None = None,
) -> NDArray[np.float32]:
    cy, cx = centre or (height / 2, width / 2)
    y, x = np.mgrid[0:height, 0:width]
    distance = np.hypot(y - cy, x - cx)
    return np.clip((radius - distance) / softness + 0.5, 0, 1).astype(np.float32)


def scene(
    height: int = 180,
    width: int = 240,
    *,
    subject: tuple[int, int, int] = (200, 60, 50),
    room: tuple[int, int, int] = (40, 90, 200),
    **shape: float,
) -> Scene:
    alpha = disc(height, width, **shape)
    foreground, background = texture(height, width, subject, 1), texture(height, width, room, 2)
    a = alpha[..., None]
    rgb = np.rint(foreground * a + background * (1 - a)).astype(np.uint8)
    return Scene(rgb, alpha, foreground, background)
