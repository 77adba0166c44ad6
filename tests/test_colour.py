"""Transfer functions and primaries against what the standards print, and the working space that stands on them."""

from __future__ import annotations

import numpy as np
import pytest

from cyclorama.colour import (
    hlg_from_scene,
    hlg_scene_from_nits,
    nits_from_hlg_scene,
    nits_from_pq,
    pq_from_nits,
    primaries_matrix,
    scene_from_hlg,
)
from cyclorama.composite import composite
from cyclorama.working_space import WorkingSpace, tone_map

# ITU-R BT.2408-7, table 1: light in cd/m2, HLG and PQ in per cent, as printed there.
REFERENCE_LEVELS = [(26, 38, 38), (162, 71, 56), (179, 73, 57), (203, 75, 58)]
PERCENT = 0.5  # to which the table is rounded
UINT16, UINT8 = np.dtype(np.uint16), np.dtype(np.uint8)
SPACES = [WorkingSpace("pq", "bt2020"), WorkingSpace("hlg", "bt2020"), WorkingSpace("pq", "p3")]


@pytest.mark.parametrize(("nits", "hlg", "pq"), REFERENCE_LEVELS)
def test_reference_levels_are_those_of_bt_2408(nits: float, hlg: float, pq: float) -> None:
    assert 100 * pq_from_nits(np.array(nits)) == pytest.approx(pq, abs=PERCENT)
    assert 100 * hlg_from_scene(hlg_scene_from_nits(np.full(3, nits)))[1] == pytest.approx(hlg, abs=PERCENT)


def test_pq_has_the_values_of_st_2084() -> None:
    # As they are quoted everywhere for displays of 100, 1,000, 4,000 and 10,000 cd/m2.
    nits = np.array([0, 100, 1000, 4000, 10_000])
    assert np.round(pq_from_nits(nits), 3).tolist() == [0, 0.508, 0.752, 0.903, 1]


def test_hlg_is_a_root_below_a_half_and_a_logarithm_above() -> None:
    assert hlg_from_scene(np.array([0, 1 / 48, 1 / 12, 1])) == pytest.approx([0, 0.25, 0.5, 1], abs=1e-6)
    below, above = hlg_from_scene(np.array([1 / 12 - 1e-9, 1 / 12 + 1e-9]))
    assert above - below < 1e-7, "the two meet"


def test_transfer_functions_and_their_inverses_meet() -> None:
    signal = np.linspace(0, 1, 1001)
    assert np.abs(pq_from_nits(nits_from_pq(signal)) - signal).max() < 1e-6
    assert np.abs(hlg_from_scene(scene_from_hlg(signal)) - signal).max() < 1e-6
    light = np.random.default_rng(0).uniform(0, 1000, (100, 3))
    assert np.abs(nits_from_hlg_scene(hlg_scene_from_nits(light)) - light).max() < 1e-6


def test_primaries_are_those_of_bt_2087() -> None:
    expected = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    assert np.abs(primaries_matrix("bt709", "bt2020") - expected).max() < 1e-4
    for source in ("bt709", "bt2020", "p3"):
        white = primaries_matrix(source, "bt709") @ np.ones(3)  # type: ignore[arg-type]
        assert white == pytest.approx(np.ones(3)), "all have the same white"


@pytest.mark.parametrize("space", SPACES, ids=str)
@pytest.mark.parametrize(("first", "last"), [(64, 940), (0, 1023)], ids=["limited", "full"])
def test_no_10_bit_code_is_lost_in_the_working_space(space: WorkingSpace, first: int, last: int) -> None:
    codes = np.arange(first, last + 1)
    signal = np.rint((codes - first) / (last - first) * 65_535).astype(np.uint16)
    back = space.to_signal(space.from_signal(signal))
    assert (np.rint(back / 65_535 * (last - first)).astype(int) + first == codes).all()


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_white_becomes_diffuse_white(space: WorkingSpace) -> None:
    worked = space.from_srgb(np.full((2, 2, 3), 255, np.uint8), UINT16)
    signal = space.to_signal(worked) / 65_535
    light = nits_from_pq(signal) if space.transfer == "pq" else nits_from_hlg_scene(scene_from_hlg(signal))
    assert light == pytest.approx(np.full((2, 2, 3), 203), rel=0.002)


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_a_picture_mapped_into_hdr_is_seen_as_it_was(space: WorkingSpace) -> None:
    picture = np.random.default_rng(1).integers(40, 180, (60, 60, 3)).astype(np.uint8)  # below the knee
    seen = space.srgb_view((space.from_srgb(picture, UINT16) >> 8).astype(np.uint8))
    difference = np.abs(seen.astype(int) - picture)
    assert difference.mean() < 1.5
    assert difference.max() <= 10, "8 bits of a wide gamut are coarse in saturated darks"


def test_tone_mapping_keeps_what_sdr_can_show_and_never_clips() -> None:
    light = np.linspace(0, 50, 5001, dtype=np.float32)
    mapped = tone_map(light)
    assert (mapped[light <= 0.7] == light[light <= 0.7]).all()
    assert (np.diff(mapped) >= 0).all()
    assert mapped.max() < 1
    assert np.abs(np.diff(mapped)).max() <= 0.0101, "no jump"


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_a_blend_in_hdr_looks_as_the_same_blend_in_sdr(space: WorkingSpace) -> None:
    """Half of a dark colour over a bright one: PQ's own values would show half of the light."""
    dark, bright = np.full((4, 4, 3), 30, np.uint8), np.full((4, 4, 3), 240, np.uint8)
    half = np.full((4, 4), 0.5, np.float32)
    in_sdr = int(composite(dark, half, bright)[0, 0, 0])
    worked = composite(space.from_srgb(dark, UINT16), half, space.from_srgb(bright, UINT16), "srgb", space)
    seen = int(space.srgb_view((worked >> 8).astype(np.uint8))[0, 0, 0])
    assert abs(seen - in_sdr) <= 6, "the gamma of a display and sRGB's differ a little"
    signals = [space.to_signal(space.from_srgb(p, UINT16)) for p in (dark, bright)]
    naive = space.from_signal(composite(signals[0], half, signals[1]))
    assert in_sdr - int(space.srgb_view((naive >> 8).astype(np.uint8))[0, 0, 0]) > 15


@pytest.mark.parametrize("space", [*SPACES, WorkingSpace("sdr", "bt2020")], ids=str)
def test_a_blend_of_light_is_one(space: WorkingSpace) -> None:
    first, second = (np.full((2, 2, 3), value, np.uint16) for value in (9000, 50_000))
    alpha = np.full((2, 2), 0.25, np.float32)
    mixed = space.decode(composite(first, alpha, second, "linear", space))
    expected = 0.25 * space.decode(first) + 0.75 * space.decode(second)
    assert mixed == pytest.approx(expected, rel=1e-3)


def test_values_of_16_bits_are_blended_exactly_where_alpha_is_whole() -> None:
    rng = np.random.default_rng(2)
    first, second = (rng.integers(0, 65_536, (20, 20, 3)).astype(np.uint16) for _ in "ab")
    assert (composite(first, np.ones((20, 20), np.float32), second) == first).all()
    assert (composite(first, np.zeros((20, 20), np.float32), second) == second).all()
