"""What the network sees: placing, moving, light, camera, and clips of all of them. Nothing here needs PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama.errors import SettingError
from cyclorama_training import camera, compose, entry, geometry, light
from cyclorama_training.compose import Composer, Sample, Track, render
from cyclorama_training.geometry import Layer, covering, motion, place
from cyclorama_training.recipe import Batch, Phase, Recipe
from made import texture
from made_people import HEIGHT, WIDTH, figure, grey, person, photograph, room, write_data

STILL = np.hstack([np.eye(2), np.zeros((2, 1))])
SHAPE = (64, 96)
FRAMES = 6


@pytest.fixture(scope="module")
def composer() -> Composer:
    people = [person(i, name=f"portraits/{i:03}", whole=bool(i % 2)) for i in range(8)]
    return Composer(people, [room(i) for i in range(6)])


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Takes out what happens by chance in a clip, but for what is named."""

    def set_shares(**shares: float) -> None:
        scenes = ("EMPTY_SHARE", "ORIGINAL_SHARE", "DECOY_SHARE", "EMPTY_DECOY_SHARE", "ORIGINAL_DECOY_SHARE")
        for name in ("CUT_SHARE", "POP_SHARE", "BEND_SHARE", *scenes):
            monkeypatch.setattr(compose, name, shares.get(name, 0.0))
        monkeypatch.setattr(camera, "NOISE", np.zeros_like(camera.NOISE))
        monkeypatch.setattr(geometry, "STILL_SHARE", 1.0)

    return set_shares


def clip(composer: Composer, seed: int, frames: int = FRAMES) -> Sample:
    return composer.sample(np.random.default_rng(seed), *SHAPE, frames)


def changes(sample: Sample) -> list[int]:
    """Numbers of the frames that differ from the one before."""
    rgb = sample.rgb.astype(int)
    return [t for t in range(1, len(rgb)) if np.abs(rgb[t] - rgb[t - 1]).max() > 0]


@pytest.mark.parametrize("frames", [1, FRAMES])
def test_the_same_seed_gives_the_same_clip(composer: Composer, frames: int) -> None:
    one, two, other = clip(composer, 5, frames), clip(composer, 5, frames), clip(composer, 6, frames)
    assert (one.rgb == two.rgb).all()
    assert (one.alpha == two.alpha).all()
    assert not np.array_equal(one.rgb, other.rgb)
    assert (one.rgb.shape, one.rgb.dtype) == ((frames, *SHAPE, 3), np.uint8)
    assert (one.alpha.shape, one.alpha.dtype) == ((frames, *SHAPE), np.float32)


def test_samples_show_people_and_sometimes_nobody(composer: Composer) -> None:
    alphas = [clip(composer, seed, 1).alpha for seed in range(200)]
    # Cross-entropy refuses anything outside by a rounding error.
    assert all(0 <= a.min() <= a.max() <= 1 for a in alphas)
    areas = np.array([a.mean() for a in alphas])
    assert 0.03 < (areas == 0).mean() < 0.25
    assert (areas > 0.05).mean() > 0.6


def test_a_mild_picture_has_the_colours_of_what_is_in_it(calm: Callable[..., None]) -> None:
    """No other light, no other clothes, no bad camera: blue before red stays blue before red."""
    calm()
    blue, red = (np.full((HEIGHT, WIDTH, 3), colour, np.uint8) for colour in ((10, 20, 200), (200, 20, 10)))
    somebody = replace(person(0, name="portraits/000"), foreground=blue)
    plain = Composer([somebody], [replace(room(0), picture=red)])
    colours = {True: set[tuple[int, ...]](), False: set[tuple[int, ...]]()}
    for seed in range(12):
        for mild, seen in colours.items():
            sample = plain.sample(np.random.default_rng(seed), *SHAPE, mild=mild)
            seen |= {tuple(colour) for colour in sample.rgb[sample.alpha == 1].tolist()}
    assert colours[True] == {(10, 20, 200)}
    assert len(colours[False]) > 12


def test_the_frames_of_a_still_scene_are_equal(composer: Composer, calm: Callable[..., None]) -> None:
    calm()
    for seed in range(12):
        sample = clip(composer, seed)
        assert changes(sample) == []
        assert (sample.alpha == sample.alpha[0]).all()


def test_the_noise_of_a_still_scene_is_anew_in_each_frame(composer: Composer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera.Camera, "shoot", lambda self, image: self._noise(image, 10.0))
    monkeypatch.setattr(geometry, "STILL_SHARE", 1.0)
    for name in ("CUT_SHARE", "POP_SHARE", "BEND_SHARE"):
        monkeypatch.setattr(compose, name, 0.0)
    sample = clip(composer, 3)
    assert changes(sample) == list(range(1, FRAMES))
    difference = sample.rgb[1].astype(float) - sample.rgb[0]
    assert abs(difference.std() - 10 * np.sqrt(2)) < 3


