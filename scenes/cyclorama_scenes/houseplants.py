"""Plants in pots and vases: every leaf is bent on its own stalk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cyclorama_scenes import plants, shapes, surfaces
from cyclorama_scenes.shapes import Point
from cyclorama_scenes.surfaces import Colour


def blade(
    length: float,
    width: float,
    material: Any,
    *,
    droop: float = 0.5,
    fold: float = 0.25,
    widest: float = 0.45,
    heart: bool = False,
) -> Any:
    """A leaf along +x from the origin: oval or heart-shaped, folded along its rib, its tip hanging."""
    share, across = np.meshgrid(np.linspace(0, 1, 12), np.linspace(-1, 1, 7), indexing="ij")
    # A skewed arch: 0 at both ends, 1 at `widest`.
    power = np.log(0.5) / np.log(widest)
    half = width / 2 * np.sin(np.pi * share**power) ** (0.55 if heart else 0.75)
    x = length * share * (1 - 0.15 * droop * share) - (
        0.22 * length * np.abs(across) * (1 - share) ** 4 if heart else 0
    )
    z = -droop * length * 0.6 * share**2.2 + fold * half * np.abs(across) + 0.02 * length * np.sin(9 * share) * across
    return shapes.grid("blade", x, half * across, z, material)


def pot(at: Point, radius: float, height: float, colour: Colour, *, tapered: float = 0.78) -> None:
    """A glazed or clay pot with earth in it."""
    clay = surfaces.material("pot", colour, size=0.15, roughness=0.55, worn=0.15, relief=0.0012, relief_size=0.02)
    low = radius * tapered
    profile = [
        (0, 0),
        (low - 0.01, 0),
        (low, 0.01),
        (radius, height - 0.01),
        (radius - 0.004, height),
        (radius - 0.014, height - 0.004),
        (radius - 0.02, height * 0.86),
    ]
    shapes.lathe(profile, at, clay)
    earth = surfaces.material("earth", (0.035, 0.025, 0.018), size=0.03, roughness=0.95, relief=0.01, relief_size=0.02)
    shapes.lathe([(0, height * 0.88), (radius - 0.018, height * 0.86)], at, earth)


def _leafy(
    path: NDArray[Any],
    kinds: list[Any],
    random: np.random.Generator,
    *,
    count: int,
    first: float,
    lift: tuple[float, float],
    size: tuple[float, float] = (0.75, 1.15),
) -> None:
    """Leaves about a stem at the golden angle, `lift`ed (degrees) at its foot and at its tip."""
    for number, place in enumerate(np.linspace(first, 1.0, count)):
        at = _along(path, place)
        up = lift[0] + (lift[1] - lift[0]) * (place - first) / (1 - first) + random.normal() * 9
        turn = number * 137.5 + random.uniform(-25, 25)
        grown = random.uniform(*size) * (1.0 if place < 0.93 else 0.62)
        shapes.copy(kinds[random.integers(len(kinds))], at, (random.uniform(-22, 22), -up, turn), grown)


def _along(path: NDArray[Any], place: float) -> Point:
    """The point at share `place` of a path."""
    share = np.linspace(0, 1, len(path))
    x, y, z = (float(np.interp(place, share, path[:, axis])) for axis in range(3))
    return x, y, z


def _stem(at: Point, tall: float, random: np.random.Generator, *, lean: float = 0.12) -> NDArray[Any]:
    share = np.linspace(0, 1, 18)
    aside = random.normal(size=2) * lean * tall
    wave = 0.03 * tall * np.sin(np.outer(share, [4.1, 5.3]) + random.uniform(0, 6, 2)) * share[:, None]
    return np.column_stack(
        [at[0] + aside[0] * share**1.6 + wave[:, 0], at[1] + aside[1] * share**1.6 + wave[:, 1], at[2] + tall * share]
    )


def rubber_plant(
    at: Point,
    *,
    tall: float = 1.5,
    seed: int = 1,
    pot_colour: Colour = (0.50, 0.47, 0.42),
    green: Colour = (0.028, 0.075, 0.022),
) -> None:
    """A Ficus: three stems with big dark shining leaves."""
    random = np.random.default_rng(seed)
    pale = (green[0] * 2.6, green[1] * 2.1, green[2] * 1.9)
    leaf = plants.leaf("ficus", green, pale, through=0.16)
    kinds = [
        _aside(blade(random.uniform(0.19, 0.27), random.uniform(0.10, 0.14), leaf, droop=random.uniform(0.2, 0.9)))
        for _ in range(5)
    ]
    bark = surfaces.material("bark", (0.12, 0.095, 0.06), roughness=0.8)
    height = 0.17 * tall + 0.08
    pot(at, 0.10 * tall + 0.03, height, pot_colour)
    foot = (at[0], at[1], at[2] + height * 0.85)
    for number in range(3):
        path = _stem(foot, (tall - height) * (1.0, 0.82, 0.6)[number], random, lean=0.16)
        shapes.tube(path, np.linspace(0.012, 0.005, len(path)), bark, sides=7)
        _leafy(path, kinds, random, count=int((22, 18, 13)[number] * max(tall, 1.0) / 1.4), first=0.22, lift=(-5, 62))


def palm(at: Point, *, tall: float = 1.6, seed: int = 1, pot_colour: Colour = (0.33, 0.25, 0.16)) -> None:
    """A Kentia palm: arching stalks with two rows of narrow leaflets."""
    random = np.random.default_rng(seed)
    leaf = plants.leaf("kentia", (0.035, 0.10, 0.025), (0.09, 0.16, 0.04), through=0.3)
    stalk = surfaces.material("stalk", (0.07, 0.12, 0.035), roughness=0.5)
    kinds = [
        _aside(blade(random.uniform(0.26, 0.36), 0.03, leaf, droop=random.uniform(0.7, 1.4), fold=0.5, widest=0.35))
        for _ in range(4)
    ]
    height = 0.28
    pot(at, 0.17, height, pot_colour, tapered=0.85)
    for number in range(13):
        turn = number * 137.5 + random.uniform(-20, 20)
        out = np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))])
        long = tall * random.uniform(0.65, 1.0)
        reach = long * random.uniform(0.25, 0.62)
        share = np.linspace(0, 1, 16)
        top = (long - height) * (share - 0.30 * (reach / long) * share**3 * 1.6)
        path = np.column_stack(
            [at[0] + out[0] * reach * share**1.7, at[1] + out[1] * reach * share**1.7, at[2] + height * 0.85 + top]
        )
        shapes.tube(path, np.linspace(0.007, 0.002, 16), stalk, sides=6)
        for place in np.linspace(0.42, 1.0, 15):
            here = _along(path, place)
            for side in (-1, 1):
                yaw = turn + side * (62 - 45 * (place - 0.42) / 0.58) + random.normal() * 5
                shapes.copy(
                    kinds[random.integers(4)],
                    here,
                    (side * 20, -18 + random.normal() * 8, yaw),
                    random.uniform(0.6, 1.05) * (1.15 - 0.5 * place),
                )


def snake_plant(at: Point, *, tall: float = 0.6, seed: int = 1, pot_colour: Colour = (0.55, 0.53, 0.50)) -> None:
    """Sansevieria: stiff upright blades, a little twisted, with a pale edge."""
    random = np.random.default_rng(seed)
    leaf = surfaces.material(
        "sansevieria", (0.08, 0.14, 0.06), second=(0.03, 0.07, 0.03), size=0.03, stretch=(3, 3, 0.6), roughness=0.45
    )
    pot(at, 0.2 * tall + 0.02, 0.25 * tall + 0.03, pot_colour, tapered=0.9)
    for _ in range(15):
        share, across = np.meshgrid(np.linspace(0, 1, 14), np.linspace(-1, 1, 5), indexing="ij")
        long, turn, twist = tall * random.uniform(0.6, 1.05), random.uniform(0, 6.28), random.normal() * 0.7
        half = 0.055 * tall * np.clip(np.sin(np.pi * (0.22 + 0.78 * share)) ** 0.5, 0.02, 1)
        angle = turn + twist * share
        out = random.uniform(0.02, 0.09) * tall + random.uniform(0.0, 0.28) * long * share**1.5
        x = at[0] + out * np.cos(turn) - half * across * np.sin(angle)
        y = at[1] + out * np.sin(turn) + half * across * np.cos(angle)
        z = at[2] + 0.2 * tall + long * share + 0.2 * half * np.abs(across)
        shapes.grid("blade", x, y, z, leaf)


def trailing(at: Point, *, seed: int = 1, fall: float = 0.5, pot_colour: Colour = (0.62, 0.60, 0.56)) -> None:
    """Pothos on a shelf: heart-shaped leaves on vines that hang over the pot's edge."""
    random = np.random.default_rng(seed)
    leaf = plants.leaf("pothos", (0.06, 0.16, 0.03), (0.17, 0.27, 0.06), through=0.3)
    stalk = surfaces.material("stalk", (0.10, 0.14, 0.05), roughness=0.6)
    kinds = [
        _aside(
            blade(random.uniform(0.055, 0.085), random.uniform(0.045, 0.065), leaf, droop=0.8, widest=0.3, heart=True)
        )
        for _ in range(4)
    ]
    pot(at, 0.07, 0.12, pot_colour)
    for _ in range(11):
        turn, down = random.uniform(0, 6.28), fall * random.uniform(-0.12, 1.0) ** 1
        share = np.linspace(0, 1, 16)
        out = 0.09 + 0.05 * share + 0.02 * np.sin(7 * share + turn)
        z = at[2] + 0.11 + 0.06 * np.sin(np.pi * np.minimum(share * 3, 1)) - down * share**1.3
        reach = np.minimum(share * 4, 1) * out
        path = np.column_stack(
            [at[0] + reach * np.cos(turn + 0.3 * share), at[1] + reach * np.sin(turn + 0.3 * share), z]
        )
        shapes.tube(path, 0.0016, stalk, sides=5)
        _leafy(path, kinds, random, count=int(8 + 26 * max(down, 0)), first=0.12, lift=(25, -30))


