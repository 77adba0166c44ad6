"""Fitting a subject into a scene: light, colours, sharpness, grain, and nothing that is too much."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama import Blur, Colour, Picture, Settings, Transparent, harmonize
from cyclorama.engine import LOOK_EVERY, Engine
from cyclorama.harmonize import BRIGHTER, DARKER, MOST_BALANCE, MOST_BLUR, Fit
from cyclorama.types import Original
from cyclorama.working_space import WorkingSpace
from made import disc, texture

HEIGHT, WIDTH = 240, 320
PLAIN = Fit((1.0, 1.0, 1.0), blur=0.0, subject_grain=0.0, scene_grain=0.0)
GRAIN = 0.25  # share by which a standard deviation may be off
FLICKER = 1.0  # levels of 255 between two frames, which are whole ones

Rgb = NDArray[np.uint8]


def picture(room: tuple[int, int, int], subject: tuple[int, int, int] = (150, 120, 100)) -> Rgb:
    """A disc of one texture before another."""
    a = alpha()[..., None]
    mixed = texture(HEIGHT, WIDTH, subject, 1, 2) * a + texture(HEIGHT, WIDTH, room, 2, 2) * (1 - a)
    return np.rint(mixed).astype(np.uint8)


def alpha() -> NDArray[np.float32]:
    return disc(HEIGHT, WIDTH, radius=80, softness=3)


def measured(rgb: Rgb, scene: Rgb) -> Fit:
    fit = harmonize.measure(rgb, alpha(), scene)
    assert fit is not None
    return fit


def plain(colour: tuple[int, int, int]) -> Rgb:
    return texture(HEIGHT, WIDTH, colour, 3, 2)


def stops(fit: Fit) -> tuple[float, float]:
    """Exposure, and red against blue."""
    red, green, blue = fit.gains
    return float(np.log2(0.2126 * red + 0.7152 * green + 0.0722 * blue)), float(np.log2(red / blue))


def test_a_scene_like_the_room_changes_no_colour() -> None:
    exposure, warmth = stops(measured(picture((120, 120, 120)), plain((120, 120, 120))))
    assert exposure == pytest.approx(0, abs=0.05)
    assert abs(warmth) < 0.05


def test_a_darker_scene_darkens_and_a_brighter_one_brightens_within_limits() -> None:
    darker, _ = stops(measured(picture((150, 150, 150)), plain((90, 90, 90))))
    brighter, _ = stops(measured(picture((90, 90, 90)), plain((150, 150, 150))))
    night, _ = stops(measured(picture((230, 230, 230)), plain((5, 5, 5))))
    noon, _ = stops(measured(picture((5, 5, 5)), plain((250, 250, 250))))
    assert DARKER - 1e-6 <= night <= darker + 1e-6 < 0 < brighter <= noon + 1e-6 <= BRIGHTER + 2e-6


def test_a_warm_scene_warms_and_a_cool_one_cools_within_limits() -> None:
    grey = picture((120, 120, 120))
    _, warmer = stops(measured(grey, plain((150, 120, 90))))
    _, orange = stops(measured(grey, plain((255, 120, 0))))
    _, cooler = stops(measured(grey, plain((90, 120, 150))))
    _, blue = stops(measured(grey, plain((0, 0, 255))))
    assert -MOST_BALANCE - 1e-6 <= blue <= cooler + 1e-6 < 0 < warmer <= orange + 1e-6 <= MOST_BALANCE + 2e-6


@pytest.mark.parametrize("scene", [(0, 200, 0), (200, 0, 200)])
def test_green_and_purple_scenes_tint_nobody(scene: tuple[int, int, int]) -> None:
    red, green, blue = measured(picture((120, 120, 120)), plain(scene)).gains
    assert np.log2(green**2 / (red * blue)) == pytest.approx(0, abs=1e-6)


def test_a_coloured_wall_is_not_taken_for_coloured_light() -> None:
    teal = picture((250, 160, 100), subject=(20, 110, 110))
    _, warmth = stops(measured(teal, plain((120, 120, 120))))
    assert abs(warmth) < 0.05


def test_dark_skin_and_black_suits_are_not_brightened() -> None:
    bright = stops(measured(picture((120, 120, 120), subject=(200, 170, 150)), plain((120, 120, 120))))
    dark = stops(measured(picture((120, 120, 120), subject=(50, 35, 30)), plain((120, 120, 120))))
    assert dark[0] == pytest.approx(bright[0], abs=0.01)


def test_gains_keep_black_black_and_white_white() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, 2)
    for gains in ((1.3, 1.2, 1.1), (0.8, 0.75, 0.7)):
        out = harmonize.regrade(ramp, replace(PLAIN, gains=gains)).astype(int)
        assert (out[0, 0] == 0).all()
        assert (np.diff(out, axis=1) >= 0).all()
        middle = out[0, 128] - 128
        assert (np.sign(middle) == np.sign(gains[0] - 1)).all()
    assert (harmonize.regrade(ramp, replace(PLAIN, gains=(1.3, 1.2, 1.1)))[0, 255] == 255).all()


def test_deep_pictures_are_graded_as_others_are() -> None:
    rgb = picture((120, 120, 120))
    fit = replace(PLAIN, gains=(1.2, 1.0, 0.85))
    deep = harmonize.regrade(rgb.astype(np.uint16) * np.uint16(257), fit)
    assert deep.dtype == np.uint16
    assert np.abs(deep / 257 - harmonize.regrade(rgb, fit)).max() <= 1


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_highlights_of_hdr_are_kept(transfer: str) -> None:
    working = WorkingSpace(transfer, "bt2020")  # type: ignore[arg-type]
    bright = np.linspace(0, 65535, 256).astype(np.uint16)
    ramp = np.repeat(bright[None, :, None], 3, 2)
    out = harmonize.regrade(ramp, replace(PLAIN, gains=(1.2, 1.2, 1.2)), working).astype(int)
    assert (np.diff(out[0, :, 1]) >= 0).all()
    assert out[0, -1, 1] >= 65535 - 64
    assert out[0, 64, 1] > ramp[0, 64, 1]


# Sharpness


def edges(sigma: float) -> Rgb:
    """Squares with edges of that blur in pixels."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    squares = np.where((y // 30 + x // 30) % 2, 200, 60).astype(np.float32)
    grey = cv2.GaussianBlur(squares, (0, 0), sigma) if sigma else squares
    return np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, 2)


