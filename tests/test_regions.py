"""Which parts of a frame are looked at again, and what becomes of several looks."""

from __future__ import annotations

import numpy as np
import pytest

from cyclorama.matting.regions import MOST, agree, beyond, boxes_of, combined, joined, overlap, regions
from cyclorama.types import Alpha, Region

SHAPE = (100, 200)
PIXELS = 80  # of a second look


def drawn(*parts: tuple[Region, float]) -> Alpha:
    alpha = np.zeros(SHAPE, np.float32)
    for (top, bottom, left, right), value in parts:
        alpha[top:bottom, left:right] = value
    return alpha


ONE, OTHER, GHOST = (10, 40, 20, 32), (50, 90, 150, 165), (60, 80, 60, 90)


def test_a_ghost_beside_somebody_sure_is_nobody() -> None:
    assert boxes_of(drawn((ONE, 1), (GHOST, 0.6))) == [ONE]
    assert boxes_of(drawn((ONE, 1), (GHOST, 0.95))) == [ONE, GHOST]


@pytest.mark.parametrize(("value", "found"), [(0.6, [ONE]), (0.21, [ONE]), (0.19, [])])
def test_where_nothing_is_sure_what_is_faint_counts(value: float, found: list[Region]) -> None:
    assert boxes_of(drawn((ONE, value))) == found


def test_a_speck_is_nobody() -> None:
    assert boxes_of(drawn((ONE, 1), ((70, 71, 70, 71), 1))) == [ONE]


def test_what_is_close_together_is_one() -> None:
    hand = (20, 24, 36, 40)
    assert joined([ONE, hand, OTHER], SHAPE) == [(10, 40, 20, 40), OTHER]
    # The two at the ends have nothing in common until the third joins them.
    row = [(10, 40, 20, 32), (10, 40, 62, 74), (10, 40, 41, 53)]
    assert joined(row, SHAPE) == [(10, 40, 20, 74)]


def test_who_is_too_large_is_left_as_seen_first() -> None:
    large = (5, 95, 100, 180)
    again, left = regions([ONE, large], [], SHAPE, PIXELS)
    assert again == [(2, 48, 12, 40)]
    assert left == [(0, 100, 78, 200)]


def test_no_more_than_some_are_looked_at_the_largest_first() -> None:
    boxes = [(10, 20 + i, 5 + 45 * i, 10 + 45 * i) for i in range(MOST + 1)]
    again, left = regions(boxes, [], SHAPE, PIXELS)
    assert len(again) == MOST
    assert [region[3] < 30 for region in left] == [True], "the smallest is left"


def test_people_who_meet_become_one_region_and_part_again() -> None:
    def at(x: int) -> list[Region]:
        return [(40, 60, 50, 58), (40, 60, x, x + 8)]

    before: list[Region] = []
    counts = []
    for x in (140, 120, 100, 80, 66, 80, 100, 120, 140):
        before, left = regions(at(x), before, SHAPE, PIXELS)
        assert not left
        assert not any(overlap(a, b) for i, a in enumerate(before) for b in before[:i])
        counts.append(len(before))
    assert counts == [2, 2, 2, 2, 1, 2, 2, 2, 2]


def test_second_looks_replace_the_first_and_clear_the_rest() -> None:
    first = drawn((ONE, 1), (GHOST, 0.6), (OTHER, 0.7))
    region = (5, 45, 15, 37)
    close = np.full((40, 22), 0.8, np.float32)
    out = combined(first, [(region, close)], [(45, 95, 145, 170)])
    assert (out[5:45, 15:37] == np.float32(0.8)).all()
    assert (out[50:90, 150:165] == np.float32(0.7)).all()
    assert not out[60:80, 60:90].any()
    assert combined(first, [], []) is first


