"""One person out of several, chosen once and kept to over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.instances import Box, Labels, Mask, around, box_of, carry, share, split
from cyclorama.types import Alpha, Rgb, Subject

BINS = 4  # of a colour histogram, a channel
ALIKE = 0.5  # share of two histograms that must agree for a person to be the one who was lost (histogram intersection)
NEAR = 0.6  # distance from where somebody was lost, in long sides of the box they had there
POINTED = 0.02  # of the long side: so far beside somebody X,Y may lie
STEADY = 0.8  # share of the last velocity that is kept
PATIENCE = 60  # frames that two may be told apart by the frames before alone, where the boxes see one
REMEMBERED = 16  # people who went out of sight, the latest


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody as they were last seen by themselves, touching nobody.

    Attributes:
        box: in pixels.
        velocity: of its middle, across and down, in pixels a frame.
        colours: histogram, sum 1.
        since: frames since then.
        touched: the people they touched or covered since then: who of them is who is to be seen again.
    """

    box: Box
    colours: NDArray[np.float32]
    velocity: tuple[float, float] = (0.0, 0.0)
    since: int = 0
    touched: tuple[int, ...] = ()

    @property
    def expected(self) -> Box:
        """Where they should be by now."""
        across, down = (self.since * each for each in self.velocity)
        left, top, right, bottom = self.box
        return left + across, top + down, right + across, bottom + down


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Everybody seen so far.

    Attributes:
        labels: int32 (h, w): who is where, 0 nobody.
        people: by their numbers, those out of sight too.
        chosen: number of the chosen person; None: nobody could be chosen yet.
    """

    labels: Labels
    people: Mapping[int, Person] = field(default_factory=dict)
    chosen: int | None = None

    @property
    def seen(self) -> list[int]:
        """Numbers of those in sight, from left to right."""
        return sorted(_numbers(self.labels), key=lambda n: float(np.nonzero(self.labels == n)[1].mean()))


def follow(track: Track | None, alpha: Alpha, rgb: Rgb, boxes: Sequence[Box] | None, subject: Subject) -> Track:
    """Finds the people of the last frame in the next one, and chooses where nobody is chosen yet.

    Args:
        track: of the frames before; None, or of another size, starts anew.
        alpha: float32 (h, w) in [0, 1].
        rgb: uint8 (h, w, 3), the picture.
        boxes: of the people in it; None: nobody looked for them in this frame.
        subject: whom to choose; (x, y) in pixels of `rgb`.

    People are followed by their regions as long as they are apart. Regions of people who touch push each other
    away where the people pass: who is who is decided anew by boxes, and when they part, by colours and by where each
    was going.
    """
    if track is None or track.labels.shape != alpha.shape:
        track = Track(np.zeros(alpha.shape, np.int32))
    known = track.people
    labels = carry(alpha, rgb, track.labels, max(known, default=0) + 1)
    if boxes is not None:
        parts = _parts(labels, split(alpha, rgb, boxes), known)
        labels = _identified(parts, labels, known, rgb)
    elif any(n not in known or (known[n].touched and not others) for n, others in _contacts(labels).items()):
        labels = _identified([labels == n for n in _numbers(labels)], labels, known, rgb)
    track = Track(labels, _updated(known, labels, rgb, track.chosen), track.chosen)
    return track if track.chosen is not None else replace(track, chosen=choose(track, subject))


def choose(track: Track, subject: Subject) -> int | None:
    """Number of the person that a setting means; None where there is no such person in sight."""
    seen = track.seen
    if not seen:
        return None
    if subject == "largest":
        return max(seen, key=lambda n: int((track.labels == n).sum()))
    if isinstance(subject, int):
        return seen[subject - 1] if subject <= len(seen) else None
    if isinstance(subject, tuple):
        rows, columns = np.nonzero(track.labels)
        distances = np.hypot(columns - subject[0], rows - subject[1])
        nearest = int(distances.argmin())
        if distances[nearest] > max(1.0, POINTED * max(track.labels.shape)):
            return None
        return int(track.labels[rows[nearest], columns[nearest]])
    return None


def chosen_alpha(alpha: Alpha, track: Track) -> Alpha:
    """The matte of the chosen person alone; empty where they are not in sight."""
    whom = track.chosen or -1
    return alpha * share(track.labels, whom) * around(track.labels, whom)


def _parts(carried: Labels, found: Labels, known: Mapping[int, Person]) -> list[Mask]:
    """Regions of people: as the boxes part them, or as the last frame did where that tells more people apart."""
    _, regions = cv2.connectedComponents(((carried > 0) | (found > 0)).astype(np.uint8), connectivity=4)
    labels = np.zeros(found.shape, np.int32)
    top = int(found.max()) + 1
    for region in range(1, int(regions.max()) + 1):
        here = regions == region
        told, boxed = (_numbers(which[here]) for which in (carried, found))
        hidden = len(told) > len(boxed) and any(n not in known or known[n].since < PATIENCE for n in told)
        if hidden or not boxed:
            labels[here] = np.where(carried[here] > 0, carried[here] + top, 0)
        else:
            labels[here] = found[here]
    return [labels == number for number in _numbers(labels)]


def _identified(parts: Sequence[Mask], carried: Labels, known: Mapping[int, Person], rgb: Rgb) -> Labels:
    """Parts under their people's numbers: those in sight first, then those lost nearby, then new ones."""
    in_sight = set(_numbers(carried))
    candidates: list[tuple[float, int, int]] = []
    for index, part in enumerate(parts):
        size, colours, box = int(part.sum()), _colours(rgb, part), box_of(part)
        below = set(_numbers(carried[part]))
        for number, person in known.items():
            alike = float(np.minimum(colours, person.colours).sum())
            near = 1 - min(1.0, _apart(box, person.expected) / NEAR)
            if person.touched and below & {number, *person.touched}:
                score = 2 + near + 2 * alike
            elif number in below:
                where = carried == number
                common = int((part & where).sum())
                score = 2 + common / (size + int(where.sum()) - common) + alike
            elif number not in in_sight and alike >= ALIKE and _apart(box, person.box) <= NEAR:
                score = alike
            else:
                continue
            candidates.append((score, index, number))
    numbers: dict[int, int] = {}
    for _, index, number in sorted(candidates, reverse=True):
        if index not in numbers and number not in numbers.values():
            numbers[index] = number
    labels = np.zeros(carried.shape, np.int32)
    following = max([*known, *in_sight], default=0) + 1
    for index, part in enumerate(parts):
        labels[part] = numbers.get(index, following + index)
    return labels


