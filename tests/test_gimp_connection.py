"""How the plug-in reaches its worker: warm, started, or not at all. No GIMP is needed, the workers are real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cyclorama_gimp import connection
from cyclorama_gimp.connection import EngineError, Installed

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="unix sockets"),
    pytest.mark.usefixtures("folder"),
]

COMMAND = (sys.executable, "-m", "cyclorama.worker")
ENGINE = Installed(COMMAND, True)
END_SECONDS = 15


@pytest.fixture
def host() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for GIMP."""
    process = subprocess.Popen(["sleep", "120"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    runtime = tmp_path_factory.mktemp("r")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    return runtime / "cyclorama"


def workers_of(host: int) -> list[int]:
    """Processes that wait for the end of that host."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if words[-3:-1] == [b"--parent", str(host).encode()]:
            found.append(int(path.parent.name))
    return found


def wait_for_none(host: int) -> None:
    end = time.monotonic() + END_SECONDS
    while workers_of(host):
        assert time.monotonic() < end, "a worker stayed behind"
        time.sleep(0.1)


def test_the_second_action_finds_the_first_ones_worker_and_it_leaves_with_gimp(
    host: subprocess.Popen[bytes], folder: Path
) -> None:
    for _ in range(2):
        with connection.connection(ENGINE, host.pid) as worker:
            assert worker.request({"op": "hello"})[0]["protocol"]
    assert len(workers_of(host.pid)) == 1
    assert folder.stat().st_mode & 0o777 == 0o700
    host.kill()
    host.wait()
    wait_for_none(host.pid)
    assert not list(folder.glob("*.sock"))


def test_actions_at_the_same_time_start_one_worker(host: subprocess.Popen[bytes]) -> None:
    code = (
        "from cyclorama_gimp.connection import *; import sys\n"
        f"with connection(Installed({COMMAND!r}, True), {host.pid}) as w: w.request({{'op': 'hello'}})"
    )
    actions = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [action.wait(60) for action in actions] == [0, 0, 0]
    assert len(workers_of(host.pid)) == 1
    host.kill()
    host.wait()
    wait_for_none(host.pid)


def test_a_killed_worker_is_replaced_and_what_it_was_doing_is_said_to_have_ended(
    host: subprocess.Popen[bytes],
) -> None:
    def killed() -> None:
        with connection.connection(ENGINE, host.pid) as worker:
            (number,) = workers_of(host.pid)
            os.kill(number, signal.SIGKILL)
            worker.request({"op": "hello"})

    with pytest.raises(EngineError, match=r"engine ended before it was done\. The picture is unchanged"):
        killed()
    with connection.connection(ENGINE, host.pid) as worker:
        assert worker.request({"op": "hello"})[0]["protocol"]
    host.kill()
    host.wait()
    wait_for_none(host.pid)


def test_without_sharing_each_action_has_a_worker_that_ends_with_it(host: subprocess.Popen[bytes]) -> None:
    with connection.connection(Installed(COMMAND, False), host.pid) as worker:
        assert worker.request({"op": "hello"})[0]["protocol"]
        process = worker.process
    assert process.returncode == 0


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("/nowhere/python", "-m", "cyclorama.worker"), "cannot be started: /nowhere/python: No such file"),
        ((sys.executable, "-I", "-S", "-m", "cyclorama.worker"), "no longer installed where the plug-in looks for it"),
        ((sys.executable, "-c", "raise SystemExit('bang')"), "ended before it was done.*bang"),
    ],
)
def test_an_engine_that_does_not_start_is_said_in_plain_words(
    host: subprocess.Popen[bytes], command: tuple[str, ...], words: str, warm: bool
) -> None:
    with (
        pytest.raises(EngineError, match=f"(?s){words}"),
        connection.connection(Installed(command, warm), host.pid),
    ):
        pass
    assert not workers_of(host.pid)


def test_gimps_own_settings_do_not_reach_another_python(
    host: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONHOME", "LD_LIBRARY_PATH", "GI_TYPELIB_PATH"):
        monkeypatch.setenv(name, "/app/lib")
    with connection.connection(Installed(COMMAND, False), host.pid) as worker:
        assert worker.request({"op": "hello"})[0]["protocol"]


def test_a_folder_of_somebody_else_is_not_used(folder: Path) -> None:
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    with pytest.raises(EngineError, match="is not a folder of yours alone"):
        connection.private_folder()


@pytest.mark.parametrize("content", [None, "{", json.dumps({"command": []}), "[]"])
def test_a_damaged_engine_file_is_said(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "engine.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(EngineError, match=r"cannot be read .* Run “cyclorama install gimp” again"):
        connection.installed(file)


def test_a_worker_that_refuses_is_quoted(host: subprocess.Popen[bytes]) -> None:
    def refused() -> None:
        with connection.connection(Installed(COMMAND, False), host.pid) as worker:
            worker.request({"op": "open", "session": "1", "model": "nobody"})

    with pytest.raises(EngineError, match="expected a model out of"):
        refused()
