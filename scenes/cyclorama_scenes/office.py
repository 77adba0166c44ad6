"""Offices and places of work: open plan, glass room, library, workshop, warehouse."""

from __future__ import annotations

from typing import Any

import numpy as np

from cyclorama_scenes import books, furniture, houseplants, interior, rendering, shapes, surfaces
from cyclorama_scenes.rendering import scene
from cyclorama_scenes.shapes import Point

WALNUT = ((0.16, 0.085, 0.045), (0.08, 0.042, 0.022))
OAK = ((0.46, 0.30, 0.16), (0.32, 0.19, 0.09))


def screen(at: Point, black: Any, *, turn: float = 0.0, glow: float = 0.0, wide: float = 0.60) -> None:
    """A monitor on its foot, facing the camera before `turn`; `glow`: radiance of what it shows."""
    place = furniture.turner(at, turn)
    tall = wide * 0.58
    shapes.box((wide, 0.022, tall), place((0, 0, 0.14 + tall / 2)), black, turn=(-4, 0, turn), bevel=0.006)
    shapes.box((0.20, 0.16, 0.012), place((0, 0.05, 0.006)), black, turn=(0, 0, turn))
    shapes.tube([place((0, 0.06, 0.0)), place((0, 0.05, 0.28))], 0.018, black)
    if glow:
        made, tree, surface = surfaces.blank("page")
        made.cycles.emission_sampling = "NONE"
        where = surfaces.coordinates(tree, (6.0, 1.0, 1.0))
        lines = surfaces.ramp(
            tree, surfaces.noise(tree, where, 0.02, octaves=2), (0.45, (0.85, 0.92, 1.0)), (0.55, (0.25, 0.33, 0.45))
        )
        surfaces.put(tree, surface.inputs["Base Color"], (0.01, 0.01, 0.01))
        surfaces.put(tree, surface.inputs["Emission Color"], lines)
        surface.inputs["Emission Strength"].default_value = glow
        shapes.box(
            (wide - 0.02, 0.003, tall - 0.02), place((0, -0.012, 0.14 + tall / 2)), made, turn=(-4, 0, turn), bevel=0
        )


def desk(
    at: Point,
    top: Any,
    legs: Any,
    cloth: Any,
    black: Any,
    rows: Any,
    *,
    turn: float = 0.0,
    seed: int = 1,
    glow: float = 0.0,
) -> None:
    """A place of work with what gathers there: screens, keyboard, papers, a mug, a lamp; its chair stands before it."""
    random = np.random.default_rng(seed)
    place = furniture.turner(at, turn)
    furniture.table(at, (1.5, 0.75, 0.735), top, legs, turn=turn, thick=0.028)
    for x, yaw in ((-0.33, 8), (0.32, -9)):
        screen(place((x, 0.12, 0.735)), black, turn=turn + yaw, glow=glow)
    shapes.box((0.42, 0.13, 0.016), place((0.0, -0.22, 0.745)), black, turn=(2, 0, turn + 2), bevel=0.005)
    paper = surfaces.material("paper", (0.72, 0.71, 0.68), second=(0.66, 0.65, 0.62), size=0.05)
    for number in range(5):
        shapes.box(
            (0.21, 0.297, 0.002),
            place((-0.55 + random.normal() * 0.03, -0.12, 0.737 + 0.002 * number)),
            paper,
            turn=(0, 0, turn + random.normal() * 8),
            bevel=0,
        )
    books.stack(rows, place((0.62, 0.15, 0.735)), random, count=int(random.integers(2, 5)), high=0.26)
    furniture.mug(
        place((0.42, -0.16, 0.735)),
        surfaces.material("glaze", (0.55, 0.52, 0.46), roughness=0.3),
        turn=random.uniform(0, 360),
    )
    furniture.office_chair(
        place((random.normal() * 0.12, -0.72, 0)), cloth, black, turn=turn + 180 + random.normal() * 25, seed=seed
    )


