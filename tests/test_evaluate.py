"""`cyclorama evaluate` on made people, with made networks beside the keyer."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

pytest.importorskip("onnx", reason="the extra `train` is not installed: pip install 'cyclorama[train]'")

from typer.testing import CliRunner

import made_networks as networks
from cyclorama.errors import ModelError, OutputError, SettingError
from cyclorama.matting.onnx_file import OnnxFile
from cyclorama.types import Rgb
from cyclorama_ffmpeg.commands.main import app
from cyclorama_training import slices
from cyclorama_training.clips import clips
from cyclorama_training.compose import Composer
from cyclorama_training.contender import Shipped, channels, contenders
from cyclorama_training.data import box_of
from cyclorama_training.evaluate import BARS, TIMED, Material
from cyclorama_training.recipe import Recipe
from cyclorama_training.speed import interleaved, macs_of, parameters_of, speeds
from cyclorama_training.validate import ValidationSet
from made_people import person, room, write_data

# Red is at 0.4, the picture's other values anywhere.
COLOUR = np.full((30, 40, 3), (102, 7, 200), np.uint8)
DIFFERENCE = 1e-4  # of alpha, by rounding


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer([person(i, name=f"portraits/{i:03}") for i in range(6)], [room(i) for i in range(3)])


@pytest.fixture(scope="module")
def run(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str, dict[str, Any]]:
    """What the command printed, the report, and the figures."""
    folder = tmp_path_factory.mktemp("out")
    red = networks.red_floats(folder / "<red> & more.onnx", 48, 64)
    page, figures = folder / "report.html", folder / "figures.json"
    options = ["--data", root, "--recipe", root / "recipe.toml", "--report", page, "--json", figures]
    result = CliRunner().invoke(app, ["evaluate", "green-screen", *map(str, (red, *options))])
    assert result.exit_code == 0, result.exception
    return result.stdout, page.read_text("utf-8"), json.loads(figures.read_text("utf-8"))


class TestOnnxFiles:
    @pytest.mark.parametrize("make", [networks.red_floats, networks.red_bytes])
    def test_pictures_go_in_as_the_graph_wants_them(self, make: Callable[[Path], Path], tmp_path: Path) -> None:
        alpha, memory = OnnxFile(make(tmp_path / "red.onnx")).step(COLOUR, None)
        assert alpha.shape == (30, 40)
        assert alpha.dtype == np.float32
        assert np.abs(alpha - 0.4).max() < DIFFERENCE
        assert list(memory) == []

    def test_a_graph_of_one_size_gets_it_and_alpha_comes_back_in_the_pictures(self, tmp_path: Path) -> None:
        file = OnnxFile(networks.red_floats(tmp_path / "fixed.onnx", 32, 48))
        assert file.layout.size_for(720, 1280) == (32, 48)
        halves = np.zeros((64, 96, 3), np.uint8)
        halves[:, 48:] = 255
        alpha, _ = file.step(halves, None)
        assert alpha.shape == (64, 96)
        assert alpha[:, :46].max() == 0
        assert alpha[:, 50:].min() == 1

    def test_floats_are_normalised_as_one_says(self, tmp_path: Path) -> None:
        path = networks.red_floats(tmp_path / "red.onnx")
        alpha, _ = OnnxFile(path, mean=(0.3, 0, 0), std=(0.5, 1, 1)).step(COLOUR, None)
        assert np.abs(alpha - (0.4 - 0.3) / 0.5).max() < DIFFERENCE

    def test_a_stream_remembers_and_the_next_one_starts_anew(self, tmp_path: Path) -> None:
        file = OnnxFile(networks.counting(tmp_path / "rvm.onnx"))
        assert file.layout.ratio
        assert file.layout.size_for(300, 400) == (300, 400)
        (contender,) = contenders([str(file.path)], device="cpu", threads=1, mean=(0.0,), std=(1.0,))
        for _ in range(2):
            stream = contender.stream()
            assert [round(float(stream(COLOUR).mean()), 2) for _ in range(3)] == [0.25, 0.5, 0.75]

    def test_a_memory_is_as_large_as_its_name_says(self, tmp_path: Path) -> None:
        theirs = OnnxFile(networks.counting(tmp_path / "rvm.onnx")).layout
        ours = OnnxFile(networks.counting(tmp_path / "ours.onnx", "memory_16", 8)).layout
        assert [m.shape for m in theirs.start(288, 512)] == [(1, 1, 1, 1)]
        assert [m.shape for m in ours.start(288, 512)] == [(1, 8, 18, 32)]

    def test_networks_of_a_free_size_work_at_a_long_side_of_512(self, tmp_path: Path) -> None:
        file = OnnxFile(networks.red_bytes(tmp_path / "red.onnx"))
        assert file.layout.size_for(720, 1280) == (288, 512)

    @pytest.mark.parametrize(
        ("make", "why"),
        [
            (networks.two_outputs, "expected one output of one channel, the alpha, got left"),
            (networks.words, r"expected an input \(1, 3, H, W\) or \(1, H, W, 3\)"),
        ],
    )
    def test_another_layout_is_refused_in_one_line(
        self, make: Callable[[Path], Path], why: str, tmp_path: Path
    ) -> None:
        with pytest.raises(ModelError, match=why) as raised:
            OnnxFile(make(tmp_path / "other.onnx"))
        assert "\n" not in str(raised.value)

    def test_what_is_no_alpha_is_refused(self, tmp_path: Path) -> None:
        file = OnnxFile(networks.red_floats(tmp_path / "red.onnx"), mean=(0.9, 0, 0))
        with pytest.raises(ModelError, match=r"expected alpha \(H, W\) from 0 to 1"):
            file.step(COLOUR, None)

    def test_models_are_found_by_name_or_file_and_have_names_of_their_own(self, tmp_path: Path) -> None:
        def load(*models: object) -> object:
            return contenders([str(m) for m in models], device="cpu", threads=1, mean=(0.0,), std=(1.0,))

        path = networks.red_floats(tmp_path / "red.onnx")
        with pytest.raises(ModelError, match=r"or an \.onnx file; got 'nothing'"):
            load("nothing")
        with pytest.raises(ModelError, match="no such file"):
            load(tmp_path / "none.onnx")
        with pytest.raises(SettingError, match="models of different names"):
            load(path, path)

    def test_a_mean_is_one_number_or_three(self) -> None:
        assert channels("0.5") == (0.5,)
        assert channels("0.485, 0.456,0.406") == (0.485, 0.456, 0.406)
        for wrong in ("", "a", "1,2"):
            with pytest.raises(SettingError, match="expected a number, or three with commas"):
                channels(wrong)


class TestCost:
    def test_the_work_of_three_operators_is_counted_by_hand(self, tmp_path: Path) -> None:
        path = networks.convolutions(tmp_path / "counted.onnx")
        # 4 x 16 x 24 values, each of 3 x 3 x 3; as many, each of 1 x 3 x 3; 4 x 16 x 24 values, each spread over 2 x 2
        assert macs_of(path, 32, 48) == 1536 * 27 + 1536 * 9 + 1536 * 4
        assert parameters_of(path) == 4 * 27 + 4 + 4 * 9 + 4 * 4

    def test_a_matrix_product_counts_too(self, tmp_path: Path) -> None:
        assert macs_of(networks.red_bytes(tmp_path / "red.onnx"), 32, 64) == 32 * 64 * 3

    def test_times_are_taken_in_turns(self) -> None:
        called: list[str] = []
        times = interleaved({name: lambda name=name: called.append(name) for name in "ab"})  # type: ignore[misc]
        assert called == ["a", "b"] * (len(called) // 2)
        assert times.keys() == {"a", "b"}


class TestMaterial:
    def test_it_is_the_same_every_time(self, composer: Composer) -> None:
        one, two = Material.compose(composer), Material.compose(composer)
        assert [p.name for p in one.pictures] == [p.name for p in two.pictures]
        assert all((a.rgb == b.rgb).all() for a, b in zip(one.pictures, two.pictures, strict=True))
        assert all((a.rgb == b.rgb).all() for a, b in zip(one.clips, two.clips, strict=True))
        assert len(one.validation) == len(one.clips) == 6
        assert len({p.name for p in one.pictures}) == len(one.pictures)

    def test_a_person_that_is_dropped_leaves_the_pictures_of_the_others_as_they_are(self, composer: Composer) -> None:
        fewer = Composer(composer.people[1:], composer.rooms)
        all_of_them, rest = (ValidationSet.compose(c).pictures for c in (composer, fewer))
        for before, after in zip(all_of_them[1:], rest, strict=True):
            assert before.name == after.name
            assert (before.rgb == after.rgb).all()

    def test_the_truth_itself_is_perfect(self, composer: Composer) -> None:
        fixed = ValidationSet.compose(composer)
        truth = {p.rgb.tobytes(): np.asarray(p.alpha, np.float32) for p in (*fixed.pictures, *fixed.empty)}
        report = fixed.measure(lambda rgb: truth[rgb.tobytes()])
        assert (report.iou, report.mad, report.empty_mean, report.empty_worst) == (1, 0, 0, 0)

    def test_alpha_is_what_was_pasted(self, composer: Composer) -> None:
        for picture in Material.compose(composer).pictures:
            assert picture.rgb.shape == (*picture.alpha.shape, 3)
            assert 0 <= picture.alpha.min() <= picture.alpha.max() <= 1
            assert 0.001 < picture.alpha.mean() < 0.95

    def test_in_clips_people_move_and_are_there_all_the_time(self, composer: Composer) -> None:
        made = clips(composer)
        assert all(clip.rgb.shape == (12, 288, 512, 3) for clip in made)
        assert all(frame.mean() > 0.001 for clip in made for frame in clip.alpha)
        assert sum(np.abs(np.diff(clip.alpha, axis=0)).max() > 0.5 for clip in made) >= 3

    def test_clips_in_which_all_rests_are_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        people = [person(i, name=f"portraits/{i:03}") for i in range(24)]
        made = clips(Composer(people, [room(0)]))
        assert 12 < len(made) < 24
        assert all((clip.rgb[1:] != clip.rgb[:-1]).any() for clip in made)
        monkeypatch.setattr("cyclorama_training.clips.CLIPS", 5)
        assert [clip.name for clip in clips(Composer(people, [room(0)]))] == [clip.name for clip in made[:5]]

    def test_people_belong_to_slices_by_what_they_are_like(self) -> None:
        somebody = person()  # orange, a narrow stick that the lower edge cuts
        assert not slices.full_body(somebody)
        assert not slices.head_and_shoulders(somebody)
        black = replace(somebody, foreground=np.full_like(somebody.foreground, 9))
        assert slices.dark_clothes(black)
        assert not slices.light_clothes(black)
        assert slices.light_clothes(replace(somebody, foreground=np.full_like(somebody.foreground, 230)))

        standing = np.zeros((100, 60), np.uint8)
        standing[10:90, 20:40] = 255
        bust = np.zeros((100, 100), np.uint8)
        bust[20:, 35:65], bust[60:, 10:90] = 255, 255
        for alpha, whole in ((standing, True), (bust, False)):
            box = box_of(alpha)
            assert box is not None
            one = replace(somebody, alpha=alpha, foreground=np.dstack([alpha] * 3), box=box)
            assert slices.full_body(one) == whole
            assert slices.head_and_shoulders(one) != whole

    def test_hair_is_a_wide_soft_band_about_the_head(self) -> None:
        head = np.zeros((400, 400), np.uint8)
        cv2.ellipse(head, (200, 200), (100, 130), 0, 0, 360, 255, -1)
        head[300:, 50:350] = 255
        box = box_of(head)
        assert box is not None
        bald = replace(person(), alpha=head, foreground=np.dstack([head] * 3), box=box)
        soft = cv2.GaussianBlur(head, (0, 0), 6)
        soft[300:] = head[300:]
        assert not slices.hair(bald)
        assert slices.hair(replace(bald, alpha=soft))  # type: ignore[arg-type]

    def test_low_light_is_dark_and_noisy(self, composer: Composer) -> None:
        lit = ValidationSet.compose(composer).pictures[0]
        dark = slices.low_light(composer.people, 0, composer.rooms)
        assert dark.rgb.mean() < 0.5 * lit.rgb.mean()
        rough, smooth = (np.abs(np.diff(p.rgb.astype(int), axis=1)).mean() for p in (dark, lit))
        assert rough > smooth

    @pytest.mark.parametrize(
        ("compose", "shape", "least", "most"),
        [
            (slices.small_subject, (288, 512), 0.15, 0.35),
            (slices.small_in_many_pixels, (720, 1280), 0.15, 0.35),
            (slices.whole_in_many_pixels, (720, 1280), 0.35, 0.95),
        ],
    )
    def test_who_stands_in_a_room_is_as_high_as_said(
        self, compose: Any, shape: tuple[int, int], least: float, most: float, composer: Composer
    ) -> None:
        made = [compose(composer.people, index, composer.rooms) for index in range(6)]
        assert len({picture.name for picture in made}) == 6
        for picture in made:
            assert picture.rgb.shape[:2] == picture.alpha.shape == shape
            rows = np.flatnonzero(picture.alpha.max(axis=1) > 0.5)
            assert least - 0.02 <= (rows[-1] - rows[0] + 1) / shape[0] <= most + 0.02

    def test_what_is_held_was_seen_in_pictures_that_are_held_back(self) -> None:
        from cyclorama_training.data import PEOPLE_HELD_BACK, split_of

        held = slices.held_objects()
        assert len(held) > 20
        assert all(held.values())
        assert {split_of(name, PEOPLE_HELD_BACK) for name in held} == {"validation"}


class TestCommand:
    def test_every_picture_of_the_report_is_in_it_and_can_be_read(self, run: tuple[str, str, dict[str, Any]]) -> None:
        _, page, _ = run
        sources = re.findall(r'src="([^"]*)"', page)
        assert len(sources) > 50
        for source in sources:
            kind, _, data = source.partition(",")
            assert kind == "data:image/jpeg;base64"
            image = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
            assert image is not None
            assert max(image.shape) <= 320
        assert "http" not in re.sub(r"data:[^\"]*", "", page)
        assert "<script" not in page

    def test_names_are_text_and_not_markup(self, run: tuple[str, str, dict[str, Any]]) -> None:
        assert "&lt;red&gt; &amp; more.onnx" in run[1]
        assert "<red>" not in run[1]

    def test_worst_cases_come_first(self, run: tuple[str, str, dict[str, Any]]) -> None:
        section = run[1].split('<section id="pictures-validation">')[1].split("</section>")[0]
        errors = [float(mad) for mad in re.findall(r"green-screen: IoU [\d.]+, MAD ([\d.]+)", section)]
        assert len(errors) == min(6, len(errors))
        assert errors == sorted(errors, reverse=True)

    def test_the_figures_are_those_of_the_table(self, run: tuple[str, str, dict[str, Any]]) -> None:
        printed, page, figures = run
        models = figures["models"]
        assert list(models) == ["green-screen", "<red> & more.onnx"]
        for model in models.values():
            each = model["pictures"].values()
            headline = model["headline"]
            validation = model["slices"]["validation"]
            assert headline["iou"] == validation["iou"]
            assert len(each) >= validation["pictures"]
            assert headline["empty_mean"] == pytest.approx(np.mean(list(model["empty"].values())))
            assert headline["dtssd"] == pytest.approx(np.mean([c["dtssd"] for c in model["clips"].values()]))
            assert f"{headline['mad'] * 1e3:.1f}" in printed
            assert f"{headline['mad'] * 1e3:.1f}" in page
        # No green anywhere: the keyer takes every room for people, and so fails the bars.
        keyer = models["green-screen"]
        assert keyer["headline"]["empty_worst"] > 0.9
        assert keyer["speed"]["parameters"] is None
        assert models["<red> & more.onnx"]["speed"]["parameters"] == 3
        assert "✗" in printed

    def test_a_time_that_is_asked_of_other_models_is_not_measured(self, run: tuple[str, str, dict[str, Any]]) -> None:
        printed, page, figures = run
        assert [model["headline"]["asked_ms"] for model in figures["models"].values()] == [None, None]
        assert "–" in printed
        assert "<td>–</td>" in page

    def test_an_output_that_is_there_is_not_replaced_unasked(self, root: Path, tmp_path: Path) -> None:
        there = tmp_path / "report.html"
        there.write_text("mine")
        result = CliRunner().invoke(app, ["evaluate", "green-screen", "--data", str(root), "--report", str(there)])
        assert isinstance(result.exception, OutputError)
        assert there.read_text() == "mine"


def test_a_bar_is_passed_by_what_is_just_good_enough() -> None:
    by_figure = {bar.figure: bar for bar in BARS}
    assert by_figure["iou"].passes(0.965)
    assert not by_figure["iou"].passes(0.9649)
    assert by_figure["mad"].passes(12e-3)
    assert not by_figure["empty_worst"].passes(0.031)


def test_a_network_is_timed_at_the_size_that_its_bar_names_and_as_it_is_used() -> None:
    sizes: list[tuple[int, int] | None] = []

    class Watched(Shipped):
        def network(self, rgb: Rgb, size: tuple[int, int] | None = None) -> Callable[[], object]:
            sizes.append(size)
            return super().network(rgb, size)

    [portrait] = [bar for bar in BARS if bar.model == "portrait"]
    assert TIMED["portrait"] == portrait.size == (288, 512)
    speed = speeds([Watched("portrait", "cpu", 1)], {"portrait": (32, 64)})["portrait"]
    assert sizes == [None, (32, 64)]
    assert speed.size == (352, 640)
    assert speed.asked_ms is not None
    assert speed.asked_ms > 0
    assert portrait.passes(35)
    assert not portrait.passes(35.1)


def test_nobody_whom_training_saw_is_in_the_material(root: Path) -> None:
    material = Material.compose(Recipe.read(root / "recipe.toml").composer(root, "validation"))
    assert any("portraits/001 in" in p.name for p in material.validation)
    assert not any("portraits/002 in" in p.name for p in material.validation)
