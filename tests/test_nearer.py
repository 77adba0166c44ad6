"""Small people are looked at again from nearer, and followed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cyclorama.matting import State
from cyclorama.matting.nearer import Nearer, Region
from cyclorama.types import Alpha, Rgb
from cyclorama_ffmpeg.state_file import load, save
from test_panel import Look

SIDE, NEAR = 64, 32


def nearer() -> tuple[Nearer, Look, Look]:
    whole, near = Look(SIDE), Look(NEAR)
    return Nearer(whole, near), whole, near


def lit(top: int, bottom: int, left: int, right: int, red: int = 255) -> Rgb:
    """A black picture with a red box."""
    rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
    rgb[top:bottom, left:right, 0] = red
    return rgb


def stepped(matter: Nearer, rgb: Rgb, state: State = None) -> tuple[Alpha, Region | None, State]:
    """Alpha, the region that was looked at, and the state after it."""
    alpha, after = matter.step(rgb, matter.start(SIDE, SIDE) if state is None else state)
    assert isinstance(after, tuple)
    return alpha, after[1], after


def test_somebody_small_is_seen_at_the_second_size() -> None:
    matter, whole, near = nearer()
    rgb = lit(20, 36, 40, 48)
    alpha, region, _ = stepped(matter, rgb)
    assert (whole.sizes, near.sizes) == ([(SIDE, SIDE)], [(NEAR, NEAR)])
    assert region == (14, 42, 34, 54), "a third of the longer side around the box"
    assert alpha.dtype == np.float32
    assert np.abs(alpha - rgb[..., 0] / 255).mean() < 0.01


def test_what_is_faint_at_first_is_found_and_what_is_fainter_is_not() -> None:
    for red, count in ((80, 1), (40, 0)):
        matter, _, near = nearer()
        stepped(matter, lit(20, 36, 40, 48, red))
        assert len(near.sizes) == count


def test_a_second_look_that_loses_them_is_not_believed() -> None:
    whole, near = Look(SIDE), Look(NEAR, told=0.3)
    rgb = lit(20, 36, 40, 48)
    alpha, _, _ = stepped(Nearer(whole, near), rgb)
    assert len(near.sizes) == 1
    assert (alpha == rgb[..., 0] / 255).all()


def test_haze_outside_of_the_second_look_is_dropped() -> None:
    matter, _, _ = nearer()
    rgb = lit(20, 36, 40, 48)
    rgb[50:60, 2:12, 0] = 40
    alpha, _, _ = stepped(matter, rgb)
    assert not alpha[50:60, 2:12].any()


@pytest.mark.parametrize("box", [(0, 0, 0, 0), (10, 60, 20, 44)])
def test_nobody_and_somebody_large_are_looked_at_once(box: tuple[int, int, int, int]) -> None:
    matter, _, near = nearer()
    rgb = lit(*box)
    alpha, region, _ = stepped(matter, rgb)
    assert (near.sizes, region) == ([], None)
    assert np.abs(alpha - rgb[..., 0] / 255).max() == 0


def test_the_region_stays_while_they_are_well_inside_and_remembers() -> None:
    matter, _, _ = nearer()
    _, first, state = stepped(matter, lit(20, 36, 40, 48))
    for shift in (1, 2, 3):
        _, region, state = stepped(matter, lit(20, 36, 40 + shift, 48 + shift), state)
        assert region == first
    assert state == (4, first, 4), "four frames in each memory"


def test_the_region_follows_who_leaves_it_with_a_new_memory() -> None:
    matter, _, _ = nearer()
    _, _, state = stepped(matter, lit(20, 36, 40, 48))
    alpha, region, state = stepped(matter, lit(20, 36, 20, 28), state)
    assert region == (14, 42, 14, 34)
    assert state == (2, region, 1)
    assert alpha[20:36, 20:28].min() > 0.4


def test_who_walks_away_and_comes_back_is_looked_at_from_nearer_between_two_sizes() -> None:
    """There is a gap between the two, so that nobody who stands at the limit flickers."""
    matter, _, _ = nearer()
    state: State = None
    looked = {}
    for height in (*range(48, 10, -2), *range(10, 48, 2)):
        _, region, state = stepped(matter, lit(60 - height, 60, 30, 38), state)
        looked.setdefault(height, []).append(region is not None)
    away, back = ([looks[at] for looks in looked.values() if len(looks) == 2] for at in (0, 1))
    assert (min(away), max(away), min(back), max(back)) == (False, True, False, True)
    assert sum(back) > sum(away)


def test_a_stream_goes_on_from_a_file(tmp_path: Path) -> None:
    matter, _, _ = nearer()
    _, _, state = stepped(matter, lit(20, 36, 40, 48))
    save(tmp_path / "state", state)
    assert (
        stepped(matter, lit(20, 36, 41, 49), load(tmp_path / "state"))[1:]
        == stepped(matter, lit(20, 36, 41, 49), state)[1:]
    )
