"""Studios: coves, painted canvas, coloured light, sun on plaster."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from cyclorama_scenes import houseplants, interior, rendering, shapes, surfaces
from cyclorama_scenes.rendering import scene
from cyclorama_scenes.surfaces import Colour, bump, mix, node, noise, put, ramp


def painted(name: str, colour: Colour, *, scuffs: float = 0.25, roughness: float = 0.6) -> Any:
    """A cove's emulsion paint: rolled, touched up in patches, scuffed by shoes where it is floor."""
    made, tree, surface = surfaces.blank(name)
    place = surfaces.coordinates(tree, world=True)
    patches = ramp(tree, noise(tree, place, 1.7, octaves=3), (0.35, 0.96), (0.65, 1.02))
    paint = mix(tree, 1.0, colour, patches, "MULTIPLY")
    streaks = node(tree, "ShaderNodeMapping", Vector=place, Scale=(1.0, 3.0, 1.0), Rotation=(0, 0, 0.5)).outputs[0]
    marks = ramp(tree, noise(tree, streaks, 0.30, octaves=7, rough=0.75, warp=0.6), (0.60, 0.0), (0.78, 1.0))
    low = node(tree, "ShaderNodeSeparateXYZ", Vector=place).outputs["Z"]
    walked = surfaces.arithmetic(tree, "MULTIPLY", marks, surfaces.span(tree, low, 0.0, 0.35, (scuffs, 0.0)))
    put(tree, surface.inputs["Base Color"], mix(tree, walked, paint, (0.10, 0.095, 0.09)))
    put(tree, surface.inputs["Roughness"], ramp(tree, marks, (0.0, roughness), (1.0, roughness - 0.15)))
    put(tree, surface.inputs["Normal"], bump(tree, noise(tree, place, 0.02, octaves=2), 0.0012))
    return made


def canvas(name: str, dark: Colour, middle: Colour, light: Colour, *, weave: float = 0.0006) -> Any:
    """A painter's backdrop: three colours dabbed over each other with a big brush, cloth beneath."""
    made, tree, surface = surfaces.blank(name)
    place = surfaces.coordinates(tree)
    broad = noise(tree, place, 1.1, octaves=3, rough=0.5, warp=0.7)
    dabs = noise(tree, place, 0.24, octaves=5, rough=0.6, warp=1.6)
    dry = noise(
        tree,
        node(tree, "ShaderNodeMapping", Vector=place, Scale=(1, 1, 1.5), Rotation=(0, 0.8, 0)).outputs[0],
        0.06,
        octaves=5,
        rough=0.75,
        warp=0.8,
    )
    tone = mix(tree, 0.22, mix(tree, 0.38, broad, dabs), dry)
    put(tree, surface.inputs["Base Color"], ramp(tree, tone, (0.34, dark), (0.50, middle), (0.68, light)))
    surface.inputs["Roughness"].default_value = 0.9
    surface.inputs["Specular IOR Level"].default_value = 0.2
    put(tree, surface.inputs["Normal"], bump(tree, noise(tree, place, 0.004, octaves=2), weave))
    return made


def cove(material: Any, *, wall: float, radius: float = 0.9, width: float = 16.0) -> None:
    """Floor, quarter round and wall in one sheet: no line where they meet."""
    turn = np.linspace(0, np.pi / 2, round(radius * 26))
    # Steps of one length: shading is interpolated between neighbours.
    floor, up = np.arange(-3, wall - radius, 0.06), np.arange(radius + 0.06, 6.0, 0.06)
    y = np.concatenate([floor, wall - radius + radius * np.sin(turn), np.full(len(up), wall)])
    z = np.concatenate([np.zeros(len(floor)), radius - radius * np.cos(turn), up])
    x = np.linspace(-width / 2, width / 2, 40)
    flat = np.zeros((len(y), 40))
    shapes.grid("cove", flat + x, flat + y[:, None], flat + z[:, None], material)


def hanging(material: Any, *, y: float, width: float, height: float, slack: float, seed: int) -> None:
    """Cloth hung from a bar: slow waves that grow downwards, a few pulled folds from the clamps."""
    random = np.random.default_rng(seed)
    u, v = np.meshgrid(np.linspace(0, 1, 260), np.linspace(0, 1, 120))
    depth = np.zeros_like(u)
    for _ in range(7):
        waves, lean = random.uniform(2, 9), random.uniform(-0.25, 0.25)
        depth += random.normal() * np.sin(2 * np.pi * (waves * (u + lean * v) + random.random())) / waves**0.8
    depth *= slack * (0.35 + 0.65 * (1 - v))
    shapes.grid("canvas", (u - 0.5) * width, y - depth, v * height, material)


