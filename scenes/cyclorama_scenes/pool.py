"""A terrace with a pool whose far edge meets the sea."""

from __future__ import annotations

from typing import Any

import numpy as np

from cyclorama_scenes import plants, rendering, sea, shapes, surfaces
from cyclorama_scenes.rendering import scene
from cyclorama_scenes.sea import Shore
from cyclorama_scenes.surfaces import arithmetic, mix, node, put, ramp, span

FAR = 11.0  # metres; the edge that the water runs over
BELOW = 9.0  # metres from the terrace down to the sea


def pool_water() -> Any:
    """Water over pale tiles, with the net of light that the ripples throw on them."""
    made, tree, surface = surfaces.blank("pool")
    place = surfaces.coordinates(tree, world=True)
    swirl = node(tree, "ShaderNodeTexNoise", Vector=place, Scale=1.6, Detail=2.0)
    bent = node(tree, "ShaderNodeVectorMath", operation="ADD")
    put(tree, bent.inputs[0], place)
    put(tree, bent.inputs[1], swirl.outputs["Color"])
    cells = node(tree, "ShaderNodeTexVoronoi", feature="DISTANCE_TO_EDGE", Vector=bent.outputs[0], Scale=3.6)
    net = span(tree, cells.outputs["Distance"], 0.0, 0.16, (1.0, 0.0))
    bed = ramp(tree, surfaces.noise(tree, place, 2.5, octaves=3), (0.3, (0.02, 0.22, 0.27)), (0.7, (0.045, 0.34, 0.37)))
    put(tree, surface.inputs["Base Color"], mix(tree, arithmetic(tree, "MULTIPLY", net, 0.32), bed, (0.30, 0.66, 0.64)))
    surface.inputs["Roughness"].default_value = 0.02
    surface.inputs["IOR"].default_value = 1.333
    return made


def lounger(at: tuple[float, float], turn: float, frame: Any, cushion: Any) -> None:
    """A slatted couch with a raised back, its head away from the camera."""
    parts = [shapes.box((0.64, 0.07, 0.025), (0, -0.9 + 0.1 * slat, 0.33), frame) for slat in range(13)]
    parts += [shapes.box((0.05, 2.0, 0.07), (side, 0, 0.29), frame) for side in (-0.33, 0.33)]
    parts += [shapes.box((0.06, 0.06, 0.29), (x, y, 0.145), frame) for x in (-0.31, 0.31) for y in (-0.85, 0.85)]
    parts.append(shapes.box((0.60, 1.28, 0.09), (0, -0.30, 0.39), cushion, bevel=0.035))
    parts.append(shapes.box((0.60, 0.80, 0.09), (0, 0.62, 0.60), cushion, turn=(38, 0, 0), bevel=0.035))
    parts.append(shapes.box((0.46, 0.16, 0.10), (0, 0.78, 0.80), cushion, turn=(38, 0, 0), bevel=0.045))
    parts.append(shapes.box((0.60, 0.80, 0.03), (0, 0.64, 0.54), frame, turn=(38, 0, 0)))
    for part in parts[1:]:
        part.parent = parts[0]
        part.matrix_parent_inverse = parts[0].matrix_basis.inverted()
    shapes.moved(
        parts[0], (at[0] - 0.9 * np.sin(-np.radians(turn)), at[1] - 0.9 * np.cos(np.radians(turn)), 0.33), (0, 0, turn)
    )


def parasol(at: tuple[float, float], cloth: Any, pole: Any) -> None:
    """An open parasol: eight panels that sag between their ribs."""
    angle = np.linspace(0, 2 * np.pi, 97)
    share = np.linspace(0.02, 1, 12)[:, None]
    sag = 0.06 * np.abs(np.sin(4 * angle))
    x, y = share * 1.55 * np.cos(angle), share * 1.55 * np.sin(angle)
    z = 2.62 - 0.52 * share**1.25 - sag * share * (1.3 - share)
    shapes.grid("canopy", at[0] + x, at[1] + y, z, cloth)
    rim = np.stack([z[-1], z[-1] - 0.16 - 0.02 * np.cos(8 * angle)])
    shapes.grid("valance", at[0] + np.stack([x[-1], x[-1]]), at[1] + np.stack([y[-1], y[-1]]), rim, cloth)
    shapes.cylinder(0.024, 2.62, (*at, 1.31), pole)
    shapes.lathe([(0, 0.0), (0.26, 0.0), (0.26, 0.06), (0.05, 0.10), (0.04, 0.3), (0, 0.3)], (*at, 0.0), pole)