def before_edges(sigma: float) -> Rgb:
    a = alpha()[..., None]
    return np.rint(edges(0.7) * a + edges(sigma) * (1 - a)).astype(np.uint8)


@pytest.mark.parametrize("sigma", [2.0, 3.0, 4.0])
def test_a_sharp_scene_gets_the_blur_of_the_room(sigma: float) -> None:
    fit = measured(before_edges(sigma), edges(0.7))
    # Measured on a picture of that size, which is not scaled.
    found = fit.blur * max(HEIGHT, WIDTH) * 640 / max(HEIGHT, WIDTH)
    assert found == pytest.approx((sigma**2 - 0.7**2) ** 0.5, rel=0.25)


def test_sharpness_is_left_where_nothing_is_to_be_done() -> None:
    assert measured(before_edges(0.7), edges(0.7)).blur == 0
    assert measured(before_edges(0.7), edges(4)).blur == 0, "nothing can be sharpened"
    assert measured(picture((120, 120, 120)), edges(0.7)).blur <= MOST_BLUR / 640
    assert measured(before_edges(4), plain((90, 90, 90))).blur == 0, "a plain scene has nothing to blur"


def test_a_scene_is_softened_by_the_blur() -> None:
    scene = edges(0)
    soft = harmonize.soften(scene, replace(PLAIN, blur=4 / max(HEIGHT, WIDTH)))
    assert np.abs(np.diff(soft.astype(int), axis=1)).max() < 20
    assert harmonize.soften(scene, PLAIN) is scene


# Grain


def noisy(sigma: float, where: NDArray[np.float32] | None = None) -> Rgb:
    grey = np.full((HEIGHT, WIDTH), 120.0)
    noise = np.random.default_rng(0).normal(0, sigma, grey.shape) * (1 if where is None else where)
    return np.repeat(np.rint(grey + noise).astype(np.uint8)[..., None], 3, 2)


def test_the_cleaner_side_gets_the_others_grain() -> None:
    grainy_subject = measured(noisy(1.8), noisy(0))
    assert grainy_subject.scene_grain == pytest.approx(1.8, rel=GRAIN)
    assert grainy_subject.subject_grain == 0
    grainy_scene = measured(noisy(0), noisy(1.8))
    assert grainy_scene.subject_grain == pytest.approx(1.8, rel=GRAIN)
    assert grainy_scene.scene_grain == 0
    assert measured(noisy(2), noisy(2)).scene_grain == measured(noisy(2), noisy(2)).subject_grain == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grain_is_added_where_it_is_missing_and_differs_from_frame_to_frame(dtype: type) -> None:
    unit = 1 if dtype == np.uint8 else 257
    grey = np.full((600, 700, 3), 120 * unit, dtype)
    a = np.zeros((600, 700), np.float32)
    a[:, :350] = 1
    one, two = (harmonize.add_grain(grey, a, replace(PLAIN, scene_grain=2.0), frame) for frame in (1, 2))
    assert one.dtype == dtype
    assert (one[:, :350] == 120 * unit).all()
    assert one[:, 350:].astype(float).std() / unit == pytest.approx(2, rel=0.1)
    assert (one != two).any()
    np.testing.assert_array_equal(one, harmonize.add_grain(grey, a, replace(PLAIN, scene_grain=2.0), 1))


