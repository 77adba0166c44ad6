"""Furniture and lamps at their real sizes: soft things sag, edges are round."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from cyclorama_scenes import rendering, shapes, surfaces
from cyclorama_scenes.shapes import Point
from cyclorama_scenes.surfaces import Colour, mix, noise, put, ramp


def soft(
    size: Point,
    at: Point,
    material: Any,
    *,
    turn: Point = (0, 0, 0),
    square: float = 5.0,
    sag: float = 0.0,
    seed: int = 1,
) -> Any:
    """Upholstery: a superellipsoid (`square`: 2 is an egg, 8 nearly a box), lumpy, its top hollowed by `sag` metres."""
    random = np.random.default_rng(seed)
    v, u = np.meshgrid(np.linspace(-np.pi / 2, np.pi / 2, 40), np.linspace(-np.pi, np.pi, 81), indexing="ij")

    def power(angle: Any, function: Any) -> Any:
        value = function(angle)
        return np.sign(value) * np.abs(value) ** (2 / square)

    x, y, z = power(v, np.cos) * power(u, np.cos), power(v, np.cos) * power(u, np.sin), power(v, np.sin)
    a, b, c = random.uniform(0, 6, 3)
    lump = (
        1
        + 0.012 * np.sin(3.1 * x + 2.3 * z + a)
        + 0.010 * np.sin(4.3 * y - 2.9 * x + b)
        + 0.008 * np.sin(5 * z + 4 * y + c)
    )
    hollow = -sag * np.clip(z, 0, 1) * np.exp(-1.6 * (x**2 + y**2))
    return shapes.moved(
        shapes.grid("soft", x * lump * size[0] / 2, y * lump * size[1] / 2, z * lump * size[2] / 2 + hollow, material),
        at,
        turn,
    )


def cushion(size: float, at: Point, material: Any, *, turn: Point = (0, 0, 0), seed: int = 1) -> Any:
    """A throw cushion: full in the middle, thin at the seam, its four corners drawn out, dented on top."""
    random = np.random.default_rng(seed)
    u, v = np.meshgrid(np.linspace(-1, 1, 33), np.linspace(-1, 1, 33))
    full = ((1 - u**4) * (1 - v**4)) ** 0.55
    pinch = 1 - 0.10 * (1 - (u * v) ** 2) * (u**2 + v**2) / 2
    folds = 1 + 0.10 * np.sin(6 * u * v + random.uniform(0, 6)) + 0.06 * np.sin(5 * u + 7 * v)
    dent = 1 - 0.45 * np.exp(-((u - random.normal() * 0.2) ** 2) * 5 - (v - 1.0) ** 2 * 3)
    halves = []
    for side in (-1, 1):
        z = side * 0.19 * size * full * folds * dent
        halves.append(
            shapes.grid(
                "half",
                u * pinch * size / 2,
                z,
                (v * pinch - 0.06 * np.exp(-4 * u**2) * (v > 0) * v) * size / 2,
                material,
            )
        )
    return shapes.moved(shapes.joined(halves), at, turn)


def sofa(at: Point, width: float, cloth: Any, legs: Any, *, turn: float = 0.0, seats: int = 3, seed: int = 1) -> None:
    """A sofa that faces the camera (before `turn`, degrees) with loose seat and back cushions."""
    place = turner(at, turn)
    inner = width - 0.36
    for side in (-1, 1):
        soft(
            (0.20, 0.92, 0.58),
            place((side * (width / 2 - 0.10), 0, 0.36)),
            cloth,
            turn=(0, 0, turn),
            square=7,
            seed=seed + side,
        )
    soft((inner + 0.1, 0.24, 0.66), place((0, 0.36, 0.46)), cloth, turn=(-8, 0, turn), square=8, seed=seed + 3)
    shapes.box((width - 0.1, 0.86, 0.18), place((0, 0.02, 0.20)), cloth, turn=(0, 0, turn), bevel=0.03)
    for number in range(seats):
        x = (number - (seats - 1) / 2) * inner / seats
        soft(
            (inner / seats + 0.015, 0.70, 0.20),
            place((x, -0.10, 0.385)),
            cloth,
            turn=(1, 0, turn),
            square=6,
            sag=0.025,
            seed=seed + 10 + number,
        )
        soft(
            (inner / seats + 0.01, 0.22, 0.46),
            place((x, 0.20, 0.66)),
            cloth,
            turn=(-14, 0, turn),
            square=4.5,
            seed=seed + 20 + number,
        )
    for x in (-1, 1):
        for y in (-0.34, 0.36):
            shapes.cylinder(0.02, 0.13, place((x * (width / 2 - 0.14), y, 0.06)), legs)


def armchair(at: Point, cloth: Any, legs: Any, *, turn: float = 0.0, seed: int = 1) -> None:
    """A low upholstered chair with thin wooden legs; faces the camera before `turn`."""
    place = turner(at, turn)
    soft((0.62, 0.64, 0.18), place((0, -0.04, 0.40)), cloth, turn=(3, 0, turn), square=5, sag=0.02, seed=seed)
    soft((0.64, 0.20, 0.66), place((0, 0.30, 0.70)), cloth, turn=(-16, 0, turn), square=4, seed=seed + 1)
    for side in (-1, 1):
        soft(
            (0.13, 0.66, 0.30),
            place((side * 0.36, 0.02, 0.48)),
            cloth,
            turn=(4, 0, turn),
            square=4.5,
            seed=seed + 2 + side,
        )
        for y in (-0.28, 0.26):
            foot, top = place((side * 0.34, y * 1.12, 0.0)), place((side * 0.29, y, 0.33))
            shapes.tube([foot, top], [0.012, 0.02], legs)


def turner(at: Point, turn: float) -> Any:
    """Places of a piece's own coordinates in the room."""
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))

    def place(point: Point) -> Point:
        return at[0] + c * point[0] - s * point[1], at[1] + s * point[0] + c * point[1], at[2] + point[2]

    return place


