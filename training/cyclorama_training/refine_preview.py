"""A sheet of what the `refine` network is shown: for the eye, before hours are spent on it."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from cyclorama_ffmpeg.sheet import contact_sheet, grey
from cyclorama_training.data import Image
from cyclorama_training.hair import Float
from cyclorama_training.refine_compose import Planes, crop_of
from cyclorama_training.refine_material import RefineRecipe, made, rooms_of

COMPOSITES, CROPS = 6, 2  # pictures, and crops of each


def sheet(recipe: RefineRecipe, root: Path) -> Image:
    """Picture, alpha, the matte before, the two of closed-form matting, and foreground of crops: uint8 (H, W, 3).

    Raises:
        SettingError, MediaError: see `cyclorama_training.refine_material.made`.
    """
    rooms = rooms_of(recipe, root, "train")
    with tempfile.TemporaryDirectory() as folder:
        few = replace(recipe, composites=COMPOSITES)
        composites = made(few, root, "train", Path(folder), rooms, lambda _: None)
        rows = [
            views(crop_of(np.random.default_rng((recipe.seed, number)), composite, recipe.side))
            for composite in composites
            for number in range(CROPS)
        ]
    return contact_sheet(rows, recipe.side)


def views(crop: Planes) -> list[Image]:
    mattes = (grey(np.ascontiguousarray(crop[name][..., 0])) for name in ("alpha", "before", "trusting", "colours"))
    return [colours(crop["rgb"]), *mattes, colours(crop["foreground"])]


def colours(rgb: Float) -> Image:
    return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)
