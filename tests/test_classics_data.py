"""What the classics are trained on: AISegment's folders, COCO's annotations, splits, and more pictures out of few."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from cyclorama.errors import MediaError, SettingError
from cyclorama_ffmpeg.commands.main import app
from cyclorama_training import coco, entry
from cyclorama_training.augment import CHANGES, Augmentation
from cyclorama_training.data import PEOPLE_HELD_BACK, split_of
from cyclorama_training.examples import Marked, Table, fitted, gather, part_of
from made import texture
from made_people import HEIGHT, WIDTH, figure, grey, photograph, write, write_data

SQUARE = [10.0, 5.0, 30.0, 5.0, 30.0, 25.0, 10.0, 25.0]  # 20 x 20 pixels
TURNED = 2.0  # levels: rounding of the same interpolation in three channels and in one


def annotation(image: int, segmentation: Any, *, category: int = 1, crowd: int = 0) -> dict[str, Any]:
    return {"image_id": image, "category_id": category, "segmentation": segmentation, "iscrowd": crowd}


def write_coco(root: Path, annotations: list[dict[str, Any]], names: list[str]) -> Table:
    """Pictures of 60 x 40 with these annotations; the image ids are the numbers of the names."""
    images = [{"id": i, "file_name": f"{name}.jpg", "height": 40, "width": 60} for i, name in enumerate(names)]
    for name in names:
        write(root / f"pictures/{name}.jpg", texture(40, 60, (90, 120, 60), len(name)))
    categories = [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}]
    (root / "found.json").write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    return Table("coco", "pictures", annotations="found.json", people=(1, 2), covered=(0.1, 0.7))


def runs_of(mask: NDArray[np.uint8]) -> list[int]:
    """Run lengths down the columns, the first one outside."""
    flat = (mask.T.reshape(-1) > 0).astype(np.int8)
    edges = np.flatnonzero(np.diff(flat, prepend=0))
    return np.diff([0, *edges.tolist(), flat.size]).tolist()


def compressed(counts: list[int]) -> str:
    """As COCO's tools write them: five bits a letter, a sixth that says whether there are more."""
    text = ""
    for index, count in enumerate(counts):
        value = count - (counts[index - 2] if index > 2 else 0)
        while True:
            bits = value & 31
            value >>= 5
            more = value != (-1 if bits & 16 else 0)
            text += chr((bits | (32 if more else 0)) + 48)
            if not more:
                break
    return text


def test_aisegments_folders_are_read_with_the_alpha_of_their_cut_outs(tmp_path: Path) -> None:
    base = tmp_path / "aisegment"
    for name in ("1803-001", "1803-002", "1803-003"):
        write(base / f"clip_img/1803/clip_00000000/{name}.jpg", photograph(1))
    cut_out = np.dstack([photograph(1), grey(figure())])
    for name in ("1803-001", "1803-003"):  # the second has no matte
        write(base / f"matting/1803/matting_00000000/{name}.png", cut_out)
    examples = list(Table("aisegment", "aisegment").examples(tmp_path))
    assert [e.group for e in examples] == ["aisegment/1803-001", "aisegment/1803-003"]
    marked = examples[0].load()
    assert marked.rgb.shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(marked.alpha, grey(figure()))
    assert not marked.apart


def test_a_matte_of_another_size_than_its_picture_is_named(tmp_path: Path) -> None:
    write(tmp_path / "people/a/images/one.png", photograph(1))
    write(tmp_path / "people/a/mattes/one.png", grey(figure())[:40])
    (example,) = Table("folders", "people").examples(tmp_path)
    with pytest.raises(MediaError, match=rf"one\.png: expected a matte of \({WIDTH}, {HEIGHT}\)"):
        example.load()


def test_cocos_polygons_and_run_lengths_give_the_same_masks() -> None:
    painted = coco.mask([SQUARE], 40, 60)
    assert painted[5:25, 10:30].min() == 255
    assert (painted > 0).mean() == pytest.approx(400 / 2400, abs=42 / 2400)  # an edge pixel to one side or the other
    uneven = painted.copy()
    uneven[30:, 50:] = 255
    counts = runs_of(uneven)
    assert np.array_equal(coco.mask({"size": [40, 60], "counts": counts}, 40, 60), uneven)
    text = compressed(counts)
    assert coco.decompressed(text) == counts
    assert np.array_equal(coco.mask({"size": [40, 60], "counts": text}, 40, 60), uneven)
    # One person in two pieces: where they meet they do not cancel each other.
    assert np.array_equal(coco.mask([SQUARE, SQUARE], 40, 60), painted)


def test_coco_is_filtered_to_few_people_who_cover_enough(tmp_path: Path) -> None:
    speck = [[1.0, 1.0, 4.0, 1.0, 4.0, 4.0]]
    right = [[p + 25 * (i % 2 == 0) for i, p in enumerate(SQUARE)]]
    found = [
        annotation(0, [SQUARE]),
        annotation(0, right),
        annotation(1, speck),  # too small
        *(annotation(2, [SQUARE]) for _ in range(3)),  # too many
        annotation(3, [SQUARE], category=2),  # a dog
        annotation(4, [SQUARE]),
        annotation(4, {"size": [40, 60], "counts": [0, 600, 1800]}, crowd=1),
        annotation(5, [SQUARE]),
        annotation(5, [SQUARE], category=2),
    ]
    table = write_coco(tmp_path, found, ["two", "speck", "many", "dog", "crowd", "one"])
    examples = {e.group: e.load() for e in table.examples(tmp_path)}
    assert sorted(examples) == ["coco/one", "coco/two"]
    two = examples["coco/two"]
    assert two.apart
    assert two.alphas.shape == (2, 40, 60)
    assert two.alpha[15, 15] == two.alpha[15, 40] == 255
    assert two.alpha[35, 5] == 0


