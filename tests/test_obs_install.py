"""Installing the OBS script, what the doctor says of it, and what must hold in OBS' own Python."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import resources
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

import cyclorama
import cyclorama_scenes
from cyclorama import ring
from cyclorama.errors import OutputError
from cyclorama_ffmpeg import obs_install

PACKAGE = Path(str(resources.files("cyclorama_obs")))
COMMAND = [sys.executable, "-c", "from cyclorama_ffmpeg.commands.main import main; main()"]
OLDEST = (3, 6)  # of OBS' embedded Pythons
# What a script may import: OBS' bindings, its own files, and the standard library.
OURS = {"obspython", "cyclorama_ring", "cyclorama_host", "cyclorama_libs"}


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed script whose modules can be imported as in OBS."""
    folder = tmp_path / "plugin"
    obs_install.place_files(folder)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in OURS:
        sys.modules.pop(name, None)


def test_the_folder_holds_all_that_the_script_needs(plugin: Path) -> None:
    names = {file.name for file in plugin.iterdir()}
    assert {file.name for file in PACKAGE.iterdir() if file.suffix in (".lua", ".effect")} < names
    assert {"cyclorama_background.py", "cyclorama_ring.py", "engine.json"} < names
    assert "__init__.py" not in names
    told = json.loads((plugin / "engine.json").read_text())
    assert told["command"][1:] == ["-m", "cyclorama.live"]
    assert told["version"] == cyclorama.__version__
    assert set(told["scenes"]) == set(cyclorama_scenes.paths())


def test_an_older_installation_is_replaced(plugin: Path) -> None:
    (plugin / "cyclorama_shim.lua").write_text("old")
    obs_install.place_files(plugin)
    assert (plugin / "cyclorama_shim.lua").read_bytes() == (PACKAGE / "cyclorama_shim.lua").read_bytes()


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        obs_install.place_files(tmp_path / "file/plugin")


def test_the_command_installs_tries_and_removes(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    done = subprocess.run([*COMMAND, "install", "obs", "--dir", folder], capture_output=True, text=True, check=True)
    assert f"{folder}/cyclorama_background.py" in done.stdout
    assert "engine ready in" in done.stdout
    assert "Tools > Scripts" in done.stdout
    subprocess.run([*COMMAND, "install", "obs", "--dir", folder, "--uninstall"], check=True)
    assert not folder.exists()


def test_uninstalling_leaves_other_folders_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    assert not obs_install.uninstall(tmp_path)
    assert (tmp_path / "mine.txt").exists()


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("win32", {"APPDATA": "/u/AppData/Roaming"}, ["/u/AppData/Roaming/obs-studio"]),
        ("darwin", {"HOME": "/u"}, ["/u/Library/Application Support/obs-studio"]),
        (
            "linux",
            {"HOME": "/u"},
            [
                "/u/.config/obs-studio",
                "/u/.var/app/com.obsproject.Studio/config/obs-studio",
                "/u/snap/obs-studio/current/.config/obs-studio",
            ],
        ),
        ("linux", {"HOME": "/u", "XDG_CONFIG_HOME": "/c"}, ["/c/obs-studio"]),
    ],
)
def test_obs_configurations_are_looked_for_where_obs_keeps_them(
    platform: str, environment: dict[str, str], expected: list[str]
) -> None:
    found = [path.as_posix() for path in obs_install.configurations(platform, environment)]
    assert found[: len(expected)] == expected


def test_the_doctor_tells_whether_a_scene_collection_loads_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(obs_install, "try_worker", lambda _: None)
    assert "not installed" in obs_install.examine(tmp_path).place
    script = obs_install.place_files(tmp_path / obs_install.FOLDER)
    assert "Tools > Scripts" in obs_install.examine(tmp_path).listing
    collections = tmp_path / "basic/scenes"
    collections.mkdir(parents=True)
    (collections / "broken.json").write_text("{")
    (collections / "talks.json").write_text(json.dumps({"modules": {"scripts-tool": [{"path": str(script)}]}}))
    finding = obs_install.examine(tmp_path)
    assert finding.place == "in place"
    assert finding.listing == "loaded by the scene collection talks"
    (tmp_path / "cyclorama/engine.json").write_text("{}")
    assert "damaged" in obs_install.examine(tmp_path).place


