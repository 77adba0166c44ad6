"""What a video holds beside pictures and sound, in and out: subtitles, chapters, attachments, covers, data."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from cyclorama.errors import MediaError, OutputError, SettingError
from cyclorama.types import Transparent
from cyclorama_ffmpeg.streams import Kept
from cyclorama_ffmpeg.video import Options, arrange
from made_video import (
    Sound,
    ffmpeg,
    frame_times,
    run,
    sound_packets,
    write_click,
    write_video,
)

MILLISECOND = Fraction(1, 1000)
WORDS = "1\n00:00:00,120 --> 00:00:00,280\nHello <b>bold</b> ÄÖ\n\n2\n00:00:00,600 --> 00:00:00,880\nTwo\nlines\n"
TIMES = [(Fraction(120, 1000), Fraction(160, 1000)), (Fraction(600, 1000), Fraction(280, 1000))]
CHAPTERS = ";FFMETADATA1\ntitle=A walk\n" + "".join(
    f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={a}\nEND={b}\ntitle={name}\n"
    for a, b, name in [(0, 400, "one"), (400, 1000, "two")]
)


def packets(path: Path, kind: str, index: int = 0) -> list[tuple[str, Fraction, Fraction]]:
    """Of one stream of a kind: hash of the bytes, when shown and for how long."""
    with av.open(str(path)) as container:
        stream = [s for s in container.streams if s.type == kind][index]
        return [
            (hashlib.sha256(bytes(p)).hexdigest(), (p.pts or 0) * p.time_base, (p.duration or 0) * p.time_base)
            for p in container.demux(stream)
            if p.size
        ]


def words(path: Path, index: int = 0) -> list[tuple[bytes, Fraction, Fraction]]:
    """The text of a stream of subtitles, as ASS, when shown and for how long."""
    found = []
    with av.open(str(path)) as container:
        for packet in container.demux(container.streams.subtitles[index]):
            if packet.size and (lines := packet.decode()):
                text = lines[0].ass.split(b",", 8)[-1].replace(b"{\\r}", b"{\\b0}")  # type: ignore[union-attr]
                found.append((text, (packet.pts or 0) * packet.time_base, (packet.duration or 0) * packet.time_base))
    return found


def covers(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        streams = [s for s in container.streams.video if s.disposition & av.stream.Disposition.attached_pic]
        return [next(bytes(p) for p in container.demux(s) if p.size) for s in streams]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Matroska file with all that such a file can have."""
    folder = tmp_path_factory.mktemp("full")
    video = write_video(folder / "video.mkv", count=25, sounds=[Sound(), Sound(pitch=300, language="deu")])
    (folder / "words.srt").write_text(WORDS, "utf-8")
    (folder / "chapters.txt").write_text(CHAPTERS, "utf-8")
    (folder / "font.ttf").write_bytes(np.random.default_rng(0).bytes(5000))
    ffmpeg("-i", video, "-frames:v", "1", "-s", "64x48", folder / "cover.png")
    ffmpeg(
        *("-i", video, "-i", folder / "words.srt", "-i", folder / "words.srt", "-i", folder / "chapters.txt"),
        *("-map", "0", "-map", "1", "-map", "2", "-map_metadata", "3", "-map_chapters", "3"),
        *("-c", "copy", "-c:s:0", "srt", "-c:s:1", "ass", "-metadata:s:s:0", "language=fra"),
        *("-disposition:a:0", "0", "-disposition:a:1", "default", "-disposition:s:0", "forced"),
        *("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu", "-metadata:s:a:1", "title=Ton"),
        *("-attach", folder / "font.ttf", "-metadata:s:t:0", "mimetype=application/x-truetype-font"),
        *("-attach", folder / "cover.png", "-metadata:s:t:1", "mimetype=image/png"),
        folder / "full.mkv",
    )
    with av.open(str(folder / "full.mkv")) as container:
        kinds = [s.type for s in container.streams]
        assert kinds == ["video", "audio", "audio", "subtitle", "subtitle", "attachment", "video"]
        assert [s.language for s in container.streams.audio] == ["eng", "deu"]
        assert len(container.chapters()) == 2
        assert len(container.streams.attachments[0].data) == 5000
    return folder / "full.mkv"


