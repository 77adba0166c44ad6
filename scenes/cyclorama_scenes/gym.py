"""A gym: racks, weights, a mirror and a row of windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from cyclorama_scenes import rendering, shapes, surfaces
from cyclorama_scenes.rendering import scene
from cyclorama_scenes.shapes import Point

WIDTH, DEPTH, HEIGHT = 8.8, 12.0, 3.7  # metres, of the room
BACK = DEPTH - 2.5  # of the wall before the camera
MIDDLE = BACK - DEPTH / 2


def disc(radius: float, thick: float, at: Point, material: Any, *, turn: Point = (0, 90, 0)) -> Any:
    """A weight plate with a rim and a hub."""
    half = thick / 2
    profile = [
        (0.026, half * 0.5),
        (0.05, half * 0.9),
        (0.07, half * 0.55),
        (radius * 0.82, half * 0.5),
        (radius * 0.88, half),
        (radius, half * 0.8),
    ]
    return shapes.lathe([*profile, *((r, -h) for r, h in reversed(profile))], at, material, turn=turn, sides=48)


def dumbbell(size: float, rubber: Any, chrome: Any) -> Any:
    """A hexagonal dumbbell along y, its handle in chrome."""
    head = size * 0.52
    parts = []
    for side in (-1, 1):
        end = shapes.lathe(
            [
                (0, -head / 2),
                (size * 0.52, -head / 2),
                (size * 0.6, -head * 0.3),
                (size * 0.6, head * 0.3),
                (size * 0.52, head / 2),
                (0, head / 2),
            ],
            (0, 0, 0),
            rubber,
            sides=6,
        )
        end.data.set_sharp_from_angle(angle=0.5)
        shapes.moved(end, (0, side * (0.065 + head / 2), 0), (90, 0, 0))
        parts.append(end)
    parts.append(shapes.tube([(0, -0.07, 0), (0, 0, 0), (0, 0.07, 0)], [0.014, 0.017, 0.014], chrome))
    return shapes.joined(parts)


def barbell(at: Point, rubber: Any, chrome: Any, plates: tuple[float, ...]) -> None:
    """A bar along x with plates of the given radii on both ends."""
    x, y, z = at
    shapes.tube(
        [(x - 1.1, y, z), (x - 0.66, y, z), (x - 0.655, y, z), (x + 0.655, y, z), (x + 0.66, y, z), (x + 1.1, y, z)],
        [0.025, 0.025, 0.014, 0.014, 0.025, 0.025],
        chrome,
    )
    for side in (-1, 1):
        for number, radius in enumerate(plates):
            disc(radius, 0.05, (x + side * (0.70 + 0.055 * number), y, z), rubber)


def rack(x: float, y: float, paint: Any, chrome: Any, rubber: Any) -> None:
    """A power rack with a loaded bar, pins and a pull-up bar."""
    for side in (-0.55, 0.55):
        for back in (0.0, 1.2):
            shapes.box((0.075, 0.075, 2.35), (x + side, y + back, 1.175), paint)
            for hole in range(22):
                shapes.cylinder(0.012, 0.078, (x + side, y + back, 0.3 + 0.09 * hole), chrome, turn=(90, 0, 0), sides=8)
        for up in (0.04, 2.31):
            shapes.box((0.07, 1.2, 0.07), (x + side, y + 0.6, up), paint)
        shapes.box((0.06, 0.14, 0.05), (x + side, y - 0.09, 1.32), chrome)
    for up, back in ((2.31, 1.2), (0.04, 1.2)):
        shapes.box((1.1, 0.07, 0.07), (x, y + back, up), paint)
    shapes.tube([(x - 0.55, y, 2.25), (x + 0.55, y, 2.25)], 0.017, chrome)
    barbell((x, y - 0.10, 1.38), rubber, chrome, (0.225, 0.225, 0.16))
    for side in (-0.62, 0.62):
        for number, up in enumerate((0.5, 0.95, 1.4)):
            disc((0.225, 0.19, 0.15)[number], 0.09, (x + side, y + 1.2, up), rubber)


def bricks() -> Any:
    """Old red bricks, laid in running bond."""
    made, tree, surface = surfaces.blank("brick")
    place = surfaces.node(tree, "ShaderNodeMapping", Vector=surfaces.node(tree, "ShaderNodeTexCoord").outputs["Object"])
    wall = surfaces.node(
        tree,
        "ShaderNodeTexBrick",
        Vector=place.outputs[0],
        Scale=1.0,
        Color1=(0.17, 0.055, 0.032),
        Color2=(0.34, 0.14, 0.08),
        Mortar=(0.40, 0.36, 0.32),
    )
    for key, value in {
        "Mortar Size": 0.008,
        "Brick Width": 0.24,
        "Row Height": 0.075,
        "Bias": -0.2,
        "Mortar Smooth": 0.3,
    }.items():
        wall.inputs[key].default_value = value
    soot = surfaces.ramp(tree, surfaces.noise(tree, place.outputs[0], 0.5, octaves=5), (0.25, 0.85), (0.7, 1.08))
    surfaces.put(tree, surface.inputs["Base Color"], surfaces.mix(tree, 1.0, wall.outputs["Color"], soot, "MULTIPLY"))
    surfaces.put(
        tree,
        surface.inputs["Normal"],
        surfaces.bump(tree, surfaces.arithmetic(tree, "SUBTRACT", 1.0, wall.outputs["Fac"]), 0.008),
    )
    surface.inputs["Roughness"].default_value = 0.85
    return made


def room(paint: Any) -> None:
    """Rubber floor, brick at the back, plaster on the right, windows on the left with the sun in them."""
    floor = surfaces.material(
        "floor",
        (0.018, 0.018, 0.02),
        second=(0.042, 0.043, 0.047),
        size=0.03,
        roughness=0.6,
        worn=0.15,
        relief=0.001,
        relief_size=0.006,
    )
    shapes.plane((WIDTH, DEPTH), (0, MIDDLE, 0), floor)
    shapes.plane((WIDTH, HEIGHT), (0, BACK, HEIGHT / 2), bricks(), turn=(90, 0, 0))
    shapes.plane(
        (WIDTH, DEPTH), (0, MIDDLE, HEIGHT), surfaces.concrete("ceiling", (0.17, 0.17, 0.18)), turn=(180, 0, 0)
    )
    white = surfaces.plaster("wall", (0.55, 0.55, 0.54))
    shapes.plane((DEPTH, HEIGHT), (WIDTH / 2, MIDDLE, HEIGHT / 2), white, turn=(90, 0, -90))
    # The left side is windows between piers, over a low wall; daylight behind them.
    shapes.box((0.3, DEPTH, 0.7), (-WIDTH / 2, MIDDLE, 0.35), white)
    shapes.box((0.3, DEPTH, 0.6), (-WIDTH / 2, MIDDLE, HEIGHT - 0.3), white)
    for y in np.arange(-2.3, BACK + 0.1, 2.55):
        shapes.box((0.32, 0.35, HEIGHT), (-WIDTH / 2, y, HEIGHT / 2), white)
        for bar in (0.85, 1.7):
            shapes.box((0.05, 0.05, HEIGHT), (-WIDTH / 2, y + bar, HEIGHT / 2), paint)
    shapes.box((0.05, DEPTH, 0.05), (-WIDTH / 2, MIDDLE, 2.2), paint)
    day = surfaces.glowing("day", (0.86, 0.94, 1.0), 4.2, lights=False)
    shapes.plane((DEPTH, HEIGHT), (-WIDTH / 2 - 1.0, MIDDLE, HEIGHT / 2), day, turn=(90, 0, 90)).visible_shadow = False
    rendering.sun(33, -76, 9.0, (1.0, 0.86, 0.68), size=1.0)
    rendering.area((DEPTH - 2, 2.6), (-WIDTH / 2 + 0.25, MIDDLE, 2.0), (0, 5, 0.8), 420, (0.88, 0.95, 1.0))


def mirrors() -> None:
    """Four tall panes on the right wall."""
    mirror = surfaces.material(
        "mirror", (0.86, 0.88, 0.87), second=(0.84, 0.86, 0.85), roughness=0.02, worn=0.01, metallic=1.0
    )
    for number in range(4):
        shapes.box((0.02, 1.97, 2.1), (WIDTH / 2 - 0.02, 1.6 + 2.0 * number, 1.45), mirror, bevel=0.003)


def dumbbells(paint: Any, chrome: Any, rubber: Any) -> None:
    """A stand of three shelves along the back wall, fifteen on each."""
    kinds = [dumbbell(size, rubber, chrome) for size in (0.10, 0.125, 0.15)]
    for part in kinds:
        shapes.moved(part, (0, 0, -20))
    for shelf, up in enumerate((0.95, 0.62, 0.28)):
        y = BACK - 0.35 - 0.17 * shelf
        for edge in (-0.13, 0.13):
            shapes.box((4.6, 0.04, 0.06), (-1.6, y + edge, up - 0.06 + 0.08 * (edge > 0)), paint)
        for number in range(15):
            lie = (18 + 1.5 * np.sin(number * 7 + shelf), 0, 2.0 * np.sin(number * 5 + shelf))
            shapes.copy(kinds[shelf], (-3.7 + 0.3 * number, y, up + 0.10), lie)
    for x in (-3.85, -1.6, 0.65):
        shapes.box((0.08, 0.75, 1.05), (x, BACK - 0.5, 0.5), paint)


def benches(paint: Any) -> None:
    """Two flat benches, left as somebody left them."""
    leather = surfaces.material(
        "leather", (0.025, 0.025, 0.027), size=0.3, roughness=0.42, worn=0.08, relief=0.0006, relief_size=0.004
    )
    for bench, y, turn in ((-2.5, 6.4, 12.0), (-3.4, 4.6, 8.0)):
        shapes.box((0.30, 1.15, 0.08), (bench, y, 0.44), leather, turn=(0, 0, turn), bevel=0.03)
        shapes.box((0.06, 0.9, 0.05), (bench, y, 0.36), paint, turn=(0, 0, turn))
        for end in (-0.42, 0.42):
            x = bench - end * float(np.sin(np.radians(turn)))
            shapes.box((0.42, 0.06, 0.05), (x, y + end, 0.03), paint, turn=(0, 0, turn))
            shapes.box((0.06, 0.06, 0.34), (x, y + end, 0.19), paint, turn=(0, 0, turn))


def kettlebells(handles: tuple[Any, ...], rubber: Any) -> None:
    """Three by the mirrors."""
    for number, (size, at) in enumerate(((0.11, (3.9, 5.6)), (0.12, (3.85, 6.0)), (0.135, (3.9, 6.45)))):
        shapes.sphere(size, (*at, size * 0.97), rubber)
        bow = np.linspace(-0.5, np.pi + 0.5, 16)
        shapes.tube(
            np.column_stack(
                [np.full(16, at[0]), at[1] + 0.065 * np.cos(bow), 1.85 * size + 0.055 + 0.05 * np.sin(bow)]
            ),
            0.016,
            handles[number],
        )


def lamps(paint: Any) -> None:
    """Three rows of tubes under the ceiling."""
    lamp = surfaces.glowing("lamp", (1.0, 0.93, 0.82), 14.0, lights=False)
    for x in (-2.6, 0.2, 3.0):
        for y in (1.6, 4.6, 7.6):
            shapes.box((0.10, 2.2, 0.05), (x, y, HEIGHT - 0.45), lamp, bevel=0)
            shapes.box((0.13, 2.25, 0.05), (x, y, HEIGHT - 0.40), paint)
        rendering.area((0.4, 8.5), (x, 4.6, HEIGHT - 0.5), (x, 4.6, 0), 170, (1.0, 0.93, 0.83))


@scene("gym", scale=2 / 3)
def gym() -> None:
    rendering.camera(height=rendering.SITTING, horizon=0.48, focal_mm=28, focus=1.6, f_stop=1.6, turn=2)
    rendering.ambient((0.75, 0.86, 1.0), 0.25)
    rendering.film(exposure=0.35, look="Punchy", bloom=0.25, over=8.0)
    rubber = surfaces.material(
        "rubber", (0.022, 0.022, 0.024), second=(0.035, 0.035, 0.038), size=0.1, roughness=0.55, worn=0.15
    )
    chrome = surfaces.metal("chrome", (0.75, 0.75, 0.77), roughness=0.15)
    paint = surfaces.material("paint", (0.03, 0.03, 0.033), roughness=0.35, worn=0.1)
    room(paint)
    mirrors()
    lamps(paint)
    dumbbells(paint, chrome, rubber)
    benches(paint)
    kettlebells((chrome, paint, rubber), rubber)
    rack(2.5, BACK - 2.6, paint, chrome, rubber)
    oak = surfaces.wood("platform", (0.42, 0.26, 0.13), (0.30, 0.17, 0.08), along="y", plank=0.14)
    shapes.box((2.4, 2.4, 0.04), (2.5, BACK - 2.4, 0.02), oak)
