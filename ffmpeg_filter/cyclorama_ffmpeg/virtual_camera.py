"""From a camera to a virtual camera: for programs that cannot load the OBS filter."""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Protocol

import cv2
import numpy as np

from cyclorama.engine import Session
from cyclorama.errors import CycloramaError, DeviceError, MediaError
from cyclorama.types import DeepRgb, Rgb

FALLBACK_RATE = 30.0  # frames a second of a camera that does not say
SILENCE = 5.0  # seconds without a frame after which a camera is taken for lost
INSTALL = "pip install 'cyclorama[live]'"


class Sink(Protocol):
    """Where pictures go.

    Attributes:
        name: for people.
    """

    name: str

    def send(self, rgb: Rgb) -> None:
        """Shows a picture uint8 (H, W, 3) of the sink's size."""

    def close(self) -> None:
        """Ends it; nothing is shown any more."""


class SinkFactory(Protocol):
    """Opens a sink for pictures of one size and rate."""

    def __call__(self, *, height: int, width: int, rate: float) -> Sink: ...


class VirtualCamera:
    """A camera that other programs see, by pyvirtualcam: v4l2loopback, OBS' virtual camera, or Unity Capture.

    Raises:
        DeviceError: pyvirtualcam is not installed, or the system has no virtual camera.
    """

    def __init__(self, *, height: int, width: int, rate: float, device: str | None = None) -> None:
        try:
            import pyvirtualcam
        except ImportError:
            raise DeviceError(f"a virtual camera needs pyvirtualcam, which is not installed: {INSTALL}") from None
        try:
            self._camera = pyvirtualcam.Camera(width, height, rate, device=device)
        except (RuntimeError, ValueError, OSError) as error:
            raise DeviceError(f"no virtual camera can be opened ({error}): {_cure()}") from None
        self.name = str(self._camera.device)

    def send(self, rgb: Rgb) -> None:
        self._camera.send(rgb)

    def close(self) -> None:
        self._camera.close()


def _cure() -> str:
    """What makes a virtual camera on this system."""
    if platform.system() == "Linux":
        return "load the kernel module v4l2loopback (modprobe v4l2loopback exclusive_caps=1)"
    return "install OBS Studio, start its virtual camera once, and stop it again"


class Camera:
    """A camera's newest frame. Frames that nobody had time for are dropped, so that nothing falls behind.

    Args:
        source: a camera's number, or a file that stands for one and is played at its own speed.

    Raises:
        MediaError: it cannot be opened, or gives no picture.
    """

    def __init__(self, source: str, size: tuple[int, int] | None = None) -> None:
        self._capture = cv2.VideoCapture(int(source) if source.isdigit() else source)
        if size is not None:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        taken, first = self._capture.read()
        if not taken:
            self._capture.release()
            raise MediaError(
                f"--camera {source}: no picture comes from it; expected a camera's number (0, 1, ...) that no other "
                "program uses, or a video file"
            )
        self._pace = 0.0 if source.isdigit() else 1 / self.rate
        self._condition = threading.Condition()
        self._newest: tuple[Rgb, float] | None = (first, time.monotonic())  # type: ignore[assignment]
        self._ended = self._stopping = False
        self.height, self.width = first.shape[:2]
        self._thread = threading.Thread(target=self._read, name="camera", daemon=True)
        self._thread.start()

    @property
    def rate(self) -> float:
        """Frames a second."""
        return float(self._capture.get(cv2.CAP_PROP_FPS)) or FALLBACK_RATE

    def frame(self) -> tuple[Rgb, float] | None:
        """The next frame, RGB, and when it came; waits for it. None after the last.

        Raises:
            MediaError: the camera gives no more pictures, and does not end either.
        """
        with self._condition:
            if not self._condition.wait_for(lambda: self._newest is not None or self._ended, SILENCE):
                raise MediaError(f"no picture for {SILENCE:.0f} s: is the camera still connected?")
            newest, self._newest = self._newest, None
        if newest is None:
            return None
        return np.ascontiguousarray(newest[0][..., ::-1]), newest[1]

    def close(self) -> None:
        """Lets go of the camera."""
        self._stopping = True
        self._thread.join(SILENCE)
        self._capture.release()

    def _read(self) -> None:
        due = time.monotonic()
        while not self._stopping:
            taken, frame = self._capture.read()
            with self._condition:
                if taken:
                    self._newest = (frame, time.monotonic())  # type: ignore[assignment]
                self._ended = not taken
                self._condition.notify()
            if not taken:
                return
            due += self._pace
            time.sleep(max(0.0, due - time.monotonic()) if self._pace else 0.0)

    def __enter__(self) -> Camera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@dataclass(slots=True)
class Figures:
    """What a run came to: frames shown, and the milliseconds from a frame's coming to its showing, a running mean."""

    frames: int = 0
    delay_ms: float = 0.0


def run(
    session: Session,
    camera: Camera,
    open_sink: SinkFactory,
    *,
    before: Callable[[Session, DeepRgb], None] | None = None,
    started: Callable[[Sink], None],
) -> Figures:
    """Shows the camera's pictures with their background replaced until it ends.

    Nothing but rendered pictures reaches the sink: whatever fails, the sink is closed, and the room is not shown.

    Args:
        before: called with every frame before it is rendered.
        started: told of the sink once it is open.
    """
    sink = open_sink(height=camera.height, width=camera.width, rate=camera.rate)
    figures = Figures()
    origin = time.monotonic()
    try:
        started(sink)
        while (taken := camera.frame()) is not None:
            rgb, came = taken
            if before is not None:
                before(session, rgb)
            out = session.render(rgb, Fraction(came - origin).limit_denominator(1000))
            if out.shape != rgb.shape:
                raise CycloramaError("a virtual camera has no transparency; name a background with -b")
            sink.send(out)  # type: ignore[arg-type]
            share = 1 / min(30, figures.frames + 1)
            figures.delay_ms += share * ((time.monotonic() - came) * 1e3 - figures.delay_ms)
            figures.frames += 1
    finally:
        sink.close()
    return figures
