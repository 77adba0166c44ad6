"""`cyclorama install gimp` and what the doctor says, in homes that the test makes; no GIMP is needed."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import cyclorama
from cyclorama_ffmpeg import gimp_doctor, gimp_install, gimp_profiles, installing
from cyclorama_ffmpeg.gimp_profiles import Profile

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the folders and stand-in programs are Linux's")

CODE = "from cyclorama_ffmpeg.commands.main import main; main()"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home without any GIMP, and no other settings of this one."""
    for name in ("XDG_CONFIG_HOME", "GIMP3_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def profile(home: Path, path: str = ".config/GIMP/3.0") -> Path:
    folder = home / path
    folder.mkdir(parents=True)
    return folder


def program(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Puts a program of that name first on the path."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CODE, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_plugin_goes_where_gimp_lists_it_and_its_engine_answers(home: Path) -> None:
    folder = profile(home)
    done = run("install", "gimp")
    assert done.returncode == 0, done.stderr
    plugin = folder / "plug-ins/cyclorama-gimp"
    assert str(plugin) in done.stdout
    assert "engine ready in" in done.stdout
    script = plugin / "cyclorama-gimp.py"
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/usr/bin/env python3\n")
    engine = json.loads((plugin / "engine.json").read_text())
    assert engine["command"] == [sys.executable, "-m", "cyclorama.worker"]
    assert engine["version"] == cyclorama.__version__
    assert json.loads((plugin / "scenes.json").read_text())["studio"] == "Grey studio"
    assert (plugin / "cyclorama/wire.py").read_bytes() == Path(cyclorama.wire.__file__).read_bytes()
    names = {"cyclorama", "cyclorama-gimp.py", "cyclorama_gimp", "engine.json", "scenes.json"}
    assert {path.name for path in plugin.iterdir()} == names


def test_installing_again_leaves_nothing_of_an_older_plugin(home: Path) -> None:
    plugin = gimp_install.place(profile(home))
    (plugin / "cyclorama_gimp/old.py").write_text("")
    assert gimp_install.place(plugin.parent.parent) == plugin
    assert not (plugin / "cyclorama_gimp/old.py").exists()
    assert [p.name for p in plugin.parent.iterdir()] == ["cyclorama-gimp"]


def test_every_profile_of_every_package_is_found_once(home: Path) -> None:
    folders = {
        ".config/GIMP/3.0": "native",
        ".config/GIMP/3.2": "native",
        ".var/app/org.gimp.GIMP/config/GIMP/3.0": "flatpak",
        "snap/gimp/current/.config/GIMP/3.0": "snap",
    }
    for path in folders:
        profile(home, path)
    profile(home, ".config/GIMP/2.10")
    found = {str(each.path.relative_to(home)): each.packaging for each in gimp_profiles.profiles()}
    assert found == folders


def test_flathubs_gimp_may_keep_its_profile_with_the_native_one(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = profile(home)
    monkeypatch.setattr(gimp_profiles.shutil, "which", lambda _name: None)
    assert gimp_profiles.packaging_of(folder) == "native"
    (home / ".local/share/flatpak/app/org.gimp.GIMP").mkdir(parents=True)
    assert gimp_profiles.packaging_of(folder) == "flatpak"


def test_windows_and_macos_keep_profiles_elsewhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = profile(home, "Roaming/GIMP/3.0")
    mac = profile(home, "Library/Application Support/GIMP/3.0")
    monkeypatch.setenv("APPDATA", str(home / "Roaming"))
    monkeypatch.setattr(gimp_profiles.sys, "platform", "win32")
    assert [each.path for each in gimp_profiles.profiles()] == [windows]
    monkeypatch.setattr(gimp_profiles.sys, "platform", "darwin")
    assert [each.path for each in gimp_profiles.profiles()] == [mac]


def test_without_a_profile_it_says_what_to_do(home: Path) -> None:
    done = run("install", "gimp")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "cyclorama: no GIMP 3 profile found: start GIMP 3 once, then run this again, or name its folder with --dir"
    )
    missing = run("install", "gimp", "--dir", str(home / "nowhere"))
    assert missing.returncode == 1
    assert "expected the folder of a GIMP 3 profile" in missing.stderr


def test_a_folder_can_be_named_and_the_plugin_removed_again(home: Path) -> None:
    folder = profile(home, "elsewhere")
    gimp_install.place(folder)
    done = run("install", "gimp", "--dir", str(folder), "--uninstall")
    assert done.returncode == 0
    assert done.stdout.strip() == f"{folder}: removed"
    assert not (folder / "plug-ins/cyclorama-gimp").exists()
    assert run("install", "gimp", "--dir", str(folder), "--uninstall").stdout.strip() == f"{folder}: has no plug-in"


def test_in_a_sandbox_that_cannot_run_this_python_the_worker_is_started_outside(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Like flatpak: the first way is closed, `flatpak-spawn --host` leads out.
    script = 'shift; case "$1" in --command=flatpak-spawn) shift 2; shift; shift; exec "$@";; *) exit 127;; esac'
    program(home / "bin", "flatpak", script, monkeypatch)
    sandboxed = Profile(profile(home, ".var/app/org.gimp.GIMP/config/GIMP/3.0"), "flatpak")
    done = gimp_install.install(sandboxed)
    assert done.trial.seconds is not None
    engine = json.loads((done.folder / "engine.json").read_text())
    assert engine["command"][:4] == ["flatpak-spawn", "--host", "--watch-bus", sys.executable]
    assert not engine["warm"]


@pytest.mark.parametrize(("packaging", "cure"), [("flatpak", "flatpak override --user"), ("snap", "take GIMP from")])
def test_a_sandbox_that_lets_nothing_out_is_said_with_the_cure(
    home: Path, monkeypatch: pytest.MonkeyPatch, packaging: gimp_profiles.Packaging, cure: str
) -> None:
    program(home / "bin", packaging, "exit 127", monkeypatch)
    done = gimp_install.install(Profile(profile(home), packaging))
    assert done.trial.seconds is None
    assert cure in done.trial.note


def catalogue(words: dict[str, str]) -> bytes:
    """A compiled gettext catalogue (GNU gettext manual, "The Format of GNU MO Files")."""
    pairs = sorted({"": "Content-Type: text/plain; charset=UTF-8\n", **words}.items())
    start = 28 + 16 * len(pairs)
    tables, texts = b"", b""
    for column in (0, 1):
        for pair in pairs:
            text = pair[column].encode()
            tables += struct.pack("<2I", len(text), start + len(texts))
            texts += text + b"\0"
    return struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0) + tables + texts


def test_the_plugin_speaks_the_users_language_where_there_is_a_catalogue(home: Path) -> None:
    plugin = gimp_install.place(profile(home))
    folder = plugin / "locale/de/LC_MESSAGES"
    folder.mkdir(parents=True)
    again = "Run “cyclorama install gimp” again."
    (folder / "cyclorama-gimp.mo").write_bytes(catalogue({again: "Noch einmal „cyclorama install gimp“ aufrufen."}))
    code = "from cyclorama_gimp.connection import AGAIN; print(AGAIN)"
    for language, words in (("de", "Noch einmal „cyclorama install gimp“ aufrufen."), ("fr", again)):
        environment = {**os.environ, "LANGUAGE": language, "PYTHONPATH": str(plugin), "PYTHONIOENCODING": "utf-8"}
        said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True, cwd=home)
        assert said.stdout.decode().strip() == words


def test_a_worker_that_does_not_start_is_said(tmp_path: Path) -> None:
    assert "No such file" in installing.try_worker([str(tmp_path / "python")]).note
    ended = installing.try_worker([sys.executable, "-c", "raise SystemExit(3)"])
    assert ended.seconds is None
    assert "exit status is 3" in ended.note


def break_nothing(_plugin: Path) -> None:
    """The plug-in as it was installed."""


def lose_run_bit(plugin: Path) -> None:
    (plugin / "cyclorama-gimp.py").chmod(0o644)


def lose_engine(plugin: Path) -> None:
    (plugin / "engine.json").unlink()


def lose_interpreter(plugin: Path) -> None:
    installing.write_engine(plugin, ["/nowhere/python", "-m", "cyclorama.worker"], warm=True)


def be_listed(plugin: Path) -> None:
    (plugin.parent.parent / "pluginrc").write_text('(proc-def "plug-in-cyclorama-cut-out-subject" 1)')


def be_left_out(plugin: Path) -> None:
    (plugin.parent.parent / "pluginrc").write_text("(file-version 14)")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (break_nothing, ("in place", "will be listed at GIMP's next start", "its engine is ready in")),
        (be_listed, ("listed under Filters > Cyclorama",)),
        (be_left_out, ("not listed: GIMP started it and it failed",)),
        (lose_run_bit, ("lost its run bit", "run cyclorama install gimp again")),
        (lose_engine, ("damaged", "install the plug-in again")),
        (lose_interpreter, ("its engine does not start: /nowhere/python: No such file or directory",)),
    ],
)
def test_the_doctor_says_of_each_gimp_whether_the_plugin_works(
    home: Path, change: Callable[[Path], None], said: tuple[str, ...]
) -> None:
    folder = profile(home)
    plugin = gimp_install.place(folder)
    installing.write_engine(plugin, installing.worker_command(), warm=True)
    change(plugin)
    (sentence,) = gimp_doctor.sentences()
    assert sentence.startswith(f"GIMP {folder}: ")
    for words in said:
        assert words in sentence


def test_the_doctor_says_where_the_plugin_is_missing(home: Path) -> None:
    folder = profile(home)
    assert list(gimp_doctor.sentences()) == [f"GIMP {folder}: not installed; run cyclorama install gimp"]


def test_a_python_without_gimps_modules_first_on_the_path_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gimp_install.place(profile(home))
    program(home / "bin", "gimp", "exit 0", monkeypatch)
    program(home / "bin", "python3", "echo \"ModuleNotFoundError: No module named 'gi'\" >&2; exit 1", monkeypatch)
    (sentence,) = gimp_doctor.sentences()
    assert f"the python3 that comes first on the path ({home}/bin/python3) lacks GIMP's modules" in sentence
