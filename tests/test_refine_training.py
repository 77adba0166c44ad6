"""Drawn hair, and training of the `refine` network on made data. Training needs the extra `train`."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pytest

from cyclorama.errors import ModelError, SettingError
from cyclorama.matting.onnx import load
from cyclorama.refiner import Refiner
from cyclorama_training.data import Person
from cyclorama_training.hair import JOINTS, LARGER, Head, draw, over, shrink
from cyclorama_training.hair_grown import grown
from cyclorama_training.refine_material import PLANES, Composite, RefineRecipe, made, rooms_of
from made import disc
from made_people import person, write_data

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'cyclorama[train]'")
for package in ("onnxscript", "tensorboard", "lightning_fabric"):
    pytest.importorskip(package, reason="the extra `train` is not installed: pip install 'cyclorama[train]'")


from safetensors.torch import save_file  # noqa: E402

from cyclorama_training import entry  # noqa: E402
from cyclorama_training.refine_compose import GIVEN, Crops, crop_of, stacked, truth_of, whole  # noqa: E402
from cyclorama_training.refine_losses import Truth, laplacian, refine_loss  # noqa: E402
from cyclorama_training.refine_network import RefineNetwork, fused  # noqa: E402

PORTRAIT = Path(str(resources.files("cyclorama_weights").joinpath("portrait.safetensors")))
SIDE = 64  # pixels of a crop
LEVELS = 1.5  # of 255: two roundings
MOST_BYTES = 20e6  # of a network that ships
RECIPE = """
kind = "refine"
[data]
rooms = "rooms"
composites = 3
held_back = 2
sides = [128, 160]
own_share = 0.3
[data.people]
"people/portraits" = 1
[train]
seed = 1
steps = 36
batch = 1
side = 64
rate = 1e-3
encoder_rate_share = 0.2
decoder_rate_share = 0.4
cooldown = 0.3
weight_decay = 1e-4
ema_decay = 0.9
validate_every = 12
precision = "float32"
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_data(tmp_path_factory.mktemp("data"))
    (folder / "refine.toml").write_text(RECIPE)
    return folder


@pytest.fixture(scope="module")
def recipe(root: Path) -> RefineRecipe:
    return RefineRecipe.read(root / "refine.toml")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("material")


@pytest.fixture(scope="module")
def composites(root: Path, recipe: RefineRecipe, folder: Path) -> list[Composite]:
    return made(recipe, root, "train", folder, rooms_of(recipe, root, "train"), print)


def test_drawn_strands_mix_with_what_is_behind_them_as_their_alpha_says() -> None:
    rng = np.random.default_rng(0)
    paths = np.cumsum(rng.normal(0, 2, (60, JOINTS, 2)), axis=1) + 30
    canvas = np.zeros((60 * LARGER, 60 * LARGER, 4), np.uint8)
    draw(rng, canvas, paths, np.full((60, 3), (120, 80, 40.0)), 0.8, (0, 0))
    behind = np.array([30, 200, 220], np.float32)
    large = canvas[..., :3] + behind * (1 - canvas[..., 3:] / 255.0)
    seen = cv2.resize(large, (60, 60), interpolation=cv2.INTER_AREA)
    colours, alpha = shrink(canvas)
    mixed = alpha[..., None] * colours + (1 - alpha[..., None]) * behind
    assert ((alpha > 0.05) & (alpha < 0.95)).mean() > 0.05
    assert np.abs(mixed - seen).max() < LEVELS


def test_one_cut_out_over_another_is_both_over_any_room() -> None:
    rng = np.random.default_rng(1)
    (f, a), (g, b) = ((rng.uniform(0, 255, (20, 30, 3)), rng.uniform(0, 1, (20, 30))) for _ in range(2))
    room = np.full((20, 30, 3), 77.0)
    step = b[..., None] * g + (1 - b[..., None]) * room
    colours, alpha = over((f, a), (g, b))
    at_once = alpha[..., None] * colours + (1 - alpha[..., None]) * room
    assert np.allclose(at_once, a[..., None] * f + (1 - a[..., None]) * step, atol=0.2)


