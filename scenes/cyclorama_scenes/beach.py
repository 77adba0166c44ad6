"""Beaches: sand, sea, palms and dunes."""

from __future__ import annotations

from typing import Any

import numpy as np

from cyclorama_scenes import plants, rendering, sea, shapes, surfaces
from cyclorama_scenes.rendering import scene
from cyclorama_scenes.sea import Shore
from cyclorama_scenes.surfaces import Colour, put, ramp, span


def sand(shore: Shore, *, colour: Colour = (0.50, 0.405, 0.27), seed: int = 5, spread: float = 36.0) -> Any:
    """The beach: trampled and dry above, dark, smooth and shining where the waves reach."""
    made, tree, surface = surfaces.blank("sand")
    place = surfaces.coordinates(tree, world=True)
    wet = surfaces.attribute(tree, "wet")
    ragged = surfaces.arithmetic(
        tree,
        "ADD",
        wet,
        surfaces.arithmetic(
            tree,
            "MULTIPLY",
            surfaces.arithmetic(tree, "SUBTRACT", surfaces.noise(tree, place, 1.5, octaves=3), 0.5),
            0.5,
        ),
    )
    damp = span(tree, ragged, 0.25, 0.75)
    pale = (colour[0] * 1.12, colour[1] * 1.12, colour[2] * 1.15)
    drifts = ramp(tree, surfaces.noise(tree, place, 2.0, octaves=5, rough=0.65), (0.3, colour), (0.7, pale))
    grains = ramp(tree, surfaces.noise(tree, place, 0.02, octaves=5, rough=0.85), (0.3, 0.55), (0.7, 1.25))
    dry = surfaces.mix(tree, 1.0, drifts, grains, "MULTIPLY")
    soaked = (colour[0] * 0.42, colour[1] * 0.38, colour[2] * 0.34)
    put(tree, surface.inputs["Base Color"], surfaces.mix(tree, damp, dry, soaked))
    put(tree, surface.inputs["Roughness"], span(tree, ragged, 0.5, 1.0, (0.95, 0.12)))
    coarse = surfaces.noise(tree, place, 0.05, octaves=3, rough=0.7)
    put(tree, surface.inputs["Normal"], surfaces.bump(tree, surfaces.mix(tree, damp, coarse, (0.5, 0.5, 0.5)), 0.02))
    x, y = sea.fan(2.5, 400.0, spread, 620, 520)
    away, t = shore.offshore(x, y), shore.along(x, y)
    z = shore.ground(x, y)
    # Trampled: hollows of feet are short waves with flat tops; none where the sea smooths them.
    reach = 0.9 + 0.5 * sea.wobble(t, seed, 14.0)
    high = np.clip((-away - reach - 0.4) / 1.6, 0, 1)
    steps = sea.sample(sea.tile(7.3, 256, 1.35, seed=seed, choppy=0), 7.3, x, y)[2]
    swells = sea.sample(sea.tile(41.0, 256, 3.5, seed=seed + 1, choppy=0), 41.0, x, y)[2]
    z = z + high * (0.05 * np.tanh(steps / 0.02) + 0.25 * swells)
    ground = shapes.grid("sand", x, y, z, made)
    shapes.attribute(ground, "wet", 1 - np.clip((-away - reach) / 1.1, 0, 1))
    return ground


def cape(*, azimuth: float, distance: float, width: float, height: float, material: Any, seed: int) -> None:
    """A wooded headland far off across the water."""
    u, v = np.meshgrid(np.linspace(-1, 1, 240), np.linspace(0, 1, 24))
    ridge = np.clip(1 - np.abs(u) ** 2.2, 0, 1) * (0.7 + 0.3 * sea.wobble(u, seed, 0.7))
    rough = 1 + 0.10 * sea.wobble(u + 7 * v, seed + 1, 0.09)
    z = height * ridge * rough * np.sin(np.pi * v / 2) - 2
    angle = np.radians(azimuth)
    across, along = u * width / 2, distance + v * width * 0.2
    x, y = across * np.cos(angle) + along * np.sin(angle), along * np.cos(angle) - across * np.sin(angle)
    shapes.grid("cape", x, y, z, material)


@scene("beach-noon", scale=3 / 4)
def noon() -> None:
    shore = Shore(towards=-60, distance=5.2, slope=0.055, breakers=((2.2, 0.10), (7.5, 0.28), (17.0, 0.5), (31.0, 0.6)))
    rendering.camera(height=shore.stand + rendering.STANDING, horizon=0.45, focal_mm=32, focus=3.0, f_stop=2.8)
    rendering.sky(elevation=48, azimuth=-105, dust=0.4, sun=0.8, haze=(6.5, 7.6, 8.6), clouds=0.42)
    rendering.film(exposure=-2.95, look="Punchy", saturation=1.3)
    sand(shore)
    sea.sea(shore, surfaces.hazed(sea.water("water"), (6.0, 7.2, 8.4), 6000.0), wind=6.0, heading=40)
    woods = surfaces.hazed(surfaces.material("woods", (0.05, 0.09, 0.03), size=60), (6.0, 7.2, 8.4), 3500.0)
    cape(azimuth=4, distance=4200, width=2600, height=190, material=woods, seed=4)
    plants.palms([(6.9, 14.0), (8.6, 18.5), (11.6, 21.0), (13.4, 31.0), (19.5, 37), (22, 52)], shore.ground, seed=2)


