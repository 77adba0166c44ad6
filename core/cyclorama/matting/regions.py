"""Which parts of a frame are worth another look from nearer: those in which somebody is small."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from cyclorama.types import Alpha, Region

# Alpha of a first look from which something belongs to what it found, and from which it is sure. Parts in which it is
# sure of nothing are a ghost more often than somebody, as long as it is sure of anything.
FOUND, SURE = 0.2, 0.9
# Share of what a first look is sure of that a second one must find, and how many times as much as the first one it may
# find where that is doubtful: beside somebody larger, and where the first was sure of less than this share of what it
# found, though that is not tiny: with its room this share of the frame's long side.
LEAST_KEPT, MOST_MORE = 0.5, 2.0
LEAST_SURE, TINY = 0.1, 0.2
LEAST_AREA = 1e-4  # of the frame; less is a speck
ROOM = 0.25  # around what is found, as a share of its longer side
# Times as many pixels a side as in the first look, and share of the frame: what gains less, or is so much of it that
# the other look would take about as long as the first, is not looked at again.
LEAST_GAIN, LARGEST_SHARE = 1.2, 0.5
MOST = 3  # regions a frame: the largest
# Room that is added where somebody goes on beyond a region, as a share of its longer side, and the share of what the
# look was sure of that one with that room must find.
MORE_ROOM, LEAST_AGREED = 0.35, 0.8
# A stream's region is left when there is less room in it than this share, when it gains no more than this, or when it
# is so many times the one that would do: it seldom moves.
LEAST_ROOM, STILL_GAIN, LARGEST = 0.1, 1.1, 1.8


def boxes_of(alpha: Alpha) -> list[Region]:
    """What each part fills that a first look found."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > FOUND).astype(np.uint8))
    large = set(np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= LEAST_AREA * alpha.size).tolist()) - {0}
    sure = large.intersection(np.unique(labels[alpha > SURE]).tolist())
    return [
        (int(top), int(top + height), int(left), int(left + width))
        for left, top, width, height, _ in (stats[number] for number in sorted(sure or large))
    ]


def regions(
    boxes: Sequence[Region], before: Sequence[Region], shape: tuple[int, ...], pixels: int
) -> tuple[list[Region], list[Region]]:
    """What is looked at again, and what is left as the first look has it; no two of the former overlap.

    Args:
        boxes: see `boxes_of`.
        before: what was looked at in the frame before; of these as many stay as still do.
        shape: (height, width) of the frame.
        pixels: the long side of a second look.
    """
    loose = list(boxes)
    staying: dict[Region, list[Region]] = {}
    for region in before:
        mine = [box for box in loose if _within(around(box, LEAST_ROOM, shape), region)]
        if mine and _still_good(region, mine, shape, pixels):
            staying[region] = mine
            loose = [box for box in loose if box not in mine]
    groups = joined(loose, shape)
    while torn := [r for r in staying if any(overlap(r, around(group, ROOM, shape)) for group in groups)]:
        for region in torn:
            loose += staying.pop(region)
        groups = joined(loose, shape)
    again, left = list(staying), list[Region]()
    for group in sorted(groups, key=area, reverse=True):
        region = around(group, ROOM, shape)
        small = pixels >= LEAST_GAIN * longer(region) and area(region) <= LARGEST_SHARE * shape[0] * shape[1]
        (again if small and len(again) < MOST else left).append(region)
    return again, left


def combined(first: Alpha, second: Sequence[tuple[Region, Alpha]], left: Sequence[Region]) -> Alpha:
    """The matte of several looks: the second ones where they are believed, and nothing outside of all regions.

    One is not believed if it loses much of what the first is sure of: it does where a picture has few pixels, and is
    no sharper from nearer. Nor if it finds much more than the first where that is doubtful: of a dog that is somebody
    in a corner of its fur it does, of people seldom.

    Args:
        first: float32 (H, W).
        second: regions and their mattes, float32, of the regions' sizes; without any all of the first is kept.
        left: regions that were looked at once.
    """
    if not second:
        return first
    out = np.zeros_like(first)
    all_regions = [*(region for region, _ in second), *left]
    for region, alpha in second:
        before = first[inside(region)]
        near, sure = inside(found_in(before)), before > SURE
        loses = alpha[sure].sum() < LEAST_KEPT * sure.sum()
        gains = doubtful(first, region, all_regions) and alpha[near].sum() > MOST_MORE * before[near].sum()
        out[inside(region)] = before if loses or gains else alpha
    for region in left:
        np.maximum(out[inside(region)], first[inside(region)], out=out[inside(region)])
    return out