def pot(at: tuple[float, float], *, size: float, seed: int) -> None:
    """A clay pot with an agave."""
    random = np.random.default_rng(seed)
    clay = surfaces.material("clay", (0.52, 0.50, 0.46), second=(0.40, 0.38, 0.35), size=0.2, roughness=0.85)
    shapes.lathe(
        [
            (0, 0),
            (0.2 * size, 0),
            (0.3 * size, 0.5 * size),
            (0.33 * size, 0.56 * size),
            (0.27 * size, 0.55 * size),
            (0, 0.5 * size),
        ],
        (*at, 0),
        clay,
    )
    green = plants.leaf("agave", (0.10, 0.19, 0.10), (0.22, 0.27, 0.12), through=0.1)
    tuft = plants.blades(46, 0.85 * size, 0.62 * size, random, green, width=0.035 * size, bend=0.75)
    shapes.moved(tuft, (*at, 0.5 * size))


@scene("pool-terrace", scale=2 / 3)
def pool() -> None:
    rendering.camera(height=rendering.SITTING, horizon=0.46, focal_mm=33, focus=1.7, f_stop=1.6, turn=3)
    rendering.sky(elevation=36, azimuth=64, dust=0.5, sun=0.8, haze=(6.2, 7.0, 7.8), clouds=0.5)
    rendering.film(exposure=-2.7, look="Punchy", saturation=1.3)
    x, y = np.meshgrid(np.linspace(-9, 2.7, 300), np.linspace(3.3, FAR, 260))
    ripples = sea.sample(sea.tile(5.3, 256, 1.3, seed=4, choppy=0), 5.3, x, y)[2]
    shapes.grid("water", x, y, 0.35 * ripples - 0.06, pool_water())
    teak = surfaces.wood("teak", (0.36, 0.22, 0.12), (0.22, 0.125, 0.065), along="x", plank=0.145, roughness=0.6)
    shapes.plane((30, 5), (0, 0.75, 0), teak)
    shapes.plane((8, 9), (6.85, 7.5, 0), teak)
    stone = surfaces.concrete("coping", (0.62, 0.59, 0.53))
    shapes.box((12.1, 0.42, 0.09), (-3.15, 3.2, -0.02), stone, bevel=0.015)
    shapes.box((0.42, FAR - 3, 0.09), (2.8, FAR / 2 + 1.6, -0.02), stone, bevel=0.015)
    shapes.box((12, 0.25, 0.6), (-3.1, FAR + 0.10, -0.36), stone)
    shapes.box((8, 0.25, 0.5), (6.85, FAR + 1, 0.2), surfaces.plaster("parapet", (0.74, 0.72, 0.68)), bevel=0.02)
    shore = Shore(distance=-200.0, slope=0.5)
    water = surfaces.hazed(sea.water("sea", foam=0.6), (5.6, 6.6, 7.6), 5000.0)
    made = sea.sea(shore, water, wind=6.5, near=30.0, detail=0.7)
    made.location = (0, 0, -BELOW)
    frame = surfaces.wood("frame", (0.34, 0.20, 0.10), (0.22, 0.12, 0.06), along="y", roughness=0.5)
    cushion = surfaces.fabric("cushion", (0.74, 0.72, 0.67), folds=0.012)
    lounger((3.75, 7.3), 12, frame, cushion)
    lounger((5.05, 7.5), 9, frame, cushion)
    canvas = plants.leaf("canvas", (0.78, 0.75, 0.68), (0.72, 0.69, 0.62), through=0.3)
    parasol((4.45, 8.9), canvas, surfaces.wood("pole", (0.4, 0.25, 0.13), (0.3, 0.17, 0.08), along="z"))
    pot((3.25, 10.1), size=1.0, seed=2)
    pot((3.3, 6.1), size=0.7, seed=3)
    plants.palms(
        [(-9.5, 15.0), (-12.5, 17.5), (11.0, 17.0), (14.0, 20.0)], lambda x, _: np.full_like(x, -4.0), seed=7, lean=1.0
    )
