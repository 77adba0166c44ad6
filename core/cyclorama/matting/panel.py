"""Several looks of one network at a picture, which vote: for stills, where a quarter of a second is not missed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cyclorama.band import shrink
from cyclorama.matting import Matter, State
from cyclorama.types import Alpha, Rgb


class Panel:
    """A network at several working sizes, each upright and mirrored; the median of their mattes.

    A chair that one look takes for a person is outvoted by the others, where a mean would keep a ghost of it.

    Args:
        members: the network at each size, smallest first; the last one's is the working size.
    """

    def __init__(self, name: str, members: Sequence[Matter]) -> None:
        self.name = name
        self.members = members
        self.device, self.note = members[-1].device, members[-1].note

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The largest of the members' sizes."""
        return self.members[-1].size(height, width)

    def looks(self, height: int, width: int) -> list[tuple[int, int]]:
        """The sizes (height, width) of all looks at a picture of height x width."""
        return [member.size(height, width) for member in self.members for _ in range(2)]

    def start(self, height: int, width: int) -> State:
        return [member.start(*member.size(height, width)) for member in self.members for _ in range(2)]

    def step(self, rgb: Rgb, state: State) -> tuple[Alpha, State]:
        assert isinstance(state, list)
        height, width = rgb.shape[:2]
        alphas, after = [], []
        for index, member in enumerate(self.members):
            seen = shrink(rgb, *member.size(height, width))
            upright, mine = member.step(seen, state[2 * index])
            mirrored, other = member.step(np.ascontiguousarray(seen[:, ::-1]), state[2 * index + 1])
            after += [mine, other]
            alphas += [shrink(upright, height, width), shrink(np.ascontiguousarray(mirrored[:, ::-1]), height, width)]
        return np.median(np.stack(alphas), axis=0), after
