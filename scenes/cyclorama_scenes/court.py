"""Courts and a running track."""

from __future__ import annotations

from typing import Any

import numpy as np

from cyclorama_scenes import plants, rendering, shapes, surfaces
from cyclorama_scenes.rendering import scene
from cyclorama_scenes.surfaces import Colour, put


def line(
    length: float, width: float, at: tuple[float, float], paint: Any, *, turn: float = 0.0, lift: float = 0.004
) -> None:
    """A painted line on the ground, along x until it is turned (degrees)."""
    shapes.plane((length, width), (*at, lift), paint, turn=(0, 0, turn))


def arc(
    radius: float, width: float, at: tuple[float, float], span: tuple[float, float], paint: Any, *, lift: float = 0.004
) -> None:
    """A painted arc between two angles (degrees, anticlockwise from x)."""
    angle = np.radians(np.linspace(*span, 96))
    ring = np.array([radius - width / 2, radius + width / 2])[:, None]
    shapes.grid("arc", at[0] + ring * np.cos(angle), at[1] + ring * np.sin(angle), np.full((2, 96), lift), paint)


def hoop(at: tuple[float, float], *, reach: float = 1.9) -> None:
    """A basket that hangs from the wall behind: glass board, padded frame, rim, net and struts."""
    x, y = at
    white = surfaces.material("frame", (0.75, 0.75, 0.74), roughness=0.4)
    steel = surfaces.metal("strut", (0.25, 0.26, 0.28), roughness=0.5)
    orange = surfaces.material("rim", (0.62, 0.12, 0.02), roughness=0.35)
    shapes.plane((1.76, 1.01), (x, y, 3.42), surfaces.glass("board"), turn=(90, 0, 0))
    for across, up, width, height in (
        (0, 3.92, 1.8, 0.06),
        (0, 2.90, 1.8, 0.07),
        (-0.88, 3.42, 0.06, 1.05),
        (0.88, 3.42, 0.06, 1.05),
    ):
        shapes.box((width, 0.05, height), (x + across, y, up), white)
    for across, up, width, height in (
        (0, 3.50, 0.61, 0.045),
        (0, 3.06, 0.61, 0.045),
        (-0.285, 3.28, 0.045, 0.45),
        (0.285, 3.28, 0.045, 0.45),
    ):
        shapes.box((width, 0.02, height), (x + across, y - 0.03, up), white, bevel=0)
    angle = np.linspace(0, 2 * np.pi, 49)
    shapes.tube(
        np.column_stack([x + 0.23 * np.cos(angle), y - 0.4 + 0.23 * np.sin(angle), np.full(49, 3.05)]), 0.011, orange
    )
    shapes.box((0.18, 0.2, 0.09), (x, y - 0.09, 3.02), orange)
    cord = surfaces.material("cord", (0.75, 0.73, 0.68), roughness=0.9)
    drop = np.linspace(0, 1, 14)
    narrow = 0.22 - 0.10 * np.sin(np.pi / 2 * drop)
    for twist in (-1, 1):
        for start in np.linspace(0, 2 * np.pi, 12, endpoint=False):
            turn = start + twist * drop * 1.6
            shapes.tube(
                np.column_stack([x + narrow * np.cos(turn), y - 0.4 + narrow * np.sin(turn), 3.04 - 0.42 * drop]),
                0.004,
                cord,
                sides=5,
            )
    for across in (-0.55, 0.55):
        for up in (3.0, 3.8):
            shapes.tube([(x + across, y + 0.03, up), (x + across * 1.2, y + reach, up + 0.3)], 0.035, steel)
        shapes.tube([(x + across, y + 0.03, 3.0), (x + across * 1.2, y + reach, 4.1)], 0.025, steel)


