"""Light on pictures and on clothes, as lookup tables: exposure, gamma, white balance, saturation, other colours."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from cyclorama_training.data import Image

LEVELS = np.linspace(0, 1, 256, dtype=np.float32)
# A head ends somewhere in this share of the height of what is seen of a person.
NECK = (0.12, 0.55)


def relight(image: Image, gain: np.ndarray, gamma: float, saturation: float) -> Image:
    """Gain a channel, then a gamma, then saturation about the grey of the pixel.

    Args:
        image: uint8 (H, W, 3).
        gain: (3,), factors on values in [0, 1].
    """
    curve = np.clip(LEVELS[:, None] * gain.astype(np.float32), 0, 1) ** np.float32(gamma)
    table = np.rint(curve * 255).astype(np.uint8)[None]
    out = cv2.LUT(np.ascontiguousarray(image), table)
    if saturation != 1:
        mix = np.eye(3) * saturation + (1 - saturation) / 3
        out = cv2.transform(out, mix)
    return out  # type: ignore[return-value]


def light(rng: Generator, image: Image, strength: float) -> Image:
    """Exposure, gamma, white balance and saturation, as a lamp or a camera's automatic would change them."""
    gain = np.exp(rng.normal(0, 0.35 * strength)) * np.exp(rng.normal(0, 0.15 * strength, 3))
    gamma = float(np.exp(rng.normal(0, 0.35 * strength)))
    return relight(image, gain, gamma, float(np.exp(rng.normal(0, 0.4 * strength))))


def darken(rng: Generator, image: Image) -> Image:
    """All of a person against the light."""
    return relight(image, np.full(3, rng.uniform(0.08, 0.45)), 1.0, 1.0)


def dress(rng: Generator, image: Image, alpha: Image) -> Image:
    """Other colours for the clothes: below a soft line somewhere about the neck all is made black, white or dyed."""
    rows = np.flatnonzero((alpha > 26).any(1))
    if not len(rows):
        return image
    top, height = int(rows[0]), int(rows[-1] - rows[0]) + 1
    neck = top + height * float(rng.uniform(*NECK))
    kind = rng.random()
    if kind < 0.5:  # black, navy, anthracite: the clothes that networks take for a hole
        other = relight(image, rng.uniform(0.06, 0.4) * rng.uniform(0.8, 1.2, 3), 1.0, float(rng.uniform(0, 1)))
    elif kind < 0.7:  # white: what is dark becomes light, folds stay
        other = 255 - relight(255 - image, np.full(3, rng.uniform(0.1, 0.5)), 1.0, float(rng.uniform(0, 1)))
    else:
        other = relight(image, np.exp(rng.normal(0, 0.5, 3)), 1.0, float(rng.uniform(0, 1.5)))
    soft = max(1.0, 0.02 * height)
    share = 1 / (1 + np.exp(np.clip((neck - np.arange(image.shape[0])) / soft, -30, 30)))
    weight = np.repeat(share.astype(np.float32)[:, None], image.shape[1], 1)
    return cv2.blendLinear(other, np.ascontiguousarray(image), weight, 1 - weight)  # type: ignore[return-value]


def match(rng: Generator, foreground: Image, alpha: Image, room: Image) -> Image:
    """Moves the person's mean colour towards the room's by a random share: hard cases are the alike ones."""
    if rng.random() < 0.4 or not alpha.any():
        return foreground
    share = float(rng.uniform(0, 0.8))
    ours = np.array(cv2.mean(foreground, alpha)[:3]) / 255
    theirs = np.array(cv2.mean(room)[:3]) / 255
    return relight(foreground, ((1 - share) * ours + share * theirs + 0.02) / (ours + 0.02), 1.0, 1.0)
