"""Clips of the evaluation: held-back people who move before held-back rooms, with the true matte of each frame."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.random import Generator

from cyclorama_training.compose import Composer, Float, Track, render
from cyclorama_training.data import Image, Person, Room
from cyclorama_training.geometry import MOST_COVERED, Bend, Layer, covering, motion, place
from cyclorama_training.validate import seeded

# What moves differs so much that the mean of twelve clips, 4.2e-2 by dtSSD, had a standard error of 0.7e-2.
CLIPS, FRAMES = 48, 12
SHAPE = (288, 512)  # height and width
SECOND_SHARE = 0.25  # of clips in which somebody else is there as well
BEND_SHARE = 0.5  # of people whose limbs move too
HEAD_ROOM = 0.03  # of the frame's height: so much of a head may be cut
TRIES = 20
ROOM_SPEED = 0.4  # the room moves with the camera, slower than people


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames uint8 (T, H, W, 3) and their alpha float32 (T, H, W) in [0, 1]."""

    name: str
    rgb: Image
    alpha: Float

    @property
    def moves(self) -> bool:
        return bool((self.rgb[1:] != self.rgb[:-1]).any())


def clips(composer: Composer) -> list[Clip]:
    """The same clips at every call: no bad camera, no cuts, everything moves or rests by itself.

    Those in which all of it rests are left out: nothing flickers in them.
    """
    order = sorted(composer.people, key=lambda p: hashlib.sha256(f"clip {p.name}".encode()).digest())
    made = (clip(order, index, composer.rooms) for index in range(len(order)))
    return list(islice((each for each in made if each.moves), CLIPS))


def clip(people: Sequence[Person], index: int, rooms: Sequence[Room]) -> Clip:
    """The clip of one of the people; the next one in the list may come in as well."""
    rng = seeded("clip", people[index].name)
    room = rooms[int(rng.integers(len(rooms)))]
    at = float(rng.random()), float(rng.random()), float(rng.uniform(1.1, 1.5))
    behind = Layer(room.picture, None, covering(room.picture.shape, *SHAPE, *at)).shrunk()
    count = 2 if rng.random() < SECOND_SHARE and len(people) > 1 else 1
    tracks = []
    for person in (people[(index + i) % len(people)] for i in range(count)):
        bend = Bend(rng, *SHAPE) if rng.random() < BEND_SHARE else None
        layer = placed(rng, person, small=count > 1)
        tracks.append(Track(layer, motion(rng, FRAMES, *SHAPE), person=True, bend=bend))
    moves = motion(rng, FRAMES, *SHAPE, speed=ROOM_SPEED)
    rgb, alpha = render(Track(behind, moves, person=False), tracks, *SHAPE, FRAMES)
    return Clip(f"{people[index].name} in {room.name}", rgb, np.clip(alpha, 0, 1))


def placed(rng: Generator, person: Person, *, small: bool) -> Layer:
    """A person as a camera's owner would stand: neither filling the frame nor with the head out of it."""
    for _ in range(TRIES):
        matrix = place(rng, person, *SHAPE, small=small)
        layer = Layer(person.foreground, person.alpha, matrix).shrunk()
        head = matrix[1] @ ((person.box[2] + person.box[3]) / 2, person.box[0], 1)
        if layer.covers(*SHAPE) <= MOST_COVERED and head >= -HEAD_ROOM * SHAPE[0]:
            break
    return layer