@scene("court-basketball", scale=2 / 3)
def basketball() -> None:
    rendering.camera(height=rendering.SITTING, horizon=0.58, focal_mm=27, focus=1.7, f_stop=1.4, turn=-8)
    rendering.ambient((0.6, 0.75, 1.0), 0.04)
    rendering.film(exposure=-0.35, look="Punchy", bloom=0.35, over=6.0)
    maple = surfaces.wood("maple", (0.52, 0.31, 0.15), (0.38, 0.20, 0.09), along="y", plank=0.08, roughness=0.3)
    maple.node_tree.nodes["Principled BSDF"].inputs["Coat Weight"].default_value = 0.5
    maple.node_tree.nodes["Principled BSDF"].inputs["Coat Roughness"].default_value = 0.16
    shapes.plane((26, 34), (-1, 6, 0), maple)
    white = surfaces.material("white", (0.72, 0.72, 0.70), roughness=0.3, coat=0.5)
    blue = surfaces.material("blue", (0.012, 0.035, 0.10), second=(0.016, 0.045, 0.125), roughness=0.3, coat=0.5)
    middle, base, back = 0.9, 11.2, 13.2
    shapes.plane((4.9, 5.8), (middle, base - 2.9, 0.002), blue)
    line(15.0, 0.05, (middle, base), white)
    for side in (-1, 1):
        line(20, 0.05, (middle + 7.5 * side, base - 10), white, turn=90)
        line(5.8, 0.05, (middle + 2.45 * side, base - 2.9), white, turn=90)
        line(2.99, 0.05, (middle + 6.6 * side, base - 1.5), white, turn=90)
    line(4.9, 0.05, (middle, base - 5.8), white)
    arc(1.8, 0.05, (middle, base - 5.8), (0, 360), white)
    arc(6.75, 0.05, (middle, base - 1.575), (192, 348), white)
    hoop((middle, base - 1.2), reach=3.2)
    hall(back)
    ball = surfaces.material("ball", (0.42, 0.13, 0.035), size=0.1, roughness=0.6, relief=0.001, relief_size=0.006)
    shapes.sphere(0.12, (-3.1, 8.6, 0.12), ball)


def hall(back: float) -> None:
    """A sports hall: block walls with pads, a stand on the left with windows above it, girders and lamps."""
    block = surfaces.material(
        "block", (0.13, 0.155, 0.19), second=(0.10, 0.12, 0.15), size=0.7, roughness=0.8, relief=0.006, relief_size=0.06
    )
    shapes.plane((26, 8), (-1, back, 4), block, turn=(90, 0, 0))
    shapes.plane((34, 8), (9.2, 6, 4), block, turn=(90, 0, -90))
    shapes.plane((34, 8), (-12.2, 6, 4), block, turn=(90, 0, 90))
    shapes.plane(
        (26, 34), (-1, 6, 7.6), surfaces.material("ceiling", (0.16, 0.16, 0.17), roughness=0.9), turn=(180, 0, 0)
    )
    pad = surfaces.material(
        "pad", (0.020, 0.050, 0.14), second=(0.016, 0.04, 0.11), size=0.8, roughness=0.5, relief=0.012, relief_size=0.5
    )
    for number in range(17):
        if number not in (3, 4):
            shapes.box((1.19, 0.07, 1.9), (-9.6 + 1.2 * number, back - 0.05, 1.1), pad, bevel=0.03)
    # A double door between the pads, its push bars, and the green sign above it.
    door = surfaces.material("door", (0.20, 0.21, 0.22), roughness=0.45)
    bar = surfaces.metal("bar", (0.6, 0.6, 0.6))
    for x in (-6.0, -4.8):
        shapes.box((1.05, 0.06, 2.15), (x, back - 0.04, 1.08), door)
        shapes.box((0.8, 0.06, 0.06), (x, back - 0.12, 1.02), bar)
    sign = surfaces.glowing("sign", (0.05, 0.8, 0.25), 2.5, lights=False)
    shapes.box((0.5, 0.05, 0.2), (-5.4, back - 0.05, 2.45), sign)
    seat = surfaces.wood("seat", (0.42, 0.23, 0.10), (0.28, 0.14, 0.06), along="y", roughness=0.4)
    riser = surfaces.material("riser", (0.05, 0.055, 0.065), roughness=0.6)
    for row in range(6):
        shapes.box((0.32, 9, 0.05), (-7.9 - 0.62 * row, 6.8, 0.45 + 0.32 * row), seat)
        shapes.box((0.05, 9, 0.30), (-8.05 - 0.62 * row, 6.8, 0.28 + 0.32 * row), riser)
        shapes.box((0.60, 9, 0.03), (-8.3 - 0.62 * row, 6.8, 0.14 + 0.32 * row), riser)
    steel = surfaces.metal("truss", (0.36, 0.37, 0.39), roughness=0.5)
    for y in (4.0, 7.0, 10.0, 12.6):
        for up in (7.3, 6.5):
            shapes.tube([(-12.2, y, up), (9.2, y, up)], 0.06, steel, sides=6)
        along = np.linspace(-12.2, 9.2, 25)
        shapes.tube(
            np.column_stack([along, np.full(25, y), np.where(np.arange(25) % 2, 7.25, 6.55)]), 0.03, steel, sides=5
        )
    lamp = surfaces.glowing("lamp", (1.0, 0.94, 0.84), 30.0, lights=False)
    for y in (5.5, 8.5, 11.4):
        for x in (-8.5, -4.5, -0.5, 3.5, 7.5):
            shapes.lathe([(0, 0), (0.24, 0.0), (0.26, 0.05)], (x, y, 6.3), lamp)
            shapes.lathe([(0.27, 0.0), (0.22, 0.18), (0.08, 0.32), (0, 0.34)], (x, y, 6.3), riser)
        rendering.area((18, 0.8), (-0.5, y, 6.2), (-0.5, y, 0), 900, (1.0, 0.94, 0.85))
    day = surfaces.glowing("window", (0.80, 0.92, 1.0), 5.0, lights=False)
    for number in range(6):
        shapes.plane((2.0, 1.1), (-12.17, 1.0 + 2.3 * number, 5.2), day, turn=(90, 0, 90))
    rendering.area((12, 1.2), (-12.0, 7, 5.2), (0, 7, 0), 700, (0.82, 0.92, 1.0))


