"""More than 8 bits, wide gamut and high dynamic range: in and out with their levels, tags and light."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type
from numpy.typing import NDArray

from cyclorama.colour import (
    hlg_from_scene,
    hlg_scene_from_nits,
    linear_from_srgb,
    nits_from_hlg_scene,
    nits_from_pq,
    pq_from_nits,
    primaries_matrix,
    scene_from_hlg,
    srgb_from_linear,
)
from cyclorama.errors import MediaError, OutputError
from cyclorama.types import Transparent
from cyclorama_ffmpeg import mastering
from cyclorama_ffmpeg.backgrounds import LoopedClip
from cyclorama_ffmpeg.encodings import Wish
from cyclorama_ffmpeg.mastering import Mastering, mastering_of
from cyclorama_ffmpeg.video import Options
from made_video import BLUE, GREEN, RED, SIZE, frame_times, run, write_video

TRANSFERS = {"pq": 16, "hlg": 18}  # H.273
SUBJECT = (slice(16, 80), slice(32, 96))
CORE = (slice(24, 72), slice(40, 56))  # of the subject's reds
FLAME = (slice(24, 72), slice(72, 88))  # a patch of it, far brighter than white
ROOM = (slice(4, 12), slice(110, 150))
FLAME_NITS = 900.0
LEVELS = 3  # of 1023, by which a flat colour may move through HEVC or AV1 at their default quality
# Mastering on a display of P3, as most films are.
X265_MASTERING = (
    "hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"
)
MASTERING = Mastering(
    tuple(Fraction(n, 50_000) for n in (34_000, 16_000, 13_250, 34_500, 7_500, 3_000, 15_635, 16_450)),
    (Fraction(50, 10_000), Fraction(1000)),
    (1000, 400),
)
BT2020 = {"colorspace": 9, "color_primaries": 9, "color_range": 1}


def signal(colour: tuple[int, int, int], transfer: str, scale: float = 1.0) -> NDArray[np.float64]:
    """What an sRGB colour is in BT.2020 with PQ or HLG, its white at 203 cd/m2; R'G'B' in [0, 1]."""
    light = linear_from_srgb(np.array(colour, np.float32) / 255).astype(np.float64)
    nits = 203 * scale * primaries_matrix("bt709", "bt2020") @ light
    return pq_from_nits(nits) if transfer == "pq" else hlg_from_scene(hlg_scene_from_nits(nits))


def codes(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """10-bit Y'CbCr, limited, of R'G'B' by BT.2020's matrix (ITU-T H.273, 8.3)."""
    kr, kb = 0.2627, 0.0593
    y = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2]
    return np.array([64 + 876 * y, 512 + 896 * (rgb[2] - y) / (2 - 2 * kb), 512 + 896 * (rgb[0] - y) / (2 - 2 * kr)])


