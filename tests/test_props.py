"""Drawn things that are no people: what they look like, where they stand, and that they are in no matte."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cyclorama_training import compose, props
from cyclorama_training.compose import Composer
from cyclorama_training.geometry import STAY, Layer
from made_people import person, room

SHAPE = (144, 256)


def drawn(seed: int, kind: str) -> Layer:
    rng = np.random.default_rng(seed)
    return props.board(rng, room(0).picture) if kind == "board" else getattr(props, kind)(rng)


@pytest.mark.parametrize("kind", ["cloth", "turned", "board"])
def test_a_prop_is_a_picture_with_a_clean_outline(kind: str) -> None:
    for seed in range(20):
        layer = drawn(seed, kind)
        assert layer.rgb.dtype == np.uint8
        assert layer.alpha is not None
        assert layer.rgb.shape == (*layer.alpha.shape, 3)
        covered, between = (layer.alpha > 127).mean(), ((layer.alpha > 25) & (layer.alpha < 230)).mean()
        assert 0.1 < covered < 1
        assert between < 0.08  # a cut-out's edge, no veil


@pytest.mark.parametrize("kind", ["cloth", "turned", "board"])
def test_no_two_are_alike_and_the_same_seed_gives_the_same(kind: str) -> None:
    layers = [drawn(seed, kind) for seed in range(8)]
    assert len({layer.rgb.tobytes() for layer in layers}) == 8
    assert np.array_equal(drawn(3, kind).rgb, layers[3].rgb)


def test_a_turned_body_is_shaded_round_and_wider_in_one_place_than_in_another() -> None:
    widths, shades = [], []
    for seed in range(20):
        layer = drawn(seed, "turned")
        assert layer.alpha is not None
        widths.append(np.ptp((layer.alpha > 127).sum(1)))
        row = layer.rgb[layer.rgb.shape[0] // 2][layer.alpha[layer.rgb.shape[0] // 2] > 127]
        shades.append(np.ptp(row.astype(int).max(1)))
    assert np.median(widths) > 10
    assert np.median(shades) > 30


def test_most_props_stand_at_a_side_and_all_are_seen() -> None:
    columns = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        _, alpha = props.placed(rng, props.prop(rng, room(0).picture), *SHAPE).warp(STAY, *SHAPE)
        assert alpha is not None
        if (alpha > 127).any():
            columns.append(np.flatnonzero((alpha > 127).any(0)).mean() / SHAPE[1])
    assert len(columns) > 55
    outside = np.abs(np.array(columns) - 0.5) > 0.2
    assert 0.5 < outside.mean() < 0.95


def test_they_are_in_no_matte(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, share in {"EMPTY_SHARE": 1.0, "EMPTY_DECOY_SHARE": 1.0, "PROP_SHARE": 1.0}.items():
        monkeypatch.setattr(compose, name, share)
    grey = replace(room(0), picture=np.full((90, 160, 3), 128, np.uint8))
    samples = [Composer([person()], [grey]).sample(np.random.default_rng(seed), *SHAPE) for seed in range(12)]
    assert max(float(sample.alpha.max()) for sample in samples) == 0
    differing = [np.ptp(sample.rgb.astype(int), axis=(1, 2)).max() for sample in samples]
    assert np.median(differing) > 60  # something stands in the grey room


def test_in_a_true_picture_they_are_behind_the_person_and_the_matte_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = {"EMPTY_SHARE": 0.0, "ORIGINAL_SHARE": 1.0, "PROP_SHARE": 1.0}
    for name, share in shares.items():
        monkeypatch.setattr(compose, name, share)
    composer = Composer([person()], [room(0)])
    beside = within = 0.0
    for seed in range(20):
        pair = []
        for share in (0.0, 1.0):
            monkeypatch.setattr(compose, "ORIGINAL_DECOY_SHARE", share)
            pair.append(composer._original(np.random.default_rng(seed), *SHAPE, 1))
        (rgb, alpha), (other, same) = pair
        assert np.abs(alpha - same).max() < 0.02
        apart = np.abs(rgb.astype(int) - other.astype(int)).max(-1)
        within = max(within, float(apart[alpha > 0.99].mean()))
        beside = max(beside, float(apart[alpha < 0.01].mean()))
    assert within < 4
    assert beside > 20


def test_what_is_worn_is_on_the_clothes_and_differs_from_them() -> None:
    someone = person(0)
    rows = np.flatnonzero((someone.alpha > 127).any(1))
    changed = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        dressed = props.worn(rng, someone.foreground, someone.alpha)
        assert dressed.dtype == np.uint8
        where = np.abs(dressed.astype(int) - someone.foreground).max(2) > 12
        changed.append((where & (someone.alpha > 127)).sum() / (someone.alpha > 127).sum())
        middle = np.flatnonzero(where.any(1))
        assert not len(middle) or middle.mean() > rows[0] + 0.15 * len(rows)  # the head stays
        again = props.worn(np.random.default_rng(seed), someone.foreground, someone.alpha)
        assert np.array_equal(dressed, again)
    assert 0.005 < np.median(changed) < 0.2
    assert np.mean(np.array(changed) > 0.002) > 0.8


def test_nobody_wears_nothing() -> None:
    picture = room(0).picture
    assert props.worn(np.random.default_rng(0), picture, np.zeros(picture.shape[:2], np.uint8)) is picture


def test_some_of_the_people_wear_something_and_the_matte_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    composer = Composer([person(i) for i in range(3)], [room(i) for i in range(3)])
    calls = []

    def counted(_rng: np.random.Generator, image: np.ndarray, _alpha: np.ndarray) -> np.ndarray:
        calls.append(image.shape)
        return image

    monkeypatch.setattr(compose, "worn", counted)
    monkeypatch.setattr(compose, "WORN_SHARE", 0.0)
    plain = [composer.sample(np.random.default_rng(seed), *SHAPE, mild=True) for seed in range(20)]
    assert not calls
    monkeypatch.setattr(compose, "WORN_SHARE", 1.0)
    dressed = [composer.sample(np.random.default_rng(seed), *SHAPE, mild=True) for seed in range(20)]
    assert len(calls) > 10
    assert all(np.array_equal(a.alpha, b.alpha) for a, b in zip(plain, dressed, strict=True))
