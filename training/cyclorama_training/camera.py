"""What a cheap camera does to a picture: light, darkness, blur, few pixels, noise, JPEG."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator

from cyclorama_training.data import Image
from cyclorama_training.light import light, relight

# Drawing this many normal numbers takes longer than all else here, so they are drawn once and read from anywhere.
NOISE = np.random.default_rng(0).standard_normal(1 << 22, dtype=np.float32)


class Camera:
    """One camera for all frames of a clip: what it does is drawn once, only the noise anew for each frame."""

    def __init__(self, rng: Generator) -> None:
        self.rng = rng
        self.steps: list[Callable[[Image], Image]] = []
        self.light_seed = int(rng.integers(1 << 62)) if rng.random() < 0.8 else None
        if rng.random() < 0.08:
            dark = np.full(3, rng.uniform(0.15, 0.5))
            self.steps.append(lambda x: relight(x, dark, 1.0, 1.0))
        if rng.random() < 0.05:
            self.steps.append(lambda x: relight(x, np.ones(3), 1.0, 0.0))
        if rng.random() < 0.15:
            blur = float(rng.uniform(0.4, 1.4))
            self.steps.append(lambda x: cv2.GaussianBlur(x, (0, 0), blur))  # type: ignore[arg-type,return-value]
        if rng.random() < 0.08:
            kernel = motion_kernel(rng)
            self.steps.append(lambda x: cv2.filter2D(x, -1, kernel))  # type: ignore[arg-type,return-value]
        if rng.random() < 0.15:
            share = float(rng.uniform(0.4, 0.9))
            self.steps.append(lambda x: fewer_pixels(x, share))
        if rng.random() < 0.35:
            sigma = float(rng.uniform(0.004, 0.06)) * 255
            self.steps.append(lambda x: self._noise(x, sigma))
        if rng.random() < 0.35:
            quality = int(rng.integers(30, 95))
            self.steps.append(lambda x: jpeg(x, quality))

    def shoot(self, image: Image) -> Image:
        """uint8 (H, W, 3) to the same."""
        if self.light_seed is not None:
            image = light(np.random.default_rng(self.light_seed), image, 0.5)
        for step in self.steps:
            image = step(image)
        return image

    def _noise(self, image: Image, sigma: float) -> Image:
        at = int(self.rng.integers(NOISE.size - image.size))
        noise = NOISE[at : at + image.size].reshape(image.shape)
        return cv2.addWeighted(image, 1.0, noise, sigma, 0.0, dtype=cv2.CV_8U)  # type: ignore[return-value]


def motion_kernel(rng: Generator) -> np.ndarray:
    length = int(rng.integers(3, 10))
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), float(rng.uniform(0, 180)), 1)
    kernel = cv2.warpAffine(kernel, turn, (length, length))  # type: ignore[assignment]
    return kernel / max(float(kernel.sum()), 1e-3)  # type: ignore[no-any-return]


def fewer_pixels(image: Image, share: float) -> Image:
    height, width = image.shape[:2]
    little = cv2.resize(image, (int(width * share), int(height * share)), interpolation=cv2.INTER_AREA)
    return cv2.resize(little, (width, height), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]


def jpeg(image: Image, quality: int) -> Image:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)  # type: ignore[return-value]
