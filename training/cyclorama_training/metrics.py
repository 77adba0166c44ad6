"""Figures by which mattes are compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating[Any]]

THRESHOLD = 0.5


def iou(predicted: Float, target: Float) -> float:
    """Intersection over union (Jaccard index) of the mattes cut at 0.5; 1 where both are empty."""
    p, t = predicted >= THRESHOLD, target >= THRESHOLD
    union = int((p | t).sum())
    return int((p & t).sum()) / union if union else 1.0


def mad(predicted: Float, target: Float) -> float:
    """Mean absolute difference over all pixels."""
    return float(np.abs(predicted - target).mean())
