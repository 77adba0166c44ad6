from __future__ import annotations

import numpy as np
import pytest

from cyclorama.colour import decode, encode, linear_from_srgb, srgb_from_linear
from cyclorama.composite import blurred_room, composite, cover, fill
from cyclorama.types import Colour
from made import disc, scene, texture

ROUNDING = 1  # levels


def test_a_composite_of_8_bits_is_the_over_equation() -> None:
    s = scene()
    other = texture(180, 240, (90, 200, 90), 5)
    a = s.alpha[..., None]
    expected = s.foreground * a + other * (1 - a)
    assert np.abs(composite(s.foreground, s.alpha, other) - expected).max() <= ROUNDING


@pytest.mark.parametrize("light", ["srgb", "linear"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_where_alpha_is_sure_the_pixels_are_copied_exactly(light: str, dtype: type) -> None:
    top = np.iinfo(dtype).max
    rng = np.random.default_rng(0)
    subject, room = (rng.integers(0, top + 1, (40, 50, 3)).astype(dtype) for _ in range(2))
    alpha = np.zeros((40, 50), np.float32)
    alpha[:, 25:] = 1
    out = composite(subject, alpha, room, light)
    tolerance = 0 if dtype == np.uint8 else 2  # of 65535: float32 through a power and back
    assert np.abs(out[:, 25:].astype(int) - subject[:, 25:]).max() <= tolerance
    assert np.abs(out[:, :25].astype(int) - room[:, :25]).max() <= tolerance


def test_16_bits_keep_their_depth_in_a_mixture() -> None:
    subject = np.full((4, 4, 3), 40_001, np.uint16)
    room = np.full((4, 4, 3), 10_000, np.uint16)
    out = composite(subject, np.full((4, 4), 0.5, np.float32), room)
    assert np.unique(out).tolist() == [25_000]  # 25000.5, rounded to even


def test_linear_light_mixes_black_and_white_as_a_lens_does() -> None:
    white, black = fill(Colour(255, 255, 255), 4, 4), fill(Colour(0, 0, 0), 4, 4)
    half = np.full((4, 4), 0.5, np.float32)
    assert np.unique(composite(white, half, black, "linear")).tolist() == [188]  # half the light, encoded
    assert np.unique(composite(white, half, black, "srgb")).tolist() in ([127], [128])


def test_srgb_transfer_goes_both_ways_and_meets_the_standard() -> None:
    x = np.linspace(0, 1, 1001, dtype=np.float32)
    assert np.abs(srgb_from_linear(linear_from_srgb(x)) - x).max() < 1e-5
    # IEC 61966-2-1: 0.5 encoded is 0.2140 of the light.
    assert abs(float(linear_from_srgb(np.array(0.5, np.float32))) - 0.21404) < 1e-4


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_level_survives_decoding_and_encoding(dtype: type) -> None:
    levels = np.arange(np.iinfo(dtype).max + 1, dtype=dtype)
    assert np.abs(encode(decode(levels), np.dtype(dtype)).astype(int) - levels).max() <= (0 if dtype == np.uint8 else 2)


@pytest.mark.parametrize(("height", "width"), [(100, 100), (50, 200), (200, 50), (37, 91)])
def test_a_background_covers_the_frame_around_its_middle(height: int, width: int) -> None:
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[28:32, 38:42] = 255  # a mark in the middle
    out = cover(picture, height, width)
    assert out.shape == (height, width, 3)
    y, x = np.nonzero(out[..., 0] > 100)
    scale = max(height / 60, width / 80)
    tolerance = 1 + 0.5 * scale  # the crop begins on a whole pixel of the picture
    assert abs(y.mean() + 0.5 - height / 2) < tolerance
    assert abs(x.mean() + 0.5 - width / 2) < tolerance


def test_a_blurred_room_does_not_glow_in_the_subjects_colour() -> None:
    alpha = disc(180, 240, softness=1)
    rgb = np.where(alpha[..., None] > 0.5, np.uint8([255, 0, 0]), np.uint8([0, 0, 200])).astype(np.uint8)
    room = blurred_room(rgb, (alpha > 0.5).astype(np.float32), 12)
    outside = room[alpha < 0.5]
    assert outside[:, 0].max() < 16  # a plain blur puts 127 beside the edge
    assert abs(int(np.median(outside[:, 2])) - 200) <= 2 * ROUNDING


def test_a_larger_radius_blurs_more() -> None:
    rgb = texture(120, 160, (120, 120, 120), 3, strength=40)
    empty = np.zeros((120, 160), np.float32)
    spread = [float(blurred_room(rgb, empty, r).std()) for r in (1, 4, 16)]
    assert spread[0] > spread[1] > spread[2]
