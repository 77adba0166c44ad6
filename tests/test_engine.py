from __future__ import annotations

import threading
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama import Blur, Clip, Colour, Engine, Picture, PictureError, SettingError, Settings, Transparent, matting
from cyclorama.colour import to_depth
from cyclorama.matting import State
from cyclorama.matting.green_screen import GreenScreen
from cyclorama.types import Alpha, Original, Rgb
from cyclorama.working_space import WorkingSpace
from made import disc, texture

KEYED = Engine("green-screen")


def keyed_frame(height: int = 90, width: int = 160, x: float = 80) -> NDArray[np.uint8]:
    """A red disc before a green screen."""
    a = disc(height, width, radius=30, softness=1, centre=(height / 2, x))[..., None]
    return np.rint(np.array([190, 60, 50]) * a + np.array([20, 200, 40]) * (1 - a)).astype(np.uint8)


def test_a_colour_stands_behind_the_subject() -> None:
    out = KEYED.render(keyed_frame(), Settings(background=Colour(1, 2, 3)))
    assert (out[0, 0] == [1, 2, 3]).all()
    assert (out[45, 80] == [190, 60, 50]).all()


def test_a_picture_is_fitted_once_and_a_new_one_is_taken() -> None:
    session = KEYED.session(Settings(background=Picture(np.full((10, 10, 3), 7, np.uint8))))
    assert session.render(keyed_frame())[0, 0, 0] == 7
    session.settings = Settings(background=Picture(np.full((10, 10, 3), 9, np.uint8)))
    assert session.render(keyed_frame())[0, 0, 0] == 9


def test_a_clip_is_asked_for_the_frames_own_time() -> None:
    class Clock:
        def frame_at(self, time: Fraction) -> NDArray[np.uint8]:
            return np.full((9, 16, 3), int(time * 100), np.uint8)

    session = KEYED.session(Settings(background=Clip(Clock())))
    for time in (Fraction(0), Fraction(1, 4), Fraction(1001, 30000)):
        assert session.render(keyed_frame(), time)[0, 0, 0] == int(time * 100)


def test_blur_keeps_the_subject_sharp() -> None:
    rgb = keyed_frame()
    out = KEYED.render(rgb, Settings(background=Blur(10)))
    assert (out[45, 80] == rgb[45, 80]).all()


def test_transparent_gives_straight_alpha_and_no_room() -> None:
    out = KEYED.render(keyed_frame(), Settings(background=Transparent()))
    assert out.shape == (90, 160, 4)
    assert (out[0, 0] == 0).all()
    assert (out[45, 80] == [190, 60, 50, 255]).all()


@pytest.mark.parametrize(
    "background", [Colour(0, 0, 255), Blur(4), Picture(texture(20, 30, (9, 9, 9), 1)), Transparent()]
)
def test_16_bit_pictures_stay_16_bit(background: object) -> None:
    rgb = keyed_frame().astype(np.uint16) * 257 + 3
    out = KEYED.render(rgb, Settings(background=background))  # type: ignore[arg-type]
    assert out.dtype == np.uint16
    assert (out[45, 80, :3] == rgb[45, 80]).all()


def test_a_new_size_starts_the_stream_anew() -> None:
    session = KEYED.session(Settings(smoothing=0.9))
    session.matte(keyed_frame())
    assert session.matte(keyed_frame(120, 200)).alpha.shape == (120, 200)


def test_reset_forgets_the_last_matte() -> None:
    # The same dark, still picture apart from a faint patch: smoothing would keep some of the old matte.
    first = np.full((60, 80, 3), 20, np.uint8)
    second = first.copy()
    session = KEYED.session(Settings(smoothing=0.9))
    session.matte(first)
    session.reset()
    assert (session.matte(second).alpha == KEYED.matte(second).alpha).all()


def test_a_session_does_not_see_another_ones_frames() -> None:
    frames = [keyed_frame(x=40 + 3 * i) for i in range(8)]
    alone = KEYED.session(Settings(smoothing=0.8))
    expected = [alone.matte(f).alpha for f in frames]
    a, b = KEYED.session(Settings(smoothing=0.8)), KEYED.session(Settings(smoothing=0.8))
    for frame, alpha in zip(frames, expected, strict=True):
        b.matte(frame[:, ::-1].copy())
        assert (a.matte(frame).alpha == alpha).all()


class Curious(GreenScreen):
    """Sees a tenth of the frame, and asks for one part of it."""

    seen: Rgb

    def size(self, height: int, width: int) -> tuple[int, int]:
        return height // 10, width // 10

    def step(self, rgb: Rgb, state: State, original: Original | None = None) -> tuple[Alpha, State]:
        assert original is not None
        assert original.part is not None
        self.seen = original.part((2, 7, 5, 11), 50, 60)
        return super().step(rgb, state)


@pytest.mark.parametrize("working", [None, WorkingSpace("pq", "bt2020")], ids=str)
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_network_may_look_at_parts_of_the_frame_in_all_its_detail(
    working: WorkingSpace | None, depth: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    curious = Curious()
    monkeypatch.setattr(matting, "create", lambda *_, **__: curious)
    session = Engine().session(Settings(decontaminate=False))
    session.working = working
    picture = texture(100, 160, (90, 120, 140), 5)
    dtype = np.dtype(depth)
    session.matte(to_depth(picture, dtype) if working is None else working.from_srgb(picture, dtype))
    expected = picture[20:70, 50:110].astype(int)
    assert np.abs(curious.seen - expected).mean() <= (0 if working is None else 2)


def test_an_engine_is_shared_by_threads() -> None:
    engine = Engine("portrait", "cpu")
    rgb = texture(144, 256, (120, 100, 90), 4, strength=40)
    expected = engine.matte(rgb).alpha
    results: list[NDArray[np.float32]] = []
    threads = [threading.Thread(target=lambda: results.append(engine.matte(rgb).alpha)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all((r == expected).all() for r in results)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((1, 1, 3), np.uint8), "16 pixels or more a side, got 1 x 1"),
        (np.zeros((100, 8, 3), np.uint8), "got 8 x 100"),
        (np.zeros((64, 64), np.uint8), r"of shape \(height, width, 3\), got uint8 \(64, 64\)"),
        (np.zeros((64, 64, 4), np.uint8), r"got uint8 \(64, 64, 4\)"),
        (np.zeros((64, 64, 3), np.float32), "got float32"),
        (np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (20_000, 20_000, 3)), "at most 128 megapixels"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_line(picture: NDArray[np.uint8], message: str) -> None:
    with pytest.raises(PictureError, match=message) as caught:
        KEYED.matte(picture)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Settings(smoothing=1.0),
        lambda: Settings(light="candle"),  # type: ignore[arg-type]
        lambda: Colour(0, 256, 0),
        lambda: Blur(0),
        lambda: Blur(-3),
    ],
)
def test_settings_out_of_range_are_refused(make: object) -> None:
    with pytest.raises(SettingError, match="expected"):
        make()  # type: ignore[operator]
