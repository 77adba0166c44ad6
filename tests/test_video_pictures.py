"""What a video's pictures keep: shape, colours and, where asked for, transparency."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from cyclorama.errors import MediaError, OutputError
from cyclorama.types import Blur, Transparent
from cyclorama_ffmpeg.encodings import Wish
from cyclorama_ffmpeg.video import Options
from made_video import (
    BLUE,
    GREEN,
    RED,
    SIZE,
    Sound,
    colour_tags,
    flat_frame,
    frame_times,
    mean_yuv,
    picture,
    pictures,
    run,
    sound_packets,
    to_yuv,
    turn,
    write_video,
)

LEVELS = 3  # of 255, by which a flat colour may move through H.264 at crf 18
LOSSY_LEVELS = 12  # the same after 4:2:0 and scaling, inside of a patch
ALPHA_LEVELS = 6


# Shape


@pytest.mark.parametrize("clockwise", [90, 180, 270])
def test_a_turned_picture_comes_out_upright_without_a_tag(tmp_path: Path, clockwise: int) -> None:
    corner = (slice(0, 48), slice(0, 64))
    frames = [flat_frame([(*corner, RED)], SIZE, "601", full=False) for _ in range(3)]
    source = write_video(tmp_path / "in.mp4", frames=frames, settings={"sample_aspect_ratio": Fraction(4, 3)})
    turn(source, clockwise)
    with av.open(str(source)) as container:
        assert next(container.decode(video=0)).rotation % 360 == -clockwise % 360
    run(source, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        aspect = container.streams.video[0].sample_aspect_ratio
        frame = next(container.decode(video=0))
    stored = np.full((96, 160, 3), BLUE)
    stored[corner] = RED
    upright = np.rot90(stored, -clockwise // 90)
    assert frame.rotation == 0
    assert aspect == (Fraction(4, 3) if clockwise == 180 else Fraction(3, 4))
    assert (frame.height, frame.width) == upright.shape[:2]
    difference = np.abs(frame.to_ndarray(format="rgb24").astype(int) - upright).max(2)
    assert np.mean(difference > LOSSY_LEVELS) < 0.05, "only the edges differ"


@pytest.mark.parametrize("size", [(161, 97), (160, 97), (161, 96)])
def test_odd_sizes_are_made_even_by_repetition_and_that_is_said(tmp_path: Path, size: tuple[int, int]) -> None:
    source = write_video(tmp_path / "in.mkv", size=size, codec="ffv1", count=3)
    summary = run(source, tmp_path / "out.mp4", matte_target=tmp_path / "matte.mp4")
    width, height = size[0] + size[0] % 2, size[1] + size[1] % 2
    for path in (tmp_path / "out.mp4", tmp_path / "matte.mp4"):
        assert pictures(path)[0].shape == (height, width, 3)
    assert f"was {size[0]} x {size[1]} and is {width} x {height}" in " ".join(summary.notes)
    assert "webm keeps it" in " ".join(summary.notes)
    assert np.abs(pictures(tmp_path / "out.mp4")[0][-1, -1].astype(int) - BLUE).max() <= LOSSY_LEVELS


@pytest.mark.parametrize(
    ("name", "background"), [("out.webm", None), ("out.webm", Transparent()), ("out.mov", Transparent())]
)
def test_vp9_and_prores_keep_odd_sizes(tmp_path: Path, name: str, background: Any) -> None:
    source = write_video(tmp_path / "in.mkv", size=(161, 97), codec="ffv1", count=3)
    summary = run(source, tmp_path / name, background)
    assert pictures(tmp_path / name)[0].shape == (97, 161, 3)
    assert summary.notes == ()


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_the_sample_aspect_is_kept(tmp_path: Path, suffix: str) -> None:
    source = write_video(tmp_path / "in.mp4", settings={"sample_aspect_ratio": Fraction(16, 15)})
    run(source, tmp_path / f"out{suffix}")
    with av.open(str(tmp_path / f"out{suffix}")) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(16, 15)


@pytest.mark.parametrize(
    ("name", "codec"), [("out.mp4", "av1"), ("out.mov", "prores"), ("out.mkv", "hevc"), ("out.mp4", "vp9")]
)
def test_other_codecs_keep_the_sample_aspect_where_container_or_codec_tell_it(
    tmp_path: Path, name: str, codec: str
) -> None:
    source = write_video(tmp_path / "in.mp4", count=3, settings={"sample_aspect_ratio": Fraction(16, 15)})
    assert run(source, tmp_path / name, options=Options(wish=Wish(codec=codec))).notes == ()
    with av.open(str(tmp_path / name)) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(16, 15)


@pytest.mark.parametrize(("name", "codec"), [("out.mkv", "av1"), ("out.mkv", "ffv1"), ("out.mkv", "prores")])
def test_pixels_become_square_where_nothing_would_tell_their_shape(tmp_path: Path, name: str, codec: str) -> None:
    source = write_video(tmp_path / "in.mp4", count=3, settings={"sample_aspect_ratio": Fraction(16, 15)})
    [note] = run(source, tmp_path / name, options=Options(wish=Wish(codec=codec))).notes
    assert pictures(tmp_path / name)[0].shape == (96, 171, 3)
    assert "was 160 x 96 and is 171 x 96" in note


@pytest.mark.parametrize(("aspect", "size"), [(Fraction(16, 15), (171, 96)), (Fraction(3, 4), (160, 128))])
def test_webm_gets_square_pixels_and_that_is_said(tmp_path: Path, aspect: Fraction, size: tuple[int, int]) -> None:
    source = write_video(tmp_path / "in.mp4", settings={"sample_aspect_ratio": aspect})
    summary = run(source, tmp_path / "out.webm")
    assert pictures(tmp_path / "out.webm")[0].shape == (size[1], size[0], 3)
    assert f"was 160 x 96 and is {size[0]} x {size[1]}" in summary.notes[0]
    assert len(summary.notes) == 1


def test_a_picture_that_changes_its_size_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "in.ts"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        for part, size in enumerate([SIZE, (320, 192)]):
            encoder: Any = av.CodecContext.create("libx264", "w")
            encoder.width, encoder.height, encoder.pix_fmt = *size, "yuv420p"
            encoder.time_base, encoder.options = Fraction(1, 25), {"preset": "ultrafast"}
            for index in range(5 * part, 5 * part + 5):
                frame = av.VideoFrame.from_ndarray(picture(index, size), format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                for packet in encoder.encode(frame):
                    packet.stream = stream
                    container.mux(packet)
            for packet in encoder.encode(None):
                packet.stream = stream
                container.mux(packet)
    with av.open(str(source)) as container:
        assert {frame.width for frame in container.decode(video=0)} == {160, 320}
    with pytest.raises(MediaError, match="changes its size from 160 x 96 to 320 x 192"):
        run(source, tmp_path / "out.mp4")
    assert not (tmp_path / "out.mp4").exists()


# Colours

H273 = {
    "untagged SD": (SIZE, "601", False, {}),
    "untagged HD": ((1280, 720), "709", False, {}),
    "BT.709": (SIZE, "709", False, {"colorspace": 1, "color_primaries": 1, "color_trc": 1, "color_range": 1}),
    "BT.601": ((1280, 720), "601", False, {"colorspace": 6, "color_primaries": 6, "color_trc": 6, "color_range": 1}),
    "full range": (SIZE, "601", True, {"colorspace": 6, "color_range": 2}),
}


# Large frames once for each codec: .mkv holds what .mp4 does.
@pytest.mark.parametrize(
    ("case", "suffix"),
    [(c, s) for c in H273 for s in (".mp4", ".mkv", ".webm") if s != ".mkv" or H273[c][0] == SIZE],
)
def test_subject_and_background_have_their_colours(tmp_path: Path, case: str, suffix: str) -> None:
    size, matrix, full, tags = H273[case]
    box = (slice(16, 80), slice(32, 96))
    frames = [flat_frame([(*box, RED)], size, matrix, full=full) for _ in range(2)]
    source = write_video(tmp_path / "in.mp4", frames=frames, size=size, settings=tags)
    before = colour_tags(source)
    assert before[0] == tags.get("colorspace", 2)
    assert (before[1] == 2) == full
    run(source, tmp_path / f"out{suffix}")
    after = colour_tags(tmp_path / f"out{suffix}")
    if suffix == ".webm" and not tags:  # VP9 has no word for an untold range: its zero is the limited one
        before = (before[0], after[1], *before[2:])
        assert after[1] in (0, 1)
    assert after == before
    inside, outside = (slice(32, 64), slice(48, 80)), (slice(16, 80), slice(120, 152))
    for place, colour in ((inside, RED), (outside, BLUE)):
        got = mean_yuv(tmp_path / f"out{suffix}", *place)
        assert np.abs(np.subtract(got, to_yuv(colour, matrix, full=full))).max() <= LEVELS, (
            f"{colour} came out as {got}"
        )


def test_an_rgb_source_becomes_yuv_with_a_true_tag(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mkv", codec="ffv1", pixel_format="bgr0", count=2)
    with av.open(str(source)) as container:
        assert next(container.decode(video=0)).format.is_rgb
    run(source, tmp_path / "out.mp4")
    assert colour_tags(tmp_path / "out.mp4")[0] in (5, 6)
    got = mean_yuv(tmp_path / "out.mp4", slice(0, 16), slice(0, 160))
    assert np.abs(np.subtract(got, to_yuv(BLUE, "601", full=False))).max() <= LEVELS


# Transparency and mattes


def decode_alpha(path: Path) -> Any:
    """Alpha of the first frame; FFmpeg's own VP9 decoder would leave it out."""
    with av.open(str(path)) as container:
        if container.streams.video[0].codec_context.name != "vp9":
            return next(container.decode(video=0)).to_ndarray(format="rgba")[..., 3]
        decoder: Any = av.CodecContext.create("libvpx-vp9", "r")
        for packet in container.demux(video=0):
            for frame in decoder.decode(packet):
                assert "a" in frame.format.name.removeprefix("yuv")
                return frame.to_ndarray(format="rgba")[..., 3]
    return None