def clay_lines(paint: Any, near: float) -> None:
    """Half a tennis court: the net lies at `near`, the far baseline 11.9 m behind it."""
    for x in (-5.485, -4.115, 4.115, 5.485):
        line(near + 15.9, 0.05, (x, (near + 7.9) / 2), paint, turn=90)
    line(10.97, 0.1, (0, near + 11.9), paint)
    line(8.23, 0.05, (0, near + 6.4), paint)
    line(6.4, 0.05, (0, near + 3.2), paint, turn=90)


def tennis_net(near: float) -> None:
    """The net with its white band and strap, a little low in the middle."""
    net, tree, surface = surfaces.blank("net")
    put(tree, surface.inputs["Base Color"], (0.02, 0.02, 0.022))
    surface.inputs["Alpha"].default_value = 0.55  # cords of 3 mm, meshes of 45 mm, out of focus
    x = np.linspace(-6.4, 6.4, 60)
    top = 0.914 + 0.15 * (x / 6.4) ** 2
    shapes.grid("net", np.stack([x, x]), np.full((2, 60), near), np.stack([np.full(60, 0.02), top]), net)
    tape = surfaces.fabric("tape", (0.75, 0.75, 0.73))
    shapes.grid("tape", np.stack([x, x]), np.full((2, 60), near - 0.012), np.stack([top - 0.055, top + 0.005]), tape)
    shapes.box((0.05, 0.012, 0.914), (0, near - 0.01, 0.457), tape)


def fence(green: Any) -> None:
    """Three sides of wire on posts, the lower half covered with cloth."""
    screen = surfaces.fabric("screen", (0.025, 0.10, 0.055), folds=0.05)
    wire, tree, surface = surfaces.blank("wire")
    put(tree, surface.inputs["Base Color"], (0.02, 0.05, 0.03))
    surface.inputs["Alpha"].default_value = 0.14
    for size, at, turn in ((36, (0.0, 24.5), 0.0), (30, (-14.0, 10.0), 90.0), (30, (15.0, 10.0), 90.0)):
        shapes.plane((size, 2.0), (*at, 1.05), screen, turn=(90, 0, turn))
        shapes.plane((size, 2.0), (*at, 3.05), wire, turn=(90, 0, turn))
        for number in range(int(size / 3) + 1):
            step = -size / 2 + 3 * number
            place = (at[0] + step, at[1]) if turn == 0 else (at[0], at[1] + step)
            shapes.cylinder(0.03, 4.1, (*place, 2.05), green, sides=10)


