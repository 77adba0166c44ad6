"""Two looks of one network at each frame, as it is and mirrored: what only one of them says counts for less."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from cyclorama.matting import Matter, State
from cyclorama.matting.onnx import cores
from cyclorama.types import Alpha, Rgb

NEVER_SURE = np.float32(1 / 255)  # nearest to 0 and 1 that a look is believed


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


class Mirrored:
    """A network whose matte is the mean, in logits, of an upright look and of a mirrored one; each has its memory.

    At 512 px `portrait` has an IoU of 0.965 and a MAD of 11.8e-3 on held-back people so, with one look 0.962 and
    12.7e-3.
    """

    def __init__(self, member: Matter, both: BothWays) -> None:
        self.name, self.device, self.note = member.name, member.device, member.note
        self._member, self._both = member, both

    def size(self, height: int, width: int) -> tuple[int, int]:
        return self._member.size(height, width)

    def looks(self, height: int, width: int) -> list[tuple[int, int]]:
        return 2 * self._member.looks(height, width)

    def start(self, height: int, width: int) -> State:
        return self._member.start(height, width), self._member.start(height, width)

    def step(self, rgb: Rgb, state: State) -> tuple[Alpha, State]:
        assert isinstance(state, tuple)
        upright, mirrored, after = self._both.step(self._member, rgb, state)
        return pooled(upright, mirrored), after


def pooled(one: Alpha, other: Alpha) -> Alpha:
    """The logarithmic opinion pool of two mattes, float32 (H, W): the mean of their logits (Genest & Zidek 1986).

    Of two that agree it is the same as either; of a sure one and an undecided one it is nearer to the sure one than
    their mean is.
    """
    here = np.sqrt((one + NEVER_SURE) * (other + NEVER_SURE))
    away = np.sqrt((1 - one + NEVER_SURE) * (1 - other + NEVER_SURE))
    share = here / (here + away) * (1 + 2 * NEVER_SURE) - NEVER_SURE
    return np.clip(share, 0, 1)
