"""Bookcases: no two books of a size, a colour or a lean, and things between them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from cyclorama_scenes import houseplants, shapes, surfaces
from cyclorama_scenes.shapes import Point
from cyclorama_scenes.surfaces import Colour, arithmetic, mix, node, put, ramp

MIXED: tuple[Colour, ...] = (
    (0.42, 0.36, 0.27),
    (0.03, 0.045, 0.07),
    (0.26, 0.045, 0.03),
    (0.55, 0.53, 0.48),
    (0.05, 0.10, 0.085),
    (0.40, 0.22, 0.06),
    (0.03, 0.03, 0.032),
    (0.13, 0.20, 0.26),
    (0.33, 0.26, 0.18),
    (0.09, 0.05, 0.035),
    (0.62, 0.59, 0.52),
    (0.16, 0.18, 0.10),
    (0.35, 0.10, 0.06),
    (0.07, 0.09, 0.15),
    (0.48, 0.40, 0.22),
    (0.22, 0.21, 0.20),
)
LEATHER: tuple[Colour, ...] = (
    (0.17, 0.055, 0.025),
    (0.09, 0.03, 0.018),
    (0.05, 0.035, 0.022),
    (0.22, 0.11, 0.045),
    (0.035, 0.05, 0.032),
    (0.13, 0.025, 0.02),
    (0.28, 0.19, 0.10),
    (0.03, 0.035, 0.05),
    (0.10, 0.07, 0.04),
    (0.38, 0.31, 0.20),
)


def cover(name: str, palette: tuple[Colour, ...], *, gilt: Colour = (0.55, 0.45, 0.25)) -> Any:
    """Bindings: a colour of the palette for each book, a title's bars on the spine, rubbed edges."""
    made, tree, surface = surfaces.blank(name)
    chance = node(tree, "ShaderNodeObjectInfo").outputs["Random"]
    stops = [(number / len(palette), colour) for number, colour in enumerate(palette)]
    cloth = ramp(tree, chance, *stops)
    next(n for n in tree.nodes if n.type == "VALTORGB").color_ramp.interpolation = "CONSTANT"
    where = node(tree, "ShaderNodeTexCoord").outputs["Object"]
    parts = node(tree, "ShaderNodeSeparateXYZ", Vector=where)
    # Letters: short strokes of noise within a band a third of the way down, and a publisher's mark at the foot.
    other = arithmetic(tree, "FRACT", arithmetic(tree, "MULTIPLY", chance, 37.7))
    middle = arithmetic(tree, "MULTIPLY_ADD", other, 0.22, 0.04)
    half = arithmetic(
        tree, "MULTIPLY_ADD", arithmetic(tree, "FRACT", arithmetic(tree, "MULTIPLY", chance, 91.3)), 0.16, 0.05
    )
    near = arithmetic(tree, "ABSOLUTE", arithmetic(tree, "SUBTRACT", parts.outputs["Z"], middle))
    band = arithmetic(tree, "LESS_THAN", near, half)
    place = surfaces.coordinates(tree, (0.6, 1.0, 0.16))
    strokes = surfaces.span(tree, surfaces.noise(tree, place, 0.2, octaves=2), 0.50, 0.56)
    within = arithmetic(tree, "LESS_THAN", arithmetic(tree, "ABSOLUTE", parts.outputs["X"]), 0.26)
    spine = arithmetic(tree, "LESS_THAN", parts.outputs["Y"], -0.44)
    letters = arithmetic(
        tree, "MULTIPLY", arithmetic(tree, "MULTIPLY", band, strokes), arithmetic(tree, "MULTIPLY", within, spine)
    )
    title = mix(tree, arithmetic(tree, "GREATER_THAN", other, 0.55), gilt, (0.72, 0.70, 0.66))
    rubbed = ramp(
        tree, surfaces.noise(tree, surfaces.coordinates(tree), 0.3, octaves=5, rough=0.7), (0.3, 0.8), (0.72, 1.12)
    )
    put(tree, surface.inputs["Base Color"], mix(tree, letters, mix(tree, 1.0, cloth, rubbed, "MULTIPLY"), title))
    put(tree, surface.inputs["Roughness"], arithmetic(tree, "MULTIPLY_ADD", other, 0.45, 0.35))
    return made


