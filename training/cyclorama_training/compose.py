"""What the network sees: people pasted into rooms they were never in, standing still or moving, then a bad camera.

Everything is drawn from a NumPy generator that the caller seeds, so that a validation picture is the
same picture on every machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cyclorama_training.camera import Camera
from cyclorama_training.data import OTHER_WEIGHT, SOURCE_WEIGHT, Image, Person, Room
from cyclorama_training.geometry import MOST_COVERED, STAY, TRIES, Bend, Layer, Matrix, covering, motion, place
from cyclorama_training.light import darken, dress, light, match
from cyclorama_training.props import placed, prop, worn

Float = NDArray[np.floating[Any]]  # float32 in truth; NumPy's stubs widen it at every division

EMPTY_SHARE = 0.15  # an empty room must give an empty matte
ORIGINAL_SHARE = 0.28  # true pictures: real shadows, real contact, held objects
# Pieces of other rooms pasted in without a label. Without them a network learns that whatever was pasted, or
# simply stands out, is a person: rockets, machines, the dog's frisbee.
DECOY_SHARE = 0.36
EMPTY_DECOY_SHARE = 0.5
ORIGINAL_DECOY_SHARE = 0.15
PROP_SHARE = 0.4  # of decoys: drawn flags, vases, screens
THING_SHARE = 0.6  # of the others, where there are any: dogs, cattle, cars, the things that people stand beside
# Pieces pasted over the people: desks, screens, bags. More of them, and a plain black coat becomes a thing
# that stands before somebody.
OCCLUDER_SHARE = 0.02
DARK_SHARE = 0.05  # people against the light
DRESS_SHARE = 0.30  # people in other clothes, half of them black
WORN_SHARE = 0.12  # people with a card, a patch or a print on their clothes
OWN_FRAME_SHARE = 0.7  # of people in mild pictures: where their own picture had them
FAR_SHARE = 0.4  # of people seen to their feet: who is small is soon missed
PEOPLE_COUNTS = (0.70, 0.21, 0.09)  # one, two, three people pasted into one room
# Of clips only: everything changes at once; one layer comes or goes; limbs move.
CUT_SHARE, POP_SHARE, BEND_SHARE = 0.10, 0.08, 0.35
ROOM_SPEED = 0.4


@dataclass(frozen=True, slots=True)
class Sample:
    """A training clip: rgb uint8 (T, H, W, 3), alpha float32 (T, H, W) in [0, 1]; a picture has T = 1."""

    rgb: Image
    alpha: Float


@dataclass(slots=True)
class Track:
    """A layer over time; `person` layers are in the matte, others take from it what they cover."""

    layer: Layer
    moves: list[Matrix]
    person: bool
    bend: Bend | None = None
    seen: range = field(default_factory=lambda: range(1 << 30))


class Composer:
    """Draws samples from lists of people and rooms.

    Args:
        weights: how often each source is drawn beside the others, whatever the number of its people.
        things: cut-outs of what is no person.
    """

    def __init__(
        self,
        people: Sequence[Person],
        rooms: Sequence[Room],
        weights: Mapping[str, float] = SOURCE_WEIGHT,
        things: Sequence[Person] = (),
    ) -> None:
        if not people or not rooms:
            raise ValueError(f"expected people and rooms, got {len(people)} and {len(rooms)}")
        self.people, self.rooms, self.things = people, rooms, things
        sources = [p.name.split("/")[0] for p in people]
        counts = Counter(sources)
        shares = np.array([weights.get(s, OTHER_WEIGHT) / counts[s] for s in sources])
        self.weights = shares / shares.sum()
        whole = shares * np.array([p.whole for p in people])
        self.whole_weights = whole / whole.sum() if whole.any() else None
        chances = np.array([room.weight for room in rooms])
        self.room_weights = chances / chances.sum()

    def sample(self, rng: Generator, height: int, width: int, frames: int = 1, *, mild: bool = False) -> Sample:
        """Draws a picture, or a clip of several frames, with everything that a bad camera does.

        Args:
            mild: as a good camera takes it, in the light that it was taken in; people mostly framed as they were.
        """
        rgb, alpha = self._scene(rng, height, width, frames, mild)
        if frames > 1 and rng.random() < CUT_SHARE:
            cut = int(rng.integers(1, frames))
            other_rgb, other_alpha = self._scene(rng, height, width, frames - cut, mild)
            rgb[cut:], alpha[cut:] = other_rgb, other_alpha
        if rng.random() < 0.5:
            rgb, alpha = rgb[:, :, ::-1], alpha[:, :, ::-1]
        if mild:
            rgb = np.ascontiguousarray(rgb)
        else:
            camera = Camera(rng)
            rgb = np.stack([camera.shoot(np.ascontiguousarray(frame)) for frame in rgb])
        return Sample(rgb, np.ascontiguousarray(np.clip(alpha, 0, 1), np.float32))  # rounding may leave it by 1e-7

    def _scene(self, rng: Generator, height: int, width: int, frames: int, mild: bool) -> tuple[Image, Float]:
        kind = rng.random()
        if EMPTY_SHARE <= kind < EMPTY_SHARE + ORIGINAL_SHARE and self.whole_weights is not None:
            return self._original(rng, height, width, frames)
        room = self._room(rng, height, width, mild=mild)
        tracks = []
        if rng.random() < (EMPTY_DECOY_SHARE if kind < EMPTY_SHARE else DECOY_SHARE):
            tracks.append(self._decoy(rng, height, width, frames, room))
        if kind >= EMPTY_SHARE:
            count = 1 + int(rng.choice(len(PEOPLE_COUNTS), p=PEOPLE_COUNTS))
            draw = partial(self._person, rng, height, width, frames, room, small=count > 1, mild=mild)
            tracks += [draw() for _ in range(count)]
            if rng.random() < OCCLUDER_SHARE:
                tracks.append(self._piece(rng, height, width, frames, room))
        behind = Track(room, motion(rng, frames, height, width, speed=ROOM_SPEED), person=False)
        return render(behind, tracks, height, width, frames)

    def _room(self, rng: Generator, height: int, width: int, *, mild: bool = False) -> Layer:
        if rng.random() < 0.05:
            return Layer(plain(rng, height, width), None, STAY)
        image = self.rooms[rng.choice(len(self.rooms), p=self.room_weights)].picture
        at = float(rng.random()), float(rng.random()), float(rng.uniform(1.0, 1.8))
        layer = Layer(image, None, covering(image.shape, height, width, *at)).shrunk()
        if mild:
            return layer
        if rng.random() < 0.35:
            scale = np.sqrt(abs(np.linalg.det(layer.matrix[:, :2])))
            sigma = float(rng.uniform(0.5, 6.0)) * height / 256 / scale
            blurred: Image = cv2.GaussianBlur(layer.rgb, (0, 0), sigma)  # type: ignore[assignment]
            layer = Layer(blurred, None, layer.matrix)
        return Layer(light(rng, layer.rgb, 0.4), None, layer.matrix)

    def _original(self, rng: Generator, height: int, width: int, frames: int) -> tuple[Image, Float]:
        person = self.people[rng.choice(len(self.people), p=self.whole_weights)]
        for _ in range(TRIES):
            at = float(rng.random()), float(rng.random()), float(rng.uniform(1.0, 1.6))
            matrix = covering(person.alpha.shape, height, width, *at)
            layer = Layer(person.picture, person.alpha, matrix).shrunk()
            if layer.covers(height, width) <= MOST_COVERED:
                break
        moves = motion(rng, frames, height, width, speed=ROOM_SPEED)
        room = Track(Layer(layer.rgb, None, layer.matrix), moves, person=False)
        if rng.random() < ORIGINAL_DECOY_SHARE:  # between the room and who is in it
            decoy = self._decoy(rng, height, width, frames, room.layer)
            cutout = Layer(person.foreground, person.alpha, matrix).shrunk()
            return render(room, [decoy, Track(cutout, moves, person=True)], height, width, frames)
        rgb, _ = render(room, [], height, width, frames)
        assert layer.alpha is not None
        matte = Track(Layer(layer.alpha, None, layer.matrix), moves, person=False)
        alpha, _ = render(matte, [], height, width, frames)
        return rgb, alpha.astype(np.float32) / 255

    def _person(
        self, rng: Generator, height: int, width: int, frames: int, room: Layer, *, small: bool, mild: bool
    ) -> Track:
        person = self.people[rng.choice(len(self.people), p=self.weights)]
        framed = mild and not small and rng.random() < OWN_FRAME_SHARE
        for _ in range(TRIES):
            if framed:
                at = float(rng.random()), float(rng.random()), float(rng.uniform(1.0, 1.3))
                matrix = covering(person.alpha.shape, height, width, *at)
            else:
                matrix = place(rng, person, height, width, small=small, far_share=FAR_SHARE)
            layer = Layer(person.foreground, person.alpha, matrix).shrunk()
            if layer.covers(height, width) <= MOST_COVERED:
                break
        assert layer.alpha is not None
        rgb = worn(rng, layer.rgb, layer.alpha) if rng.random() < WORN_SHARE else layer.rgb
        if not mild:
            if rng.random() < DRESS_SHARE:
                rgb = dress(rng, rgb, layer.alpha)
            if rng.random() < DARK_SHARE:
                rgb = darken(rng, rgb)
            rgb = match(rng, light(rng, rgb, 0.35), layer.alpha, room.rgb)
        track = Track(Layer(rgb, layer.alpha, layer.matrix), motion(rng, frames, height, width), person=True)
        if frames > 1 and rng.random() < BEND_SHARE:
            track.bend = Bend(rng, height, width)
        if frames > 1 and rng.random() < POP_SHARE:
            change = int(rng.integers(1, frames))
            track.seen = range(change) if rng.random() < 0.5 else range(change, frames)
        return track

    def _decoy(self, rng: Generator, height: int, width: int, frames: int, room: Layer) -> Track:
        """Something that stands as a person would, and is none: drawn, a cut-out, or a piece of another room."""
        if rng.random() < PROP_SHARE:
            shown = self.rooms[rng.choice(len(self.rooms), p=self.room_weights)].picture
            layer = placed(rng, prop(rng, shown), height, width)
        elif self.things and rng.random() < THING_SHARE:
            thing = self.things[int(rng.integers(len(self.things)))]
            matrix = place(rng, thing, height, width, small=bool(rng.random() < 0.5))
            layer = Layer(thing.foreground, thing.alpha, matrix).shrunk()
        else:
            return self._piece(rng, height, width, frames, room)
        assert layer.alpha is not None
        rgb = match(rng, light(rng, layer.rgb, 0.35), layer.alpha, room.rgb)
        return Track(Layer(rgb, layer.alpha, layer.matrix), motion(rng, frames, height, width), person=False)

    def _piece(self, rng: Generator, height: int, width: int, frames: int, room: Layer) -> Track:
        """A piece of a room other than `room`, cut as a simple shape or as a person."""
        piece, _ = self._room(rng, height, width).warp(STAY, height, width)
        if rng.random() < 0.5:
            person = self.people[rng.choice(len(self.people), p=self.weights)]
            matrix = place(rng, person, height, width, small=True)
            _, alpha = Layer(person.foreground, person.alpha, matrix).shrunk().warp(STAY, height, width)
        else:
            alpha = shape(rng, height, width)
        return Track(Layer(piece, alpha, STAY), motion(rng, frames, height, width), person=False)


def render(room: Track, tracks: Sequence[Track], height: int, width: int, frames: int) -> tuple[Image, Float]:
    """Frames uint8 (T, H, W[, 3]) and their mattes float32 (T, H, W)."""
    pictures, alphas = [], []
    for t in range(frames):
        rgb, _ = room.layer.warp(room.moves[t], height, width)
        total: Float = np.zeros((height, width), np.float32)
        for track in tracks:
            if t not in track.seen:
                continue
            over, covered = track.layer.warp(track.moves[t], height, width)
            assert covered is not None
            if track.bend is not None:
                over, covered = track.bend.apply(over, t), track.bend.apply(covered, t)
            a = covered.astype(np.float32) * np.float32(1 / 255)
            rgb = cv2.blendLinear(over, rgb, a, 1 - a)  # type: ignore[assignment]
            total = total + a * (1 - total) if track.person else total * (1 - a)
        pictures.append(rgb)
        alphas.append(total)
    return np.stack(pictures), np.stack(alphas)


def shape(rng: Generator, height: int, width: int) -> Image:
    """Alpha of a box, an ellipse or a polygon somewhere in the picture, with an edge as soft as a cut-out's."""
    size = rng.uniform(0.15, 0.7) * min(height, width)
    centre = rng.uniform(0.05, 0.95, 2) * (width, height)
    corners = int(rng.choice([4, 5, 7, 24]))
    turn = np.sort(rng.uniform(0, 2 * np.pi, corners)) if corners < 24 else np.linspace(0, 2 * np.pi, corners)
    stretch = np.exp(rng.normal(0, 0.4))
    points = np.column_stack([np.cos(turn) * stretch, np.sin(turn) / stretch]) * size / 2 + centre
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 255)
    return cv2.GaussianBlur(mask, (0, 0), float(rng.uniform(0.4, 1.2)))  # type: ignore[return-value]


def plain(rng: Generator, height: int, width: int) -> Image:
    """A wall of one colour with a soft gradient over it."""
    colour = rng.uniform(20, 255, 3)
    slope = rng.uniform(-40, 40, 2)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    shade = slope[0] * (y / height - 0.5) + slope[1] * (x / width - 0.5)
    return np.clip(colour + shade[..., None], 0, 255).astype(np.uint8)