def test_the_head_is_found_at_the_top_of_a_silhouette() -> None:
    solid = (disc(300, 200, radius=40, softness=1, centre=(80, 110)) > 0.5).astype(np.uint8)
    solid[110:, 60:160] = 1
    head = Head.of(solid)
    assert abs(head.x - 110) < 6
    assert abs(head.y - 80) < 12
    assert abs(head.radius - 40) < 6


def test_people_get_hair_around_what_was_solid_and_the_same_at_every_call() -> None:
    someone: Person = person(2)
    foreground, alpha = grown(np.random.default_rng(5), someone, 320)
    again = grown(np.random.default_rng(5), someone, 320)
    assert np.array_equal(foreground, again[0])
    assert np.array_equal(alpha, again[1])
    assert alpha.shape == (320, 256)
    inside = cv2.resize(someone.alpha, (256, 320)) > 250
    assert alpha[cv2.erode(inside.astype(np.uint8), np.ones((15, 15))) > 0].min() > 250
    assert ((alpha > 20) & (alpha < 235)).mean() > 0.01, "there is something soft"


def test_composites_are_mixtures_of_their_own_parts(composites: list[Composite]) -> None:
    for composite in composites:
        height, width = composite.planes.shape[:2]
        planes = composite.part(slice(0, height), slice(0, width))
        assert {name: plane.shape[2] for name, plane in planes.items()} == PLANES
        a = planes["alpha"]
        noise = np.abs(a * planes["foreground"] + (1 - a) * planes["background"] - planes["rgb"])
        assert np.median(noise) < 0.05, "noise and JPEG"


def test_crops_hold_something_unknown_and_are_told_how_far_what_is_sure_is(composites: list[Composite]) -> None:
    for number in range(8):
        crop = crop_of(np.random.default_rng(number), composites[number % len(composites)], SIDE)
        assert all(plane.shape[:2] == (SIDE, SIDE) for plane in crop.values())
        unknown, trimap = crop["unknown"][..., 0], crop["trimap"][..., 0]
        assert unknown.max() == 1
        assert ((crop["distances"][..., 0] == 0) == (trimap == 0)).all()
        assert ((crop["distances"][..., 1] == 0) == (trimap == 1)).all()


def test_a_picture_smaller_than_a_crop_is_filled_up_with_what_does_not_count(composites: list[Composite]) -> None:
    small = Composite(composites[0].planes[:40, :50])
    crop = crop_of(np.random.default_rng(1), small, SIDE)
    assert crop["rgb"].shape == (SIDE, SIDE, 3)
    filled = whole(small)
    assert filled["rgb"].shape == (64, 64, 3)
    assert not filled["unknown"][40:].any()
    assert not filled["unknown"][:, 50:].any()


def test_composites_are_not_made_twice(composites: list[Composite], recipe: RefineRecipe, folder: Path) -> None:
    again = made(recipe, folder / "nothing", "train", folder, [], pytest.fail)
    assert [np.array_equal(a.planes, b.planes) for a, b in zip(composites, again, strict=True)] == [True] * 3


def test_batches_do_not_depend_on_where_a_run_goes_on(composites: list[Composite], recipe: RefineRecipe) -> None:
    ahead = list(Crops(recipe, composites, 32))
    assert len(ahead) == 4
    one, two = ahead[2], Crops(recipe, composites, 0).batch(34)
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_the_network_begins_with_the_matte_that_trusts_the_one_before(composites: list[Composite]) -> None:
    network = RefineNetwork()
    network.start_from(PORTRAIT)
    given, truth = truth_of(stacked([whole(composites[0])]))
    with torch.inference_mode():
        alpha, foreground, _, _ = network.train()(*given)
    assert (alpha - given[GIVEN.index("trusting")].clamp(0.02, 0.98)).abs().max() < 1e-4
    assert (foreground - truth.rgb).abs().max() < 1e-4


