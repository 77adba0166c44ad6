"""A real GIMP 3 for tests, in a folder with a Debian of its own, and this Python's workers at its plug-in's service.

`.ci/run` makes the folder (see there); CYCLORAMA_GIMP_ROOT names it where it is not `.gimp` in the repository. GIMP's
Debian has no NumPy, as a user's GIMP has none: what the plug-in starts there is a short program that hands its
standard streams to this process, which starts the true worker on them.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cyclorama_ffmpeg import gimp_install, installing

ROOT = Path(os.environ.get("CYCLORAMA_GIMP_ROOT", Path(__file__).parent.parent / ".gimp"))
PROGRAM = "gimp-console-3.0"
MAIN_WINDOW = "– GIMP"  # ends its title
# A worker that may take no more than this many bytes of addresses once it is loaded: not enough for a large picture.
LIMITED = """
import resource, sys
from pathlib import Path
from cyclorama import worker
pages = int(Path("/proc/self/statm").read_text().split()[0])
limit = pages * resource.getpagesize() + 120_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
sys.exit(worker.main())
"""
RELAY = """#!/usr/bin/python3
import os, socket, sys
with socket.socket(socket.AF_UNIX) as host:
    host.connect({path!r})
    socket.send_fds(host, [chr(0).join(sys.argv[1:]).encode() or b"-"], [0, 1, 2])
    for fd in (0, 1):
        os.close(fd)
    sys.exit(int(host.recv(16) or 1))
"""

needs_gimp = pytest.mark.skipif(
    not (ROOT / "usr/bin" / PROGRAM).exists() or os.getuid() != 0,
    reason="needs root and a GIMP 3 in .gimp or CYCLORAMA_GIMP_ROOT (.ci/run makes one)",
)


def inside(home: str, profile: str, *words: str, **environment: str) -> list[str]:
    """A command line that runs in GIMP's system, with nothing of this one's environment."""
    values = {
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "LC_ALL": "C.UTF-8",
        "XDG_RUNTIME_DIR": home,
        "GIMP3_DIRECTORY": profile,
        **environment,
    }
    return ["chroot", str(ROOT), "/usr/bin/env", "-i", *(f"{name}={value}" for name, value in values.items()), *words]


def started_profile() -> Path:
    """A profile in which GIMP has asked its own plug-ins who they are, which takes it 15 s the first time."""
    profile = ROOT / "started-profile"
    if not (profile / "pluginrc").exists():
        shutil.rmtree(profile, ignore_errors=True)
        profile.mkdir()
        (profile / "gimprc").write_text("(show-welcome-dialog no)\n(undo-size 512M)\n")
        words = [PROGRAM, "-i", "-d", "-f", "--batch-interpreter=python-fu-eval", "-b", "pass", "--quit"]
        subprocess.run(inside("/root", "/started-profile", *words), capture_output=True, check=True, timeout=600)
    return profile


class Workers:
    """Starts true workers for the plug-in in the other system, and knows them all.

    A first word "limited" gives a worker little memory.

    Attributes:
        processes: all that were started.
    """

    def __init__(self, path: Path) -> None:
        self.processes: list[subprocess.Popen[bytes]] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                host, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._start, args=(host,), daemon=True).start()

    def _start(self, host: socket.socket) -> None:
        with host:
            text, streams, _, _ = socket.recv_fds(host, 4096, 3)
            words = [] if text == b"-" else text.decode().split("\0")
            program = ["-c", LIMITED, *words[1:]] if words[:1] == ["limited"] else ["-m", "cyclorama.worker", *words]
            command = [sys.executable, *program]
            process = subprocess.Popen(command, stdin=streams[0], stdout=streams[1], stderr=streams[2])
            self.processes.append(process)
            for stream in streams:
                os.close(stream)
            host.sendall(str(process.wait()).encode())

    @property
    def running(self) -> list[subprocess.Popen[bytes]]:
        return [process for process in self.processes if process.poll() is None]

    def close(self) -> None:
        self._listener.close()
        for process in self.running:
            process.send_signal(signal.SIGKILL)
            process.wait()


class Gimp3:
    """GIMP with the plug-in in a fresh profile.

    Attributes:
        home: folder in GIMP's system that the test may use; `inside` is its name there.
        workers: what the plug-in's engine is served by.
    """

    def __init__(self, name: str) -> None:
        self.inside = f"/cyclorama-{os.getpid()}-{name}"
        self.home = ROOT / self.inside[1:]
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir()
        self.profile = self.home / "profile"
        shutil.copytree(started_profile(), self.profile)
        relay = self.home / "relay"
        relay.write_text(RELAY.format(path=f"{self.inside}/host.sock"))
        relay.chmod(0o755)
        self.workers = Workers(self.home / "host.sock")
        self.plugin = gimp_install.place(self.profile)
        self.engine(command=[f"{self.inside}/relay"])

    def engine(self, *, command: list[str], warm: bool = True) -> None:
        """Says what the plug-in starts."""
        installing.write_engine(self.plugin, command, warm=warm)

    def command(self, *words: str, **environment: str) -> list[str]:
        """A command line that runs in GIMP's system."""
        return inside(self.inside, f"{self.inside}/profile", *words, **environment)

    def batch(self, script: Path, task: Mapping[str, Any], timeout: float = 170, **environment: str) -> Any:
        """Runs a Python script inside of GIMP without a window, and returns what it leaves in `answer.json`.

        The script finds `TASK`, the task with its home folder as "home".
        """
        (self.home / "task.json").write_text(json.dumps({**task, "home": self.inside}))
        (self.home / "answer.json").unlink(missing_ok=True)
        shutil.copy(script, self.home / "script.py")
        code = (
            f"import json; TASK = json.load(open('{self.inside}/task.json')); "
            f"exec(compile(open('{self.inside}/script.py').read(), 'script.py', 'exec'), {{'TASK': TASK}})"
        )
        words = [PROGRAM, "-i", "-d", "-f", "--batch-interpreter=python-fu-eval", "-b", code, "--quit"]
        ran = subprocess.run(
            self.command(*words, **environment), capture_output=True, text=True, timeout=timeout, check=False
        )
        answer = self.home / "answer.json"
        assert answer.exists(), f"GIMP ended with {ran.returncode}:\n{ran.stdout}\n{ran.stderr}"
        return json.loads(answer.read_text())

    def close(self) -> None:
        self.workers.close()
        shutil.rmtree(self.home, ignore_errors=True)