def tennis_benches(near: float, green: Any) -> None:
    """Two slatted benches beside the net."""
    wood = surfaces.wood("bench", (0.45, 0.29, 0.15), (0.30, 0.18, 0.09), along="x")
    for across in (8.2, 10.2):
        for slat in range(4):
            shapes.box((1.6, 0.09, 0.03), (across, near + 1.2 + 0.11 * slat, 0.45), wood)
        for leg in (-0.7, 0.7):
            shapes.box((0.05, 0.4, 0.44), (across + leg, near + 1.36, 0.22), green)
        for slat in range(3):
            shapes.box((1.6, 0.025, 0.08), (across, near + 1.62, 0.62 + 0.11 * slat), wood)


@scene("court-tennis", scale=2 / 3)
def tennis() -> None:
    rendering.camera(height=rendering.SITTING, horizon=0.47, focal_mm=36, focus=1.7, f_stop=2.0, turn=6, at=(-1.2, 0))
    rendering.sky(elevation=36, azimuth=-112, dust=0.6, sun=0.7, haze=(5.5, 6.0, 6.6), clouds=0.55)
    rendering.film(exposure=-2.9, look="Punchy", saturation=1.1)
    clay = surfaces.material(
        "clay",
        (0.44, 0.165, 0.080),
        second=(0.31, 0.105, 0.048),
        size=0.5,
        stretch=(1.4, 4, 1),
        roughness=0.95,
        worn=0.03,
        relief=0.008,
        relief_size=0.02,
        world=True,
        specular=0.2,
    )
    shapes.plane((60, 60), (0, 20, 0), clay)
    chalk = surfaces.material("chalk", (0.72, 0.68, 0.62), second=(0.55, 0.38, 0.28), size=0.2, roughness=0.9)
    near = 6.2
    clay_lines(chalk, near)
    tennis_net(near)
    green = surfaces.material("post", (0.02, 0.09, 0.045), roughness=0.4)
    for side in (-6.4, 6.4):
        shapes.cylinder(0.045, 1.1, (side, near, 0.55), green)
    fence(green)
    random = np.random.default_rng(4)
    x = np.concatenate([random.uniform(-38, 38, 44), random.uniform(-34, -19, 12), random.uniform(20, 34, 12)])
    y = np.concatenate([random.uniform(28, 50, 44), random.uniform(4, 30, 24)])
    shapes.plane((160, 120), (0, 84, -0.02), surfaces.material("lawn", (0.07, 0.12, 0.03), size=2.0))
    plants.grove(np.column_stack([x, y, np.zeros(len(x))]), seed=6, haze=(3.6, 4.2, 4.8))
    tennis_benches(near, green)
    felt = surfaces.fabric("felt", (0.55, 0.62, 0.05))
    ball = shapes.sphere(0.033, (2.9, near - 1.3, 0.033), felt, sides=16)
    for at in ((3.6, near - 0.35), (-3.4, near + 2.1), (-4.6, near + 5.0), (-2.9, near - 0.3)):
        shapes.copy(ball, (*at, 0.033))


LANE = 1.22
BEND = 62.0  # metres before the camera where the straight ends


def lane(edge: float, width: float, paint: Any, *, lift: float) -> None:
    """A strip of the track `edge` metres from its inner rim: a straight, then half a turn to the left."""
    radius = 36.5
    inner = -4.4
    angle = np.linspace(0, np.pi, 90)
    rings = []
    for side in (edge, edge + width):
        x = np.concatenate([np.full(40, inner + side), inner - radius + (radius + side) * np.cos(angle)])
        y = np.concatenate([np.linspace(-3, BEND - 0.5, 40), BEND + (radius + side) * np.sin(angle)])
        rings.append((x, y))
    shapes.grid(
        "lane", np.stack([r[0] for r in rings]), np.stack([r[1] for r in rings]), np.full((2, 130), lift), paint
    )


