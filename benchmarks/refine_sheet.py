"""Hair at its own size, before and after `refine`: pictures that may be shown to anybody.

    python benchmarks/refine_sheet.py docs/refine.jpg

A photograph in the public domain (NASA's of Eileen Collins, from scikit-image), and the same with drawn hair before
built-in scenes, whose true matte is in the sheet too.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from cyclorama import Colour, Engine, Settings, trimap
from cyclorama.composite import composite, cover, fill
from cyclorama.editing import scene_picture
from cyclorama.foreground import estimate_foreground
from cyclorama.types import Alpha, Rgb
from cyclorama_ffmpeg.sheet import grey, labelled_sheet
from cyclorama_training.data import person
from cyclorama_training.hair_grown import grown
from cyclorama_training.refine_material import mixed

SIDE = 288  # pixels of each crop
QUALITY = 80
HEADINGS = ("picture", "trimap", "portrait", "portrait-best", "refined", "truth", "before green")
DRAWN = (("studio-warm", 3), ("reading-corner", 11), ("beach-noon", 21))  # scenes, and seeds of the hair before them
LONG_SIDE = 1024
GREEN = Colour(0, 177, 64)
PHOTOGRAPH = (0, 60)  # top and left of what is shown of it


def drawn(engine: Engine, scene: str, seed: int) -> tuple[Rgb, Alpha]:
    """Her with drawn hair before a scene, and the matte."""
    rgb = data.astronaut()
    levels = np.rint(engine.matte(rgb, Settings(decontaminate=False)).alpha * 255).astype(np.uint8)
    someone = person("astronaut", rgb, levels)
    assert someone is not None
    foreground, grown_levels = grown(np.random.default_rng(seed), someone, LONG_SIDE)
    alpha = grown_levels.astype(np.float32) / 255
    behind = cv2.GaussianBlur(cover(scene_picture(scene), *alpha.shape), (0, 0), 3)
    return np.rint(mixed(foreground, alpha, behind)).astype(np.uint8), alpha


def busiest(alpha: Alpha) -> tuple[int, int]:
    """Top and left of the crop with most of what is soft in the upper half, where the head is."""
    soft = ((alpha > 0.05) & (alpha < 0.95)).astype(np.float32)
    soft[alpha.shape[0] // 2 :] = 0
    sums = cv2.boxFilter(soft, -1, (SIDE, SIDE), normalize=False, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
    inside = sums[: alpha.shape[0] - SIDE, : alpha.shape[1] - SIDE]
    top, left = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(top), int(left)


def row(engines: Sequence[Engine], rgb: Rgb, truth: Alpha | None, at: tuple[int, int]) -> list[Rgb]:
    """The pictures of a row, for `HEADINGS`."""
    before = [engine.matte(rgb, Settings(decontaminate=False)).alpha for engine in engines]
    alpha = engines[-1].matte(rgb, Settings(decontaminate=False, refine=True)).alpha
    green = composite(estimate_foreground(rgb, alpha), alpha, fill(GREEN, *alpha.shape))
    nothing = np.full(alpha.shape, 0.96, np.float32)
    mattes = [trimap.of_doubt(before[-1]), *before, alpha, nothing if truth is None else truth]
    part = slice(at[0], at[0] + SIDE), slice(at[1], at[1] + SIDE)
    return [np.ascontiguousarray(picture[part]) for picture in (rgb, *map(grey, mattes), green)]  # type: ignore[misc]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sheet", type=Path)
    arguments = parser.parse_args()
    engines = [Engine(model, "cpu") for model in ("portrait", "portrait-best")]
    rows = [("Eileen Collins, NASA", row(engines, data.astronaut(), None, PHOTOGRAPH))]
    for scene, seed in DRAWN:
        rgb, truth = drawn(engines[-1], scene, seed)
        rows.append((f"the same with drawn hair, before {scene}", row(engines, rgb, truth, busiest(truth))))
    page = np.ascontiguousarray(labelled_sheet(rows, HEADINGS, SIDE)[..., ::-1])
    cv2.imwrite(str(arguments.sheet), page, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


if __name__ == "__main__":
    main()
