"""A warehouse: an aisle between pallet racks."""

from __future__ import annotations

from typing import Any

import numpy as np

from cyclorama_scenes import furniture, interior, rendering, shapes, surfaces, tools
from cyclorama_scenes.rendering import scene
from cyclorama_scenes.shapes import Point
from cyclorama_scenes.surfaces import mix, node, noise, put, ramp


@scene("warehouse", scale=2 / 3)
def warehouse() -> None:
    rendering.camera(height=rendering.STANDING, horizon=0.46, focal_mm=34, focus=2.0, f_stop=1.6)
    rendering.ambient((0.88, 0.94, 1.0), 0.20)
    rendering.film(exposure=0.2, look="Medium High Contrast", saturation=1.05, bloom=0.2, over=6.0)
    deep, top = 46.0, 9.0
    floor, tree, surface = surfaces.blank("floor")
    place = surfaces.coordinates(tree, world=True)
    clouds = ramp(
        tree, noise(tree, place, 2.2, octaves=6, rough=0.6), (0.3, (0.17, 0.17, 0.165)), (0.7, (0.26, 0.255, 0.245))
    )
    tyres = node(tree, "ShaderNodeMapping", Vector=place, Scale=(1, 0.06, 1)).outputs[0]
    marks = ramp(tree, noise(tree, tyres, 0.22, octaves=4), (0.52, 0.0), (0.72, 0.55))
    put(tree, surface.inputs["Base Color"], mix(tree, marks, clouds, (0.09, 0.088, 0.085)))
    put(tree, surface.inputs["Roughness"], ramp(tree, noise(tree, place, 0.8, octaves=5), (0.3, 0.16), (0.7, 0.42)))
    put(tree, surface.inputs["Normal"], surfaces.bump(tree, noise(tree, place, 0.6, octaves=2), 0.003))
    shapes.plane((40, deep + 8), (0, deep / 2 - 3, 0), floor)
    line = surfaces.material("line", (0.55, 0.36, 0.02), second=(0.30, 0.22, 0.06), size=0.3, roughness=0.5)
    for x in (-1.55, 1.55):
        shapes.plane((0.10, deep), (x, deep / 2, 0.003), line)
    panel = surfaces.material("panel", (0.55, 0.57, 0.58), size=2.0, roughness=0.5)
    shapes.plane((40, top), (0, deep, top / 2), panel, turn=(90, 0, 0))
    shapes.plane(
        (40, deep + 8),
        (0, deep / 2 - 3, top),
        surfaces.material("roof", (0.42, 0.43, 0.44), roughness=0.6),
        turn=(180, 0, 0),
    )
    day = interior.day("day", (0.88, 0.95, 1.0), 5.0)
    for y in np.arange(6, deep, 6.0):
        shapes.box((0.25, 0.25, 0.5), (0, y - 3, top - 0.25), panel)
        shapes.box((40, 0.16, 0.35), (0, y - 3, top - 0.3), panel)
        for x in (-5.5, 0.0, 5.5):
            shapes.plane((1.6, 3.4), (x, y, top - 0.02), day, turn=(180, 0, 0))
    rendering.area((9.0, deep - 4), (0, deep / 2, top - 0.4), (0, deep / 2, 0), 4200, (0.92, 0.97, 1.0))
    shapes.box((4.2, 0.1, 4.4), (0.6, deep - 0.1, 2.2), interior.day("door", (0.95, 0.97, 1.0), 3.0), bevel=0)
    upright = surfaces.material("upright", (0.03, 0.07, 0.17), roughness=0.4, worn=0.15)
    beam = surfaces.material("beam", (0.62, 0.16, 0.02), second=(0.52, 0.13, 0.02), size=0.4, roughness=0.4)
    slat = surfaces.wood("pallet", (0.42, 0.29, 0.16), (0.26, 0.16, 0.08), along="y", roughness=0.8)
    pallet = shapes.joined(
        [
            *(shapes.box((1.2, 0.12, 0.022), (0, y, 0.13), slat, bevel=0) for y in np.linspace(-0.44, 0.44, 6)),
            *(shapes.box((0.10, 1.0, 0.10), (x, 0, 0.06), slat, bevel=0) for x in (-0.5, 0, 0.5)),
        ]
    )
    board = tools.cardboard("cardboard")
    carton = shapes.box((1, 1, 1), (0, -40, 0), board, bevel=0)
    wrap = surfaces.material(
        "wrap", (0.42, 0.44, 0.46), second=(0.26, 0.27, 0.28), size=0.4, roughness=0.15, relief=0.006, relief_size=0.06
    )
    random = np.random.default_rng(11)
    for side in (-1, 1):
        x = side * 2.75
        for y in np.arange(2.6, deep - 2, 2.75):
            for edge in (-0.5, 0.5):
                shapes.box((0.09, 0.09, 7.2), (x + edge, y, 3.6), upright, bevel=0.006)
            for up in np.arange(0.4, 7.0, 0.9):
                shapes.tube([(x - 0.5, y, up), (x + 0.5, y, up + 0.45)], 0.015, upright, sides=5)
            for level in range(4):
                up = 0.0 if level == 0 else 1.72 * level
                if level:
                    for edge in (-0.5, 0.5):
                        shapes.box((0.05, 2.7, 0.12), (x + edge, y + 1.375, up - 0.06), beam, bevel=0.004)
                for place_y in (0.72, 2.04):
                    if random.random() < 0.10:
                        continue
                    at = (x + random.normal() * 0.03, y + place_y + random.normal() * 0.03, up)
                    shapes.copy(pallet, at, (0, 0, 90 + random.normal() * 1.5))
                    load((at[0], at[1], up + 0.145), carton, wrap, random, nearer=bool(y < 24))
    pallet.hide_render = carton.hide_render = True
    post = surfaces.material("post", (0.62, 0.40, 0.02), roughness=0.4, worn=0.15)
    for x in (-1.95, 1.95):
        shapes.cylinder(0.06, 0.8, (x, 3.9, 0.4), post)
        for up in (0.35, 0.6):
            shapes.cylinder(0.0615, 0.1, (x, 3.9, up), surfaces.material("band", (0.02, 0.02, 0.02), roughness=0.4))
    lamp = interior.day("lamp", (1.0, 0.96, 0.90), 14.0)
    for y in np.arange(5, deep, 5.0):
        shapes.box((0.4, 0.4, 0.2), (0, y, top - 1.5), panel)
        shapes.box((0.32, 0.32, 0.02), (0, y, top - 1.61), lamp, bevel=0)
        shapes.tube([(0, y, top - 1.4), (0, y, top)], 0.008, upright, sides=5)
    rendering.area((2.4, 1.6), (-2.0, -1.0, 4.0), (0.5, 8.0, 1.0), 110, (1.0, 0.96, 0.9))


