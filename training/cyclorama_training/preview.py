"""The preview of a recipe: what its phases will show the network, with the truth beside or under it."""

from __future__ import annotations

import numpy as np

from cyclorama_ffmpeg.sheet import captioned, contact_sheet, grey
from cyclorama_training.compose import Composer, Sample
from cyclorama_training.data import Image
from cyclorama_training.recipe import Phase, Recipe
from cyclorama_training.sheet import stacked

WIDTH = 2300  # pixels, about: a row takes as many pictures as fit
HEIGHT = 160  # pixels of a picture or frame
ROWS = 4  # of pictures, or clips, a phase; more where it has more kinds of batches
MOST_FRAMES = 8  # of a clip, evenly spread over it


def preview(recipe: Recipe, composer: Composer) -> Image:
    """A sheet uint8 (H, W, 3): of phases of pictures, each beside its matte; of phases of clips, strips over mattes."""
    pages = []
    for number, phase in enumerate(recipe.phases, 1):
        text = f"phase {number} of {len(recipe.phases)}: {describe(phase)}"
        rng = np.random.default_rng((recipe.seed, number))
        rows: list[list[Image]] = []
        for row in range(max(ROWS, len(phase.batches))):
            batch = phase.batches[row % len(phase.batches)]
            if batch.frames > 1:
                rows += strip(composer.sample(rng, batch.height, batch.width, batch.frames))
            else:
                columns = max(1, WIDTH * batch.height // (2 * batch.width * HEIGHT))
                samples = [composer.sample(rng, batch.height, batch.width) for _ in range(columns)]
                rows.append([cell for s in samples for cell in (s.rgb[0], grey(s.alpha[0]))])
        pages.append(captioned(contact_sheet(rows, HEIGHT), text))
    return stacked(pages)


def describe(phase: Phase) -> str:
    batches = ", ".join(
        f"{b.clips} {'pictures' if b.frames == 1 else f'clips of {b.frames} frames'} of {b.width} x {b.height}"
        for b in phase.batches
    )
    return f"{phase.steps} steps of {batches}; rate {phase.rate:g}"


def strip(clip: Sample) -> list[list[Image]]:
    """Two rows: frames, and under them their mattes."""
    count = min(MOST_FRAMES, len(clip.rgb))
    shown = np.linspace(0, len(clip.rgb) - 1, count).round().astype(int)
    return [[clip.rgb[t] for t in shown], [grey(clip.alpha[t]) for t in shown]]