class Window:
    """GIMP in a window, on a screen that nobody sees, driven by keys and looked at by screenshots.

    A script inside of GIMP (`made_gimp_watch.py`) opens a picture and keeps writing down what the image is.
    """

    def __init__(self, gimp: Gimp3, script: Path, picture: str) -> None:
        self.gimp = gimp
        self.display = f":{200 + os.getpid() % 500}"
        self._programs: list[subprocess.Popen[bytes]] = []
        self._start("Xvfb", self.display, "-screen", "0", "1400x1000x24", "-nolisten", "tcp")
        self.wait(lambda: (ROOT / f"tmp/.X11-unix/X{self.display[1:]}").exists())
        self._start("openbox")
        shutil.copy(script, gimp.home / "watch.py")
        task = {"home": gimp.inside, "picture": picture}
        code = f"exec(compile(open('{gimp.inside}/watch.py').read(), 'watch.py', 'exec'), {{'TASK': {task!r}}})"
        words = ("gimp-3.0", "--no-splash", "--new-instance", "--batch-interpreter=python-fu-eval", "-b", code)
        self.process = self._start("dbus-run-session", "--", *words)
        self.wait(lambda: self.state is not None and bool(self.window(MAIN_WINDOW)), 300)

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        log = (self.gimp.home / f"{words[0]}.log").open("wb")
        command = self.gimp.command(*words, DISPLAY=self.display, NO_AT_BRIDGE="1")
        program = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self._programs.append(program)
        return program

    @property
    def state(self) -> Any:
        """The image as GIMP has it now."""
        file = self.gimp.home / "state.json"
        return json.loads(file.read_text()) if file.exists() else None

    def layers(self) -> list[str]:
        return [layer["name"] for layer in self.state["layers"]]

    def wait(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Waits until something is so.

        Raises:
            TimeoutError: it never was; a screenshot lies in `last.png`.
        """
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                self.screenshot("last.png")
                raise TimeoutError(f"{seconds} s went by; the image is {self.state}")
            time.sleep(0.1)

    def xdotool(self, *words: str) -> str:
        command = self.gimp.command("xdotool", *words, DISPLAY=self.display)
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120).stdout.strip()

    def window(self, title: str) -> str:
        """The number of the window with that in its title; "" where there is none."""
        return self.xdotool("search", "--onlyvisible", "--name", title).partition("\n")[0]

    def key(self, title: str, *keys: str) -> None:
        """Presses keys in a window."""
        # A window that closes while xdotool looks through them hides all others from it for a moment.
        self.wait(lambda: bool(self.window(title)))
        self.xdotool("windowactivate", "--sync", self.window(title))
        for key in keys:
            self.xdotool("key", key)
            time.sleep(0.3)

    def click(self, title: str, x: int, y: int) -> None:
        """Clicks in a window, at pixels from its upper left corner."""
        self.xdotool("windowactivate", "--sync", self.window(title))
        self.xdotool("mousemove", "--window", self.window(title), str(x), str(y), "click", "1")

    def menu(self, title: str, words: str) -> None:
        """Runs a menu's entry by GIMP's own search for commands."""
        self.key(title, "slash")
        self.wait(lambda: bool(self.window("Search Actions")))
        self.xdotool("type", "--delay", "40", words)
        time.sleep(0.7)  # the list is filled while one types
        self.xdotool("key", "Return")

    def screenshot(self, name: str) -> Path:
        command = self.gimp.command("import", "-window", "root", f"{self.gimp.inside}/{name}", DISPLAY=self.display)
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        return self.gimp.home / name

    def close(self) -> None:
        for program in reversed(self._programs):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()
