"""Two looks at each frame, upright and mirrored."""

from __future__ import annotations

from threading import Thread, current_thread, main_thread

import numpy as np
import pytest

from cyclorama.errors import ModelError
from cyclorama.matting import State, create
from cyclorama.matting.mirrored import BothWays, Mirrored, pooled
from cyclorama.types import Alpha, Rgb
from test_panel import Look, lit

ROUNDING = 1e-6
THREADS = pytest.mark.parametrize("threads", [1, 2])


class LeftSide(Look):
    """A look that believes nothing of the right half of what it is shown."""

    def step(self, rgb: Rgb, state: State) -> tuple[Alpha, State]:
        alpha, after = super().step(rgb, state)
        alpha[:, alpha.shape[1] // 2 :] = 0
        return alpha, after


@THREADS
def test_the_mirrored_look_is_turned_back(threads: int) -> None:
    matter = Mirrored(Look(32), BothWays(threads))
    alpha, _ = matter.step(lit(32), matter.start(32, 32))
    assert alpha.dtype == np.float32
    assert np.abs(alpha - lit(32)[..., 0] / 255).max() < ROUNDING


@THREADS
def test_both_looks_count_and_each_has_its_memory(threads: int) -> None:
    look = LeftSide(32)
    matter = Mirrored(look, BothWays(threads))
    assert matter.looks(90, 160) == [(32, 32)] * 2
    state = matter.start(32, 32)
    for _ in range(3):
        alpha, state = matter.step(lit(32), state)
    assert state == (3, 3)
    assert np.abs(alpha[:, :16] - 0.5).max() < ROUNDING, "one look says 1, the other 0"
    assert not alpha[:, 16:].any()


def test_the_pool_is_what_both_say_and_nearer_to_who_is_sure() -> None:
    one = np.array([[0, 0.3, 1, 0.5, 0.5, 0.1]], np.float32)
    other = np.array([[0, 0.3, 1, 1.0, 0.0, 0.6]], np.float32)
    found = pooled(one, other)
    assert np.abs(found[:, :3] - one[:, :3]).max() < ROUNDING
    assert found[0, 3] > 0.9
    assert found[0, 4] < 0.1
    odds = np.sqrt(0.1 / 0.9 * 0.6 / 0.4)
    assert abs(found[0, 5] - odds / (1 + odds)) < 0.01
    assert (pooled(other, one) == found).all()


def test_a_picture_and_its_mirror_image_have_mirrored_mattes() -> None:
    rng = np.random.default_rng(3)
    rgb = rng.integers(0, 256, (96, 128, 3), np.uint8)
    matter = create("portrait", device="cpu", threads=1)
    shape = matter.size(*rgb.shape[:2])
    rgb = np.ascontiguousarray(np.resize(rgb, (*shape, 3)))
    alpha, _ = matter.step(rgb, matter.start(*shape))
    turned, _ = matter.step(np.ascontiguousarray(rgb[:, ::-1]), matter.start(*shape))
    assert np.abs(alpha - turned[:, ::-1]).max() < ROUNDING


def test_threads_are_shared_and_one_thread_runs_both_in_turn() -> None:
    assert [BothWays(threads).each for threads in (1, 2, 3, 4)] == [1, 1, 2, 2]

    class Where(Look):
        def step(self, rgb: Rgb, state: State) -> tuple[Alpha, State]:
            seen.append(current_thread())
            return super().step(rgb, state)

    for threads, count in ((1, 1), (2, 2)):
        seen: list[Thread] = []
        matter = Mirrored(Where(32), BothWays(threads))
        matter.step(lit(32), matter.start(32, 32))
        assert (len(seen), len(set(seen))) == (2, count)


def test_what_goes_wrong_in_the_other_look_is_said() -> None:
    class Broken(Look):
        def step(self, rgb: Rgb, state: State) -> tuple[Alpha, State]:
            if current_thread() is not main_thread():
                raise ModelError("broken")
            return super().step(rgb, state)

    matter = Mirrored(Broken(32), BothWays(2))
    with pytest.raises(ModelError, match="broken"):
        matter.step(lit(32), matter.start(32, 32))
