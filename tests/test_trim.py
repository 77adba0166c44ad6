"""`--from` and `--to`: the same pictures and packets as in the whole result, from zero."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from cyclorama.engine import Engine, Session
from cyclorama.errors import SettingError
from cyclorama.types import Background, Colour, Settings
from cyclorama_ffmpeg import trim
from cyclorama_ffmpeg.backgrounds import parse
from cyclorama_ffmpeg.encodings import Wish
from cyclorama_ffmpeg.streams import Kept
from cyclorama_ffmpeg.trim import Span, parse_time
from cyclorama_ffmpeg.video import Options, replace_background
from made_video import BLUE, GREEN, SIZE, Sound, frame_times, pictures, sound_packets, write_video

MILLISECOND = Fraction(1, 1000)
HALF_A_SAMPLE = Fraction(1, 96_000)  # of sound, by which its packets may move against the picture
# Every keyframe comes late, and frames are stored in another order than shown.
SPARSE = {"g": "20", "keyint_min": "20", "sc_threshold": "0", "bf": "2"}
FRAMES = 60  # at 25 a second
LOSSLESS = Wish(codec="ffv1")


def shimmering(count: int) -> list[av.VideoFrame]:
    """A half-transparent square that hardly stands still: steadied, each frame bears traces of those before it."""
    rng = np.random.default_rng(0)
    frames = []
    for index in range(count):
        rgb = np.tile(np.array(GREEN, np.uint8), (SIZE[1], SIZE[0], 1))
        noise = rng.integers(-4, 5, (48, 48, 3))
        rgb[24:72, 20 + index % 2 : 68 + index % 2] = np.clip(np.array((100, 147, 25)) + noise, 0, 255)
        frames.append(av.VideoFrame.from_ndarray(rgb, format="rgb24"))
    return frames


def whole_and_part(
    tmp_path: Path, source: Path, span: Span, background: Background | None = None, **options: Any
) -> tuple[Path, Path]:
    """The results of the whole source and of a part of it, lossless, with edges steadied over time."""
    made = []
    for name, part in (("whole.mkv", None), ("part.mkv", span)):
        settings = Settings(background=background or Colour(*BLUE))
        session = Engine("green-screen").session(settings)
        given = Options(wish=LOSSLESS, span=part, **options)
        replace_background(session, source, tmp_path / name, options=given)
        made.append(tmp_path / name)
    return made[0], made[1]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", Fraction(0)),
        ("90", Fraction(90)),
        ("90.5", Fraction(181, 2)),
        ("0.001", MILLISECOND),
        ("1:30", Fraction(90)),
        ("75:00", Fraction(4500)),
        ("0:01:30.500", Fraction(181, 2)),
        ("10:00:00", Fraction(36_000)),
    ],
)
def test_a_time_is_exact(text: str, seconds: Fraction) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1:75", "1:60:00", "5s", ".5", "1::2", "0:0:0:1", "1e3", "nan"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(SettingError, match=r"expected a time as seconds \(90\.5\) or as HH:MM:SS\.mmm"):
        parse_time(text)


def test_an_end_before_the_beginning_is_refused() -> None:
    with pytest.raises(SettingError, match=r"expected --to after --from, got 3 s to 2\.5 s"):
        Span(Fraction(3), Fraction(5, 2))


@pytest.mark.parametrize(
    ("name", "codec", "options", "sound"),
    [
        ("in.mp4", "libx264", SPARSE, "aac"),
        ("in.mkv", "libx264", SPARSE, "libopus"),
        ("one-keyframe.mp4", "libx264", {"g": "1000"}, "aac"),
        ("in.ts", "libx264", SPARSE, "aac"),
        ("in.flv", "libx264", SPARSE, "libmp3lame"),
        ("in.avi", "libx264", SPARSE, "libmp3lame"),
        ("in.mpg", "mpeg2video", {"g": "15", "b": "600k", "maxrate": "600k", "bufsize": "400k"}, "mp2"),
        ("in.webm", "libvpx", {"g": "20", "deadline": "realtime"}, "libopus"),
    ],
)
@pytest.mark.parametrize(("start", "end"), [("0.3", "0.8"), ("1.5", "2.02"), ("1.99", None), ("0", "1")])
def test_a_part_has_the_pictures_of_the_whole_from_zero(
    tmp_path: Path, name: str, codec: str, options: dict[str, str], sound: str, start: str, end: str | None
) -> None:
    made = shimmering(FRAMES)
    source = write_video(tmp_path / name, frames=made, codec=codec, options=options, sounds=[Sound(sound)])
    span = Span(Fraction(start), None if end is None else Fraction(end))
    whole, part = whole_and_part(tmp_path, source, span)
    zero = frame_times(whole)[0]
    times = [time - zero for time in frame_times(whole)]
    kept = [i for i, time in enumerate(times) if span.start <= time and (span.end is None or time < span.end)]
    assert 10 <= len(kept) <= 26
    after = frame_times(part)
    assert after[0] == 0
    assert np.abs(np.subtract(after, [times[i] - times[kept[0]] for i in kept])).max() <= MILLISECOND
    expected, got = pictures(whole), pictures(part)
    assert all((expected[i] == rgb).all() for i, rgb in zip(kept, got, strict=True))


def test_without_a_warm_up_the_edges_would_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the test above shows that they are steadied."""
    monkeypatch.setattr(trim, "WARM_UP", Fraction(0))
    source = write_video(tmp_path / "in.mp4", frames=shimmering(FRAMES), options=SPARSE)
    whole, part = whole_and_part(tmp_path, source, Span(Fraction("1.5")))
    kept = frame_times(whole).index(Fraction("1.52"))
    assert (pictures(whole)[kept] != pictures(part)[0]).any()