def doubtful(first: Alpha, region: Region, others: Sequence[Region]) -> bool:
    """Whether what a first look found in a region may well be no person."""
    before = first[inside(region)]
    unsure = (before > SURE).sum() < LEAST_SURE * (before > FOUND).sum()
    if unsure and longer(found_in(before)) > TINY * max(first.shape):
        return True
    return bool(before.sum() < max((first[inside(other)].sum() for other in others), default=0))


def found_in(before: Alpha) -> Region:
    """What a first look found in a region, with its room: a stream's region, and a wider one, have more than that."""
    left, top, width, height = cv2.boundingRect((before > FOUND).astype(np.uint8))
    return around((top, top + height, left, left + width), ROOM, before.shape)


def beyond(region: Region, alpha: Alpha, others: Sequence[Region], shape: tuple[int, ...], pixels: int) -> Region:
    """The region with more room where a look is sure of somebody right up to its side; itself where there is none.

    Args:
        others: regions that it must not reach.
        pixels: the long side of a second look.
    """
    top, bottom, left, right = region
    more = round(MORE_ROOM * longer(region))
    up, down, before, after = (
        more * bool((side > SURE).any()) for side in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1])
    )
    height, width = shape
    wider = max(0, top - up), min(height, bottom + down), max(0, left - before), min(width, right + after)
    near_enough = pixels >= STILL_GAIN * longer(wider)
    return wider if near_enough and not any(overlap(wider, other) for other in others) else region


def agree(region: Region, close: Alpha, wider: Region, wide: Alpha) -> bool:
    """Whether a look at a wider region finds there what the look at a region was sure of."""
    top, left = region[0] - wider[0], region[2] - wider[2]
    sure = close > SURE
    again = wide[top : top + sure.shape[0], left : left + sure.shape[1]][sure]
    return bool(again.sum() >= LEAST_AGREED * sure.sum())


def inside(region: Region) -> tuple[slice, slice]:
    """Its rows and columns."""
    top, bottom, left, right = region
    return slice(top, bottom), slice(left, right)


def joined(boxes: Sequence[Region], shape: tuple[int, ...]) -> list[Region]:
    """Boxes, those in one whose regions would overlap."""
    apart: list[Region] = []
    for each in boxes:
        box = each
        while near := [other for other in apart if overlap(around(box, ROOM, shape), around(other, ROOM, shape))]:
            apart = [other for other in apart if other not in near]
            box = union([box, *near])
        apart.append(box)
    return apart


def union(boxes: Sequence[Region]) -> Region:
    """The smallest box around all."""
    tops, bottoms, lefts, rights = zip(*boxes, strict=True)
    return min(tops), max(bottoms), min(lefts), max(rights)


def around(box: Region, room: float, shape: tuple[int, ...]) -> Region:
    """A box with so much room around it, as a share of its longer side, as far as the frame goes."""
    top, bottom, left, right = box
    height, width = shape
    more = round(room * longer(box))
    return max(0, top - more), min(height, bottom + more), max(0, left - more), min(width, right + more)


def overlap(one: Region, other: Region) -> bool:
    return max(one[0], other[0]) < min(one[1], other[1]) and max(one[2], other[2]) < min(one[3], other[3])


def longer(region: Region) -> int:
    """The longer side, in pixels."""
    top, bottom, left, right = region
    return max(bottom - top, right - left)


def area(region: Region) -> int:
    top, bottom, left, right = region
    return (bottom - top) * (right - left)


def _within(box: Region, region: Region) -> bool:
    return box[0] >= region[0] and box[1] <= region[1] and box[2] >= region[2] and box[3] <= region[3]


def _still_good(region: Region, boxes: Sequence[Region], shape: tuple[int, ...], pixels: int) -> bool:
    """Whether a stream's region goes on to do for what is found in it now."""
    ideal = around(union(boxes), ROOM, shape)
    return pixels >= STILL_GAIN * longer(region) and longer(region) <= LARGEST * longer(ideal)