def book(binding: Any, paper: Any) -> Any:
    """An original of size 1 x 1 x 1 about its middle, its round spine towards the camera; hidden."""
    angle = np.linspace(-1, 1, 9)
    x = np.broadcast_to((0.5 * np.sin(angle * 1.2) / np.sin(1.2))[:, None], (9, 2))
    y = np.broadcast_to((-0.46 - 0.04 * np.cos(angle * 1.5))[:, None], (9, 2))
    spine = shapes.grid("spine", x, y, np.broadcast_to(np.array([[-0.5, 0.5]]), (9, 2)), binding)
    boards = [shapes.box((0.07, 0.95, 1.0), (side * 0.465, 0.02, 0), binding, bevel=0) for side in (-1, 1)]
    pages = shapes.box((0.88, 0.9, 0.97), (0, 0.0, -0.005), paper, bevel=0)
    made = shapes.joined([spine, *boards, pages])
    made.hide_render = True
    return made


def row(
    original: Any,
    x: tuple[float, float],
    y: float,
    z: float,
    tall: float,
    random: np.random.Generator,
    *,
    full: float = 1.0,
) -> float:
    """Books on a shelf whose front is at `y`, none higher than `tall`; returns where they end."""
    at, end = x[0], x[0] + (x[1] - x[0]) * full
    while at < end - 0.015:
        # Series stand together; sizes change from one to the next.
        high, deep = tall * random.uniform(0.68, 0.97), random.uniform(0.13, 0.19)
        thick = float(np.clip(random.lognormal(-3.5, 0.42), 0.012, 0.065))
        for _ in range(random.integers(2, 6) if random.random() < 0.22 else 1):
            if at + thick > end:
                break
            one = shapes.copy(
                original,
                (at + thick / 2, y + deep / 2 + random.uniform(0.004, 0.022), z + high / 2),
                (0, random.normal() * 0.4, 0),
            )
            one.scale = (thick, deep, high)
            at += thick + random.uniform(0.0, 0.002)
        if random.random() < 0.05:
            at += random.uniform(0.02, 0.05)
    if full < 1:
        lean = random.uniform(9, 15)
        thick, high = 0.026, tall * 0.8
        one = shapes.copy(
            original,
            (at + thick + 0.5 * high * np.sin(np.radians(lean)), y + 0.1, z + 0.5 * high * np.cos(np.radians(lean))),
            (0, -lean, 0),
        )
        one.scale = (thick, 0.17, high)
        at += thick + high * np.sin(np.radians(lean))
    return at


def stack(original: Any, at: Point, random: np.random.Generator, *, count: int = 4, high: float = 0.24) -> float:
    """Books lying on each other, their spines to the front; returns the height of the top one."""
    z = at[2]
    for number in range(count):
        thick, long = random.uniform(0.018, 0.042), high * random.uniform(0.8, 1.1) * (1 - 0.04 * number)
        one = shapes.copy(
            original,
            (at[0] + random.normal() * 0.008, at[1] + random.normal() * 0.008, z + thick / 2),
            (0, 90, random.normal() * 5),
        )
        one.scale = (thick, long * 0.72, long)
        z += thick
    return z


