"""A stadium, seen from the pitch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cyclorama_scenes import plants, rendering, shapes, surfaces
from cyclorama_scenes.rendering import scene
from cyclorama_scenes.surfaces import Colour, arithmetic, coordinates, mix, node, noise, put, ramp

PITCH_MIDDLE = 14.0  # metres before the camera, which stands near a touchline
FIRST_ROW = (62.0, 44.0)  # half axes of the oval on which the stands begin


def oval(angle: NDArray[Any], outwards: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Ground places on a rounded rectangle about the pitch, `outwards` metres behind its first row of seats."""
    a, b = FIRST_ROW[0] + outwards, FIRST_ROW[1] + outwards
    c, s = np.sin(angle), np.cos(angle)
    radius = (np.abs(c / a) ** 4 + np.abs(s / b) ** 4) ** -0.25
    return radius * c, radius * s + PITCH_MIDDLE - 8


Tier = tuple[int, float, float, float]
"""Rows, height of the first (m), its distance behind the first of all (m), rise a row (m)."""
ARENA: tuple[Tier, ...] = ((16, 1.3, 0.0, 0.40), (20, 9.6, 14.0, 0.48))
GROUND: tuple[Tier, ...] = ((17, 1.2, 0.0, 0.38),)
TREAD = 0.8


def people(colours: tuple[Colour, ...]) -> list[Any]:
    """Spectators as seen from far off: seated, standing, with arms up; clothes by chance from `colours`."""
    cloth, tree, surface = surfaces.blank("clothes")
    chance = node(tree, "ShaderNodeObjectInfo").outputs["Random"]
    stops = [(number / len(colours), colour) for number, colour in enumerate(colours)]
    picked = ramp(tree, chance, *stops)
    picked.node.color_ramp.interpolation = "CONSTANT"
    put(tree, surface.inputs["Base Color"], picked)
    surface.inputs["Roughness"].default_value = 0.9
    skin, tree, surface = surfaces.blank("skin")
    tones = ramp(
        tree,
        node(tree, "ShaderNodeObjectInfo").outputs["Random"],
        (0, (0.10, 0.05, 0.03)),
        (0.5, (0.42, 0.24, 0.16)),
        (1, (0.55, 0.36, 0.26)),
    )
    put(tree, surface.inputs["Base Color"], tones)
    made = []
    for lift, arms in ((0.0, False), (0.0, False), (0.32, False), (0.32, True)):
        body = shapes.lathe(
            [(0.0, 0.0), (0.20, 0.02), (0.19, 0.35), (0.24, 0.62 + lift), (0.07, 0.74 + lift), (0, 0.76 + lift)],
            (0, 0, 0),
            cloth,
            sides=8,
        )
        head = shapes.lathe(
            [(0.0, -0.12), (0.08, -0.08), (0.10, 0.0), (0.07, 0.09), (0, 0.12)], (0, 0, 0.88 + lift), skin, sides=8
        )
        parts = [body, head]
        if arms:
            elbow, hand = 0.9 + lift, 1.25 + lift
            parts += [
                shapes.tube(
                    [(0.2 * side, 0, 0.6 + lift), (0.32 * side, -0.05, elbow), (0.25 * side, -0.08, hand)], 0.05, cloth
                )
                for side in (-1, 1)
            ]
        made.append(shapes.joined(parts))
    return made


def stands(
    tiers: tuple[Tier, ...], *, filled: float, seed: int, colours: tuple[Colour, ...], seat: Colour
) -> NDArray[Any]:
    """Tiers of seats on concrete, with people on a share `filled` of them: whose places (N, 3) it returns."""
    random = np.random.default_rng(seed)
    concrete = surfaces.concrete("terrace", (0.30, 0.30, 0.31))
    angle = np.radians(np.linspace(-105, 105, 320))
    seats, crowd = [], []
    for rows, low, back, rise in tiers:
        profile: list[tuple[float, float]] = [(back, low - 1.4), (back, low)]
        for row in range(rows):
            profile += [
                (back + TREAD * (row + 1), low + rise * row),
                (back + TREAD * (row + 1), low + rise * (row + 1)),
            ]
        out, height = np.array(profile).T
        x, y = oval(angle[None, :], out[:, None])
        terrace = shapes.grid("terrace", x, y, np.broadcast_to(height[:, None], x.shape), concrete)
        terrace.data.set_sharp_from_angle(angle=0.5)
        for row in range(rows):
            fine = np.radians(np.linspace(-105, 105, 6000))
            px, py = oval(fine, np.full(6000, back + TREAD * row + 0.45))
            length = np.concatenate([[0], np.cumsum(np.hypot(np.diff(px), np.diff(py)))])
            along = np.arange(0, length[-1], 0.52)
            along = along[(along % 15.0) > 1.3]  # stairways
            at = np.column_stack(
                [np.interp(along, length, px), np.interp(along, length, py), np.full(len(along), low + rise * row)]
            )
            seats.append(at)
            crowd.append(at[random.random(len(at)) < filled])
    chair = shapes.box((0.44, 0.08, 0.42), (0, 0.15, 0.45), surfaces.material("seat", seat, roughness=0.5), bevel=0.0)
    for points, kinds, spread in ((np.concatenate(seats), [chair], 0.0), (np.concatenate(crowd), people(colours), 0.3)):
        facing = np.arctan2(-points[:, 0], points[:, 1] - PITCH_MIDDLE + 8)
        turn = np.column_stack([np.zeros((len(points), 2)), facing + random.normal(0, 1, len(points)) * spread])
        size = 1 + spread * random.normal(0, 0.25, len(points))
        shapes.scatter(kinds, points, seed=seed, turn=turn, scale=size)
    return np.concatenate(crowd)