@scene("studio", scale=1 / 2)
def grey() -> None:
    rendering.camera(height=rendering.SITTING, horizon=0.48, focal_mm=28, focus=1.7, f_stop=1.8)
    rendering.ambient((0.9, 0.95, 1.0), 0.10)
    rendering.film(exposure=-0.25, look="Medium High Contrast")
    cove(painted("cove", (0.30, 0.30, 0.305)), wall=5.6, radius=0.6)
    # A beauty dish on the wall behind the subject, a large soft box from above left, a flag on the right.
    rendering.spot((-0.3, 2.3, 1.45), (-0.3, 5.6, 1.25), 86, 430, (1.0, 0.98, 0.95), soft=1.0, radius=0.5)
    rendering.area((2.4, 1.6), (-2.6, 1.6, 3.4), (0.2, 4.6, 0.6), 120, (1.0, 0.98, 0.96))
    rendering.area((0.8, 2.4), (4.6, 2.6, 1.6), (1.5, 5.6, 1.0), 26, (0.86, 0.93, 1.0))


@scene("studio-white", scale=1 / 2)
def white() -> None:
    rendering.camera(height=rendering.STANDING, horizon=0.40, focal_mm=27, focus=2.2, f_stop=2.2)
    rendering.ambient((0.97, 0.99, 1.0), 0.42)
    rendering.film(exposure=1.0, look="Medium Low Contrast")
    cove(painted("cove", (0.86, 0.865, 0.87), scuffs=0.10, roughness=0.28), wall=5.8, radius=0.7)
    # Strip boxes on both sides wash the wall, the left one more; the floor is a shade greyer.
    for side, watts in ((-1, 360), (1, 90)):
        rendering.area((0.9, 3.2), (side * 4.0, 3.2, 1.9), (side * 0.4, 5.8, 1.5), watts)
    rendering.area((3.0, 2.0), (-0.6, 3.6, 4.4), (-0.2, 4.6, 0), 90, (1.0, 0.99, 0.98))


@scene("studio-warm", scale=1 / 2)
def warm() -> None:
    rendering.camera(height=rendering.SITTING, horizon=0.46, focal_mm=45, focus=1.8, f_stop=2.0)
    rendering.ambient((1.0, 0.9, 0.8), 0.05)
    rendering.film(exposure=0.25, look="Medium High Contrast")
    paint = canvas("canvas", (0.055, 0.037, 0.026), (0.16, 0.112, 0.078), (0.34, 0.26, 0.185))
    hanging(paint, y=3.6, width=6.0, height=3.6, slack=0.035, seed=3)
    rendering.spot((-1.1, 1.5, 2.3), (-0.15, 3.6, 1.15), 66, 230, (1.0, 0.89, 0.76), soft=1.0, radius=0.35)
    rendering.area((1.2, 1.2), (-2.4, 0.8, 2.4), (0.3, 3.6, 1.2), 22, (1.0, 0.90, 0.78))


