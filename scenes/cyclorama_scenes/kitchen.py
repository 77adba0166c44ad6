"""A fitted kitchen along one wall, and what stands about on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from cyclorama_scenes import furniture, interior, shapes, surfaces
from cyclorama_scenes.interior import Opening
from cyclorama_scenes.shapes import Point

COUNTER = 0.93  # metres; the top of the worktop
DEEP = 0.62


def fitted(back: float, span: tuple[float, float], window: Opening) -> None:
    """Cupboards, worktop, tiles, sink, stove, hood and two open shelves against the wall at y = `back`."""
    front = surfaces.material(
        "front", (0.15, 0.19, 0.165), second=(0.13, 0.17, 0.15), size=0.8, roughness=0.42, worn=0.08
    )
    dark = surfaces.material("plinth", (0.03, 0.03, 0.03))
    brass = surfaces.metal("brass", (0.52, 0.36, 0.15), roughness=0.25)
    steel = surfaces.metal("steel", (0.55, 0.55, 0.56), roughness=0.22)
    top = surfaces.wood("worktop", (0.44, 0.27, 0.13), (0.30, 0.17, 0.075), along="x", roughness=0.35)
    face = back - DEEP
    shapes.box((span[1] - span[0], 0.5, 0.1), (sum(span) / 2, back - 0.25, 0.05), dark)
    shapes.box(
        (span[1] - span[0], DEEP, COUNTER - 0.14),
        (sum(span) / 2, back - DEEP / 2, 0.1 + (COUNTER - 0.14) / 2),
        front,
        bevel=0,
    )
    shapes.box(
        (span[1] - span[0] + 0.02, DEEP + 0.03, 0.04), (sum(span) / 2, back - DEEP / 2 - 0.01, COUNTER - 0.02), top
    )
    edges = np.arange(span[0], span[1] - 0.1, 0.6)
    for number, x in enumerate(edges):
        # Shaker fronts: a frame about a sunken panel; drawers at every third place.
        heights = [(0.11, 0.34), (0.46, 0.22), (0.69, 0.18)] if number % 3 == 1 else [(0.11, 0.76)]
        for low, tall in heights:
            middle = (x + 0.3, face - 0.01, low + tall / 2)
            shapes.box((0.592, 0.012, tall), middle, front, bevel=0.002)
            for side in (-1, 1):
                shapes.box((0.06, 0.012, tall), (middle[0] + side * 0.266, face - 0.02, middle[2]), front, bevel=0.003)
                shapes.box(
                    (0.48, 0.012, 0.055),
                    (middle[0], face - 0.02, middle[2] + side * (tall / 2 - 0.0275)),
                    front,
                    bevel=0.003,
                )
            wide = number % 3 == 1
            at = (middle[0] + (0 if wide else 0.25), face - 0.045, middle[2] + (0 if wide else 0.2))
            shapes.tube(
                [
                    (at[0] - 0.06 * wide, at[1], at[2] - 0.06 * (not wide)),
                    (at[0] + 0.06 * wide, at[1], at[2] + 0.06 * (not wide)),
                ],
                0.006,
                brass,
            )
    tiles = interior.brick(
        "tiles",
        (0.60, 0.58, 0.52),
        (0.70, 0.68, 0.63),
        (0.46, 0.44, 0.40),
        size=(0.13, 0.065),
        joint=0.004,
        relief=0.004,
        roughness=0.16,
    )
    shapes.plane(
        (span[1] - window[1], 0.75), ((span[1] + window[1]) / 2, back - 0.006, COUNTER + 0.375), tiles, turn=(90, 0, 0)
    )
    shapes.plane(
        (window[1] - span[0], window[2] - COUNTER),
        ((span[0] + window[1]) / 2, back - 0.006, (COUNTER + window[2]) / 2),
        tiles,
        turn=(90, 0, 0),
    )
    # Under the window: a tap with a high arch, the sink's rim.
    arch = np.linspace(0, np.pi, 20)
    x = (window[0] + window[1]) / 2
    pipe = [(x, back - 0.12, COUNTER), (x, back - 0.12, COUNTER + 0.22)]
    pipe += [(x, back - 0.20 + 0.08 * np.cos(a), COUNTER + 0.24 + 0.08 * np.sin(a)) for a in arch]
    shapes.tube([*pipe, (x, back - 0.28, COUNTER + 0.17)], 0.011, brass)
    shapes.box(
        (0.62, 0.42, 0.012),
        (x, back - 0.33, COUNTER + 0.003),
        surfaces.material("sink", (0.62, 0.61, 0.58), roughness=0.2),
        bevel=0.004,
    )
    # Stove and plastered hood right of the middle.
    shapes.box(
        (0.60, 0.52, 0.008),
        (0.62, back - 0.31, COUNTER + 0.004),
        surfaces.material("hob", (0.012, 0.012, 0.013), roughness=0.08, worn=0.03),
    )
    shapes.box(
        (0.598, 0.02, 0.60),
        (0.60, face - 0.022, 0.5),
        surfaces.material("oven", (0.02, 0.02, 0.022), roughness=0.15),
        bevel=0.006,
    )
    shapes.tube([(0.36, face - 0.07, 0.74), (0.84, face - 0.07, 0.74)], 0.010, steel)
    hood = interior.wall_paint("hood", (0.66, 0.64, 0.59))
    shapes.box(
        (0.82, 0.46, 0.10),
        (0.62, back - 0.23, 1.72),
        surfaces.wood("beam", (0.36, 0.22, 0.11), (0.24, 0.13, 0.06), along="x"),
    )
    shapes.box((0.74, 0.40, 1.1), (0.62, back - 0.20, 2.30), hood, bevel=0.02)
    for up in (1.50, 1.88):
        shapes.box(
            (1.35, 0.24, 0.032),
            (1.95, back - 0.12, up),
            surfaces.wood("shelf", (0.40, 0.25, 0.12), (0.27, 0.15, 0.07), along="x"),
        )
        for x in (1.45, 2.45):
            shapes.tube(
                [(x, back - 0.01, up - 0.14), (x, back - 0.03, up - 0.02), (x, back - 0.2, up - 0.018)], 0.007, brass
            )
        shapes.box(
            (0.75, 0.22, 0.032),
            (-0.42, back - 0.11, up),
            surfaces.wood("shelf", (0.40, 0.25, 0.12), (0.27, 0.15, 0.07), along="x"),
        )
    rail = COUNTER + 0.40
    shapes.tube([(-0.75, back - 0.05, rail), (-0.08, back - 0.05, rail)], 0.008, brass)
    for number, x in enumerate((-0.66, -0.50, -0.36, -0.22)):
        long = (0.26, 0.3, 0.24, 0.28)[number]
        shapes.tube(
            [(x, back - 0.06, rail - 0.02), (x, back - 0.055, rail - long + 0.06)], 0.006, steel if number % 2 else top
        )
        furniture.soft(
            (0.06, 0.015, 0.09), (x, back - 0.055, rail - long + 0.03), steel if number % 2 else top, square=2.4
        )


def jar(at: Point, radius: float, tall: float, content: Any, lid: Any) -> None:
    """A storage jar, filled to a different height each time, with a wooden lid."""
    glazed = surfaces.material("jar", (0.52, 0.54, 0.52), roughness=0.08, worn=0.04)
    full = tall * (0.45 + 0.4 * np.sin(at[0] * 40) ** 2)
    shapes.cylinder(radius, full, (at[0], at[1], at[2] + full / 2), content)
    shapes.cylinder(radius * 0.99, tall - full, (at[0], at[1], at[2] + (full + tall) / 2), glazed)
    shapes.cylinder(radius * 0.9, 0.02, (at[0], at[1], at[2] + tall + 0.008), lid)


def bowl(at: Point, radius: float, glaze: Any) -> None:
    """An open bowl with a foot."""
    r = radius
    shapes.lathe(
        [
            (0, 0),
            (r * 0.4, 0),
            (r * 0.42, 0.012),
            (r * 0.8, r * 0.32),
            (r, r * 0.62),
            (r * 0.97, r * 0.62),
            (r * 0.7, r * 0.3),
            (0, r * 0.1),
        ],
        at,
        glaze,
    )


def ware(back: float) -> None:
    """Crockery, jars, boards, bottles, fruit and a kettle."""
    random = np.random.default_rng(6)
    wood = surfaces.wood("board", (0.46, 0.30, 0.16), (0.30, 0.18, 0.09), along="z")
    clay = [
        surfaces.material("clay", c, size=0.08, roughness=0.4, relief=0.001, relief_size=0.02)
        for c in ((0.60, 0.57, 0.51), (0.30, 0.32, 0.30), (0.45, 0.24, 0.13), (0.08, 0.10, 0.11))
    ]
    dry = [
        surfaces.material("dry", c, size=0.01, roughness=0.8)
        for c in ((0.50, 0.38, 0.20), (0.24, 0.10, 0.04), (0.62, 0.56, 0.45), (0.36, 0.16, 0.06))
    ]
    for number, x in enumerate((1.40, 1.54, 1.68, 1.81)):
        jar((x, back - 0.13, 1.516), 0.052, (0.17, 0.14, 0.19, 0.12)[number], dry[number], wood)
    for x, count in ((2.02, 6), (2.24, 5)):
        for number in range(count):
            bowl((x, back - 0.13, 1.516 + 0.022 * number), 0.082, clay[0 if x < 2.1 else 1])
    for number in range(4):
        furniture.mug(
            (2.42 + 0.0 * number, back - 0.06 - 0.05 * number, 1.516), clay[number % 3], turn=random.uniform(0, 360)
        )
    for x in (1.42, 1.60, 2.3):
        shapes.lathe(
            [(0, 0), (0.05, 0), (0.075, 0.06), (0.06, 0.12), (0.03, 0.15), (0.038, 0.18), (0.034, 0.18)],
            (x, back - 0.13, 1.896),
            clay[random.integers(4)],
        )
    for number, x in enumerate((-0.68, -0.56, -0.44)):
        furniture.mug((x, back - 0.11, 1.516), clay[number], turn=random.uniform(200, 340))
    for number in range(5):
        shapes.lathe(
            [(0, 0), (0.06, 0), (0.115, 0.012), (0.12, 0.016), (0, 0.008)],
            (-0.20, back - 0.12, 1.516 + 0.012 * number),
            clay[0],
        )
    jar((-0.62, back - 0.12, 1.896), 0.05, 0.14, dry[2], wood)
    jar((-0.48, back - 0.12, 1.896), 0.05, 0.18, dry[0], wood)
    bowl((-0.24, back - 0.12, 1.896), 0.10, clay[2])
    # On the worktop: boards against the tiles, oil, a crock of spoons, a kettle, lemons.
    shapes.box((0.30, 0.022, 0.42), (1.20, back - 0.06, COUNTER + 0.21), wood, turn=(-7, 0, 0), bevel=0.008)
    shapes.cylinder(
        0.16,
        0.02,
        (1.42, back - 0.10, COUNTER + 0.16),
        surfaces.wood("round", (0.30, 0.17, 0.08), (0.19, 0.10, 0.05), along="x"),
        turn=(82, 0, 0),
        sides=64,
    )
    oil = surfaces.material("oil", (0.16, 0.14, 0.02), roughness=0.06, worn=0.03)
    for x, tall in ((1.70, 0.27), (1.79, 0.23)):
        shapes.lathe(
            [(0, 0), (0.03, 0), (0.033, 0.01), (0.033, tall * 0.6), (0.012, tall * 0.78), (0.012, tall), (0, tall)],
            (x, back - 0.16, COUNTER),
            oil,
        )
    shapes.lathe(
        [(0, 0), (0.055, 0), (0.065, 0.02), (0.062, 0.15), (0.056, 0.15), (0.05, 0.03)],
        (1.98, back - 0.18, COUNTER),
        clay[0],
    )
    for _ in range(7):
        lean = random.normal(size=2) * 0.045
        shapes.tube(
            [
                (1.98, back - 0.18, COUNTER + 0.05),
                (1.98 + lean[0], back - 0.18 + lean[1], COUNTER + random.uniform(0.25, 0.33)),
            ],
            [0.005, 0.008],
            wood,
        )
    bowl((2.36, back - 0.26, COUNTER), 0.16, clay[2])
    fruit = [
        surfaces.material("fruit", c, roughness=0.4, relief=0.001, relief_size=0.006)
        for c in ((0.70, 0.48, 0.03), (0.62, 0.25, 0.02), (0.42, 0.05, 0.02))
    ]
    for number in range(8):
        angle, out = number * 2.4, 0.075 * (number > 0) * (number < 7)
        place = (
            2.36 + out * np.cos(angle),
            back - 0.26 + out * np.sin(angle),
            COUNTER + 0.075 + 0.04 * (number in (0, 7)),
        )
        furniture.soft((0.075, 0.07, 0.07), place, fruit[number % 3], square=2.1, turn=(0, 0, 57 * number), seed=number)
    black = surfaces.material("kettle", (0.02, 0.02, 0.022), roughness=0.25)
    shapes.lathe(
        [(0, 0), (0.085, 0), (0.092, 0.03), (0.075, 0.10), (0.035, 0.135), (0.012, 0.14), (0.014, 0.16), (0, 0.165)],
        (0.74, back - 0.22, COUNTER + 0.01),
        black,
    )
    arc = np.linspace(0.2, np.pi - 0.2, 14)
    shapes.tube(
        np.column_stack([0.74 + 0.085 * np.cos(arc), np.full(14, back - 0.22), COUNTER + 0.09 + 0.14 * np.sin(arc)]),
        0.007,
        black,
    )
    shapes.tube(
        [(0.67, back - 0.22, COUNTER + 0.06), (0.61, back - 0.22, COUNTER + 0.12), (0.58, back - 0.22, COUNTER + 0.15)],
        [0.02, 0.012, 0.009],
        black,
    )
    pan = surfaces.metal("pan", (0.50, 0.25, 0.13), roughness=0.2)
    shapes.lathe(
        [(0, 0), (0.11, 0), (0.115, 0.09), (0.112, 0.09), (0.105, 0.006)], (0.48, back - 0.38, COUNTER + 0.01), pan
    )
    shapes.box(
        (0.16, 0.012, 0.42),
        (-0.25, back - DEEP - 0.052, 0.66),
        surfaces.fabric("towel", (0.62, 0.58, 0.50)),
        bevel=0.005,
    )
