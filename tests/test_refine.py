"""Trimaps, and what finds the alpha that they leave open: through the API, the command and the worker."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama import Engine, PictureError, Settings, closed_form, refiner, trimap, wire
from cyclorama.layers import Layer, find_subject
from made import disc, texture

HEIGHT, WIDTH = 300, 420
ROUNDING = 1  # levels of 255
# Mean error of the strands' band afterwards, and the least by which that of the matte before is larger.
STRANDS, BETTER = 0.10, 1.5

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Hairy:
    """A disc with hair before a wall, its matte, and one as a coarser network would have it."""

    rgb: NDArray[np.uint8]
    alpha: Plane
    coarse: Plane


@pytest.fixture(scope="module")
def hairy() -> Hairy:
    return drawn_hair(260, 1.3)


def drawn_hair(strands: int, longest: float) -> Hairy:
    """So many strands, the longest so many times as far from the middle as the disc's edge."""
    rng = np.random.default_rng(4)
    large = np.zeros((4 * HEIGHT, 4 * WIDTH), np.uint8)
    centre, radius = (2 * WIDTH, 2 * HEIGHT), 4 * 80
    cv2.circle(large, centre, radius, 255, -1, cv2.LINE_AA)
    for angle in rng.uniform(0, 2 * np.pi, strands):
        bend = np.linspace(angle, angle + rng.normal(0, 0.12), 8)
        reach = np.linspace(0.9, rng.uniform(1.08, longest), 8) * radius
        points = np.column_stack([np.cos(bend), np.sin(bend)]) * reach[:, None] + centre
        cv2.polylines(large, [np.rint(points).astype(np.int32)], False, 255, int(rng.integers(2, 6)), cv2.LINE_AA)
    alpha = cv2.resize(large, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    a = alpha[..., None]
    mixed = texture(HEIGHT, WIDTH, (60, 40, 30), 1, 3) * a + texture(HEIGHT, WIDTH, (150, 190, 215), 2, 3) * (1 - a)
    coarse = cv2.GaussianBlur(disc(HEIGHT, WIDTH, radius=86, softness=3), (0, 0), 2)
    return Hairy(np.rint(mixed).astype(np.uint8), alpha, coarse)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("portrait-fast", "cpu", threads=1)


@pytest.fixture(scope="module")
def network() -> refiner.Refiner:
    return refiner.create(device="cpu", threads=1)


def drawn() -> Plane:
    """What a careful hand draws: white inside, black far outside."""
    inside, outside = disc(HEIGHT, WIDTH, radius=70, softness=1), disc(HEIGHT, WIDTH, radius=110, softness=1)
    return np.where(inside > 0.5, 1, np.where(outside > 0.5, 0.5, 0)).astype(np.float32)


def test_the_band_of_doubt_is_wide_where_a_matte_is_soft_and_narrow_at_a_crisp_edge() -> None:
    alpha = np.zeros((500, 500), np.float32)
    alpha[:, :200] = 1  # a shoulder
    known = trimap.of_doubt(alpha)
    assert (known[:, :193] == 1).all()
    assert (known[:, 207:] == 0).all()
    assert (known[:, 199:201] == 0.5).all(), "the edge itself is open"
    alpha[:, 200:230] = np.linspace(1, 0, 30)  # hair
    known = trimap.of_doubt(alpha)
    row = known[250]
    assert (row[:185] == 1).all()
    assert (row[195:250] == 0.5).all()
    assert (row[260:] == 0).all()


def test_a_large_picture_has_the_same_band_in_its_own_scale() -> None:
    small = disc(200, 300, radius=60, softness=20)
    large = cv2.resize(small, (2400, 1600), interpolation=cv2.INTER_LINEAR)
    shares = [float(trimap.unknown_in(trimap.of_doubt(alpha)).mean()) for alpha in (small, large)]
    assert abs(shares[0] - shares[1]) < 0.015


def test_the_laplacian_lets_through_what_is_linear_in_colour() -> None:
    rng = np.random.default_rng(2)
    guide = rng.uniform(0, 1, (40, 50, 3)).astype(np.float32)
    laplacian = closed_form.Laplacian(guide)
    assert np.abs(laplacian.times(np.full((40, 50), 0.7, np.float32))).max() < 1e-3
    assert np.abs(laplacian.times(guide @ np.array([0.2, 0.5, -0.3], np.float32))).max() < 1e-2
    assert np.abs(laplacian.times(rng.uniform(0, 1, (40, 50)).astype(np.float32))).max() > 0.1


def test_steep_grey_edges_are_solved_without_losing_precision() -> None:
    guide = np.repeat((np.indices((60, 60)).sum(0) // 6 % 2)[..., None], 3, 2).astype(np.float32)
    unknown = np.zeros((60, 60), np.float32)
    unknown[:, 20:40] = 1
    alpha = np.zeros((60, 60), np.float32)
    alpha[:, :20] = 1
    solved = closed_form.solve(guide, alpha, unknown)
    assert np.isfinite(solved).all()
    assert np.array_equal(solved[unknown == 0], alpha[unknown == 0])


def test_from_coarse_to_fine_is_as_good_as_all_steps_at_full_size(
    hairy: Hairy, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide, known = hairy.rgb.astype(np.float32) / 255, drawn()
    unknown = trimap.unknown_in(known).astype(np.float32)
    start = np.where(unknown > 0, 0, known).astype(np.float32)  # far from what is to be found

    def wrong() -> float:
        return float(np.abs(closed_form.solve(guide, start, unknown) - hairy.alpha)[unknown > 0].mean())

    quick = wrong()
    monkeypatch.setattr(closed_form, "SMALLEST", HEIGHT)  # no halves
    monkeypatch.setattr(closed_form, "FIRST_STEPS", 400)
    assert quick < 1.4 * wrong()
    monkeypatch.setattr(closed_form, "FIRST_STEPS", closed_form.LAST_STEPS // 2)
    assert quick < 0.5 * wrong(), "so few steps from far away are not enough"


def test_a_matte_that_is_trusted_wholly_stays(hairy: Hairy) -> None:
    guide = hairy.rgb.astype(np.float32) / 255
    unknown = np.ones((HEIGHT, WIDTH), np.float32)
    assert np.abs(closed_form.solve(guide, hairy.coarse, unknown, 1e4) - hairy.coarse).max() < 1e-3
    assert closed_form.solve(guide, hairy.coarse, 0 * unknown) is hairy.coarse


def test_a_matte_counts_more_where_it_is_sure_and_where_colours_do_not_tell() -> None:
    guide = np.full((64, 128, 3), 0.5, np.float32)
    sure = np.zeros((64, 128, 2), np.float32)
    sure[:, :40, 1] = sure[:, 88:, 0] = 1
    unsure, surer = (refiner.trust(np.full((64, 128), a, np.float32), guide, sure)[32, 64] for a in (0.6, 0.99))
    guide[:, 64:] = 0.9
    apart = refiner.trust(np.full((64, 128), 0.99, np.float32), guide, sure)[32, 64]
    assert unsure < apart < surer


def test_colours_of_what_is_sure_are_carried_to_where_nothing_is() -> None:
    guide = np.zeros((160, 160, 3), np.float32)
    guide[:, :80], guide[:, 80:] = (0.8, 0.1, 0.1), (0.1, 0.8, 0.1)
    sure = np.zeros((160, 160), np.float32)
    sure[:, :16] = 1
    assert np.abs(refiner.spread(guide, sure) - (0.8, 0.1, 0.1)).max() < 0.02


def test_strands_that_the_matte_before_has_not_are_found(hairy: Hairy, network: refiner.Refiner) -> None:
    known = drawn()
    band = trimap.unknown_in(known)
    before = np.abs(hairy.coarse - hairy.alpha)[band].mean()
    for alpha in (network.refine(hairy.coarse, hairy.rgb), trimap.solve(known, hairy.coarse, hairy.rgb)):
        after = np.abs(alpha - hairy.alpha)[band].mean()
        assert after < STRANDS
        assert before > BETTER * after


def test_hair_is_followed_beyond_the_band_of_doubt(network: refiner.Refiner, monkeypatch: pytest.MonkeyPatch) -> None:
    long = drawn_hair(700, 1.75)
    beyond = (trimap.of_doubt(long.coarse) == 0) & (long.alpha > 0.5)
    assert beyond.sum() > 1000
    followed = network.refine(long.coarse, long.rgb)
    monkeypatch.setattr(refiner, "ROUNDS", 0)
    at_first = network.refine(long.coarse, long.rgb)
    assert not at_first[beyond].any()
    assert followed[beyond].mean() > 0.5
    assert np.abs(followed - long.alpha).mean() < 0.8 * np.abs(at_first - long.alpha).mean()


def test_what_has_the_background_s_colour_and_was_never_seen_is_background() -> None:
    known = np.full((80, 120), 0.5, np.float32)
    known[:, :30], known[:, 90:] = 1, 0
    guide = np.full((80, 120, 3), 200, np.uint8)
    guide[:40] = 30
    guide[:, 90:] = 200
    before = (known == 1).astype(np.float32)
    before[:, 30:50] = 0.6
    nothing = np.zeros_like(known)
    empty = refiner.empty(refiner.Evidence(trimap.Band.of(known, guide), before, nothing, nothing))
    assert (empty[50:, 60:85] == 1).all(), "the wall"
    assert not empty[:30, 60:85].any(), "another colour"
    assert not empty[50:, 32:48].any(), "the wall's colour, but somebody was seen"


def test_a_band_goes_on_where_the_subject_does_not_where_another_thing_or_the_wall_is() -> None:
    known = np.full((90, 300), 0.5, np.float32)
    known[:20], known[70:] = 1, 0
    guide = np.full((90, 300, 3), 200, np.uint8)
    alpha = (known == 1).astype(np.float32)
    for left, top in ((40, 0), (140, 50), (240, 0)):  # hair, a thing that stands by itself, what was only guessed
        alpha[top:70, left : left + 8] = 1
        guide[top:70, left : left + 8] = 30 if left < 200 else 200
    ends = refiner.ends(trimap.Band.of(known, guide), alpha)
    assert set(np.flatnonzero(ends.any(0))) == set(range(40, 48))
    assert np.flatnonzero(ends.any(1)).min() >= 66


def test_an_opened_band_keeps_the_subject() -> None:
    known = np.full((40, 60), 0.5, np.float32)
    known[:, :20], known[:, 40:] = 1, 0
    zone = np.zeros((40, 60), np.bool_)
    zone[:10] = True
    opened = trimap.Band.of(known, np.zeros((40, 60, 3), np.uint8)).opened(zone).trimap()
    known[:10, 40:] = 0.5
    assert np.array_equal(opened, known)


def test_a_ghost_that_the_colours_do_not_bear_out_goes(hairy: Hairy, network: refiner.Refiner) -> None:
    ghost = hairy.coarse.copy()
    ghost[20:60, 300:340] = np.maximum(ghost[20:60, 300:340], 0.3)
    refined = network.refine(ghost, hairy.rgb)
    assert refined[30:50, 310:330].mean() < 0.1


def test_sixteen_bits_give_the_same_matte(hairy: Hairy, network: refiner.Refiner) -> None:
    deep = hairy.rgb.astype(np.uint16) * np.uint16(257)
    assert np.abs(network.refine(hairy.coarse, deep) - network.refine(hairy.coarse, hairy.rgb)).max() < 1e-3


def test_a_large_picture_s_matte_is_found_small_and_follows_its_edges(hairy: Hairy, network: refiner.Refiner) -> None:
    size = (4 * WIDTH, 4 * HEIGHT)
    rgb, coarse, alpha = (
        np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_CUBIC))
        for plane in (hairy.rgb, hairy.coarse, hairy.alpha)
    )
    refined = network.refine(coarse, rgb)
    assert refined.shape == alpha.shape
    assert np.abs(refined - alpha).mean() < 0.7 * np.abs(coarse - alpha).mean()


def test_where_nobody_is_the_matte_stays_as_it_is(network: refiner.Refiner) -> None:
    faint = np.full((120, 160), 0.1, np.float32)
    assert np.array_equal(network.refine(faint, texture(120, 160, (90, 120, 60), 3)), faint)


@pytest.mark.parametrize(("height", "width"), [(299, 419), (256, 384), (HEIGHT, 61)])
def test_what_is_sure_is_exact_whatever_the_size(
    hairy: Hairy, network: refiner.Refiner, height: int, width: int
) -> None:
    left = (WIDTH - width) // 2
    part = slice(0, height), slice(left, left + width)
    rgb, coarse = (np.ascontiguousarray(plane[part]) for plane in (hairy.rgb, hairy.coarse))
    known, alpha = trimap.of_doubt(coarse), network.refine(coarse, rgb)
    assert alpha.shape == (height, width)
    assert alpha.dtype == np.float32
    assert (alpha[known == 0] == 0).all()
    assert (alpha[known == 1] == 1).all()
    assert alpha.min() >= 0
    assert alpha.max() <= 1


def test_the_network_is_loaded_once_and_only_when_it_is_asked_for(hairy: Hairy) -> None:
    engine = Engine("portrait-fast", "cpu", threads=1)
    engine.matte(hairy.rgb)
    with ThreadPoolExecutor(4) as pool:
        loaded = {id(each) for each in pool.map(lambda _: engine.refiner, range(8))}
    assert len(loaded) == 1


def test_a_drawn_trimap_is_kept_exactly_where_it_is_sure(hairy: Hairy, engine: Engine) -> None:
    known = drawn()
    known[:40, :40] = 1
    alpha = engine.matte(hairy.rgb, trimap=known).alpha
    assert (alpha[known == 1] == 1).all()
    assert (alpha[known == 0] == 0).all()


def test_a_trimap_of_another_size_is_refused_in_one_line(hairy: Hairy, engine: Engine) -> None:
    with pytest.raises(PictureError, match=r"expected a trimap of the picture's 420 x 300 pixels, got 100 x 80"):
        engine.matte(hairy.rgb, trimap=np.ones((80, 100), np.float32))


def test_a_trimap_that_is_all_unknown_is_the_networks_own_doubt(hairy: Hairy) -> None:
    unknown = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    assert np.array_equal(trimap.completed(unknown, hairy.coarse), trimap.of_doubt(hairy.coarse))


def test_a_trimap_without_a_subject_takes_the_networks_in_what_is_unknown(hairy: Hairy) -> None:
    known = np.where(drawn() > 0, 0.5, 0).astype(np.float32)
    whole = trimap.completed(known, hairy.coarse)
    assert (whole[known == 0] == 0).all()
    assert whole[HEIGHT // 2, WIDTH // 2] == 1


def test_a_trimap_where_nobody_is_leaves_nobody(engine: Engine) -> None:
    wall = texture(120, 160, (90, 120, 60), 3)
    known = np.full((120, 160), 0.5, np.float32)
    known[:, :20] = 0
    assert engine.matte(wall, trimap=known).alpha.max() < 0.5


def test_the_api_the_command_the_worker_and_an_editors_layer_agree(
    hairy: Hairy, engine: Engine, tmp_path: Path
) -> None:
    known = np.rint(drawn() * 255).astype(np.uint8)
    by_hand = known.astype(np.float32) / 255
    expected = {"trimap": engine.matte(hairy.rgb, trimap=by_hand).alpha}
    expected["refine"] = engine.matte(hairy.rgb, Settings(refine=True)).alpha

    source, painted = tmp_path / "picture.png", tmp_path / "trimap.png"
    cv2.imwrite(str(source), hairy.rgb[..., ::-1])
    cv2.imwrite(str(painted), known)
    code = "from cyclorama_ffmpeg.commands.main import main; main()"
    for name, options in (("trimap", ["--trimap", str(painted)]), ("refine", ["--refine"])):
        matte = tmp_path / f"{name}-matte.png"
        rest = ["-o", str(tmp_path / f"{name}-out.png"), "--model", "portrait-fast", "--device", "cpu"]
        command = [sys.executable, "-c", code, "image", str(source), "--matte", str(matte), *options, *rest]
        subprocess.run(command, check=True, cwd=tmp_path)
        by_command = cv2.imread(str(matte), cv2.IMREAD_GRAYSCALE)
        assert np.abs(by_command - expected[name] * 255).max() <= ROUNDING

    with wire.Client([sys.executable, "-m", "cyclorama.worker"], log=subprocess.DEVNULL) as worker:
        opening = {"op": "open", "session": "1", "model": "portrait-fast", "device": "cpu"}
        worker.request(opening)
        shape = {"session": "1", "height": HEIGHT, "width": WIDTH}
        payload = hairy.rgb.tobytes() + known.tobytes()
        _, of_trimap = worker.request({"op": "matte", **shape, "trimap": True}, payload)
        _, of_layer = worker.request({"op": "layer", **shape, "planes": ["trimap"]}, payload)
        worker.request({**opening, "settings": {"refine": True}})
        _, of_doubt = worker.request({"op": "matte", **shape}, hairy.rgb.tobytes())
    for name, plane in (("trimap", of_trimap), ("trimap", of_layer), ("refine", of_doubt)):
        by_worker = np.frombuffer(plane, np.uint8).reshape(HEIGHT, WIDTH)
        assert np.abs(by_worker - expected[name] * 255).max() <= ROUNDING

    layer = find_subject(engine.session(), Layer(hairy.rgb, trimap=by_hand), lambda _: None)
    assert np.array_equal(layer, expected["trimap"])


def test_a_trimap_is_for_one_picture(hairy: Hairy, tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "trimap.png"):
        cv2.imwrite(str(tmp_path / name), hairy.rgb[..., ::-1])
    code = "from cyclorama_ffmpeg.commands.main import main; main()"
    command = [sys.executable, "-c", code, "image", "a.png", "b.png", "--trimap", "trimap.png", "-o", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "--trimap is for one picture, got 2" in done.stderr
    assert not (tmp_path / "out").exists()
