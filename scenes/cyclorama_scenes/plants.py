"""Plants: palms and the grasses of dunes and lawns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cyclorama_scenes import shapes, surfaces
from cyclorama_scenes.surfaces import Colour, node, put, ramp


def leaf(name: str, colour: Colour, dry: Colour, *, through: float = 0.35) -> Any:
    """A leaf: it shines a little, lets light through, and some are drier than others."""
    made, tree, surface = surfaces.blank(name)
    place = surfaces.coordinates(tree)
    tint = ramp(tree, surfaces.noise(tree, place, 0.5), (0.35, colour), (0.75, dry))
    put(tree, surface.inputs["Base Color"], tint)
    surface.inputs["Roughness"].default_value = 0.42
    back = node(tree, "ShaderNodeBsdfTranslucent", Color=tint)
    both = node(tree, "ShaderNodeMixShader", Fac=through)
    tree.links.new(surface.outputs[0], both.inputs[1])
    tree.links.new(back.outputs[0], both.inputs[2])
    tree.links.new(both.outputs[0], tree.nodes["Material Output"].inputs["Surface"])
    return made


def frond(length: float, random: np.random.Generator, material: Any, stem: Any) -> tuple[Any, Any]:
    """One leaf of a coconut palm along +x: a bent rib with leaflets that hang from both sides."""
    share = np.linspace(0, 1, 56)
    droop = random.uniform(0.55, 1.15)
    rib = np.stack(
        [
            length * (share - 0.16 * droop * share**3),
            0.06 * length * np.sin(2.2 * share) * random.normal(),
            length * (0.30 * share - 0.62 * droop * share**2.3),
        ],
        axis=1,
    )
    vertices: list[NDArray[Any]] = []
    faces: list[tuple[int, ...]] = []
    tangent = np.gradient(rib, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    for place in np.linspace(0.10, 0.995, 62):
        middle = np.array([np.interp(place, share, rib[:, i]) for i in range(3)])
        along = np.array([np.interp(place, share, tangent[:, i]) for i in range(3)])
        for side in (-1, 1):
            if random.random() < 0.06:
                continue  # torn off by the wind
            reach = length * 0.25 * np.sin(np.pi * (0.16 + 0.80 * place)) ** 0.75 * random.uniform(0.85, 1.1)
            aside = np.array([0, side, 0]) * 0.8 + along * random.uniform(0.45, 0.75)
            aside /= np.linalg.norm(aside)
            sag = random.uniform(0.35, 0.75)
            width = along * 0.022 * random.uniform(0.7, 1.2)
            start = len(vertices)
            for part, wide in ((0.0, 0.6), (0.4, 1.0), (0.75, 0.8), (1.0, 0.08)):
                point = middle + aside * reach * (part - 0.12 * part**2) - np.array([0, 0, 1]) * reach * sag * part**1.8
                vertices += [point - width * wide, point + width * wide]
            faces += [(start + i, start + i + 1, start + i + 3, start + i + 2) for i in (0, 2, 4)]
    leaves = shapes.mesh("leaflets", np.array(vertices), faces, material, smooth=True)
    return leaves, shapes.tube(rib, np.linspace(0.028, 0.004, len(rib)), stem, sides=6)


Ground = Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]  # height at places x, y


def palms(places: Sequence[tuple[float, float]], ground: Ground, *, seed: int, lean: float = -1.2) -> None:
    """Coconut palms at (x, y), leaning towards the light over the sea (`lean`: metres at the crown, to the right)."""
    random = np.random.default_rng(seed)
    green = leaf("palm", (0.075, 0.15, 0.028), (0.22, 0.20, 0.05))
    rib = surfaces.material("rib", (0.25, 0.24, 0.08), roughness=0.5)
    bark = surfaces.material(
        "bark",
        (0.26, 0.22, 0.17),
        second=(0.10, 0.085, 0.065),
        size=0.25,
        stretch=(1, 1, 0.25),
        roughness=0.9,
        relief=0.02,
        relief_size=0.07,
    )
    kinds = [frond(random.uniform(3.0, 3.9), random, green, rib) for _ in range(5)]
    nut = shapes.lathe(
        [(0, -0.15), (0.1, -0.1), (0.13, 0), (0.09, 0.1), (0, 0.14)],
        (0, 0, -50),
        surfaces.material("nut", (0.2, 0.16, 0.05)),
        sides=12,
    )
    for x, y in places:
        tall = random.uniform(6.5, 9.5)
        share = np.linspace(0, 1, 90)
        bend = random.uniform(0.7, 1.3) * lean
        base = float(ground(np.array([x]), np.array([y]))[0])
        trunk = np.stack(
            [
                x + bend * share**1.7 + 0.05 * np.sin(9 * share),
                y + 0.5 * random.normal() * share**2,
                base - 0.2 + tall * share,
            ],
            axis=1,
        )
        rings = 1 + 0.06 * (np.arange(90) % 3 == 0)
        shapes.tube(trunk, (0.12 + 0.05 * (1 - share) + 0.12 * np.exp(-share * 25)) * rings, bark, sides=14)
        crown = trunk[-1]
        for number in range(22):
            turn = number * 137.5 + random.uniform(-12, 12)
            lift = 58 - 105 * (number / 21) ** 1.1 + random.uniform(-8, 8)  # young leaves stand, old ones hang
            pitch = (random.uniform(-25, 25), -lift * 0.8, turn)
            size = random.uniform(0.85, 1.1)
            for part in kinds[random.integers(len(kinds))]:
                shapes.copy(part, tuple(crown), pitch, size)
        for number in range(7):
            angle = number * 0.9
            shapes.copy(
                nut,
                (crown[0] + 0.2 * np.cos(angle), crown[1] + 0.2 * np.sin(angle), crown[2] - 0.22),
                (20, 10, number * 50),
            )
    for part in (*(part for kind in kinds for part in kind), nut):
        part.hide_render = True


def blades(
    count: int,
    tall: float,
    spread: float,
    random: np.random.Generator,
    material: Any,
    *,
    width: float = 0.006,
    bend: float = 0.6,
) -> Any:
    """A tuft: `count` bent blades from one root, as one mesh."""
    share = np.array([0.0, 0.35, 0.7, 1.0])
    vertices: list[NDArray[Any]] = []
    faces: list[tuple[int, ...]] = []
    for number in range(count):
        turn, reach = random.uniform(0, 2 * np.pi), random.uniform(0.3, 1.0)
        out = np.array([np.cos(turn), np.sin(turn), 0.0])
        aside = np.array([-out[1], out[0], 0.0]) * width * random.uniform(0.6, 1.3)
        height = tall * random.uniform(0.55, 1.0)
        root = out * spread * random.uniform(0, 0.35)
        for part, wide in zip(share, (1.0, 0.9, 0.6, 0.05), strict=True):
            # Blades lean with the wind, to +x.
            lean = out * reach * spread + np.array([0.35 * height, 0, 0])
            point = root + lean * bend * part**2 + np.array([0, 0, height * (part - 0.25 * bend * part**2)])
            vertices += [point - aside * wide, point + aside * wide]
        faces += [(8 * number + i, 8 * number + i + 1, 8 * number + i + 3, 8 * number + i + 2) for i in (0, 2, 4)]
    return shapes.mesh("tuft", np.array(vertices), faces, material, smooth=True)


def tufts(ground: Ground, *, seed: int, count: int = 5200) -> None:
    """Marram on dunes: thick on the crests, none where people walk."""
    random = np.random.default_rng(seed)
    straw = leaf("marram", (0.20, 0.22, 0.075), (0.46, 0.38, 0.19), through=0.3)
    kinds = [blades(46, random.uniform(0.5, 0.8), 0.35, random, straw) for _ in range(6)]
    y = 4.2 + 34 * random.random(count * 6) ** 1.4
    x = random.uniform(-0.75, 0.75, len(y)) * y
    z = ground(x, y)
    thick = np.clip((z - 0.25) / 0.9, 0, 1) ** 0.7 * (0.35 + 0.65 * (np.sin(x * 1.7 + 2 * np.sin(y)) > 0.1))
    kept = random.random(len(y)) < thick
    at = np.column_stack([x, y, z - 0.03])[kept][:count]
    turn = np.column_stack([np.zeros((len(at), 2)), random.normal(0, 0.5, len(at))])
    shapes.scatter(kinds, at, seed=seed, turn=turn, scale=random.uniform(0.6, 1.25, len(at)))


def tree(random: np.random.Generator, material: Any, bark: Any, *, tall: float = 9.0, leaves: int = 11_000) -> Any:
    """A broad-leaved tree: limbs from a trunk, a cloud of leaves about the end of each."""
    limbs = []
    ends = []
    for number in range(9):
        turn = number * 2.4 + random.uniform(-0.4, 0.4)
        fork = tall * random.uniform(0.12, 0.35)
        end = np.array([np.cos(turn), np.sin(turn), 0]) * tall * random.uniform(0.10, 0.26) * (number > 0)
        end[2] = tall * (0.30 + 0.5 * ((number * 5) % 9) / 8)
        ends.append(end)
        middle = np.array([end[0] * 0.35, end[1] * 0.35, (fork + end[2]) / 2])
        limbs.append(
            shapes.tube(
                np.array([(0, 0, 0), (0, 0, fork), middle, end]),
                np.array([0.022, 0.017, 0.009, 0.003]) * tall,
                bark,
                sides=7,
            )
        )
    clump = random.integers(len(ends), size=leaves)
    away = random.normal(size=(leaves, 3))
    away *= (random.uniform(0.4, 1.0, leaves) ** 0.5 / np.linalg.norm(away, axis=1))[:, None]
    middle = np.array(ends)[clump] + away * np.array([0.20, 0.20, 0.15]) * tall
    u, v = random.normal(size=(2, leaves, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    v -= (v * u).sum(axis=1, keepdims=True) * u
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    size = tall * 0.011 * random.uniform(0.7, 1.4, (leaves, 1))
    corners = np.stack([middle - u * size, middle + v * size * 0.6, middle + u * size, middle - v * size * 0.6], axis=1)
    crown = shapes.mesh("crown", corners.reshape(-1, 3), np.arange(4 * leaves).reshape(-1, 4), material)
    return shapes.joined([*limbs, crown])


def grove(
    points: NDArray[Any], *, seed: int, tall: float = 9.0, haze: Colour | None = None, clear: float = 600.0
) -> None:
    """Trees of three kinds on (N, 3) points, with air before them if there is `haze`."""
    random = np.random.default_rng(seed)
    bark = surfaces.material("bark", (0.12, 0.09, 0.065), roughness=0.9)
    kinds = []
    for green, dry in (((0.05, 0.10, 0.02), (0.12, 0.15, 0.03)), ((0.03, 0.075, 0.02), (0.07, 0.11, 0.03))):
        leaves = leaf("leaves", green, dry)
        if haze is not None:
            surfaces.hazed(leaves, haze, clear)
        kinds += [tree(random, leaves, bark, tall=tall * random.uniform(0.8, 1.15)) for _ in range(2)]
    shapes.scatter(kinds, points, seed=seed, scale=random.uniform(0.75, 1.25, len(points)))