@scene("office-open", scale=2 / 3)
def open_plan() -> None:
    rendering.camera(height=rendering.STANDING, horizon=0.43, focal_mm=31, focus=1.8, f_stop=1.2)
    rendering.ambient((0.86, 0.93, 1.0), 0.22)
    rendering.film(exposure=0.35, look="Medium High Contrast", saturation=1.15)
    top, back, left = 3.3, 10.5, -4.6
    paint = interior.wall_paint("wall", (0.62, 0.62, 0.60))
    carpet = surfaces.material(
        "carpet",
        (0.15, 0.135, 0.12),
        second=(0.105, 0.095, 0.085),
        size=0.03,
        roughness=0.95,
        relief=0.004,
        relief_size=0.008,
    )
    shapes.plane((14, 18), (0.5, 5, 0), carpet)
    shapes.plane((14, 18), (0.5, 5, top), surfaces.concrete("ceiling", (0.42, 0.41, 0.40)), turn=(180, 0, 0))
    bays = [(y, y + 2.3, 0.45, 2.9) for y in (-1.6, 0.95, 3.5, 6.05)]
    interior.wall_y(left, (-3, 10.8), top, paint, openings=[*bays, (8.6, 10.3, 0.45, 2.9)])
    wide = [(left + 0.3 + 2.35 * n, left + 0.3 + 2.35 * n + 2.1, 0.45, 2.9) for n in range(2)]
    interior.wall_x(back, (left - 0.3, 6), top, paint, openings=wide)
    black = surfaces.material("black", (0.022, 0.022, 0.024), roughness=0.4)
    for opening in bays[2:]:
        interior.frame(opening, left - 0.12, black, side=True, panes=(2, 1))
    interior.frame((8.6, 10.3, 0.45, 2.9), left - 0.12, black, side=True, panes=(2, 1))
    for opening in wide:
        interior.frame(opening, back + 0.12, black, panes=(2, 1))
    haze = (0.86, 0.93, 1.0)
    interior.city(back + 60, width=130, ground=-26, haze=haze, sunny=(0.50, 0.37, 0.26), strength=1.7, seed=3)
    shapes.plane(
        (400, 200), (left - 90, 60, 0), interior.day("sky", haze, 1.9), turn=(90, 0, 90)
    ).visible_shadow = False
    # Right: a wall of oak battens with shelves, then a door's glass; desks in two rows towards the windows.
    felt = surfaces.fabric("felt", (0.07, 0.09, 0.085))
    interior.wall_y(4.3, (-3, 10.8), top, felt, thick=0.2)
    batten = surfaces.wood("batten", *OAK, along="z")
    for y in np.arange(3.0, back, 0.085):
        shapes.box((0.045, 0.04, 2.75), (4.27, y, 1.40), batten, bevel=0.003)
    interior.wall_x(back - 0.02, (0.4, 4.6), top, interior.wall_paint("accent", (0.16, 0.22, 0.20)), thick=0.05)
    rows = books.book(books.cover("cover", books.MIXED), surfaces.material("pages", (0.66, 0.63, 0.55), size=0.02))
    case = surfaces.wood("case", *OAK, along="x")
    books.bookcase(
        (1.3, 3.9), back - 0.4, [0.08, 0.48, 0.88, 1.28, 1.68, 2.05], case, rows, bays=3, seed=5, decorated=0.55
    )
    top_ = surfaces.wood("desk", (0.50, 0.36, 0.21), (0.38, 0.25, 0.13), along="x", roughness=0.4)
    legs = surfaces.material("legs", (0.60, 0.60, 0.59), roughness=0.45)
    cloth = [surfaces.fabric("chair", c) for c in ((0.05, 0.055, 0.06), (0.10, 0.14, 0.15), (0.30, 0.14, 0.06))]
    for number, (x, y, turn) in enumerate(
        ((-2.75, 4.4, 90), (-2.85, 6.5, 92), (-2.8, 8.6, 88), (2.75, 5.6, -92), (2.85, 7.9, -88), (0.05, 8.9, 180))
    ):
        desk(
            (x, y, 0),
            top_,
            legs,
            cloth[number % 3],
            black,
            rows,
            turn=turn,
            seed=number + 2,
            glow=0.7 if x > 0 else 0.0,
        )
    for at, tall, seed in (((-3.95, 5.5, 0), 1.7, 2), ((3.8, 4.55, 0), 1.8, 5), ((-1.1, 9.9, 0), 1.9, 9)):
        houseplants.rubber_plant(at, tall=tall, seed=seed, pot_colour=(0.30, 0.30, 0.29))
    houseplants.palm((0.75, 9.9, 0), tall=1.9, seed=3, pot_colour=(0.12, 0.12, 0.12))
    houseplants.snake_plant((-3.95, 7.6, 0.0), tall=0.9, seed=4)
    for x in (-2.75, 2.75):
        for y in (4.6, 6.7, 8.8):
            furniture.pendant((x * 0.96, y, 2.2), top, black, radius=0.24, watts=55, glow=7.0)
    # Pipes and a cable tray under the bare ceiling.
    duct = surfaces.metal("duct", (0.45, 0.45, 0.46), roughness=0.35)
    shapes.tube([(1.3, -2, 2.98), (1.3, 4, 2.98), (1.3, back, 2.98)], 0.17, duct, sides=28)
    for y in np.arange(1.0, back, 1.2):
        shapes.lathe([(0.18, -0.02), (0.187, 0), (0.18, 0.02)], (1.3, y, 2.98), duct, turn=(90, 0, 0))
    shapes.box((0.25, 13, 0.05), (-1.1, 4, 3.05), black)
    rendering.sun(22, -84, 8.0, (1.0, 0.86, 0.68), size=1.0)
    rendering.area((8.5, 2.3), (left + 0.05, 5.2, 1.7), (1.0, 5.5, 0.8), 300, (0.90, 0.96, 1.0))
    rendering.area((4.0, 2.2), (-2.3, back - 0.1, 1.7), (-1.0, 4.0, 0.8), 70, (0.90, 0.96, 1.0))
    rendering.area((5.0, 5.0), (0.6, 3.0, top - 0.1), (0.6, 4.5, 0), 80, (1.0, 0.90, 0.78))