@scene("beach-sunset", scale=2 / 3)
def sunset() -> None:
    shore = Shore(
        towards=-22, distance=6.6, slope=0.03, breakers=((3.0, 0.08), (10.0, 0.22), (22.0, 0.42), (37.0, 0.5))
    )
    rendering.camera(height=shore.stand + rendering.SITTING, horizon=0.46, focal_mm=42, focus=1.7, f_stop=2.0)
    rendering.sky(
        elevation=5.5, azimuth=-13, dust=1.2, sun=0.25, haze=(7.5, 3.6, 1.5), clouds=0.55, cloud=(9.0, 4.4, 2.9)
    )
    rendering.film(exposure=-3.5, look="Punchy", bloom=0.25, over=30.0)
    sand(shore, colour=(0.40, 0.32, 0.23))
    water = sea.water("water", shallow=(0.14, 0.18, 0.17), deep=(0.01, 0.035, 0.05))
    sea.sea(shore, surfaces.hazed(water, (6.5, 3.3, 1.6), 4000.0), wind=5.0, heading=10, seed=8)
    woods = surfaces.hazed(surfaces.material("woods", (0.05, 0.07, 0.03), size=60), (5.6, 2.8, 1.5), 5200.0)
    cape(azimuth=20, distance=5200, width=3600, height=260, material=woods, seed=6)


def dune(x: sea.Field, y: sea.Field) -> sea.Field:
    """Height of two ranges of dunes with a sandy way between them."""
    range_ = (
        2.1
        * np.exp(-(((y - 17 - 3 * sea.wobble(x, 3, 40.0)) / 6.0) ** 2))
        * (0.75 + 0.4 * sea.wobble(x + 0.4 * y, 4, 23.0))
    )
    nearer = 0.9 * np.exp(-(((y - 8.5) / 2.6) ** 2)) * np.clip((np.abs(x + 0.3) - 1.6) / 2.5, 0, 1)
    way = 1 - 0.85 * np.exp(-(((x - 0.6 - 0.05 * y) / (1.6 + 0.07 * y)) ** 2))
    return (range_ + nearer) * way + 0.12 * sea.wobble(x * 0.8 + y, 5, 7.0) + 0.06 * sea.wobble(y - 0.6 * x, 6, 3.0)


@scene("beach-dunes", scale=3 / 4)
def dunes() -> None:
    rendering.camera(height=rendering.STANDING, horizon=0.47, focal_mm=38, focus=2.4, f_stop=2.0)
    rendering.sky(elevation=13, azimuth=62, dust=0.8, sun=0.5, haze=(3.0, 2.7, 2.5), clouds=0.55, cloud=(4.2, 3.7, 3.5))
    rendering.film(exposure=-1.65, look="Punchy")
    x, y = sea.fan(2.5, 60.0, 36.0, 420, 520)
    ripples = sea.sample(sea.tile(9.1, 256, 1.5, seed=8, choppy=0, heading=70), 9.1, x, y)[2]
    ground = surfaces.material(
        "sand",
        (0.52, 0.42, 0.29),
        second=(0.44, 0.34, 0.23),
        size=0.9,
        roughness=0.95,
        worn=0.04,
        relief=0.012,
        relief_size=0.03,
        world=True,
        specular=0.2,
    )
    shapes.grid("dunes", x, y, dune(x, y) + 0.5 * ripples, ground)
    plants.tufts(dune, seed=4)
    shore = Shore(distance=75.0, slope=0.03, breakers=((6.0, 0.3), (18.0, 0.5), (40.0, 0.6)))
    sea.sea(shore, surfaces.hazed(sea.water("water"), (3.0, 2.8, 2.7), 5000.0), wind=6.0, near=70.0, detail=0.6)


def surf() -> tuple[Shore, Any]:
    """The stage of the clip, without its sea: the shore and the water's material."""
    shore = Shore(
        towards=-30, distance=6.0, slope=0.05, breakers=((2.4, 0.12), (7.5, 0.30), (16.0, 0.55), (28.0, 0.65))
    )
    rendering.camera(height=shore.stand + rendering.SITTING, horizon=0.46, focal_mm=34, focus=1.7, f_stop=1.8)
    rendering.sky(elevation=40, azimuth=-110, dust=0.4, sun=0.8, haze=(6.5, 7.6, 8.6), clouds=0.5)
    rendering.film(exposure=-2.95, look="Punchy", saturation=1.25)
    sand(shore)
    woods = surfaces.hazed(surfaces.material("woods", (0.05, 0.09, 0.03), size=60), (6.0, 7.2, 8.4), 3500.0)
    cape(azimuth=17, distance=4200, width=2600, height=190, material=woods, seed=4)
    plants.palms([(7.2, 13.5), (9.6, 18.0), (12.5, 23.0)], shore.ground, seed=5)
    return shore, surfaces.hazed(sea.water("water"), (6.0, 7.2, 8.4), 6000.0)