def test_weights_of_another_network_are_refused_in_one_line(tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    save_file({"something": torch.zeros(3)}, other)
    with pytest.raises(ModelError, match=r"other\.safetensors: expected the \.safetensors of `portrait`"):
        RefineNetwork().start_from(other)


def test_fusion_makes_alpha_and_colours_agree_with_the_picture() -> None:
    torch.manual_seed(0)
    foreground, background, alpha = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16), torch.rand(1, 1, 16, 16)
    rgb = alpha * foreground + (1 - alpha) * background
    same = fused(alpha, rgb, foreground, background)
    for found, true in zip(same, (alpha, foreground, background), strict=True):
        assert (found - true).abs().max() < 1e-4, "what agrees stays"
    wrong = (alpha + 0.2 * torch.randn_like(alpha)).clamp(0, 1)
    better = fused(wrong, rgb, foreground, background)

    def apart(a: torch.Tensor, f: torch.Tensor, b: torch.Tensor) -> float:
        return float((a * f + (1 - a) * b - rgb).abs().mean())

    assert apart(*better) < 0.3 * apart(wrong, foreground, background)


def test_the_loss_is_nothing_at_the_truth_and_blind_to_what_is_known() -> None:
    torch.manual_seed(0)
    a, f, b = torch.rand(2, 1, 32, 32), torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    unknown = torch.zeros(2, 1, 32, 32)
    unknown[..., 8:20, 8:20] = 1
    truth = Truth(a * f + (1 - a) * b, a, f, b, unknown)
    assert float(refine_loss(a, f, b, a, truth)) < 1e-5
    beside = a + (1 - unknown)
    assert float(refine_loss(beside, f, b, beside, truth)) < 1e-5
    assert float(refine_loss(a + 0.1, f, b, a, truth)) > 0.1
    assert float(laplacian(torch.full((1, 7, 32, 32), 0.5)).abs().max()) < 1e-5, "a pyramid sees no constant"


def test_a_run_learns_with_batches_of_one_goes_on_and_ships(root: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    short = tmp_path / "short.toml"
    short.write_text(RECIPE.replace("steps = 36", "steps = 12"))
    entry.train(str(short), root, run, start=None, device="cpu", workers=0)
    line = entry.train(str(root / "refine.toml"), root, run, start=None, device="cpu", workers=0)
    assert "Grad" in line
    notes = [json.loads(text) for text in (run / "log.jsonl").read_text().splitlines()]
    assert [note["step"] for note in notes if "mad" in note] == [12, 24, 36]
    measured = [note["grad"] + note["conn"] for note in notes if "mad" in note]
    assert measured[-1] < 0.95 * measured[0]

    target = tmp_path / "refine.onnx"
    assert 'file = "refine.onnx"' in entry.export(run / "best.pt", target)
    assert target.stat().st_size < MOST_BYTES
    someone = person(2)
    before = cv2.GaussianBlur(someone.alpha, (0, 0), 3).astype(np.float32) / 255
    alpha = Refiner(load(target, device="cpu", threads=1)).refine(before, someone.foreground)
    assert alpha.shape == before.shape
    assert 0 <= alpha.min() < 0.01
    assert 0.99 < alpha.max() <= 1


def test_a_preview_shows_what_the_network_will_see(root: Path, tmp_path: Path) -> None:
    target = tmp_path / "sheet.png"
    entry.preview(str(root / "refine.toml"), root, target)
    page = cv2.imread(str(target))
    assert page.shape[0] > 6 * SIDE
    assert page.std() > 20


def test_a_recipe_with_a_missing_key_says_which(tmp_path: Path) -> None:
    path = tmp_path / "refine.toml"
    path.write_text(RECIPE.replace('rooms = "rooms"\n', ""))
    with pytest.raises(SettingError, match="rooms"):
        RefineRecipe.read(path)
