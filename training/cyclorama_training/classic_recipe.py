"""Recipes of the classics: networks of other people, with their authors' hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cyclorama import toml
from cyclorama.errors import SettingError
from cyclorama_training.augment import Augmentation
from cyclorama_training.examples import SHARES, Table

LOWER_IS_BETTER = {"mad", "loss"}
METRICS = LOWER_IS_BETTER | {"iou", "f1", "accuracy"}
OPTIMISERS = {"adam", "rmsprop", "sgd"}


@dataclass(frozen=True, slots=True)
class Plateau:
    """The rate is multiplied by `factor` when the validation loss has not fallen for so many epochs."""

    factor: float
    patience: int


@dataclass(frozen=True, slots=True)
class Training:
    """The table `[train]`.

    Attributes:
        rate: of the optimiser, at first; `rate_decay` multiplies it after each epoch, and a tenth is left of it
            after the epochs of `rate_steps`.
        warm_up: steps over which the rate rises at first.
        epoch_pictures: pictures of an epoch, another choice in each; 0: all.
        validation_pictures: of those held back, evenly spread over their names; 0: all.
        loss: weights of losses, by name in `classic_losses.LOSSES`; Mask R-CNN has its own.
        start: weights to begin with where none are named; see `classic_weights.start_from`.
        best: figure that chooses the weights which are kept.
        momentum: of sgd and rmsprop.
        clip: of the gradient's norm; 0: none.
    """

    seed: int
    optimiser: str
    rate: float
    batch: int
    epochs: int
    best: str
    loss: Mapping[str, float] = field(default_factory=dict)
    rate_decay: float = 1.0
    rate_steps: tuple[int, ...] = ()
    warm_up: int = 0
    plateau: Plateau | None = None
    momentum: float = 0.0
    weight_decay: float = 0.0
    clip: float = 0.0
    epoch_pictures: int = 0
    validation_pictures: int = 0
    precision: str = "float32"
    start: str = ""

    def __post_init__(self) -> None:
        for name, value, known in (("optimiser", self.optimiser, OPTIMISERS), ("best", self.best, METRICS)):
            if value not in known:
                raise SettingError(f"{name}: expected {' or '.join(sorted(known))}, got {value!r}")
        if not self.loss and (self.best == "loss" or self.plateau):
            raise SettingError("loss: expected weights of losses, since best or plateau go by it")
        if self.precision not in ("float32", "bfloat16"):
            raise SettingError(f"precision: expected float32 or bfloat16, got {self.precision!r}")

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> Training:
        values = {**table, "rate_steps": tuple(table.get("rate_steps", ()))}
        if "plateau" in values:
            values["plateau"] = Plateau(**values["plateau"])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class ClassicRecipe:
    """A recipe file of the kind "classic": see `recipes/tiramisu.toml`.

    Attributes:
        network: which, and its options: see `classic_network.build`.
        size: height and width that pictures are stretched to.
        split: tenths of the names for training, validation and test.
        people: what is read, of it what is there.
        text: the file itself; it goes with the weights, so that they can be exported alone.
    """

    network: Mapping[str, Any]
    size: tuple[int, int]
    split: tuple[int, int, int]
    people: tuple[Table, ...]
    augmentation: Augmentation
    training: Training
    text: str

    def __post_init__(self) -> None:
        if len(self.split) != 3 or sum(self.split) != SHARES:
            raise SettingError(f"split: expected three numbers of tenths, {SHARES} together, got {list(self.split)}")

    @classmethod
    def read(cls, path: Path) -> ClassicRecipe:
        """Reads a recipe file.

        Raises:
            SettingError: it is no TOML, or a key is missing, unknown or senseless.
        """
        try:
            return cls.parse(path.read_text("utf-8"))
        except (KeyError, TypeError, ValueError) as error:
            raise SettingError(f"{path}: expected a recipe of a classic ({error})") from error

    @classmethod
    def parse(cls, text: str) -> ClassicRecipe:
        values: dict[str, Any] = toml.loads(text)
        augment = dict(values.get("augment", {}))
        height, width = values["data"]["size"]
        return cls(
            network=values["network"],
            size=(height, width),
            split=tuple(values["data"]["split"]),
            people=tuple(table_of(table) for table in values["people"]),
            augmentation=Augmentation(versions=tuple(augment.pop("versions", ())), **augment),
            training=Training.parse(values["train"]),
            text=text,
        )


def table_of(values: Mapping[str, Any]) -> Table:
    """A `[[people]]` table; TOML's arrays are pairs there."""
    pairs: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return Table(**pairs)
