"""Looking once more, from nearer, at people who are small in the frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from cyclorama.band import shrink, working_size
from cyclorama.matting import Matter, State
from cyclorama.matting.regions import agree, beyond, boxes_of, combined, doubtful, inside, longer, regions
from cyclorama.types import Alpha, Original, Region, Rgb

# Times as many pixels a side as the picture has there: more is blur, in which a network finds nobody.
MOST_ENLARGED = 3


class Nearer:
    """A network that finds people in the whole frame, and sees small ones again with more pixels.

    What it looks at again comes out of the frame as it was before it was scaled down, where there is more of it. In a
    stream a region stays while they are well inside, and its look has a memory of its own until it moves.

    Args:
        network: takes pictures of any size in steps of `stride`; the size that it asks for is the working size.
        pixels: the long side of the other looks.
    """

    def __init__(self, network: Matter, pixels: int, stride: int) -> None:
        self.name, self.device, self.note = network.name, network.device, network.note
        self._network, self._pixels, self._stride = network, pixels, stride

    def size(self, height: int, width: int) -> tuple[int, int]:
        return self._network.size(height, width)

    def looks(self, height: int, width: int) -> list[tuple[int, int]]:
        return self._network.looks(height, width)

    def start(self, height: int, width: int) -> State:
        return self._network.start(height, width), []

    def step(self, rgb: Rgb, state: State, original: Original | None = None) -> tuple[Alpha, State]:
        assert isinstance(state, tuple)
        seen, memories = state
        first, seen = self._network.step(rgb, seen)
        before = dict(memories)
        again, left = regions(boxes_of(first), list(before), first.shape, self._pixels)
        looks = second_looks(again, left, before, first, self._pixels, partial(self._look, rgb, original))
        alpha = combined(first, [(region, close) for region, close, _ in looks], left)
        return alpha, (seen, [(region, memory) for region, _, memory in looks])

    def _look(self, rgb: Rgb, original: Original | None, region: Region, memory: State) -> tuple[Alpha, State]:
        height, width = region[1] - region[0], region[3] - region[2]
        there_are = longer(region) * (max(original.size) / max(rgb.shape) if original and original.part else 1)
        size = working_size(height, width, round(min(self._pixels, MOST_ENLARGED * there_are)), self._stride)
        before = self._network.start(*size) if memory is None else memory
        close, after = self._network.step(cut(rgb, region, size, original), before)
        return shrink(close, height, width), after


def second_looks(
    again: Sequence[Region],
    left: Sequence[Region],
    memories: Mapping[Region, State],
    first: Alpha,
    pixels: int,
    look: Callable[[Region, State], tuple[Alpha, State]],
) -> list[tuple[Region, Alpha, State]]:
    """Mattes of regions, and what is to be remembered of each.

    Where somebody, and hardly a ghost, goes on beyond a new region it is a wider one's.

    Args:
        again, left: see `regions`.
        memories: of regions that were looked at in the frame before.
        first: the matte of the first look.
        pixels: the long side of a second one.
        look: looks at a region; it is given what is remembered of it, or None.
    """
    looks: list[tuple[Region, Alpha, State]] = []
    for number, region in enumerate(again):
        close, memory = look(region, memories.get(region))
        others = [*(other for other, _, _ in looks), *again[number + 1 :], *left]
        stays = region in memories or doubtful(first, region, others)
        wider = region if stays else beyond(region, close, others, first.shape, pixels)
        kept = region, close, memory
        if wider != region:
            wide, after = look(wider, None)
            if agree(region, close, wider, wide):
                kept = wider, wide, after
        looks.append(kept)
    return looks


def cut(rgb: Rgb, region: Region, size: tuple[int, int], original: Original | None) -> Rgb:
    """A region of a picture scaled to (height, width), out of what has the most detail of it."""
    if original is None or original.part is None:
        return shrink(rgb[inside(region)], *size)
    return original.part(region, *size)
