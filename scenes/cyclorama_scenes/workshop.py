"""A workshop: benches, shelves, and the tools on the wall."""

from __future__ import annotations

import numpy as np

from cyclorama_scenes import furniture, interior, rendering, shapes, surfaces, tools
from cyclorama_scenes.rendering import scene


@scene("workshop", scale=2 / 3)
def workshop() -> None:
    rendering.camera(height=rendering.STANDING, horizon=0.43, focal_mm=33, focus=1.8, f_stop=1.2)
    rendering.ambient((0.88, 0.94, 1.0), 0.14)
    rendering.film(exposure=0.25, look="Medium High Contrast", saturation=1.05)
    back, top = 4.9, 3.4
    bricks = interior.brick("brick", (0.30, 0.30, 0.29), (0.42, 0.41, 0.39), (0.34, 0.33, 0.32), relief=0.010)
    shapes.plane((9, top), (1.05, back, top / 2), bricks, turn=(90, 0, 0))
    shapes.plane((10, 12), (0, 1, 0), surfaces.concrete("floor", (0.20, 0.195, 0.185), roughness=0.55))
    shapes.plane((10, 12), (0, 1, top), surfaces.concrete("ceiling", (0.30, 0.29, 0.28)), turn=(180, 0, 0))
    wall = interior.wall_paint("wall", (0.46, 0.46, 0.44))
    left = -3.0
    window = (1.4, 4.5, 0.95, 2.9)
    interior.wall_y(left, (-4, back + 0.3), top, wall, openings=[window])
    interior.wall_y(3.4, (-4, back + 0.3), top, wall)
    black = surfaces.material("black", (0.025, 0.025, 0.027), roughness=0.45)
    interior.frame(window, left - 0.12, black, side=True, panes=(6, 4), bar=0.035)
    shapes.plane(
        (14, 8), (left - 3, 3.5, 2), interior.day("day", (0.88, 0.95, 1.0), 3.2), turn=(90, 0, 90)
    ).visible_shadow = False
    oak = surfaces.wood("bench", (0.34, 0.21, 0.11), (0.19, 0.11, 0.055), along="x", roughness=0.55)
    ash = surfaces.wood("handle", (0.48, 0.32, 0.17), (0.34, 0.20, 0.10), along="z")
    steel = surfaces.metal("steel", (0.50, 0.50, 0.51), roughness=0.3)
    blue = surfaces.material("blue", (0.04, 0.075, 0.12), roughness=0.45, worn=0.18)
    red = surfaces.material(
        "red", (0.26, 0.032, 0.022), second=(0.16, 0.022, 0.018), size=0.3, roughness=0.32, worn=0.12
    )
    yellow = surfaces.material("yellow", (0.58, 0.34, 0.035), second=(0.44, 0.26, 0.04), size=0.2, roughness=0.35)
    # The bench with drawers, a vice, a grinder's box, and a board of tools over it.
    shapes.box((3.9, 0.70, 0.06), (-0.55, back - 0.36, 0.90), oak, bevel=0.006)
    for x in (-2.35, -0.55, 1.25):
        shapes.box((0.09, 0.60, 0.87), (x, back - 0.36, 0.435), oak)
    for x in (-1.75, 0.65):
        shapes.box((0.62, 0.56, 0.72), (x, back - 0.34, 0.47), blue, bevel=0.006)
        for number in range(4):
            up = 0.75 - 0.175 * number
            shapes.box((0.58, 0.02, 0.16), (x, back - 0.63, up), blue, bevel=0.004)
            shapes.tube([(x - 0.10, back - 0.665, up + 0.03), (x + 0.10, back - 0.665, up + 0.03)], 0.007, steel)
    ply = surfaces.wood("board", (0.34, 0.24, 0.145), (0.24, 0.16, 0.09), along="x", roughness=0.7)
    shapes.box((3.3, 0.02, 1.15), (-0.65, back - 0.03, 1.72), ply)
    face = back - 0.065
    random = np.random.default_rng(3)
    x = -2.15
    for number in range(9):
        tools.wrench((x, face, 2.18 - 0.002 * number), steel, long=0.34 - 0.024 * number)
        x += 0.085
    for number in range(3):
        tools.hammer((-1.18 + 0.17 * number, face, 2.16), ash, steel, long=(0.34, 0.30, 0.27)[number])
    for number in range(2):
        tools.saw((-0.55 + 0.24 * number, face, 2.08), ash, steel)
    grips = (red, yellow, blue, black)
    for number in range(9):
        tools.screwdriver((0.05 + 0.075 * number, face, 2.2), grips[number % 4], steel, long=0.28 - 0.012 * number)
    for number in range(6):
        tools.wrench((-2.14 + 0.10 * number, face, 1.66 - 0.004 * number), steel, long=0.24 - 0.012 * number)
    for number in range(3):
        tools.screwdriver((-1.45 + 0.07 * number, face, 1.40), black, steel, long=0.18)
    for number, x in enumerate((0.82, 0.90)):
        shapes.box((0.03, 0.012, 0.42 - 0.1 * number), (x, face, 1.66), ash, turn=(0, 2, 0))
        shapes.box((0.13, 0.02, 0.035), (x + 0.04, face, 1.86 - 0.05 * number), steel, turn=(0, 2, 0))
    shapes.box((0.75, 0.022, 0.055), (-1.12, face, 1.56), yellow, turn=(0, 1.5, 0), bevel=0.003)
    shapes.box((0.45, 0.006, 0.03), (-1.12, face, 1.42), steel, turn=(0, -2, 0), bevel=0.001)
    for number, x in enumerate((0.10, 0.27, 0.44, 0.62)):
        for side in (-1, 1):
            shapes.tube(
                [(x, face, 1.76), (x + side * 0.025, face, 1.70), (x + side * 0.022, face, 1.58)],
                [0.007, 0.011, 0.010],
                grips[number],
            )
            shapes.tube(
                [(x, face, 1.76), (x - side * 0.010, face, 1.79), (x - side * 0.003, face, 1.84)],
                [0.009, 0.009, 0.003],
                steel,
            )
    # Coils of cable and a clamp rack.
    for cx, colour in ((-0.38, red), (-0.12, black)):
        for turn in range(5):
            ring = np.linspace(0, 2 * np.pi, 30)
            r = 0.10 + random.normal() * 0.008
            shapes.tube(
                np.column_stack(
                    [cx + r * np.cos(ring), np.full(30, face - 0.008 * turn), 1.42 + 1.15 * r * np.sin(ring)]
                ),
                0.006,
                colour,
                sides=6,
            )
    vice = surfaces.material("vice", (0.05, 0.10, 0.12), roughness=0.45)
    shapes.box((0.16, 0.20, 0.14), (-1.0, back - 0.55, 1.0), vice, bevel=0.02)
    shapes.box((0.19, 0.05, 0.09), (-1.0, back - 0.68, 1.09), steel, bevel=0.006)
    shapes.tube([(-1.0, back - 0.68, 1.0), (-1.0, back - 0.86, 1.0)], 0.016, steel)
    shapes.tube([(-1.13, back - 0.85, 0.97), (-0.87, back - 0.85, 1.03)], 0.008, steel)
    shapes.box((0.50, 0.24, 0.22), (-1.75, back - 0.36, 1.04), red, turn=(0, 0, 7), bevel=0.012)
    shapes.tube(
        [(-1.90, back - 0.38, 1.15), (-1.88, back - 0.38, 1.2), (-1.62, back - 0.34, 1.2), (-1.60, back - 0.34, 1.15)],
        0.010,
        steel,
    )
    for number in range(5):
        tools.tin(
            (-0.35 + 0.15 * number, back - 0.20 - 0.05 * (number % 2), 0.93),
            0.055,
            (0.13, 0.16, 0.11, 0.15, 0.13)[number],
            grips[(number * 3) % 4],
            steel,
        )
    shapes.box((0.42, 0.20, 0.03), (0.75, back - 0.42, 0.945), ash, turn=(0, 0, 18))
    tools.helmet((1.12, back - 0.36, 0.93), yellow, turn=25)
    # Jars of screws, offcuts, a drill; boards lean on the wall, boxes wait under the bench.
    jar = surfaces.material("jar", (0.20, 0.19, 0.17), second=(0.45, 0.44, 0.42), size=0.012, roughness=0.25)
    for number in range(8):
        tall = random.uniform(0.08, 0.13)
        tools.tin((0.35 + 0.085 * number, back - 0.12 + random.normal() * 0.015, 0.93), 0.036, tall, jar, steel)
    for number in range(4):
        size = (random.uniform(0.25, 0.5), 0.07, 0.028)
        at = (0.30 + random.normal() * 0.04, back - 0.46, 0.944 + 0.028 * number)
        shapes.box(size, at, ash if number % 2 else oak, turn=(0, 0, random.normal() * 12))
    shapes.tube(
        [(-0.78, back - 0.5, 1.10), (-0.62, back - 0.53, 1.10), (-0.54, back - 0.54, 1.10)],
        [0.036, 0.034, 0.014],
        yellow,
    )
    shapes.tube([(-0.75, back - 0.5, 1.10), (-0.78, back - 0.5, 0.99)], 0.022, black)
    shapes.box((0.10, 0.075, 0.055), (-0.785, back - 0.5, 0.958), black, bevel=0.01)
    for number in range(7):
        x = -2.68 + 0.055 * number
        shapes.box(
            (0.045, 0.02, 2.1 - 0.13 * number),
            (x, back - 0.16, 1.02 - 0.06 * number),
            (ash, oak, ply)[number % 3],
            turn=(-6, 0, 0),
        )
    board = tools.cardboard("cardboard")
    for x, y, wide, tall, turn in (
        (-1.18, 0.30, 0.44, 0.34, 5),
        (-0.86, 0.36, 0.30, 0.24, -8),
        (-0.14, 0.34, 0.50, 0.30, -3),
        (0.12, 0.28, 0.30, 0.40, 6),
        (-0.18, 0.36, 0.40, 0.22, 8),
    ):
        up = 0.41 if (x, tall) == (-0.18, 0.22) else tall / 2
        one = shapes.box((1, 1, 1), (x, back - y, up), board, turn=(0, 0, turn), bevel=0)
        one.scale = (wide, 0.34, tall)
    bucket = [(0, 0), (0.11, 0), (0.14, 0.26), (0.146, 0.27), (0.135, 0.27), (0.105, 0.02)]
    shapes.lathe(bucket, (0.88 - 1.75, back - 0.62, 0.0), black)
    # Right: steel shelves with tins, crates and boxes; overalls on hooks.
    crate = [
        surfaces.material("crate", c, roughness=0.5)
        for c in ((0.10, 0.13, 0.16), (0.36, 0.12, 0.03), (0.05, 0.16, 0.10))
    ]
    for sx in (1.62, 2.95):
        for sy in (back - 0.08, back - 0.52):
            shapes.box((0.04, 0.04, 2.45), (sx, sy, 1.225), black)
    for up in (0.15, 0.72, 1.25, 1.75, 2.22):
        shapes.box((1.40, 0.50, 0.03), (2.285, back - 0.30, up), steel, bevel=0.004)
        x = 1.72
        while x < 2.75:
            wide = random.uniform(0.16, 0.38)
            tall = random.uniform(0.16, 0.36)
            kind = random.random()
            if kind < 0.3:
                for _ in range(2):
                    tools.tin(
                        (x + 0.075, back - 0.36 + random.normal() * 0.02, up + 0.015),
                        0.07,
                        random.uniform(0.16, 0.22),
                        grips[random.integers(4)],
                        steel,
                    )
                    x += 0.155
                continue
            if kind < 0.55:
                shapes.box(
                    (wide, 0.36, 0.17), (x + wide / 2, back - 0.30, up + 0.1), crate[random.integers(3)], bevel=0.012
                )
                shapes.box(
                    (wide + 0.02, 0.38, 0.025),
                    (x + wide / 2, back - 0.30, up + 0.185),
                    crate[random.integers(3)],
                    bevel=0.006,
                )
            else:
                one = shapes.box(
                    (1, 1, 1),
                    (x + wide / 2, back - 0.30, up + 0.015 + tall / 2),
                    board,
                    turn=(0, 0, random.normal() * 4),
                    bevel=0,
                )
                one.scale = (wide, 0.34, tall)
            x += wide + 0.03
    for number, (x, colour) in enumerate(((-2.78, (0.06, 0.09, 0.16)), (-2.62, (0.55, 0.20, 0.02)))):
        cloth = surfaces.fabric("overall", colour, folds=0.02)
        interior.curtain(
            cloth,
            (x - 0.12, back - 0.1 - 0.05 * number),
            (x + 0.16, back - 0.12),
            1.85,
            bottom=0.7,
            folds=2.5,
            depth=0.05,
            seed=number + 2,
        )
    for number, x in enumerate((-2.0, -0.5, 1.0)):
        furniture.pendant(
            (x, back - 1.0, 2.45 - 0.02 * number), top, black, radius=0.2, watts=75, colour=(1.0, 0.82, 0.6), glow=8.0
        )
    rendering.sun(28, -104, 5.0, (1.0, 0.86, 0.68), size=1.0)
    rendering.area((3.0, 1.9), (left + 0.03, 2.95, 1.9), (1.0, 4.6, 1.0), 130, (0.90, 0.96, 1.0))
    rendering.area((3.0, 2.0), (1.6, 0.2, 3.1), (0.4, 4.6, 1.0), 50, (1.0, 0.94, 0.86))
