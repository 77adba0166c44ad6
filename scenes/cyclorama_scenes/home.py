"""Homes: a living room, a kitchen, a reading corner in the evening, a bright room with a curtain."""

from __future__ import annotations

import numpy as np

from cyclorama_scenes import books, furniture, houseplants, interior, kitchen, rendering, shapes, surfaces
from cyclorama_scenes.rendering import scene

OAK = ((0.46, 0.30, 0.16), (0.32, 0.19, 0.09))
WALNUT = ((0.16, 0.085, 0.045), (0.08, 0.042, 0.022))


@scene("living-room", scale=2 / 3)
def living() -> None:
    rendering.camera(height=rendering.STANDING, horizon=0.43, focal_mm=30, focus=2.0, f_stop=1.6)
    rendering.ambient((0.9, 0.94, 1.0), 0.22)
    rendering.film(exposure=0.45, look="Medium High Contrast", saturation=1.05)
    wall = interior.wall_paint("wall", (0.66, 0.63, 0.57))
    left, back, top = -2.75, 6.0, 2.85
    shapes.plane((8, 11), (0, 2.5, 0), surfaces.wood("floor", *OAK, along="y", plank=0.15, roughness=0.4))
    shapes.plane((8, 11), (0, 2.5, top), wall, turn=(180, 0, 0))
    window = (2.7, 5.1, 0.35, 2.45)
    interior.wall_x(back, (-4, 4), top, wall)
    interior.wall_y(left, (-3, back + 0.3), top, wall, openings=[window])
    interior.wall_y(3.6, (-3, back + 0.3), top, wall)
    white = surfaces.material("paint", (0.66, 0.65, 0.62), roughness=0.4)
    interior.frame(window, left - 0.18, white, side=True, panes=(3, 1))
    interior.skirting(7.0, back, white)
    shapes.plane(
        (12, 6), (left - 3.0, 4.5, 1.5), interior.day("day", (0.86, 0.95, 1.0), 3.6), turn=(90, 0, 90)
    ).visible_shadow = False
    linen = interior.veil("linen", (0.80, 0.76, 0.69), through=0.45)
    interior.curtain(linen, (left + 0.12, 5.15), (left + 0.12, 5.75), 2.62, folds=6, seed=2)
    interior.curtain(
        interior.veil("sheer", clear=0.35), (left + 0.05, 4.55), (left + 0.05, 5.2), 2.62, folds=5, depth=0.03, seed=5
    )
    shapes.tube([(left + 0.12, 2.2, 2.63), (left + 0.12, 5.9, 2.63)], 0.014, surfaces.metal("brass", (0.5, 0.36, 0.16)))
    # The sofa faces us, against the back wall; art over it, not quite in line.
    legs = surfaces.wood("legs", *WALNUT, along="z")
    cloth = surfaces.fabric("sofa", (0.30, 0.31, 0.29), folds=0.006)
    furniture.sofa((0.35, back - 0.62, 0), 2.45, cloth, legs, seed=4)
    for x, size, colour, turn, seed in (
        (-0.55, 0.46, (0.55, 0.27, 0.10), 6, 1),
        (-0.26, 0.40, (0.60, 0.56, 0.47), -7, 2),
        (1.22, 0.46, (0.07, 0.12, 0.13), -5, 3),
        (0.98, 0.38, (0.58, 0.50, 0.38), 9, 4),
    ):
        lean = 0.50 if seed in (2, 4) else 0.40
        furniture.cushion(
            size,
            (x, back - 0.36 - lean, 0.49 + size / 2),
            surfaces.fabric("cushion", colour),
            turn=(-20, turn, turn),
            seed=seed,
        )
    furniture.throw(
        (1.42, back - 0.28, 0.80), 0.42, 0.55, surfaces.fabric("throw", (0.62, 0.58, 0.50), thread=0.006), turn=3
    )
    rim = surfaces.wood("rim", *OAK, along="x")
    furniture.picture(
        (-0.22, back - 0.02, 1.66),
        (0.62, 0.86),
        rim,
        colours=((0.62, 0.56, 0.45), (0.45, 0.20, 0.09), (0.10, 0.13, 0.13)),
        seed=3,
    )
    furniture.picture(
        (0.62, back - 0.02, 1.76),
        (0.46, 0.62),
        rim,
        colours=((0.12, 0.15, 0.15), (0.66, 0.61, 0.52), (0.40, 0.30, 0.18)),
        seed=6,
    )
    furniture.rug((0.2, 4.2, 0.0), (3.4, 2.3), (0.52, 0.46, 0.37), (0.30, 0.18, 0.12), turn=2)
    furniture.round_table((-0.95, 4.35, 0), 0.34, 0.42, surfaces.wood("top", *WALNUT, along="x"), legs)
    rows = books.book(books.cover("cover", books.MIXED), surfaces.material("paper", (0.62, 0.58, 0.49), size=0.02))
    random = np.random.default_rng(8)
    up = books.stack(rows, (-1.0, 4.32, 0.42), random, count=3, high=0.28)
    furniture.mug((-0.98, 4.3, up), surfaces.material("glaze", (0.55, 0.52, 0.46), roughness=0.3))
    # Right: a low sideboard with a lamp, books and a record; left: plants in the light.
    side = surfaces.wood("sideboard", *WALNUT, along="y")
    shapes.box((0.44, 1.7, 0.50), (3.3, 5.0, 0.42), side, bevel=0.006)
    for y in (4.45, 5.0, 5.55):
        shapes.box((0.02, 0.52, 0.42), (3.075, y, 0.42), side, bevel=0.004)
    for y in (4.3, 5.7):
        shapes.cylinder(0.018, 0.18, (3.2, y, 0.09), legs)
    furniture.table_lamp(
        (3.28, 5.45, 0.67), surfaces.material("lamp", (0.35, 0.16, 0.08), roughness=0.3), watts=70, glow=2.0
    )
    books.stack(rows, (3.22, 4.9, 0.67), random, count=4)
    houseplants.branches((3.25, 4.55, 0.67), tall=0.75, seed=3, vase=(0.58, 0.55, 0.50))
    houseplants.rubber_plant((-2.15, 5.35, 0), tall=2.0, seed=11)
    houseplants.palm((2.35, 5.45, 0), tall=1.75, seed=5)
    houseplants.snake_plant((-2.3, 4.55, 0), tall=0.7, seed=2)
    furniture.armchair((2.45, 3.9, 0), surfaces.fabric("armchair", (0.36, 0.17, 0.07)), legs, turn=-52, seed=9)
    rendering.sun(27, -105, 8.0, (1.0, 0.84, 0.64), size=1.2)
    rendering.area((2.3, 2.0), (left + 0.02, 3.9, 1.45), (1.0, 4.2, 1.0), 95, (0.90, 0.96, 1.0))
    rendering.area((3.5, 2.2), (0.5, -1.5, 2.2), (0.2, 4.0, 1.0), 36, (1.0, 0.95, 0.88))


