"""Evaluates models side by side: validation pictures, slices, empty rooms, clips, speed; and holds them to the bars."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cyclorama.matting.onnx import cores
from cyclorama_training.clips import Clip, clips
from cyclorama_training.compose import Composer
from cyclorama_training.contender import Contender
from cyclorama_training.metrics import dtssd, figures, iou, mad
from cyclorama_training.slices import Slice, slices
from cyclorama_training.speed import Speed, speeds
from cyclorama_training.validate import Picture, ValidationSet

Figures = Mapping[str, float]
TOLD_EVERY = 100  # pictures


@dataclass(frozen=True, slots=True)
class Bar:
    """What a model must reach.

    Attributes:
        figure: a key of `Result.headline`.
        heading: its name and unit in a table.
        scale, digits: how it is printed.
        least, most: the limits; None: none.
        model: the only model that it is for; "": for all.
        size: height and width at which the model's network is timed for it.
    """

    figure: str
    heading: str
    scale: float = 1.0
    digits: int = 1
    least: float | None = None
    most: float | None = None
    model: str = ""
    size: tuple[int, int] | None = None

    def passes(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


ASKED_MS = "network at 512 × 288, fast: 256 × 144, ms"
BARS = (
    Bar("iou", "IoU", digits=4, least=0.965),
    Bar("mad", "MAD ×10⁻³", scale=1e3, most=12e-3),
    Bar("dtssd", "dtSSD ×10⁻²", scale=1e2, digits=2, most=3.5e-2),
    Bar("empty_mean", "empty rooms, %", scale=1e2, digits=2, most=0.5e-2),
    Bar("empty_worst", "worst, %", scale=1e2, digits=2, most=3e-2),
    Bar("asked_ms", ASKED_MS, most=8, model="portrait-fast", size=(144, 256)),
    Bar("asked_ms", ASKED_MS, most=35, model="portrait", size=(288, 512)),
)
TIMED = {bar.model: bar.size for bar in BARS if bar.size}


@dataclass(frozen=True, slots=True)
class Material:
    """What models are tried on.

    Attributes:
        validation: each held-back person over a held-back room.
        empty: the rooms alone.
        slices: parts of `validation`, and pictures composed besides.
    """

    validation: Sequence[Picture]
    empty: Sequence[Picture]
    slices: Sequence[Slice]
    clips: Sequence[Clip]

    @classmethod
    def compose(cls, composer: Composer) -> Material:
        """The same at every call with the same people and rooms, those of the validation split."""
        fixed = ValidationSet.compose(composer)
        return cls(fixed.pictures, fixed.empty, slices(composer, fixed.pictures), clips(composer))

    @property
    def pictures(self) -> list[Picture]:
        """All pictures with people, each once."""
        named = {p.name: p for p in self.validation}
        named |= {p.name: p for part in self.slices for p in part.pictures}
        return list(named.values())


@dataclass(frozen=True, slots=True)
class Result:
    """A model's figures.

    Attributes:
        pictures: of each picture, by its name: see `metrics.METRICS`.
        empty: mean alpha of each empty room.
        clips: dtssd, iou and mad of each clip.
    """

    model: str
    device: str
    pictures: Mapping[str, Figures]
    empty: Mapping[str, float]
    clips: Mapping[str, Figures]
    speed: Speed

    def mean(self, pictures: Iterable[Picture]) -> Figures:
        """Means over pictures."""
        return mean([self.pictures[p.name] for p in pictures])

    def headline(self, validation: Sequence[Picture]) -> dict[str, float | None]:
        """The figures that `BARS` are about, and the network's time as it is used; None: not for this model."""
        fixed = self.mean(validation)
        empty = list(self.empty.values())
        return {
            "iou": fixed["iou"],
            "mad": fixed["mad"],
            "dtssd": mean(list(self.clips.values()))["dtssd"],
            "empty_mean": float(np.mean(empty)),
            "empty_worst": float(np.max(empty)),
            "asked_ms": self.speed.asked_ms,
            "network_ms": self.speed.network_ms,
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Models tried on the same material in one run, and where that was."""

    material: Material
    results: Sequence[Result]
    machine: str

    def figures(self) -> dict[str, Any]:
        """Everything measured, as JSON can hold it."""
        parts = {"validation": self.material.validation} | {s.name: s.pictures for s in self.material.slices}
        return {
            "machine": self.machine,
            "bars": [asdict(bar) for bar in BARS],
            "models": {
                r.model: {
                    "device": r.device,
                    "headline": r.headline(self.material.validation),
                    "slices": {
                        name: {"pictures": len(pictures), **r.mean(pictures)} for name, pictures in parts.items()
                    },
                    "speed": asdict(r.speed),
                    "pictures": r.pictures,
                    "empty": r.empty,
                    "clips": r.clips,
                }
                for r in self.results
            },
        }


def evaluate(
    contenders: Sequence[Contender], material: Material, *, threads: int, say: Callable[[str], None]
) -> Evaluation:
    """Tries all models; times come last and all together, so that they are of one and the same moment."""
    tried = [attempt(each, material, say) for each in contenders]
    say("speed")
    machine = machine_in_words(threads)
    cost = speeds(contenders, TIMED)
    found = zip(contenders, tried, strict=True)
    return Evaluation(material, [Result(c.name, c.device, *figures, cost[c.name]) for c, figures in found], machine)


def attempt(
    contender: Contender, material: Material, say: Callable[[str], None]
) -> tuple[dict[str, Figures], dict[str, float], dict[str, Figures]]:
    """Figures of the pictures, the empty rooms and the clips; pictures are streams of one frame each."""
    pictures: dict[str, Figures] = {}
    total = len(material.pictures)
    for index, picture in enumerate(material.pictures):
        if index % TOLD_EVERY == 0:
            say(f"{contender.name}: {index} of {total} pictures")
        pictures[picture.name] = figures(contender.stream()(picture.rgb), picture.alpha)
    say(f"{contender.name}: {len(material.empty)} empty rooms, {len(material.clips)} clips")
    empty = {room.name: float(contender.stream()(room.rgb).mean()) for room in material.empty}
    return pictures, empty, {clip.name: clip_figures(contender, clip) for clip in material.clips}


def clip_figures(contender: Contender, clip: Clip) -> Figures:
    """Figures of a clip whose frames came as one stream, in order."""
    stream = contender.stream()
    found = [stream(frame) for frame in clip.rgb]
    pairs = list(zip(found, clip.alpha, strict=True))
    return {
        "dtssd": dtssd(found, list(clip.alpha)),
        "iou": float(np.mean([iou(p, t) for p, t in pairs])),
        "mad": float(np.mean([mad(p, t) for p, t in pairs])),
    }


def mean(each: Sequence[Figures]) -> Figures:
    return {key: float(np.mean([figures[key] for figures in each])) for key in each[0]}


def machine_in_words(threads: int) -> str:
    """What the times are of: threads, runtime, processor, and how busy it was."""
    import onnxruntime

    number = threads or cores()
    words = [f"{number} thread{'s' * (number != 1)}", f"ONNX Runtime {onnxruntime.__version__}", platform.machine()]
    try:
        from os import getloadavg
    except ImportError:  # Windows has none
        return ", ".join(words)
    return ", ".join([*words, f"load before {getloadavg()[0]:.1f} on {cores()} cores"])
