"""The sheet of suggestions: the picture as it is, and before the scenes that fit best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cyclorama.band import shrink
from cyclorama.colour import to_8_bits
from cyclorama.engine import Engine
from cyclorama.foreground import estimate_foreground
from cyclorama.suggest import judge
from cyclorama.suggesting import Sight, vote
from cyclorama.types import Alpha, Matte, Rgb, Settings
from cyclorama_ffmpeg import batch
from cyclorama_ffmpeg.sheet import Card, card_sheet
from cyclorama_ffmpeg.still import Still
from cyclorama_ffmpeg.suggestions import Choice, Chooser

LARGEST = (480, 360)  # width and height in pixels of a picture on the sheet
COLUMNS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What is shown, uint8 (H, W, 3) sRGB with its matte, and what is seen in it."""

    rgb: Rgb
    alpha: Alpha
    sight: Sight


def is_video(source: Path) -> bool:
    """Whether a file is taken for a video: by its name, as folders are searched."""
    return source.suffix.lower() in batch.READABLE


def of_picture(chooser: Chooser, picture: Still) -> Shown:
    """A picture as it is seen."""
    alpha = chooser.matte_of(picture)
    return Shown(picture.srgb, alpha, chooser.sight_of_picture(picture, alpha))


def of_video(chooser: Chooser, source: Path) -> Shown:
    """A video by several of its pictures, and the one of them that shows most of what they have in common.

    Raises:
        MediaError, PictureError: it cannot be used.
    """
    moments = chooser.sights_of_video(source)
    sight = vote([each for _, _, each in moments])
    rgb, alpha, _ = next((moment for moment in moments if moment[2].outfits == sight.outfits), moments[0])
    return Shown(rgb, alpha, sight)


def sheet(engine: Engine, shown: Shown, choices: Sequence[Choice]) -> Rgb:
    """The page: uint8 (H, W, 3)."""
    height, width = shown.alpha.shape
    scale = min(1.0, LARGEST[0] / width, LARGEST[1] / height)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    rgb, alpha = shrink(shown.rgb, *size), shrink(shown.alpha, *size)
    matte = Matte(alpha, estimate_foreground(rgb, alpha))
    cards = [Card(rgb, "as it is", worn_by(shown.sight))]
    for choice in choices:
        picture = to_8_bits(engine.session(Settings(choice.background)).compose(rgb, matte))
        cards.append(Card(picture, f"{len(cards)}. {choice.scene.name}", choice.suggestion.reason))
    return card_sheet(cards, COLUMNS)


def worn_by(sight: Sight) -> str:
    """What is seen of everybody's clothes, in words."""
    verdict = judge(sight.outfits)
    return f"{verdict.words}, {verdict.confidence:.0%} sure" if verdict.kind else verdict.words