@pytest.mark.parametrize("file", [*PACKAGE.glob("*.py"), Path(ring.__file__)], ids=lambda file: file.name)
def test_the_scripts_suit_obs_own_python(file: Path) -> None:
    tree = ast.parse(file.read_text("utf-8"), feature_version=OLDEST)
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
    assert imported <= OURS | set(sys.stdlib_module_names)


def host_module(plugin: Path) -> ModuleType:
    assert plugin.is_dir()
    return importlib.import_module("cyclorama_host")


def libs_module(plugin: Path) -> ModuleType:
    assert plugin.is_dir()
    return importlib.import_module("cyclorama_libs")


def test_obs_libraries_have_the_names_that_each_system_gives_them(plugin: Path) -> None:
    names = libs_module(plugin).library_names
    assert names("libobs", "win32") == ["obs.dll"]
    assert names("libobs-scripting", "win32") == ["obs-scripting.dll"]
    assert names("libobs", "darwin")[0].endswith("Frameworks/libobs.framework/libobs")
    assert "libobs.so.0" in names("libobs", "linux"), "OBS 28 and 29"
    assert "libobs.so.30" in names("libobs", "linux"), "OBS 30 to 32"


def test_a_library_that_is_not_there_is_said(plugin: Path) -> None:
    with pytest.raises(OSError, match="expected OBS' library libnobody"):
        libs_module(plugin).library("libnobody", {"nobody_knows_this": (None, ())})


def test_memory_without_room_is_refused_and_nothing_is_left(plugin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = host_module(plugin)
    folder = plugin / "full"
    folder.mkdir()
    monkeypatch.setattr(host.tempfile, "mkstemp", mkstemp_in(folder))
    monkeypatch.setattr(host.os, "fdopen", lambda *_: Path("/dev/full").open("wb"))  # noqa: SIM115
    with pytest.raises(OSError, match="No space left"):
        host.Memory()
    assert list(folder.iterdir()) == []


def mkstemp_in(folder: Path) -> Callable[..., tuple[int, str]]:
    real = tempfile.mkstemp
    return lambda **_: real(dir=folder)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for the worker")
def test_a_worker_that_keeps_failing_is_started_less_and_less_often(
    plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = host_module(plugin)
    monkeypatch.setattr(host, "WATCH", 0.01)
    monkeypatch.setattr(host, "BACK_OFF", (0.0, 0.05, 0.2, 0.8))
    memory = host.Memory()
    starts = tmp_path / "starts"
    said: list[str] = []
    worker = host.Worker(memory, said.append)
    worker.start(["sh", "-c", f"date +%s.%N >> {starts}; exit 3"], str(tmp_path / "log"))
    wait_for_lines(starts, 5)
    worker.stop()
    times = [float(line) for line in starts.read_text().split()]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert gaps[3] > gaps[0] + 0.3
    assert "ended with status 3" in said[0]
    assert memory.header.state == ring.STOPPED


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for the worker")
def test_an_interpreter_that_is_not_there_is_said_in_the_ring(plugin: Path, tmp_path: Path) -> None:
    host = host_module(plugin)
    memory = host.Memory()
    said: list[str] = []
    worker = host.Worker(memory, said.append)
    worker.start(["/nobody/python", "-m", "cyclorama.live"], str(tmp_path / "log"))
    wait_until(lambda: b"/nobody/python" in memory.header.message)
    worker.stop()
    assert memory.header.state == ring.FAILED
    assert "could not be started" in said[0]


def wait_for_lines(file: Path, count: int) -> None:
    wait_until(lambda: file.exists() and len(file.read_text().split()) >= count)


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
