"""Recipe files: what a network is trained on, and how."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from cyclorama import toml
from cyclorama.errors import SettingError
from cyclorama_training.compose import Composer
from cyclorama_training.data import SOURCE_WEIGHT, Split
from cyclorama_training.readers import PEOPLE, ROOMS, THINGS, Found, Reader, Source
from cyclorama_training.validate import Report

HIGHER_IS_BETTER = {"iou"}


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch holds: so many clips of so many frames (1: pictures) of one size; `mild` as `Composer.sample`'s."""

    height: int
    width: int
    clips: int
    frames: int = 1
    mild: bool = False


@dataclass(frozen=True, slots=True)
class Phase:
    """Steps of one kind: each draws one of `batches`, all as often; `rate` is of AdamW."""

    steps: int
    rate: float
    batches: tuple[Batch, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe file: see `recipes/portrait.toml`.

    Attributes:
        people, rooms: what is read. `[data]` names a folder of each kind, tables `[[people]]` and `[[rooms]]` others.
        things: cut-outs of what is no person, from tables `[[things]]`.
        metric: figure of a `Report` -> weight; the sum, lower is better, chooses the best weights. Empty: its `score`.
        The others are the keys of `[data]` and `[train]`, and the tables `[[phase]]`.
    """

    people: tuple[Source, ...]
    rooms: tuple[Source, ...]
    things: tuple[Source, ...]
    long_side: int
    room_long_side: int
    seed: int
    encoder_rate_share: float
    memory_rate_share: float
    weight_decay: float
    ema_decay: float
    validate_every: int
    precision: str
    phases: tuple[Phase, ...]
    metric: Mapping[str, float]

    def __post_init__(self) -> None:
        names = [source.name for source in self.people]
        if len(set(names)) < len(names):
            raise SettingError(f"[[people]]: expected a name of its own for each, got {', '.join(names)}")

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Reads a recipe file.

        Raises:
            SettingError: it is no TOML, or a key is missing, unknown or senseless.
        """
        with reading(path) as values:
            data, training = dict(values["data"]), dict(values["train"])
            people, rooms = data.pop("people", None), data.pop("rooms", None)
            metric = metric_of(training.pop("metric", {}))
            return cls(
                people=sources(people and {"kind": "folders", "path": people}, values.get("people", []), PEOPLE),
                rooms=sources(rooms and {"kind": "pictures", "path": rooms}, values.get("rooms", []), ROOMS),
                things=sources(None, values.get("things", []), THINGS),
                phases=tuple(phase(table) for table in values["phase"]),
                metric=metric,
                **data,
                **training,
            )

    @property
    def steps(self) -> int:
        return sum(p.steps for p in self.phases)

    def phase_at(self, step: int) -> Phase:
        for phase in self.phases:
            if step < phase.steps:
                return phase
            step -= phase.steps
        return self.phases[-1]

    def rate_at(self, step: int) -> float:
        """Warm-up over 200 steps, then a cosine inside each phase that ends at a tenth of its rate."""
        start = 0
        for phase in self.phases:
            if step < start + phase.steps:
                progress = (step - start) / phase.steps
                return phase.rate * min(1.0, (step + 1) / 200) * (0.1 + 0.45 * (1 + math.cos(math.pi * progress)))
            start += phase.steps
        return self.phases[-1].rate * 0.1

    def score(self, report: Report) -> float:
        """What checkpoints are chosen by, lower is better."""
        figures = report.figures()
        return sum(w * figures[name] for name, w in self.metric.items()) if self.metric else report.score

    def composer(self, root: Path, split: Split) -> Composer:
        """The people and rooms of a split, ready to be composed.

        Raises:
            SettingError: a folder of the recipe is missing under `root`, or nothing of the split is there.
            MediaError: a file cannot be read.
        """

        def read(sources: Sequence[Source], readers: Mapping[str, Reader[Found]], long_side: int) -> list[Found]:
            present = [s for s in sources if s.has_part_in(root, split)]
            return [found for s in present for found in readers[s.kind](s, root, split, long_side)]

        people, rooms = read(self.people, PEOPLE, self.long_side), read(self.rooms, ROOMS, self.room_long_side)
        if not people or not rooms:
            raise SettingError(f"{root}: expected people and rooms for {split}, got {len(people)} and {len(rooms)}")
        weights = {s.name: s.weight for s in self.people if s.weight is not None}
        things = read(self.things, THINGS, self.long_side)
        return Composer(people, rooms, SOURCE_WEIGHT | weights, things)


@contextmanager
def reading(path: Path) -> Iterator[dict[str, Any]]:
    """A recipe file's tables; what goes wrong with them inside is said of the file.

    Raises:
        SettingError: it is no TOML, or a key is missing, unknown or senseless.
    """
    try:
        with path.open("rb") as file:
            values = toml.load(file)
        yield values
    except KeyError as error:
        raise SettingError(f"{path}: expected a recipe; {error} is missing") from error
    except (TypeError, ValueError) as error:
        raise SettingError(f"{path}: expected a recipe ({error})") from error


def kind_of(path: Path) -> str:
    """What a recipe file says that it trains: "" for a matting network."""
    with reading(path) as values:
        return str(values.get("kind", ""))


def phase(table: Mapping[str, Any]) -> Phase:
    return Phase(**{**table, "batches": tuple(batch(**each) for each in table["batches"])})


def batch(size: tuple[int, int], **others: Any) -> Batch:
    height, width = size
    return Batch(height, width, **others)


def sources(
    default: Mapping[str, Any] | None, tables: Sequence[Mapping[str, Any]], kinds: Mapping[str, object]
) -> tuple[Source, ...]:
    """The sources of a recipe's tables, after that of the folder that `[data]` names.

    Raises:
        SettingError: a table cannot be understood.
    """
    return tuple(Source.parse(table, kinds) for table in ([default] if default else []) + list(tables))


def metric_of(value: str | Mapping[str, float]) -> dict[str, float]:
    """A figure's name, or weights of figures, as weights of which the sum is the lower the better.

    Raises:
        SettingError: there is no such figure.
    """
    weights = {value: -1.0 if value in HIGHER_IS_BETTER else 1.0} if isinstance(value, str) else dict(value)
    names = {field.name for field in fields(Report)}
    if not weights.keys() <= names:
        raise SettingError(f"metric: expected any of {', '.join(sorted(names))}; got {', '.join(sorted(weights))}")
    return weights


def find(name: str) -> Path:
    """A recipe that ships, by name, or a file.

    Raises:
        SettingError: it is neither.
    """
    shipped = Path(str(resources.files("cyclorama_training").joinpath("recipes", f"{name}.toml")))
    for path in (shipped, Path(name)):
        if path.is_file():
            return path
    names = ", ".join(sorted(p.stem for p in shipped.parent.glob("*.toml")))
    raise SettingError(f"{name}: expected a recipe's name ({names}) or a TOML file")
