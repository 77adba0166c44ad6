"""Suggestions: what fits whom, why, and what the commands make of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama.engine import Engine
from cyclorama.look import Look, look
from cyclorama.suggest import judge, suggest
from cyclorama.suggesting import Sight, see, suggest_for, vote
from cyclorama.types import OUTFITS, Outfit, Scene, Suggestion
from made import texture
from made_outfits import MadeDetector, on_green

RIGHT = {"beachwear": {"beach"}, "workwear": {"office"}, "sportswear": {"stadium", "court", "gym"}}
FRONT = Look(luminance=0.4, warmth=0.0, light="front", eyes=0.4, framing="head and shoulders")


def made_scene(name: str, kind: str, outfits: Sequence[str] = (), **fields: object) -> Scene:
    values = {"light": "front", "mean": (0.5, 0.5, 0.5), "luminance": 0.5, "warmth": 0.0, "horizon": 0.4, **fields}
    return Scene(name, Path(f"{name}.jpg"), kind, name, tuple(outfits), **values)  # type: ignore[arg-type]


# In an order that helps nobody.
SCENES = (
    made_scene("kitchen", "home"),
    made_scene("palm", "beach", ["beachwear"]),
    made_scene("gym", "gym", ["sportswear"]),
    made_scene("desk", "office", ["workwear"]),
    made_scene("arena", "stadium", ["sportswear"]),
    made_scene("grey", "studio"),
    made_scene("court", "court", ["sportswear"]),
)


def person(kind: str, confidence: float = 0.9, *, size: int = 100, left: int = 0) -> Outfit:
    return Outfit(kind, confidence, (left, 0, left + size // 2, size))


def best(outfits: Sequence[Outfit], seen: Look | None = FRONT) -> tuple[Scene, Suggestion]:
    (found,) = suggest(outfits, seen, SCENES, 1)
    return next(each for each in SCENES if each.name == found.scene), found


@pytest.mark.parametrize("kind", OUTFITS)
@pytest.mark.parametrize("count", [1, 2, 12])
@pytest.mark.parametrize("confidence", [0.5, 1.0])
def test_an_outfit_leads_to_its_place(kind: str, count: int, confidence: float) -> None:
    found, suggestion = best([person(kind, confidence)] * count)
    assert found.kind in RIGHT[kind]
    assert suggestion.reason.startswith(f"{'1 person' if count == 1 else f'{count} people'} in {kind}: {found.kind}")


@pytest.mark.parametrize("kind", OUTFITS)
def test_light_never_outweighs_the_outfit(kind: str) -> None:
    against = Look(luminance=0.0, warmth=-2.0, light="left", eyes=1.0, framing="full length")
    bad = {"light": "right", "warmth": 2.0, "luminance": 1.0, "horizon": 0.0}
    good = {"light": "left", "warmth": -2.0, "luminance": 0.0, "horizon": 1.0}
    scenes = [
        made_scene(each.name, each.kind, each.outfits, **(bad if kind in each.outfits else good)) for each in SCENES
    ]
    names = [each.scene for each in suggest([person(kind, 0.5)], against, scenes, 99)]
    fits = [next(s for s in scenes if s.name == name) for name in names]
    tiers = [0 if kind in each.outfits else 1 if not each.outfits else 2 for each in fits]
    assert tiers == sorted(tiers), names


@pytest.mark.parametrize(
    ("outfits", "words"),
    [
        ([], "nobody is seen: a neutral studio"),
        ([person("", 0.0)], "the person wears nothing that asks for a place of its own: a neutral studio"),
        ([person("")] * 12, "12 people wear nothing that asks for a place of its own: a neutral studio"),
        (
            [person("beachwear"), person("workwear")],
            "mixed clothes (1 in beachwear, 1 in workwear): a neutral studio",
        ),
        (
            [person("sportswear"), person(""), person("")],
            "mixed clothes (1 in sportswear, 2 in others): a neutral studio",
        ),
    ],
)
def test_nobody_recognised_or_mixed_clothes_lead_to_a_neutral_studio_that_says_so(
    outfits: list[Outfit], words: str
) -> None:
    found, suggestion = best(outfits)
    assert found.kind == "studio"
    assert suggestion.reason.startswith(words)


def test_passers_by_have_no_say() -> None:
    verdict = judge([person("workwear", size=200), *[person("beachwear", size=40, left=i) for i in range(5)]])
    assert (verdict.kind, verdict.words) == ("workwear", "1 person in workwear")


def test_most_of_a_group_speak_for_it() -> None:
    verdict = judge([person("sportswear"), person("sportswear"), person("")])
    assert (verdict.kind, verdict.words) == ("sportswear", "2 of 3 people in sportswear")


def test_light_eye_level_and_warmth_choose_among_scenes_for_the_same_outfit() -> None:
    seen = Look(luminance=0.3, warmth=0.4, light="left", eyes=0.35, framing="full length")
    shore = {"kind": "beach", "outfits": ["beachwear"]}
    scenes = [
        made_scene("noon", **shore, luminance=0.9, warmth=-0.5, horizon=0.7, eye_height="sitting"),  # type: ignore[arg-type]
        made_scene("evening", **shore, light="left", luminance=0.3, warmth=0.4, horizon=0.35, eye_height="standing"),  # type: ignore[arg-type]
        made_scene("morning", **shore, light="right", luminance=0.3, warmth=0.4, horizon=0.35),  # type: ignore[arg-type]
    ]
    found = suggest([person("beachwear")], seen, scenes)
    assert [each.scene for each in found] == ["evening", "morning", "noon"]
    assert found[0].reason == ("1 person in beachwear: beach; warm light from the left matches; the eye level matches")
    assert "light" not in found[2].reason


def test_scenes_of_unknown_kind_are_suggested_by_outfit_and_name() -> None:
    scenes = [made_scene("dune", "", ["beachwear"], horizon=None), made_scene("wall", "", horizon=None)]
    found = suggest([person("beachwear")], FRONT, scenes)
    assert [each.scene for each in found] == ["dune", "wall"]
    assert found[0].reason.startswith("1 person in beachwear: dune")
    assert "suits anybody" in found[1].reason
    (only,) = suggest([person("workwear")], FRONT, scenes[:1])
    assert "made for beachwear" in only.reason


def test_scores_fall_and_the_number_of_suggestions_is_kept() -> None:
    found = suggest([person("sportswear")], None, SCENES, 4)
    assert len(found) == 4
    assert all(a.score >= b.score for a, b in pairwise(found))
    assert all(0 <= each.score <= 1 for each in found)
    assert suggest([person("sportswear")], FRONT, [], 4) == []


# How a subject looks


def portrait(side: float = 1.0) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A head of 80 pixels' width from row 40 on, on shoulders; `side` times as bright on its right half."""
    alpha = np.zeros((240, 320), np.float32)
    alpha[40:130, 120:200] = alpha[130:240, 80:240] = 1
    rgb = np.full((240, 320, 3), 90.0)
    rgb[:, 160:] *= side
    return rgb.astype(np.uint8), alpha


