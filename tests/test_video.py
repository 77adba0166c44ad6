"""What a video keeps beside its pictures: sound, times, title; what is said where it cannot; and faults."""

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
from cyclorama.types import Transparent
from cyclorama_ffmpeg.encoder import PictureEncoder
from made_video import (
    RED,
    Sound,
    frame_times,
    picture,
    pictures,
    run,
    sound_packets,
    write_video,
)

LOSSY_LEVELS = 12  # of 255, by which a subject's colour may move through the encoder where the subject moves
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
    with pytest.raises(OutputError, match=r"stream 1 \(wmav2\) as it is; nor can .*; or --audio-codec aac encodes it"):
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


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_the_last_frame_keeps_its_duration(tmp_path: Path, suffix: str) -> None:
    source = write_video(tmp_path / "in.mp4", times=[0, 40, 80], last=700, time_base=MILLISECOND)
    run(source, tmp_path / f"out{suffix}")
    for path in (source, tmp_path / f"out{suffix}"):
        with av.open(str(path)) as container:
            assert Fraction(container.duration or 0, av.time_base) == Fraction(780, 1000), path.name


@pytest.mark.parametrize(("codec", "b_frames"), [("mpeg4", 0), ("mpeg4", 2), ("libx264", 2)])
def test_the_nth_frame_of_an_avi_has_the_nth_place(tmp_path: Path, codec: str, b_frames: int) -> None:
    options = {"preset": "medium", "b-adapt": "0", "crf": "4"} if codec == "libx264" else {"qmin": "2", "qmax": "3"}
    source = write_video(tmp_path / "in.avi", codec=codec, settings={"max_b_frames": b_frames}, options=options)
    run(source, tmp_path / "out.mp4")
    assert frame_times(tmp_path / "out.mp4") == [Fraction(i, 25) for i in range(12)]
    for index, rgb in enumerate(pictures(tmp_path / "out.mp4")):
        subject = (picture(index) == RED).all(2)
        assert rgb[subject].mean(0)[0] > 175, f"the square stands elsewhere in frame {index}"


def test_frames_without_any_time_are_refused_with_the_way_out(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.h264", container_format="h264")
    with av.open(str(source)) as container:
        assert any(frame.pts is None and frame.dts is None for frame in container.decode(video=0))
    with pytest.raises(MediaError, match="no timestamp; remux it first"):
        run(source, tmp_path / "out.mp4")
    assert [p.name for p in tmp_path.iterdir()] == ["in.h264"]


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


def cover() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 90, 90)).save(file, "JPEG")
    return file.getvalue()


def test_a_cover_picture_is_not_taken_for_the_video(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", cover=cover())
    summary = run(source, tmp_path / "out.mp4")
    assert summary.frames == 12
    assert pictures(tmp_path / "out.mp4")[0].shape == (96, 160, 3)
    assert summary.notes == ()


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
    true = PictureEncoder.encode

    def failing(self: PictureEncoder, pixels: Any, like: Any) -> Any:
        calls.append(like.pts)
        if len(calls) > 8:
            raise RuntimeError("the encoder broke")
        return true(self, pixels, like)

    monkeypatch.setattr(PictureEncoder, "encode", failing)
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