def test_sound_is_cut_at_whole_packets_and_stays_with_the_picture(tmp_path: Path) -> None:
    tones = [Sound(), Sound("libmp3lame", rate=44_100, layout="mono", language="deu")]
    source = write_video(tmp_path / "in.mp4", count=FRAMES, options=SPARSE, sounds=tones)
    settings = Settings(Colour(*BLUE), smoothing=0)
    span = Span(Fraction(1), Fraction(2))
    session = Engine("green-screen").session(settings)
    replace_background(session, source, tmp_path / "part.mp4", options=Options(span=span))
    for before, after in zip(sound_packets(source), sound_packets(tmp_path / "part.mp4"), strict=True):
        kept = [packet for packet in before if 1 <= (packet[1] or 0) < 2]
        assert 30 <= len(kept) <= 48
        assert [h for h, *_ in after] == [h for h, *_ in kept]
        shifts = [was[1] - now[1] for was, now in zip(kept, after, strict=True)]  # type: ignore[operator]
        assert max(abs(shift - 1) for shift in shifts) <= HALF_A_SAMPLE
    assert frame_times(tmp_path / "part.mp4")[0] == 0


def test_sound_that_stands_far_behind_its_picture_is_waited_for(tmp_path: Path) -> None:
    """A file whose sound is interleaved half a second late; cutting at the first picture after the end loses it."""
    made = write_video(tmp_path / "made.mp4", count=FRAMES, sounds=[Sound()])
    late = tmp_path / "late.mkv"
    with av.open(str(made)) as given, av.open(str(late), "w", options={"max_interleave_delta": "1"}) as container:
        copies = {s: container.add_stream_from_template(s) for s in (given.streams.video[0], given.streams.audio[0])}
        order = sorted(
            (p for p in given.demux() if p.size),
            key=lambda p: p.dts * p.time_base + Fraction(p.stream.type == "audio", 2),  # type: ignore[operator]
        )
        for packet in order:
            packet.stream = copies[packet.stream]  # type: ignore[index]
            container.mux(packet)
    with av.open(str(late)) as container:
        kinds = [p.stream.type for p in container.demux() if p.size]
    assert kinds[:10] == ["video"] * 10, "the sound of the first pictures stands behind them"
    _, part = whole_and_part(tmp_path, late, Span(Fraction(1), Fraction(3, 2)))
    times = [float(packet[1] or 0) for packet in sound_packets(part)[0]]
    assert times[0] < 0.03
    assert times[-1] > 0.45


def test_sound_of_another_file_is_that_of_the_same_moment(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=FRAMES, options=SPARSE)
    other = write_video(tmp_path / "other.mkv", count=FRAMES, sounds=[Sound("flac")])
    span = Span(Fraction(1), Fraction(2))
    whole, part = whole_and_part(tmp_path, source, span, kept=Kept(audio_from=other))
    before, after = sound_packets(whole)[0], sound_packets(part)[0]
    kept = [packet for packet in before if 1 <= (packet[1] or 0) < 2]
    assert len(kept) >= 5
    assert [h for h, *_ in after] == [h for h, *_ in kept]
    assert abs(after[0][1] - (kept[0][1] - 1)) <= MILLISECOND  # type: ignore[operator]