def test_the_eyes_are_found_below_the_top_of_the_head() -> None:
    seen = look(*portrait())
    assert seen is not None
    assert 40 + 0.35 * 80 < seen.eyes * 240 < 40 + 0.9 * 80
    assert seen.framing == "head and shoulders"
    small = np.zeros((240, 320), np.float32)
    small[30:50, 150:165] = small[50:220, 140:175] = 1
    whole = look(portrait()[0], small)
    assert whole is not None
    assert whole.framing == "full length"


@pytest.mark.parametrize(("side", "light"), [(1.0, "front"), (1.1, "front"), (2.0, "right"), (0.5, "left")])
def test_the_shading_says_where_the_light_comes_from(side: float, light: str) -> None:
    seen = look(*portrait(side))
    assert seen is not None
    assert seen.light == light


def test_a_dark_subject_before_a_bright_room_has_the_light_behind_it() -> None:
    rgb, alpha = portrait()
    rgb[alpha == 0] = 250
    rgb[alpha == 1] = 50
    seen = look(rgb, alpha)
    assert seen is not None
    assert seen.light == "back"


@pytest.mark.parametrize(("colour", "sign"), [((200, 160, 110), 1), ((110, 160, 200), -1), ((128, 128, 128), 0)])
def test_warm_light_is_warm(colour: tuple[int, int, int], sign: int) -> None:
    seen = look(np.full((240, 320, 3), colour, np.uint8), portrait()[1])
    assert seen is not None
    assert seen.warmth == pytest.approx(np.log2(colour[0] / colour[2]), abs=0.06)
    assert int(np.sign(round(seen.warmth, 2))) == sign