def roof(*, edge: float, height: float, deep: float, lamp: float) -> None:
    """The roof's underside with its girders, and a row of floodlights of radiance `lamp` on its edge (0: none).

    Args:
        edge, height: of the roof's front, metres behind the first row and above the pitch.
        deep: from the front to the wall at its back, m.
    """
    angle = np.radians(np.linspace(-105, 105, 260))
    dark = surfaces.material("roof", (0.22, 0.225, 0.235), size=3.0, roughness=0.6, metallic=0.3)
    back, low = edge + deep, height - 0.1 * deep
    out, up = np.array([(edge, height), (edge + 3, height + 0.5), (back, low), (back, low - 14)]).T
    x, y = oval(angle[None, :], out[:, None])
    shapes.grid("roof", x, y, np.broadcast_to(up[:, None], x.shape), dark).data.set_sharp_from_angle(angle=0.4)
    steel = surfaces.metal("girder", (0.30, 0.31, 0.33), roughness=0.45)
    for turn in np.radians(np.arange(-95, 96, 6.5)):
        gx, gy = oval(np.full(9, turn), np.linspace(edge + 0.5, back - 1, 9))
        top = np.column_stack([gx, gy, np.linspace(height - 0.1, low - 0.2, 9)])
        shapes.tube(top - (0, 0, 0.3), 0.16, steel, sides=6)
        zigzag = top - np.where(np.arange(9) % 2, 2.0, 0.4)[:, None] * np.array([0, 0, 1])
        shapes.tube(zigzag, 0.09, steel, sides=5)
    ex, ey = oval(angle, np.full(len(angle), edge + 0.4))
    for drop, thick in ((0.2, 0.25), (1.9, 0.14)):
        shapes.tube(np.column_stack([ex, ey, np.full(len(ex), height - drop)]), thick, steel, sides=6)
    if lamp:
        glow = surfaces.glowing("floodlight", (1.0, 0.97, 0.92), lamp, lights=False)
        fine = np.radians(np.linspace(-100, 100, 150))
        fine = fine[np.arange(150) % 10 < 8]
        lx, ly = oval(fine, np.full(len(fine), edge - 0.2))
        disc = shapes.lathe([(0, 0.0), (0.26, 0.0), (0.3, 0.1), (0.12, 0.3), (0, 0.32)], (0, 0, 0), glow, sides=16)
        facing = np.arctan2(-lx, ly - PITCH_MIDDLE)
        turn = np.column_stack([np.full(len(lx), 0.7), np.zeros(len(lx)), facing])
        shapes.scatter([disc], np.column_stack([lx, ly, np.full(len(lx), height - 0.9)]), seed=1, turn=turn)


def turf(*, colour: Colour = (0.075, 0.15, 0.03), stripe: float = 5.5) -> None:
    """Mown grass: bands that lean to and from the light, wear, and a relief of blades."""
    made, tree, surface = surfaces.blank("turf")
    place = coordinates(tree, world=True)
    bands = node(tree, "ShaderNodeTexWave", Vector=place, Scale=np.pi / stripe / 10, bands_direction="X")
    r, g, b = colour
    dark, bright = (0.72 * r, 0.72 * g, 0.72 * b), (1.2 * r, 1.2 * g, 1.2 * b)
    light = ramp(tree, bands.outputs["Fac"], (0.40, dark), (0.60, bright))
    worn = ramp(tree, noise(tree, place, 2.5, octaves=5), (0.3, 0.75), (0.7, 1.2))
    blade = ramp(tree, noise(tree, place, 0.03, octaves=3, rough=0.8), (0.3, 0.45), (0.7, 1.5))
    put(tree, surface.inputs["Base Color"], mix(tree, 1.0, mix(tree, 1.0, light, worn, "MULTIPLY"), blade, "MULTIPLY"))
    surface.inputs["Roughness"].default_value = 0.9
    surface.inputs["Specular IOR Level"].default_value = 0.12
    put(tree, surface.inputs["Normal"], surfaces.bump(tree, noise(tree, place, 0.025, octaves=2), 0.03))
    shapes.plane((170, 150), (0, PITCH_MIDDLE - 8, 0), made)