@pytest.mark.parametrize(("beside", "kept"), [(True, 0.3), (False, 0.9)])
def test_beside_somebody_larger_a_second_look_finds_no_more_than_twice_as_much(beside: bool, kept: float) -> None:
    faint, region = drawn((OTHER, 1), (ONE, 0.3)), (5, 45, 15, 37)
    close = drawn((ONE, 0.9))[5:45, 15:37]
    out = combined(faint, [(region, close)], [(45, 95, 145, 170)] if beside else [])
    assert (out[10:40, 20:32] == np.float32(kept)).all()


@pytest.mark.parametrize(("part", "kept"), [((10, 80, 20, 60), 0.4), ((10, 40, 20, 32), 0.9)])
def test_what_nothing_is_sure_of_is_nobody_unless_it_is_tiny(part: Region, kept: float) -> None:
    faint = drawn((part, 0.4))
    region = (5, 85, 15, 65) if part[1] == 80 else (5, 45, 15, 37)
    close = drawn((part, 0.9))[region[0] : region[1], region[2] : region[3]]
    out = combined(faint, [(region, close)], [])
    assert (out[part[0] : part[1], part[2] : part[3]] == np.float32(kept)).all()


def test_a_second_look_must_find_half_of_what_was_sure() -> None:
    first, region = drawn((ONE, 1)), (5, 45, 15, 37)
    for value, believed in ((0.4, False), (0.6, True)):
        out = combined(first, [(region, np.full((40, 22), value, np.float32))], [])
        assert bool((out[5:45, 15:37] == np.float32(value)).all()) is believed


REGION = (30, 50, 60, 70)


@pytest.mark.parametrize(
    ("side", "wider"),
    [
        (np.s_[-1:, 3:5], (30, 57, 60, 70)),
        (np.s_[:1, 3:5], (23, 50, 60, 70)),
        (np.s_[3:5, :1], (30, 50, 53, 70)),
        (np.s_[:, -1:], (23, 57, 60, 77)),
        (np.s_[1:-1, 1:-1], REGION),
    ],
)
def test_where_somebody_goes_on_beyond_a_region_it_is_wider(side: tuple[slice, slice], wider: Region) -> None:
    close = np.full((20, 10), 0.3, np.float32)
    close[side] = 1
    assert beyond(REGION, close, [], SHAPE, PIXELS) == wider


def test_a_region_is_not_wider_than_the_frame_or_a_look_from_nearer_and_reaches_no_other() -> None:
    close = np.ones((20, 10), np.float32)
    assert beyond((80, 100, 0, 10), close, [], SHAPE, PIXELS) == (73, 100, 0, 17)
    assert beyond(REGION, close, [(0, 10, 0, 200)], SHAPE, PIXELS) == (23, 57, 53, 77)
    assert beyond(REGION, close, [(0, 24, 0, 200)], SHAPE, PIXELS) == REGION
    assert beyond(REGION, close, [], SHAPE, 36) == REGION


@pytest.mark.parametrize(("kept", "agreed"), [(20, True), (16, True), (15, False)])
def test_a_wider_look_must_find_what_the_other_was_sure_of(kept: int, agreed: bool) -> None:
    close = np.zeros((20, 10), np.float32)
    close[:, 4] = 1
    wide = np.ones((40, 20), np.float32)  # whatever it finds elsewhere
    wide[10:30, 5:15] = 0
    wide[10 : 10 + kept, 9] = 1
    assert agree(REGION, close, (20, 60, 55, 75), wide) is agreed


def test_what_a_second_look_finds_further_away_makes_it_no_more_doubtful() -> None:
    """The feet of somebody of whom the first look saw the rest, beside somebody larger."""
    feet = (50, 95, 20, 32)
    first = drawn((OTHER, 1), (ONE, 0.8))
    close = drawn((ONE, 1), (feet, 1))[5:99, 15:37]
    out = combined(first, [((5, 99, 15, 37), close)], [(45, 95, 145, 170)])
    assert (out[10:40, 20:32] == 1).all()
    assert (out[50:95, 20:32] == 1).all()
