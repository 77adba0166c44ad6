"""Slices of the evaluation: pictures that have something in common, so that a weakness shows under its name.

Most are parts of the validation pictures, chosen by what a person's own picture and matte are like. Others are composed
on purpose: several people, small and whole people also in pictures with many pixels, and hardly any light.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources

import cv2
import numpy as np
from numpy.random import Generator

from cyclorama import toml
from cyclorama_training.compose import Composer, Track, render
from cyclorama_training.data import Image, Person, Room
from cyclorama_training.geometry import STAY, TALL, TOUCH_ALPHA, Layer, Matrix, covering, place
from cyclorama_training.light import relight
from cyclorama_training.validate import LONG_SIDE, Picture, over_a_room, seeded

COMPOSED = 40  # pictures of a slice that is composed on purpose
FRAME = (288, 512)  # height and width of its pictures: a camera's
WIDE_FRAME = (720, 1280)  # those of a better camera, with more pixels than a network looks at

LUMA = np.array([0.299, 0.587, 0.114])  # BT.601
CLOTHES_FROM = 0.35  # of a person's height, from the top: below the neck of most
DARK, LIGHT = 50, 160  # median luma of clothes; the least and the most fifth or so of the held-back people
SHOULDERS = (0.85, 1.5)  # height over width of head and shoulders
WIDE_CUT = 0.5  # of the lower edge: shoulders that go on below it
# Of somebody near: share of the picture's height, of its lower edge, and height over width.
CLOSE, NEAR_CUT, UPRIGHT = 0.7, 0.3, 0.75
HEAD = 0.45  # of the height of somebody near, from the top: where hair is
SOFT = (0.05, 0.95)  # alpha of hair
HAIRY = 4.0  # soft pixels a pixel of outline, at a long side of 512; a jacket has 2
FEWEST_PIXELS = 400  # of a picture's long side: in less, all is soft
PIECE = 0.05  # of what is covered: smaller parts are no people
SMALL, WHOLE = (0.15, 0.35), (0.35, 0.95)  # of the frame's height
DIM, DIM_NOISE = (0.15, 0.35), (3.0, 8.0)  # gain of low light, and the noise of the sensor in levels of 255


@dataclass(frozen=True, slots=True)
class Slice:
    """Pictures that have something in common, and what it is in words."""

    name: str
    meaning: str
    pictures: Sequence[Picture]


def slices(composer: Composer, validation: Sequence[Picture]) -> list[Slice]:
    """All slices with a picture at all.

    Args:
        composer: of the held-back people and rooms.
        validation: the picture of each of the people, in order.
    """
    own = list(zip(validation, composer.people, strict=True))
    found = [
        Slice(name, meaning, [picture for picture, person in own if belongs(person)])
        for name, meaning, belongs in CHOSEN
    ]
    order = sorted(composer.people, key=lambda p: hashlib.sha256(p.name.encode()).digest())
    found += [
        Slice(name, meaning, [compose(order, index, composer.rooms) for index in range(min(COMPOSED, len(order)))])
        for name, meaning, compose in COMPOSITIONS
    ]
    return [each for each in found if each.pictures]


def full_body(person: Person) -> bool:
    """A standing figure that the picture's frame does not cut."""
    top, bottom, left, right = person.box
    return bottom - top > TALL * (right - left) and not _cut(person.alpha[-1]) and not _cut(person.alpha[0])


def head_and_shoulders(person: Person) -> bool:
    """About as wide as high, and the shoulders cut by the picture's lower edge."""
    top, bottom, left, right = person.box
    shape = (bottom - top) / (right - left)
    return SHOULDERS[0] < shape < SHOULDERS[1] and _cut(person.alpha[-1]) >= WIDE_CUT and pieces(person.alpha) == 1


def dark_clothes(person: Person) -> bool:
    luma = clothes_luma(person)
    return luma is not None and luma < DARK


def light_clothes(person: Person) -> bool:
    luma = clothes_luma(person)
    return luma is not None and luma > LIGHT


def hair(person: Person) -> bool:
    """One upright person, seen from near, and much that is half-transparent about the head."""
    top, bottom, left, right = person.box
    near = bottom - top > CLOSE * person.alpha.shape[0] and _cut(person.alpha[-1]) >= NEAR_CUT
    upright = bottom - top > UPRIGHT * (right - left) and pieces(person.alpha) == 1
    return near and upright and max(person.alpha.shape) >= FEWEST_PIXELS and softness(person) > HAIRY


def held_object(person: Person) -> bool:
    return person.name in held_objects()


def clothes_luma(person: Person) -> float | None:
    """Median luma, 0 ... 255, of what is surely the person below the neck; None where nothing is."""
    top, bottom, _, _ = person.box
    sure = cv2.erode(person.alpha, np.ones((5, 5), np.uint8)) > 230
    sure[: top + round(CLOTHES_FROM * (bottom - top))] = False
    return float(np.median(person.foreground[sure] @ LUMA)) if sure.any() else None


