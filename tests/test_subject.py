"""One person out of several: who is who in a picture, and keeping to the one that was chosen in a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama import SettingError, Settings, subject
from cyclorama.engine import LOOK_EVERY, Engine
from cyclorama.instances import share, split
from cyclorama.types import Outfit, Subject

HEIGHT, WIDTH = 120, 240
SHIRTS = ((200, 40, 40), (40, 60, 200), (230, 200, 40))
KEPT = 0.95  # intersection over union of the kept matte with the person
BETWEEN = 0.9  # the same where people touch
Box = tuple[int, int, int, int]


@dataclass
class Crowd:
    """A picture of people: rgb, the matte of all, and each one's region and box where they are seen."""

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.float32]
    regions: list[NDArray[np.bool_]]

    @property
    def boxes(self) -> list[Box]:
        found = []
        for region in self.regions:
            rows, columns = np.nonzero(region)
            if rows.size > 100:
                found.append((int(columns.min()), int(rows.min()), int(columns.max() + 1), int(rows.max() + 1)))
        return sorted(found)  # from left to right, whoever it is


def crowd(
    middles: Sequence[float | None], *, heights: Sequence[int] = (80, 80, 80), seed: int = 0, checked: bool = False
) -> Crowd:
    """People in shirts of their own colour, or checked with it, at these columns; the first in front."""
    rng = np.random.default_rng(seed)
    rgb = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    owners = np.full((HEIGHT, WIDTH), -1)
    for index in reversed(range(len(middles))):
        middle = middles[index]
        if middle is None:
            continue
        size, x = heights[index], round(middle)
        body = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.rectangle(body, (x - size // 5, HEIGHT - size * 3 // 4), (x + size // 5, HEIGHT - 4), 1, -1)
        head = np.zeros_like(body)
        cv2.circle(head, (x, HEIGHT - size * 3 // 4 - size // 8), size // 8, 1, -1)
        rgb[body > 0] = SHIRTS[index]
        y, columns = np.mgrid[:HEIGHT, :WIDTH]
        if checked:
            rgb[(body > 0) & ((y // 8 + (columns - x) // 8) % 2 == 0)] = (20, 20, 20)
        rgb[head > 0] = (220, 180, 150)
        owners[(body | head) > 0] = index
    rgb = np.clip(rgb + rng.normal(0, 3, rgb.shape), 0, 255).astype(np.uint8)
    alpha = cv2.GaussianBlur((owners >= 0).astype(np.float32), (0, 0), 0.8)
    return Crowd(rgb, alpha, [owners == index for index in range(len(middles))])


def kept(picture: Crowd, track: subject.Track) -> NDArray[np.bool_]:
    return subject.chosen_alpha(picture.alpha, track) > 0.5


def likeness(found: NDArray[np.bool_], region: NDArray[np.bool_]) -> float:
    return float((found & region).sum() / max(1, (found | region).sum()))


def run(pictures: Sequence[Crowd], whom: Subject) -> list[NDArray[np.bool_]]:
    """What is kept of each picture of a stream, with boxes as often as a session asks for them."""
    track, found = None, []
    for index, picture in enumerate(pictures):
        boxes = picture.boxes if index % LOOK_EVERY == 0 else None
        track = subject.follow(track, picture.alpha, picture.rgb, boxes, whom)
        found.append(kept(picture, track))
    return found


@pytest.mark.parametrize(("whom", "index"), [("largest", 1), (1, 2), (2, 0), (3, 1), ((120, 80), 0), ((203, 80), 1)])
def test_the_person_that_is_named_is_kept_and_nobody_else(whom: Subject, index: int) -> None:
    picture = crowd([120, 200, 40], heights=(80, 100, 70))
    track = subject.follow(None, picture.alpha, picture.rgb, picture.boxes, whom)
    assert likeness(kept(picture, track), picture.regions[index]) > KEPT


@pytest.mark.parametrize("whom", [4, (80, 20)])
def test_somebody_who_is_not_there_is_nobody(whom: Subject) -> None:
    picture = crowd([120, 200, 40])
    track = subject.follow(None, picture.alpha, picture.rgb, picture.boxes, whom)
    assert track.chosen is None
    assert not subject.chosen_alpha(picture.alpha, track).any()


def test_people_who_touch_are_parted_along_their_edges() -> None:
    picture = crowd([100, 130, None])
    assert cv2.connectedComponents((picture.alpha > 0.5).astype(np.uint8))[0] == 2, "they are one region"
    for number, region in ((1, picture.regions[0]), (2, picture.regions[1])):
        track = subject.follow(None, picture.alpha, picture.rgb, picture.boxes, number)
        assert likeness(kept(picture, track), region) > BETWEEN


def test_without_boxes_regions_that_are_apart_are_people_and_crumbs_are_not() -> None:
    picture = crowd([60, 180, None])
    picture.alpha[20:26, 76:84] = 1  # a hand, or a hat in the air
    labels = split(picture.alpha, picture.rgb, [])
    assert len(np.unique(labels)) == 1 + 2
    assert labels[22, 80] == labels[80, 60]


def test_a_person_in_two_parts_is_one_by_their_box() -> None:
    picture = crowd([60, 180, None])
    picture.alpha[80:90, 30:90] = 0  # a table before them
    labels = split(picture.alpha, picture.rgb, picture.boxes)
    assert labels[70, 60] == labels[100, 60] != labels[100, 180]


def test_hair_and_blur_go_with_the_nearest_person() -> None:
    labels = np.zeros((20, 40), np.int32)
    labels[5:15, 5:10], labels[5:15, 30:35] = 1, 2
    assert share(labels, 1)[:, :15].min() == 1
    assert share(labels, 1)[:, 25:].max() == 0
    np.testing.assert_allclose(share(labels, 1) + share(labels, 2), 1)
    assert share(labels, 3).max() == 0


@pytest.mark.parametrize("checked", [False, True])
@pytest.mark.parametrize("whom", [1, 2])
def test_people_who_pass_each_other_stay_who_they_are(whom: int, checked: bool) -> None:
    pictures = [crowd([30 + 1.5 * i, 210 - 1.5 * i, None], seed=i, checked=checked) for i in range(120)]
    found = run(pictures, whom)
    for index in [*range(20), *range(100, 120)]:
        assert likeness(found[index], pictures[index].regions[whom - 1]) > KEPT, index


def test_who_leaves_is_kept_empty_and_no_other_jumps_in() -> None:
    pictures = [crowd([120 - 3 * i, 190, None], seed=i) for i in range(60)]
    found = run(pictures, ((120, 80)))
    assert likeness(found[0], pictures[0].regions[0]) > KEPT
    assert not any(each.any() for each in found[-10:])


def test_who_comes_back_where_they_left_is_kept_again() -> None:
    away = [crowd([120 if i < 10 or i >= 30 else None, 200, None], seed=i) for i in range(40)]
    found = run(away, 1)
    assert not any(each.any() for each in found[11:30])
    assert likeness(found[-1], away[-1].regions[0]) > KEPT


def test_another_who_comes_where_somebody_left_is_not_kept() -> None:
    pictures = [crowd([120 if i < 10 else None, 200, None if i < 20 else 120], seed=i) for i in range(40)]
    found = run(pictures, 1)
    assert likeness(found[5], pictures[5].regions[0]) > KEPT
    assert not any(each.any() for each in found[11:])


def test_a_crumb_of_the_matte_in_an_empty_room_is_nobody() -> None:
    pictures = [crowd([None if i < 12 else 120, None, None], seed=i) for i in range(20)]
    for picture in pictures[:5]:
        picture.alpha[30:38, 200:210] = 1
    found = run(pictures, 1)
    assert not any(each.any() for each in found[:12])
    assert likeness(found[-1], pictures[-1].regions[0]) > KEPT


def test_what_is_faint_and_far_from_the_chosen_person_is_not_kept() -> None:
    picture = crowd([60, None, None])
    picture.alpha[60:100, 180:220] = 0.4  # a dog that the network half sees
    picture.alpha[70:90, 78:84] = 0.4  # a moving arm
    track = subject.follow(None, picture.alpha, picture.rgb, picture.boxes, 1)
    alpha = subject.chosen_alpha(picture.alpha, track)
    assert not alpha[:, 150:].any()
    assert alpha[80, 82] == picture.alpha[80, 82]
    assert likeness(alpha > 0.5, picture.regions[0]) > KEPT


def test_nobody_at_all_is_no_fault() -> None:
    empty = crowd([None, None, None])
    found = run([empty, empty, crowd([120, None, None])], "largest")
    assert not found[0].any()
    assert found[2].any(), "who comes later is chosen then"


class MadeDetector:
    """Finds people by the colours of their shirts."""

    device, note = "cpu", ""

    def __init__(self) -> None:
        self.looks = 0

    def detect(self, rgb: NDArray[np.uint8], alpha: NDArray[np.float32] | None = None) -> list[Outfit]:
        raise AssertionError("nobody asked for clothes")

    def find(self, rgb: NDArray[np.uint8], alpha: NDArray[np.float32]) -> list[Box]:
        self.looks += 1
        found = []
        for shirt in SHIRTS:
            rows, columns = np.nonzero(np.abs(rgb.astype(int) - shirt).max(2) < 40)
            if rows.size:
                found.append((int(columns.min()), int(rows.min()), int(columns.max() + 1), int(rows.max() + 1)))
        return found


def on_green(picture: Crowd) -> NDArray[np.uint8]:
    rgb = picture.rgb.copy()
    rgb[~np.any(picture.regions, 0)] = (0, 177, 64)
    return rgb


def test_a_session_keeps_the_chosen_person_and_looks_for_people_now_and_then() -> None:
    detector = MadeDetector()
    engine = Engine("green-screen", detector=detector)
    session = engine.session(Settings(subject=2, decontaminate=False))
    for index in range(LOOK_EVERY + 1):
        picture = crowd([60 + index, 180 - index, None])
        alpha = session.matte(on_green(picture)).alpha
        assert likeness(alpha > 0.5, picture.regions[1]) > BETWEEN
    assert detector.looks == 2


def test_a_point_is_of_the_picture_and_not_of_the_networks_working_size() -> None:
    engine = Engine("green-screen", detector=MadeDetector())
    picture = crowd([60, 180, None])
    large = cv2.resize(on_green(picture), None, fx=5, fy=5, interpolation=cv2.INTER_NEAREST)
    alpha = engine.matte(large, Settings(subject=(900, 400))).alpha
    assert alpha[400, 900] == 1
    assert alpha[:, :600].max() == 0


def test_everybody_is_kept_without_a_detector() -> None:
    class Unwanted(MadeDetector):
        def find(self, rgb: NDArray[np.uint8], alpha: NDArray[np.float32]) -> list[Box]:
            raise AssertionError("nobody asked for one person")

    picture = crowd([60, 180, None])
    alpha = Engine("green-screen", detector=Unwanted()).matte(on_green(picture)).alpha
    assert likeness(alpha > 0.5, np.any(picture.regions, 0)) > KEPT


def test_another_choice_takes_effect_with_the_next_frame() -> None:
    picture = crowd([60, 180, None])
    session = Engine("green-screen", detector=MadeDetector()).session(Settings(subject=1))
    first = session.matte(on_green(picture)).alpha
    session.settings = Settings(subject=2)
    second = session.matte(on_green(picture)).alpha
    assert first[80, 60] == second[80, 180] == 1
    assert first[80, 180] == second[80, 60] == 0


@pytest.mark.parametrize("wrong", [0, -1, "somebody", (1,), (-1, 5), True, 1.5])
def test_a_subject_that_means_nothing_is_refused(wrong: object) -> None:
    with pytest.raises(SettingError, match="a number from 1"):
        Settings(subject=wrong)  # type: ignore[arg-type]