def table(at: Point, size: Point, top: Any, legs: Any, *, thick: float = 0.035, turn: float = 0.0) -> None:
    """Four square legs under a board; `size` is width, depth, height."""
    place = turner(at, turn)
    shapes.box((size[0], size[1], thick), place((0, 0, size[2] - thick / 2)), top, turn=(0, 0, turn), bevel=0.005)
    for x in (-1, 1):
        for y in (-1, 1):
            spot = place((x * (size[0] / 2 - 0.05), y * (size[1] / 2 - 0.05), (size[2] - thick) / 2))
            shapes.box((0.045, 0.045, size[2] - thick), spot, legs, turn=(0, 0, turn))
        spot = place((x * (size[0] / 2 - 0.05), 0, size[2] - thick - 0.03))
        shapes.box((0.03, size[1] - 0.14, 0.05), spot, legs, turn=(0, 0, turn))


def round_table(at: Point, radius: float, height: float, top: Any, legs: Any) -> None:
    """A side table on three splayed legs."""
    shapes.cylinder(radius, 0.022, (at[0], at[1], at[2] + height - 0.011), top, sides=64)
    for number in range(3):
        angle = np.radians(30 + 120 * number)
        out = np.array([np.cos(angle), np.sin(angle)])
        shapes.tube(
            [
                (at[0] + out[0] * radius * 0.85, at[1] + out[1] * radius * 0.85, at[2]),
                (at[0] + out[0] * radius * 0.45, at[1] + out[1] * radius * 0.45, at[2] + height),
            ],
            0.013,
            legs,
        )