@pytest.mark.parametrize("shape", [(16, 16), (16, 400), (500, 16)])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_any_picture_and_any_matte_have_a_look_or_none(shape: tuple[int, int], alpha: float) -> None:
    seen = look(texture(*shape, (90, 90, 90), 0), np.full(shape, alpha, np.float32))
    assert (seen is None) == (alpha == 0)


# Pictures and clips


def test_a_picture_leads_to_a_scene() -> None:
    detector = MadeDetector([Outfit("workwear", 0.9, (70, 40, 170, 140))])
    (found, *_) = suggest_for(Engine("green-screen"), detector, on_green(), SCENES)
    assert found.scene == "desk"


def test_people_outside_of_the_matte_have_no_say() -> None:
    poster = Outfit("beachwear", 0.9, (0, 0, 60, 60))
    kept = Outfit("workwear", 0.9, (70, 40, 170, 140))
    sight = see(Engine("green-screen"), MadeDetector([poster, kept]), on_green())
    assert sight.outfits == (kept,)


def test_where_the_matte_fails_the_detector_is_believed_unless_one_person_was_chosen() -> None:
    detector = MadeDetector([person("beachwear")])
    engine, nobody = Engine("green-screen"), np.zeros((180, 240), np.float32)
    assert see(engine, detector, on_green(), nobody).outfits == (person("beachwear"),)
    assert see(engine, detector, on_green(), nobody, chosen=True).outfits == ()


def test_people_are_looked_for_in_a_known_matte_of_all_of_them_by_a_network_for_people() -> None:
    detector, known = MadeDetector([]), np.zeros((180, 240), np.float32)
    known[40:140, 70:170] = 1
    portrait = Engine("portrait", "cpu", threads=1)
    see(portrait, detector, on_green(), known)
    assert detector.alpha is not None
    assert detector.alpha.shape == portrait.matter.size(180, 240)
    assert detector.alpha.mean() == pytest.approx(known.mean(), abs=0.01)
    see(portrait, detector, on_green(), known, chosen=True)
    assert detector.alpha is None, "the others are not in it"
    see(Engine("green-screen"), detector, on_green(), known)
    assert detector.alpha is None, "it keys whatever stands before green"


@pytest.mark.parametrize("picture", [np.zeros((16, 16, 3), np.uint8), np.full((40, 60, 3), (0, 177, 64), np.uint8)])
def test_an_empty_picture_leads_to_a_neutral_studio(picture: NDArray[np.uint8]) -> None:
    (found, *_) = suggest_for(Engine("green-screen"), MadeDetector([]), picture, SCENES)
    assert found.scene == "grey"
    assert "nobody is seen" in found.reason


def test_deep_pictures_are_seen_as_others_are() -> None:
    detector = MadeDetector([Outfit("workwear", 0.9, (70, 40, 170, 140))])
    engine = Engine("green-screen")
    deep = on_green().astype(np.uint16) * np.uint16(257)
    assert suggest_for(engine, detector, deep, SCENES) == suggest_for(engine, detector, on_green(), SCENES)


def test_most_pictures_of_a_clip_decide_and_empty_ones_have_no_say() -> None:
    worn = {kind: Sight((person(kind),), FRONT) for kind in ("workwear", "sportswear")}
    empty = Sight((), None)
    votes = [empty, worn["workwear"], worn["sportswear"], worn["workwear"], empty, empty, empty]
    assert vote(votes).outfits == worn["workwear"].outfits
    assert vote([empty, empty]) == empty
    assert vote([]) == empty


def test_the_look_of_a_clip_is_the_mean_of_its_pictures() -> None:
    dark = Look(luminance=0.2, warmth=-0.2, light="left", eyes=0.2, framing="half length")
    sight = vote([Sight((person(""),), each) for each in (FRONT, dark, dark)])
    assert sight.look is not None
    assert (sight.look.light, sight.look.framing) == ("left", "half length")
    assert sight.look.luminance == pytest.approx((0.4 + 0.2 + 0.2) / 3)