def test_a_cut_changes_everything_once(composer: Composer, calm: Callable[..., None]) -> None:
    calm(CUT_SHARE=1.0)
    where = [changes(clip(composer, seed)) for seed in range(12)]
    assert all(len(at) == 1 for at in where)
    assert len({at[0] for at in where}) > 1


def test_somebody_comes_or_goes_once(composer: Composer, calm: Callable[..., None]) -> None:
    calm(POP_SHARE=1.0)
    came = went = 0
    for seed in range(16):
        alpha = clip(composer, seed).alpha
        areas = alpha.mean((1, 2))
        assert 1 <= len(np.flatnonzero(np.diff(areas))) <= 3  # each of up to three people
        came += areas[0] == 0 < areas[-1]
        went += areas[-1] == 0 < areas[0]
    assert came
    assert went


def test_limbs_move_by_themselves_and_the_matte_with_them(composer: Composer, calm: Callable[..., None]) -> None:
    calm(BEND_SHARE=1.0)
    sample = clip(composer, 4)
    assert changes(sample) == list(range(1, FRAMES))
    assert np.abs(np.diff(sample.alpha, axis=0)).max() > 0.5


def test_a_person_covers_and_an_occluder_takes_from_the_matte() -> None:
    alpha = np.zeros(SHAPE, np.uint8)
    alpha[:, :48] = 255
    red, blue = (np.full((*SHAPE, 3), colour, np.uint8) for colour in ((200, 0, 0), (0, 0, 200)))
    behind = Track(Layer(np.zeros((*SHAPE, 3), np.uint8), None, STILL), [STILL] * 3, person=False)
    somebody = Track(Layer(red, alpha, STILL), [STILL] * 3, person=True)
    desk = Track(Layer(blue, alpha[:, ::-1].copy() // 2, STILL), [STILL] * 3, person=False, seen=range(1, 2))
    over = Track(Layer(blue, np.full(SHAPE, 255, np.uint8), STILL), [STILL] * 3, person=False, seen=range(2, 3))
    rgb, total = render(behind, [somebody, desk, over], *SHAPE, 3)
    assert (total[0, :, :48] == 1).all()
    assert (total[0, :, 48:] == 0).all()
    assert (rgb[0, :, :48] == (200, 0, 0)).all()
    assert np.abs(rgb[1, :, 48:, 2].astype(int) - 100).max() <= 1  # half of the blue
    assert (total[2] == 0).all()
    assert (rgb[2] == (0, 0, 200)).all()


@pytest.mark.parametrize(("at_x", "at_y", "zoom"), [(0.0, 0.0, 1.0), (1.0, 1.0, 1.0), (0.3, 0.8, 1.7)])
def test_a_covering_map_leaves_no_gap_and_keeps_the_aspect(at_x: float, at_y: float, zoom: float) -> None:
    matrix = covering((300, 200), *SHAPE, at_x, at_y, zoom)
    corners = np.linalg.inv(np.vstack([matrix, [0, 0, 1]])) @ [[0, SHAPE[1]], [0, SHAPE[0]], [1, 1]]
    assert corners[0].min() >= -1e-9
    assert corners[0].max() <= 200 + 1e-9
    assert corners[1].min() >= -1e-9
    assert corners[1].max() <= 300 + 1e-9
    assert matrix[0, 0] == matrix[1, 1]


def test_a_shrunk_layer_lies_where_the_large_one_did() -> None:
    large = texture(640, 480, (120, 120, 120), 1)
    layer = Layer(large, np.full(large.shape[:2], 255, np.uint8), covering(large.shape, 64, 48, 0.5, 0.5, 1.0))
    small = layer.shrunk()
    assert small.rgb.shape[0] < 100
    one, _ = small.warp(STILL, 64, 48)
    expected = cv2.resize(large, (48, 64), interpolation=cv2.INTER_AREA)
    inner = (slice(2, -2), slice(2, -2))
    assert np.abs(one[inner].astype(float) - expected[inner]).mean() < 3


def test_a_side_that_the_old_frame_cut_stays_outside_the_new_one() -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        somebody = person()
        matrix = place(rng, somebody, 96, 160, small=False)
        bottom = matrix @ [WIDTH / 2, HEIGHT - 1, 1]
        assert bottom[1] >= 96 - 2.5 * matrix[1, 1]


@pytest.mark.parametrize("frames", [1, 8])
def test_motion_starts_at_rest_and_goes_step_by_step(frames: int) -> None:
    still = 0
    for seed in range(60):
        moves = motion(np.random.default_rng(seed), frames, *SHAPE)
        assert len(moves) == frames
        assert (moves[0] == STILL).all()
        steps = [np.abs(b[:, 2] - a[:, 2]).max() for a, b in pairwise(moves)]
        assert max(steps, default=0) < 0.5 * max(SHAPE)
        still += not any(steps)
    assert still == 60 if frames == 1 else 10 < still < 40


def test_light_that_changes_nothing_changes_nothing_and_darkness_is_dark() -> None:
    picture = photograph(1)
    assert (light.relight(picture, np.ones(3), 1.0, 1.0) == picture).all()
    assert light.darken(np.random.default_rng(0), picture).mean() < 0.5 * picture.mean()
    grey_one = light.relight(picture, np.ones(3), 1.0, 0.0).astype(int)
    assert np.ptp(grey_one, axis=2).max() <= 1


def test_clothes_change_below_the_neck_and_the_face_stays() -> None:
    picture, alpha = photograph(1), grey(figure())
    changed = 0
    for seed in range(10):
        dressed = light.dress(np.random.default_rng(seed), picture, alpha)
        assert (
            np.abs(dressed[:14].astype(int) - picture[:14]).max() < 8
        )  # the soft line's end, from the top of the head
        changed += np.abs(dressed[-10:].astype(int) - picture[-10:]).mean() > 10
    assert changed >= 8


def test_matching_moves_a_person_towards_the_rooms_colour() -> None:
    picture, alpha, behind = photograph(1), grey(figure()), np.full((40, 40, 3), (20, 40, 220), np.uint8)
    before = np.array(cv2.mean(picture, alpha)[:3])
    distances = []
    for seed in range(10):
        matched = light.match(np.random.default_rng(seed), picture, alpha, behind)
        distances.append(np.abs(np.array(cv2.mean(matched, alpha)[:3]) - (20, 40, 220)).sum())
    unchanged = np.abs(before - (20, 40, 220)).sum()
    assert all(d <= unchanged + 3 for d in distances)
    assert min(distances) < 0.7 * unchanged


def test_one_camera_does_the_same_to_every_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "NOISE", np.zeros_like(camera.NOISE))
    picture = texture(64, 96, (120, 90, 60), 3)
    different = set()
    for seed in range(20):
        one = camera.Camera(np.random.default_rng(seed))
        first, second = one.shoot(picture), one.shoot(picture)
        assert (first == second).all()
        assert (first.shape, first.dtype) == (picture.shape, np.uint8)
        different.add(first.tobytes())
    assert len(different) > 15


def rows_of(sheet: NDArray[np.uint8]) -> int:
    """Bands of pictures that light paper divides."""
    blank = (sheet[:, 6:100] == 245).all((1, 2))
    return int((np.diff(blank.astype(int)) == -1).sum())


def test_the_preview_shows_pictures_and_strips_of_frames_phase_by_phase(tmp_path: Path) -> None:
    root = write_data(tmp_path, count=20)
    entry.preview(str(root / "recipe.toml"), root, tmp_path / "preview.png")
    sheet = cv2.imread(str(tmp_path / "preview.png"))
    assert sheet is not None
    # A line of text and four rows of pictures; a line, and four strips of frames over their mattes.
    assert rows_of(sheet) == (1 + 4) + (1 + 8)  # type: ignore[arg-type]
    with pytest.raises(SettingError, match=r"expected a picture's name, such as preview\.png"):
        entry.preview(str(root / "recipe.toml"), root, tmp_path / "preview.sheet")


def test_the_rate_warms_up_and_falls_in_each_phase(tmp_path: Path) -> None:
    recipe = Recipe.read(write_data(tmp_path, count=2) / "recipe.toml")
    phases = (Phase(1000, 1e-3, (Batch(*SHAPE, 4),)), Phase(500, 1e-4, (Batch(*SHAPE, 4, 8),)))
    recipe = replace(recipe, phases=phases)
    assert recipe.steps == 1500
    assert recipe.rate_at(0) < 1e-5 < recipe.rate_at(250) <= 1e-3
    assert recipe.rate_at(999) == pytest.approx(1e-4, rel=0.05)
    assert recipe.rate_at(1000) == pytest.approx(1e-4)
    assert [recipe.phase_at(step).batches[0].frames for step in (0, 999, 1000, 9999)] == [1, 1, 8, 8]


def test_things_are_seen_and_are_in_no_matte(calm: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    calm(EMPTY_SHARE=1.0, EMPTY_DECOY_SHARE=1.0)
    monkeypatch.setattr(compose, "PROP_SHARE", 0.0)
    monkeypatch.setattr(compose, "THING_SHARE", 1.0)
    people, rooms = [person()], [room(i) for i in range(4)]
    without, with_things = Composer(people, rooms), Composer(people, rooms, things=[person(7, name="dogs/7")])
    orange = []
    for composer in (without, with_things):
        samples = [clip(composer, seed, 1) for seed in range(12)]
        assert max(float(sample.alpha.max()) for sample in samples) == 0
        # The rooms are blue, the thing's red lies far above its blue.
        reds = [sample.rgb[0].astype(int)[..., 0] - sample.rgb[0].astype(int)[..., 2] for sample in samples]
        orange.append(float(np.mean([(red > 40).mean() for red in reds])))
    assert orange[1] > orange[0] + 0.05