def office_chair(at: Point, cloth: Any, black: Any, *, turn: float = 0.0, seed: int = 1) -> None:
    """A task chair: five feet on castors, a gas spring, seat, mesh back and armrests."""
    place = turner(at, turn)
    for number in range(5):
        angle = np.radians(72 * number + 20)
        end = (0.32 * np.cos(angle), 0.32 * np.sin(angle))
        shapes.tube([place((0, 0, 0.13)), place((*end, 0.075))], [0.028, 0.016], black)
        shapes.cylinder(0.03, 0.045, place((*end, 0.03)), black, turn=(90, 0, 72 * number))
    shapes.cylinder(0.025, 0.34, place((0, 0, 0.27)), black)
    soft((0.50, 0.48, 0.09), place((0, 0, 0.47)), cloth, turn=(0, 0, turn), square=4, sag=0.01, seed=seed)
    soft((0.46, 0.06, 0.58), place((0, 0.26, 0.86)), cloth, turn=(-9, 0, turn), square=4, seed=seed + 1)
    shapes.tube([place((0, 0.1, 0.42)), place((0, 0.31, 0.48)), place((0, 0.33, 0.85))], 0.022, black)
    for side in (-1, 1):
        shapes.tube(
            [place((side * 0.2, 0.02, 0.44)), place((side * 0.29, 0.02, 0.5)), place((side * 0.29, 0.02, 0.66))],
            0.014,
            black,
        )
        shapes.box((0.07, 0.26, 0.03), place((side * 0.29, -0.02, 0.675)), black, turn=(0, 0, turn), bevel=0.012)


def shell_chair(at: Point, seat: Any, legs: Any, *, turn: float = 0.0) -> None:
    """A moulded chair: one bent shell on four splayed legs."""
    u, v = np.meshgrid(np.linspace(-1, 1, 25), np.linspace(0, 1, 30))
    run = v * 0.80
    bend = np.clip((run - 0.34) / 0.16, 0, 1)
    y = -0.22 + np.where(run < 0.34, run, 0.34 + 0.16 * (bend - bend**2 / 2) + 0.10 * np.maximum(run - 0.5, 0))
    z = 0.45 - 0.02 * np.sin(np.pi * np.clip(run / 0.4, 0, 1)) + 0.08 * bend**2 + np.maximum(run - 0.5, 0)
    half = 0.235 * (1 - 0.16 * v**2) * np.clip(1 - ((v - 0.5) / 0.5) ** 10, 0.05, 1) ** 0.5
    x = half * u
    z, y = z + 0.05 * u**2 * (v < 2) * (1 - 0.6 * v), y - 0.07 * u**2 * v
    shell = shapes.moved(shapes.grid("shell", x, y, z, seat), at, (0, 0, turn))
    shell.modifiers.new("thick", "SOLIDIFY").thickness = 0.012
    place = turner(at, turn)
    for sx in (-1, 1):
        for sy in (-1, 1):
            shapes.tube([place((sx * 0.24, sy * 0.22, 0)), place((sx * 0.13, sy * 0.12, 0.44))], [0.010, 0.015], legs)


def shade(name: str, colour: Colour, strength: float) -> Any:
    """A lampshade's cloth with the bulb behind it: brightest in the middle, it lights nothing itself."""
    made, tree, surface = surfaces.blank(name)
    made.cycles.emission_sampling = "NONE"
    place = surfaces.coordinates(tree)
    threads = ramp(tree, noise(tree, place, 0.004, octaves=2), (0.3, 0.8), (0.7, 1.05))
    put(tree, surface.inputs["Base Color"], (0.6, 0.55, 0.48))
    put(tree, surface.inputs["Emission Color"], mix(tree, 1.0, colour, threads, "MULTIPLY"))
    surface.inputs["Emission Strength"].default_value = strength
    surface.inputs["Roughness"].default_value = 0.9
    return made


def _lamp(
    at: Point, radius: float, height: float, watts: float, colour: Colour, glow: float, *, hung: bool = False
) -> None:
    """A drum shade about `at` with light from its top and bottom."""
    shapes.lathe([(radius, -height / 2), (radius * 0.82, height / 2)], at, shade("shade", colour, glow))
    low, high = (at[0], at[1], at[2] - height / 2), (at[0], at[1], at[2] + height / 2)
    rendering.spot(low, (at[0], at[1], 0), 125, watts * 0.5, colour, soft=0.6, radius=0.05)
    if not hung:
        rendering.spot(high, (at[0], at[1], at[2] + 2), 120, watts * 0.4, colour, soft=0.7, radius=0.05)
    side = bpy.data.lights.new("bulb", "POINT")
    side.energy, side.color, side.shadow_soft_size = watts * 0.35, colour, radius * 1.05
    bulb = bpy.data.objects.new("bulb", side)
    bulb.location, bulb.visible_camera, bulb.visible_glossy = at, False, False
    bpy.context.scene.collection.objects.link(bulb)


