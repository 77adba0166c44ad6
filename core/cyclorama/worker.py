"""The worker process: `python -m cyclorama.worker` answers `cyclorama.wire` messages until its input ends.

With `--listen` its standard input is a listening socket (see `cyclorama.listening`): it then answers one connection
after the other, and leaves when nobody came for some minutes or its host program has ended.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, BinaryIO

import cv2
import numpy as np

from cyclorama import __version__, wire
from cyclorama.editing import Answer, Say, cover_answer, layer_answer, scene_answer, scenes_answer, suggest_answer
from cyclorama.engine import Engine, Session
from cyclorama.errors import CycloramaError, SettingError
from cyclorama.listening import listen
from cyclorama.matting import MATTERS
from cyclorama.memory import keep_freed_memory
from cyclorama.messages import picture_and_trimap_from, picture_from, settings_from

NO_MEMORY = "there is not enough memory for a picture of this size: close other programs, or scale it down"


class Worker:
    """Sessions by name over engines that are loaded once."""

    def __init__(self) -> None:
        self._engines: dict[tuple[str, str, int], Engine] = {}
        self._sessions: dict[str, Session] = {}
        self._operations: Mapping[str, Callable[[Mapping[str, Any], bytearray, Say], Answer]] = {
            "hello": self._hello,
            "open": self._open,
            "settings": self._set,
            "matte": self._matte,
            "render": self._render,
            "reset": self._reset,
            "close": self._close,
            "layer": self._layer,
            "scenes": self._scenes,
            "scene": self._scene,
            "cover": self._cover,
            "suggest": self._suggest,
        }

    def answer(self, header: Mapping[str, Any], payload: bytearray, say: Say) -> Answer:
        """Does what one message asks; `say` is told the stages of long work.

        Raises:
            CycloramaError: the request cannot be done.
        """
        operation = self._operations.get(header.get("op", ""))
        if operation is None:
            raise SettingError(f"expected an op out of {', '.join(self._operations)}; got {header.get('op')!r}")
        return operation(header, payload, say)

    def _hello(self, header: Mapping[str, Any], payload: bytearray, say: Say) -> Answer:
        return {"version": __version__, "protocol": wire.PROTOCOL, "models": sorted(MATTERS)}, b""

    def _open(self, header: Mapping[str, Any], payload: bytearray, say: Say) -> Answer:
        key = (header.get("model", "portrait"), header.get("device", "auto"), int(header.get("threads", 0)))
        settings = settings_from(header.get("settings", {}), payload)
        if key not in self._engines:
            self._engines[key] = Engine(key[0], key[1], threads=key[2])
        engine = self._engines[key]
        self._sessions[str(header.get("session", ""))] = engine.session(settings)
        return {"model": engine.matter.name, "device": engine.matter.device, "note": engine.matter.note}, b""

    def _set(self, header: Mapping[str, Any], payload: bytearray, say: Say) -> Answer:
        self._session(header).settings = settings_from(header.get("settings", {}), payload)
        return {}, b""

    def _matte(self, header: Mapping[str, Any], payload: bytearray, say: Say) -> Answer:
        rgb, trimap = picture_and_trimap_from(header, payload)
        matte = self._session(header).matte(rgb, trimap)
        top = np.iinfo(rgb.dtype).max
        planes = np.rint(matte.alpha * np.float32(top)).astype(rgb.dtype).tobytes()
        if header.get("foreground") and matte.foreground is not None:
            planes += matte.foreground.tobytes()
        height, width = matte.alpha.shape
        return {"height": height, "width": width, "depth": header.get("depth", 8)}, planes

    def _render(self, header: Mapping[str, Any], payload: bytearray, say: Say) -> Answer:
        out = self._session(header).render(picture_from(header, payload), Fraction(str(header.get("time", 0))))
        height, width, channels = out.shape
        return {"height": height, "width": width, "channels": channels}, out.tobytes()

    def _reset(self, header: Mapping[str, Any], payload: bytearray, say: Say) -> Answer:
        self._session(header).reset()
        return {}, b""

    def _close(self, header: Mapping[str, Any], payload: bytearray, say: Say) -> Answer:
        self._sessions.pop(str(header.get("session", "")), None)
        return {}, b""

    def _layer(self, header: Mapping[str, Any], payload: bytearray, say: Say) -> Answer:
        return layer_answer(self._session(header), header, payload, say)

    def _scenes(self, header: Mapping[str, Any], payload: bytearray, say: Say) -> Answer:
        return scenes_answer()

    def _scene(self, header: Mapping[str, Any], payload: bytearray, say: Say) -> Answer:
        return scene_answer(header)

    def _cover(self, header: Mapping[str, Any], payload: bytearray, say: Say) -> Answer:
        return cover_answer(header, payload)

    def _suggest(self, header: Mapping[str, Any], payload: bytearray, say: Say) -> Answer:
        return suggest_answer(self._session(header).engine, header, payload, say)

    def _session(self, header: Mapping[str, Any]) -> Session:
        name = str(header.get("session", ""))
        if name not in self._sessions:
            raise SettingError(f"expected the name of an open session, got {name!r}: send 'open' first")
        return self._sessions[name]


class Service:
    """A worker at the other end of streams."""

    def __init__(self) -> None:
        self._worker = Worker()

    def serve(self, requests: BinaryIO, answers: BinaryIO) -> None:
        """Answers messages until the input ends. A request that fails is answered with its error.

        Raises:
            WireError: what came is no message. ConnectionError: the host went away.
        """
        while (message := wire.read(requests)) is not None:
            header, payload = message

            def say(stage: str, wanted: bool = bool(header.get("stages"))) -> None:
                if wanted:
                    wire.write(answers, {"stage": stage})

            try:
                answer, planes = self._worker.answer(header, payload, say)
                say("answer")
            except ConnectionError:
                raise
            except CycloramaError as error:
                answer, planes = failure(type(error).__name__, str(error)), b""
            except Exception as error:  # noqa: BLE001 - the host must get an answer to all, and the log the traceback
                traceback.print_exc()
                if out_of_memory(error):
                    answer, planes = failure("MemoryError", NO_MEMORY), b""
                else:
                    answer, planes = failure("InternalError", f"{type(error).__name__}: {error}"), b""
            wire.write(answers, answer, planes)

    def serve_connection(self, requests: BinaryIO, answers: BinaryIO) -> None:
        """Like `serve`, for one host of many: what it sends wrongly ends its connection alone."""
        try:
            self.serve(requests, answers)
        except wire.WireError as error:
            print(f"cyclorama worker: {error}", file=sys.stderr)


def failure(kind: str, message: str) -> Mapping[str, Any]:
    return {"error": {"kind": kind, "message": message}}


def out_of_memory(error: Exception) -> bool:
    """Whether NumPy, OpenCV or ONNX Runtime (which has no type for it) found no memory."""
    if isinstance(error, cv2.error):
        return error.code == cv2.Error.StsNoMem
    return isinstance(error, MemoryError) or "bad_alloc" in str(error) or "Failed to allocate memory" in str(error)


def main() -> int:
    """Serves standard input and output, or with `--listen` the socket that standard input is."""
    parser = argparse.ArgumentParser(prog="python -m cyclorama.worker", description=__doc__)
    parser.add_argument("--listen", action="store_true", help="standard input is a listening socket")
    parser.add_argument("--idle", type=float, default=300, metavar="SECONDS", help="leave after that long unused")
    parser.add_argument("--parent", type=int, metavar="PROCESS", help="leave when that process has ended")
    arguments = parser.parse_args()
    keep_freed_memory()
    service = Service()
    if arguments.listen:
        listener = socket.socket(fileno=os.dup(0))
        listen(service.serve_connection, listener, idle_seconds=arguments.idle, parent=arguments.parent)
        return 0
    # Libraries that print do so to the log.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        service.serve(sys.stdin.buffer, answers)
    except wire.WireError as error:
        print(f"cyclorama worker: {error}", file=sys.stderr)
        return 1
    except ConnectionError:  # the host went away while an answer was on its way
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