def test_subtitles_and_chapters_are_cut_too(tmp_path: Path) -> None:
    lines = [(0.2, 0.5, "before"), (0.8, 1.3, "begins before"), (1.2, 1.6, "within"), (2.1, 2.3, "after")]
    srt = tmp_path / "words.srt"
    blocks = [f"{i}\n00:00:0{a:.3f} --> 00:00:0{b:.3f}\n{word}\n\n" for i, (a, b, word) in enumerate(lines, 1)]
    srt.write_text("".join(blocks).replace(".", ","), "utf-8")
    chapters = [
        {"id": i, "start": a, "end": b, "time_base": MILLISECOND, "metadata": {"title": t}}
        for i, (a, b, t) in enumerate([(0, 900, "one"), (900, 1500, "two"), (1500, 2400, "three")])
    ]
    source = write_video(tmp_path / "in.mkv", count=FRAMES, extra=[srt], chapters=chapters)
    _, part = whole_and_part(tmp_path, source, Span(Fraction(1), Fraction(2)))
    with av.open(str(part)) as container:
        cut = [(c["start"] * c["time_base"], c["end"] * c["time_base"]) for c in container.chapters()]
        names = [c["metadata"]["title"] for c in container.chapters()]
        words = [(p.pts * p.time_base, bytes(p)) for p in container.demux(subtitles=0) if p.size and p.pts is not None]
    assert cut == [(0, Fraction(1, 2)), (Fraction(1, 2), 1)]
    assert names == ["two", "three"]
    assert words == [(Fraction(1, 5), b"within")]


def test_a_clip_behind_shows_what_it_would_show_in_the_whole(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=FRAMES, options=SPARSE)
    behind = write_video(tmp_path / "behind.mkv", count=17, codec="ffv1")
    whole, part = whole_and_part(tmp_path, source, Span(Fraction(6, 5)), parse(str(behind)))
    for expected, got in zip(pictures(whole)[30:], pictures(part), strict=True):
        assert (expected == got).all()


def test_variable_times_and_a_late_start_are_kept_within_the_part(tmp_path: Path) -> None:
    times = [7919 + t for t in (0, 40, 41, 900, 901, 1000, 1420, 1999, 2000, 2600)]
    source = write_video(tmp_path / "in.mkv", times=times, time_base=MILLISECOND)
    _, part = whole_and_part(tmp_path, source, Span(Fraction("0.9"), Fraction(2)))
    assert frame_times(part) == [Fraction(t, 1000) for t in (0, 1, 100, 520, 1099)]


def test_the_matte_beside_is_of_the_same_part(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=FRAMES, options=SPARSE)
    session = Engine("green-screen").session(Settings(Colour(*BLUE)))
    options = Options(span=Span(Fraction(1), Fraction("1.2")))
    replace_background(session, source, tmp_path / "out.mp4", matte_target=tmp_path / "matte.mp4", options=options)
    for name in ("out.mp4", "matte.mp4"):
        assert frame_times(tmp_path / name) == [Fraction(i, 25) for i in range(5)]


@pytest.mark.parametrize(("start", "end"), [("2.4", None), ("100", None), ("0.01", "0.03")])
def test_a_part_without_a_picture_is_one_line_and_leaves_nothing(tmp_path: Path, start: str, end: str | None) -> None:
    source = write_video(tmp_path / "in.mp4", count=FRAMES)
    span = Span(Fraction(start), None if end is None else Fraction(end))
    session = Engine("green-screen").session(Settings(Colour(*BLUE)))
    with pytest.raises(SettingError, match=rf"in\.mp4: no picture begins at or after {start} s"):
        replace_background(session, source, tmp_path / "out.mp4", options=Options(span=span))
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


def test_pictures_long_before_the_part_are_not_worked_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_video(tmp_path / "in.mp4", count=200, options={"g": "1000"})
    seen: list[int] = []
    small_alpha = Session.small_alpha

    def counted(self: Session, *arguments: Any) -> Any:
        seen.append(1)
        return small_alpha(self, *arguments)

    monkeypatch.setattr(Session, "small_alpha", counted)
    session = Engine("green-screen").session(Settings(Colour(*BLUE)))
    replace_background(session, source, tmp_path / "out.mp4", options=Options(span=Span(Fraction(7), Fraction("7.2"))))
    assert len(seen) == 25 + 5, "a second before, and the part"


def test_the_command_takes_a_part(tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", count=FRAMES, options=SPARSE, sounds=[Sound()])
    command = [sys.executable, "-c", "from cyclorama_ffmpeg.commands.main import main; main()", "video", "in.mp4"]
    command += ["--model", "green-screen", "-b", "#2846be", "--from", "0:00:01", "--to", "1.2"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("in-cyclorama.mp4  (5 frames in ")
    assert frame_times(tmp_path / "in-cyclorama.mp4") == [Fraction(i, 25) for i in range(5)]