@pytest.mark.parametrize("suffix", [".webm", ".mov"])
def test_a_transparent_video_has_its_alpha(tmp_path: Path, suffix: str) -> None:
    source = write_video(tmp_path / "in.mp4", count=3)
    run(source, tmp_path / f"out{suffix}", Transparent())
    alpha = decode_alpha(tmp_path / f"out{suffix}").astype(int)
    subject = (picture(0) == RED).all(2)
    core = np.zeros_like(subject)
    core[28:68, 4:44] = True
    assert subject[core].all()
    assert alpha[core].min() >= 255 - ALPHA_LEVELS
    assert alpha[:, 60:].max() <= ALPHA_LEVELS


def test_mp4_is_refused_for_transparency(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=2)
    with pytest.raises(OutputError, match=r"\.mp4 carries no transparency.*\.webm.*\.mov"):
        run(source, tmp_path / "out.mp4", Transparent())


def test_the_matte_is_a_grey_video_of_the_same_frames(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", times=[0, 1, 5, 6], sounds=[Sound()])
    run(source, tmp_path / "out.mp4", matte_target=tmp_path / "matte.mkv")
    assert frame_times(tmp_path / "matte.mkv") == frame_times(source)
    assert sound_packets(tmp_path / "matte.mkv") == []
    for index, matte in enumerate(pictures(tmp_path / "matte.mkv")):
        assert np.ptp(matte.astype(int), axis=2).max() <= LEVELS, "grey"
        subject = (picture(index) == RED).all(2)
        assert matte[subject].mean() > 240
        assert matte[~subject].mean() < 10


def test_blur_shows_the_room_behind_the_subject(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=3)
    run(source, tmp_path / "out.mp4", Blur(6))
    rgb = pictures(tmp_path / "out.mp4")[0]
    assert np.abs(rgb[4:16, 100:150].astype(int) - GREEN).max() <= LOSSY_LEVELS, "a flat room stays as it is"
    assert np.abs(rgb[40:56, 16:32].astype(int) - RED).max() <= LOSSY_LEVELS
