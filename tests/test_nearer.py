"""Small people are looked at again from nearer, and followed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cyclorama.matting import State
from cyclorama.matting.nearer import MOST_ENLARGED, Nearer
from cyclorama.types import Alpha, Original, Region, Rgb
from cyclorama_ffmpeg.state_file import load, save
from test_panel import Look

SIDE, NEAR, STRIDE = 64, 48, 2
FULL = 4 * SIDE  # of the picture that a frame was scaled from


def nearer(told: float | None = None) -> tuple[Nearer, Look]:
    network = Second(SIDE, told)
    return Nearer(network, NEAR, STRIDE), network


class Second(Look):
    """A look that says what it was told from nearer alone."""

    def step(self, rgb: Rgb, state: State, original: Original | None = None) -> tuple[Alpha, State]:
        alpha, after = super().step(rgb, state, original)
        return (rgb[..., 0].astype(np.float32) / 255 if rgb.shape[:2] == (SIDE, SIDE) else alpha), after


def lit(*boxes: Region, red: int = 255) -> Rgb:
    """A black picture with red boxes."""
    rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
    for top, bottom, left, right in boxes:
        rgb[top:bottom, left:right, 0] = red
    return rgb


BOX, BESIDE = (20, 36, 40, 48), (4, 16, 4, 10)
AROUND = (16, 40, 36, 52)  # a quarter of the longer side around the box


def stepped(matter: Nearer, rgb: Rgb, state: State = None) -> tuple[Alpha, list[Region], Any]:
    """Alpha, the regions that were looked at, and the state after it."""
    alpha, after = matter.step(rgb, matter.start(SIDE, SIDE) if state is None else state)
    assert isinstance(after, tuple)
    return alpha, [region for region, _ in after[1]], after


def test_somebody_small_is_seen_with_more_pixels() -> None:
    matter, network = nearer()
    rgb = lit(BOX)
    alpha, found, _ = stepped(matter, rgb)
    assert network.sizes == [(SIDE, SIDE), (NEAR, 32)]
    assert found == [AROUND]
    assert alpha.dtype == np.float32
    assert np.abs(alpha - rgb[..., 0] / 255).mean() < 0.01


def test_it_comes_out_of_the_picture_that_the_frame_was_scaled_from() -> None:
    """Stripes of a pixel that the frame cannot hold: it is grey there."""
    asked: list[tuple[Region, int, int]] = []

    def part(region: Region, height: int, width: int) -> Rgb:
        asked.append((region, height, width))
        return np.full((height, width, 3), 200, np.uint8)

    matter, _ = nearer()
    alpha, _ = matter.step(lit(BOX), matter.start(SIDE, SIDE), Original((FULL, FULL), part))
    assert asked == [(AROUND, NEAR, 32)]
    assert np.allclose(alpha[20:36, 40:48], 200 / 255)


@pytest.mark.parametrize(("full", "long_side"), [(SIDE, 36), (2 * SIDE, NEAR), (SIDE // 2, 18)])
def test_it_is_not_blown_up_beyond_what_is_there(full: int, long_side: int) -> None:
    tiny = (30, 38, 30, 34)  # 12 pixels with what is around it
    matter, network = nearer()
    whole = cv2.resize(lit(tiny), (full, full))
    matter.step(lit(tiny), matter.start(SIDE, SIDE), Original((full, full), lambda _, h, w: cv2.resize(whole, (w, h))))
    assert max(network.sizes[1]) == long_side == min(NEAR, MOST_ENLARGED * 12 * full // SIDE)


def test_a_second_look_that_loses_them_is_not_believed() -> None:
    matter, network = nearer(told=0.3)
    rgb = lit(BOX)
    alpha, _, _ = stepped(matter, rgb)
    assert len(network.sizes) == 2
    assert (alpha == rgb[..., 0] / 255).all()


class Short(Second):
    """A network that sees no more than the upper rows of the whole frame."""

    def step(self, rgb: Rgb, state: State, original: Original | None = None) -> tuple[Alpha, State]:
        alpha, after = super().step(rgb, state, original)
        if rgb.shape[:2] == (SIDE, SIDE):
            alpha[28:] = 0
        return alpha, after


def test_who_goes_on_beyond_the_region_is_looked_at_whole() -> None:
    network = Short(SIDE, None)
    matter = Nearer(network, NEAR, STRIDE)
    rgb = lit((16, 36, 40, 46))
    alpha, found, state = stepped(matter, rgb)
    assert found == [(13, 37, 37, 49)]
    assert [max(size) for size in network.sizes] == [SIDE, NEAR, NEAR]
    assert np.abs(alpha - rgb[..., 0] / 255).mean() < 0.01
    _, found, state = stepped(matter, rgb, state)
    assert found == [(13, 37, 37, 49)]
    assert state == (2, [(found[0], 2)])
    assert len(network.sizes) == 5, "not looked at twice again"


def test_a_wider_look_that_sees_another_thing_is_not_taken() -> None:
    class Otherwise(Short):
        def step(self, rgb: Rgb, state: State, original: Original | None = None) -> tuple[Alpha, State]:
            alpha, after = super().step(rgb, state, original)
            return (alpha * 0 if len(self.sizes) == 3 else alpha), after

    matter = Nearer(Otherwise(SIDE, None), NEAR, STRIDE)
    alpha, [found], _ = stepped(matter, lit((16, 36, 40, 46)))
    assert found == (13, 31, 37, 49)
    assert alpha[16:31, 40:46].min() > 0.4


def test_people_apart_are_looked_at_one_by_one() -> None:
    matter, network = nearer()
    rgb = lit(BOX, BESIDE)
    alpha, found, state = stepped(matter, rgb)
    assert sorted(found) == [(1, 19, 1, 13), AROUND]
    assert len(network.sizes) == 3
    assert np.abs(alpha - rgb[..., 0] / 255).mean() < 0.01
    assert [memory for _, memory in state[1]] == [1, 1]


@pytest.mark.parametrize("boxes", [(), ((10, 60, 20, 44),)])
def test_nobody_and_somebody_large_are_looked_at_once(boxes: tuple[Region, ...]) -> None:
    matter, network = nearer()
    rgb = lit(*boxes)
    alpha, found, _ = stepped(matter, rgb)
    assert (network.sizes, found) == ([(SIDE, SIDE)], [])
    assert np.abs(alpha - rgb[..., 0] / 255).max() == 0


def test_the_region_stays_while_they_are_well_inside_and_remembers() -> None:
    matter, _ = nearer()
    _, first, state = stepped(matter, lit(BOX))
    for shift in (1, 2):
        _, found, state = stepped(matter, lit((20, 36, 40 + shift, 48 + shift)), state)
        assert found == first
    assert state == (3, [(AROUND, 3)]), "three frames in each memory"


def test_the_region_follows_who_leaves_it_with_a_new_memory() -> None:
    matter, _ = nearer()
    _, _, state = stepped(matter, lit(BOX))
    alpha, found, state = stepped(matter, lit((20, 36, 20, 28)), state)
    assert found == [(16, 40, 16, 32)]
    assert state == (2, [(found[0], 1)])
    assert alpha[20:36, 20:28].min() > 0.4


def test_one_who_leaves_takes_no_memory_from_one_who_stays() -> None:
    matter, _ = nearer()
    _, _, state = stepped(matter, lit(BOX, BESIDE))
    _, found, state = stepped(matter, lit(BOX), state)
    assert found == [AROUND]
    assert state == (2, [(AROUND, 2)])


def test_who_walks_away_and_comes_back_is_looked_at_from_nearer_between_two_sizes() -> None:
    """There is a gap between the two, so that nobody who stands at the limit flickers."""
    matter, _ = nearer()
    state: State = None
    looked: dict[int, list[bool]] = {}
    for height in (*range(48, 10, -2), *range(10, 48, 2)):
        _, found, state = stepped(matter, lit((60 - height, 60, 30, 38)), state)
        looked.setdefault(height, []).append(bool(found))
    away, back = ([looks[at] for looks in looked.values() if len(looks) == 2] for at in (0, 1))
    assert (min(away), max(away), min(back), max(back)) == (False, True, False, True)
    assert sum(back) > sum(away)


def test_a_stream_goes_on_from_a_file(tmp_path: Path) -> None:
    matter, _ = nearer()
    _, _, state = stepped(matter, lit(BOX, BESIDE))
    save(tmp_path / "state", state)
    after = lit((20, 36, 41, 49), BESIDE)
    assert stepped(matter, after, load(tmp_path / "state"))[1:] == stepped(matter, after, state)[1:]