def pitch_lines() -> None:
    """Chalk: the far touchline, the half-way line and its circle."""
    chalk = surfaces.material("chalk", (0.72, 0.74, 0.70), second=(0.35, 0.42, 0.30), size=0.12, roughness=0.9)
    shapes.plane((105, 0.12), (0, 46, 0.012), chalk)
    shapes.plane((0.12, 68), (9.0, 12, 0.012), chalk)
    angle = np.linspace(0, 2 * np.pi, 120)
    ring = np.array([9.09, 9.21])[:, None]
    shapes.grid("circle", 9 + ring * np.cos(angle), 12 + ring * np.sin(angle), np.full((2, 120), 0.012), chalk)


def boards(*, glow: float, ribbon: bool = False) -> None:
    """Advertising boards round the pitch (`ribbon`: and along the upper tier): fields of colour that say nothing."""
    made, tree, surface = surfaces.blank("boards")
    place = coordinates(tree, (1, 1, 20), world=True)
    cells = node(tree, "ShaderNodeTexVoronoi", Vector=place, Scale=0.16)
    shade = arithmetic(tree, "FRACT", arithmetic(tree, "MULTIPLY", cells.outputs["Color"], 3.7))
    colour = ramp(
        tree,
        shade,
        (0, (0.01, 0.03, 0.12)),
        (0.45, (0.015, 0.09, 0.24)),
        (0.75, (0.34, 0.36, 0.38)),
        (0.88, (0.015, 0.05, 0.18)),
    )
    colour.node.color_ramp.interpolation = "CONSTANT"
    put(tree, surface.inputs["Base Color"], colour)
    put(tree, surface.inputs["Emission Color"], colour)
    surface.inputs["Emission Strength"].default_value = glow
    made.cycles.emission_sampling = "NONE"
    angle = np.radians(np.linspace(-100, 100, 200))
    for out, low, high in ((-3.5, 0.02, 0.95), (13.95, 8.3, 9.3))[: 1 + ribbon]:
        x, y = oval(angle, np.full(200, out))
        shapes.grid(
            "boards", np.stack([x, x]), np.stack([y, y]), np.stack([np.full(200, low), np.full(200, high)]), made
        )


FANS: tuple[Colour, ...] = (
    (0.03, 0.05, 0.16),
    (0.30, 0.30, 0.31),
    (0.04, 0.07, 0.22),
    (0.02, 0.02, 0.025),
    (0.02, 0.02, 0.02),
    (0.03, 0.05, 0.18),
    (0.22, 0.03, 0.03),
    (0.4, 0.4, 0.4),
    (0.06, 0.06, 0.07),
    (0.02, 0.05, 0.22),
    (0.05, 0.04, 0.035),
    (0.11, 0.10, 0.09),
)


def night() -> NDArray[Any]:
    """A full stadium under floodlights; returns where people are, (N, 3)."""
    rendering.camera(height=rendering.STANDING, horizon=0.62, focal_mm=33, focus=2.2, f_stop=1.8, turn=-12)
    rendering.ambient((0.10, 0.13, 0.2), 0.6)
    rendering.film(exposure=-2.05, look="Punchy", bloom=0.35, over=40.0)
    turf(colour=(0.075, 0.19, 0.03))
    pitch_lines()
    boards(glow=6.0, ribbon=True)
    crowd = stands(ARENA, filled=0.9, seed=11, colours=FANS, seat=(0.05, 0.10, 0.30))
    roof(edge=10.0, height=24.5, deep=24.0, lamp=700.0)
    for x, y in ((-55, -20), (55, -20), (0, -48), (-40, 60), (40, 60)):
        rendering.area((26, 6), (x, y, 30), (0, PITCH_MIDDLE, 0), 90_000, (1.0, 0.98, 0.95))
    rendering.area((120, 8), (0, 40, 3), (0, 66, 22), 26_000, (0.8, 0.9, 1.0))  # what the pitch throws back at the roof
    return crowd


@scene("stadium-night", scale=2 / 3)
def stadium_night() -> None:
    night()


@scene("stadium-day", scale=2 / 3)
def stadium_day() -> None:
    rendering.camera(height=rendering.SITTING, horizon=0.47, focal_mm=34, focus=1.7, f_stop=1.8, turn=22)
    rendering.sky(elevation=38, azimuth=-128, dust=0.5, sun=0.7, haze=(5.5, 6.3, 7.2), clouds=0.55)
    rendering.film(exposure=-3.05, look="Punchy")
    turf(colour=(0.07, 0.185, 0.03))
    pitch_lines()
    boards(glow=0.0)
    stands(GROUND, filled=0.45, seed=12, colours=FANS, seat=(0.03, 0.09, 0.20))
    roof(edge=5.0, height=11.6, deep=12.0, lamp=0.0)
    random = np.random.default_rng(2)
    turn = random.uniform(-1.2, 1.2, 90)
    x, y = oval(turn, random.uniform(26, 60, 90))
    plants.grove(np.column_stack([x, y, np.zeros(90)]), seed=8, tall=15.0, haze=(4.4, 5.0, 5.6))
