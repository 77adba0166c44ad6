"""Several looks of one network at a picture, which vote: for stills, where a quarter of a second is not missed."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from cyclorama.band import shrink
from cyclorama.matting import Matter, State
from cyclorama.matting.nearer import cut, second_looks
from cyclorama.matting.onnx import cores
from cyclorama.matting.regions import boxes_of, combined, regions
from cyclorama.types import Alpha, Original, Region, Rgb


class BothWays:
    """Runs a network on a picture and on its mirror image, on two cores at the same time where there are two.

    A core for each look is used better than two for one after the other: `portrait` at 512 x 288 takes 54 ms for both
    so, where it takes 33 for one on both cores (AVX2).

    Args:
        threads: that may be used; 0 means all cores that this process may use.

    Attributes:
        each: threads that a look should have.
    """

    def __init__(self, threads: int) -> None:
        threads = threads or cores()
        self.each = (threads + 1) // 2
        # One thread: the other look is the caller's own.
        self._other = ThreadPoolExecutor(1, "cyclorama-mirrored") if threads > 1 else None

    def step(self, member: Matter, rgb: Rgb, states: tuple[State, State]) -> tuple[Alpha, Alpha, tuple[State, State]]:
        """The mattes of the upright look and of the mirrored one, turned back, and what each will remember."""
        turned = np.ascontiguousarray(rgb[:, ::-1])
        if self._other is None:
            upright, mine = member.step(rgb, states[0])
            mirrored, its = member.step(turned, states[1])
        else:
            running = self._other.submit(member.step, turned, states[1])
            upright, mine = member.step(rgb, states[0])
            mirrored, its = running.result()
        return upright, np.ascontiguousarray(mirrored[:, ::-1]), (mine, its)


class Panel:
    """A network at several working sizes, each upright and mirrored; the median of their mattes.

    A chair that one look takes for a person is outvoted by the others, where a mean would keep a ghost of it. Small
    people are looked at again from nearer, by all members but the last, without a memory of earlier frames.

    Args:
        members: the network at each size, smallest first; the last one's is the working size.
        both: runs them.
    """

    def __init__(self, name: str, members: Sequence[Matter], both: BothWays) -> None:
        self.name = name
        self.members, self._near, self._both = members, members[:-1] or members, both
        self.device, self.note = members[-1].device, members[-1].note

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The largest of the members' sizes."""
        return self.members[-1].size(height, width)

    def looks(self, height: int, width: int) -> list[tuple[int, int]]:
        return [size for member in self.members for size in 2 * member.looks(height, width)]

    def start(self, height: int, width: int) -> State:
        return _fresh(self.members, height, width)

    def step(self, rgb: Rgb, state: State, original: Original | None = None) -> tuple[Alpha, State]:
        assert isinstance(state, list)
        first, after = self._vote(rgb, self.members, state)
        pixels = max(self._near[-1].size(*first.shape))
        again, left = regions(boxes_of(first), [], first.shape, pixels)
        looks = second_looks(again, left, {}, first, pixels, partial(self._look, rgb, original))
        return combined(first, [(region, close) for region, close, _ in looks], left), after

    def _look(self, rgb: Rgb, original: Original | None, region: Region, _: State) -> tuple[Alpha, State]:
        height, width = region[1] - region[0], region[3] - region[2]
        close = cut(rgb, region, self._near[-1].size(height, width), original)
        alpha, _ = self._vote(close, self._near, _fresh(self._near, *close.shape[:2]))
        return shrink(alpha, height, width), None

    def _vote(self, rgb: Rgb, members: Sequence[Matter], state: list[State]) -> tuple[Alpha, list[State]]:
        """The median of two looks of each member, and what they remember."""
        height, width = rgb.shape[:2]
        alphas: list[Alpha] = []
        after: list[State] = []
        for index, member in enumerate(members):
            seen = shrink(rgb, *member.size(height, width))
            *mattes, states = self._both.step(member, seen, (state[2 * index], state[2 * index + 1]))
            after += states
            alphas += [shrink(matte, height, width) for matte in mattes]
        return np.median(np.stack(alphas), axis=0), after


def _fresh(members: Sequence[Matter], height: int, width: int) -> list[State]:
    """What each member remembers before its two looks at a first picture."""
    return [member.start(*member.size(height, width)) for member in members for _ in range(2)]
