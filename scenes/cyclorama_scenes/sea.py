"""The sea: waves from a wind's spectrum (Tessendorf 2001, Simulating Ocean Water), and surf where it meets the sand.

Every frequency is a multiple of one over the period, so that the sea of time 0 is the sea of time `period`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cyclorama_scenes import shapes, surfaces
from cyclorama_scenes.surfaces import Colour, arithmetic, node, put, ramp, span

GRAVITY = 9.81
Field = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shore:
    """A straight beach: where it lies, how it falls, and what breaks on it.

    Attributes:
        towards: azimuth of the sea from the camera, degrees (0 ahead, 90 right).
        distance: from the camera to the mean waterline, m.
        slope: of the sand, rise over run.
        breakers: (metres offshore, crest's height) of each line of surf.
    """

    towards: float = 0.0
    distance: float = 9.0
    slope: float = 0.06
    breakers: tuple[tuple[float, float], ...] = ()

    def offshore(self, x: Field, y: Field) -> Field:
        """Metres from the waterline, positive at sea."""
        angle = np.radians(self.towards)
        return x * np.sin(angle) + y * np.cos(angle) - self.distance

    def along(self, x: Field, y: Field) -> Field:
        """Metres along the waterline."""
        angle = np.radians(self.towards)
        return x * np.cos(angle) - y * np.sin(angle)

    def ground(self, x: Field, y: Field) -> Field:
        """Height of the sand: a slope into the sea, levelling out on land."""
        away = self.offshore(x, y)
        land = 0.9 * (1 - np.exp(np.minimum(away, 0) * self.slope / 0.9))
        return np.where(away < 0, land, -self.slope * away)

    @property
    def stand(self) -> float:
        """Height of the sand under the camera."""
        return float(self.ground(np.zeros(1), np.zeros(1))[0])


def tile(
    size: float,
    cells: int,
    wind: float,
    *,
    seed: int,
    time: float = 0.0,
    period: float = 6.0,
    heading: float = 0.0,
    choppy: float = 1.0,
) -> NDArray[np.float64]:
    """Displacement (3, cells, cells), metres, of a periodic square of sea under `wind` m/s (Phillips' spectrum)."""
    random = np.random.default_rng(seed)
    k = 2 * np.pi * np.fft.fftfreq(cells, size / cells)
    kx, ky = np.meshgrid(k, k)
    length = np.hypot(kx, ky)
    length[0, 0] = 1.0
    longest = wind**2 / GRAVITY
    angle = np.radians(heading)
    facing = (kx * np.sin(angle) + ky * np.cos(angle)) / length
    power = np.exp(-1 / (length * longest) ** 2 - (length * size / cells) ** 2) / length**4 * (0.08 + facing**2)
    power[0, 0] = 0.0
    start = (random.normal(size=kx.shape) + 1j * random.normal(size=kx.shape)) * np.sqrt(power / 2)
    step = 2 * np.pi / period
    frequency = np.maximum(np.round(np.sqrt(GRAVITY * length) / step), 1) * step
    mirrored = np.roll(np.conj(start[::-1, ::-1]), 1, axis=(0, 1))
    height = start * np.exp(1j * frequency * time) + mirrored * np.exp(-1j * frequency * time)
    z = np.fft.ifft2(height).real
    x = np.fft.ifft2(-1j * kx / length * height).real * choppy
    y = np.fft.ifft2(-1j * ky / length * height).real * choppy
    # Phillips' constant is left out above: a full sea's significant height is 0.21 v^2 / g.
    scale = 0.21 * wind**2 / GRAVITY / 4 / z.std()
    return np.stack([-x, -y, z]) * scale


def sample(square: NDArray[np.float64], size: float, x: Field, y: Field) -> NDArray[np.float64]:
    """Bilinear look-up of a periodic tile (C, N, N) at places in metres."""
    cells = square.shape[-1]
    u, v = x / size * cells, y / size * cells
    column, row = np.floor(u).astype(int), np.floor(v).astype(int)
    fu, fv = u - column, v - row
    c0, c1, r0, r1 = column % cells, (column + 1) % cells, row % cells, (row + 1) % cells
    return (square[:, r0, c0] * (1 - fu) + square[:, r0, c1] * fu) * (1 - fv) + (
        square[:, r1, c0] * (1 - fu) + square[:, r1, c1] * fu
    ) * fv


def wobble(t: Field, seed: int, size: float, *, octaves: int = 4) -> Field:
    """Smooth noise along a line, about -1...1, with features of `size` metres."""
    random = np.random.default_rng(seed)
    total = np.zeros_like(t)
    for octave in range(octaves):
        for _ in range(3):
            total += (
                np.sin(2 * np.pi * (t / size * 2**octave * random.uniform(0.6, 1.4) + random.uniform())) / 2**octave
            )
    return total / 3.2


def fan(near: float, far: float, spread: float, rows: int, columns: int) -> tuple[Field, Field]:
    """Ground places (R, C) before the camera, as dense as the picture needs: distances grow in proportion."""
    distance = np.geomspace(near, far, rows)[:, None]
    angle = np.radians(np.linspace(-spread, spread, columns))[None, :]
    return distance * np.sin(angle), distance * np.cos(angle)


def breaking(shore: Shore, t: Field, phase: float, seed: int) -> Iterator[tuple[float, float, Field, Field]]:
    """Of each line of surf at `phase` 0...1 of the period: metres offshore, crest, wander and strength along it.

    In one period each line comes in to where the next one was, and takes its shape; a new one rises far out.
    """
    lines = [(0.2, 0.0), *shore.breakers]
    for number in range(1, len(lines) + 1):
        before = lines[number] if number < len(lines) else (lines[-1][0] * 1.6, 0.0)
        after = lines[number - 1]
        form = [
            (1 - phase) * wobble(t, seed + first + number, size, octaves=octaves)
            + phase * wobble(t, seed + first + number - 1, size, octaves=octaves)
            for first, size, octaves in ((10, 34.0, 4), (30, 47.0, 2))
        ]
        crest = (1 - phase) * before[1] + phase * after[1]
        if crest > 0:
            yield (1 - phase) * before[0] + phase * after[0], crest, form[0], form[1]


def sea(
    shore: Shore,
    material: Any,
    *,
    wind: float,
    heading: float = 20.0,
    time: float = 0.0,
    period: float = 6.0,
    seed: int = 3,
    spread: float = 36.0,
    near: float = 3.0,
    detail: float = 1.0,
) -> Any:
    """The water from the sand to the horizon, with attributes `depth` and `foam` for its material."""
    x, y = fan(near, 15_000.0, spread, round(760 * detail), round(620 * detail))
    away, t = shore.offshore(x, y), shore.along(x, y)
    moves = sample(tile(173.0, 512, wind, seed=seed, time=time, period=period, heading=heading), 173.0, x, y)
    short = tile(29.0, 256, min(wind, 4.5), seed=seed + 1, time=time, period=period, heading=heading - 25)
    moves = moves + 0.8 * sample(short, 29.0, x + 0.3 * y, y - 0.3 * x)
    calm = np.clip((away - 1.0) / 25, 0, 1) ** 0.8
    moves *= 0.04 + 0.96 * calm
    foam = np.zeros_like(x)
    for line, crest, wander, envelope in breaking(shore, t, time / period % 1.0, seed):
        place = away - line - 1.6 * wander * (0.4 + line / 30)
        strength = np.clip(0.55 + 0.75 * envelope, 0, 1)
        width = 0.5 + line * 0.03
        # Steep towards the land, long towards the sea.
        rise = np.where(place < 0, np.exp(-((place / width) ** 2)), np.exp(-((place / (3.2 * width)) ** 2)))
        moves[2] += crest * strength * rise
        front = np.exp(-(((place + 0.35 * width) / (0.8 * width)) ** 2))
        wake = np.where(place > 0, np.exp(-np.maximum(place, 0) / (1.5 + 0.22 * line)), 0) * 0.62
        fresh = min(crest / 0.1, 1.0)  # what has just begun to break, or has run out, has little foam
        foam = np.maximum(foam, fresh * strength**0.6 * np.maximum(front * 1.15, wake))
    # The last thin sheet of each wave runs up the sand in lobes.
    pulse = 0.35 * np.cos(2 * np.pi * (time / period - 0.15 * wobble(t, seed + 52, 40.0)))
    lobes = 0.9 * np.abs(wobble(t, seed + 50, 11.0, octaves=3)) - 0.65 + 0.5 * wobble(t, seed + 51, 31.0) + pulse
    level = moves[2] + 0.05 + shore.slope * lobes
    depth = level - shore.ground(x, y)
    edge = away + lobes + 0.05 / shore.slope
    lace = np.where(
        edge > 0, 0.9 * np.exp(-(((edge - 0.12) / 0.22) ** 2)) + 0.5 * np.exp(-np.maximum(edge, 0) / 1.6), 0
    )
    foam = np.maximum(foam, lace)
    level = np.where(away < 3, np.maximum(level, shore.ground(x, y) - 0.02), level)
    made = shapes.grid("sea", x + moves[0], y + moves[1], level, material)
    shapes.attribute(made, "depth", depth)
    shapes.attribute(made, "foam", foam)
    return made


def water(
    name: str,
    *,
    shallow: Colour = (0.20, 0.36, 0.34),
    deep: Colour = (0.012, 0.075, 0.11),
    clear: float = 1.6,
    foam: float = 0.8,
    ripple: float = 0.02,
) -> Any:
    """Water over sand: clear at the edge, `deep` from `clear` metres on, under a sky that it mirrors, with foam."""
    made, tree, surface = surfaces.blank(name)
    place = surfaces.coordinates(tree, world=True)
    depth = surfaces.attribute(tree, "depth")
    far = node(tree, "ShaderNodeCameraData").outputs["View Distance"]
    # Suspended sand in the surf, then turquoise, then the colour of depth.
    colour = ramp(
        tree, arithmetic(tree, "DIVIDE", depth, clear), (0.0, (0.33, 0.31, 0.24)), (0.18, shallow), (1.0, deep)
    )
    patch = surfaces.noise(tree, place, 0.9, octaves=5, rough=0.62, warp=0.6)
    cells = node(tree, "ShaderNodeTexVoronoi", feature="DISTANCE_TO_EDGE", Scale=2.6)
    bent = node(tree, "ShaderNodeVectorMath", operation="ADD")
    put(tree, bent.inputs[0], place)
    swirl = node(tree, "ShaderNodeTexNoise", Vector=place, Scale=1.7, Detail=2.0)
    put(tree, bent.inputs[1], swirl.outputs["Color"])
    put(tree, cells.inputs["Vector"], bent.outputs[0])
    holes = span(tree, cells.outputs["Distance"], 0.0, 0.28, (0.30, -0.30))
    amount = arithmetic(tree, "ADD", surfaces.attribute(tree, "foam"), arithmetic(tree, "SUBTRACT", patch, 0.5))
    amount = arithmetic(tree, "ADD", amount, holes)
    white = span(tree, amount, 0.45, 0.75)
    put(tree, surface.inputs["Base Color"], surfaces.mix(tree, white, colour, (foam, foam, foam)))
    glossy = span(tree, far, 10, 400, (0.06, 0.22))
    put(tree, surface.inputs["Roughness"], span(tree, white, 0.0, 1.0, (0.0, 0.8)))
    tree.links.new(
        arithmetic(tree, "MAXIMUM", glossy, arithmetic(tree, "MULTIPLY", white, 0.8)), surface.inputs["Roughness"]
    )
    surface.inputs["IOR"].default_value = 1.333
    ripples = surfaces.noise(tree, place, 0.35, octaves=2, rough=0.6)
    put(tree, surface.inputs["Normal"], surfaces.bump(tree, ripples, ripple))
    put(
        tree,
        surface.inputs["Alpha"],
        arithmetic(
            tree,
            "MAXIMUM",
            span(tree, depth, 0.0, 0.07, (0.0, 1.0)),
            arithmetic(tree, "MULTIPLY", white, span(tree, depth, 0.0, 0.01)),
        ),
    )
    return made
