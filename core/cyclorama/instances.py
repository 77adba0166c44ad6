"""Who is who in a matte: connected regions, joined with the boxes of people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.types import Alpha, Rgb

Labels: TypeAlias = NDArray[np.int32]  # (h, w), 0 nobody, else the number of a person
Box: TypeAlias = tuple[float, float, float, float]  # left, top, right, bottom in pixels; right and bottom outside
Mask: TypeAlias = NDArray[np.bool_]

SUBJECT = 0.5  # alpha from which a pixel is somebody's
# A region without a box is somebody of their own from this share of the largest person's area, and of the picture;
# less is a hand or a hat, which goes to the nearest person, or a crumb of the matte in an empty room.
FRAGMENT, CRUMB = 0.15, 0.005
HELD = 0.25  # share of a box's matte that a region must hold to be (also) that person's
# Of the long side: so far from somebody hair and blur are wholly theirs. At twice as far they are a ghost of the room.
REACH = 0.05
INSIDE = 0.5  # share of a region inside a box that makes it that person's
CORE = 0.6  # of a box's half sides: here it is surely that person, unless it is another's core too
ERODED = 2  # pixels by which a person may have moved since the last frame without marking another
KEPT = 0.1  # share of a person's area that must be left of it for the person to be marked


def split(alpha: Alpha, rgb: Rgb, boxes: Sequence[Box]) -> Labels:
    """The people in a picture, numbered from 1 in no order.

    Args:
        alpha: float32 (h, w) in [0, 1].
        rgb: uint8 (h, w, 3), the picture: people who touch are parted along its edges.
        boxes: of people, in pixels of it.

    Source: Meyer 1992, "Color image segmentation" (the watershed from markers).
    """
    mask = alpha > SUBJECT
    count, regions = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    inside = [_inside(box, mask.shape) & mask for box in boxes]
    areas = [int(each.sum()) for each in inside]
    labels = np.zeros(mask.shape, np.int32)
    own: list[int] = []  # regions without a box
    for region in range(1, count):
        here = regions == region
        size = int(here.sum())
        held = [int((here & each).sum()) for each in inside]
        owners = [i for i, (part, area) in enumerate(zip(held, areas, strict=True)) if part > HELD * area]
        if len(owners) > 1:
            cores = _cores([boxes[i] for i in owners], here)
            labels[here] = _flooded(rgb, here, [(i + 1, core) for i, core in zip(owners, cores, strict=True)])[here]
        elif owners:
            labels[here] = owners[0] + 1
        elif held and max(held) > INSIDE * size:
            labels[here] = int(np.argmax(held)) + 1
        else:
            own.append(region)
    sizes = {region: int((regions == region).sum()) for region in own}
    largest = max([*sizes.values(), *(int(n) for n in np.bincount(labels.ravel())[1:])], default=0)
    for region, size in sizes.items():
        if size >= max(FRAGMENT * largest, CRUMB * mask.size):
            labels[regions == region] = len(boxes) + region
    return _with_fragments(labels, mask)


def carry(alpha: Alpha, rgb: Rgb, before: Labels, following: int) -> Labels:
    """The people of the last frame in this one, under their numbers.

    Args:
        before: of the last frame, whose people have moved little since.
        following: the first number for new ones.
    """
    mask = alpha > SUBJECT
    count, regions = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    people = [int(n) for n in np.unique(before) if n]
    areas = np.bincount(before.ravel(), minlength=1)
    window = np.ones((2 * ERODED + 1,) * 2, np.uint8)
    cores = {n: cv2.erode((before == n).astype(np.uint8), window).astype(bool) for n in people}
    largest = max((int(areas[n]) for n in people), default=0)
    labels = np.zeros(mask.shape, np.int32)
    for region in range(1, count):
        here = regions == region
        size = int(here.sum())
        marked = [(n, cores[n] & here) for n in people]
        marked = [(n, core) for n, core in marked if core.sum() > KEPT * min(int(areas[n]), size)]
        if len(marked) > 1:
            labels[here] = _flooded(rgb, here, marked)[here]
        elif marked:
            labels[here] = marked[0][0]
        elif size >= max(FRAGMENT * largest, CRUMB * mask.size):
            labels[here] = following
            following += 1
    return _with_fragments(labels, mask)


def share(labels: Labels, person: int) -> Alpha:
    """How much of each pixel's matte is one person's, float32 (h, w) in [0, 1].

    Hair and blur outside of a person's region go with the person who is nearest.
    """
    if not (labels == person).any():
        return np.zeros(labels.shape, np.float32)
    if len(np.unique(labels[labels > 0])) == 1:
        return np.ones(labels.shape, np.float32)
    hers = (_nearest(labels) == person).astype(np.float32)
    return cv2.blur(hers, (3, 3))  # type: ignore[return-value]


def around(labels: Labels, person: int) -> Alpha:
    """How much of what is faint is somebody's, by its distance from them: float32 (h, w), 1 near them, 0 far away."""
    away = cv2.distanceTransform((labels != person).astype(np.uint8), cv2.DIST_L2, 5)
    return np.clip(2 - away / np.float32(REACH * max(labels.shape)), 0, 1)


def box_of(region: Mask) -> Box:
    """The box around a region that is not empty."""
    rows, columns = np.nonzero(region.any(1))[0], np.nonzero(region.any(0))[0]
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _with_fragments(labels: Labels, mask: Mask) -> Labels:
    """The rest of the mask goes to the nearest people."""
    rest = mask & (labels == 0)
    if rest.any() and labels.any():
        labels[rest] = _nearest(labels)[rest]
    return labels


def _nearest(labels: Labels) -> Labels:
    """For every pixel the person of the nearest labelled one."""
    _, cells = cv2.distanceTransformWithLabels(
        (labels == 0).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    whose = np.zeros(int(cells.max()) + 1, np.int32)
    whose[cells[labels > 0]] = labels[labels > 0]
    return whose[cells]


def _flooded(rgb: Rgb, region: Mask, markers: Sequence[tuple[int, Mask]]) -> Labels:
    """A region parted among people from their markers."""
    seeds = np.zeros(region.shape, np.int32)
    for person, core in markers:
        seeds[core & region] = person
    outside = int(seeds.max()) + 1
    seeds[~region] = outside
    flooded: NDArray[Any] = cv2.watershed(np.ascontiguousarray(rgb), seeds)
    flooded = np.where((flooded == outside) | (flooded < 0), 0, flooded).astype(np.int32)
    return _with_fragments(flooded, region)


def _cores(boxes: Sequence[Box], region: Mask) -> list[Mask]:
    """Where each box's person surely is: in its middle, and nearer to it than to all the others' middles."""
    height, width = region.shape
    y, x = np.mgrid[:height, :width].astype(np.float32) + 0.5
    distances = []
    for left, top, right, bottom in boxes:
        across = np.abs(x - (left + right) / 2) / max((right - left) / 2, 1)
        down = np.abs(y - (top + bottom) / 2) / max((bottom - top) / 2, 1)
        distances.append(np.maximum(across, down))
    nearest = np.argmin(np.stack(distances), 0)
    return [region & (nearest == i) & (distance < CORE) for i, distance in enumerate(distances)]


def _inside(box: Box, shape: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, bool)
    left, top, right, bottom = (max(0, round(side)) for side in box)
    mask[top:bottom, left:right] = True
    return mask