def flat_10_bits(boxes: list[tuple[tuple[slice, slice], NDArray[np.float64]]]) -> av.VideoFrame:
    """A frame yuv420p10le of rectangles of Y'CbCr codes, the first of which is all of it."""
    width, height = SIZE
    frame = av.VideoFrame(width, height, "yuv420p10le")
    for i, plane in enumerate(frame.planes):
        step = 1 if i == 0 else 2
        values = np.zeros((plane.height, plane.line_size // 2), np.uint16)
        for (rows, columns), colour in boxes:
            values[rows.start // step : rows.stop // step, columns.start // step : columns.stop // step] = round(
                colour[i]
            )
        plane.update(values.tobytes())
    return frame


def stored(path: Path, area: tuple[slice, slice]) -> NDArray[np.float64]:
    """Mean 10-bit codes of a rectangle of the last frame."""
    with av.open(str(path)) as container:
        frame = list(container.decode(video=0))[-1]
    bits = frame.format.components[0].bits
    across, down = frame.width // frame.format.chroma_width(), frame.height // frame.format.chroma_height()
    means = []
    for i, plane in enumerate(frame.planes[:3]):
        values = np.frombuffer(plane, np.uint16).reshape(plane.height, plane.line_size // 2)
        x, y = (across, down) if i else (1, 1)
        rows, columns = area
        part = values[rows.start // y : rows.stop // y, columns.start // x : columns.stop // x]
        means.append(float(part.mean()) / (1 << (bits - 10)))
    return np.array(means)


def write_hdr(
    path: Path,
    transfer: str,
    *,
    count: int = 3,
    options: dict[str, str] | None = None,
    format_: str = "yuv420p10le",
    **more: Any,
) -> Path:
    """A red subject with a flame, before green; lossless HEVC unless told otherwise."""
    everywhere = slice(0, SIZE[1]), slice(0, SIZE[0])
    boxes = [
        (everywhere, codes(signal(GREEN, transfer))),
        (SUBJECT, codes(signal(RED, transfer))),
        (FLAME, codes(signal((255, 255, 255), transfer, FLAME_NITS / 203))),
    ]
    settings = {**BT2020, "color_trc": TRANSFERS[transfer]}
    params = "lossless=1:log-level=none" + (f":{X265_MASTERING}" if transfer == "pq" else "")
    more = {"codec": "libx265", "options": options or {"preset": "ultrafast", "x265-params": params}, **more}
    frames = [flat_10_bits(boxes) for _ in range(count)]
    for frame in frames:
        frame.colorspace, frame.color_primaries, frame.color_trc = 9, 9, TRANSFERS[transfer]
    return write_video(path, frames=frames, pixel_format=format_, settings=settings, **more)


def first_frame(path: Path) -> av.VideoFrame:
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
@pytest.mark.parametrize(
    ("name", "codec", "levels"),
    [
        ("out.mp4", None, LEVELS),
        ("out.webm", None, LEVELS),
        ("out.mov", "prores", LEVELS),
        ("out.mkv", "ffv1", 1),
        ("out.mp4", "av1", LEVELS),
    ],
)
def test_hdr_stays_hdr(tmp_path: Path, transfer: str, name: str, codec: str | None, levels: float) -> None:
    source = write_hdr(tmp_path / "in.mp4", transfer)
    assert first_frame(source).format.name == "yuv420p10le"
    assert mastering_of(first_frame(source)) == (MASTERING if transfer == "pq" else None)
    summary = run(source, tmp_path / name, options=Options(wish=Wish(codec=codec)))
    frame = first_frame(tmp_path / name)
    assert frame.format.components[0].bits >= 10
    tags = int(frame.colorspace), int(frame.color_primaries), int(frame.color_trc), int(frame.color_range)
    assert tags == (9, 9, TRANSFERS[transfer], 1)
    for area, colour in [
        (CORE, signal(RED, transfer)),
        (FLAME, signal((255, 255, 255), transfer, FLAME_NITS / 203)),
        (ROOM, signal(BLUE, transfer)),
    ]:
        inner = tuple(slice(s.start + 2, s.stop - 2) for s in area)
        found = stored(tmp_path / name, inner)  # type: ignore[arg-type]
        assert np.abs(found - codes(colour)).max() <= levels, f"{area}: {found}, wanted {codes(colour)}"
    assert all("10 bits" in note or "colour" in note for note in summary.notes)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("out.mp4", "hevc"),
        ("out.mkv", "hevc"),
        ("out.mp4", "av1"),
        ("out.webm", "av1"),
        ("out.mov", "prores"),
        ("out.mkv", "ffv1"),
    ],
)
def test_the_metadata_of_mastering_is_carried_over(tmp_path: Path, name: str, codec: str) -> None:
    source = write_hdr(tmp_path / "in.mp4", "pq")
    run(source, tmp_path / name, options=Options(wish=Wish(codec=codec)))
    found = mastering_of(first_frame(tmp_path / name))
    assert found is not None
    assert found.content_light == MASTERING.content_light
    for before, after in [(MASTERING.chromaticities, found.chromaticities), (MASTERING.luminance, found.luminance)]:
        assert before is not None
        assert after is not None
        assert [float(v) for v in after] == pytest.approx([float(v) for v in before], abs=1e-4)


def test_metadata_of_each_scene_is_said_to_be_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing here writes such metadata: another kind stands for it.
    monkeypatch.setitem(mastering.DYNAMIC, Type.CONTENT_LIGHT_LEVEL, "HDR10+")
    notes = run(write_hdr(tmp_path / "in.mp4", "pq"), tmp_path / "out.mp4").notes
    assert "the metadata of HDR10+ for each scene is not carried over; the HDR below it is" in notes


def test_the_metadata_stands_in_the_container_too(tmp_path: Path) -> None:
    """For players that look there alone: MP4's boxes mdcv and clli, and Apple's name for HEVC."""
    source = write_hdr(tmp_path / "in.mp4", "pq")
    run(source, tmp_path / "out.mp4")
    data = (tmp_path / "out.mp4").read_bytes()
    for box in (b"mdcv", b"clli", b"hvc1", b"colr"):
        assert box in data


@pytest.mark.parametrize("count", [1, 2])
def test_a_film_of_one_or_two_pictures_can_be_hevc(tmp_path: Path, count: int) -> None:
    source = write_hdr(tmp_path / "in.mkv", "hlg", count=count, codec="ffv1", options={"level": "3"})
    run(source, tmp_path / "out.mp4")
    assert frame_times(tmp_path / "out.mp4") == frame_times(source)
    assert len(frame_times(source)) == count


def test_the_matte_of_hdr_is_plain(tmp_path: Path) -> None:
    source = write_hdr(tmp_path / "in.mp4", "pq")
    run(source, tmp_path / "out.mp4", matte_target=tmp_path / "matte.mp4")
    frame = first_frame(tmp_path / "matte.mp4")
    assert (frame.format.name, int(frame.color_trc), int(frame.color_primaries)) == ("yuv420p", 1, 1)
    assert mastering_of(frame) is None


def test_hdr_is_not_squeezed_into_8_bits(tmp_path: Path) -> None:
    source = write_hdr(tmp_path / "in.mp4", "hlg")
    with pytest.raises(OutputError, match=r"the video is HDR, which 8 bits \(h264\) cannot hold; choose --codec hevc"):
        run(source, tmp_path / "out.mp4", options=Options(wish=Wish(codec="h264")))
    with pytest.raises(OutputError, match=r"the video is HDR, which 8 bits \(vp9\) cannot hold"):
        run(source, tmp_path / "out.webm", Transparent())
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


def test_a_cut_out_of_hdr_has_its_light(tmp_path: Path) -> None:
    source = write_hdr(tmp_path / "in.mp4", "hlg")
    run(source, tmp_path / "out.mov", Transparent())
    frame = first_frame(tmp_path / "out.mov")
    assert int(frame.color_trc) == 18
    assert np.abs(stored(tmp_path / "out.mov", CORE) - codes(signal(RED, "hlg"))).max() <= LEVELS
    assert frame.to_ndarray(format="rgba")[ROOM][..., 3].max() == 0


def test_an_exr_of_hdr_holds_light(tmp_path: Path) -> None:
    for transfer in ("pq", "hlg"):
        source = write_hdr(tmp_path / f"{transfer}.mp4", transfer)
        run(source, tmp_path / transfer / "%05d.exr", Transparent())
        light = first_frame(tmp_path / transfer / "00001.exr").to_ndarray()
        red = linear_from_srgb(np.array(RED, np.float32) / 255)
        assert light[CORE].mean((0, 1)) == pytest.approx([*red, 1], rel=0.03, abs=0.003)
        assert light[FLAME][4:-4, 4:-4].mean((0, 1)) == pytest.approx([*[FLAME_NITS / 203] * 3, 1], rel=0.02)
        assert light[ROOM].max() == 0


def test_a_clip_of_hdr_behind_sdr_is_seen_as_sdr_shows_it(tmp_path: Path) -> None:
    for transfer in ("pq", "hlg"):
        rgb = LoopedClip(write_hdr(tmp_path / f"{transfer}.mp4", transfer)).frame_at(Fraction(0))
        mapped = srgb_from_linear(np.minimum(linear_from_srgb(np.array(RED, np.float32) / 255), 0.7)) * 255
        assert np.abs(rgb[CORE].mean((0, 1)) - mapped).max() <= 4
        assert rgb[FLAME][4:-4, 4:-4].min() > 235


def test_what_the_container_alone_says_of_colours_is_believed(tmp_path: Path) -> None:
    source = write_hdr(tmp_path / "in.mov", "hlg", codec="prores_ks", options={"profile": "hq"}, format_="yuv422p10le")
    data = bytearray(source.read_bytes())
    start = 0
    while (start := data.find(b"icpf", start)) > 0:  # the header of a frame; its bytes 14 to 16 are the tags
        assert data[start + 18 : start + 21] == bytes((9, 18, 9))
        data[start + 18 : start + 21] = bytes((2, 2, 2))
        start += 4
    source.write_bytes(data)
    assert int(first_frame(source).color_trc) == 2
    run(source, tmp_path / "out.mp4")
    assert int(first_frame(tmp_path / "out.mp4").color_trc) == 18
    assert np.abs(stored(tmp_path / "out.mp4", ROOM) - codes(signal(BLUE, "hlg"))).max() <= LEVELS


def test_colours_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    source = write_video(
        tmp_path / "in.mkv",
        codec="ffv1",
        pixel_format="yuv420p10le",
        settings={"colorspace": 14, "color_trc": 16, "color_primaries": 9},
        count=1,
    )
    with pytest.raises(MediaError, match=r"by the matrix 14 of ITU-T H\.273, which cannot be read"):
        run(source, tmp_path / "out.mkv")


# 10 bits without HDR


def write_ramp(path: Path, pixel_format: str, *, settings: dict[str, int] | None = None) -> Path:
    """A subject with all shades of grey that 10 bits have between black and white, before green; lossless."""
    frame = av.VideoFrame(896, 64, pixel_format)
    bits = frame.format.components[0].bits
    for i, plane in enumerate(frame.planes):
        values = np.full((plane.height, plane.line_size // 2), 512 << (bits - 10), np.uint16)
        if i == 0:
            values[:, :876] = (np.arange(64, 940) << (bits - 10))[None]
            values[:, 876:896] = 940 << (bits - 10)
        plane.update(values.tobytes())
    return write_video(
        path, frames=[frame], size=(896, 64), codec="ffv1", pixel_format=pixel_format, settings=settings or {}
    )


@pytest.mark.parametrize(
    ("pixel_format", "kept"),
    [("yuv420p10le", "yuv420p10le"), ("yuv422p10le", "yuv422p10le"), ("yuv444p12le", "yuv444p12le")],
)
def test_every_level_comes_out_as_it_went_in(tmp_path: Path, pixel_format: str, kept: str) -> None:
    source = write_ramp(tmp_path / "in.mkv", pixel_format)
    summary = run(source, tmp_path / "out.mkv", options=Options(wish=Wish(codec="ffv1")))
    before, after = first_frame(source), first_frame(tmp_path / "out.mkv")
    assert (before.format.name, after.format.name) == (pixel_format, kept)
    luma = [np.frombuffer(f.planes[0], np.uint16).reshape(64, -1)[:, :896].astype(int) for f in (before, after)]
    shift = before.format.components[0].bits - 10
    assert np.abs(luma[0] - luma[1]).max() <= 1 << shift >> 1, "within half a step of 10 bits"
    assert summary.notes == ()


@pytest.mark.parametrize(
    ("name", "wish", "pixel_format", "note"),
    [
        ("out.mp4", Wish(), "yuv420p10le", "it is written as HEVC, 10 bits"),
        ("out.webm", Wish(), "yuv420p10le", "it is written as AV1, 10 bits"),
        ("out.mp4", Wish(codec="h264"), "yuv420p", "has 10 bits a component, the result has 8 (h264)"),
        ("out.mov", Wish(codec="prores"), "yuv422p10le", None),
        ("out.mkv", Wish(codec="hevc", pixel_format="yuv422p10le"), "yuv422p10le", None),
    ],
)
def test_10_bits_stay_10_bits_where_players_show_them(
    tmp_path: Path, name: str, wish: Wish, pixel_format: str, note: str | None
) -> None:
    source = write_ramp(tmp_path / "in.mkv", "yuv422p10le")
    notes = run(source, tmp_path / name, options=Options(wish=wish)).notes
    assert first_frame(tmp_path / name).format.name == pixel_format
    assert (note is None) == (notes == ())
    if note is not None:
        assert note in notes[0]
        assert "has the resolution 4:2:2, the result has 4:2:0" in notes[1]


@pytest.mark.parametrize(("given", "codec", "kept"), [("yuv444p", "prores", "yuv444p"), ("yuv444p", "ffv1", "yuv444p")])
def test_444_is_kept_by_codecs_that_hold_it_well(tmp_path: Path, given: str, codec: str, kept: str) -> None:
    source = write_video(tmp_path / "in.mkv", codec="ffv1", pixel_format=given, count=2)
    name = "out.mov" if codec == "prores" else "out.mkv"
    run(source, tmp_path / name, options=Options(wish=Wish(codec=codec)))
    assert first_frame(tmp_path / name).format.name.startswith(kept)


def test_a_wide_gamut_without_hdr_gets_a_background_of_the_right_colour(tmp_path: Path) -> None:
    settings = {"colorspace": 9, "color_primaries": 9, "color_trc": 14, "color_range": 1}
    green = codes(np.array([0.0, 1.0, 0.0]))
    everywhere = slice(0, SIZE[1]), slice(0, SIZE[0])
    frames = [flat_10_bits([(everywhere, green), (SUBJECT, codes(np.array([0.7, 0.2, 0.2])))])]
    source = write_video(
        tmp_path / "in.mkv", frames=frames, codec="ffv1", pixel_format="yuv420p10le", settings=settings
    )
    run(source, tmp_path / "out.mkv", options=Options(wish=Wish(codec="ffv1")))
    blue = linear_from_srgb(np.array(BLUE, np.float32) / 255)
    wanted = srgb_from_linear((primaries_matrix("bt709", "bt2020") @ blue).astype(np.float32))
    assert np.abs(stored(tmp_path / "out.mkv", ROOM) - codes(wanted.astype(np.float64))).max() <= 1.5
    assert np.abs(stored(tmp_path / "out.mkv", CORE) - codes(np.array([0.7, 0.2, 0.2]))).max() <= 1


def test_the_light_of_hdr_is_what_it_says() -> None:
    """The test's own ground: 203 and 900 cd/m2 come back from the signals that it writes."""
    white = signal((255, 255, 255), "pq")
    assert nits_from_pq(white) == pytest.approx([203] * 3, rel=1e-4)
    flame = signal((255, 255, 255), "hlg", FLAME_NITS / 203)
    assert nits_from_hlg_scene(scene_from_hlg(flame)) == pytest.approx([900] * 3, rel=1e-4)
