"""What a result can be stored as: codecs and their quality, sequences, animations, and transparency in each."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cyclorama.colour import linear_from_srgb
from cyclorama.errors import MediaError, OutputError, SettingError
from cyclorama.types import Transparent
from cyclorama_ffmpeg import system_ffmpeg
from cyclorama_ffmpeg.encodings import Pictures, Wish, choose
from cyclorama_ffmpeg.formats import CODECS, CONTAINERS, HARDWARE
from cyclorama_ffmpeg.output import check_sequence, sequence_files
from cyclorama_ffmpeg.streams import Kept
from cyclorama_ffmpeg.video import Options, arrange
from made_video import BLUE, GREEN, RED, Sound, frame_times, picture, pictures, run, write_video

MILLISECOND = Fraction(1, 1000)
LEVELS = 12  # of 255, by which a flat colour may move through any of these codecs
CORE = (slice(30, 66), slice(8, 40))  # of the subject in the first frame
ROOM = (slice(4, 16), slice(100, 150))


def as_is(codec: str | None = None, **wishes: Any) -> Options:
    return Options(wish=Wish(codec=codec, **wishes))


def mean(rgb: NDArray[Any], area: tuple[slice, slice]) -> NDArray[np.float64]:
    return rgb[area].reshape(-1, rgb.shape[2]).mean(0)  # type: ignore[no-any-return]


# Codecs


@pytest.mark.parametrize(
    ("name", "codec", "decoder"),
    [
        ("out.mkv", "h264", "h264"),
        ("out.mp4", "hevc", "hevc"),
        ("out.mkv", "hevc", "hevc"),
        ("out.mp4", "av1", "av1"),
        ("out.webm", "av1", "av1"),
        ("out.mp4", "vp9", "vp9"),
        ("out.mov", "prores", "prores"),
        ("out.mkv", "ffv1", "ffv1"),
        ("out.mov", "qtrle", "qtrle"),
        ("out.mp4", "libx264", "h264"),
        ("out.mkv", "mpeg4", "mpeg4"),
    ],
)
def test_each_codec_shows_subject_and_background(tmp_path: Path, name: str, codec: str, decoder: str) -> None:
    source = write_video(tmp_path / "in.mp4", count=4)
    run(source, tmp_path / name, options=as_is(codec))
    with av.open(str(tmp_path / name)) as container:
        assert container.streams.video[0].codec_context.codec.canonical_name == decoder
        rgb = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(mean(rgb, CORE) - RED).max() <= LEVELS
    assert np.abs(mean(rgb, ROOM) - BLUE).max() <= LEVELS
    assert frame_times(tmp_path / name) == frame_times(source)


def test_quality_and_speed_are_the_encoders_own(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (4, 96, 160, 3)).astype(np.uint8)
    source = write_video(tmp_path / "in.mp4", frames=[av.VideoFrame.from_ndarray(n, format="rgb24") for n in noise])
    sizes = []
    for crf in (10, 40):
        run(source, tmp_path / f"{crf}.mp4", options=as_is(crf=crf, preset="ultrafast"))
        sizes.append((tmp_path / f"{crf}.mp4").stat().st_size)
    assert sizes[0] > 3 * sizes[1]
    assert choose(Path("a.webm"), Pictures(), transparent=False, wish=Wish(preset="8")).options["cpu-used"] == "8"


def test_hdr_is_encoded_more_finely_unless_told_otherwise() -> None:
    def crf(hdr: str, wish: Wish | None = None) -> int:
        return int(choose(Path("a.mp4"), Pictures(10, hdr=hdr), transparent=False, wish=wish).options["crf"])

    assert crf("PQ") < crf("HLG") < crf("")
    assert crf("PQ", Wish(crf=30)) == 30


@pytest.mark.parametrize(
    ("name", "wish", "error", "reason"),
    [
        (
            "a.mp4",
            Wish(codec="divx9"),
            SettingError,
            r"has a video encoder divx9; expected one of h264, hevc, av1, vp9",
        ),
        ("a.mp4", Wish(codec="aac"), SettingError, r"has a video encoder aac"),
        ("a.mp4", Wish(codec="prores"), OutputError, r"\.mp4 cannot hold prores; name it \.mov or \.mkv"),
        ("a.webm", Wish(codec="h264"), OutputError, r"\.webm cannot hold h264; name it \.mp4"),
        ("a.mov", Wish(codec="prores", crf=20), SettingError, r"--crf: prores has no such setting"),
        ("a.mov", Wish(codec="qtrle", preset="fast"), SettingError, r"--preset: qtrle has no such setting"),
        ("a.mp4", Wish(pixel_format="yuv999p"), SettingError, r"--pixel-format: h264 takes yuv420p, .*; got yuv999p"),
        ("a.mkv", Wish(codec="ffv1", pixel_format="yuva420p"), SettingError, r"yuva420p has alpha; choose another"),
        ("a.xyz", Wish(), OutputError, r"expected a name that ends in \.mp4"),
        ("a.png", Wish(), OutputError, r"needs a place for their number: a/%05d\.png"),
        ("a.gif", Wish(codec="h264"), OutputError, r"\.gif cannot hold h264"),
        ("%d.png", Wish(codec="exr"), OutputError, r"\.png cannot hold exr; name it .*\.exr"),
    ],
)
def test_wishes_that_cannot_be_are_refused(name: str, wish: Wish, error: type[Exception], reason: str) -> None:
    with pytest.raises(error, match=reason):
        choose(Path(name), Pictures(), transparent=False, wish=wish)


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        (Wish(preset="warp9"), "encoder libx264 does not open here"),
        (Wish(codec="mpeg4", crf=3), "encoder mpeg4 has no setting crf; leave it out"),
    ],
)
def test_an_encoder_that_does_not_take_its_settings_is_one_line(tmp_path: Path, wish: Wish, reason: str) -> None:
    source = write_video(tmp_path / "in.mp4", count=3)
    with pytest.raises(OutputError, match=reason):
        run(source, tmp_path / "out.mkv", options=Options(wish=wish))
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


def opens(encoder: str) -> bool:
    """Whether this machine has the card that an encoder works on."""
    context: Any = av.CodecContext.create(encoder, "w")
    context.width, context.height, context.time_base = 640, 480, Fraction(1, 25)
    context.pix_fmt = next(f.name for f in context.codec.video_formats if f.components)
    with suppress(av.FFmpegError):
        context.open()
    return bool(context.is_open)


@pytest.mark.parametrize("encoder", [f"{kind}{card}" for kind in ("h264", "hevc", "av1") for card in HARDWARE])
def test_an_encoder_without_its_graphics_card_is_one_line(tmp_path: Path, encoder: str) -> None:
    source = write_video(tmp_path / "in.mp4", count=3, size=(640, 480))
    target = tmp_path / "out.mkv"
    if encoder not in av.codecs_available and system_ffmpeg.find(encoder) is None:
        with pytest.raises(SettingError, match=f"neither this build .* nor the system's .* video encoder {encoder};"):
            run(source, target, options=as_is(encoder))
    elif encoder not in av.codecs_available:
        if Path("/dev/dri").exists():
            pytest.skip("there is a graphics card, on which it may work")
        with pytest.raises(OutputError, match=f"{encoder} of the system's ffmpeg does not work here"):
            run(source, target, options=as_is(encoder))
    elif opens(encoder):
        run(source, target, options=as_is(encoder))
        assert len(pictures(target)) == 3
        return
    else:
        with pytest.raises(OutputError, match=f"the encoder {encoder} does not open here.*choose another with --codec"):
            run(source, target, options=as_is(encoder))
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


def test_every_container_has_its_usual_codecs() -> None:
    for suffix, container in CONTAINERS.items():
        assert {container.usual, container.deep} <= CODECS.keys()
        name = Path(f"%d{suffix}")
        assert choose(name, Pictures(), transparent=False).name == container.usual
        if container.alpha is not None:
            encoding = choose(name, Pictures(), transparent=True)
            assert encoding.name == container.alpha
            assert encoding.pixel_format == "pal8" or "a" in encoding.pixel_format.removeprefix("yuv")


# Transparency


def rgba_of(path: Path) -> NDArray[np.uint8]:
    """The first picture; FFmpeg's own decoders of VP9 and animated WebP leave alpha out."""
    if path.suffix in (".gif", ".webp", ".png"):
        with Image.open(path) as image:
            return np.asarray(image.convert("RGBA"))
    with av.open(str(path)) as container:
        if container.streams.video[0].codec_context.name != "vp9":
            return next(container.decode(video=0)).to_ndarray(format="rgba")  # type: ignore[return-value]
        decoder: Any = av.CodecContext.create("libvpx-vp9", "r")
        frames = [frame for packet in container.demux(video=0) for frame in decoder.decode(packet)]
        return frames[0].to_ndarray(format="rgba")  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("out.webm", None),
        ("out.mov", None),
        ("out.mov", "qtrle"),
        ("out.mkv", "ffv1"),
        ("out.webp", None),
        ("out.gif", None),
        ("frames/%05d.png", None),
        ("out.webm", "libvpx-vp9"),
    ],
)
def test_a_cut_out_shows_the_subject_alone(tmp_path: Path, name: str, codec: str | None) -> None:
    frames = [picture(i) for i in range(3)]
    for index, rgb in enumerate(frames):  # no rectangle: libwebp would cut one out and leave it without alpha
        rgb[24:32, 4 * index : 4 * index + 8] = GREEN
    made = [av.VideoFrame.from_ndarray(rgb, format="rgb24") for rgb in frames]
    source = write_video(tmp_path / "in.mp4", frames=made, sounds=[Sound()])
    options = Options(wish=Wish(codec=codec), kept=Kept(audio=name != "out.webm"))
    run(source, tmp_path / name, Transparent(), options=options)
    rgba = rgba_of(tmp_path / (name % 1 if "%" in name else name))
    assert rgba.shape == (96, 160, 4)
    assert mean(rgba, CORE)[3] > 250
    assert np.abs(mean(rgba, CORE)[:3] - RED).max() <= LEVELS
    assert mean(rgba, ROOM)[3] < 4


