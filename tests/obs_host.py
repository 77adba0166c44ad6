"""A real OBS on a virtual screen, with the filter's script loaded, driven by obs-websocket."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama_ffmpeg import obs_install

WIDTH, HEIGHT, RATE = 640, 360, 15
FILTER = "cyclorama_background"
PASSWORD = "only-for-tests"
PROFILES = ("ci", "ci2")  # alike
# Generous: the machine may be busy. Nothing waits this long where all is well.
PATIENCE = 60.0
CRASHING = 10.0  # seconds in which a crashed OBS has written its core file

Rgba = NDArray[np.uint8]


def why_not() -> str:
    """Why there is no OBS to test in; "" where there is."""
    missing = [name for name in ("obs", "Xvfb") if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    try:
        import obsws_python  # noqa: F401
    except ImportError:
        return "not installed: obsws-python"
    return ""


def allow_core_file() -> None:
    """To be called in the process that becomes OBS."""
    import resource  # POSIX alone, as these tests

    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


def wait_for(what: str, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Polls until `condition` gives something true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.05)


class Host:
    """An OBS with its own configuration folder.

    Args:
        folder: empty, or of an OBS that ran before; everything of this OBS is written there.
        model: of the worker.
        scripts: further scripts to load.
        plugin: False for an OBS without the filter.
        listed: False: the script is in its place, but OBS' list does not have it; see `obs_driver.Script`.
        size, rate: of the canvas.
        options: further ones of OBS' command line.
    """

    def __init__(
        self,
        folder: Path,
        *,
        model: str = "portrait-fast",
        scripts: tuple[Path, ...] = (),
        plugin: bool = True,
        listed: bool = True,
        python: str = "",
        size: tuple[int, int] = (WIDTH, HEIGHT),
        rate: int = RATE,
        options: tuple[str, ...] = (),
    ) -> None:
        self.folder = folder
        self.plugin = folder / "plugin"
        self.recordings = folder / "recordings"
        self.recordings.mkdir(parents=True, exist_ok=True)
        self._size, self._rate = size, rate
        self._scripts = list(scripts)
        self.settings = {"model": model, "device": "cpu", "threads": 1, "python": python}
        self._driver = folder / "driver"
        self._driver.mkdir(exist_ok=True)
        shutil.copy(Path(__file__).with_name("obs_driver.py"), self._driver)
        self._scripts.append(self._driver / "obs_driver.py")
        if plugin:
            obs_install.place_files(self.plugin)
            self._scripts[:0] = [self.plugin / "cyclorama_background.py"] * listed
        self._runs = 0
        self._port = free_port()
        self._write_configuration()
        self._display, self._screen = start_screen()
        self._log = (folder / "obs.log").open("wb")
        self.process = subprocess.Popen(
            [
                *("obs", "--collection", "ci", "--profile", PROFILES[0], "--multi", "--disable-missing-files-check"),
                *("--disable-updater", "--minimize-to-tray", *options),
            ],
            cwd=folder,  # a core file would go there
            preexec_fn=allow_core_file,
            env=self._environment(),
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self.client: Any = None
        try:
            self.client = wait_for("obs-websocket", self._connect)
            wait_for("OBS ready", lambda: self.try_call("GetSceneList"))
        except BaseException:
            self.kill()
            raise

    def _environment(self) -> dict[str, str]:
        runtime = self.folder / "runtime"
        runtime.mkdir(mode=0o700, exist_ok=True)
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))},
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "LP_NUM_THREADS": "1",
            "QT_QPA_PLATFORM": "xcb",
            "DISPLAY": self._display,
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_RUNTIME_DIR": str(runtime),
        }

    def _write_configuration(self) -> None:
        root = self.folder / "config/obs-studio"
        known = root.exists()  # an OBS that ran before in this folder: its scenes stay
        (root / "basic/scenes").mkdir(parents=True, exist_ok=True)
        socket_settings = f"ServerEnabled=true\nServerPort={self._port}\nAuthRequired=true\nServerPassword={PASSWORD}\n"
        (root / "global.ini").write_text(
            "[General]\nFirstRun=true\nPre19Defaults=false\nEnableAutoUpdates=false\nLastVersion=503316482\n"
            f"[OBSWebSocket]\nFirstLoad=false\n{socket_settings}"
        )
        width, height = self._size
        for name in PROFILES:
            profile = root / "basic/profiles" / name
            profile.mkdir(parents=True, exist_ok=True)
            (profile / "basic.ini").write_text(
                f"[General]\nName={name}\n[Output]\nMode=Simple\n"
                f"[SimpleOutput]\nFilePath={self.recordings}\nRecQuality=Lossless\n"
                f"[Video]\nBaseCX={width}\nBaseCY={height}\nOutputCX={width}\nOutputCY={height}\nColorFormat=RGB\n"
                f"FPSType=1\nFPSInt={self._rate}\n"
            )
        for name in () if known else ("ci", "other"):
            scripts = [{"path": str(path), "settings": self.settings} for path in self._scripts]
            scene = {"id": "scene", "name": "first", "settings": {"items": []}}
            collection = {
                "name": name,
                "modules": {"scripts-tool": scripts},
                "current_scene": "first",
                "scene_order": [{"name": "first"}],
                "sources": [scene],
            }
            (root / f"basic/scenes/{name}.json").write_text(json.dumps(collection))

    def _connect(self) -> Any:
        import obsws_python

        logging.getLogger("obsws_python").setLevel(logging.CRITICAL)  # refusals are expected, and are answers
        if self.process.poll() is not None:
            raise RuntimeError(f"OBS ended with {self.process.returncode}:\n{self.log()}")
        with contextlib.suppress(OSError):
            return obsws_python.ReqClient(host="127.0.0.1", port=self._port, password=PASSWORD, timeout=PATIENCE)
        return None

    def call(self, request: str, **data: Any) -> dict[str, Any]:
        """One obs-websocket request by its own name and fields."""
        from websocket import WebSocketException

        try:
            return self.client.send(request, data or None, raw=True) or {}
        except (OSError, WebSocketException):
            self._expect_life()
            raise

    def _expect_life(self) -> None:
        """Raises with where OBS was in each of its threads if it crashed, as far as a core file and gdb tell."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(CRASHING)
            lines = [f"OBS ended with {self.process.returncode}", self.log()[-3000:]]
            for core in self.folder.glob("core*"):
                command = ["gdb", "-batch", "-ex", "thread apply all backtrace 16", "obs", str(core)]
                if shutil.which("gdb"):
                    lines.append(subprocess.run(command, capture_output=True, text=True).stdout)
            raise RuntimeError("\n".join(lines))

    def try_call(self, request: str, **data: Any) -> dict[str, Any] | None:
        """The same; None where OBS refuses it (it is still starting, or there is no such thing)."""
        from obsws_python.error import OBSSDKRequestError

        try:
            return self.call(request, **data)
        except OBSSDKRequestError:
            return None

    def add_source(self, name: str, kind: str, settings: dict[str, Any], scene: str = "stage") -> None:
        """Adds a source to a scene, made and shown if there is none of that name."""
        if self.try_call("CreateScene", sceneName=scene) is not None:
            self.call("SetCurrentProgramScene", sceneName=scene)
        self.call("CreateInput", sceneName=scene, inputName=name, inputKind=kind, inputSettings=settings)

    def add_picture(self, name: str, path: Path, scene: str = "stage") -> None:
        self.add_source(name, "image_source", {"file": str(path)}, scene)

    def add_clip(self, name: str, path: Path, scene: str = "stage") -> None:
        self.add_source(name, "ffmpeg_source", {"local_file": str(path), "looping": True}, scene)

    def add_filter(self, source: str, name: str = "cyclorama", **settings: Any) -> None:
        self.call("CreateSourceFilter", sourceName=source, filterName=name, filterKind=FILTER, filterSettings=settings)

    def set_filter(self, source: str, name: str = "cyclorama", **settings: Any) -> None:
        self.call("SetSourceFilterSettings", sourceName=source, filterName=name, filterSettings=settings)

    def screenshot(self, source: str, size: tuple[int, int] | None = None) -> Rgba:
        """uint8 (H, W, 4) RGBA, as obs-websocket renders the source with its filters."""
        extent = {"imageWidth": size[0], "imageHeight": size[1]} if size else {}
        shot = {"sourceName": source, "imageFormat": "png", **extent}
        # Refused while the source has no size yet.
        answer = wait_for(f"a screenshot of {source}", lambda: self.try_call("GetSourceScreenshot", **shot))
        encoded = np.frombuffer(base64.b64decode(answer["imageData"].partition(",")[2]), np.uint8)
        return cv2.cvtColor(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)  # type: ignore[return-value]

    def start_recording(self) -> None:
        """Starts one, and returns when there are frames in it: one that is stopped before never ends inside OBS."""
        self.call("StartRecord")
        wait_for("recording", lambda: self.call("GetRecordStatus")["outputDuration"] > 500)

    def stop_recording(self) -> Path:
        path = Path(self.call("StopRecord")["outputPath"])
        wait_for("the end of the recording", lambda: not self.call("GetRecordStatus")["outputActive"])
        wait_for("the closed file", lambda: path not in self._open_files())
        self._renew_output()
        return path

    def _renew_output(self) -> None:
        """Changes to the other profile, for which OBS makes its outputs anew.

        One that recorded before may refuse to, with a dialog that waits for a click: OBS 29 (obs-ffmpeg-output.c) notes
        that it is connecting after it made the thread that notes the end of it, and that thread may be the faster one.
        """
        current = self.call("GetProfileList")["currentProfileName"]
        self.call("SetCurrentProfile", profileName=next(name for name in PROFILES if name != current))

    def _open_files(self) -> list[Path]:
        found = []
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed meanwhile
                found.append(descriptor.readlink())
        return found

    def run(self, code: str) -> Any:
        """Runs Python inside OBS, in a thread of its own, and returns what it left in `answer`."""
        self._runs += 1
        name = f"run-{self._runs:04}"
        (self._driver / f"{name}.part").write_text(code)
        (self._driver / f"{name}.part").rename(self._driver / f"{name}.py")
        done = self._driver / f"{name}.json"
        wait_for("code inside OBS", lambda: done.exists() or self.process.poll() is not None)
        if not done.exists():
            self._expect_life()
        result = json.loads(done.read_text())
        assert "error" not in result, result["error"]
        return result["answer"]

    def settings_text(self) -> str:
        """The script's settings as OBS saves them."""
        return json.dumps(self.settings)

    def workers(self) -> list[int]:
        """Process ids of the workers of this OBS."""
        found = []
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            with contextlib.suppress(OSError):
                children = [int(child) for child in (task / "children").read_text().split()]
                found += [c for c in children if b"--ring" in Path(f"/proc/{c}/cmdline").read_bytes()]
        return found

    def worker(self) -> int:
        """Process id of the worker, once there is one."""
        return int(wait_for("a worker", self.workers)[0])

    def log(self) -> str:
        return (self.folder / "obs.log").read_text("utf-8", "replace")

    def stop(self) -> int:
        """Ends OBS in an orderly way. Returns the number of memory leaks that it counts."""
        with contextlib.suppress(Exception):
            self.client.base_client.ws.close()
        self.run("leave()")
        try:
            self.process.wait(PATIENCE)
        finally:
            self.kill()
        lines = [line for line in self.log().splitlines() if "Number of memory leaks" in line]
        assert lines, f"OBS did not end in an orderly way:\n{self.log()[-3000:]}"
        return int(lines[-1].rpartition(":")[2])

    def kill(self) -> None:
        for process in (self.process, self._screen):
            if process.poll() is None:
                process.kill()
            process.wait()
        self._log.close()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Every picture of a recording, uint8 (H, W, 3) RGB."""
    import av

    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def start_screen() -> tuple[str, subprocess.Popen[bytes]]:
    """An X server on a display that is free."""
    reading, writing = os.pipe()
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1024x768x24", "-nolisten", "tcp"],
        pass_fds=(writing,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as answer:
        return f":{answer.readline().strip()}", screen