def _updated(known: Mapping[int, Person], labels: Labels, rgb: Rgb, chosen: int | None) -> dict[int, Person]:
    """What is remembered of everybody after a frame; the latest last."""
    contacts = _contacts(labels)
    people = {n: replace(person, since=person.since + 1) for n, person in known.items()}
    alone = {n for n, others in contacts.items() if not others}
    for number, others in contacts.items():
        old = people.pop(number, None)
        part = labels == number
        if old is None:
            people[number] = Person(box_of(part), _colours(rgb, part), touched=tuple(others))
        elif others:
            people[number] = replace(old, touched=tuple({*old.touched, *others}))
        else:
            people[number] = _seen_alone(old, box_of(part), _colours(rgb, part))
    # Who stands alone again is nobody that the others could be.
    people = {n: replace(person, touched=tuple({*person.touched} - alone)) for n, person in people.items()}
    out_of_sight = [n for n in people if n != chosen and n not in contacts]
    for number in out_of_sight[: max(0, len(out_of_sight) - REMEMBERED)]:
        del people[number]
    return people


def _seen_alone(old: Person, box: Box, colours: NDArray[np.float32]) -> Person:
    moved = tuple((box[i] + box[i + 2] - old.box[i] - old.box[i + 2]) / 2 / old.since for i in (0, 1))
    across, down = (STEADY * v + (1 - STEADY) * m for v, m in zip(old.velocity, moved, strict=True))
    return Person(box, STEADY * old.colours + (1 - STEADY) * colours, (across, down))


def _contacts(labels: Labels) -> dict[int, set[int]]:
    """For everybody in sight those who touch them."""
    contacts: dict[int, set[int]] = {n: set() for n in _numbers(labels)}
    count, regions = cv2.connectedComponents((labels > 0).astype(np.uint8), connectivity=4)
    for region in range(1, count):
        people = set(_numbers(labels[regions == region]))
        for number in people:
            contacts[number] |= people - {number}
    return contacts


def _numbers(labels: NDArray[np.int32]) -> list[int]:
    return [int(n) for n in np.unique(labels) if n]


def _apart(box: Box, last: Box) -> float:
    """Distance of two boxes' middles, in long sides of the second."""
    across = (box[0] + box[2] - last[0] - last[2]) / 2
    down = (box[1] + box[3] - last[1] - last[3]) / 2
    return float(np.hypot(across, down)) / max(last[2] - last[0], last[3] - last[1])


def _colours(rgb: Rgb, part: Mask) -> NDArray[np.float32]:
    """Histogram of a region's colours, float32 (BINS ** 3,), sum 1."""
    levels = rgb[part].astype(np.int32) * BINS // 256
    index = (levels[:, 0] * BINS + levels[:, 1]) * BINS + levels[:, 2]
    counts = np.bincount(index, minlength=BINS**3).astype(np.float32)
    return counts / max(float(counts.sum()), 1.0)
