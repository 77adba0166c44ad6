"""Suggestions for pictures: the engine's matte, the detector's outfits and the catalogue brought together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cyclorama.band import shrink
from cyclorama.colour import to_8_bits
from cyclorama.engine import Engine
from cyclorama.look import Look, look
from cyclorama.suggest import judge, suggest
from cyclorama.types import Alpha, DeepRgb, Outfit, Scene, Settings, Suggestion

if TYPE_CHECKING:
    from cyclorama.outfit import Box, Detector

# Mean alpha in the middle of a person's box, below which the person is not kept: a face on a poster, or one of
# several where another was chosen.
KEPT = 0.3
# Models whose mattes find people at least as well as the detector's own matte does, which then is not made.
FINDERS = ("portrait", "portrait-best")


@dataclass(frozen=True, slots=True)
class Sight:
    """What one picture shows.

    Attributes:
        outfits: of the people in the matte, the largest first; boxes in pixels of the picture.
        look: of the subject; None where there is none.
    """

    outfits: tuple[Outfit, ...]
    look: Look | None


def see(engine: Engine, detector: Detector, rgb: DeepRgb, alpha: Alpha | None = None, *, chosen: bool = False) -> Sight:
    """Looks at a picture.

    Args:
        rgb: uint8 or uint16 (H, W, 3) sRGB.
        alpha: float32 (H, W), the subject's matte if it is known; None: it is made.
        chosen: the matte is of one person out of several. Else, where it shows none of those that the detector
            sees, it is the matte that is wrong, and all of them count.

    Raises:
        PictureError: see `cyclorama.engine.check`.
    """
    matte = engine.matte(rgb, Settings(decontaminate=False)).alpha if alpha is None else alpha
    eight = to_8_bits(rgb)
    everybody = not chosen and engine.matter.name in FINDERS
    people = detector.detect(eight, shrink(matte, *engine.matter.size(*matte.shape)) if everybody else None)
    kept = [each for each in people if _middle(matte, each.box) >= KEPT]
    return Sight(tuple(kept if kept or chosen else people), look(eight, matte))


def suggest_for(
    engine: Engine, detector: Detector, rgb: DeepRgb, scenes: Sequence[Scene], top: int = 5
) -> list[Suggestion]:
    """The scenes that fit a picture, the best first; see `see` and `cyclorama.suggest.suggest`."""
    sight = see(engine, detector, rgb)
    return suggest(sight.outfits, sight.look, scenes, top)


def vote(sights: Sequence[Sight]) -> Sight:
    """Several pictures of one clip as one: what most of them show, and how it looks on average.

    Pictures without anybody have no say where others show somebody.
    """
    seen = [each for each in sights if each.outfits] or [each for each in sights if each.look] or list(sights)
    if not seen:
        return Sight((), None)
    kinds = Counter(judge(each.outfits).kind for each in seen)
    kind = max(kinds, key=lambda each: (kinds[each], each != ""))
    agreed = [each for each in seen if judge(each.outfits).kind == kind]
    best = max(agreed, key=lambda each: sum(outfit.confidence for outfit in each.outfits))
    looks = [each.look for each in seen if each.look is not None]
    return Sight(best.outfits, _mean(looks))


def _mean(looks: Sequence[Look]) -> Look | None:
    if not looks:
        return None
    side, _ = Counter(each.light for each in looks).most_common(1)[0]
    framing, _ = Counter(each.framing for each in looks).most_common(1)[0]
    middle = {name: sum(getattr(each, name) for each in looks) / len(looks) for name in ("luminance", "warmth", "eyes")}
    return replace(looks[0], light=side, framing=framing, **middle)


def _middle(alpha: Alpha, box: Box) -> float:
    """Mean alpha of a box's middle half."""
    left, top, right, bottom = box
    across, down = (right - left) // 4, (bottom - top) // 4
    middle = alpha[max(0, top + down) : max(0, bottom - down), max(0, left + across) : max(0, right - across)]
    return float(middle.mean()) if middle.size else 0.0