def trackside(warm: Colour) -> None:
    """A rail along the right, floodlights, and hurdles that somebody left on the inner lane."""
    rail = surfaces.material("rail", (0.6, 0.6, 0.58), roughness=0.4)
    for up in (0.55, 1.05):
        shapes.tube([(9.5, 2, up), (9.5, 120, up)], 0.025, rail, sides=6)
    for number in range(48):
        shapes.cylinder(0.025, 1.1, (9.5, 3 + 2.5 * number, 0.55), rail, sides=8)
    mast = surfaces.hazed(surfaces.metal("mast", (0.35, 0.36, 0.37), roughness=0.6), warm, 900.0)
    for across, far in ((14, 60), (-62, 70), (12, 118)):
        shapes.cylinder(0.18, 19, (across, far, 9.5), mast, sides=10)
        shapes.box((2.6, 0.3, 1.6), (across, far, 19), mast)
    inner = -3.75
    for away in (11.5, 20.0):
        for side in (inner - 0.55, inner + 0.55):
            shapes.tube([(side, away, 0.84), (side, away, 0.03), (side, away - 0.6, 0.03)], 0.018, rail)
        shapes.box((1.18, 0.025, 0.07), (inner, away, 0.86), rail)


@scene("track-evening", scale=2 / 3)
def track() -> None:
    rendering.camera(height=rendering.STANDING, horizon=0.46, focal_mm=36, focus=2.2, f_stop=2.0, turn=-3)
    rendering.sky(
        elevation=10, azimuth=-98, dust=0.9, sun=1.0, haze=(3.6, 2.7, 2.0), clouds=0.55, cloud=(5.2, 4.0, 3.3)
    )
    rendering.film(exposure=-1.7, look="Punchy", saturation=1.12)
    warm: Colour = (3.4, 2.5, 1.7)
    lawn = surfaces.material(
        "lawn",
        (0.085, 0.19, 0.03),
        second=(0.06, 0.14, 0.022),
        size=1.5,
        roughness=0.95,
        relief=0.05,
        relief_size=0.05,
        world=True,
        specular=0.1,
    )
    shapes.plane((400, 400), (0, 150, -0.03), lawn)
    tartan = surfaces.material(
        "tartan",
        (0.33, 0.085, 0.050),
        second=(0.27, 0.068, 0.042),
        size=1.4,
        stretch=(1, 4, 1),
        roughness=0.8,
        worn=0.08,
        relief=0.004,
        relief_size=0.012,
        world=True,
    )
    lane(0.0, 8 * LANE, tartan, lift=0.0)
    white = surfaces.material("line", (0.70, 0.68, 0.64), second=(0.5, 0.42, 0.38), size=0.3, roughness=0.7)
    for number in range(9):
        lane(number * LANE - 0.025, 0.05, white, lift=0.006)
    line(8 * LANE, 0.05, (-4.4 + 4 * LANE, 9.0), white, lift=0.008)
    for number in range(8):
        line(0.6, 0.05, (-4.4 + (number + 0.5) * LANE, 10.4 + 0.25 * number), white, lift=0.008)
    random = np.random.default_rng(9)
    count = 210
    x = np.concatenate([random.uniform(-120, 90, count), random.uniform(16, 60, 40)])
    y = np.concatenate([random.uniform(122, 175, count), random.uniform(25, 130, 40)])
    plants.grove(np.column_stack([x, y, np.zeros(len(x))]), seed=3, tall=12.0, haze=warm, clear=1500.0)
    hedge = surfaces.hazed(surfaces.material("hedge", (0.03, 0.06, 0.015), size=3.0, roughness=0.95), warm, 1500.0)
    shapes.plane((460, 5), (0, 178, 2.4), hedge, turn=(90, 0, 0))
    trackside(warm)
