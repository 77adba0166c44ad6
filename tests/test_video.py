"""What a video keeps: sound, times, colours, shape; and what is said where it cannot."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from cyclorama.errors import MediaError, OutputError, PictureError
from cyclorama.types import Blur, Transparent
from cyclorama_ffmpeg.frames import FromRgb
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
MILLISECOND = Fraction(1, 1000)  # Matroska's clock
NTSC = Fraction(30_000, 1001)


# Sound


def test_the_sound_is_copied_packet_by_packet(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=25, sounds=[Sound()])
    before = sound_packets(source)
    assert before[0][0][1] < 0, "AAC starts before zero with its priming"
    assert len(before[0]) > 40
    run(source, tmp_path / "out.mp4")
    assert sound_packets(tmp_path / "out.mp4") == before


def test_every_audio_stream_is_copied_with_its_language(tmp_path: Path) -> None:
    tones = [Sound(), Sound(rate=44_100, layout="mono", pitch=300, language="deu"), Sound("libmp3lame", pitch=200)]
    source = write_video(tmp_path / "in.mp4", sounds=tones)
    before = sound_packets(source)
    assert len({packets[5][0] for packets in before}) == 3, "three streams of their own"
    run(source, tmp_path / "out.mp4")
    assert sound_packets(tmp_path / "out.mp4") == before
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert [s.language for s in container.streams.audio] == ["eng", "deu", "eng"]


def test_opus_keeps_its_priming_in_webm(tmp_path: Path) -> None:
    source = write_video(
        tmp_path / "in.webm", codec="libvpx", sounds=[Sound("libopus")], options={"deadline": "realtime"}
    )
    before = sound_packets(source)
    assert before[0][0][1] < 0
    run(source, tmp_path / "out.webm")
    assert sound_packets(tmp_path / "out.webm") == before


def test_sound_and_picture_stay_together_where_the_container_cannot_start_before_zero(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=25, sounds=[Sound()])
    run(source, tmp_path / "out.mkv")
    assert [h for h, *_ in sound_packets(tmp_path / "out.mkv")[0]] == [h for h, *_ in sound_packets(source)[0]]
    shift = frame_times(tmp_path / "out.mkv")[0] - frame_times(source)[0]
    late = [
        after[1] - before[1]
        for after, before in zip(sound_packets(tmp_path / "out.mkv")[0], sound_packets(source)[0], strict=True)
    ]
    assert max(abs(x - shift) for x in late) <= MILLISECOND


def test_adts_sound_of_a_transport_stream_fits_into_mp4(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.ts", count=25, sounds=[Sound()])
    run(source, tmp_path / "out.mp4")

    def samples(path: Path) -> Any:
        with av.open(str(path)) as container:
            return np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=1)

    before, after = samples(source), samples(tmp_path / "out.mp4")
    assert before.shape[1] > 40_000
    length = min(before.shape[1], after.shape[1])  # MP4's edit list trims the padding at the ends
    assert length > 0.9 * before.shape[1]
    assert any(
        (before[:, shift : shift + length - 2048] == after[:, : length - 2048]).all() for shift in (0, 1024, 2048)
    )


@pytest.mark.parametrize(("name", "stream"), [("out.mp4", "2 (pcm_u8)"), ("out.webm", "1 (aac)")])
def test_sound_that_a_container_cannot_hold_is_named_with_one_that_can(tmp_path: Path, name: str, stream: str) -> None:
    source = write_video(tmp_path / "in.mkv", sounds=[Sound(), Sound("pcm_u8")])
    with pytest.raises(OutputError) as caught:
        run(source, tmp_path / name)
    assert f"cannot hold the sound of stream {stream} as it is; name the output .mov or .mkv" in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["in.mkv"]
    before = [[h for h, *_ in packets] for packets in sound_packets(source)]
    for suffix in (".mov", ".mkv"):
        run(source, tmp_path / f"works{suffix}")
        after = sound_packets(tmp_path / f"works{suffix}")
        assert [h for h, *_ in after[0]] == before[0]
        assert len(after) == 2


def test_sound_that_no_container_can_hold_is_to_be_converted(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.wmv", codec="wmv2", sounds=[Sound("wmav2")])
    with pytest.raises(OutputError, match=r"stream 1 \(wmav2\) as it is; nor can .*: convert the sound first"):
        run(source, tmp_path / "out.mkv")


def test_transparency_with_aac_is_sent_to_mov(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", sounds=[Sound()])
    with pytest.raises(OutputError, match=r"stream 1 \(aac\) as it is; name the output \.mov, which can"):
        run(source, tmp_path / "out.webm", Transparent())


# Times


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4v"])
@pytest.mark.parametrize(
    ("times", "time_base", "rate"),
    [
        (list(range(12)), Fraction(1, 25), Fraction(25)),
        ([1001 * i for i in range(12)], Fraction(1, 30_000), NTSC),
        ([0, 1, 2, 50, 51, 90, 400, 401, 417, 900, 901, 911], Fraction(1, 1000), Fraction(25)),
        ([7919 + 3003 * i for i in range(12)], Fraction(1, 90_000), NTSC),
    ],
    ids=["constant", "30000/1001", "variable", "late start"],
)
def test_every_frame_keeps_its_time(
    tmp_path: Path, suffix: str, times: list[int], time_base: Fraction, rate: Fraction
) -> None:
    options = {"movie_timescale": str(time_base.denominator)}
    source = write_video(tmp_path / f"in{suffix}", times=times, time_base=time_base, rate=rate, muxer_options=options)
    before = frame_times(source)
    assert before == [t * time_base for t in times]
    summary = run(source, tmp_path / f"out{suffix}")
    assert frame_times(tmp_path / f"out{suffix}") == before
    assert summary.frames == 12
    assert summary.duration == before[-1] - before[0]


def test_matroska_keeps_its_milliseconds(tmp_path: Path) -> None:
    times = [0, 33, 67, 300, 301, 1000]
    source = write_video(tmp_path / "in.mkv", times=times, time_base=MILLISECOND)
    run(source, tmp_path / "out.mkv")
    assert frame_times(tmp_path / "out.mkv") == [t * MILLISECOND for t in times]
    run(source, tmp_path / "out.webm")
    assert frame_times(tmp_path / "out.webm") == [t * MILLISECOND for t in times]


def test_a_source_with_b_frames_comes_out_in_order(tmp_path: Path) -> None:
    options = {"preset": "medium", "bf": "3", "b-adapt": "0", "crf": "4"}
    source = write_video(tmp_path / "in.mp4", count=20, options=options)
    with av.open(str(source)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
    assert [p.pts for p in packets] != sorted(p.pts for p in packets), "the source has B-frames"
    run(source, tmp_path / "out.mp4")
    assert frame_times(tmp_path / "out.mp4") == frame_times(source)
    for index, rgb in enumerate(pictures(tmp_path / "out.mp4")):
        expected = picture(index)
        subject = (expected == RED).all(2)
        middle = np.argwhere(subject).mean(0).astype(int)
        assert np.abs(rgb[tuple(middle)].astype(int) - RED).max() <= LOSSY_LEVELS, f"frame {index}"
        assert rgb[subject].mean(0)[0] > 150, f"the square stands elsewhere in frame {index}"


def test_the_last_frame_keeps_its_duration(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", times=[0, 1, 2], time_base=Fraction(1, 2), rate=Fraction(2))
    run(source, tmp_path / "out.mp4")
    lengths = []
    for path in (source, tmp_path / "out.mp4"):
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            lengths.append(stream.duration * stream.time_base)
    assert lengths == [Fraction(3, 2)] * 2


def test_avi_frames_without_presentation_times_take_their_decoding_times(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.avi", codec="mpeg4", settings={"max_b_frames": 0})
    run(source, tmp_path / "out.mp4")
    assert frame_times(tmp_path / "out.mp4") == [Fraction(i, 25) for i in range(12)]


def test_frames_without_any_time_are_refused_with_the_way_out(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.h264", container_format="h264")
    with av.open(str(source)) as container:
        assert any(frame.pts is None and frame.dts is None for frame in container.decode(video=0))
    with pytest.raises(MediaError, match="no timestamp; remux it first"):
        run(source, tmp_path / "out.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["in.h264"]


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


def test_more_than_8_bits_are_said_to_become_8(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mkv", codec="ffv1", pixel_format="yuv420p10le", count=2)
    assert any("10 bits" in note for note in run(source, tmp_path / "out.mp4").notes)


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


# What else a file holds


def test_title_and_chapters_are_kept(tmp_path: Path) -> None:
    chapters = [
        {"id": i + 1, "start": 240 * i, "end": 240 * (i + 1), "time_base": MILLISECOND, "metadata": {"title": name}}
        for i, name in enumerate(["one", "two"])
    ]
    for suffix in (".mp4", ".mkv"):
        source = write_video(tmp_path / f"in{suffix}", metadata={"title": "A walk, ÄÖÜ"}, chapters=chapters)
        run(source, tmp_path / f"out{suffix}")
        with av.open(str(tmp_path / f"out{suffix}")) as container:
            assert container.metadata["title"] == "A walk, ÄÖÜ"
            kept = [(c["start"] * c["time_base"], c["metadata"]["title"]) for c in container.chapters()]
        assert kept == [(Fraction(0), "one"), (Fraction(6, 25), "two")]


def test_dropped_subtitles_are_named(tmp_path: Path) -> None:
    words = tmp_path / "words.srt"
    words.write_text("1\n00:00:00,000 --> 00:00:00,300\nHello\n", "utf-8")
    source = write_video(tmp_path / "in.mkv", extra=[words])
    with av.open(str(source)) as container:
        assert [s.type for s in container.streams] == ["video", "subtitle"]
    assert run(source, tmp_path / "out.mp4").notes == ("stream 1 (subtitle) is not carried over",)


def cover() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 90, 90)).save(file, "JPEG")
    return file.getvalue()


def test_a_cover_picture_is_not_taken_for_the_video(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", cover=cover())
    summary = run(source, tmp_path / "out.mp4")
    assert summary.frames == 12
    assert pictures(tmp_path / "out.mp4")[0].shape == (96, 160, 3)
    assert summary.notes == ("stream 1 (cover picture) is not carried over",)


def test_a_song_with_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    song = tmp_path / "song.mp3"
    with av.open(str(song), "w") as container:
        tone: Any = container.add_stream("libmp3lame", rate=44_100)
        art: Any = container.add_stream("mjpeg", rate=1)
        art.width, art.height, art.pix_fmt = 64, 48, "yuvj420p"
        art.disposition = av.stream.Disposition.attached_pic.value
        packet = av.Packet(cover())
        packet.stream, packet.pts, packet.dts, packet.time_base = art, 0, 0, Fraction(1)
        container.mux(packet)
        for i in range(20):
            block = av.AudioFrame.from_ndarray(np.zeros((2, 1152), np.float32), "fltp", "stereo")
            block.sample_rate, block.pts, block.time_base = 44_100, 1152 * i, Fraction(1, 44_100)
            container.mux(tone.encode(block))
        container.mux(tone.encode(None))
    with av.open(str(song)) as container:
        assert len(container.streams.video) == 1, "the cover counts as a video stream"
    with pytest.raises(MediaError, match="expected a video stream, the file has audio and a cover picture"):
        run(song, tmp_path / "out.mp4")


# Faults in the middle


@pytest.mark.timeout(60)
@pytest.mark.parametrize("with_matte", [False, True])
def test_a_failing_encoder_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_matte: bool) -> None:
    source = write_video(tmp_path / "in.mp4", count=60, sounds=[Sound()])
    calls = []
    true = FromRgb.__call__

    def failing(self: FromRgb, pixels: Any, like: Any) -> Any:
        calls.append(like.pts)
        if len(calls) > 8:
            raise RuntimeError("the encoder broke")
        return true(self, pixels, like)

    monkeypatch.setattr(FromRgb, "__call__", failing)
    matte = {"matte_target": tmp_path / "matte.mp4"} if with_matte else {}
    with pytest.raises(RuntimeError, match="the encoder broke"):
        run(source, tmp_path / "out.mp4", **matte)
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.timeout(60)
def test_a_failure_while_matting_ends_the_run(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=60, sounds=[Sound()])

    def stop(done: int, *_: object) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(source, tmp_path / "out.mp4", progress=stop)
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


def test_progress_counts_up_to_the_number_of_frames(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4")
    seen: list[tuple[int, int, Fraction]] = []
    run(source, tmp_path / "out.mp4", progress=lambda *step: seen.append(step))
    assert seen == [(i + 1, 12, Fraction(i, 25)) for i in range(12)]


def test_an_existing_output_survives_a_failure(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", size=(8, 8))
    (tmp_path / "out.mp4").write_bytes(b"precious")
    with pytest.raises(PictureError, match="16 pixels or more a side, got 8 x 8"):
        run(source, tmp_path / "out.mp4")
    assert (tmp_path / "out.mp4").read_bytes() == b"precious"
