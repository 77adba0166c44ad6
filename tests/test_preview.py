"""`cyclorama preview`: the sheet's size, its rows and what they show."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from cyclorama.engine import Engine
from cyclorama.types import Colour, Settings, Transparent
from cyclorama_ffmpeg.preview import clock, rows, sheet
from cyclorama_ffmpeg.sheet import GAP, LINE, PAPER, SQUARES
from cyclorama_ffmpeg.trim import Span
from cyclorama_ffmpeg.video import Options, replace_background
from made_video import BLUE, GREEN, RED, SIZE, picture, pictures, write_video

COMMAND = [sys.executable, "-c", "from cyclorama_ffmpeg.commands.main import main; main()", "preview"]
KEYED = ["--model", "green-screen", "-b", "#2846be"]
LEVELS = 4  # of 255, through the source's H.264
DEADLINE = 60
WIDTH, HEIGHT = SIZE


def cyclorama(*arguments: object, cwd: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    result = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=DEADLINE, cwd=cwd)
    assert result.returncode == status, result.stderr
    return result


def cells(page: NDArray[np.uint8], count: int) -> list[list[NDArray[np.uint8]]]:
    """The pictures of a sheet, row by row; between them there is only paper, and ink above each row."""
    found = []
    for row in range(count):
        top = LINE + row * (LINE + HEIGHT + 2 * GAP) + LINE + GAP
        lefts = [GAP + column * (WIDTH + GAP) for column in range(3)]
        found.append([page[top : top + HEIGHT, left : left + WIDTH] for left in lefts])
        assert (page[top : top + HEIGHT, :GAP] == PAPER).all()
        assert (page[top - GAP - LINE : top - GAP] < 128).any(), "a time is written there"
    assert (page[:LINE] < 128).any(), "headings"
    return found


def check_cells(row: list[NDArray[np.uint8]], index: int) -> None:
    """As filmed, matte, result."""
    subject = (picture(index) == RED).all(2)
    core = np.zeros_like(subject)
    y, x = np.nonzero(subject)
    core[y.min() + 4 : y.max() - 4, x.min() + 4 : x.max() - 4] = True
    far = np.zeros_like(subject)
    far[: HEIGHT // 8] = True
    original, matte, result = (cell.astype(int) for cell in row)
    for place, colours in ((core, (RED, (255,) * 3, RED)), (far, (GREEN, (0,) * 3, BLUE))):
        for cell, colour in zip((original, matte, result), colours, strict=True):
            assert np.abs(cell[place].mean(0) - colour).max() <= LEVELS


def test_the_first_seconds_are_shown_as_filmed_with_matte_and_result(tmp_path: Path) -> None:
    write_video(tmp_path / "talk.mp4", count=150)
    result = cyclorama("talk.mp4", *KEYED, cwd=tmp_path)
    assert result.stderr == ""
    assert result.stdout == "talk-preview.png  (5 rows, 0:00:00.000 to 0:00:04.000)\n"
    page = np.asarray(Image.open(tmp_path / "talk-preview.png"))
    assert page.shape == (LINE + 5 * (LINE + HEIGHT + 2 * GAP), 3 * (WIDTH + GAP) + GAP, 3)
    for row, shown in enumerate(cells(page, 5)):
        check_cells(shown, 25 * row)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["talk-preview.png", "talk.mp4"]


def test_another_part_and_number_of_rows_can_be_chosen(tmp_path: Path) -> None:
    write_video(tmp_path / "talk.mp4", count=60, options={"g": "1000"})
    arguments = ["--from", "1", "--to", "0:01.8", "--rows", "4", "-o", "sheet.tif"]
    result = cyclorama("talk.mp4", *KEYED, *arguments, cwd=tmp_path)
    assert result.stdout == "sheet.tif  (4 rows, 0:00:01.000 to 0:00:01.600)\n"
    page = np.asarray(Image.open(tmp_path / "sheet.tif").convert("RGB"))
    for row, index in enumerate((25, 30, 35, 40)):
        check_cells(cells(page, 4)[row], index)


def test_a_short_video_is_shown_to_its_end(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=10)
    shown = rows(Engine("green-screen").session(Settings(Colour(*BLUE))), source, Span(), 5)
    assert [row.time for row in shown] == [Fraction(i, 25) for i in (0, 2, 4, 6, 8)]
    few = rows(Engine("green-screen").session(Settings(Colour(*BLUE))), source, Span(), 100)
    assert [row.time for row in few] == [Fraction(i, 25) for i in range(10)], "no frame is shown twice"


def test_the_pictures_are_those_that_the_video_gets(tmp_path: Path) -> None:
    """From the same frames before them: every frame passes the network, in the preview too."""
    source = write_video(tmp_path / "in.mkv", count=50, codec="ffv1", pixel_format="bgr0")
    settings = Settings(Colour(*BLUE), smoothing=0.9)
    engine = Engine("green-screen")
    replace_background(engine.session(settings), source, tmp_path / "out.mov", options=Options())
    made = pictures(tmp_path / "out.mov")
    shown = rows(engine.session(settings), source, Span(Fraction(0), Fraction(2)), 4)
    for row in shown:
        index = int(row.time * 25)
        assert (row.original == picture(index)).all()
        assert np.abs(row.result.astype(int) - made[index]).mean() <= LEVELS


def test_transparency_is_a_pattern_and_what_is_shown_without_a_background(tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", count=5)
    cyclorama("in.mp4", "--model", "green-screen", "--rows", "1", cwd=tmp_path)
    page = np.asarray(Image.open(tmp_path / "in-preview.png"))
    result = cells(page, 1)[0][2]
    assert set(np.unique(result[:8])) == set(SQUARES)
    shown = rows(Engine("green-screen").session(Settings(Transparent())), tmp_path / "in.mp4", Span(), 1)
    assert np.abs(shown[0].result[40:56, 16:32].reshape(-1, 3).mean(0) - RED).max() <= LEVELS


def test_large_pictures_are_made_smaller_and_upright_ones_stay_upright(tmp_path: Path) -> None:
    source = write_video(tmp_path / "in.mp4", count=2, size=(720, 1280))
    page = sheet(rows(Engine("green-screen").session(Settings(Colour(*BLUE))), source, Span(), 1))
    assert page.shape == (LINE + LINE + 480 + 2 * GAP, 3 * (270 + GAP) + GAP, 3)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["missing.mp4"], "missing.mp4: no such file"),
        (["picture.png"], "picture.png: expected a video, this is a picture"),
        (["in.mp4", "-o", "sheet.mp4"], "sheet.mp4: expected a name that ends in .png"),
        (["in.mp4", "-o", "in.mp4", "--overwrite"], "expected a name that ends in .png"),
        (["in.mp4", "-o", "precious.png"], "precious.png: exists already; give --overwrite"),
        (["in.mp4", "--from", "9"], "in.mp4: no picture begins at or after 9 s"),
        (["in.mp4", "--from", "2", "--to", "1"], "expected --to after --from"),
        (["in.mp4", "--from", "soon"], "--from: expected a time as seconds (90.5) or as HH:MM:SS.mmm"),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(tmp_path: Path, arguments: list[str], reason: str) -> None:
    write_video(tmp_path / "in.mp4", count=2)
    (tmp_path / "precious.png").write_bytes(b"precious")
    Image.new("RGB", (32, 32)).save(tmp_path / "picture.png")
    before = sorted(p.name for p in tmp_path.iterdir())
    result = cyclorama(*arguments, *KEYED, cwd=tmp_path, status=1)
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert (tmp_path / "precious.png").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("seconds", "text"), [("0", "0:00:00.000"), ("59.9996", "0:01:00.000"), ("3723.5", "1:02:03.500")]
)
def test_a_time_is_written_as_it_is_read(seconds: str, text: str) -> None:
    assert clock(Fraction(seconds)) == text