@scene("kitchen", scale=2 / 3)
def cook() -> None:
    rendering.camera(height=rendering.STANDING, horizon=0.42, focal_mm=33, focus=1.9, f_stop=1.5)
    rendering.ambient((0.9, 0.95, 1.0), 0.25)
    rendering.film(exposure=0.45, look="Medium High Contrast", saturation=1.08)
    back, top = 4.9, 2.8
    wall = interior.wall_paint("wall", (0.68, 0.66, 0.61))
    window = (-2.35, -1.05, 1.08, 2.35)
    interior.wall_x(back, (-4, 4), top, wall, openings=[window])
    interior.wall_y(-3.2, (-3, back + 0.3), top, wall)
    interior.wall_y(3.2, (-3, back + 0.3), top, wall)
    shapes.plane((8, 10), (0, 2, top), wall, turn=(180, 0, 0))
    shapes.plane((8, 10), (0, 2, 0), surfaces.wood("floor", *OAK, along="x", plank=0.14))
    interior.frame(window, back + 0.16, surfaces.material("paint", (0.68, 0.67, 0.64), roughness=0.4), panes=(2, 2))
    interior.greenery(back + 5, top=2.2, strength=3.4)
    kitchen.fitted(back, (-2.7, 2.7), window)
    kitchen.ware(back)
    houseplants.trailing((1.93, back - 0.14, 1.92), seed=4, fall=0.55)
    houseplants.branches(
        (-2.15, back - 0.28, 0.93), tall=0.55, seed=2, vase=(0.62, 0.60, 0.56), green=(0.07, 0.13, 0.05)
    )
    for x, y in ((2.55, 3.7), (-2.75, 3.3)):
        furniture.shell_chair(
            (x, y, 0),
            surfaces.material("seat", (0.60, 0.57, 0.50), roughness=0.45),
            surfaces.wood("legs", *OAK, along="z"),
            turn=-150 if x > 0 else 130,
        )
    furniture.table(
        (2.75, 2.95, 0),
        (0.9, 1.5, 0.74),
        surfaces.wood("table", *OAK, along="y"),
        surfaces.wood("legs", *OAK, along="z"),
    )
    for x in (-0.75, 0.85):
        furniture.pendant(
            (x, 3.6, 2.12),
            top,
            surfaces.metal("brass", (0.42, 0.28, 0.11), roughness=0.3),
            radius=0.15,
            watts=30,
            glow=5.0,
        )
    rendering.area((1.3, 1.25), (-1.7, back - 0.02, 1.72), (-0.6, 2.5, 0.9), 60, (0.90, 0.96, 1.0))
    rendering.area((2.4, 2.0), (-3.1, 2.4, 1.6), (1.0, 4.2, 1.0), 75, (0.95, 0.98, 1.0))
    rendering.area((2.5, 1.5), (2.2, -0.8, 2.4), (0.3, 4.5, 1.0), 18, (1.0, 0.92, 0.82))