def test_what_is_no_file_of_annotations_is_said(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"images": []}')
    for name in ("other.json", "missing.json"):
        with pytest.raises(MediaError, match="expected a file of COCO's annotations"):
            list(coco.read(tmp_path / name))
    with pytest.raises(SettingError, match="annotations are COCO's"):
        Table("coco", "pictures")
    with pytest.raises(SettingError, match="expected kind = 'folders' or 'aisegment' or 'coco', got 'zip'"):
        Table("zip", "pictures")


def test_splits_are_by_name_and_hold_back_whom_the_evaluation_shows() -> None:
    names = [f"street/{i:04}" for i in range(5000)]
    for split in ((7, 2, 1), (8, 2, 0), (9, 1, 0)):
        parts = Counter(part_of(name, split) for name in names)
        for part, tenths in zip(("train", "validation", "test"), split, strict=True):
            assert parts[part] / len(names) == pytest.approx(tenths / 10, abs=0.02)
        held_back = [name for name in names if split_of(name, PEOPLE_HELD_BACK) == "validation"]
        assert held_back
        assert all(part_of(name, split) != "train" for name in held_back)


def test_what_is_not_in_the_data_folder_is_left_out_and_nothing_at_all_is_said(tmp_path: Path) -> None:
    tables = [Table("aisegment", "aisegment"), Table("folders", "people")]
    with pytest.raises(SettingError, match=r"aisegment \(aisegment\), people \(folders\); got 0 to train on"):
        gather(tables, tmp_path, (7, 2, 1))
    parts = gather(tables, write_data(tmp_path, count=30), (7, 2, 1))
    assert sum(len(examples) for examples in parts.values()) == 30


class TestAugmentation:
    """Pictures whose red is their alpha: where one goes the other has to."""

    @pytest.fixture
    def marked(self) -> Marked:
        alpha = grey(figure())
        return Marked(np.dstack([alpha, photograph(1)[..., 1:]]), alpha[None], apart=False)

    @pytest.mark.parametrize("name", ["flip", "turn"])
    def test_masks_move_with_their_pictures(self, marked: Marked, name: str) -> None:
        moved = CHANGES[name](marked, np.random.default_rng(3), 30.0)
        assert not np.array_equal(moved.alpha, marked.alpha)
        assert np.abs(moved.rgb[..., 0].astype(int) - moved.alpha).max() <= TURNED

    def test_colours_and_holes_leave_masks_as_they_are(self, marked: Marked) -> None:
        for name in ("grey", "shuffle", "holes"):
            changed = CHANGES[name](marked, np.random.default_rng(4), 0.0)
            assert np.array_equal(changed.alpha, marked.alpha)
            assert not np.array_equal(changed.rgb, marked.rgb)
        assert np.ptp(CHANGES["grey"](marked, np.random.default_rng(4), 0.0).rgb, axis=2).max() == 0

    def test_five_versions_make_six_pictures_of_one(self, marked: Marked) -> None:
        augmentation = Augmentation(versions=("flip", "grey", "shuffle", "holes", "turn"), turn_degrees=45)
        assert augmentation.factor == 6
        made = [augmentation.apply(marked, i, np.random.default_rng(5)).rgb.tobytes() for i in range(6)]
        assert len(set(made)) == 6
        assert made[0] == marked.rgb.tobytes()

    def test_chances_are_kept(self, marked: Marked) -> None:
        augmentation = Augmentation(chances={"flip": 0.25})
        plain = marked.rgb.tobytes()
        drawn = [augmentation.apply(marked, 0, np.random.default_rng(seed)).rgb.tobytes() for seed in range(400)]
        assert np.mean([d != plain for d in drawn]) == pytest.approx(0.25, abs=0.06)

    def test_an_unknown_change_is_named(self) -> None:
        with pytest.raises(SettingError, match=r"augment: expected any of flip, .*; got mirror"):
            Augmentation(versions=("mirror",))


def test_pictures_are_stretched_with_each_persons_mask() -> None:
    alphas = np.stack([grey(figure()), grey(figure())[::-1]])
    small = fitted(Marked(photograph(2), alphas, apart=True), 32, 48)
    assert small.rgb.shape == (32, 48, 3)
    expected = cv2.resize(alphas[1], (48, 32), interpolation=cv2.INTER_AREA)
    assert np.array_equal(small.alphas[1], expected)


@pytest.mark.parametrize(
    ("package", "extra"),
    [("segmentation_models_pytorch", "classics"), ("torchvision.models", "classics"), ("lightning_fabric", "train")],
)
def test_a_missing_package_is_named_with_its_extra(package: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> str:
        raise ModuleNotFoundError(name=package)

    monkeypatch.setattr(entry, "train", fails)
    result = CliRunner().invoke(app, ["train", "tiramisu", "--data", "."])
    assert isinstance(result.exception, SettingError)
    assert str(result.exception) == f"this needs the package {package}: pip install 'cyclorama[{extra}]'"
