"""Scenes: the catalogue that ships, and folders of a user's own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cyclorama_scenes
from cyclorama import MediaError, SettingError, catalogue
from cyclorama.look import statistics
from cyclorama.types import OUTFITS, Rgb, Scene
from cyclorama_ffmpeg import still
from cyclorama_ffmpeg.backgrounds import CLIPS
from cyclorama_ffmpeg.suggestions import first_picture
from made import texture

SAME = 0.02  # of values from 0 to 1: catalogues round
SAME_WARMTH = 0.06  # of log2
KINDS = {"beach", "office", "stadium", "court", "gym", "studio", "home"}
LEAST = 4  # scenes each of beach, office, sport, studio and home
SUFFIXES = still.READABLE - {".gif"}

ENTRY = """
[[scene]]
name = "dune"
file = "dune.png"
kind = "beach"
title = "Dune"
outfits = ["beachwear"]
light = "left"
mean = [0.5, 0.4, 0.3]
luminance = 0.42
warmth = 0.7
horizon = 0.4
eye_height = "sitting"
defocus = 0.01
indoor = false
loop = false
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CYCLORAMA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def write(path: Path, colour: tuple[int, int, int] = (120, 130, 140)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(texture(48, 64, colour, 0)).save(path)
    return path


class Reader:
    """Reads pictures, and counts."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def __call__(self, path: Path) -> Rgb:
        self.read.append(path.name)
        return first_picture(path)


def library(folder: Path, read: Reader | None = None) -> dict[str, Scene]:
    return {each.name: each for each in catalogue.library(folder, read or Reader(), SUFFIXES, CLIPS)}


# What ships


@pytest.fixture(scope="module")
def shipped() -> tuple[Scene, ...]:
    if not (Path(cyclorama_scenes.__file__).parent / catalogue.FILE).is_file():
        pytest.skip("the scenes have no catalogue yet: make scenes")
    return catalogue.built_in()


def test_every_shipped_scene_is_a_picture_that_looks_as_the_catalogue_says(shipped: tuple[Scene, ...]) -> None:
    for scene in shipped:
        found = statistics(first_picture(scene.file))
        np.testing.assert_allclose(found.mean, scene.mean, atol=SAME, err_msg=scene.name)
        assert found.luminance == pytest.approx(scene.luminance, abs=SAME), scene.name
        assert found.warmth == pytest.approx(scene.warmth, abs=SAME_WARMTH), scene.name


def test_there_are_scenes_for_every_outfit_and_for_anybody(shipped: tuple[Scene, ...]) -> None:
    assert {scene.kind for scene in shipped} == KINDS
    for kinds in ({"beach"}, {"office"}, {"stadium", "court", "gym"}, {"studio"}, {"home"}):
        assert sum(scene.kind in kinds for scene in shipped) >= LEAST, kinds
    for outfit in OUTFITS:
        assert any(outfit in scene.outfits for scene in shipped)
    assert any(scene.kind == "studio" and not scene.outfits for scene in shipped)


def test_every_shipped_scene_says_where_its_horizon_is(shipped: tuple[Scene, ...]) -> None:
    assert all(scene.horizon is not None and 0 <= scene.horizon <= 1 for scene in shipped)
    assert {scene.eye_height for scene in shipped} == {"standing", "sitting"}


# Catalogue files


def test_a_catalogue_is_read_field_by_field(tmp_path: Path) -> None:
    file = write(tmp_path / "dune.png")
    (tmp_path / "catalogue.toml").write_text(ENTRY)
    (scene,) = catalogue.load(tmp_path / "catalogue.toml")
    assert scene == Scene(
        "dune", file, "beach", "Dune", ("beachwear",), "left", (0.5, 0.4, 0.3), 0.42, 0.7, 0.4, "sitting", 0.01, False
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('file = "dune.png"\n', "", "scene dune: expected file"),
        ("luminance = 0.42\n", "", "scene dune: expected luminance"),
        ('"dune.png"', '"lost.png"', r"lost\.png: no such file"),
        ('"dune"', "3", "name: expected text, got 3"),
        ('"left"', '"below"', "light: expected left, right, front, back, above; got 'below'"),
        ('"sitting"', '"lying"', "eye_height: expected standing, sitting; got 'lying'"),
        ('["beachwear"]', '["pyjamas"]', "outfits: expected beachwear, workwear, sportswear; got 'pyjamas'"),
        ('["beachwear"]', '"beachwear"', "outfits: expected a list"),
        ("[0.5, 0.4, 0.3]", "[0.5, 0.4]", "mean: expected red, green and blue"),
        ("horizon = 0.4", 'horizon = "low"', "horizon: expected a number"),
        ("horizon = 0.4", "horizont = 0.4", "horizont: nothing of this name"),
        ("indoor = false", "indoor = 0", "indoor: expected true or false"),
        ("[[scene]]", "[[scene", "expected a catalogue in TOML"),
        ("[[scene]]", "[scene]", r"expected tables \[\[scene\]\]"),
        (ENTRY, ENTRY + ENTRY, "expected every name once, got dune"),
    ],
)
def test_a_fault_in_a_catalogue_is_named_with_its_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    write(tmp_path / "dune.png")
    assert old in ENTRY
    (tmp_path / "catalogue.toml").write_text(ENTRY.replace(old, new, 1))
    with pytest.raises(MediaError, match=rf"catalogue\.toml.*{words}"):
        catalogue.load(tmp_path / "catalogue.toml")


def test_a_catalogue_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="cannot be read"):
        catalogue.load(tmp_path / "catalogue.toml")
    (tmp_path / "catalogue.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MediaError, match="expected a catalogue in TOML"):
        catalogue.load(tmp_path / "catalogue.toml")


def test_a_users_catalogue_need_not_say_what_can_be_measured(tmp_path: Path) -> None:
    file = write(tmp_path / "dune.png")
    (tmp_path / "catalogue.toml").write_text('[[scene]]\nname = "dune"\nfile = "dune.png"\noutfits = ["beachwear"]\n')
    scene = library(tmp_path)["dune"]
    found = statistics(first_picture(file))
    assert (scene.mean, scene.luminance, scene.warmth, scene.light) == (
        found.mean,
        found.luminance,
        found.warmth,
        found.light,
    )
    assert (scene.kind, scene.title, scene.outfits, scene.horizon) == ("", "dune", ("beachwear",), None)


# Folders


def test_folders_named_by_outfits_say_whom_a_picture_suits(tmp_path: Path) -> None:
    for name in ("beachwear/sea.png", "workwear/old/desk.JPG", "sportswear/arena.webp", "other/wall.png", "door.png"):
        write(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    write(tmp_path / ".trash/gone.png")
    found = library(tmp_path)
    assert {name: scene.outfits for name, scene in found.items()} == {
        "beachwear/sea": ("beachwear",),
        "workwear/old/desk": ("workwear",),
        "sportswear/arena": ("sportswear",),
        "other/wall": (),
        "door": (),
    }
    assert found["workwear/old/desk"].title == "desk"


def test_two_pictures_of_one_name_are_two_scenes(tmp_path: Path) -> None:
    write(tmp_path / "wall.jpg"), write(tmp_path / "wall.png")
    assert set(library(tmp_path)) == {"wall", "wall.png"}


def test_pictures_are_measured(tmp_path: Path) -> None:
    left = np.full((48, 64, 3), (200, 150, 100), np.uint8)
    left[:, 32:] //= 3
    Image.fromarray(left).save(tmp_path / "lamp.png")
    scene = library(tmp_path)["lamp"]
    np.testing.assert_allclose(scene.mean, (left.reshape(-1, 3).mean(0) / 255), atol=1e-6)
    assert scene.luminance == pytest.approx(np.dot(scene.mean, (0.2126, 0.7152, 0.0722)), abs=1e-6)
    assert scene.warmth == pytest.approx(np.log2(scene.mean[0] / scene.mean[2]), abs=1e-6)
    assert scene.light == "left"


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (0, 0, 255)])
def test_plain_pictures_can_be_measured_too(colour: tuple[int, int, int]) -> None:
    found = statistics(np.full((16, 16, 3), colour, np.uint8))
    assert np.isfinite([found.luminance, found.warmth, *found.mean]).all()
    assert found.light == "front"


def test_what_was_measured_is_kept_in_the_cache_and_not_in_the_folder(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "mine"
    for name in ("a.png", "b.png"):
        write(folder / name)
    before = sorted(path.name for path in folder.rglob("*"))
    first, second = Reader(), Reader()
    assert library(folder, first) == library(folder, second)
    assert (first.read, second.read) == (["a.png", "b.png"], [])
    assert sorted(path.name for path in folder.rglob("*")) == before
    assert len([path for path in cache.rglob("*") if path.is_file()]) == 1


def test_a_picture_that_changed_is_measured_again(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    write(folder / "a.png"), write(folder / "b.png")
    library(folder)
    write(folder / "b.png", (250, 20, 20))
    os.utime(folder / "b.png", ns=(1, 1))
    reader = Reader()
    assert library(folder, reader)["b"].mean[0] > 0.8
    assert reader.read == ["b.png"]


@pytest.mark.parametrize("damage", [b"", b"{}", b"[1, 2]", b'{"version": 1, "pictures": {"x": 3}}', b"\xff"])
def test_a_damaged_cache_costs_time_alone(tmp_path: Path, cache: Path, damage: bytes) -> None:
    folder = tmp_path / "mine"
    write(folder / "a.png")
    expected = library(folder)
    (file,) = (path for path in cache.rglob("*") if path.is_file())
    text = file.read_text()
    file.write_bytes(damage)
    assert library(folder) == expected
    file.write_text(text.replace('"front"', '"nowhere"'))
    assert library(folder) == expected
    file.write_text(text.replace('"look"', '"other"'))
    assert library(folder) == expected


def test_a_cache_that_cannot_be_written_costs_time_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "mine/a.png")
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CYCLORAMA_CACHE", str(tmp_path / "file"))
    assert set(library(tmp_path / "mine")) == {"a"}


def test_pictures_that_cannot_be_read_are_said_and_left_out(tmp_path: Path) -> None:
    write(tmp_path / "good.png")
    (tmp_path / "bad.png").write_text("no picture")
    said: list[str] = []
    found = catalogue.library(tmp_path, Reader(), SUFFIXES, CLIPS, say=said.append)
    assert [scene.name for scene in found] == ["good"]
    assert len(said) == 1
    assert "bad.png" in said[0]


@pytest.mark.parametrize("names", [[], ["bad.png"]])
def test_a_folder_without_a_picture_is_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).write_text("no picture")
    with pytest.raises(SettingError, match="expected pictures"):
        library(tmp_path)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="nowhere: expected a folder"):
        library(tmp_path / "nowhere")