@scene("reading-corner", scale=1 / 2)
def reading() -> None:
    rendering.camera(height=rendering.SITTING, horizon=0.47, focal_mm=35, focus=1.5, f_stop=1.5)
    rendering.ambient((0.40, 0.48, 0.8), 0.05)
    rendering.film(exposure=0.35, look="Medium High Contrast", bloom=0.3, over=4.0)
    back, top = 4.3, 2.7
    wall = interior.wall_paint("wall", (0.075, 0.105, 0.10))
    window = (-2.35, -1.35, 0.75, 2.35)
    interior.wall_x(back, (-4, 4), top, wall, openings=[window])
    interior.wall_y(2.9, (-3, back + 0.3), top, wall)
    interior.wall_y(-2.9, (-3, back + 0.3), top, wall)
    shapes.plane((8, 9), (0, 1.5, 0), surfaces.wood("floor", *WALNUT, along="x", plank=0.13, roughness=0.35))
    shapes.plane((8, 9), (0, 1.5, top), interior.wall_paint("ceiling", (0.4, 0.38, 0.35)), turn=(180, 0, 0))
    frame = surfaces.material("paint", (0.10, 0.13, 0.125), roughness=0.4)
    interior.frame(window, back + 0.14, frame, panes=(2, 3))
    interior.skirting(7.0, back, frame)
    interior.city(
        back + 230,
        width=150,
        ground=-14,
        haze=(0.07, 0.10, 0.19),
        sunny=(0.10, 0.12, 0.20),
        strength=0.55,
        seed=4,
        lit=0.3,
    )
    interior.town_lights(back + 60, seed=8)
    velvet = interior.veil("velvet", (0.33, 0.13, 0.05), through=0.08)
    interior.curtain(velvet, (-2.8, back - 0.12), (-2.26, back - 0.12), 2.5, folds=4.5, seed=3)
    interior.curtain(velvet, (-1.42, back - 0.12), (-1.02, back - 0.12), 2.5, folds=3.5, seed=4)
    brass = surfaces.metal("brass", (0.52, 0.36, 0.15), roughness=0.28)
    shapes.tube([(-2.9, back - 0.12, 2.52), (-1.0, back - 0.12, 2.52)], 0.014, brass)
    rows = books.book(books.cover("cover", books.MIXED), surfaces.material("paper", (0.60, 0.55, 0.45), size=0.02))
    books.bookcase(
        (1.05, 2.85),
        back - 0.29,
        [0.10, 0.46, 0.82, 1.18, 1.52, 1.86, 2.18],
        surfaces.wood("case", *WALNUT, along="x"),
        rows,
        bays=2,
        seed=7,
    )
    legs = surfaces.wood("legs", *WALNUT, along="z")
    furniture.armchair((-1.38, 3.3, 0), surfaces.fabric("chair", (0.30, 0.12, 0.045)), legs, turn=28, seed=2)
    furniture.cushion(
        0.4, (-1.32, 3.38, 0.66), surfaces.fabric("cushion", (0.52, 0.47, 0.38)), turn=(-18, 4, 28), seed=3
    )
    furniture.floor_lamp((-1.62, 3.85, 0), brass, tall=1.50, watts=260, glow=2.6)
    furniture.round_table((-0.72, 3.7, 0), 0.24, 0.52, surfaces.wood("top", *OAK, along="x"), legs)
    random = np.random.default_rng(3)
    up = books.stack(rows, (-0.76, 3.72, 0.52), random, count=3)
    furniture.mug((-0.75, 3.7, up), surfaces.material("glaze", (0.42, 0.40, 0.36), roughness=0.3))
    rim = surfaces.metal("rim", (0.42, 0.30, 0.13), roughness=0.35)
    furniture.picture(
        (-0.02, back - 0.02, 1.60),
        (0.50, 0.66),
        rim,
        colours=((0.42, 0.34, 0.22), (0.10, 0.12, 0.09), (0.30, 0.17, 0.08)),
        seed=7,
    )
    furniture.picture(
        (0.58, back - 0.02, 1.74),
        (0.34, 0.42),
        rim,
        colours=((0.10, 0.12, 0.12), (0.50, 0.44, 0.32), (0.30, 0.12, 0.06)),
        seed=4,
    )
    furniture.rug((-0.6, 3.0, 0.0), (2.8, 1.9), (0.24, 0.07, 0.045), (0.40, 0.30, 0.18))
    houseplants.palm((0.72, 3.85, 0), tall=1.25, seed=9)
    houseplants.trailing((1.3, back - 0.15, 2.2), seed=2, fall=0.6)
    furniture.table_lamp(
        (1.72, back - 0.42, 0.98),
        surfaces.material("lamp", (0.06, 0.07, 0.07), roughness=0.3),
        tall=0.4,
        watts=80,
        glow=2.6,
    )
    shapes.box((0.5, 0.42, 0.04), (1.72, back - 0.45, 0.96), surfaces.wood("ledge", *WALNUT, along="x"))
    rendering.area((1.0, 1.5), (-2.0, back - 0.05, 1.55), (-0.8, 2.0, 0.8), 14, (0.35, 0.5, 1.0))
    rendering.area((1.6, 1.2), (0.6, 0.2, 2.5), (0.5, 4.2, 1.2), 32, (1.0, 0.74, 0.48))