@scene("studio-dusk", scale=1 / 2)
def dusk() -> None:
    rendering.camera(height=rendering.SITTING, horizon=0.48, focal_mm=32, focus=1.6, f_stop=1.6)
    rendering.ambient((0.30, 0.36, 0.75), 0.035)
    rendering.film(exposure=0.2, look="Medium High Contrast", bloom=0.5, over=2.5)
    wall = surfaces.material(
        "wall",
        (0.17, 0.17, 0.185),
        second=(0.11, 0.11, 0.125),
        size=0.9,
        roughness=0.62,
        worn=0.15,
        relief=0.006,
        relief_size=0.16,
    )
    shapes.plane((12, 5), (0, 5.4, 2.5), wall, turn=(90, 0, 0))
    floor = surfaces.material(
        "floor",
        (0.05, 0.05, 0.055),
        second=(0.03, 0.03, 0.034),
        size=0.5,
        roughness=0.22,
        worn=0.14,
        relief=0.0012,
        relief_size=0.3,
        specular=0.6,
    )
    shapes.plane((12, 12), (0, 3, 0), floor)
    black = surfaces.metal("black", (0.02, 0.02, 0.022), roughness=0.4)
    # Light tubes lean on the wall; area lights beside them do their work without noise.
    for x, y, lean, length, colour, watts in (
        (-2.42, 5.0, 4.0, 2.3, (0.17, 0.20, 1.0), 95.0),
        (-2.08, 5.15, -2.5, 1.7, (0.42, 0.12, 1.0), 55.0),
        (2.45, 5.05, -5.0, 2.2, (1.0, 0.32, 0.10), 62.0),
    ):
        lit = surfaces.glowing("tube", (0.25 + 0.75 * colour[0], 0.25 + 0.75 * colour[1], 0.25 + 0.75 * colour[2]), 6.0)
        lit.cycles.emission_sampling = "NONE"
        top = x + length * np.sin(np.radians(lean))
        shapes.tube([(x, y, 0.06), (top, y + 0.2, 0.06 + length)], 0.021, lit)
        shapes.tube([(x, y + 0.02, 0.02), (top, y + 0.22, 0.10 + length)], 0.024, black)
        rendering.area((0.08, length), (x, y - 0.12, length / 2), (x * 0.72, 6.4, 1.3), watts, colour)
        rendering.area((0.3, length), (x, y - 0.2, length / 2), (x * 0.3, 1.5, 0.2), watts * 0.35, colour)
    rendering.spot((0.2, 3.0, 4.2), (0.1, 5.4, 1.9), 60, 60, (0.24, 0.26, 0.9), soft=1.0, radius=0.4)
    for lamp in bpy.context.scene.collection.objects:
        if lamp.type == "LIGHT":
            lamp.visible_glossy = False  # the floor mirrors the tubes, not what helps them


@scene("studio-canvas", scale=2 / 3)
def slate() -> None:
    rendering.camera(height=rendering.STANDING, horizon=0.36, focal_mm=33, focus=2.0, f_stop=1.8)
    rendering.ambient((0.85, 0.93, 1.0), 0.12)
    rendering.film(exposure=0.25, look="Medium High Contrast")
    white = interior.wall_paint("wall", (0.62, 0.61, 0.585))
    shapes.plane((12, 4.5), (0, 5.6, 2.25), white, turn=(90, 0, 0))
    shapes.plane(
        (12, 10), (0, 3, 0), surfaces.wood("floor", (0.33, 0.22, 0.13), (0.20, 0.12, 0.065), along="y", plank=0.12)
    )
    paint = canvas("canvas", (0.055, 0.066, 0.074), (0.115, 0.13, 0.138), (0.25, 0.265, 0.265))
    # The canvas hangs from a crossbar between two stands and runs out over the floor.
    u, v = np.meshgrid(np.linspace(-1, 1, 160), np.linspace(0, 1, 140))
    run, drop = 2.4, 2.95
    along = v * (run + drop)
    bend = np.clip((along - run + 0.35) / 0.7, 0, 1)
    y = np.where(along < run - 0.35, 2.2 + along, 2.2 + run - 0.35 + 0.7 * (bend - bend**2 / 2) * 1.0)
    z = np.where(along < run - 0.35, 0.004, 0.7 * bend**2 / 2 + np.maximum(along - run - 0.35, 0))
    ripple = 0.012 * np.sin(5 * u + 2.0) * np.sin(7 * v) + 0.006 * np.sin(17 * u + 4 * v)
    shapes.grid("sweep", 1.45 * u, y - ripple * (z > 0.3), z + np.abs(ripple) * (z <= 0.3), paint)
    steel = surfaces.metal("steel", (0.12, 0.12, 0.125), roughness=0.35)
    back = float(y.max())
    shapes.tube([(-1.75, back + 0.03, z.max()), (1.75, back + 0.03, z.max())], 0.028, steel)
    for side in (-1, 1):
        shapes.tube([(side * 1.68, back + 0.06, 0.0), (side * 1.68, back + 0.06, z.max() + 0.1)], 0.016, steel)
        for turn in (20, 140, 260):
            out = np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))]) * 0.45
            shapes.tube(
                [(side * 1.68, back + 0.06, 0.45), (side * 1.68 + out[0], back + 0.06 + out[1], 0.02)], 0.012, steel
            )
    stool(surfaces.wood("oak", (0.40, 0.26, 0.14), (0.25, 0.15, 0.08), along="x"), (2.25, 4.6))
    houseplants.rubber_plant((-2.35, 4.5, 0.0), tall=1.6, seed=4)
    interior.skirting(12, 5.6, surfaces.material("skirting", (0.6, 0.59, 0.57), roughness=0.4))
    rendering.area((2.6, 2.6), (-3.6, 2.2, 2.3), (0.0, 4.6, 1.1), 240, (0.93, 0.97, 1.0))
    rendering.area((3.0, 1.0), (2.4, 2.5, 3.8), (1.5, 5.0, 0.5), 40, (1.0, 0.93, 0.85))