def test_the_default_for_transparency_is_said(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=2, sounds=[Sound()])
    arranged = arrange(source, None, transparent=True)
    assert arranged.target == tmp_path / "in-cyclorama.mov"
    assert arranged.notes == ("in-cyclorama.mov: .mov carries the transparency, as prores",)


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [("prores", ".mov"), ("ffv1", ".mkv"), ("vp9", ".webm"), ("av1", ".mp4"), ("h264", ".mp4"), ("gif", ".gif")],
)
def test_a_codec_without_a_name_goes_where_players_look_for_it(tmp_path: Path, codec: str, suffix: str) -> None:
    source = write_video(tmp_path / "in.mkv", count=2)
    assert arrange(source, None, transparent=False, options=as_is(codec)).target.suffix == suffix
    with pytest.raises(OutputError, match=r"--codec png writes a sequence of pictures: name it, -o frames/%05d\.png"):
        arrange(source, None, transparent=False, options=as_is("png"))


def test_h264_carries_no_transparency_anywhere(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mkv", count=2)
    for name in ("out.mov", "out.mkv"):
        with pytest.raises(OutputError, match=r"h264 in .* carries no transparency that players show"):
            run(source, tmp_path / name, Transparent(), options=as_is("h264"))


def test_an_exr_holds_premultiplied_light(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mkv", codec="ffv1", pixel_format="bgr0", count=2)
    run(source, tmp_path / "out" / "%04d.exr", Transparent())
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["0001.exr", "0002.exr"]
    with av.open(str(tmp_path / "out" / "0001.exr")) as container:
        frame = next(container.decode(video=0))
    assert frame.format.name == "gbrapf32le"
    light = frame.to_ndarray()
    red = linear_from_srgb(np.array(RED, np.float32) / 255)
    assert mean(light, CORE) == pytest.approx([*red, 1], abs=0.01), "200 or 199 of 255"
    assert light[ROOM].max() == 0


def test_a_sequence_of_16_bits_stays_so(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mkv", codec="ffv1", pixel_format="yuv444p10le", count=2)
    run(source, tmp_path / "out" / "%d.png", Transparent())
    with av.open(str(tmp_path / "out" / "1.png")) as container:
        assert next(container.decode(video=0)).format.name == "rgba64be"


# Sequences of pictures


def test_a_sequence_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=12)
    target = tmp_path / "frames" / "%03d.png"

    def stop(done: int, *_: object) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(source, target, progress=stop)
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]
    run(source, target)
    assert [p.name for p in sequence_files(target)] == [f"{i:03}.png" for i in range(1, 13)]
    (tmp_path / "frames" / "notes.txt").write_text("mine", "utf-8")
    with pytest.raises(OutputError, match=r"001\.png: exists already; give --overwrite"):
        check_sequence(target, overwrite=False)
    check_sequence(target, overwrite=True)
    run(write_video(tmp_path / "short.mp4", count=3), target)
    assert sorted(p.name for p in (tmp_path / "frames").iterdir()) == ["001.png", "002.png", "003.png", "notes.txt"]
    with pytest.raises(OutputError, match="no such folder; make it first"):
        check_sequence(tmp_path / "none" / "frames" / "%d.png", overwrite=False)


def test_a_sequence_goes_into_a_folder_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_video(tmp_path / "in.mp4", count=2)
    monkeypatch.chdir(tmp_path)
    run(source, Path("%d.png"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1.png", "2.png", "in.mp4"]


def test_the_matte_can_be_a_sequence(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=3)
    run(source, tmp_path / "out.mp4", matte_target=tmp_path / "mattes" / "%02d.png")
    matte = np.asarray(Image.open(tmp_path / "mattes" / "01.png").convert("L"))
    subject = (picture(0) == RED).all(2)
    assert matte[subject].mean() > 240
    assert matte[~subject].mean() < 10


# Animations


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_an_animation_keeps_its_times_and_loops(tmp_path: Path, suffix: str) -> None:
    source = write_video(tmp_path / "in.mkv", times=[0, 100, 140, 400], time_base=MILLISECOND)
    run(source, tmp_path / f"out{suffix}", Transparent())
    with Image.open(tmp_path / f"out{suffix}") as image:
        assert image.n_frames == 4  # type: ignore[attr-defined]
        assert image.info["loop"] == 0
        durations = []
        for index in range(3):
            image.seek(index)
            image.load()
            durations.append(image.info["duration"])
    assert durations == [100, 40, 260]


def test_a_gif_leaves_out_what_browsers_would_show_too_slowly(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mkv", times=[10 * i for i in range(12)], time_base=MILLISECOND)
    [note] = run(source, tmp_path / "out.gif").notes
    assert "6 pictures that came less than 20 ms after another are left out, since .gif shows no more than 50" in note
    with Image.open(tmp_path / "out.gif") as image:
        assert image.n_frames == 6  # type: ignore[attr-defined]


def test_a_codec_that_stores_no_pixels_of_that_kind_is_refused(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mkv", count=1)
    with pytest.raises((OutputError, SettingError, MediaError)):
        run(source, tmp_path / "out.mkv", options=as_is("mpeg4", pixel_format="rgb24"))
