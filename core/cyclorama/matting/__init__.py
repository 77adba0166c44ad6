"""Matters: what turns a picture into alpha. One file a backend, found by name in `MATTERS`."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Protocol, TypeAlias, cast

from cyclorama.errors import ModelError
from cyclorama.types import Alpha, Original, Rgb

# Recurrent tensors of a backend; each backend knows its own. None for those without any.
State: TypeAlias = object


class Matter(Protocol):
    """A matting network or algorithm, loaded and immutable: threads may share it.

    Attributes:
        name: its name in `MATTERS`.
        device: where it really runs, in words for people.
        note: why it does not run on something better, or "".
    """

    name: str
    device: str
    note: str

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The size (height, width) that it wants a picture of height x width scaled to."""

    def looks(self, height: int, width: int) -> list[tuple[int, int]]:
        """The sizes at which a network runs for each picture of height x width in which nobody is small."""

    def start(self, height: int, width: int) -> State:
        """State before the first picture of a stream whose pictures have that working size."""

    def step(self, rgb: Rgb, state: State, original: Original | None = None) -> tuple[Alpha, State]:
        """Alpha float32 (h, w) of a picture uint8 (h, w, 3) of the working size, and the next state.

        Args:
            original: what the picture was scaled from, for parts of it in more detail; None: it is all there is.
        """


class Factory(Protocol):
    """Makes a matter on a device ("auto", "cpu", "cuda", ...) with a number of threads (0: the host's cores)."""

    def __call__(self, *, device: str, threads: int) -> Matter: ...


# Strings: a backend's own imports happen when it is chosen.
MATTERS = {
    "portrait-fast": "cyclorama.matting.portrait:create_fast",
    "portrait": "cyclorama.matting.portrait:create",
    "portrait-best": "cyclorama.matting.portrait:create_best",
    "green-screen": "cyclorama.matting.green_screen:create",
}

# What else can be named: a network of one's own.
FILE = ".onnx"

# Of these, one network that knows people and nothing else, at several sizes.
PORTRAITS = ("portrait-fast", "portrait", "portrait-best")

# What is taken where no model is named.
FOR_STILLS, FOR_VIDEO, FOR_LIVE = "portrait-best", "portrait", "portrait-fast"


def create(name: str, *, device: str = "auto", threads: int = 0) -> Matter:
    """Loads the matter called `name`, or the one in a file whose name ends in .onnx.

    Raises:
        ModelError: there is no such name, or its weights are missing, damaged or not understood.
        DeviceError: `device` was named and cannot be used.
    """
    if name.endswith(FILE):
        from cyclorama.matting.onnx_file import OnnxFile

        return OnnxFile(Path(name), device, threads=threads)
    if name not in MATTERS:
        raise ModelError(f"expected a model out of {', '.join(sorted(MATTERS))}, or an {FILE} file; got {name!r}")
    module, attribute = MATTERS[name].split(":")
    factory = cast("Factory", getattr(importlib.import_module(module), attribute))
    return factory(device=device, threads=threads)
