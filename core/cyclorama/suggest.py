"""Which scenes fit the people in a picture, and why.

The outfit decides: a scene that suits it comes before every one that suits anybody, and that before every one
made for other clothes. Among equals decides how the scene's light and eye level go with the subject's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cyclorama.look import Look
from cyclorama.types import OUTFITS, Outfit, Scene, Suggestion

NEUTRAL = "studio"  # the kind of scene that nobody looks wrong in

# People smaller than this share of the largest, by area, are passers-by.
PASSER_BY = 0.15
# One outfit speaks for a group where it has this share of the people, weighted by size, and no other outfit half as
# much as it has.
SHARE, RIVAL = 0.4, 0.5

# Parts of the score; the light's whole part is less than the steps between outfits, so that it orders equals alone.
OUTFIT_PART = 0.7
ANYBODY, SECOND = 0.2, 0.5  # of the outfit's part: a scene for anybody where clothes are known; where they are not
SURE = 0.7  # of the outfit's part for a right scene; the rest is the detector's confidence
SIDE, WARMTH, BRIGHTNESS, EYES = 0.35, 0.2, 0.15, 0.3  # of the light's part

WARM = 0.12  # log2 of red over blue from which light is called warm, and below minus which cool
WARMTH_RANGE, BRIGHTNESS_RANGE, EYES_RANGE = 0.8, 0.5, 0.35  # differences at which nothing is left of a part
EYES_MATCH = 0.08  # share of the height within which the eyes are at the scene's eye level


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the outfits of a group come to.

    Attributes:
        kind: one of `OUTFITS`; "" where none speaks for all.
        confidence: of the kind, 0 ... 1.
        words: the people, for the reason: "2 people in sportswear".
    """

    kind: str
    confidence: float
    words: str


def suggest(outfits: Sequence[Outfit], look: Look | None, scenes: Sequence[Scene], top: int = 5) -> list[Suggestion]:
    """The scenes that fit best, the best first.

    Args:
        outfits: of everybody in the picture.
        look: of the subject; None where it is not known: then the outfit alone decides.
        scenes: to choose from.
        top: how many at most.
    """
    verdict = judge(outfits)
    found = [_suggestion(verdict, look, scene) for scene in scenes]
    return sorted(found, key=lambda each: -each.score)[:top]  # stable: equals stay in the catalogue's order


def judge(outfits: Sequence[Outfit]) -> Verdict:
    """What a group wears."""
    largest = max((_area(each) for each in outfits), default=0)
    group = [each for each in outfits if _area(each) >= PASSER_BY * largest]
    if not group:
        return Verdict("", 0, "nobody is seen")
    # By the side, not the area: who stands nearer counts for more, but not for everybody.
    weights = [_area(each) ** 0.5 or 1.0 for each in group]
    votes: Counter[str] = Counter()
    for each, weight in zip(group, weights, strict=True):
        if each.kind in OUTFITS:
            votes[each.kind] += weight  # type: ignore[assignment]  # Counter is typed for whole numbers
    counts = Counter(each.kind for each in group if each.kind in OUTFITS)
    if not votes:
        whose = "the person wears" if len(group) == 1 else f"{len(group)} people wear"
        return Verdict("", 0, f"{whose} nothing that asks for a place of its own")
    (kind, most), *others = votes.most_common()
    if most < SHARE * sum(weights) or (others and others[0][1] > RIVAL * most):
        worn = ", ".join(f"{count} in {name}" for name, count in counts.most_common())
        rest = len(group) - sum(counts.values())
        return Verdict("", 0, f"mixed clothes ({worn}{f', {rest} in others' if rest else ''})")
    mean = sum(e.confidence * w for e, w in zip(group, weights, strict=True) if e.kind == kind) / most
    return Verdict(kind, mean, f"{_people(counts[kind], len(group))} in {kind}")


def _suggestion(verdict: Verdict, look: Look | None, scene: Scene) -> Suggestion:
    place = scene.kind or scene.title or scene.name
    reasons: list[str] = []
    if verdict.kind:
        if verdict.kind in scene.outfits:
            outfit = SURE + (1 - SURE) * verdict.confidence
        else:
            outfit = 0.0 if scene.outfits else ANYBODY
            reasons.append(f"made for {' and '.join(scene.outfits)}" if scene.outfits else "suits anybody")
        words = f"{verdict.words}: {place}"
    else:
        outfit = 1.0 if scene.kind == NEUTRAL else 0.0 if scene.outfits else SECOND
        if scene.kind == NEUTRAL:
            words = f"{verdict.words}: a neutral studio"
        else:
            words = f"{verdict.words}: {place}"
            reasons.append(f"made for {' and '.join(scene.outfits)}" if scene.outfits else "suits anybody")
    share, matches = _light(look, scene)
    score = OUTFIT_PART * outfit + (1 - OUTFIT_PART) * share
    return Suggestion(scene.name, round(score, 3), "; ".join([words, *reasons, *matches]))


def _light(look: Look | None, scene: Scene) -> tuple[float, list[str]]:
    """How the scene's light and eye level go with the subject's, 0 ... 1, and what of it matches, in words."""
    if look is None:
        return 0.5, []
    side = {True: 1.0, False: 0.5}[look.light == scene.light]
    if {look.light, scene.light} == {"left", "right"}:
        side = 0.0
    warmth = max(0.0, 1 - abs(look.warmth - scene.warmth) / WARMTH_RANGE)
    brightness = max(0.0, 1 - abs(look.luminance - scene.luminance) / BRIGHTNESS_RANGE)
    eyes = 0.5
    if scene.horizon is not None:
        eyes = max(0.0, 1 - abs(look.eyes - scene.horizon) / EYES_RANGE)
    seated = look.framing == "head and shoulders"
    if scene.eye_height and (scene.eye_height == "sitting") != seated:
        eyes *= 0.7
    matches: list[str] = []
    if look.light == scene.light and look.light in ("left", "right", "back"):
        tone = _tone(scene.warmth) if _tone(scene.warmth) == _tone(look.warmth) else ""
        where = "from behind" if look.light == "back" else f"from the {look.light}"
        matches.append(f"{tone}{' ' if tone else ''}light {where} matches")
    elif _tone(look.warmth) and _tone(look.warmth) == _tone(scene.warmth):
        matches.append(f"the {_tone(scene.warmth)} light matches")
    if scene.horizon is not None and abs(look.eyes - scene.horizon) <= EYES_MATCH:
        matches.append("the eye level matches")
    return SIDE * side + WARMTH * warmth + BRIGHTNESS * brightness + EYES * eyes, matches


def _tone(warmth: float) -> str:
    return "warm" if warmth > WARM else "cool" if warmth < -WARM else ""


def _people(count: int, of: int) -> str:
    if count < of:
        return f"{count} of {of} people"
    return "1 person" if count == 1 else f"{count} people"


def _area(outfit: Outfit) -> int:
    left, top, right, bottom = outfit.box
    return max(0, right - left) * max(0, bottom - top)