def softness(person: Person) -> float:
    """Half-transparent pixels about the head, a pixel of its outline, as if the long side were 512."""
    top, bottom, _, _ = person.box
    alpha = person.alpha[top : top + max(1, round(HEAD * (bottom - top)))].astype(np.float32) / 255
    outlines, _ = cv2.findContours((alpha >= 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    soft = int(((alpha > SOFT[0]) & (alpha < SOFT[1])).sum())
    return soft / max(1, sum(len(line) for line in outlines)) * LONG_SIDE / max(person.alpha.shape)


def pieces(alpha: Image) -> int:
    """Number of parts that could be people."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((alpha > TOUCH_ALPHA).astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    return int((areas > PIECE * areas.sum()).sum())


@cache
def held_objects() -> dict[str, str]:
    """Person's name -> what it holds, as `held_objects.toml` lists them."""
    text = resources.files("cyclorama_training").joinpath("held_objects.toml").read_text("utf-8")
    return {str(name): str(thing) for name, thing in toml.loads(text).items()}


def several_people(people: Sequence[Person], index: int, rooms: Sequence[Room]) -> Picture:
    """Two to four people beside or before each other."""
    rng = seeded("several", people[index].name)
    count = min(int(rng.integers(2, 5)), len(people))
    together = [people[(index + i) % len(people)] for i in range(count)]
    placed = [_placed(person, place(rng, person, *FRAME, small=True)) for person in together]
    return _in_a_room(rng, f"{count} people: {' + '.join(p.name for p in together)}", placed, rooms)


def small_subject(people: Sequence[Person], index: int, rooms: Sequence[Room]) -> Picture:
    """One whole person far away, or, of the nearer ones, as much as there is."""
    person = _whole(people, index)
    rng = seeded("small", person.name, str(index))
    return _standing(rng, f"small {index}: {person.name}", person, rooms, SMALL, 0.55, FRAME)


def small_in_many_pixels(people: Sequence[Person], index: int, rooms: Sequence[Room]) -> Picture:
    """The same where the picture has more pixels than any network looks at."""
    person = _whole(people, index)
    rng = seeded("small in 720 lines", person.name, str(index))
    return _standing(rng, f"small in 720 lines {index}: {person.name}", person, rooms, SMALL, 0.55, WIDE_FRAME)


def whole_in_many_pixels(people: Sequence[Person], index: int, rooms: Sequence[Room]) -> Picture:
    """One person from head to foot in a wide picture with many pixels."""
    person = _whole(people, index)
    rng = seeded("whole in 720 lines", person.name, str(index))
    return _standing(rng, f"whole in 720 lines {index}: {person.name}", person, rooms, WHOLE, 0.95, WIDE_FRAME)


def low_light(people: Sequence[Person], index: int, rooms: Sequence[Room]) -> Picture:
    """A person over a room as a camera shows them with too little light: values at 15 to 35 %, and noise."""
    person = people[index]
    rng = seeded("dark", person.name)
    lit = over_a_room(rng, rooms, person)
    dim = relight(lit.rgb, np.full(3, rng.uniform(*DIM)), 1.0, 1.0)
    noise = rng.normal(0, rng.uniform(*DIM_NOISE), dim.shape)
    dark = np.clip(np.rint(dim + noise), 0, 255).astype(np.uint8)
    return replace(lit, name=f"dark: {lit.name}", rgb=dark)


def _whole(people: Sequence[Person], index: int) -> Person:
    whole = [person for person in people if full_body(person)] or list(people)
    return whole[index % len(whole)]


def _standing(
    rng: Generator,
    name: str,
    person: Person,
    rooms: Sequence[Room],
    heights: tuple[float, float],
    highest: float,
    frame: tuple[int, int],
) -> Picture:
    """One person in a room, so high as a share of the frame's, with the feet from `highest` of it downwards."""
    top, bottom, left, right = person.box
    height, width = frame
    scale = float(rng.uniform(*heights)) * height / (bottom - top)
    x = float(rng.uniform(0.08, 0.92)) * width - (left + right) / 2 * scale
    y = float(rng.uniform(highest, 1.0)) * height - bottom * scale
    placed = _placed(person, np.array([[scale, 0, x], [0, scale, y]]))
    return _in_a_room(rng, name, [placed], rooms, frame)


def _placed(person: Person, matrix: Matrix) -> Layer:
    return Layer(person.foreground, person.alpha, matrix).shrunk()


def _in_a_room(
    rng: Generator, name: str, layers: Sequence[Layer], rooms: Sequence[Room], frame: tuple[int, int] = FRAME
) -> Picture:
    room = rooms[int(rng.integers(len(rooms)))]
    at = float(rng.random()), float(rng.random()), float(rng.uniform(1.0, 1.3))
    behind = Layer(room.picture, None, covering(room.picture.shape, *frame, *at)).shrunk()
    tracks = [Track(layer, [STAY], person=True) for layer in layers]
    rgb, alpha = render(Track(behind, [STAY], person=False), tracks, *frame, 1)
    return Picture(f"{name} in {room.name}", rgb[0], np.clip(alpha[0], 0, 1))


def _cut(line: Image) -> float:
    """Share of an edge of a matte that the person goes over."""
    return float((line > TOUCH_ALPHA).mean())


CHOSEN: tuple[tuple[str, str, Callable[[Person], bool]], ...] = (
    ("head and shoulders", "one person, cut by the lower edge", head_and_shoulders),
    ("full body", "a standing person from head to foot", full_body),
    ("hair", "near, with a wide soft band about the head", hair),
    ("dark clothes", f"median luma of the clothes below {DARK} of 255", dark_clothes),
    ("light clothes", f"median luma of the clothes above {LIGHT} of 255", light_clothes),
    ("held object", "holds something that is in the matte; listed by eye", held_object),
)
COMPOSITIONS: tuple[tuple[str, str, Callable[[Sequence[Person], int, Sequence[Room]], Picture]], ...] = (
    ("several people", "two to four people in one room", several_people),
    ("small subject", "one person, 15 to 35 % of the frame's height", small_subject),
    ("small subject, 1280 x 720", "one person, 15 to 35 % of the frame's height", small_in_many_pixels),
    ("full body, 1280 x 720", "one person, 35 to 95 % of the frame's height", whole_in_many_pixels),
    ("low light", "values at 15 to 35 %, and noise of 3 to 8 levels", low_light),
)
