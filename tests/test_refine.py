"""Trimaps, and the network that finds what they leave open: in tiles, through the API, the command and the worker."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama import Engine, PictureError, Settings, trimap, weights, wire
from cyclorama.layers import Layer, find_subject
from cyclorama.matting.onnx import LoadedModel, load
from cyclorama.matting.refiner import FADE, STRIDE, Refiner, create, tiles
from made import disc, texture

HEIGHT, WIDTH = 300, 420
SEAM = 4 / 255  # by how much a pixel may differ between tiles and the whole: the network sees a little less around it
ROUNDING = 1  # levels of 255
# Mean error of the strands' band by the network, and the least by which that of the matte before is larger.
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
    rng = np.random.default_rng(4)
    large = np.zeros((4 * HEIGHT, 4 * WIDTH), np.uint8)
    centre, radius = (2 * WIDTH, 2 * HEIGHT), 4 * 80
    cv2.circle(large, centre, radius, 255, -1, cv2.LINE_AA)
    for angle in rng.uniform(0, 2 * np.pi, 260):
        bend = np.linspace(angle, angle + rng.normal(0, 0.12), 8)
        reach = np.linspace(0.9, rng.uniform(1.08, 1.3), 8) * radius
        points = np.column_stack([np.cos(bend), np.sin(bend)]) * reach[:, None] + centre
        cv2.polylines(large, [np.rint(points).astype(np.int32)], False, 255, int(rng.integers(2, 6)), cv2.LINE_AA)
    alpha = cv2.resize(large, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    a = alpha[..., None]
    mixed = texture(HEIGHT, WIDTH, (60, 40, 30), 1, 3) * a + texture(HEIGHT, WIDTH, (150, 190, 215), 2, 3) * (1 - a)
    coarse = cv2.GaussianBlur(disc(HEIGHT, WIDTH, radius=86, softness=3), (0, 0), 2)
    return Hairy(np.rint(mixed).astype(np.uint8), alpha, coarse)


@pytest.fixture(scope="module")
def refiner() -> Refiner:
    return create(device="cpu", threads=1)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("portrait-fast", "cpu", threads=1)


def drawn() -> Plane:
    """What a careful hand draws: white inside, black far outside."""
    inside, outside = disc(HEIGHT, WIDTH, radius=70, softness=1), disc(HEIGHT, WIDTH, radius=110, softness=1)
    return np.where(inside > 0.5, 1, np.where(outside > 0.5, 0.5, 0)).astype(np.float32)


@dataclass
class Flat:
    """A session that says the same alpha everywhere, and counts how often it is asked."""

    value: float = 0.37
    sizes: list[tuple[int, ...]] = field(default_factory=list)

    def run(self, names: list[str], feeds: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        assert names == ["alpha"]
        assert feeds["rgb"].shape[:3] == feeds["distances"].shape[:3] == feeds["before"].shape
        self.sizes.append(feeds["rgb"].shape[1:3])
        return [np.full(feeds["rgb"].shape[:3], self.value, np.float32)]


def flat(tile_px: int) -> tuple[Refiner, Flat]:
    session = Flat()
    return Refiner(LoadedModel(session, "cpu", ""), tile_px), session  # type: ignore[arg-type]


def test_the_band_of_doubt_is_as_wide_as_asked_on_either_side() -> None:
    alpha = (disc(200, 200, radius=50, softness=1) > 0.5).astype(np.float32)
    known = trimap.from_alpha(alpha, 20, 8)
    row = known[100, 100:]
    assert (row[:40] == 1).all()
    assert (row[45:66] == 0.5).all()
    assert (row[74:] == 0).all()


def test_a_large_picture_has_the_same_band_in_its_own_scale() -> None:
    small = disc(200, 300, radius=60, softness=4)
    large = cv2.resize(small, (2400, 1600), interpolation=cv2.INTER_LINEAR)
    shares = [float(trimap.unknown_in(trimap.of_doubt(alpha)).mean()) for alpha in (small, large)]
    assert abs(shares[0] - shares[1]) < 0.01


def test_distances_are_told_of_what_is_there_and_are_far_where_there_is_none() -> None:
    known = np.full((40, 60), 0.5, np.float32)
    known[:, :10] = 0
    near = trimap.distances(known)
    assert near.shape == (40, 60, 2)
    assert near[20, 5, 0] == 0
    assert near[20, 19, 0] == pytest.approx(10, rel=0.03)
    assert (near[..., 1] == trimap.FAR).all()


@pytest.mark.parametrize("shape", [(16, 16), (40, 700), (256, 257), (530, 1000)])
def test_neighbouring_tiles_share_each_pixel_and_together_make_one(shape: tuple[int, int]) -> None:
    total = np.zeros(shape, np.float32)
    for tile in tiles(np.ones(shape, bool), 128):
        total[tile.place] += tile.share()
    assert np.abs(total - 1).max() < 1e-6


def test_only_tiles_with_something_unknown_are_looked_at() -> None:
    known = np.zeros((600, 900), np.float32)
    known[80:90, 100:110] = 1
    known[90:105, 100:110] = 0.5
    refiner, session = flat(128)
    alpha = refiner.solve(known, np.zeros((600, 900, 3), np.uint8))
    assert len(session.sizes) == 1
    assert all(side % STRIDE == 0 for side in session.sizes[0])
    assert np.allclose(alpha[90:105, 100:110], session.value)
    assert (alpha[80:90, 100:110] == 1).all()
    assert alpha.sum() == pytest.approx(100 + 150 * session.value, rel=1e-5)


def test_a_pixel_where_four_tiles_meet_is_no_different_from_others() -> None:
    refiner, session = flat(128)
    alpha = refiner.solve(np.full((256, 256), 0.5, np.float32), np.zeros((256, 256, 3), np.uint16))
    assert len(session.sizes) == 4
    assert FADE > 0
    assert np.abs(alpha - session.value).max() < 1e-6


def test_tiles_have_no_seam(hairy: Hairy) -> None:
    known = drawn()
    model = load(weights.path("refine"), device="cpu", threads=1)
    whole, parts = (Refiner(model, tile_px).solve(known, hairy.rgb) for tile_px in (512, 128))
    assert np.abs(whole - parts).max() < SEAM


def test_strands_that_the_matte_before_has_not_are_found(hairy: Hairy, refiner: Refiner) -> None:
    known = drawn()
    band = trimap.unknown_in(known)
    before = np.abs(hairy.coarse - hairy.alpha)[band].mean()
    for alpha in (refiner.solve(known, hairy.rgb), trimap.solve(known, hairy.coarse, hairy.rgb)):
        after = np.abs(alpha - hairy.alpha)[band].mean()
        assert after < STRANDS
        assert before > BETTER * after


def test_the_network_keeps_a_trimap_exactly_where_it_is_sure(hairy: Hairy, refiner: Refiner) -> None:
    known = drawn()
    known[:40, :40] = 1  # against all reason
    alpha = refiner.solve(known, hairy.rgb, hairy.coarse)
    assert (alpha[known == 1] == 1).all()
    assert (alpha[known == 0] == 0).all()
    assert alpha.min() >= 0
    assert alpha.max() <= 1


def test_sixteen_bits_give_the_same_matte(hairy: Hairy, refiner: Refiner) -> None:
    deep = hairy.rgb.astype(np.uint16) * np.uint16(257)
    assert np.abs(refiner.refine(hairy.coarse, deep) - refiner.refine(hairy.coarse, hairy.rgb)).max() < 1e-4


def test_where_nobody_is_the_matte_stays_as_it_is(refiner: Refiner) -> None:
    faint = np.full((120, 160), 0.1, np.float32)
    assert np.array_equal(refiner.refine(faint, texture(120, 160, (90, 120, 60), 3)), faint)


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
