"""What is evaluated, run as its users run it: models of ours by name, any other network as an ONNX file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from cyclorama import Engine, Settings, weights
from cyclorama.band import shrink
from cyclorama.errors import ModelError, SettingError
from cyclorama.matting import FILE, MATTERS, State
from cyclorama.matting.onnx_file import OnnxFile, resized
from cyclorama.types import Alpha, Rgb

# The video command's own, but for the foreground, which no figure here is about.
SETTINGS = Settings(decontaminate=False)


class Contender(Protocol):
    """A matting model.

    Attributes:
        name: a key of `MATTERS`, or the file's name.
        path: its ONNX file; None where it has none.
        device: where it runs, in words.
    """

    name: str
    path: Path | None
    device: str

    def stream(self) -> Callable[[Rgb], Alpha]:
        """Starts a stream: a function from the next frame, uint8 (H, W, 3), to its alpha, float32 (H, W)."""

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The size (height, width) at which it looks at a picture of height x width."""

    def looks(self, height: int, width: int) -> Sequence[tuple[int, int]]:
        """The sizes at which its network is run for one picture of height x width."""

    def network(self, rgb: Rgb, size: tuple[int, int] | None = None) -> Callable[[], object]:
        """What runs the network alone once, on a frame that lies ready in its working size, or in that given."""


class Shipped:
    """A model of ours: the engine with everything that belongs to it, the refined edge and the smoothing."""

    def __init__(self, name: str, device: str, threads: int) -> None:
        self.name = name
        self.engine = Engine(name, device, threads=threads)
        self.device = self.engine.matter.device
        self.path = weights.path(name) if name in weights.manifest() else None

    def stream(self) -> Callable[[Rgb], Alpha]:
        session = self.engine.session(SETTINGS)
        return lambda rgb: session.matte(rgb).alpha

    def size(self, height: int, width: int) -> tuple[int, int]:
        return self.engine.matter.size(height, width)

    def looks(self, height: int, width: int) -> Sequence[tuple[int, int]]:
        return self.engine.matter.looks(height, width)

    def network(self, rgb: Rgb, size: tuple[int, int] | None = None) -> Callable[[], object]:
        matter = self.engine.matter
        small = shrink(rgb, *(size or self.size(*rgb.shape[:2])))
        state = matter.start(*small.shape[:2])
        return lambda: matter.step(small, state)


class Foreign:
    """A network in an ONNX file, with nothing around it."""

    def __init__(self, file: OnnxFile) -> None:
        self.file = file
        self.name, self.device = file.name, file.device
        self.path: Path | None = file.path

    def stream(self) -> Callable[[Rgb], Alpha]:
        memory: State = None

        def following(rgb: Rgb) -> Alpha:
            nonlocal memory
            alpha, memory = self.file.step(rgb, memory)
            return alpha

        return following

    def size(self, height: int, width: int) -> tuple[int, int]:
        return self.file.layout.size_for(height, width)

    def looks(self, height: int, width: int) -> Sequence[tuple[int, int]]:
        return [self.size(height, width)]

    def network(self, rgb: Rgb, size: tuple[int, int] | None = None) -> Callable[[], object]:
        feeds = self.file.feeds(resized(rgb, *(size or self.size(*rgb.shape[:2]))))
        return lambda: self.file.session.run(None, feeds)


def contenders(
    models: Sequence[str], *, device: str, threads: int, mean: Sequence[float], std: Sequence[float]
) -> list[Contender]:
    """Loads what is to be evaluated.

    Args:
        models: names in `MATTERS`, or paths that end in .onnx.
        mean, std: see `OnnxFile`; models of ours know their own.

    Raises:
        ModelError, DeviceError: see `Engine` and `OnnxFile`.
        SettingError: two have the same name.
    """
    loaded: list[Contender] = []
    for model in models:
        if model in MATTERS:
            loaded.append(Shipped(model, device, threads))
        elif model.endswith(FILE):
            loaded.append(Foreign(OnnxFile(Path(model), device, threads=threads, mean=mean, std=std)))
        else:
            raise ModelError(f"expected a model out of {', '.join(sorted(MATTERS))}, or an .onnx file; got {model!r}")
    names = [each.name for each in loaded]
    if len(set(names)) < len(names):
        raise SettingError(f"expected models of different names, got {', '.join(names)}")
    return loaded


def channels(text: str) -> tuple[float, ...]:
    """The numbers of an option: one for all channels, or three with commas.

    Raises:
        SettingError: it is neither.
    """
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 3):
        raise SettingError(f"expected a number, or three with commas for red, green and blue; got {text!r}")
    return numbers
