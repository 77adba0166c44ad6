"""What the `refine` network learns from: people with hair of known alpha, and what other networks make of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator

from cyclorama.band import shrink
from cyclorama.engine import Engine
from cyclorama.errors import SettingError
from cyclorama.types import Settings
from cyclorama_training.compose import plain
from cyclorama_training.data import Image, Person, Room, Split
from cyclorama_training.geometry import STAY, Layer, covering
from cyclorama_training.hair_grown import grown
from cyclorama_training.light import light
from cyclorama_training.readers import Source, pairs, pictures
from cyclorama_training.recipe import reading
from cyclorama_training.validate import seeded

SEERS = ("portrait", "portrait-best")  # the networks whose mattes are refined
PLAIN_SHARE = 0.12  # of backgrounds: a wall of one colour
BLURRED_SHARE = 0.45  # rooms out of focus, as behind portraits


@dataclass(frozen=True, slots=True)
class RefineRecipe:
    """A recipe file with `kind = "refine"`: see `recipes/refine.toml`. Paths are below the data folder.

    Attributes:
        people: folders that hold images and mattes -> how often each is drawn beside the others.
        cutouts, held_back: how many people with hair are made of those to learn from, and of those to measure with.
        sides: long sides of these, from and to.
        own_share: of cut-outs that keep their own matte, soft as a network saw it.
        looks: how many rooms each one is seen in.
        side, batch: of the crops that are learned from.
        cooldown: last share of the steps, in which the rate falls to nothing.
    """

    people: dict[str, float]
    rooms: str
    cutouts: int
    held_back: int
    sides: tuple[int, int]
    own_share: float
    looks: int
    seed: int
    steps: int
    batch: int
    side: int
    rate: float
    cooldown: float
    weight_decay: float
    ema_decay: float
    validate_every: int
    precision: str

    @classmethod
    def read(cls, path: Path) -> RefineRecipe:
        """Reads a recipe file.

        Raises:
            SettingError: it is no TOML, or a key is missing, unknown or senseless.
        """
        with reading(path) as values:
            data = {**values["data"], "sides": tuple(values["data"]["sides"])}
            return cls(**data, **values["train"])

    def rate_at(self, step: int) -> float:
        """Warm-up over 100 steps, even, and at the end a way down to nothing."""
        left = (self.steps - step) / max(1.0, self.cooldown * self.steps)
        return self.rate * min(1.0, (step + 1) / 100, left)


@dataclass(frozen=True, slots=True)
class CutOut:
    """A person whose matte is known.

    Attributes:
        rgba: uint8 (H, W, 4), straight.
        seen: uint8 (looks, H, W), what `SEERS` in turn took for its alpha in so many rooms.
    """

    name: str
    rgba: Image
    seen: Image


def people_of(recipe: RefineRecipe, root: Path, split: Split) -> list[list[Person]]:
    """The people of a split, by the recipe's folders.

    Raises:
        SettingError: a folder is missing, or holds nobody of the split. MediaError: a file cannot be read.
    """
    found = []
    for folder in recipe.people:
        source = Source("pairs", f"{folder}/images", mattes=f"{folder}/mattes", name=Path(folder).name)
        people = list(pairs(source, root, split, max(recipe.sides)))
        if not people:
            raise SettingError(f"{root / folder}: expected people for {split}, got none")
        found.append(people)
    return found


def rooms_of(recipe: RefineRecipe, root: Path, split: Split) -> list[Room]:
    """The rooms of a split; raises as `people_of`."""
    rooms = list(pictures(Source("pictures", recipe.rooms), root, split, max(recipe.sides)))
    if not rooms:
        raise SettingError(f"{root / recipe.rooms}: expected rooms for {split}, got none")
    return rooms


def made(
    recipe: RefineRecipe, root: Path, split: Split, folder: Path, rooms: Sequence[Room], say: Callable[[str], None]
) -> list[CutOut]:
    """The cut-outs of a split, drawn and looked at where `folder` does not hold them yet.

    Their pixels stay in the files: a crop reads what it needs.
    """
    count = recipe.cutouts if split == "train" else recipe.held_back
    folder = folder / split
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{number:04}" for number in range(count)]
    missing = [name for name in names if not (folder / f"{name}-seen.npy").is_file()]
    if missing:
        say(f"drawing {len(missing)} people with hair for {split}")
        people, engines = people_of(recipe, root, split), [Engine(model, "cpu", threads=1) for model in SEERS]
        for name in missing:
            draw_one(seeded("refine", split, name), recipe, people, rooms, engines, folder / name)
    return [
        CutOut(name, np.load(folder / f"{name}.npy", "r"), np.load(folder / f"{name}-seen.npy", "r")) for name in names
    ]


def draw_one(
    rng: Generator,
    recipe: RefineRecipe,
    people: Sequence[Sequence[Person]],
    rooms: Sequence[Room],
    engines: Sequence[Engine],
    target: Path,
) -> None:
    """Makes a cut-out and writes `target.npy` and `target-seen.npy`."""
    shares = np.array(list(recipe.people.values()))
    folder = people[int(rng.choice(len(people), p=shares / shares.sum()))]
    person = folder[int(rng.integers(len(folder)))]
    long_side = int(rng.integers(recipe.sides[0], recipe.sides[1] + 1))
    if rng.random() < recipe.own_share:
        scale = min(1.0, long_side / max(person.alpha.shape))
        height, width = (round(scale * side) for side in person.alpha.shape)
        foreground, alpha = shrink(person.foreground, height, width), shrink(person.alpha, height, width)
    else:
        foreground, alpha = grown(rng, person, long_side)
    seen = []
    for _, engine in zip(range(recipe.looks), cycle(engines)):
        height, width = alpha.shape
        behind = backdrop(rng, rooms, height, width, long_side)
        picture = mixed(light(rng, foreground, 0.35), alpha.astype(np.float32) / 255, behind)
        found = engine.matte(np.rint(picture).astype(np.uint8), Settings(decontaminate=False)).alpha
        seen.append(np.rint(found * 255).astype(np.uint8))
    np.save(target.with_name(f"{target.name}.npy"), np.dstack([foreground, alpha]))
    np.save(target.with_name(f"{target.name}-seen.npy"), np.stack(seen))


def backdrop(rng: Generator, rooms: Sequence[Room], height: int, width: int, long_side: float) -> Image:
    """What stands behind: a room at some zoom, sharp or not, or a wall; uint8 (height, width, 3).

    Args:
        long_side: of the picture that this is a part of, pixels.
    """
    if rng.random() < PLAIN_SHARE:
        return plain(rng, height, width)
    room = rooms[int(rng.integers(len(rooms)))].picture
    at = float(rng.random()), float(rng.random()), float(rng.uniform(1.0, 1.6)) * long_side / max(height, width)
    layer = Layer(room, None, covering(room.shape, height, width, *at)).shrunk()
    rgb, _ = layer.warp(STAY, height, width)
    if rng.random() < BLURRED_SHARE:
        sigma = float(rng.uniform(0.001, 0.012)) * long_side
        rgb = cv2.GaussianBlur(rgb, (0, 0), sigma)  # type: ignore[assignment]
    return light(rng, rgb, 0.5)


def mixed(foreground: Any, alpha: Any, background: Any) -> Any:
    """The subject over what is behind it, float32 (H, W, 3)."""
    share = alpha[..., None]
    return share * foreground + (1 - share) * background