def test_matroska_keeps_everything(tmp_path: Path, full: Path) -> None:
    summary = run(full, tmp_path / "out.mkv")
    out = tmp_path / "out.mkv"
    assert summary.notes == ()
    assert sound_packets(out) == sound_packets(full)
    for index in (0, 1):
        assert packets(out, "subtitle", index) == packets(full, "subtitle", index)
    assert covers(out) == covers(full)
    with av.open(str(full)) as before, av.open(str(out)) as after:
        assert [s.type for s in after.streams] == [s.type for s in before.streams]
        assert [s.disposition for s in after.streams] == [s.disposition for s in before.streams]
        assert [s.language for s in after.streams] == [s.language for s in before.streams]
        assert after.streams.audio[1].metadata["title"] == "Ton"
        assert after.streams.attachments[0].data == before.streams.attachments[0].data
        assert after.streams.attachments[0].metadata == before.streams.attachments[0].metadata
        assert after.metadata["title"] == "A walk"
        assert [(c["start"] * c["time_base"], c["metadata"]) for c in after.chapters()] == [
            (c["start"] * c["time_base"], c["metadata"]) for c in before.chapters()
        ]


@pytest.fixture(scope="module")
def mp4(tmp_path_factory: pytest.TempPathFactory, full: Path) -> Path:
    """An MP4 with subtitles, a cover, chapters and a timecode."""
    path = tmp_path_factory.mktemp("mp4") / "in.mp4"
    ffmpeg(
        *("-i", full, "-i", full.parent / "cover.png", "-map", "0:v:0", "-map", "0:a", "-map", "0:s:0", "-map", "1"),
        *("-c", "copy", "-c:s", "mov_text", "-disposition:v:1", "attached_pic", "-timecode", "01:02:03:04", path),
    )
    with av.open(str(path)) as container:
        assert [s.type for s in container.streams][:4] == ["video", "audio", "audio", "subtitle"]
        assert {s.type for s in list(container.streams)[4:]} == {"data", "video"}
        assert container.streams.video[0].metadata["timecode"] == "01:02:03:04"
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_mp4_keeps_everything(tmp_path: Path, mp4: Path, suffix: str) -> None:
    out = tmp_path / f"out{suffix}"
    notes = run(mp4, out).notes
    if suffix == ".mov":
        assert [note[note.index("(") :] for note in notes] == [
            "(cover picture, png) is not carried over: .mov has no place for it"
        ]
    else:
        assert notes == ()
        assert covers(out) == covers(mp4) != []
    assert sound_packets(out) == sound_packets(mp4)
    assert packets(out, "subtitle") == packets(mp4, "subtitle")
    with av.open(str(mp4)) as before, av.open(str(out)) as after:
        assert after.streams.video[0].metadata["timecode"] == "01:02:03:04"
        assert after.streams.subtitles[0].language == "fra"
        titles = [[c["metadata"]["title"] for c in f.chapters()] for f in (before, after)]
    assert titles == [["one", "two"]] * 2


def test_matroska_takes_all_of_an_mp4(tmp_path: Path, mp4: Path) -> None:
    out = tmp_path / "out.mkv"
    assert run(mp4, out).notes == ()
    assert covers(out) == covers(mp4)
    with av.open(str(out)) as container:
        tags = {k.lower(): v for k, v in container.streams.video[0].metadata.items()}
    assert tags["timecode"] == "01:02:03:04"


