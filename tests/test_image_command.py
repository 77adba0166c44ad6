"""`cyclorama image` as a user runs it: which files appear, and what is said where something is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image

from cyclorama_ffmpeg.commands.main import app
from pictures import INSIDE, OUTSIDE, exif, green_screen, loaded, png, turned

RUN = [sys.executable, "-c", "from cyclorama_ffmpeg.commands.main import main; main()"]
KEYER = ("--model", "green-screen")
LOSSY = 12  # of 255, mean difference
KEPT, REMOVED = 240, 25  # of 255; how sure the network has to be
DONE, REFUSED, MISUSED = 0, 1, 2  # exit status


def command(*arguments: object, cwd: Path, expect: int = DONE) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [*RUN, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == expect, result.stderr
    return result


def image(*arguments: object, cwd: Path, expect: int = DONE) -> subprocess.CompletedProcess[str]:
    return command("image", *arguments, *KEYER, cwd=cwd, expect=expect)


def refused(*arguments: object, cwd: Path, expect: int = REFUSED) -> str:
    """Runs what must fail: one line on stderr, no traceback, and not a file more or other than before."""
    before = {path: path.read_bytes() if path.is_file() else None for path in cwd.rglob("*")}
    result = image(*arguments, cwd=cwd, expect=expect)
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("cyclorama: ")
    assert result.stdout == ""
    assert {path: path.read_bytes() if path.is_file() else None for path in cwd.rglob("*")} == before
    return lines[0]


def names(folder: Path) -> set[str]:
    """All names in a folder, those with a dot too."""
    return {path.name for path in folder.iterdir()}


def save(path: Path, **options: Any) -> Path:
    Image.fromarray(green_screen()).save(path, **options)
    return path


class TestOutputs:
    def test_one_picture_gets_a_transparent_png_beside_it(self, tmp_path: Path) -> None:
        save(tmp_path / "ann.jpg", quality=95)
        result = image("ann.jpg", cwd=tmp_path)
        assert result.stdout == "ann-cyclorama.png\n"
        assert result.stderr == ""
        assert names(tmp_path) == {"ann.jpg", "ann-cyclorama.png"}
        rgba = loaded(tmp_path / "ann-cyclorama.png")
        assert (rgba[INSIDE][..., 3] == 255).all()
        assert not rgba[OUTSIDE].any()

    def test_a_turned_jpeg_comes_out_upright(self, tmp_path: Path) -> None:
        save(tmp_path / "in.jpg", exif=exif(6))
        image("in.jpg", "-b", "#00f", cwd=tmp_path)
        rows, columns = INSIDE
        found = loaded(tmp_path / "in-cyclorama.jpg")
        expected = turned(green_screen(), 6)
        assert found.shape == expected.shape
        place = (columns, slice(48 - rows.stop, 48 - rows.start))
        assert np.abs(found[place].astype(int) - expected[place]).mean() < LOSSY

    @pytest.mark.parametrize(
        ("background", "expected"),
        [("#00f", (0, 0, 255)), ("#102030", (16, 32, 48)), ("blur", (0, 255, 0)), ("blur:12", (0, 255, 0))],
    )
    def test_the_background_asked_for_is_behind_the_subject(
        self, tmp_path: Path, background: str, expected: tuple[int, int, int]
    ) -> None:
        save(tmp_path / "in.png")
        image("in.png", "-b", background, "-o", "out.png", cwd=tmp_path)
        out = loaded(tmp_path / "out.png")
        assert (out[OUTSIDE] == expected).all()
        np.testing.assert_array_equal(out[INSIDE], green_screen()[INSIDE])

    def test_a_picture_and_a_scene_stand_behind_the_subject(self, tmp_path: Path) -> None:
        save(tmp_path / "in.png")
        Image.fromarray(np.full((32, 99, 3), (9, 80, 200), np.uint8)).save(tmp_path / "wall.png")
        image("in.png", "-b", "wall.png", "-o", "a.png", cwd=tmp_path)
        assert (loaded(tmp_path / "a.png")[OUTSIDE] == (9, 80, 200)).all()
        image("in.png", "-b", "studio", "-o", "b.png", cwd=tmp_path)
        assert not (loaded(tmp_path / "b.png")[OUTSIDE] == (0, 255, 0)).all(axis=-1).any()

    def test_matte_and_cutout_are_written_too(self, tmp_path: Path) -> None:
        save(tmp_path / "in.png")
        image("in.png", "-b", "#fff", "-o", "out.jpg", "--matte", "grey.png", "--cutout", cwd=tmp_path)
        assert names(tmp_path) == {"in.png", "out.jpg", "grey.png", "in-cutout.png"}
        matte, cutout = loaded(tmp_path / "grey.png"), loaded(tmp_path / "in-cutout.png")
        assert matte.ndim == 2
        assert (matte[INSIDE] == 255).all()
        assert not matte[OUTSIDE].any()
        np.testing.assert_array_equal(cutout[..., 3], matte)

    def test_keep_colours_holds_for_the_cutout_too(self, tmp_path: Path) -> None:
        half = green_screen()
        half[30:40] = (100, 150, 100)  # alpha about a half by the keyer
        Image.fromarray(half).save(tmp_path / "in.png")
        image("in.png", "-b", "#fff", "--cutout", "--keep-colours", cwd=tmp_path)
        cutout = loaded(tmp_path / "in-cutout.png")
        assert ((cutout[30:40, :, 3] > 0) & (cutout[30:40, :, 3] < 255)).all()
        assert (cutout[30:40, :, :3] == (100, 150, 100)).all()

    def test_several_files_a_folder_and_a_pattern_go_to_a_new_folder(self, tmp_path: Path) -> None:
        (tmp_path / "more").mkdir()
        for name in ("a.png", "b.jpg", "more/c.webp", "more/d.tif", "e1.png", "e2.png"):
            save(tmp_path / name)
        (tmp_path / "more" / "notes.txt").write_text("no picture")
        image("a.png", "b.jpg", "more", "e?.png", "-b", "#fff", "-o", "out", "--matte", "mattes", cwd=tmp_path)
        assert names(tmp_path / "out") == {
            "a-cyclorama.png",
            "b-cyclorama.jpg",
            "c-cyclorama.webp",
            "d-cyclorama.tif",
            "e1-cyclorama.png",
            "e2-cyclorama.png",
        }
        assert names(tmp_path / "mattes") == {f"{stem}-matte.png" for stem in ("a", "b", "c", "d", "e1", "e2")}

    def test_a_picture_named_twice_is_done_once(self, tmp_path: Path) -> None:
        save(tmp_path / "in.png")
        assert image("in.png", "./in.png", "*.png", cwd=tmp_path).stdout == "in-cyclorama.png\n"

    def test_an_output_is_replaced_with_overwrite(self, tmp_path: Path) -> None:
        save(tmp_path / "in.png")
        (tmp_path / "out.png").write_text("old")
        image("in.png", "-o", "out.png", "--overwrite", cwd=tmp_path)
        assert loaded(tmp_path / "out.png").shape == (48, 64, 4)
        assert names(tmp_path) == {"in.png", "out.png"}

    def test_the_network_keeps_a_face_and_removes_the_room(self, tmp_path: Path) -> None:
        data = pytest.importorskip("skimage.data")
        Image.fromarray(data.astronaut()).save(tmp_path / "eileen.png")
        command("image", "eileen.png", "--matte", "matte.png", cwd=tmp_path)
        matte = loaded(tmp_path / "matte.png")
        assert matte[80:150, 200:250].min() > KEPT  # forehead to mouth
        assert matte[:60, :60].max() < 2 * REMOVED  # the flag, of which the faintest speck may stay
        assert matte[:60, -60:].max() < REMOVED  # the wall
        rgba = loaded(tmp_path / "eileen-cyclorama.png")
        np.testing.assert_array_equal(rgba[..., 3], matte)
        assert not rgba[matte == 0].any()


class TestRefusals:
    @pytest.fixture(autouse=True)
    def _pictures(self, tmp_path: Path) -> None:
        save(tmp_path / "in.png")

    def test_two_inputs_for_one_output_are_refused(self, tmp_path: Path) -> None:
        save(tmp_path / "in.webp")
        assert "in-cyclorama.png" in refused("in.png", "in.webp", cwd=tmp_path)

    def test_results_of_one_picture_with_one_name_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        assert "twice" in refused("in.png", "-o", "out.png", "--matte", "sub/../out.png", cwd=tmp_path)

    def test_a_files_name_for_several_pictures_is_refused(self, tmp_path: Path) -> None:
        save(tmp_path / "b.png")
        assert "expected a folder for 2 pictures" in refused("in.png", "b.png", "-o", "out.png", cwd=tmp_path)

    def test_an_output_that_exists_is_refused_without_overwrite(self, tmp_path: Path) -> None:
        (tmp_path / "out.png").write_text("old")
        assert "--overwrite" in refused("in.png", "-o", "out.png", cwd=tmp_path)

    @pytest.mark.parametrize("target", ["in.png", "./in.png", "link.png"])
    def test_the_input_as_output_is_refused_even_with_overwrite(self, tmp_path: Path, target: str) -> None:
        (tmp_path / "link.png").symlink_to(tmp_path / "in.png")
        assert "the input itself" in refused("in.png", "-o", target, "--overwrite", cwd=tmp_path)

    def test_another_input_as_output_is_refused_even_with_overwrite(self, tmp_path: Path) -> None:
        save(tmp_path / "in-cyclorama.png")
        line = refused("in.png", "in-cyclorama.png", "--overwrite", cwd=tmp_path)
        assert "in-cyclorama.png: this output is another of the inputs" in line

    def test_a_matte_over_the_input_is_refused(self, tmp_path: Path) -> None:
        assert "the input itself" in refused(
            "in.png", "-o", "out.png", "--matte", "in.png", "--overwrite", cwd=tmp_path
        )

    @pytest.mark.parametrize(
        ("target", "reason"),
        [
            ("missing/out.png", "missing: no such folder"),
            ("missing/deeper", "missing: no such folder"),
            ("folder.png", None),  # a folder: the picture goes into it
            ("/proc/out.png", "/proc: cannot be written to"),
            ("/sys/out.png", "/sys: cannot be written to"),
            ("in.png/out.png", "no such folder"),
            ("out.gif", "expected a name that ends in .png"),
            ("out.jpg", ".jpg has no transparency"),
            ("x" * 300 + ".png", "name too long"),
        ],
    )
    def test_an_output_that_cannot_be_written_is_refused(self, tmp_path: Path, target: str, reason: str | None) -> None:
        if reason is None:
            (tmp_path / target).mkdir()
            (tmp_path / target / "in-cyclorama.png").mkdir()
            reason = "expected a file to write, this is a folder"
        assert reason in refused("in.png", "-o", target, cwd=tmp_path)

    @pytest.mark.parametrize(
        ("background", "reason"),
        [
            ("#12", "#rgb or #rrggbb"),
            ("blur:wide", "blur:RADIUS"),
            ("blur:0", "blur radius above 0"),
            ("nowhere.jpg", "no such background"),
            ("x" * 300, "name too long"),
        ],
    )
    def test_a_wrong_background_is_refused(self, tmp_path: Path, background: str, reason: str) -> None:
        assert reason in refused("in.png", "-b", background, cwd=tmp_path)

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            ((), "Missing argument"),
            (("in.png", "--nonsense"), "--nonsense"),
            (("in.png", "--threads", "-1"), "--threads"),
            (("in.png", "--threads", "many"), "--threads"),
        ],
    )
    def test_wrong_usage_is_exit_status_2(self, tmp_path: Path, arguments: tuple[str, ...], reason: str) -> None:
        assert reason in refused(*arguments, cwd=tmp_path, expect=MISUSED)

    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [(("--light", "dim"), "'srgb' or 'linear'"), (("--device", "abacus"), "device"), (("--model", "x"), "model")],
    )
    def test_a_wrong_value_names_what_was_expected(
        self, tmp_path: Path, arguments: tuple[str, str], reason: str
    ) -> None:
        result = command("image", "in.png", *KEYER, *arguments, cwd=tmp_path, expect=REFUSED)
        assert result.stderr.startswith("cyclorama: expected")
        assert reason in result.stderr
        assert result.stderr.count("\n") == 1
        assert names(tmp_path) == {"in.png"}


def bad_files(folder: Path) -> Iterator[tuple[str, str]]:
    """Writes one bad file of each kind; gives its name and a word of what must be said."""
    yield "missing.jpg", "no such file"
    (folder / "empty.jpg").write_bytes(b"")
    yield "empty.jpg", "empty"
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    for suffix in (".jpg", ".png"):
        Image.fromarray(noise).save(folder / f"whole{suffix}")
        data = (folder / f"whole{suffix}").read_bytes()
        (folder / f"whole{suffix}").unlink()
        (folder / f"cut{suffix}").write_bytes(data[: len(data) // 2])
        yield f"cut{suffix}", "damaged"
    (folder / "text.jpg").write_text("This is no picture.\n" * 50)
    yield "text.jpg", "expected a picture"
    Image.fromarray(noise[:1, :1]).save(folder / "dot.png")
    yield "dot.png", "1 x 1"
    (folder / "huge.png").write_bytes(png(np.zeros((20000, 2500), np.uint8), depth=1, colour=0))
    yield "huge.png", "128 megapixels"
    (folder / "missing-folder").mkdir()
    (folder / "missing-folder").rmdir()
    yield "missing-folder/a.jpg", "no such file"
    yield "*.tiff", "no file matches"
    (folder / "nothing").mkdir()
    yield "nothing", "it has none"
    yield "noth*", "no file matches"
    yield "x" * 300 + ".png", "name too long"


class TestBadInput:
    def test_each_kind_is_one_clear_line_and_leaves_nothing(self, tmp_path: Path) -> None:
        for name, reason in bad_files(tmp_path):
            line = refused(name, "-o", "out.png", cwd=tmp_path)
            assert reason in line
            assert name in line

    def test_a_failed_call_leaves_no_folder_that_it_made(self, tmp_path: Path) -> None:
        (tmp_path / "bad.jpg").write_text("no picture")
        refused("bad.jpg", "-o", "out", "--matte", "mattes", cwd=tmp_path)
        assert names(tmp_path) == {"bad.jpg"}

    @pytest.mark.parametrize("bad", ["bad.jpg", "missing.jpg", "missing/folder.jpg"])
    def test_one_bad_file_among_good_ones_does_not_stop_the_others(self, tmp_path: Path, bad: str) -> None:
        save(tmp_path / "a.png")
        save(tmp_path / "z.png")
        (tmp_path / "bad.jpg").write_text("no picture")
        result = image("a.png", bad, "z.png", cwd=tmp_path, expect=REFUSED)
        assert result.stdout.splitlines() == ["a-cyclorama.png", "z-cyclorama.png"]
        lines = result.stderr.splitlines()
        assert len(lines) == 2
        assert lines[0].startswith(f"cyclorama: {bad}: ")
        assert lines[1] == "cyclorama: 1 of 3 pictures failed"
        assert names(tmp_path) == {"a.png", "z.png", "bad.jpg", "a-cyclorama.png", "z-cyclorama.png"}


def commands() -> dict[str, Any]:
    return dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


class TestHelp:
    @pytest.mark.parametrize("name", sorted(commands()))
    def test_every_command_answers_help(self, tmp_path: Path, name: str) -> None:
        result = command(name, "--help", cwd=tmp_path)
        assert f"Usage: cyclorama {name}" in result.stdout.replace("-c", "cyclorama")
        assert result.stderr == ""

    @pytest.mark.parametrize("name", sorted(commands()))
    def test_every_command_and_option_says_what_it_is_for(self, name: str) -> None:
        found = commands()[name]
        assert found.help
        silent = [p.name for p in found.params if not getattr(p, "help", None)]
        assert silent == []

    def test_no_command_at_all_shows_the_help_and_is_exit_status_2(self, tmp_path: Path) -> None:
        result = command(cwd=tmp_path, expect=MISUSED)
        assert all(name in result.stderr for name in commands())

    def test_version_is_one_line(self, tmp_path: Path) -> None:
        import cyclorama

        assert command("--version", cwd=tmp_path).stdout == f"cyclorama {cyclorama.__version__}\n"
