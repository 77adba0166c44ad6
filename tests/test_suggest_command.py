"""Suggestions in the commands: for pictures, videos and streams."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from cyclorama.engine import Engine
from cyclorama.types import Outfit, Settings
from made_outfits import MadeDetector, on_green


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from PIL import Image

    monkeypatch.setenv("CYCLORAMA_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "pictures"
    for name, colour in {"beachwear/sea": (40, 120, 220), "workwear/desk": (150, 140, 120), "wall": (128,) * 3}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((72, 128, 3), colour, np.uint8)).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def workwear(monkeypatch: pytest.MonkeyPatch) -> None:
    from cyclorama import outfit

    detector = MadeDetector([Outfit("workwear", 0.9, (70, 40, 170, 140))])
    monkeypatch.setattr(outfit, "create", lambda **_: detector)


def command(*arguments: object) -> int:
    """Runs the command in this process, where the detector is a made one; its exit status."""
    from cyclorama_ffmpeg.commands.main import app

    try:
        return app([str(each) for each in arguments], standalone_mode=False) or 0
    except SystemExit as stop:
        return int(stop.code or 0)


@pytest.mark.usefixtures("workwear")
def test_the_suggestions_of_a_picture_are_printed_and_shown(
    tmp_path: Path, library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    Image.fromarray(on_green()).save(tmp_path / "me.png")
    call = ["suggest", tmp_path / "me.png", "--library", library, "--model", "green-screen", "--top", "2"]
    assert command(*call) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "person at 70,40,170,140: workwear, 90% sure"
    assert "workwear/desk" in said[1]
    assert "1 person in workwear" in said[1]
    page = np.asarray(Image.open(tmp_path / "me-suggestions.png"))
    for colour in ((150, 140, 120), (128, 128, 128)):
        assert (page == colour).all(2).any(), "the scene is shown"
    assert not (page == (40, 120, 220)).all(2).any(), "the third is not"

    with pytest.raises(Exception, match=r"me-suggestions\.png"):
        command(*call)
    assert command(*call, "--json", "--overwrite") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["people"] == [{"outfit": "workwear", "confidence": 0.9, "box": [70, 40, 170, 140]}]
    assert [each["scene"] for each in told["suggestions"]] == ["workwear/desk", "wall"]
    assert set(told["suggestions"][0]) == {"scene", "score", "reason"}


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ([], "nobody is seen"),
        ([""] * 12, "12 people wear nothing that asks for a place of its own"),
        (["workwear"] * 9 + [""] * 3, "9 of 12 people in workwear"),
    ],
)
def test_nobody_and_a_dozen_people_get_an_answer_too(
    tmp_path: Path,
    library: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kinds: list[str],
    words: str,
) -> None:
    from PIL import Image

    from cyclorama import outfit

    people = [Outfit(kind, 0.8, (90 + 2 * i, 70, 110 + 2 * i, 110)) for i, kind in enumerate(kinds)]
    monkeypatch.setattr(outfit, "create", lambda **_: MadeDetector(people))
    picture = on_green() if kinds else np.full((180, 240, 3), (0, 177, 64), np.uint8)
    Image.fromarray(picture).save(tmp_path / "us.png")
    assert command("suggest", tmp_path / "us.png", "--library", library, "--model", "green-screen") == 0
    said = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("person at") for line in said) == len(kinds)
    assert ("workwear/desk" if "workwear" in kinds else "wall") in said[len(kinds)]
    assert words in said[len(kinds)]
    assert (tmp_path / "us-suggestions.png").is_file()


@pytest.mark.usefixtures("workwear")
def test_image_takes_the_best_scene_and_says_why(
    tmp_path: Path, library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    Image.fromarray(on_green()).save(tmp_path / "me.png")
    status = command("image", tmp_path / "me.png", "-b", "suggest", "--library", library, "--model", "green-screen")
    assert status == 0
    assert f"{tmp_path / 'me.png'}: suggest: workwear/desk (1 person in workwear" in capsys.readouterr().err
    result = np.asarray(Image.open(tmp_path / "me-cyclorama.png"))
    np.testing.assert_array_equal(result[2, 2], (150, 140, 120))


def test_a_library_without_suggest_is_refused(library: Path) -> None:
    with pytest.raises(Exception, match="--library is for -b suggest; got -b #123456"):
        command("image", "me.png", "-b", "#123456", "--library", library)


def green_video(path: Path, *, empty: int = 0) -> None:
    """Two seconds of a disc before green; the first `empty` frames without it."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 240, 180, "yuv444p"
        for index in range(20):
            picture = np.full((180, 240, 3), (0, 177, 64), np.uint8) if index < empty else on_green()
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.usefixtures("workwear")
@pytest.mark.parametrize("name", ["video", "preview", "suggest"])
def test_a_video_gets_one_scene_by_several_of_its_pictures(
    tmp_path: Path, library: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    green_video(tmp_path / "talk.mp4", empty=5)
    call = [tmp_path / "talk.mp4", "--library", library, "--model", "green-screen"]
    behind = [] if name == "suggest" else ["-b", "suggest"]
    assert command(name, *call, *behind) == 0
    said = capsys.readouterr()
    assert "workwear/desk" in (said.out if name == "suggest" else said.err)
    if name == "video":
        from cyclorama_ffmpeg.sheet import frames_at

        for picture in frames_at(tmp_path / "talk-cyclorama.mp4", 4):
            assert np.abs(picture[4, 4].astype(int) - (150, 140, 120)).max() <= 4  # H.264


def test_a_stream_is_given_its_scene_by_its_first_frames(library: Path) -> None:
    from cyclorama_ffmpeg.suggestions import LOOK_EVERY, UNCHOSEN, Chooser, FirstFrames, scenes

    detector = MadeDetector([])
    engine = Engine("green-screen", detector=detector)
    said: list[str] = []
    choose = FirstFrames(Chooser(engine, scenes(library, said.append)), said.append)
    session = engine.session(Settings(UNCHOSEN))
    shown: list[tuple[int, ...]] = []
    for index in range(3 * LOOK_EVERY):
        if index == LOOK_EVERY // 2:
            detector.outfits = [Outfit("beachwear", 0.9, (70, 40, 170, 140))]
        if index == 2 * LOOK_EVERY - 1:
            detector.outfits = [Outfit("workwear", 0.9, (70, 40, 170, 140))]
        choose(session, on_green())
        shown.append(tuple(session.render(on_green())[2, 2]))
    assert set(shown[:LOOK_EVERY]) == {(128, 128, 128)}, "a scene that suits anybody, until somebody is seen"
    assert set(shown[LOOK_EVERY:]) == {(40, 120, 220)}, "and then one that is kept"
    assert len(said) == 2
    assert said[1].startswith("suggest: beachwear/sea (1 person in beachwear")


def test_a_stream_in_a_pipe_stands_before_its_scene_from_the_first_frame_on(tmp_path: Path, library: Path) -> None:
    from cyclorama_ffmpeg import pipe
    from cyclorama_ffmpeg.pipe_ends import Incoming, Outgoing
    from cyclorama_ffmpeg.suggestions import UNCHOSEN, Chooser, FirstFrames, scenes

    engine = Engine("green-screen", detector=MadeDetector([Outfit("workwear", 0.9, (70, 40, 170, 140))]))
    said: list[str] = []
    before = FirstFrames(Chooser(engine, scenes(library, said.append)), said.append)
    (tmp_path / "in.rgb").write_bytes(on_green().tobytes() * 3)
    with (tmp_path / "in.rgb").open("rb", buffering=0) as given, (tmp_path / "out.rgb").open("wb", buffering=0) as made:
        bare = pipe.Bare(240, 180, Fraction(10))
        count = pipe.run(
            engine.session(Settings(UNCHOSEN)), Incoming(given), Outgoing(made), bare=bare, kind="rgb", before=before
        )
    frames = np.fromfile(tmp_path / "out.rgb", np.uint8).reshape(count, 180, 240, 3)
    assert count == 3
    assert (frames[:, 2, 2] == (150, 140, 120)).all()
    assert said == [said[0]]
    assert said[0].startswith("suggest: workwear/desk")