@pytest.mark.parametrize(
    ("source", "name", "codec"),
    [("words", "out.mp4", "mov_text"), ("words", "out.webm", "webvtt"), ("text", "out.mkv", "subrip")],
)
def test_words_go_over_into_the_containers_own_codec(tmp_path: Path, source: str, name: str, codec: str) -> None:
    (tmp_path / "words.srt").write_text(WORDS, "utf-8")
    given = write_video(tmp_path / "in.mkv", count=25, extra=[tmp_path / "words.srt"])
    if source == "text":
        ffmpeg("-i", given, "-map", "0", "-c:v", "copy", "-c:s", "mov_text", tmp_path / "in.mp4")
        given = tmp_path / "in.mp4"
    before, summary = words(given), run(given, tmp_path / name)
    assert [(start, length) for _, start, length in before] == TIMES
    assert words(tmp_path / name) == before
    assert before[0][0] == "Hello {\\b1}bold{\\b0} ÄÖ".encode()
    assert summary.notes == ()
    with av.open(str(tmp_path / name)) as container:
        assert container.streams.subtitles[0].codec_context.codec.canonical_name == codec


def test_what_a_container_cannot_hold_is_named_with_the_way_out(tmp_path: Path, full: Path) -> None:
    out = tmp_path / "out.mp4"
    with pytest.raises(OutputError) as caught:
        run(full, out)
    assert ".mp4 cannot hold the subtitles of stream 4 (ssa) as it is" in str(caught.value)
    assert "name the output .mkv, which can; or --no-subtitles leaves them out" in str(caught.value)
    with pytest.raises(OutputError) as caught:
        run(full, out, options=Options(kept=Kept(subtitles=False)))
    assert "cannot hold the attachment of stream 5" in str(caught.value)
    assert "name the output .mkv, which can; or --no-attachments leaves fonts and covers out" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    run(full, out, options=Options(kept=Kept(subtitles=False, attachments=False)))
    with av.open(str(out)) as container:
        assert {s.type for s in container.streams} == {"video", "audio", "data"}, "data: the list of chapters"


def test_without_a_name_the_container_holds_all(full: Path, mp4: Path) -> None:
    assert arrange(full, None, transparent=False).target.suffix == ".mkv"
    assert arrange(mp4, None, transparent=False).target.suffix == ".mp4"
    assert arrange(mp4, None, transparent=True).target.suffix == ".mov"


def test_data_is_copied_where_the_container_can_and_named_where_not(tmp_path: Path) -> None:
    source = tmp_path / "in.ts"
    with av.open(str(source), "w") as container:
        video: Any = container.add_stream("libx264", rate=25)
        video.width, video.height = 64, 48
        data = container.add_data_stream("klv")
        for i in range(5):
            container.mux(video.encode(av.VideoFrame(64, 48, "yuv420p")))
            packet = av.Packet(b"telemetry %d" % i)
            packet.stream, packet.pts, packet.dts, packet.time_base = data, i, i, Fraction(1, 25)
            container.mux(packet)
        container.mux(video.encode(None))
    with av.open(str(source)) as container:
        assert [s.type for s in container.streams] == ["video", "data"]
    assert run(source, tmp_path / "out.mp4").notes == (
        "stream 1 (data, klv) is not carried over: .mp4 has no place for it",
    )


# Sound by other ways


def click_time(path: Path) -> float:
    """When the loudest sample is heard, in seconds since the first picture."""
    with av.open(str(path)) as container:
        blocks = list(container.decode(audio=0))
    sound = np.concatenate([np.abs(b.to_ndarray().astype(np.float64)).reshape(-1, b.samples)[0] for b in blocks])
    first = (blocks[0].pts or 0) * (blocks[0].time_base or 0)
    return float(first) + int(sound.argmax()) / blocks[0].sample_rate - float(frame_times(path)[0])


