"""Figures by which mattes are compared.

All take a predicted and a true matte, float32 (H, W) in [0, 1]. Accuracy to `iou` and `boundary` compare them cut at
0.5; the others compare alpha itself. What has nothing to count (nobody there, nobody found) is perfect: 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

THRESHOLD = 0.5
# Rhemann 2009, "A Perceptually Motivated Online Benchmark for Image Matting", as its evaluation code has them.
GRAD_SIGMA = 1.4  # pixels
GRAD_CUT = 1e-2  # the filter ends where the Gaussian falls below it
CONN_STEP = 0.1
CONN_TOLERANCE = 0.15  # what hangs together less than this much worse does not count
SUMMED = 1e-3  # `grad` and `conn` are sums over the picture in thousands, as papers print them
# Perazzi 2016, "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation" (DAVIS).
BOUNDARY_TOLERANCE = 0.008  # of the picture's diagonal


def accuracy(predicted: Float, target: Float) -> float:
    """Share of the pixels that are on the right side."""
    return float(((predicted >= THRESHOLD) == (target >= THRESHOLD)).mean())


def precision(predicted: Float, target: Float) -> float:
    """Share of what was found that is there."""
    p, t = predicted >= THRESHOLD, target >= THRESHOLD
    return _share((p & t).sum(), p.sum())


def recall(predicted: Float, target: Float) -> float:
    """Share of what is there that was found."""
    return precision(target, predicted)


def f1(predicted: Float, target: Float) -> float:
    """Harmonic mean of precision and recall."""
    p, t = predicted >= THRESHOLD, target >= THRESHOLD
    return _share(2 * (p & t).sum(), p.sum() + t.sum())


def iou(predicted: Float, target: Float) -> float:
    """Intersection over union (Jaccard index)."""
    p, t = predicted >= THRESHOLD, target >= THRESHOLD
    return _share((p & t).sum(), (p | t).sum())


def dice(predicted: Float, target: Float) -> float:
    """Dice coefficient of alpha itself (Milletari 2016, V-Net); of mattes cut at 0.5 it is `f1`."""
    p, t = predicted.astype(np.float64), target.astype(np.float64)
    return _share(2 * (p * t).sum(), (p * p).sum() + (t * t).sum())


def mad(predicted: Float, target: Float) -> float:
    """Mean absolute difference over all pixels."""
    return float(np.abs(predicted - target).mean())


def mse(predicted: Float, target: Float) -> float:
    """Mean squared difference over all pixels."""
    return float(np.square(predicted - target).mean())


def grad(predicted: Float, target: Float) -> float:
    """Gradient error (Rhemann 2009): squared differences of gradient magnitude, summed, in thousands.

    Mattes are not stretched to [0, 1] before, as some code does: that would turn a faint shadow into a person.
    """
    return float(np.square(_slope(predicted) - _slope(target)).sum(dtype=np.float64)) * SUMMED


def conn(predicted: Float, target: Float) -> float:
    """Connectivity error (Rhemann 2009): differences of the degree of connection, summed, in thousands.

    A pixel's degree is 1 less what its alpha lies above the highest level at which it still belongs to the largest
    region, connected by sides, that both mattes cover at that level.
    """
    level = np.ones(target.shape, np.float32)
    joined = np.ones(target.shape, bool)
    for step in range(1, round(1 / CONN_STEP) + 1):
        threshold = step * CONN_STEP
        main = _largest((predicted >= threshold) & (target >= threshold))
        level[joined & ~main] = threshold - CONN_STEP
        joined &= main
    return float(np.abs(_degree(predicted, level) - _degree(target, level)).sum(dtype=np.float64)) * SUMMED


def boundary(predicted: Float, target: Float) -> float:
    """F-measure of the outlines (Perazzi 2016): shares of each that lie within 0.8 % of the diagonal of the other."""
    found, true = _outline(predicted >= THRESHOLD), _outline(target >= THRESHOLD)
    if not found.any() or not true.any():
        return 1.0 if found.any() == true.any() else 0.0
    tolerance = math.ceil(BOUNDARY_TOLERANCE * math.hypot(*target.shape))
    right, seen = _near(found, true, tolerance), _near(true, found, tolerance)
    return 2 * right * seen / (right + seen) if right + seen else 0.0


def dtssd(predicted: Sequence[Float], target: Sequence[Float]) -> float:
    """Flicker of a clip (Erofeev 2015): mean over frames of the root of the mean squared difference of changes.

    Args:
        predicted, target: mattes of frames that follow each other, two or more.
    """
    changes = zip(pairwise(predicted), pairwise(target), strict=True)
    return float(np.mean([math.sqrt(np.square((p1 - p0) - (t1 - t0)).mean()) for (p0, p1), (t0, t1) in changes]))


METRICS: dict[str, Callable[[Float, Float], float]] = {
    metric.__name__: metric for metric in (accuracy, precision, recall, f1, iou, dice, mad, mse, grad, conn, boundary)
}


def figures(predicted: Float, target: Float) -> dict[str, float]:
    """All figures of a picture, by their names in `METRICS`."""
    return {name: metric(predicted, target) for name, metric in METRICS.items()}


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else 1.0


def _derivative_filters() -> tuple[Float, Float]:
    """A Gaussian and its derivative, each of unit length, so that their product is as well."""
    reach = math.ceil(GRAD_SIGMA * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * GRAD_SIGMA * GRAD_CUT)))
    x = np.arange(-reach, reach + 1)
    gauss = np.exp(-(x**2) / (2 * GRAD_SIGMA**2))
    slope = -x * gauss
    return gauss / np.linalg.norm(gauss), slope / np.linalg.norm(slope)


GAUSS, SLOPE = _derivative_filters()


def _slope(alpha: Float) -> Float:
    """Magnitude of the gradient at the scale of `GRAD_SIGMA`."""
    sides = ((SLOPE, GAUSS), (GAUSS, SLOPE))
    dx, dy = (cv2.sepFilter2D(alpha, cv2.CV_32F, x, y, borderType=cv2.BORDER_REPLICATE) for x, y in sides)
    return np.hypot(dx, dy)  # type: ignore[no-any-return]


def _largest(mask: Mask) -> Mask:
    """The largest region of a mask, connected by sides."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    if count == 1:
        return np.zeros(mask.shape, bool)
    return labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())


def _degree(alpha: Float, level: Float) -> Float:
    above = alpha - level
    return np.where(above >= CONN_TOLERANCE, 1 - above, 1)


def _outline(mask: Mask) -> Mask:
    """Pixels that differ from their neighbour to the right, below, or both."""
    padded = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    return (mask != padded[:-1, 1:]) | (mask != padded[1:, :-1]) | (mask != padded[1:, 1:])


def _near(outline: Mask, other: Mask, tolerance: float) -> float:
    """Share of an outline that lies within `tolerance` pixels of the other."""
    distance = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((distance[outline] <= tolerance).mean())