@scene("bright-room", scale=1 / 2)
def bright() -> None:
    rendering.camera(height=rendering.SITTING, horizon=0.46, focal_mm=38, focus=1.6, f_stop=1.6)
    rendering.ambient((0.93, 0.96, 1.0), 0.30)
    rendering.film(exposure=0.2, look="Medium High Contrast", saturation=1.08)
    back, top = 4.2, 2.9
    wall = interior.wall_paint("wall", (0.74, 0.725, 0.69))
    window = (-2.2, -0.75, 0.12, 2.45)
    interior.wall_x(back, (-4, 4), top, wall, openings=[window])
    interior.wall_y(-2.6, (-3, back + 0.3), top, wall, openings=[(0.6, 3.2, 0.4, 2.5)])
    interior.wall_y(3.0, (-3, back + 0.3), top, wall)
    shapes.plane(
        (8, 9), (0, 1.5, 0), surfaces.wood("floor", (0.50, 0.36, 0.22), (0.38, 0.25, 0.13), along="y", plank=0.16)
    )
    shapes.plane((8, 9), (0, 1.5, top), wall, turn=(180, 0, 0))
    white = surfaces.material("paint", (0.72, 0.71, 0.69), roughness=0.4)
    interior.frame(window, back + 0.14, white, panes=(2, 3))
    interior.skirting(7.0, back, white)
    interior.greenery(back + 5, top=1.7, strength=3.0, leaf=(0.26, 0.38, 0.13))
    interior.frame((0.6, 3.2, 0.4, 2.5), -2.75, white, side=True, panes=(4, 2))
    sheer = interior.veil("sheer", (0.90, 0.89, 0.86), through=0.65, clear=0.22)
    interior.curtain(sheer, (-2.45, back - 0.13), (-0.42, back - 0.13), 2.68, folds=17, depth=0.035, seed=6)
    linen = interior.veil("linen", (0.74, 0.69, 0.60), through=0.4)
    interior.curtain(linen, (-2.55, back - 0.2), (-2.02, back - 0.2), 2.68, folds=5, seed=2)
    shapes.tube(
        [(-2.6, back - 0.16, 2.70), (-0.25, back - 0.16, 2.70)], 0.013, surfaces.metal("rail", (0.25, 0.24, 0.22))
    )
    oak = surfaces.wood("bench", *OAK, along="x")
    shapes.box((1.15, 0.36, 0.035), (1.45, back - 0.25, 0.44), oak)
    for x in (0.95, 1.95):
        shapes.box((0.035, 0.32, 0.42), (x, back - 0.25, 0.21), surfaces.wood("side", *OAK, along="z"))
    rows = books.book(books.cover("cover", books.MIXED), surfaces.material("paper", (0.62, 0.58, 0.49), size=0.02))
    random = np.random.default_rng(4)
    up = books.stack(rows, (1.18, back - 0.26, 0.458), random, count=4, high=0.28)
    books.ornament((1.2, back - 0.26, up), 1, random)
    houseplants.branches((1.72, back - 0.25, 0.458), tall=0.95, seed=8, vase=(0.56, 0.50, 0.42))
    furniture.picture(
        (1.28, back - 0.02, 1.48),
        (0.52, 0.70),
        surfaces.wood("rim", *OAK, along="x"),
        colours=((0.66, 0.60, 0.50), (0.52, 0.33, 0.20), (0.30, 0.33, 0.30)),
        seed=8,
        mount=0.16,
    )
    houseplants.rubber_plant((-1.32, back - 0.85, 0), tall=1.45, seed=2, pot_colour=(0.60, 0.57, 0.52))
    furniture.rug((0.4, 3.0, 0.0), (2.6, 1.8), (0.60, 0.56, 0.49), (0.46, 0.40, 0.32))
    rendering.sun(19, -113, 4.5, (1.0, 0.86, 0.68), size=1.6)
    rendering.area((1.4, 2.2), (-1.45, back - 0.3, 1.35), (-0.6, 2.4, 0.8), 45, (0.93, 0.97, 1.0))
    rendering.area((2.4, 2.0), (-2.55, 1.9, 1.5), (1.0, 4.0, 1.2), 62, (0.94, 0.97, 1.0))
