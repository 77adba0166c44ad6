"""Runs that are cut off and gone on with: what comes out is what an unbroken run gives, frame for frame."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama.engine import Engine, Session
from cyclorama.errors import MediaError, OutputError
from cyclorama.harmonize import Fit
from cyclorama.subject import Person, Track
from cyclorama.temporal import Memory
from cyclorama.types import Background, Colour, Picture, Settings, Transparent
from cyclorama_ffmpeg import segments, state_file
from cyclorama_ffmpeg.demonstration import photograph
from cyclorama_ffmpeg.encodings import Wish
from cyclorama_ffmpeg.streams import Kept
from cyclorama_ffmpeg.trim import Span
from cyclorama_ffmpeg.video import Options, Summary, replace_background
from cyclorama_ffmpeg.work_folder import WorkFolder, work_folder
from made_video import (
    BLUE,
    Sound,
    colour_tags,
    frame_times,
    names,
    packet_times,
    picture,
    pictures,
    sound_packets,
    stored,
    turn,
    write_video,
)

# x264's macroblock tree with B-frames decides by memory that nobody wrote to: of the same frames it makes other bits
# now and then. This preset has neither.
STEADY = Wish(preset="ultrafast")
SIZE = (320, 192)
SHORT = 8  # frames of a segment where the test sets it
COUNT = 20
LOSSY = 10  # levels of 255 between two encodings of the same pictures with their keyframes at different places


class Stop(Exception):
    """Ends a run as a crash would, but for its own tidying."""


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "SEGMENT", SHORT)


def make(
    source: Path,
    target: Path,
    *,
    stop: int | None = None,
    background: Background | None = None,
    model: str = "green-screen",
    smoothing: float = 0.6,
    harmonize: bool = False,
    matte: Path | None = None,
    resume: bool | None = True,
    **options: Any,
) -> Summary:
    """A run that may go on with another, and may end after `stop` frames."""

    def progress(done: int, total: int, moment: Fraction) -> None:  # noqa: ARG001 - all are called alike
        if done == stop:
            raise Stop

    settings = Settings(background or Colour(*BLUE), smoothing=smoothing, harmonize=harmonize)
    session = Engine(model, threads=1).session(settings)
    given = Options(resume=resume, **options)
    return replace_background(session, source, target, matte_target=matte, progress=progress, options=given)


def broken(source: Path, target: Path, stops: tuple[int, ...] = (13, 19), **options: Any) -> Summary:
    """The same in several runs, each of which ends after so many frames of the whole."""
    for stop in stops:
        with pytest.raises(Stop):
            make(source, target, stop=stop, **options)
        assert not target.exists()
    return make(source, target, **options)


# The matte


def shots(count: int) -> list[NDArray[np.uint8]]:
    """A person who moves to the right, uint8 (320, 320, 3)."""
    pytest.importorskip("skimage", reason="no photograph of a person here")
    person = np.asarray(cv2.resize(photograph()[:384, :384], (320, 320), interpolation=cv2.INTER_AREA), np.uint8)
    return [np.ascontiguousarray(np.roll(person, 3 * i, axis=1)) for i in range(count)]


@pytest.mark.usefixtures("short_segments")
def test_mattes_of_the_network_go_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    frames = [av.VideoFrame.from_ndarray(shot, format="rgb24") for shot in shots(COUNT)]
    source = write_video(tmp_path / "in.mp4", frames=frames, size=(320, 320))
    given: dict[str, Any] = {"model": "portrait-fast", "background": Transparent(), "wish": Wish("ffv1")}
    make(source, tmp_path / "a.mkv", matte=tmp_path / "a" / "%02d.png", **given)
    broken(source, tmp_path / "b.mkv", matte=tmp_path / "b" / "%02d.png", **given)
    assert stored(tmp_path / "a.mkv") == stored(tmp_path / "b.mkv")
    assert len(names(tmp_path / "a")) == COUNT
    assert all((tmp_path / "b" / p.name).read_bytes() == p.read_bytes() for p in (tmp_path / "a").iterdir())


@pytest.mark.usefixtures("short_segments")
def test_a_subject_stays_fitted_to_its_scene(tmp_path: Path) -> None:
    # The light changes, so that what was measured at the first frame is followed up to the seam.
    green = [picture(index, SIZE) for index in range(COUNT)]
    frames = [np.asarray(shot * (0.5 + 0.025 * index), np.uint8) for index, shot in enumerate(green)]
    source = write_video(
        tmp_path / "in.mp4", frames=[av.VideoFrame.from_ndarray(f, format="rgb24") for f in frames], size=SIZE
    )
    behind = Picture(np.random.default_rng(2).integers(60, 200, (192, 320, 3), np.uint8))
    given: dict[str, Any] = {"background": behind, "harmonize": True, "wish": Wish("ffv1")}
    make(source, tmp_path / "unbroken.mkv", **given)
    broken(source, tmp_path / "out.mkv", **given)
    assert stored(tmp_path / "out.mkv") == stored(tmp_path / "unbroken.mkv")
    make(source, tmp_path / "plain.mkv", **{**given, "harmonize": False})
    assert stored(tmp_path / "out.mkv") != stored(tmp_path / "plain.mkv"), "nothing was fitted"


def test_what_a_session_remembers_is_all_that_the_next_matte_depends_on(tmp_path: Path) -> None:
    engine = Engine("portrait-fast", threads=1)
    sessions: list[Session] = [engine.session(Settings(Colour(*BLUE))) for _ in range(3)]
    *before, following = shots(4)
    for shot in before:
        sessions[0].matte(shot)
    state_file.save(tmp_path / "state", sessions[0].remembered())
    sessions[1].recall(state_file.load(tmp_path / "state"))
    unbroken, gone_on, fresh = (session.matte(following).alpha for session in sessions)
    assert np.array_equal(unbroken, gone_on)
    assert not np.array_equal(unbroken, fresh), "this network has no memory, so the test says nothing"


def test_a_state_comes_back_from_the_disk_as_it_was(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    numbers = rng.random((3, 4), np.float32)
    people = {2: Person((1, 2, 3, 4), numbers[0]), 7: Person((5, 6, 7, 8), numbers[1])}
    state = {
        "memory": Memory(rng.integers(0, 255, (4, 5, 3), np.uint8), numbers),
        "track": Track(np.eye(3, dtype=np.int32), people, 7),
        "fit": Fit((1.0, 0.5, 2.0), 0.01, 3.5, 0.25),
        "network": [numbers, [numbers[:1], None]],
        "end": Fraction(1001, 30000),
        "gain": np.float32(0.1),
        "shape": (192, 320),
    }
    state_file.save(tmp_path / "state", state)
    back = state_file.load(tmp_path / "state")
    assert names(tmp_path) == ["state"]
    assert {k: back[k] for k in ("fit", "end", "gain", "shape")} == {
        k: state[k] for k in ("fit", "end", "gain", "shape")
    }
    assert back["gain"].dtype == np.float32
    assert np.array_equal(back["memory"].rgb, state["memory"].rgb)
    assert back["memory"].alpha.dtype == np.float32
    assert back["track"].chosen == 7
    assert list(back["track"].people) == [2, 7]
    assert np.array_equal(back["track"].people[7].colours, numbers[1])
    assert np.array_equal(back["network"][1][0], numbers[:1])
    assert back["network"][1][1] is None
    with pytest.raises(TypeError, match=r"holds (Posix|Windows)Path"):
        state_file.save(tmp_path / "state", [tmp_path])


# Everything else in the file


@pytest.mark.parametrize(
    ("name", "codec", "background"),
    [
        ("out.mp4", "h264", None),
        ("out.mp4", "hevc", None),
        ("out.webm", "vp9", None),
        ("out.webm", "av1", None),
        ("out.webm", "vp9", Transparent()),
        ("out.mov", "prores", Transparent()),
        ("out.mov", "qtrle", Transparent()),
        ("out.mkv", "ffv1", None),
        ("out%03d.png", "png", Transparent()),
    ],
)
@pytest.mark.usefixtures("short_segments")
def test_segments_make_the_file_that_one_piece_makes(
    tmp_path: Path, name: str, codec: str, background: Background | None
) -> None:
    sounds = [] if "%" in name else [Sound("libopus" if name.endswith("webm") else "aac")]
    source = write_video(tmp_path / "in.mkv", count=COUNT, size=SIZE, sounds=sounds, metadata={"title": "a title"})
    given: dict[str, Any] = {"background": background, "wish": Wish(codec)}
    whole, pieces = tmp_path / "whole" / name, tmp_path / "pieces" / name
    for folder in (whole.parent, pieces.parent):
        folder.mkdir()
    make(source, whole, resume=False, **given)
    summary = broken(source, pieces, **given)
    assert summary.resumed == 2 * SHORT
    assert names(whole.parent) == names(pieces.parent)
    if "%" in name:
        assert all(p.read_bytes() == (whole.parent / p.name).read_bytes() for p in pieces.parent.iterdir())
        return
    assert frame_times(pieces) == frame_times(whole)
    assert sound_packets(pieces) == sound_packets(whole)
    assert colour_tags(pieces) == colour_tags(whole)
    with av.open(str(whole)) as one, av.open(str(pieces)) as other:
        assert one.metadata == other.metadata
        assert [s.metadata for s in one.streams] == [s.metadata for s in other.streams]
        a, b = one.streams.video[0], other.streams.video[0]
        assert a.codec_context.extradata == b.codec_context.extradata
        assert (a.time_base, a.start_time, a.duration) == (b.time_base, b.start_time, b.duration)
    for shown, wanted in zip(pictures(pieces), pictures(whole), strict=True):
        assert np.percentile(np.abs(shown.astype(int) - wanted), 99) <= LOSSY
    if isinstance(background, Transparent) and codec == "vp9":
        assert transparent_share(pieces) == pytest.approx(transparent_share(whole), abs=0.01)
        assert transparent_share(pieces) > 0.5


def transparent_share(path: Path) -> float:
    """Of the pixels of the last frame of VP9."""
    with av.open(str(path)) as container:
        decoder: Any = av.CodecContext.create("libvpx-vp9", "r")
        packets = [p for p in container.demux(video=0) if p.size]
        frames = [f for packet in packets for f in decoder.decode(packet)]
    assert frames[-1].format.name == "yuva420p"
    return float((np.frombuffer(frames[-1].planes[3], np.uint8) < 128).mean())


@pytest.mark.usefixtures("short_segments")
def test_decoding_times_rise_where_the_rate_falls_at_a_seam(tmp_path: Path) -> None:
    # From 50 frames a second to 5 at the beginning of the second segment: its first decoding times, two pictures
    # early, lie before the last ones of the first.
    gaps = [2] * SHORT + [20] * (COUNT - SHORT)
    times = [0, *itertools.accumulate(gaps)][:COUNT]
    source = write_video(tmp_path / "in.mp4", times=times, time_base=Fraction(1, 100), size=SIZE)
    broken(source, tmp_path / "out.mp4")
    assert frame_times(tmp_path / "out.mp4") == frame_times(source)
    shown = packet_times(tmp_path / "out.mp4")
    assert [pts for pts, _ in shown] != sorted(pts for pts, _ in shown), "no B-frames, so the test says nothing"
    assert all(dts <= pts for pts, dts in shown)
    assert all(one < other for (_, one), (_, other) in itertools.pairwise(shown))


@pytest.mark.usefixtures("short_segments")
def test_a_part_of_a_turned_video_goes_on_with_its_sound(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=60, size=SIZE, sounds=[Sound()], options={"g": "10"})
    turn(source, 90)
    given: dict[str, Any] = {"span": Span(Fraction("0.5"), Fraction("1.4")), "wish": STEADY}
    make(source, tmp_path / "straight.mp4", resume=False, **given)
    given["matte"] = tmp_path / "matte.mp4"
    make(source, tmp_path / "unbroken.mp4", **given)
    (tmp_path / "matte.mp4").unlink()
    broken(source, tmp_path / "out.mp4", **given)
    for other in ("unbroken.mp4", "straight.mp4"):
        assert frame_times(tmp_path / "out.mp4") == frame_times(tmp_path / other)
        assert sound_packets(tmp_path / "out.mp4") == sound_packets(tmp_path / other)
    assert len(pictures(tmp_path / "matte.mp4")) == len(pictures(tmp_path / "out.mp4")) == 22
    assert stored(tmp_path / "out.mp4") == stored(tmp_path / "unbroken.mp4")
    assert pictures(tmp_path / "out.mp4")[0].shape == (SIZE[0], SIZE[1], 3)


@pytest.mark.usefixtures("short_segments")
def test_borrowed_and_recoded_sound_is_that_of_an_unbroken_run(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=COUNT, size=SIZE, sounds=[Sound()])
    other = write_video(tmp_path / "other.mp4", count=40, sounds=[Sound(pitch=300)])
    for kept in (Kept(audio_from=other), Kept(audio_codec="flac")):
        make(source, tmp_path / "straight.mkv", resume=False, kept=kept)
        broken(source, tmp_path / "out.mkv", kept=kept)
        assert sound_packets(tmp_path / "out.mkv") == sound_packets(tmp_path / "straight.mkv")
        (tmp_path / "out.mkv").unlink()


# What cannot be gone on with


@pytest.mark.usefixtures("short_segments")
def test_other_settings_and_another_source_are_refused_by_name(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=COUNT, size=SIZE)
    target = tmp_path / "out.mp4"
    with pytest.raises(Stop):
        make(source, target, stop=13)
    with pytest.raises(OutputError, match=r"another \(smoothing: 0\.6, now 0\.3\); give the same"):
        make(source, target, smoothing=0.3)
    with pytest.raises(OutputError, match=r"picture: libx264 .*, now libx265 "):
        make(source, target, wish=Wish("hevc"))
    write_video(source, count=COUNT, size=SIZE)
    with pytest.raises(OutputError, match=r"source: \d+ bytes of \d+, now "):
        make(source, target)
    assert make(source, target, resume=False).resumed == 0
    assert names(tmp_path) == ["in.mp4", "out.mp4"]


@pytest.mark.usefixtures("short_segments")
def test_a_seam_that_does_not_come_again_is_noticed(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=COUNT, size=SIZE)
    target = tmp_path / "out.mp4"
    with pytest.raises(Stop):
        make(source, target, stop=13)
    state = work_folder(target) / "000000.state"
    state_file.save(state, {**state_file.load(state), "seam": (7 * 512, 1)})
    with pytest.raises(MediaError, match="are not those of the run that was cut off"):
        make(source, target)


def test_two_runs_do_not_work_on_one_output(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=4, size=SIZE)
    with WorkFolder(tmp_path / "out.mp4", {}, ["picture"], resume=False):
        for resume in (True, False):
            with pytest.raises(OutputError, match="another run is at work on it"):
                make(source, tmp_path / "out.mp4", resume=resume)


@pytest.mark.usefixtures("short_segments")
def test_a_run_that_fails_keeps_its_work_only_where_it_was_asked_to(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=3 * SHORT, size=SIZE)
    for resume, left in ((True, [".out.mp4.cyclorama", "in.mp4"]), (None, ["in.mp4"])):
        with pytest.raises(Stop):
            make(source, tmp_path / "out.mp4", stop=13, resume=resume)
        assert names(tmp_path) == left


def test_unfinished_files_of_a_killed_run_go_with_the_next_one(tmp_path: Path) -> None:
    film, frames = tmp_path / ".matte.0a1b2c3d.part.mp4", tmp_path / ".frames.0a1b2c3d.part" / "%02d.png"
    frames.parent.mkdir()
    for path in (film, frames.with_name("01.png")):
        path.touch()
    killed = WorkFolder(tmp_path / "out.mp4", {}, ["picture"], resume=True)
    killed.__enter__()
    killed.answer_for([film, frames])
    del killed  # and with it its lock, as the system does
    with WorkFolder(tmp_path / "out.mp4", {}, ["picture"], resume=True):
        assert names(tmp_path) == [".out.mp4.cyclorama"]
    assert names(tmp_path) == []


def test_an_animation_is_made_in_one_piece_and_says_so(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=4, size=SIZE)
    summary = make(source, tmp_path / "out.gif")
    assert any(".gif is made in one piece" in note for note in summary.notes)
    assert names(tmp_path) == ["in.mp4", "out.gif"]
