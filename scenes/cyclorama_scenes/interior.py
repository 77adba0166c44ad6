"""Rooms: walls with openings, windows, curtains, and what is seen through them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cyclorama_scenes import shapes, surfaces
from cyclorama_scenes.surfaces import Colour, arithmetic, bump, mix, node, noise, put, ramp

Opening = tuple[float, float, float, float]  # along the wall from, to; sill, head


def wall_paint(name: str, colour: Colour) -> Any:
    """Painted plaster whose roller marks run on from one part of a wall to the next."""
    made, tree, surface = surfaces.blank(name)
    place = surfaces.coordinates(tree, world=True)
    dark = (colour[0] * 0.93, colour[1] * 0.92, colour[2] * 0.90)
    put(tree, surface.inputs["Base Color"], ramp(tree, noise(tree, place, 1.3), (0.3, dark), (0.7, colour)))
    put(tree, surface.inputs["Roughness"], ramp(tree, noise(tree, place, 0.4, rough=0.7), (0.3, 0.78), (0.7, 0.9)))
    surface.inputs["Specular IOR Level"].default_value = 0.3
    put(tree, surface.inputs["Normal"], bump(tree, noise(tree, place, 0.03, octaves=2), 0.0015))
    return made


def brick(
    name: str,
    first: Colour,
    second: Colour,
    mortar: Colour,
    *,
    size: tuple[float, float] = (0.24, 0.075),
    joint: float = 0.008,
    relief: float = 0.008,
    roughness: float = 0.85,
    offset: float = 0.5,
) -> Any:
    """Bricks or tiles on a plane that was turned upright, each of another tone, uneven and sooty."""
    made, tree, surface = surfaces.blank(name)
    place = node(tree, "ShaderNodeTexCoord").outputs["Object"]
    wavy = mix(tree, 0.012, place, noise(tree, place, 0.15, octaves=2))
    laid = node(
        tree, "ShaderNodeTexBrick", Vector=wavy, Scale=1.0, Color1=first, Color2=second, Mortar=mortar, offset=offset
    )
    keys = {"Mortar Size": joint, "Brick Width": size[0], "Row Height": size[1], "Bias": -0.1, "Mortar Smooth": 0.3}
    for key, value in keys.items():
        laid.inputs[key].default_value = value
    soot = ramp(tree, noise(tree, place, 0.5, octaves=5), (0.25, 0.82), (0.7, 1.06))
    put(tree, surface.inputs["Base Color"], mix(tree, 1.0, laid.outputs["Color"], soot, "MULTIPLY"))
    grain = bump(tree, noise(tree, place, 0.03, octaves=2), relief * 0.25)
    put(
        tree,
        surface.inputs["Normal"],
        bump(tree, arithmetic(tree, "SUBTRACT", 1.0, laid.outputs["Fac"]), relief, grain),
    )
    put(tree, surface.inputs["Roughness"], mix(tree, laid.outputs["Fac"], (roughness,) * 3, (0.95,) * 3))
    return made


def _pieces(span: tuple[float, float], height: float, openings: Sequence[Opening]) -> list[Opening]:
    """What is left of a wall beside, under and over its openings: rectangles (from, to, bottom, top)."""
    pieces, reached = [], span[0]
    for first, last, sill, head in sorted(openings):
        pieces += [(reached, first, 0.0, height), (first, last, 0.0, sill), (first, last, head, height)]
        reached = last
    pieces.append((reached, span[1], 0.0, height))
    return [piece for piece in pieces if piece[1] > piece[0] and piece[3] > piece[2]]


def wall_x(
    y: float,
    span: tuple[float, float],
    height: float,
    material: Any,
    *,
    openings: Sequence[Opening] = (),
    thick: float = 0.3,
) -> None:
    """A wall across the view whose near face lies at `y`."""
    for first, last, low, high in _pieces(span, height, openings):
        size = (last - first, thick, high - low)
        shapes.box(size, ((first + last) / 2, y + thick / 2, (low + high) / 2), material, bevel=0)


def wall_y(
    x: float,
    span: tuple[float, float],
    height: float,
    material: Any,
    *,
    openings: Sequence[Opening] = (),
    thick: float = 0.3,
) -> None:
    """A wall along the view whose inner face lies at `x`: it grows away from the middle of the room."""
    outwards = np.sign(x) * thick / 2
    for first, last, low, high in _pieces(span, height, openings):
        size = (thick, last - first, high - low)
        shapes.box(size, (x + outwards, (first + last) / 2, (low + high) / 2), material, bevel=0)


def frame(
    opening: Opening,
    at: float,
    material: Any,
    *,
    side: bool = False,
    panes: tuple[int, int] = (2, 1),
    bar: float = 0.05,
    deep: float = 0.07,
) -> None:
    """A window's frame in an opening, with bars between its panes; `side`: in a wall along the view at x = `at`."""
    first, last, sill, head = opening

    def put_bar(along: float, up: float, long: float, tall: float) -> None:
        size = (deep, long, tall) if side else (long, deep, tall)
        place = (at, along, up) if side else (along, at, up)
        shapes.box(size, place, material, bevel=0.006)

    for number in range(panes[0] + 1):
        inner = 0 < number < panes[0]
        place = first + (last - first) * number / panes[0] + (0 if inner else bar / 2 * (1 if number == 0 else -1))
        put_bar(place, (sill + head) / 2, bar * (0.8 if inner else 1.0), head - sill)
    for number in range(panes[1] + 1):
        inner = 0 < number < panes[1]
        place = sill + (head - sill) * number / panes[1] + (0 if inner else bar / 2 * (1 if number == 0 else -1))
        put_bar((first + last) / 2, place, last - first, bar * (0.8 if inner else 1.0))


