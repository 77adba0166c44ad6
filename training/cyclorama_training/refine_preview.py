"""A sheet of what the `refine` network is shown: for the eye, before hours are spent on it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from cyclorama_ffmpeg.sheet import contact_sheet, grey
from cyclorama_training.data import Image
from cyclorama_training.hair import Float
from cyclorama_training.refine_compose import Crop, crop_of
from cyclorama_training.refine_material import RefineRecipe, made, rooms_of

PEOPLE, CROPS = 6, 3  # people, and crops of each
CROPS_A_ROW = 3


def sheet(recipe: RefineRecipe, root: Path) -> Image:
    """Picture, alpha, trimap and foreground of crops: uint8 (H, W, 3).

    Raises:
        SettingError, MediaError: see `cyclorama_training.refine_material.made`.
    """
    rooms = rooms_of(recipe, root, "train")
    with tempfile.TemporaryDirectory() as folder:
        few = replace(recipe, cutouts=PEOPLE)
        cutouts = made(few, root, "train", Path(folder), rooms, lambda _: None)
        crops = [
            crop_of(np.random.default_rng((recipe.seed, number)), cutout, rooms, recipe.side)
            for cutout in cutouts
            for number in range(CROPS)
        ]
    rows = [crops[start : start + CROPS_A_ROW] for start in range(0, len(crops), CROPS_A_ROW)]
    return contact_sheet([[view for crop in row for view in views(crop)] for row in rows], recipe.side)


def views(crop: Crop) -> list[Image]:
    """Picture, alpha, trimap and foreground."""
    known = np.where(crop.unknown > 0, 0.5, np.rint(crop.alpha))
    return [colours(crop.rgb), grey(crop.alpha), grey(known), colours(crop.foreground)]


def colours(rgb: Float) -> Image:
    return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