def load(at: Point, carton: Any, wrap: Any, random: np.random.Generator, *, nearer: bool) -> None:
    """What a pallet carries: cartons in two or three layers, or one wrapped block."""
    x, y, z = at
    if random.random() < 0.22:
        tall = random.uniform(0.7, 1.25)
        furniture.soft((1.02, 1.14, tall), (x, y, z + tall / 2), wrap, square=9, seed=int(random.integers(99)))
        return
    across, along = ((2, 2), (2, 3), (3, 3))[random.integers(3)] if nearer else (2, 2)
    high = random.uniform(0.26, 0.46)
    for layer in range(int(random.integers(1, 4))):
        for i in range(across):
            for j in range(along):
                if layer and random.random() < 0.12:
                    continue
                wide, long = 0.98 / across, 1.12 / along
                spot = (x + (i - (across - 1) / 2) * wide, y + (j - (along - 1) / 2) * long, z + (layer + 0.5) * high)
                turned = side_turn(x) + random.normal() * 1.2
                one = shapes.copy(carton, spot, (0, 0, turned))
                one.scale = (long * 0.985, wide * 0.985, high * 0.99)


def side_turn(x: float) -> float:
    """Degrees that turn a carton's labelled side to the aisle."""
    return 90.0 if x < 0 else -90.0