def skirting(width: float, y: float, material: Any) -> None:
    """A board along the foot of a wall across the view."""
    shapes.box((width, 0.018, 0.09), (0, y - 0.009, 0.045), material, bevel=0.006)


def veil(name: str, colour: Colour = (0.86, 0.85, 0.82), *, through: float = 0.6, clear: float = 0.0) -> Any:
    """Curtain cloth: it glows with the light behind it; `clear` is the share of holes between its threads."""
    made, tree, surface = surfaces.blank(name)
    place = surfaces.coordinates(tree)
    threads = ramp(
        tree,
        noise(tree, node(tree, "ShaderNodeMapping", Vector=place, Scale=(1, 1, 0.05)).outputs[0], 0.006),
        (0.3, 0.88),
        (0.7, 1.0),
    )
    tint = mix(tree, 1.0, colour, threads, "MULTIPLY")
    put(tree, surface.inputs["Base Color"], tint)
    surface.inputs["Roughness"].default_value = 0.95
    surface.inputs["Specular IOR Level"].default_value = 0.1
    put(tree, surface.inputs["Normal"], bump(tree, noise(tree, place, 0.004, octaves=2), 0.0004))
    behind = node(tree, "ShaderNodeBsdfTranslucent", Color=tint)
    cloth = node(tree, "ShaderNodeMixShader", Fac=through)
    tree.links.new(surface.outputs[0], cloth.inputs[1])
    tree.links.new(behind.outputs[0], cloth.inputs[2])
    holes = node(tree, "ShaderNodeMixShader", Fac=clear)
    tree.links.new(cloth.outputs[0], holes.inputs[1])
    tree.links.new(node(tree, "ShaderNodeBsdfTransparent").outputs[0], holes.inputs[2])
    tree.links.new(holes.outputs[0], tree.nodes["Material Output"].inputs["Surface"])
    return made