def floor_lamp(
    at: Point,
    metal: Any,
    *,
    tall: float = 1.55,
    watts: float = 60.0,
    colour: Colour = (1.0, 0.70, 0.40),
    glow: float = 4.0,
) -> None:
    """A standing lamp with a cloth shade."""
    shapes.lathe([(0, 0), (0.14, 0), (0.14, 0.014), (0.02, 0.022), (0, 0.022)], at, metal)
    shapes.tube([(at[0], at[1], at[2] + 0.01), (at[0], at[1], at[2] + tall)], 0.010, metal)
    _lamp((at[0], at[1], at[2] + tall), 0.20, 0.26, watts, colour, glow)


def table_lamp(
    at: Point,
    base: Any,
    *,
    tall: float = 0.46,
    watts: float = 30.0,
    colour: Colour = (1.0, 0.70, 0.40),
    glow: float = 4.0,
) -> None:
    """A ceramic lamp for a side table or shelf."""
    h = tall * 0.58
    shapes.lathe(
        [
            (0, 0),
            (0.05, 0),
            (0.06, 0.01),
            (0.085, h * 0.3),
            (0.075, h * 0.6),
            (0.02, h * 0.88),
            (0.012, h),
            (0.012, h * 1.4),
        ],
        at,
        base,
    )
    _lamp((at[0], at[1], at[2] + tall * 0.86), 0.15, 0.20, watts, colour, glow)


def pendant(
    at: Point,
    ceiling: float,
    metal: Any,
    *,
    radius: float = 0.2,
    watts: float = 40.0,
    colour: Colour = (1.0, 0.80, 0.56),
    glow: float = 9.0,
) -> None:
    """A spun metal dome on a cable, its bulb seen from below."""
    turn = np.linspace(0.12, np.pi / 2, 14)
    profile = list(zip(radius * np.sin(turn), radius * 0.8 * np.cos(turn), strict=True))
    shapes.lathe(profile, at, metal).modifiers.new("thick", "SOLIDIFY").thickness = 0.003
    shapes.tube([(at[0], at[1], at[2] + radius * 0.78), (at[0], at[1], ceiling)], 0.003, metal, sides=6)
    bulb = surfaces.glowing("bulb", colour, glow)
    bulb.cycles.emission_sampling = "NONE"
    turn = np.linspace(-np.pi / 2, np.pi / 2, 12)
    shapes.lathe(list(zip(0.05 * np.cos(turn), 0.05 * np.sin(turn), strict=True)), (at[0], at[1], at[2] + 0.04), bulb)
    rendering.spot((at[0], at[1], at[2] + 0.02), (at[0], at[1], 0), 140, watts, colour, soft=0.7, radius=0.06)


def picture(
    at: Point,
    size: tuple[float, float],
    rim: Any,
    *,
    colours: tuple[Colour, Colour, Colour],
    turn: float = 0.0,
    tilt: float = 0.0,
    seed: int = 1,
    mount: float = 0.12,
) -> None:
    """A framed print of broad painted fields behind a mount."""
    place = turner(at, turn)
    made, tree, surface = surfaces.blank("print")
    where = surfaces.coordinates(tree)
    broad = noise(tree, where, min(size) * (0.5 + 0.13 * (seed % 5)), octaves=2, rough=0.3, warp=0.6 * (seed % 3))
    paper = noise(tree, where, 0.02, octaves=3)
    fields = ramp(tree, broad, (0.40, colours[0]), (0.44, colours[1]), (0.58, colours[1]), (0.61, colours[2]))
    put(
        tree,
        surface.inputs["Base Color"],
        mix(tree, 1.0, fields, ramp(tree, paper, (0.3, 0.88), (0.7, 1.0)), "MULTIPLY"),
    )
    surface.inputs["Roughness"].default_value = 0.6
    border = min(size) * mount
    white = surfaces.material("mount", (0.72, 0.70, 0.66), second=(0.69, 0.67, 0.63), roughness=0.8)
    turned = (tilt, 0, turn)
    shapes.box((size[0], 0.006, size[1]), place((0, 0.004, 0)), white, turn=turned, bevel=0)
    shapes.box((size[0] - 2 * border, 0.006, size[1] - 2 * border), place((0, 0.002, 0)), made, turn=turned, bevel=0)
    for side in (-1, 1):
        shapes.box((size[0] + 0.03, 0.025, 0.018), place((0, 0, side * size[1] / 2)), rim, turn=turned)
        shapes.box((0.018, 0.025, size[1] + 0.03), place((side * size[0] / 2, 0, 0)), rim, turn=turned)