def branches(
    at: Point, *, tall: float = 0.7, seed: int = 1, vase: Colour | None = None, green: Colour = (0.10, 0.14, 0.075)
) -> None:
    """Olive or eucalyptus twigs, in a vase if it has a colour."""
    random = np.random.default_rng(seed)
    leaf = plants.leaf("olive", green, (green[0] * 1.7, green[1] * 1.55, green[2] * 1.7), through=0.25)
    wood = surfaces.material("twig", (0.14, 0.10, 0.06), roughness=0.8)
    kinds = [
        _aside(blade(random.uniform(0.045, 0.07), random.uniform(0.013, 0.02), leaf, droop=0.3, fold=0.2))
        for _ in range(4)
    ]
    foot = at
    if vase is not None:
        clay = surfaces.material("vase", vase, size=0.08, roughness=0.5, relief=0.001, relief_size=0.02)
        h = tall * 0.42
        profile = [
            (0, 0),
            (h * 0.24, 0),
            (h * 0.36, h * 0.25),
            (h * 0.37, h * 0.42),
            (h * 0.2, h * 0.78),
            (h * 0.13, h * 0.9),
            (h * 0.17, h),
            (h * 0.14, h),
        ]
        shapes.lathe(profile, at, clay)
        foot = (at[0], at[1], at[2] + h * 0.7)
    for _ in range(7):
        path = _stem(foot, tall * random.uniform(0.55, 1.0), random, lean=0.34)
        shapes.tube(path, np.linspace(0.0032, 0.0012, len(path)), wood, sides=5)
        _leafy(path, kinds, random, count=int(30 * tall / 0.6), first=0.3, lift=(25, 55))
        for _ in range(3):
            start = path[random.integers(6, 14)]
            twig = _stem(tuple(start), tall * random.uniform(0.2, 0.4), random, lean=0.6)
            shapes.tube(twig, 0.0014, wood, sides=4)
            _leafy(twig, kinds, random, count=int(17 * tall / 0.6), first=0.15, lift=(15, 50))


def _aside(original: Any) -> Any:
    """An original that only its copies show."""
    original.hide_render = True
    return original
