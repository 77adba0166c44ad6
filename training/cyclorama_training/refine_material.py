"""What the `refine` network learns from: people with hair of known alpha, and what other networks make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator

from cyclorama import trimap
from cyclorama.band import shrink
from cyclorama.engine import Engine
from cyclorama.errors import SettingError
from cyclorama.refiner import Evidence
from cyclorama.types import Rgb, Settings
from cyclorama_training.camera import NOISE, jpeg, motion_kernel
from cyclorama_training.compose import plain
from cyclorama_training.data import Image, Person, Room, Split
from cyclorama_training.geometry import STAY, Layer, covering
from cyclorama_training.hair import Float
from cyclorama_training.hair_grown import grown
from cyclorama_training.light import light
from cyclorama_training.readers import Source, pairs, pictures
from cyclorama_training.recipe import reading
from cyclorama_training.validate import seeded

# Planes of a composite and how many channels they have; the last ones are those of `cyclorama.refiner.Evidence`.
PLANES = {
    "rgb": 3,
    "alpha": 1,
    "foreground": 3,
    "background": 3,
    "before": 1,
    "trusting": 1,
    "colours": 1,
    "trimap": 1,
}
SEERS, SEEN_BY = ("portrait", "portrait-best"), (0.6, 0.4)  # the networks whose mattes are refined, and how often
LIT = 0.4  # how much a person's light changes
PLAIN_SHARE = 0.12  # of backgrounds: a wall of one colour
BLURRED_SHARE = 0.45  # rooms out of focus, as behind portraits
BLUR_SHARE, MOTION_SHARE, NOISE_SHARE, JPEG_SHARE = 0.25, 0.08, 0.5, 0.35


@dataclass(frozen=True, slots=True)
class RefineRecipe:
    """A recipe file with `kind = "refine"`: see `recipes/refine.toml`. Paths are below the data folder.

    Attributes:
        people: folders that hold images and mattes -> how often each is drawn beside the others.
        composites, held_back: how many people with hair are composed of those to learn from, and of those to measure
            with.
        sides: long sides of these, from and to.
        own_share: of people who keep their own matte, soft as a network saw it.
        side, batch: of the crops that are learned from; the side is a multiple of 32.
        encoder_rate_share, decoder_rate_share: of the parts that come trained.
        cooldown: last share of the steps, in which the rate falls to nothing.
    """

    people: dict[str, float]
    rooms: str
    composites: int
    held_back: int
    sides: tuple[int, int]
    own_share: float
    seed: int
    steps: int
    batch: int
    side: int
    rate: float
    encoder_rate_share: float
    decoder_rate_share: float
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
class Composite:
    """A person of known alpha before a room, and what `cyclorama.refiner` makes of the picture.

    Attributes:
        planes: uint8 (H, W, 14), the planes of `PLANES` one after the other.
    """

    planes: Image

    @classmethod
    def of(cls, planes: Mapping[str, Float]) -> Composite:
        """From planes float32 (H, W) or (H, W, 3) in [0, 1]."""
        return cls(np.dstack([np.rint(np.clip(planes[key], 0, 1) * 255).astype(np.uint8) for key in PLANES]))

    def part(self, rows: slice, columns: slice) -> dict[str, Float]:
        """A part of the planes, by name: float32 (h, w, 1 or 3) in [0, 1]."""
        own = self.planes[rows, columns].astype(np.float32) / np.float32(255)
        ends = np.cumsum(list(PLANES.values())).tolist()
        return {key: own[..., end - PLANES[key] : end] for key, end in zip(PLANES, ends, strict=True)}


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
) -> list[Composite]:
    """The composites of a split, made where `folder` does not hold them yet.

    Their pixels stay in the files: a crop reads what it needs.
    """
    count = recipe.composites if split == "train" else recipe.held_back
    folder = folder / split
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{number:04}" for number in range(count)]
    missing = [name for name in names if not (folder / f"{name}.npy").is_file()]
    if missing:
        say(f"composing {len(missing)} people with hair for {split}")
        people, engines = people_of(recipe, root, split), [Engine(model, "cpu", threads=1) for model in SEERS]
        for name in missing:
            np.save(
                folder / f"{name}.npy", composed(seeded("refine", split, name), recipe, people, rooms, engines).planes
            )
    return [Composite(np.load(folder / f"{name}.npy", "r")) for name in names]


def composed(
    rng: Generator,
    recipe: RefineRecipe,
    people: Sequence[Sequence[Person]],
    rooms: Sequence[Room],
    engines: Sequence[Engine],
) -> Composite:
    """One of them."""
    shares = np.array(list(recipe.people.values()))
    folder = people[int(rng.choice(len(people), p=shares / shares.sum()))]
    person = folder[int(rng.integers(len(folder)))]
    long_side = int(rng.integers(recipe.sides[0], recipe.sides[1] + 1))
    if rng.random() < recipe.own_share:
        scale = min(1.0, long_side / max(person.alpha.shape))
        height, width = (round(scale * side) for side in person.alpha.shape)
        colours, levels = shrink(person.foreground, height, width), shrink(person.alpha, height, width)
    else:
        colours, levels = grown(rng, person, long_side)
    height, width = levels.shape
    room = backdrop(rng, rooms, height, width, long_side).astype(np.float32) / 255
    own = light(rng, np.ascontiguousarray(colours), LIT).astype(np.float32) / 255
    alpha, foreground, background = out_of_focus(rng, levels.astype(np.float32) / 255, own, room)
    rgb: Rgb = np.rint(shot(rng, mixed(foreground, alpha, background)) * 255).astype(np.uint8)
    engine = engines[int(rng.choice(len(engines), p=SEEN_BY))]
    before = engine.matte(rgb, Settings(decontaminate=False)).alpha
    known = trimap.of_doubt(before)
    if not (known >= trimap.WHITE).any():  # nobody was seen: there is something to learn all the same
        known = trimap.of_doubt(alpha)
    evidence = Evidence.of(known, before, rgb)
    band = evidence.band
    planes = {
        "rgb": band.guide,
        "alpha": shrink(alpha, *band.size),
        "foreground": shrink(foreground, *band.size),
        "background": shrink(background, *band.size),
        "before": evidence.before,
        "trusting": evidence.trusting,
        "colours": evidence.colours,
        "trimap": band.trimap(),
    }
    return Composite.of(planes)


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


def out_of_focus(rng: Generator, alpha: Float, foreground: Float, background: Float) -> tuple[Float, Float, Float]:
    """All of a picture blurred as a lens or a movement does; the truth is blurred with it."""
    kernel = None
    if rng.random() < MOTION_SHARE:
        kernel = motion_kernel(rng)
    elif rng.random() < BLUR_SHARE:
        gauss = cv2.getGaussianKernel(9, float(np.exp(rng.uniform(np.log(0.4), np.log(1.8)))))
        kernel = gauss @ gauss.T
    if kernel is None:
        return alpha, foreground, background
    amount, share, rest = (
        np.asarray(cv2.filter2D(plane, -1, kernel), np.float32)
        for plane in (foreground * alpha[..., None], alpha, background)
    )
    colours = np.where(share[..., None] > 1e-3, amount / np.maximum(share[..., None], 1e-3), foreground)
    return np.clip(share, 0, 1), np.clip(colours, 0, 1).astype(np.float32), rest


def shot(rng: Generator, rgb: Float) -> Float:
    """Noise and JPEG; 8 bits in any case."""
    if rng.random() < NOISE_SHARE:
        at = int(rng.integers(max(1, NOISE.size - rgb.size)))
        grain = np.resize(NOISE[at : at + rgb.size], rgb.shape)
        rgb = rgb + np.float32(np.exp(rng.uniform(np.log(0.003), np.log(0.04)))) * grain
    levels: Image = np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
    if rng.random() < JPEG_SHARE:
        levels = jpeg(levels, int(rng.integers(50, 97)))
    return levels.astype(np.float32) / 255
