"""Recipe files: what a network is trained on, and how."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from cyclorama import toml
from cyclorama.errors import SettingError
from cyclorama_training import data
from cyclorama_training.compose import Composer


@dataclass(frozen=True, slots=True)
class Phase:
    steps: int
    batch: int
    rate: float
    shapes: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe file: see `recipes/portrait.toml`."""

    people: str
    rooms: str
    long_side: int
    room_long_side: int
    seed: int
    encoder_rate_share: float
    weight_decay: float
    ema_decay: float
    validate_every: int
    validation_pictures: int
    precision: str
    phases: tuple[Phase, ...]

    @classmethod
    def read(cls, path: Path) -> Recipe:
        with path.open("rb") as file:
            values: dict[str, Any] = toml.load(file)
        phases = tuple(
            Phase(p["steps"], p["batch"], p["rate"], tuple((h, w) for h, w in p["shapes"])) for p in values["phase"]
        )
        return cls(**values["data"], **values["train"], phases=phases)

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

    def composer(self, root: Path, split: data.Split) -> Composer:
        """The people and rooms of a split, ready to be composed.

        Raises:
            SettingError: a folder of the recipe is missing under `root`.
        """
        for folder in (root / self.people, root / self.rooms):
            if not folder.is_dir():
                raise SettingError(f"{folder}: no such folder; --data must hold {self.people} and {self.rooms}")
        people = list(data.people(root / self.people, split, self.long_side))
        rooms = list(data.rooms(root / self.rooms, split, self.room_long_side))
        if not people or not rooms:
            raise SettingError(f"{root}: expected people and rooms for {split}, got {len(people)} and {len(rooms)}")
        return Composer(people, rooms)


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
