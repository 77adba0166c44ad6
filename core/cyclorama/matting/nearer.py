"""Looking once more, from nearer, at people who are small in the frame."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np

from cyclorama.band import shrink
from cyclorama.matting import Matter, State
from cyclorama.types import Alpha, Rgb

Region: TypeAlias = tuple[int, int, int, int]  # top, bottom, left, right; ends excluded

# Alpha of a first look from which something is looked at again: of forty people of 15 to 35 % of the frame's height the
# IoU rises from 0.62 to 0.72 with it, to 0.70 with 0.5.
FOUND = 0.2
SURE, LEAST_KEPT = 0.9, 0.5  # alpha of what a first look is sure of; share of it that a second one must find
ROOM = 0.35  # around what is found, as a share of its longer side
NEARER = 0.6  # of the frame's sides: what takes less, with that room, is looked at again
# A stream's region is left when there is less room in it than this share, when what is found takes more of the frame
# than this with so little room, or when the region is so many times the one that would do: it seldom moves.
LEAST_ROOM, STILL_NEAR, LARGEST = 0.1, 0.6, 1.8


class Nearer:
    """A network that finds people in the whole frame, and sees small ones again at another size, larger.

    Outside of what it looks at from nearer nothing is left, unless the second look is not `believed`. In a stream the
    region stays while they are well inside, and the near look has a memory of its own until the region moves.

    Args:
        whole: sees every frame; its size is the working size.
        near: the network at the size for the second look.
    """

    def __init__(self, whole: Matter, near: Matter) -> None:
        self.name, self.device, self.note = whole.name, whole.device, whole.note
        self._whole, self._near = whole, near

    def size(self, height: int, width: int) -> tuple[int, int]:
        return self._whole.size(height, width)

    def looks(self, height: int, width: int) -> list[tuple[int, int]]:
        return self._whole.looks(height, width)

    def start(self, height: int, width: int) -> State:
        return self._whole.start(height, width), None, None

    def step(self, rgb: Rgb, state: State) -> tuple[Alpha, State]:
        assert isinstance(state, tuple)
        seen, region, memory = state
        alpha, seen = self._whole.step(rgb, seen)
        box = box_of(alpha)
        if region is None or not still_good(region, box, alpha.shape):
            region, memory = region_for(box, alpha.shape), None
        if region is not None:
            close, memory = self._look(rgb, region, memory)
            alpha = believed(alpha, close, region)
        return alpha, (seen, region, memory)

    def _look(self, rgb: Rgb, region: Region, memory: State) -> tuple[Alpha, State]:
        top, bottom, left, right = region
        part = rgb[top:bottom, left:right]
        height, width = self._near.size(*part.shape[:2])
        before = self._near.start(height, width) if memory is None else memory
        close, after = self._near.step(shrink(part, height, width), before)
        return shrink(close, *part.shape[:2]), after


def believed(first: Alpha, close: Alpha, region: Region) -> Alpha:
    """The matte of a second look at a region, or the first one's if it loses much of what that was sure of.

    It does where a picture has few pixels, and is no sharper from nearer.

    Args:
        first: float32 (H, W).
        close: float32, of the region's size; nothing is left around it.
    """
    top, bottom, left, right = region
    second = np.zeros_like(first)
    second[top:bottom, left:right] = close
    sure = first > SURE
    return second if second[sure].sum() >= LEAST_KEPT * sure.sum() else first


def box_of(alpha: Alpha) -> Region | None:
    """What all that is found fills; None where nothing is."""
    left, top, width, height = cv2.boundingRect((alpha > FOUND).astype(np.uint8))
    return (top, top + height, left, left + width) if width else None


def region_for(box: Region | None, shape: tuple[int, ...]) -> Region | None:
    """The region of a frame (height, width) that is looked at again; None if that is much of it, or nothing."""
    if box is None:
        return None
    region = around(box, ROOM, shape)
    return region if share(region, shape) <= NEARER else None


def still_good(region: Region, box: Region | None, shape: tuple[int, ...]) -> bool:
    """Whether a stream's region goes on to do for what is found now."""
    if box is None:
        return False
    least, ideal = around(box, LEAST_ROOM, shape), around(box, ROOM, shape)
    inside = least[0] >= region[0] and least[1] <= region[1] and least[2] >= region[2] and least[3] <= region[3]
    return inside and share(least, shape) <= STILL_NEAR and longer(region) <= LARGEST * longer(ideal)


def around(box: Region, room: float, shape: tuple[int, ...]) -> Region:
    """A box with so much room around it, as a share of its longer side, as far as the frame goes."""
    top, bottom, left, right = box
    height, width = shape
    more = round(room * longer(box))
    return max(0, top - more), min(height, bottom + more), max(0, left - more), min(width, right + more)


def longer(region: Region) -> int:
    """The longer side, in pixels."""
    top, bottom, left, right = region
    return max(bottom - top, right - left)


def share(region: Region, shape: tuple[int, ...]) -> float:
    """The larger share that it takes of the frame's sides."""
    top, bottom, left, right = region
    return max((bottom - top) / shape[0], (right - left) / shape[1])
