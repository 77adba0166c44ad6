"""What lies about where people work with their hands: tools, helmets, tins, cartons."""

from __future__ import annotations

from typing import Any

import numpy as np

from cyclorama_scenes import shapes, surfaces
from cyclorama_scenes.shapes import Point
from cyclorama_scenes.surfaces import mix, node, noise, put, ramp


def hammer(at: Point, wood: Any, steel: Any, *, long: float = 0.32) -> None:
    """Hangs head up on a wall behind it."""
    x, y, z = at
    shapes.tube([(x, y, z - long), (x, y, z - long * 0.5), (x, y, z)], [0.016, 0.013, 0.011], wood)
    shapes.tube(
        [(x - 0.055, y, z), (x - 0.03, y, z), (x + 0.02, y, z), (x + 0.06, y, z + 0.004)],
        [0.015, 0.013, 0.014, 0.004],
        steel,
    )


def wrench(at: Point, steel: Any, *, long: float = 0.24) -> None:
    """A combination wrench: ring below, jaw above."""
    x, y, z = at
    shapes.box((0.016 * long / 0.24, 0.006, long), (x, y, z - long / 2), steel, bevel=0.002)
    shapes.lathe(
        [(0.010, -0.005), (0.021, -0.005), (0.021, 0.005), (0.010, 0.005), (0.010, -0.005)],
        (x, y, z - long),
        steel,
        turn=(90, 0, 0),
        sides=20,
    )
    for side in (-1, 1):
        shapes.box(
            (0.012, 0.008, 0.035), (x + side * 0.013, y, z + 0.008), steel, turn=(0, side * -14 + 12, 0), bevel=0.003
        )


def screwdriver(at: Point, grip: Any, steel: Any, *, long: float = 0.22) -> None:
    """Hangs with its handle up."""
    x, y, z = at
    shapes.tube([(x, y, z), (x, y, z - 0.02), (x, y, z - 0.08), (x, y, z - 0.10)], [0.010, 0.015, 0.014, 0.008], grip)
    shapes.tube([(x, y, z - 0.1), (x, y, z - long)], 0.0035, steel, sides=6)


def saw(at: Point, wood: Any, steel: Any) -> None:
    """A hand saw, its blade pointing down."""
    x, y, z = at
    blade = [(x - 0.06, y, z), (x + 0.06, y, z), (x + 0.035, y, z - 0.48), (x - 0.005, y, z - 0.48)]
    shapes.mesh("blade", blade, [(0, 1, 2, 3)], steel).modifiers.new("thick", "SOLIDIFY").thickness = 0.0015
    ring = np.linspace(0, 2 * np.pi, 20)
    shapes.tube(
        np.column_stack([x + 0.052 * np.cos(ring), np.full(20, y), z + 0.055 + 0.065 * np.sin(ring)]), 0.014, wood
    )


def helmet(at: Point, shell: Any, *, turn: float = 0.0) -> None:
    """A safety helmet: dome, ridge and peak."""
    v, u = np.meshgrid(np.linspace(0, np.pi / 2, 16), np.linspace(-np.pi, np.pi, 49), indexing="ij")
    x, y, z = 0.112 * np.cos(v) * np.cos(u), 0.138 * np.cos(v) * np.sin(u), 0.135 * np.sin(v) ** 0.9
    z = z + 0.010 * np.exp(-((x / 0.018) ** 2)) * np.sin(v)
    dome = shapes.grid("dome", x, y, z, shell)
    r, u = np.meshgrid(np.linspace(1.0, 1.14, 4), np.linspace(-np.pi, np.pi, 49), indexing="ij")
    out = r + 0.28 * (r - 1) / 0.14 * np.clip(-np.sin(u), 0, 1) ** 2.5
    peak = shapes.grid("peak", 0.112 * out * np.cos(u), 0.138 * out * np.sin(u), -0.10 * (out - 1) + 0.004, shell)
    shapes.moved(shapes.joined([dome, peak]), at, (0, 0, turn))


def tin(at: Point, radius: float, tall: float, label: Any, steel: Any) -> None:
    """A paint tin with its label and rims."""
    shapes.cylinder(radius, tall, (at[0], at[1], at[2] + tall / 2), label)
    for up in (0.006, tall - 0.004):
        shapes.cylinder(radius * 1.03, 0.012, (at[0], at[1], at[2] + up), steel)


def cardboard(name: str) -> Any:
    """Boxes: brown of many ages, a strip of tape over the middle, a label on one side."""
    made, tree, surface = surfaces.blank(name)
    chance = node(tree, "ShaderNodeObjectInfo").outputs["Random"]
    where = node(tree, "ShaderNodeTexCoord").outputs["Object"]
    parts = node(tree, "ShaderNodeSeparateXYZ", Vector=where)
    board = ramp(
        tree,
        chance,
        (0.0, (0.30, 0.19, 0.10)),
        (0.45, (0.42, 0.28, 0.16)),
        (0.8, (0.36, 0.24, 0.13)),
        (0.9, (0.55, 0.53, 0.49)),
    )
    worn = ramp(tree, noise(tree, surfaces.coordinates(tree), 0.35, octaves=5, rough=0.65), (0.28, 0.78), (0.7, 1.1))
    near = surfaces.arithmetic(tree, "ABSOLUTE", parts.outputs["X"])
    tape = surfaces.arithmetic(tree, "LESS_THAN", near, 0.06)
    tinted = mix(
        tree,
        surfaces.arithmetic(tree, "MULTIPLY", tape, 0.55),
        mix(tree, 1.0, board, worn, "MULTIPLY"),
        (0.50, 0.37, 0.20),
    )

    def inside(output: str, middle: float, half: float) -> Any:
        away = surfaces.arithmetic(
            tree, "ABSOLUTE", surfaces.arithmetic(tree, "SUBTRACT", parts.outputs[output], middle)
        )
        return surfaces.arithmetic(tree, "LESS_THAN", away, half)

    label = surfaces.arithmetic(tree, "MULTIPLY", inside("X", 0.24, 0.13), inside("Z", 0.12, 0.14))
    label = surfaces.arithmetic(tree, "MULTIPLY", label, surfaces.arithmetic(tree, "GREATER_THAN", chance, 0.4))
    put(tree, surface.inputs["Base Color"], mix(tree, label, tinted, (0.66, 0.65, 0.62)))
    surface.inputs["Roughness"].default_value = 0.8
    put(
        tree,
        surface.inputs["Normal"],
        surfaces.bump(tree, noise(tree, surfaces.coordinates(tree), 0.25, octaves=2), 0.02),
    )
    return made
