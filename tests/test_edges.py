"""The pure functions that work on the edge: tiles, foreground colours, upsampling, steadying."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from cyclorama.band import enlarge, tiles, unsure
from cyclorama.foreground import estimate_foreground
from cyclorama.refine import upsample_alpha
from cyclorama.temporal import MOVED, smooth
from made import disc, scene, texture

SURE = 1e-3  # of alpha; a quarter of an 8-bit level


@pytest.mark.parametrize("shape", [(500, 700), (97, 1000), (96, 96), (31, 17)])
@pytest.mark.parametrize("scale", [1.0, 0.37, 0.1])
def test_tiles_cover_every_pixel_under_the_mask_once(shape: tuple[int, int], scale: float) -> None:
    rng = np.random.default_rng(1)
    size = [max(1, round(n * scale)) for n in shape]
    mask = (rng.random(size) < 0.01).astype(np.uint8)
    mask[-1, -1] = 1
    covered = np.zeros(shape, int)
    for rows, columns in tiles(mask, *shape):
        covered[rows, columns] += 1
    assert covered.max() == 1
    wanted = cv2.resize(mask, shape[::-1], interpolation=cv2.INTER_NEAREST)
    assert (covered[wanted > 0] == 1).all()


def test_an_empty_mask_has_no_tiles() -> None:
    assert list(tiles(np.zeros((50, 50), np.uint8), 500, 500)) == []


def test_enlarging_a_part_equals_the_part_of_the_enlarged() -> None:
    small = np.random.default_rng(0).random((36, 64, 4), dtype=np.float32)
    whole = cv2.resize(small, (640, 360), interpolation=cv2.INTER_LINEAR)
    part = enlarge(small, slice(90, 200), slice(300, 640), 360, 640)
    assert np.abs(part - whole[90:200, 300:640]).max() < 0.04  # warpAffine counts in 1/32 of a pixel


def test_a_hard_edge_is_unsure_too() -> None:
    alpha = np.zeros((20, 20), np.float32)
    alpha[:, 10:] = 1
    mask = unsure(alpha)
    assert mask[:, 9:11].all()
    assert not mask[:, :8].any()
    assert not mask[:, 12:].any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_old_background_leaves_the_edge(dtype: type) -> None:
    s = scene(360, 480, radius=110, softness=24)
    scale = 1 if dtype == np.uint8 else 257
    rgb = (s.rgb.astype(dtype) * dtype(scale)).astype(dtype)
    estimated = estimate_foreground(rgb, s.alpha).astype(np.float32) / scale
    band = (s.alpha > 0.05) & (s.alpha < 0.95)
    before = np.abs(s.rgb.astype(np.float32) - s.foreground)[band].mean()
    after = np.abs(estimated - s.foreground)[band].mean()
    assert after < 0.25 * before


def test_the_subjects_own_pixels_are_untouched() -> None:
    s = scene()
    estimated = estimate_foreground(s.rgb, s.alpha)
    assert (estimated[s.alpha == 1] == s.rgb[s.alpha == 1]).all()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_matte_without_an_edge_needs_no_estimate(value: float) -> None:
    rgb = scene().rgb
    alpha = np.full(rgb.shape[:2], value, np.float32)
    assert (estimate_foreground(rgb, alpha) == rgb).all()


def test_an_upsampled_matte_follows_the_pictures_edge_better_than_a_stretched_one() -> None:
    # Thin strands, as hair has: lost between the pixels of the small matte, plain in the picture.
    height, width, scale = 360, 480, 4
    alpha = disc(height, width, radius=90, softness=2)
    for x in range(60, 420, 24):
        cv2.line(alpha, (x, 40), (240, 180), 1.0, 2, cv2.LINE_AA)
    a = alpha[..., None]
    room = texture(height, width, (210, 205, 200), 2, strength=2)
    rgb = np.rint(texture(height, width, (40, 25, 20), 1, strength=2) * a + room * (1 - a)).astype(np.uint8)
    size = (width // scale, height // scale)
    small, guide = (cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (alpha, rgb))
    guided = upsample_alpha(small, guide, rgb)
    linear = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    assert guided.dtype == np.float32
    assert guided.min() >= 0
    assert guided.max() <= 1
    assert np.abs(guided - alpha).mean() < 0.6 * np.abs(linear - alpha).mean()


def test_upsampling_adds_no_texture_inside_or_outside() -> None:
    s = scene(360, 480, radius=110, softness=4)
    rgb = texture(360, 480, (120, 120, 120), 9, strength=40)  # a guide that has nothing to do with the matte
    small, guide = (cv2.resize(x, (120, 90), interpolation=cv2.INTER_AREA) for x in (s.alpha, rgb))
    out = upsample_alpha(small, guide, rgb)
    assert out[disc(360, 480, radius=85, softness=1) == 1].min() > 1 - SURE
    assert out[disc(360, 480, radius=140, softness=1) == 0].max() < SURE


def frames_of_a_moving_disc(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    room, subject = texture(90, 160, (60, 120, 60), 1), texture(90, 160, (200, 150, 120), 2)
    out = []
    for index in range(count):
        alpha = disc(90, 160, radius=20, softness=2, centre=(45, 30 + 8 * index))
        a = alpha[..., None]
        out.append((np.rint(subject * a + room * (1 - a)).astype(np.uint8), alpha))
    return out


def test_what_moves_leaves_no_trail() -> None:
    memory = None
    for rgb, alpha in frames_of_a_moving_disc(10):
        steady, memory = smooth(rgb, alpha, memory, 0.9)
        difference = np.abs(steady - alpha)
        assert difference.max() < 0.15  # on the edge, which was moved by parts of a pixel
        around = cv2.dilate(alpha, np.ones((5, 5), np.uint8)) - cv2.erode(alpha, np.ones((5, 5), np.uint8))
        assert difference[around < 0.01].max() < 0.01


def test_flicker_over_a_still_picture_is_damped() -> None:
    rgb = scene().rgb
    rng = np.random.default_rng(3)
    noisy = [np.clip(scene().alpha + rng.normal(0, 0.1, rgb.shape[:2]), 0, 1).astype(np.float32) for _ in range(12)]
    memory, steady = None, []
    for alpha in noisy:
        # A camera's noise must not count as movement.
        grain = np.clip(rgb + rng.normal(0, 2, rgb.shape), 0, 255).astype(np.uint8)
        out, memory = smooth(grain, alpha, memory, 0.6)
        steady.append(out)
    before = np.abs(np.diff(noisy, axis=0)).mean()
    after = np.abs(np.diff(steady, axis=0))[4:].mean()
    assert after < 0.6 * before


def test_flicker_of_what_moves_is_damped() -> None:
    rng = np.random.default_rng(4)
    wide = texture(120, 320, (150, 120, 90), 5, strength=60)
    matte = np.clip(wide[..., 0] / 255, 0, 1).astype(np.float32)
    memory, errors, steadied = None, [], []
    for index in range(16):  # a camera that pans by three pixels a frame
        view = np.s_[10:100, 3 * index : 3 * index + 160]
        noisy = np.clip(matte[view] + rng.normal(0, 0.1, (90, 160)), 0, 1).astype(np.float32)
        out, memory = smooth(np.ascontiguousarray(wide[view]), noisy, memory, 0.6)
        errors.append(np.abs(noisy - matte[view]).mean())
        steadied.append(np.abs(out - matte[view]).mean())
    assert np.mean(steadied[4:]) < 0.7 * np.mean(errors[4:])


@pytest.mark.parametrize("size", [(16, 640), (640, 16), (16, 16), (32, 640)])
def test_a_strip_of_a_picture_is_steadied_too(size: tuple[int, int]) -> None:
    rgb = texture(*size, (90, 120, 150), 6)
    _, memory = smooth(rgb, np.ones(size, np.float32), None, 0.5)
    steady, _ = smooth(rgb, np.zeros(size, np.float32), memory, 0.5)
    assert steady == pytest.approx(0.5, abs=1e-3)


def test_a_cut_starts_anew() -> None:
    rgb = np.full((40, 60, 3), 30, np.uint8)
    _, memory = smooth(rgb, np.ones((40, 60), np.float32), None, 0.9)
    steady, _ = smooth(rgb + np.uint8(MOVED), np.zeros((40, 60), np.float32), memory, 0.9)
    assert steady.max() == 0


def test_a_memory_of_another_size_is_ignored() -> None:
    _, memory = smooth(np.zeros((40, 60, 3), np.uint8), np.ones((40, 60), np.float32), None, 0.9)
    alpha = np.zeros((20, 30), np.float32)
    steady, _ = smooth(np.zeros((20, 30, 3), np.uint8), alpha, memory, 0.9)
    assert (steady == alpha).all()