@scene("office-evening", scale=1 / 2)
def glass_room() -> None:
    rendering.camera(height=rendering.SITTING, horizon=0.45, focal_mm=42, focus=1.45, f_stop=1.4)
    rendering.ambient((0.45, 0.55, 0.85), 0.08)
    rendering.film(exposure=0.35, look="Medium High Contrast", bloom=0.35, over=5.0, saturation=1.05)
    top, back = 2.9, 9.0
    paint = interior.wall_paint("wall", (0.42, 0.42, 0.43))
    shapes.plane((12, 14), (0, 4, 0), surfaces.concrete("floor", (0.15, 0.145, 0.14), roughness=0.35))
    shapes.plane((12, 14), (0, 4, top), interior.wall_paint("ceiling", (0.30, 0.30, 0.31)), turn=(180, 0, 0))
    interior.wall_y(4.2, (-3, 9.3), top, interior.wall_paint("side", (0.10, 0.14, 0.15)))
    interior.wall_y(-4.2, (-3, 9.3), top, paint)
    black = surfaces.material("black", (0.02, 0.02, 0.022), roughness=0.4)
    # A glazed partition with slim black bars, a table and screens beyond, the town at night behind all.
    for x in (-2.4, -1.25, 1.15, 2.3):
        shapes.box((0.045, 0.06, top), (x, 3.6, top / 2), black)
    for up in (0.05, 2.15, top - 0.05):
        shapes.box((8.4, 0.06, 0.05), (0, 3.6, up), black)
    panes = [(-4.0 + 1.6 * n, -4.0 + 1.6 * n + 1.5, 0.25, 2.65) for n in range(5)]
    interior.wall_x(back, (-4.5, 4.5), top, paint, openings=panes)
    for opening in panes:
        interior.frame(opening, back + 0.12, black, panes=(1, 1))
    interior.city(
        back + 110,
        width=110,
        ground=-30,
        haze=(0.028, 0.042, 0.088),
        sunny=(0.05, 0.065, 0.11),
        strength=1.0,
        seed=12,
        lit=0.16,
    )
    interior.town_lights(back + 60, seed=5)
    furniture.table((0.25, 6.3, 0), (1.2, 2.6, 0.74), surfaces.wood("table", *WALNUT, along="y"), black)
    cloth = [surfaces.fabric("chair", c) for c in ((0.09, 0.13, 0.15), (0.28, 0.13, 0.05))]
    for number, (x, y, turn) in enumerate(
        ((-0.75, 5.6, 85), (-0.8, 6.6, 98), (1.25, 5.7, -95), (1.3, 6.7, -80), (0.3, 7.95, 5))
    ):
        furniture.office_chair((x, y, 0), cloth[number % 2], black, turn=turn, seed=number)
    for x in (-0.45, 0.25, 0.95):
        furniture.pendant(
            (x, 6.3 + 0.5 * np.sin(5 * x), 1.86),
            top,
            surfaces.metal("copper", (0.50, 0.25, 0.13), roughness=0.25),
            radius=0.16,
            watts=200,
            colour=(1.0, 0.72, 0.43),
            glow=9.0,
        )
    rows = books.book(books.cover("cover", books.MIXED), surfaces.material("pages", (0.6, 0.55, 0.46), size=0.02))
    books.bookcase(
        (2.1, 4.0),
        5.2,
        [0.10, 0.50, 0.90, 1.30, 1.70, 2.1],
        surfaces.wood("case", *WALNUT, along="x"),
        rows,
        bays=2,
        seed=3,
        decorated=0.6,
    )
    furniture.table_lamp(
        (2.55, 5.3, 0.915), surfaces.material("lamp", (0.4, 0.18, 0.08), roughness=0.3), tall=0.34, watts=50, glow=3.0
    )
    houseplants.palm((-1.75, 4.6, 0), tall=1.9, seed=6, pot_colour=(0.05, 0.05, 0.05))
    houseplants.rubber_plant((1.75, 4.25, 0), tall=1.5, seed=7, pot_colour=(0.25, 0.24, 0.23))
    furniture.floor_lamp((-2.65, 5.4, 0), black, tall=1.55, watts=260, glow=3.2)
    furniture.armchair((-2.2, 6.1, 0), cloth[1], surfaces.wood("legs", *WALNUT, along="z"), turn=40, seed=4)
    tape = interior.day("tape", (1.0, 0.72, 0.45), 7.0)
    shapes.box((0.03, 7, 0.02), (3.9, 5.5, top - 0.12), tape, bevel=0)
    rendering.area((0.3, 6.5), (3.85, 5.5, top - 0.15), (4.2, 5.5, 0.5), 90, (1.0, 0.72, 0.45))
    rendering.area((6.0, 2.2), (0, back - 0.1, 1.5), (0, 3, 1.0), 13, (0.40, 0.55, 1.0))
    rendering.area((2.0, 1.0), (-1.0, 1.2, 2.75), (0.0, 4.5, 1.0), 110, (1.0, 0.76, 0.50))


