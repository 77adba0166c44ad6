"""What `--background` means: words, colours, scenes and pictures."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cyclorama_scenes
from cyclorama import Blur, Clip, Colour, MediaError, Picture, PictureError, SettingError, Transparent
from cyclorama_ffmpeg import backgrounds
from pictures import exif, green_screen, icc_profile, turned

CLIPPED = 2  # of 255; a colour outside sRGB ends on the border of it


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("transparent", Transparent()),
        ("blur", Blur()),
        ("blur:12", Blur(12)),
        ("blur:0.5", Blur(0.5)),
        ("#abc", Colour(0xAA, 0xBB, 0xCC)),
        ("#00B140", Colour(0x00, 0xB1, 0x40)),
    ],
)
def test_words_and_colours_are_understood(text: str, expected: object) -> None:
    assert backgrounds.parse(text) == expected


@pytest.mark.parametrize("text", ["#", "#12", "#12345", "#1234567", "#ggg", "#12 ", "# 123"])
def test_a_colour_with_wrong_digits_is_refused_with_the_form_expected(text: str) -> None:
    with pytest.raises(SettingError, match="#rgb or #rrggbb"):
        backgrounds.parse(text)


@pytest.mark.parametrize("text", ["blur:", "blur:wide", "blur:1,5", "blur:0", "blur:-3", "blur:501", "blur:nan"])
def test_a_blur_without_a_usable_radius_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match=r"blur"):
        backgrounds.parse(text)


def test_suggest_is_no_background_before_anybody_was_seen() -> None:
    with pytest.raises(SettingError, match="has to see who is in the picture"):
        backgrounds.parse("suggest")


@pytest.mark.parametrize("name", sorted(cyclorama_scenes.paths()))
def test_every_built_in_scene_is_a_picture_or_a_clip_by_its_name(name: str) -> None:
    background = backgrounds.parse(name)
    assert isinstance(background, Picture | Clip)
    pixels = background.pixels if isinstance(background, Picture) else background.frames.frame_at(Fraction(0))
    assert pixels.dtype == np.uint8
    assert min(pixels.shape[:2]) >= 720  # a scene of less would be scaled up in a 720p video


def test_a_picture_file_is_a_picture(tmp_path: Path) -> None:
    Image.fromarray(green_screen()).save(tmp_path / "wall.png")
    background = backgrounds.parse(str(tmp_path / "wall.png"))
    assert isinstance(background, Picture)
    np.testing.assert_array_equal(background.pixels, green_screen())


def test_a_picture_background_is_upright_srgb(tmp_path: Path) -> None:
    Image.fromarray(green_screen()).save(tmp_path / "wall.png", exif=exif(8), icc_profile=icc_profile())
    background = backgrounds.parse(str(tmp_path / "wall.png"))
    assert isinstance(background, Picture)
    assert background.pixels.shape == turned(green_screen(), 8).shape
    wide_red = np.full((32, 32, 3), (200, 40, 40), np.uint8)
    Image.fromarray(wide_red).save(tmp_path / "red.png", icc_profile=icc_profile())
    background = backgrounds.parse(str(tmp_path / "red.png"))
    assert isinstance(background, Picture)
    assert background.pixels[0, 0, 0] >= 255 - CLIPPED  # this red of ProPhoto is beyond sRGB's


def test_a_scenes_name_wins_over_a_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("studio").write_text("not a picture")
    assert isinstance(backgrounds.parse("studio"), Picture)


def test_an_unknown_name_is_refused_with_all_that_is_known() -> None:
    with pytest.raises(SettingError, match=r"no-such-wall: no such background.*blur.*#rrggbb.*studio"):
        backgrounds.parse("no-such-wall")


@pytest.mark.parametrize("name", ["text.jpg", "text.txt", "empty.png", "folder"])
def test_a_file_that_is_neither_picture_nor_clip_is_refused_by_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    else:
        path.write_text("" if name.startswith("empty") else "no picture\n" * 20)
    with pytest.raises(MediaError, match=name):
        backgrounds.parse(str(path))


def test_a_picture_too_small_to_stretch_is_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((1, 1, 3), np.uint8)).save(tmp_path / "dot.png")
    with pytest.raises(PictureError, match=r"dot\.png.*1 x 1"):
        backgrounds.parse(str(tmp_path / "dot.png"))
