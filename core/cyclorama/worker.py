"""The worker process: `python -m cyclorama.worker` answers `cyclorama.wire` messages until its input ends."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, BinaryIO

import numpy as np

from cyclorama import __version__, wire
from cyclorama.engine import Engine, Session
from cyclorama.errors import CycloramaError, PictureError, SettingError
from cyclorama.matting import MATTERS
from cyclorama.memory import keep_freed_memory
from cyclorama.types import Background, Blur, Colour, DeepRgb, Picture, Settings, Transparent

DEPTHS: Mapping[int, np.dtype[Any]] = {8: np.dtype("<u1"), 16: np.dtype("<u2")}

Answer = tuple[Mapping[str, Any], bytes]


class Worker:
    """Sessions by name over engines that are loaded once."""

    def __init__(self) -> None:
        self._engines: dict[tuple[str, str, int], Engine] = {}
        self._sessions: dict[str, Session] = {}
        self._operations: Mapping[str, Callable[[Mapping[str, Any], bytearray], Answer]] = {
            "hello": self._hello,
            "open": self._open,
            "settings": self._set,
            "matte": self._matte,
            "render": self._render,
            "reset": self._reset,
            "close": self._close,
        }

    def answer(self, header: Mapping[str, Any], payload: bytearray) -> Answer:
        """Does what one message asks.

        Raises:
            CycloramaError: the request cannot be done.
        """
        operation = self._operations.get(header.get("op", ""))
        if operation is None:
            raise SettingError(f"expected an op out of {', '.join(self._operations)}; got {header.get('op')!r}")
        return operation(header, payload)

    def _hello(self, header: Mapping[str, Any], payload: bytearray) -> Answer:
        return {"version": __version__, "protocol": wire.PROTOCOL, "models": sorted(MATTERS)}, b""

    def _open(self, header: Mapping[str, Any], payload: bytearray) -> Answer:
        key = (header.get("model", "portrait"), header.get("device", "auto"), int(header.get("threads", 0)))
        settings = settings_from(header.get("settings", {}), payload)
        if key not in self._engines:
            self._engines[key] = Engine(key[0], key[1], threads=key[2])
        engine = self._engines[key]
        self._sessions[str(header.get("session", ""))] = engine.session(settings)
        return {"model": engine.matter.name, "device": engine.matter.device, "note": engine.matter.note}, b""

    def _set(self, header: Mapping[str, Any], payload: bytearray) -> Answer:
        self._session(header).settings = settings_from(header.get("settings", {}), payload)
        return {}, b""

    def _matte(self, header: Mapping[str, Any], payload: bytearray) -> Answer:
        rgb = picture_from(header, payload)
        matte = self._session(header).matte(rgb)
        top = np.iinfo(rgb.dtype).max
        planes = np.rint(matte.alpha * np.float32(top)).astype(rgb.dtype).tobytes()
        if header.get("foreground") and matte.foreground is not None:
            planes += matte.foreground.tobytes()
        height, width = matte.alpha.shape
        return {"height": height, "width": width, "depth": header.get("depth", 8)}, planes

    def _render(self, header: Mapping[str, Any], payload: bytearray) -> Answer:
        out = self._session(header).render(picture_from(header, payload), Fraction(str(header.get("time", 0))))
        height, width, channels = out.shape
        return {"height": height, "width": width, "channels": channels}, out.tobytes()

    def _reset(self, header: Mapping[str, Any], payload: bytearray) -> Answer:
        self._session(header).reset()
        return {}, b""

    def _close(self, header: Mapping[str, Any], payload: bytearray) -> Answer:
        self._sessions.pop(str(header.get("session", "")), None)
        return {}, b""

    def _session(self, header: Mapping[str, Any]) -> Session:
        name = str(header.get("session", ""))
        if name not in self._sessions:
            raise SettingError(f"expected the name of an open session, got {name!r}: send 'open' first")
        return self._sessions[name]


def picture_from(header: Mapping[str, Any], payload: bytearray) -> DeepRgb:
    """The RGB picture of a message, without a copy."""
    height, width, depth = (header.get(k) for k in ("height", "width", "depth"))
    dtype = DEPTHS.get(8 if depth is None else depth)
    if dtype is None or not isinstance(height, int) or not isinstance(width, int):
        raise PictureError(f"expected whole height and width and a depth of 8 or 16, got {height}, {width}, {depth}")
    if len(payload) != height * width * 3 * dtype.itemsize:
        raise PictureError(
            f"expected {height * width * 3 * dtype.itemsize} bytes of RGB for {width} x {height}, got {len(payload)}"
        )
    return np.frombuffer(payload, dtype).reshape(height, width, 3)


def settings_from(values: Mapping[str, Any], payload: bytearray) -> Settings:
    """Settings of a message; the names are those of `Settings`, a background is {"kind", ...}."""
    known = {"background", "light", "decontaminate", "smoothing"}
    if unknown := set(values) - known:
        raise SettingError(f"expected settings out of {', '.join(sorted(known))}; got {', '.join(sorted(unknown))}")
    rest = {k: v for k, v in values.items() if k != "background"}
    return Settings(background=background_from(values.get("background", {"kind": "transparent"}), payload), **rest)


def background_from(values: Mapping[str, Any], payload: bytearray) -> Background:
    """A background of a message; a picture's pixels are the payload, RGB of "height" x "width"."""
    kind = values.get("kind")
    if kind == "transparent":
        return Transparent()
    if kind == "colour":
        return Colour(values.get("red", 0), values.get("green", 0), values.get("blue", 0))
    if kind == "blur":
        return Blur(values.get("radius"))
    if kind == "picture":
        pixels = picture_from({**values, "depth": 8}, payload)
        return Picture(pixels)  # type: ignore[arg-type]
    raise SettingError(f"expected a background of kind transparent, colour, blur or picture; got {kind!r}")


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answers messages until the input ends. A request that fails is answered with its error."""
    worker = Worker()
    while (message := wire.read(requests)) is not None:
        header, payload = message
        try:
            answer, planes = worker.answer(header, payload)
        except CycloramaError as error:
            answer, planes = {"error": {"kind": type(error).__name__, "message": str(error)}}, b""
        except Exception as error:  # noqa: BLE001 - the host must get an answer to everything, and the log the traceback
            traceback.print_exc()
            answer, planes = {"error": {"kind": "InternalError", "message": f"{type(error).__name__}: {error}"}}, b""
        wire.write(answers, answer, planes)


def main() -> int:
    """Serves standard input and output. Libraries that print do so to the log."""
    keep_freed_memory()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        serve(sys.stdin.buffer, answers)
    except wire.WireError as error:
        print(f"cyclorama worker: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # the host went away while an answer was on its way
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