# Light wrap


def test_bright_light_wraps_around_the_edge_and_fades_inwards() -> None:
    subject = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    out = harmonize.wrap(subject, alpha(), np.full((HEIGHT, WIDTH, 3), 240, np.uint8)).astype(int)
    line = out[HEIGHT // 2, WIDTH // 2 : WIDTH // 2 + 79, 1]
    assert line[0] == 60
    assert (np.diff(line) >= 0).all()
    assert 60 + 8 < line[-1] < 60 + 80


def test_a_dark_scene_wraps_around_nothing() -> None:
    subject = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    np.testing.assert_array_equal(harmonize.wrap(subject, alpha(), np.zeros_like(subject)), subject)


# In a session


class Fixed:
    """A network whose matte is always the disc's."""

    name, device, note = "fixed", "cpu", ""

    def size(self, height: int, width: int) -> tuple[int, int]:
        return HEIGHT, WIDTH

    def looks(self, height: int, width: int) -> list[tuple[int, int]]:
        return []

    def start(self, height: int, width: int) -> None:
        return None

    def step(self, rgb: Rgb, state: None, original: Original | None = None) -> tuple[NDArray[np.float32], None]:
        return alpha(), None


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    from cyclorama import matting

    monkeypatch.setattr(matting, "create", lambda *_, **__: Fixed())
    return Engine()


SUNSET = Picture(plain((120, 70, 40)))


def test_nothing_is_harmonized_unless_asked_for(engine: Engine) -> None:
    rgb = picture((150, 150, 150))
    off = engine.render(rgb, Settings(SUNSET))
    on = engine.render(rgb, Settings(SUNSET, harmonize=True))
    assert (off != on).any()
    middle = (slice(HEIGHT // 2 - 20, HEIGHT // 2 + 20), slice(WIDTH // 2 - 20, WIDTH // 2 + 20))
    np.testing.assert_array_equal(off[middle], rgb[middle])
    warmth = [np.log2(each[middle][..., 0].mean() / each[middle][..., 2].mean()) for each in (off, on)]
    assert warmth[1] > warmth[0]
    assert on[middle].mean() < off[middle].mean()


@pytest.mark.parametrize("background", [Colour(0, 177, 64), Blur(), Transparent()])
def test_colours_the_own_room_and_nothing_are_no_scenes_to_fit_into(engine: Engine, background: object) -> None:
    rgb = picture((150, 150, 150))
    np.testing.assert_array_equal(
        engine.render(rgb, Settings(background, harmonize=True)),  # type: ignore[arg-type]
        engine.render(rgb, Settings(background)),  # type: ignore[arg-type]
    )


def test_the_subject_does_not_flicker_when_the_room_does(engine: Engine) -> None:
    session = engine.session(Settings(SUNSET, harmonize=True, decontaminate=False))
    middle = (slice(HEIGHT // 2 - 20, HEIGHT // 2 + 20), slice(WIDTH // 2 - 20, WIDTH // 2 + 20))
    means = []
    for index in range(4 * LOOK_EVERY):
        light = 150 if index // LOOK_EVERY % 2 else 80  # of a lamp in the room alone
        means.append(session.render(picture((light, light, light)))[middle].mean((0, 1)))
    assert np.abs(np.diff(means, axis=0)).max() <= FLICKER


def test_light_that_changes_for_good_is_followed(engine: Engine) -> None:
    session = engine.session(Settings(SUNSET, harmonize=True, decontaminate=False))
    middle = (slice(HEIGHT // 2 - 20, HEIGHT // 2 + 20), slice(WIDTH // 2 - 20, WIDTH // 2 + 20))
    first = session.render(picture((60, 60, 60)))[middle].mean()
    for _ in range(15 * LOOK_EVERY):
        last = session.render(picture((220, 220, 220)))[middle].mean()
    assert last < first - 5


def test_a_frame_without_a_subject_is_no_fault(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fixed, "step", lambda *_: (np.zeros((HEIGHT, WIDTH), np.float32), None))
    out = engine.render(picture((150, 150, 150)), Settings(SUNSET, harmonize=True))
    np.testing.assert_array_equal(out, SUNSET.pixels)


@pytest.mark.parametrize("shape", [(16, 16), (16, 300)])
def test_tiny_pictures_can_be_fitted_in(shape: tuple[int, int]) -> None:
    rgb = texture(*shape, (120, 130, 140), 0)
    full = np.ones(shape, np.float32)
    fit = harmonize.measure(rgb, full, rgb)
    assert fit is not None
    graded = harmonize.wrap(harmonize.regrade(rgb, fit), full, harmonize.soften(rgb, fit))
    assert harmonize.add_grain(graded, full, fit, 0).shape == rgb.shape