@scene("library", scale=1 / 2)
def library() -> None:
    rendering.camera(height=rendering.SITTING, horizon=0.46, focal_mm=40, focus=1.4, f_stop=1.2)
    rendering.ambient((1.0, 0.85, 0.7), 0.05)
    rendering.film(exposure=0.35, look="Medium High Contrast", bloom=0.25, over=4.0)
    back = 3.6
    wood = surfaces.wood("case", (0.17, 0.088, 0.045), (0.085, 0.042, 0.021), along="z", roughness=0.35)
    rows = books.book(
        books.cover("cover", (*books.LEATHER, *books.MIXED[::2])),
        surfaces.material("pages", (0.55, 0.48, 0.36), size=0.02),
    )
    heights = [0.08, 0.42, 0.76, 1.10, 1.42, 1.74, 2.06, 2.38]
    books.bookcase((-2.6, 2.6), back, heights, wood, rows, bays=6, seed=21, decorated=0.20)
    shapes.plane((8, 8), (0, 1.0, 0), surfaces.wood("floor", *WALNUT, along="x", plank=0.12, roughness=0.35))
    for x in (-3.2, 3.2):
        shapes.plane((8, 3.2), (x, 1, 1.6), interior.wall_paint("wall", (0.30, 0.24, 0.17)), turn=(90, 0, 90))
    shapes.plane((8, 8), (0, 1.0, 3.0), interior.wall_paint("ceiling", (0.45, 0.42, 0.38)), turn=(180, 0, 0))
    # A sideboard with a lamp at the right, an armchair's back at the left, a ladder on its rail.
    side = surfaces.wood("side", *WALNUT, along="x")
    shapes.box((0.85, 0.38, 0.70), (1.35, back - 0.30, 0.35), side, bevel=0.008)
    brass = surfaces.metal("brass", (0.52, 0.36, 0.15), roughness=0.25)
    furniture.table_lamp(
        (1.40, back - 0.32, 0.70),
        surfaces.material("lamp", (0.05, 0.11, 0.085), roughness=0.22, worn=0.06),
        tall=0.56,
        watts=150,
        glow=2.8,
    )
    random = np.random.default_rng(5)
    books.stack(rows, (1.08, back - 0.34, 0.70), random, count=5, high=0.26)
    books.stack(rows, (1.66, back - 0.40, 0.70), random, count=2, high=0.24)
    houseplants.branches((0.98, back - 0.22, 0.70), tall=0.6, seed=4, vase=(0.30, 0.26, 0.2), green=(0.08, 0.11, 0.05))
    furniture.armchair(
        (-1.38, 2.75, 0),
        surfaces.material("leather", (0.17, 0.06, 0.025), size=0.2, roughness=0.42, relief=0.0006, relief_size=0.004),
        wood,
        turn=32,
        seed=6,
    )
    furniture.floor_lamp((-1.72, 3.25, 0), brass, tall=1.60, watts=130, glow=2.6)
    shapes.tube([(-2.6, back - 0.06, 2.15), (2.6, back - 0.06, 2.15)], 0.014, brass)
    for x in (-0.82, -0.44):
        shapes.tube([(x, back - 0.62, 0.0), (x, back - 0.07, 2.3)], 0.018, wood)
    for step in np.arange(0.28, 2.1, 0.27):
        shapes.box((0.38, 0.085, 0.022), (-0.63, back - 0.62 + 0.24 * step, step), wood)
    for x in (-1.75, -0.05, 1.75):
        rendering.spot((x, back - 0.75, 2.85), (x, back + 0.1, 1.2), 85, 70, (1.0, 0.76, 0.50), soft=0.9, radius=0.05)
    rendering.area((1.6, 1.2), (-1.6, 0.4, 2.2), (0.2, 3.6, 1.2), 30, (1.0, 0.84, 0.66))
