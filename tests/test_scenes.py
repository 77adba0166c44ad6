"""The scenes that ship: of the promised size and weight, as their catalogue says, clips without a seam."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import cyclorama_scenes
from cyclorama import toml
from cyclorama_scenes import measure

STILL_SIZE, CLIP_SIZE = (1920, 1080), (1280, 720)
STILL_BYTES, CLIP_BYTES = 400_000, 2_000_000
CLIP_SECONDS = (4.0, 6.0)
LEAST = {"beach": 4, "stadium": 2, "court": 2, "gym": 1, "office": 4, "home": 4, "studio": 4}
CLIPS = 2
SAME = 0.004  # of values 0...1: the catalogue has three digits, JPEG decoders differ by less than one of 255
SAME_WARMTH = 0.02  # of log2
FLAT = 0.02  # of 0...1, standard deviation of luma: a picture that failed to render is one colour
SEAM = 0.5  # of how far the clip gets from its first frame; the coding alone makes 0.13 and 0.43
MOVING = 1.0  # of 255, mean over a picture

ENTRIES: list[dict[str, Any]] = toml.loads(cyclorama_scenes.CATALOGUE.read_text("utf-8"))["scene"]
STILLS = [entry for entry in ENTRIES if not entry["loop"]]
LOOPS = [entry for entry in ENTRIES if entry["loop"]]


def named(entry: dict[str, Any]) -> str:
    return str(entry["name"])


def frames(name: str) -> NDArray[np.uint8]:
    """All frames of a clip at a quarter of its size, uint8 (N, H, W, 3)."""
    with av.open(str(cyclorama_scenes.paths()[name])) as container:
        small = [
            frame.reformat(width=320, height=180, format="rgb24").to_ndarray() for frame in container.decode(video=0)
        ]
    return np.stack(small)


def test_the_catalogue_names_every_file_once_and_no_other() -> None:
    files = {entry["name"]: cyclorama_scenes.CATALOGUE.parent / entry["file"] for entry in ENTRIES}
    assert len(files) == len(ENTRIES)
    assert files == cyclorama_scenes.paths()


@pytest.mark.parametrize("kind", LEAST)
def test_there_is_a_choice_of_every_kind(kind: str) -> None:
    assert sum(entry["kind"] == kind for entry in ENTRIES) >= LEAST[kind]


def test_people_who_sit_and_people_who_stand_have_a_scene_for_every_outfit() -> None:
    for outfit in ("beachwear", "sportswear", "workwear"):
        assert {entry["eye_height"] for entry in ENTRIES if outfit in entry["outfits"]} == {"sitting", "standing"}


@pytest.mark.parametrize("entry", STILLS, ids=named)
def test_a_still_has_the_promised_size_and_weight_and_is_no_empty_picture(entry: dict[str, Any]) -> None:
    path = cyclorama_scenes.paths()[entry["name"]]
    with Image.open(path) as opened:
        assert opened.format == "JPEG"
        assert opened.size == STILL_SIZE
        assert np.asarray(opened.convert("L")).std() / 255 > FLAT
    assert path.stat().st_size <= STILL_BYTES


@pytest.mark.parametrize("entry", ENTRIES, ids=named)
def test_the_catalogue_says_how_a_picture_looks(entry: dict[str, Any]) -> None:
    found = measure.statistics(measure.first_picture(cyclorama_scenes.paths()[entry["name"]]))
    np.testing.assert_allclose(found.mean, entry["mean"], atol=SAME)
    assert found.luminance == pytest.approx(entry["luminance"], abs=SAME)
    assert found.warmth == pytest.approx(entry["warmth"], abs=SAME_WARMTH)


def test_a_colour_has_its_mean_luma_and_warmth() -> None:
    found = measure.statistics(np.full((4, 4, 3), (204, 102, 51), np.uint8))
    np.testing.assert_allclose(found.mean, (0.8, 0.4, 0.2), atol=1e-9)
    assert found.luminance == pytest.approx(0.2126 * 0.8 + 0.7152 * 0.4 + 0.0722 * 0.2)
    assert found.warmth == pytest.approx(2.0)


def test_there_are_clips() -> None:
    assert len(LOOPS) >= CLIPS


@pytest.mark.parametrize("entry", LOOPS, ids=named)
def test_a_clip_has_the_promised_size_length_and_weight_and_says_its_colours(entry: dict[str, Any]) -> None:
    path = cyclorama_scenes.paths()[entry["name"]]
    assert path.stat().st_size <= CLIP_BYTES
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == CLIP_SIZE
        assert (context.color_primaries, context.color_trc, context.colorspace) == (1, 1, 1)  # BT.709, H.273
        seconds = stream.frames / stream.average_rate
        assert sum(1 for _ in container.decode(video=0)) == stream.frames
    assert CLIP_SECONDS[0] <= seconds <= CLIP_SECONDS[1]


@pytest.mark.parametrize("entry", LOOPS, ids=named)
def test_a_clip_moves_and_starts_again_without_a_seam(entry: dict[str, Any]) -> None:
    shown = frames(entry["name"]).astype(np.float32)
    away = np.abs(shown - shown[0]).mean(axis=(1, 2, 3))
    assert away.max() > MOVING
    assert away[-1] < SEAM * away.max()