@pytest.mark.parametrize(
    ("codec", "name"), [("aac", "out.mp4"), ("libopus", "out.webm"), ("flac", "out.mkv"), ("pcm_s16le", "out.mov")]
)
def test_sound_encoded_anew_stays_with_the_picture(tmp_path: Path, codec: str, name: str) -> None:
    source = write_click(tmp_path / "in.mkv", codec="pcm_u8", rate=44_100, starts=Fraction(1, 2), click=Fraction(3, 4))
    assert click_time(source) == pytest.approx(0.75, abs=1e-3)
    run(source, tmp_path / name, options=Options(kept=Kept(audio_codec=codec)))
    assert click_time(tmp_path / name) == pytest.approx(0.75, abs=2e-3)
    with av.open(str(tmp_path / name)) as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.codec.canonical_name == codec.removeprefix("lib")
        assert stream.sample_rate == (48_000 if codec == "libopus" else 44_100)
        assert stream.language == "eng"


def test_sound_can_be_left_out(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=3, sounds=[Sound()])
    run(source, tmp_path / "out.webm", options=Options(kept=Kept(audio=False)))
    assert sound_packets(tmp_path / "out.webm") == []


@pytest.mark.parametrize(("other", "expected"), [(10, "all"), (100, "up to the end")])
def test_the_sound_of_another_file_starts_with_the_picture(tmp_path: Path, other: int, expected: str) -> None:
    source = write_video(tmp_path / "in.mkv", times=[i + 25 for i in range(25)], sounds=[Sound()])
    music = write_video(tmp_path / "music.mkv", count=other, sounds=[Sound("flac", pitch=200)])
    run(source, tmp_path / "out.mkv", options=Options(kept=Kept(audio_from=music)))
    [before], [after] = sound_packets(music), sound_packets(tmp_path / "out.mkv")
    assert [h for h, *_ in after] == [h for h, *_ in before[: len(after)]]
    assert (len(after) == len(before)) == (expected == "all")
    assert after[0][1] == frame_times(tmp_path / "out.mkv")[0] == 1
    assert after[-1][1] < frame_times(tmp_path / "out.mkv")[-1] + Fraction(1, 25)
    if expected != "all":
        assert after[-1][1] > frame_times(tmp_path / "out.mkv")[-1] - Fraction(1, 10)


def test_wishes_for_sound_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=2, sounds=[Sound()])
    silent = write_video(tmp_path / "silent.mp4", count=2)
    with pytest.raises(SettingError, match="no audio encoder mp99; expected for example aac"):
        Kept(audio_codec="mp99")
    with pytest.raises(SettingError, match="--no-audio leaves nothing"):
        Kept(audio=False, audio_codec="aac")
    with pytest.raises(MediaError, match=r"silent\.mp4: expected sound for --audio-from, the file has none"):
        run(source, tmp_path / "out.mp4", options=Options(kept=Kept(audio_from=silent)))
    with pytest.raises(OutputError, match=r"\.webm cannot hold sound of --audio-codec aac; name the output \.mp4 or"):
        run(source, tmp_path / "out.webm", options=Options(kept=Kept(audio_codec="aac")))
    surround = tmp_path / "surround.mkv"
    ffmpeg("-i", source, "-c:v", "copy", "-ac", "6", "-c:a", "flac", surround)
    with pytest.raises(OutputError, match=r"--audio-codec libmp3lame: the encoder does not take 5\.1"):
        run(surround, tmp_path / "out.mp4", options=Options(kept=Kept(audio_codec="libmp3lame")))
    assert not list(tmp_path.glob("*out*"))


def test_pictures_alone_say_what_they_leave_out(tmp_path: Path, full: Path) -> None:
    [note] = run(full, tmp_path / "out.webp", Transparent()).notes
    assert ".webp holds pictures alone: stream 1 (audio, aac), stream 2 (audio, aac), stream 3 (subtitle, " in note
    assert (
        run(full, tmp_path / "o.webp", Transparent(), options=Options(kept=Kept(False, None, None, False, False))).notes
        == ()
    )