def curtain(
    material: Any,
    start: tuple[float, float],
    end: tuple[float, float],
    top: float,
    *,
    bottom: float = 0.02,
    folds: float = 9.0,
    depth: float = 0.05,
    seed: int = 1,
) -> Any:
    """Cloth in folds between two points on the ground plan: pinched at the rail, looser below."""
    random = np.random.default_rng(seed)
    u, v = np.meshgrid(np.linspace(0, 1, 420), np.linspace(0, 1, 60))
    run = np.array(end) - np.array(start)
    across = np.array([-run[1], run[0]]) / np.hypot(*run)
    # Folds are never alike: the phase runs on at an uneven pace, and drifts on the way down.
    pace = u + sum(random.normal() * 0.028 / k * np.sin(2 * np.pi * (k * u + random.random())) for k in (1, 2, 3))
    phase = 2 * np.pi * folds * pace + 0.5 * (1 - v) * np.sin(5 * u + 3 * random.random())
    deep = depth * (0.55 + 0.45 * (1 - v)) * (0.8 + 0.35 * np.sin(2 * np.pi * (2.3 * u + 0.2)))
    wave = deep * (
        np.sin(phase) + 0.3 * np.sin(2 * phase + 1.3 + (1 - v)) + 0.12 * np.sin(3.7 * phase * (1 + 0.02 * (1 - v)))
    )
    aside = 0.25 * deep * np.sin(2 * phase)
    along = u[..., None] * run + across * wave[..., None] + (run / np.hypot(*run)) * aside[..., None]
    z = bottom + v * (top - bottom)
    return shapes.grid("curtain", start[0] + along[..., 0], start[1] + along[..., 1], z, material)


def day(name: str, colour: Colour, strength: float) -> Any:
    """What is too bright to be seen well: it lights nothing, lamps at the windows do that."""
    made = surfaces.glowing(name, colour, strength)
    made.cycles.emission_sampling = "NONE"
    return made


def greenery(
    y: float, *, top: float, strength: float, leaf: Colour = (0.20, 0.33, 0.09), sky: Colour = (0.86, 0.95, 1.0)
) -> None:
    """A garden far out of focus: clumps of leaves up to a ragged edge at height `top`, bright sky over it."""
    made, tree, surface = surfaces.blank("greenery")
    made.cycles.emission_sampling = "NONE"
    place = node(tree, "ShaderNodeNewGeometry").outputs["Position"]
    up = node(tree, "ShaderNodeSeparateXYZ", Vector=place).outputs["Z"]
    clumps = noise(tree, place, 1.1, octaves=6, rough=0.62)
    ragged = arithmetic(tree, "SUBTRACT", arithmetic(tree, "MULTIPLY_ADD", clumps, 2.4, top - 1.2), up)
    dark = (leaf[0] * 0.12, leaf[1] * 0.17, leaf[2] * 0.16)
    lit = ramp(tree, noise(tree, place, 0.45, octaves=6, rough=0.7), (0.32, dark), (0.52, leaf), (0.68, sky))
    put(tree, surface.inputs["Base Color"], (0.0, 0.0, 0.0))
    surface.inputs["Specular IOR Level"].default_value = 0.0
    put(tree, surface.inputs["Emission Color"], mix(tree, surfaces.span(tree, ragged, -0.15, 0.35), sky, lit))
    surface.inputs["Emission Strength"].default_value = strength
    shapes.plane((24, 14), (0, y, 3.0), made, turn=(90, 0, 0)).visible_shadow = False


def city(
    y: float, *, width: float, ground: float, haze: Colour, sunny: Colour, strength: float, seed: int, lit: float = 0.0
) -> None:
    """A town in haze behind windows: sky, four ranges of buildings, paler with distance.

    Args:
        ground: height of the street, m below the floor we stand on (negative).
        strength: radiance of the haze; lit: radiance of windows with a lamp behind them.
    """
    random = np.random.default_rng(seed)
    shapes.plane((width * 8, width * 4), (0, y + 900, 0), day("sky", haze, strength), turn=(90, 0, 0))
    for row, (away, share) in enumerate(((0.0, 0.34), (70.0, 0.55), (180.0, 0.75), (420.0, 0.90))):
        facade = _facade(haze, sunny, strength, share, lit)
        x, reach = -width * (1 + 0.6 * row), width * (1 + 0.6 * row)
        while x < reach:
            wide = random.uniform(12, 34)
            tall = random.uniform(18, 42) * (1 + 0.28 * row) + (random.random() < 0.18) * random.uniform(20, 60)
            place = (x + wide / 2, y + away + random.uniform(0, 35), ground + tall / 2)
            shapes.box(
                (wide, random.uniform(14, 30), tall), place, facade, turn=(0, 0, random.uniform(-25, 25)), bevel=0
            )
            if random.random() < 0.5:
                top = (place[0] + random.uniform(-3, 3), place[1], ground + tall + 1.5)
                shapes.box((wide * 0.35, 6, 3.5), top, facade, bevel=0)
            x += wide + random.uniform(-2, 9)