def stool(wood: Any, at: tuple[float, float]) -> None:
    """A workshop stool with a turned seat."""
    shapes.cylinder(0.17, 0.035, (*at, 0.66), wood)
    for number in range(4):
        angle = np.radians(45 + 90 * number)
        foot = np.array([np.cos(angle), np.sin(angle)])
        shapes.tube([(*(at + foot * 0.21), 0.0), (*(at + foot * 0.12), 0.65)], 0.016, wood)
    turn = np.linspace(0, 2 * np.pi, 30)
    shapes.tube(
        np.column_stack([at[0] + 0.18 * np.cos(turn), at[1] + 0.18 * np.sin(turn), np.full(30, 0.22)]), 0.010, wood
    )


@scene("window-light", scale=1 / 2)
def window_light() -> None:
    rendering.camera(height=rendering.SITTING, horizon=0.48, focal_mm=40, focus=1.7, f_stop=2.8)
    rendering.ambient((0.80, 0.88, 1.0), 0.17)
    rendering.film(exposure=0.05, look="Medium High Contrast", saturation=1.05)
    made, tree, surface = surfaces.blank("plaster")
    place = surfaces.coordinates(tree, world=True)
    clouds = noise(tree, place, 0.9, octaves=5, rough=0.6, warp=0.5)
    put(tree, surface.inputs["Base Color"], ramp(tree, clouds, (0.3, (0.60, 0.50, 0.40)), (0.7, (0.70, 0.61, 0.51))))
    surface.inputs["Roughness"].default_value = 0.85
    trowel = noise(
        tree,
        node(tree, "ShaderNodeMapping", Vector=place, Scale=(1, 1, 1.3), Rotation=(0, 0.5, 0)).outputs[0],
        0.5,
        octaves=2,
        warp=0.8,
    )
    put(
        tree,
        surface.inputs["Normal"],
        bump(tree, noise(tree, place, 0.02, octaves=2), 0.0012, bump(tree, trowel, 0.010)),
    )
    shapes.plane((12, 4), (0, 3.7, 2.0), made, turn=(90, 0, 0))
    shapes.plane(
        (12, 10), (0, 0, 0), surfaces.wood("floor", (0.42, 0.27, 0.15), (0.27, 0.16, 0.08), along="x", plank=0.14)
    )
    # The window stands left of the camera and is not seen: its bars and a plant on its sill are drawn by the sun.
    card = surfaces.material("card", (0.5, 0.47, 0.43), roughness=0.9)
    x = -3.3
    interior.wall_y(x, (-6.0, 6.0), 4.0, card, openings=[(-1.15, 0.35, 1.0, 2.85), (0.75, 2.25, 1.0, 2.85)], thick=0.12)
    for middle in (-0.4, 1.5):
        shapes.box((0.05, 0.045, 1.85), (x, middle, 1.925), card)
        for up in (1.62, 2.24):
            shapes.box((0.05, 1.5, 0.035), (x, middle, up), card)
    houseplants.palm((x + 0.45, 2.15, 0.0), tall=1.9, seed=5)
    houseplants.rubber_plant((x - 0.6, 1.45, 0.0), tall=2.6, seed=3)
    rendering.sun(12, -128, 7.0, (1.0, 0.78, 0.54), size=1.3)
    rendering.area((3.2, 1.9), (x + 0.1, 0.5, 1.95), (0.6, 3.2, 1.0), 52, (0.84, 0.92, 1.0))
    rendering.area((3.0, 2.0), (3.6, 0.6, 1.4), (0.8, 3.7, 1.4), 16, (1.0, 0.85, 0.68))