def rug(at: Point, size: tuple[float, float], colour: Colour, pattern: Colour, *, turn: float = 0.0) -> None:
    """A woven rug with a faded pattern; its edge is not quite straight."""
    made, tree, surface = surfaces.blank("rug")
    where = surfaces.coordinates(tree)
    bands = surfaces.node(tree, "ShaderNodeTexWave", Vector=where, Scale=2.2, Distortion=2.5, Detail=2.0)
    worn = surfaces.arithmetic(
        tree,
        "MULTIPLY",
        surfaces.span(tree, bands.outputs["Fac"], 0.45, 0.6),
        ramp(tree, noise(tree, where, 0.4, octaves=4), (0.3, 0.2), (0.6, 0.8)),
    )
    yarn = ramp(tree, noise(tree, where, 0.012, octaves=3, rough=0.8), (0.3, 0.65), (0.7, 1.1))
    put(tree, surface.inputs["Base Color"], mix(tree, 1.0, mix(tree, worn, colour, pattern), yarn, "MULTIPLY"))
    put(tree, surface.inputs["Normal"], surfaces.bump(tree, noise(tree, where, 0.012, octaves=2), 0.008))
    surface.inputs["Roughness"].default_value = 0.95
    u, v = np.meshgrid(np.linspace(-1, 1, 60), np.linspace(-1, 1, 60))
    x = u * size[0] / 2 + 0.01 * np.sin(5 * v)
    y = v * size[1] / 2 + 0.008 * np.sin(7 * u)
    shapes.moved(shapes.grid("rug", x, y, 0.012 + 0.003 * np.sin(6 * u + 3 * v), made), at, (0, 0, turn))


def mug(at: Point, glaze: Any, *, turn: float = 0.0) -> None:
    """A mug with its ear."""
    shapes.lathe(
        [(0, 0), (0.034, 0), (0.038, 0.006), (0.040, 0.09), (0.037, 0.09), (0.035, 0.012), (0, 0.012)], at, glaze
    )
    arc = np.linspace(-1.35, 1.35, 14)
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    out = 0.036 + 0.024 * np.cos(arc)
    shapes.tube(
        np.column_stack([at[0] + c * out, at[1] + s * out, at[2] + 0.047 + 0.026 * np.sin(arc)]), 0.005, glaze, sides=8
    )


def throw(at: Point, width: float, drop: float, cloth: Any, *, turn: float = 0.0) -> None:
    """A blanket laid over a sofa's back: down in front, over, down behind, in soft folds."""
    u, v = np.meshgrid(np.linspace(-1, 1, 60), np.linspace(0, 1, 70))
    run = (v - 0.5) * 2 * drop
    over = 0.13
    bend = np.clip(run / over, -1, 1)
    y = 0.13 * np.sin(bend * np.pi / 2)
    z = 0.07 * np.cos(bend * np.pi / 2) - np.maximum(np.abs(run) - over, 0)
    folds = 0.016 * np.sin(7 * u + 1.4 * run) * (1 - 0.5 * np.exp(-np.abs(run) * 6)) + 0.010 * np.sin(15 * u - 3 * run)
    x = u * width / 2 * (1 - 0.1 * np.abs(run)) + 0.03 * run
    shapes.moved(shapes.grid("throw", x, y + folds * np.sign(y + 1e-6), z + 0.3 * folds, cloth), at, (0, 0, turn))
