"""Frames worked on in their own planes: the same picture as by way of RGB."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama import Blur, Clip, Colour, Engine, Picture, Settings, Transparent, planes
from cyclorama.band import shrink
from cyclorama.composite import composite
from cyclorama.engine import original
from cyclorama.foreground import estimate_foreground
from cyclorama.refine import upsample_alpha
from cyclorama.types import Region
from cyclorama.working_space import WorkingSpace
from cyclorama_ffmpeg import encodings
from cyclorama_ffmpeg.frames import FromRgb, ToRgb
from cyclorama_ffmpeg.stored import blank, coding_of, fits, planes_of
from made import disc, texture

# Levels of 255. By way of RGB each sample is rounded three times more, and swscale's quick ways are off by up to
# two each.
SURE_MEAN, SURE_MOST = 0.7, 4
EDGE_MEAN, EDGE_MOST = 1.5, 12
SMALL_MEAN = 1.6
ALPHA_MEAN, ALPHA_MOST = 0.006, 0.12

BT709, BT601 = 1, 6
LIMITED, FULL = 1, 2


def frame_of(rgb: NDArray[np.uint8], matrix: int = BT709, scale: int = LIMITED) -> av.VideoFrame:
    """A frame yuv420p with these colour tags."""
    empty = av.VideoFrame(rgb.shape[1], rgb.shape[0], "yuv420p")
    empty.pts, empty.time_base = 7, Fraction(1, 25)
    empty.colorspace, empty.color_range, empty.color_primaries, empty.color_trc = matrix, scale, 1, 1
    return FromRgb("yuv420p")(rgb, empty)


def person(height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A picture of a soft disc with strands, and its matte."""
    alpha = disc(height, width, radius=0.3 * height, softness=0.05 * height)
    for x in range(width // 3, 2 * width // 3, max(8, width // 40)):
        cv2.line(alpha, (x, height // 12), (width // 2, height // 2), 1.0, max(1, height // 200), cv2.LINE_AA)
    a = alpha[..., None]
    subject, room = texture(height, width, (190, 120, 90), 1), texture(height, width, (70, 110, 160), 2)
    return np.rint(subject * a + room * (1 - a)).astype(np.uint8), alpha


def both_ways(
    frame: av.VideoFrame, alpha: NDArray[np.float32], background: NDArray[np.uint8], *, decontaminate: bool = True
) -> tuple[list[Any], list[Any], NDArray[np.float32], NDArray[np.float32]]:
    """The result's planes in the frame's own planes, and by way of RGB; and both full-size mattes."""
    own, coding = planes_of(frame), coding_of(frame)
    small = planes.shrunk(own, coding, *alpha.shape)
    behind = FromRgb("yuv420p")(background, frame)
    done = blank(frame)
    full = np.zeros((frame.height, frame.width), np.float32)
    planes.replace(
        own,
        coding,
        small,
        alpha,
        planes_of(behind),
        planes_of(done),
        decontaminate=decontaminate,
        full_alpha=full,
    )
    rgb = ToRgb()(frame)
    whole = upsample_alpha(alpha, small.rgb, rgb)
    foreground = estimate_foreground(rgb, whole) if decontaminate else rgb
    mixed = FromRgb("yuv420p")(composite(foreground, whole, background), frame)
    return list(planes_of(done)), list(planes_of(mixed)), full, whole


@pytest.mark.parametrize(
    ("shape", "matrix", "scale"),
    [
        ((1080, 1920), BT709, LIMITED),
        ((722, 406), BT601, FULL),
        ((360, 640), BT601, LIMITED),
        ((360, 640), 9, LIMITED),
    ],
)
def test_it_is_the_picture_that_comes_by_way_of_rgb(shape: tuple[int, int], matrix: int, scale: int) -> None:
    rgb, matte = person(*shape)
    small = cv2.resize(matte, (shape[1] // 4, shape[0] // 4), interpolation=cv2.INTER_AREA)
    background = texture(*shape, (90, 170, 80), 5)
    ours, theirs, full, whole = both_ways(frame_of(rgb, matrix, scale), small, background)
    assert 0.01 < ((whole > 0.05) & (whole < 0.95)).mean() < 0.5, "there is an edge"
    assert np.abs(full - whole).mean() < ALPHA_MEAN
    assert np.percentile(np.abs(full - whole), 99.9) < ALPHA_MOST
    for one, other in zip(ours, theirs, strict=True):
        difference = np.abs(one.astype(int) - other)
        at_edge = cv2.resize(((whole > 0) & (whole < 1)).astype(np.uint8), one.shape[::-1]) > 0
        assert difference[~at_edge].mean() < SURE_MEAN
        assert np.percentile(difference[~at_edge], 99.9) <= SURE_MOST
        assert difference[at_edge].mean() < EDGE_MEAN
        assert np.percentile(difference[at_edge], 99.5) <= EDGE_MOST


def test_an_edge_of_little_contrast_is_as_smooth_as_by_way_of_rgb() -> None:
    # A white coat before a light wall: the models of the edge have large weights that cancel each other.
    height, width = 540, 960
    alpha = disc(height, width, radius=180, softness=20)[..., None]
    coat, wall = texture(height, width, (228, 222, 230), 1, strength=1), texture(height, width, (206, 214, 205), 2, 1)
    frame = frame_of(np.rint(coat * alpha + wall * (1 - alpha)).astype(np.uint8))
    small = cv2.resize(disc(height, width, radius=190, softness=60), (256, 144), interpolation=cv2.INTER_AREA)
    ours, theirs, full, whole = both_ways(frame, small, np.full((height, width, 3), 40, np.uint8))
    assert np.percentile(np.abs(full - whole), 99.9) < ALPHA_MOST
    # Pixels that differ from their neighbours on both sides, and from both in the same direction.
    combs = [np.abs(2 * y[:, 1:-1].astype(int) - y[:, :-2] - y[:, 2:]).mean() for y in (ours[0], theirs[0])]
    assert combs[0] < 1.1 * combs[1]


def test_without_the_subjects_own_colours_it_is_a_plain_mixture() -> None:
    rgb, matte = person(360, 640)
    small = cv2.resize(matte, (160, 90), interpolation=cv2.INTER_AREA)
    ours, theirs, _, _ = both_ways(frame_of(rgb), small, texture(360, 640, (90, 170, 80), 5), decontaminate=False)
    for one, other in zip(ours, theirs, strict=True):
        assert np.percentile(np.abs(one.astype(int) - other), 99.9) <= EDGE_MOST


@pytest.mark.parametrize("size", [(360, 640), (90, 160)])
def test_where_the_matte_is_sure_samples_are_copied(size: tuple[int, int]) -> None:
    frame = frame_of(person(*size)[0])
    background = texture(*size, (90, 170, 80), 5)
    behind = planes_of(FromRgb("yuv420p")(background, frame))
    for value, source in ((0.0, behind), (1.0, planes_of(frame))):
        ours, _, full, _ = both_ways(frame, np.full((90, 160), value, np.float32), background)
        assert (full == value).all()
        for one, plane in zip(ours, source, strict=True):
            assert (one == plane).all()


def test_a_matte_of_the_frames_own_size_is_taken_as_it_is() -> None:
    rgb, matte = person(96, 160)
    _, _, full, whole = both_ways(frame_of(rgb), matte, texture(96, 160, (90, 170, 80), 5))
    assert (whole == matte).all()
    assert np.abs(full - matte).max() < planes.HALF_A_LEVEL


@pytest.mark.parametrize("size", [(288, 512), (144, 256), (96, 176)])
def test_the_network_sees_what_it_would_see_of_rgb(size: tuple[int, int]) -> None:
    frame = frame_of(person(1080, 1920)[0])
    small = planes.shrunk(planes_of(frame), coding_of(frame), *size)
    expected = shrink(ToRgb()(frame), *size)
    assert np.abs(small.rgb.astype(int) - expected).mean() < SMALL_MEAN


@pytest.mark.parametrize(
    ("region", "size"),
    [((10, 90, 31, 77), (448, 256)), ((0, 144, 0, 256), (96, 176)), ((143, 144, 255, 256), (16, 16))],
)
def test_parts_of_a_frame_are_those_of_its_picture(region: Region, size: tuple[int, int]) -> None:
    frame = frame_of(person(1080, 1920)[0])
    own, coding, rgb = planes_of(frame), coding_of(frame), ToRgb()(frame)
    stored = planes.original(own, coding, planes.shrunk(own, coding, 144, 256))
    by_rgb = original(rgb, shrink(rgb, 144, 256))
    assert stored.size == by_rgb.size == (1080, 1920)
    assert stored.part is not None
    assert by_rgb.part is not None
    seen, expected = (part(region, *size).astype(int) for part in (stored.part, by_rgb.part))
    assert seen.shape == (*size, 3)
    assert np.abs(seen - expected).mean() < SMALL_MEAN


@pytest.mark.parametrize(("matrix", "scale"), [(BT709, LIMITED), (BT601, LIMITED), (4, FULL), (7, LIMITED)])
def test_colours_are_read_as_swscale_reads_them(matrix: int, scale: int) -> None:
    for colour in [(255, 255, 255), (0, 0, 0), (200, 40, 50), (40, 70, 190), (30, 160, 60), (128, 128, 128)]:
        frame = frame_of(np.full((32, 32, 3), colour, np.uint8), matrix, scale)
        small = planes.shrunk(planes_of(frame), coding_of(frame), 16, 16)
        assert np.abs(small.rgb.astype(int) - colour).max() <= 3, colour


def still_frame(**attributes: Any) -> av.VideoFrame:
    frame = av.VideoFrame(attributes.pop("width", 64), attributes.pop("height", 48), attributes.pop("form", "yuv420p"))
    for name, value in attributes.items():
        setattr(frame, name, value)
    return frame


class Still:
    """A moving background that stands still."""

    def frame_at(self, time: Fraction) -> NDArray[np.uint8]:
        return np.zeros((8, 8, 3), np.uint8)


BLACK = Picture(np.zeros((8, 8, 3), np.uint8))


@pytest.mark.parametrize("background", [BLACK, Colour(0, 0, 0), Clip(Still())])
@pytest.mark.parametrize("form", ["yuv420p", "yuvj420p"])
def test_ordinary_video_is_worked_on_in_its_planes(background: Any, form: str, tmp_path: Any) -> None:
    encoding = encodings.choose(tmp_path / "out.mp4", encodings.Pictures(), transparent=False)
    session = Engine("green-screen").session(Settings(background))
    assert fits(still_frame(form=form), session, encoding, Fraction(1))
    assert fits(still_frame(form=form), session, encoding, Fraction(4, 3)), "MP4 tells the pixels' shape"


@pytest.mark.parametrize(
    ("attributes", "settings", "name", "aspect"),
    [
        ({"form": "yuv444p"}, {}, "out.mp4", 1),
        ({"form": "yuv422p"}, {}, "out.mp4", 1),
        ({"form": "yuv420p10le"}, {}, "out.mp4", 1),
        ({"form": "nv12"}, {}, "out.mp4", 1),
        ({"width": 63}, {}, "out.mp4", 1),
        ({"height": 47}, {}, "out.mp4", 1),
        ({"colorspace": 10}, {}, "out.mp4", 1),
        ({}, {"background": Transparent()}, "out.mp4", 1),
        ({}, {"background": Blur()}, "out.mp4", 1),
        ({}, {"light": "linear"}, "out.mp4", 1),
        ({}, {"harmonize": True}, "out.mp4", 1),
        ({}, {}, "out.gif", 1),
        ({}, {}, "out.webm", Fraction(4, 3)),
        ({}, {}, "deep", 1),
    ],
)
def test_all_else_goes_by_way_of_rgb(
    attributes: dict[str, Any], settings: dict[str, Any], name: str, aspect: Fraction, tmp_path: Any
) -> None:
    pictures = encodings.Pictures(bits=10 if name == "deep" else 8)
    target = tmp_path / ("out.mkv" if name == "deep" else name)
    encoding = encodings.choose(target, pictures, transparent=False)
    session = Engine("green-screen").session(replace(Settings(BLACK), **settings))
    assert not fits(still_frame(**attributes), session, encoding, Fraction(aspect))


def test_wide_gamut_goes_by_way_of_rgb(tmp_path: Any) -> None:
    encoding = encodings.choose(tmp_path / "out.mp4", encodings.Pictures(), transparent=False)
    session = Engine("green-screen").session(Settings(BLACK))
    session.working = WorkingSpace("sdr", "bt2020")
    assert not fits(still_frame(), session, encoding, Fraction(1))