def town_lights(y: float, *, seed: int) -> None:
    """Lit windows, street lamps and cars: points that the lens makes discs of."""
    random = np.random.default_rng(seed)
    for colour, strength, count in (
        ((1.0, 0.42, 0.10), 8.0, 60),
        ((1.0, 0.62, 0.28), 7.0, 66),
        ((1.0, 0.08, 0.03), 6.0, 16),
        ((0.30, 0.62, 1.0), 4.5, 18),
    ):
        lamp = shapes.box((0.45, 0.45, 0.45), (0, -50, 0), day("lamp", colour, strength), bevel=0)
        for _ in range(count):
            up = random.uniform(-7.0, 8.0) if random.random() < 0.45 else random.normal(-4.5, 1.3)
            shapes.copy(lamp, (random.uniform(-45, 45), y + random.uniform(0, 45), up), scale=random.uniform(0.6, 1.2))


def _facade(haze: Colour, sunny: Colour, strength: float, share: float, lit: float) -> Any:
    """Floors of windows in stone, seen through `share` of haze."""
    made, tree, surface = surfaces.blank("facade")
    made.cycles.emission_sampling = "NONE"
    where = node(tree, "ShaderNodeTexCoord").outputs["Object"]
    normal = node(tree, "ShaderNodeNewGeometry").outputs["Normal"]
    facing = arithmetic(tree, "ABSOLUTE", node(tree, "ShaderNodeSeparateXYZ", Vector=normal).outputs["X"])
    parts = node(tree, "ShaderNodeSeparateXYZ", Vector=where)
    flat = node(
        tree,
        "ShaderNodeCombineXYZ",
        X=arithmetic(tree, "ADD", parts.outputs["X"], parts.outputs["Y"]),
        Y=parts.outputs["Z"],
    )
    rows = node(
        tree,
        "ShaderNodeTexBrick",
        Vector=flat.outputs[0],
        Scale=1.0,
        Color1=(0, 0, 0),
        Color2=(1, 1, 1),
        Mortar=(0, 0, 0),
        offset=0.0,
    )
    for key, value in {"Mortar Size": 0.55, "Brick Width": 2.6, "Row Height": 3.3, "Mortar Smooth": 0.0}.items():
        rows.inputs[key].default_value = value
    stone = node(tree, "ShaderNodeObjectInfo").outputs["Random"]
    light = mix(tree, facing, sunny, (sunny[0] * 0.45, sunny[1] * 0.5, sunny[2] * 0.62))
    wall = mix(tree, 1.0, light, ramp(tree, stone, (0.0, 0.35), (1.0, 1.0)), "MULTIPLY")
    pane = mix(tree, 0.6, wall, (haze[0] * 0.3, haze[1] * 0.32, haze[2] * 0.36))
    town = mix(tree, rows.outputs["Fac"], pane, wall)
    away = mix(tree, share, town, haze)
    if lit:
        lamp = arithmetic(
            tree,
            "MULTIPLY",
            arithmetic(tree, "GREATER_THAN", rows.outputs["Color"], 0.86),
            arithmetic(tree, "SUBTRACT", 1.0, rows.outputs["Fac"]),
        )
        away = mix(tree, arithmetic(tree, "MULTIPLY", lamp, 1.0 - 0.5 * share), away, (lit, lit * 0.72, lit * 0.42))
    put(tree, surface.inputs["Base Color"], (0.0, 0.0, 0.0))
    surface.inputs["Specular IOR Level"].default_value = 0.0
    put(tree, surface.inputs["Emission Color"], away)
    surface.inputs["Emission Strength"].default_value = strength
    return made