def ornament(at: Point, kind: int, random: np.random.Generator) -> None:
    """A vase, a bowl, a box, a plant or a framed card to break the rows."""
    clay = surfaces.material(
        "clay",
        [(0.50, 0.43, 0.34), (0.09, 0.10, 0.105), (0.45, 0.20, 0.10), (0.60, 0.59, 0.56)][random.integers(4)],
        size=0.1,
        roughness=0.5,
        relief=0.0015,
        relief_size=0.03,
    )
    if kind == 0:
        h, r = random.uniform(0.15, 0.24), random.uniform(0.05, 0.075)
        shapes.lathe(
            [
                (0, 0),
                (r * 0.6, 0),
                (r, h * 0.35),
                (r * 0.9, h * 0.55),
                (r * 0.32, h * 0.82),
                (r * 0.42, h),
                (r * 0.36, h),
            ],
            at,
            clay,
        )
    elif kind == 1:
        shapes.lathe(
            [(0, 0), (0.04, 0), (0.05, 0.01), (0.09, 0.06), (0.105, 0.085), (0.10, 0.083), (0.05, 0.02), (0, 0.015)],
            at,
            clay,
        )
    elif kind == 2:
        card = surfaces.fabric("box", (0.20, 0.19, 0.17))
        shapes.box((0.22, 0.2, 0.14), (at[0], at[1] + 0.03, at[2] + 0.07), card)
        shapes.box((0.226, 0.206, 0.035), (at[0], at[1] + 0.03, at[2] + 0.135), card)
    elif kind == 3:
        houseplants.trailing(at, seed=int(random.integers(99)), fall=random.uniform(0.2, 0.5))
    else:
        shapes.box(
            (0.15, 0.012, 0.20),
            (at[0], at[1] + 0.06, at[2] + 0.1),
            surfaces.wood("rim", (0.2, 0.12, 0.06), (0.1, 0.06, 0.03), along="z"),
            turn=(-9, 0, 4),
        )
        shapes.box(
            (0.12, 0.004, 0.17),
            (at[0], at[1] + 0.052, at[2] + 0.1),
            surfaces.material("print", (0.6, 0.55, 0.47), second=(0.15, 0.17, 0.18), size=0.08),
            turn=(-9, 0, 4),
        )


def bookcase(
    x: tuple[float, float],
    y: float,
    shelves: list[float],
    wood: Any,
    original: Any,
    *,
    bays: int,
    seed: int,
    deep: float = 0.27,
    board: float = 0.026,
    decorated: float = 0.22,
) -> None:
    """Shelves across the view between `x`, front at `y`; `shelves`: heights of the boards up to the top."""
    random = np.random.default_rng(seed)
    width = (x[1] - x[0]) / bays
    foot, top = shelves[0], shelves[-1]
    for number in range(bays + 1):
        shapes.box((board, deep, top - foot + 0.06), (x[0] + number * width, y + deep / 2, (foot + top) / 2), wood)
    shapes.box((x[1] - x[0], 0.012, top - foot), ((x[0] + x[1]) / 2, y + deep, (foot + top) / 2), wood, bevel=0)
    for low, high in [*itertools.pairwise(shelves), (top, top + 0.35)]:
        for bay in range(bays):
            left = x[0] + bay * width
            shapes.box((width - board, deep - 0.01, board), (left + width / 2, y + deep / 2, low), wood, bevel=0.003)
            if low == top:
                continue
            inside = (left + board * 0.7, left + width - board * 0.7)
            floor, tall = low + board / 2, high - low - board - 0.025
            chance = random.random()
            if chance < decorated:
                end = row(original, inside, y + 0.02, floor, min(tall, 0.31), random, full=random.uniform(0.3, 0.6))
                free = inside[1] - end
                if free > 0.3:
                    up = stack(
                        original,
                        (end + free * 0.4, y + 0.13, floor),
                        random,
                        count=int(random.integers(2, 5)),
                        high=min(free * 0.8, 0.25),
                    )
                    if tall - (up - floor) > 0.28:
                        ornament((end + free * 0.4, y + 0.13, up), int(random.integers(2)), random)
                elif free > 0.16 and tall > 0.25:
                    ornament((end + free * 0.55, y + 0.13, floor), int(random.integers(5)), random)
            else:
                row(
                    original,
                    inside,
                    y + 0.02,
                    floor,
                    min(tall, 0.31),
                    random,
                    full=1.0 if random.random() < 0.6 else random.uniform(0.72, 0.9),
                )
