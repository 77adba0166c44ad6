"""People with hair, fur and veils drawn around their outlines: cut-outs whose alpha and colours are known exactly."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cyclorama_training.data import Image, Person
from cyclorama_training.hair import (
    CLUMP,
    COLOURS,
    FLYAWAYS_TOO,
    LARGER,
    SHARES,
    STYLES,
    Float,
    Head,
    Style,
    draw,
    outward_normals,
    over,
    shrink,
    strands,
)

SOLID = 0.9  # alpha from which the teacher's matte is believed
EATEN = 0.004  # of the long side: the rim of what is believed may still hold the old background
# Widths of a hair, as shares of the long side: a third of a pixel to two and a half at 1,024.
THINNEST, THICKEST = 0.0003, 0.0022
LENGTHS = (0.25, 0.8)  # of what a style says: on most heads little of the hair stands far off
FUR_SHARE, VEIL_SHARE = 0.22, 0.12
DYED_SHARE = 0.4  # hair of another colour than what grows there
MARGIN = 4  # pixels


def grown(rng: Generator, person: Person, long_side: int) -> tuple[Image, Image]:
    """A person's solid part with new hair: foreground uint8 (H, W, 3), straight, and alpha uint8 (H, W).

    Args:
        long_side: pixels of the result.
    """
    scale = long_side / max(person.alpha.shape)
    size = (round(person.alpha.shape[1] * scale), round(person.alpha.shape[0] * scale))
    method = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    skin = cv2.resize(person.foreground, size, interpolation=method).astype(np.float32)
    matte: Image = cv2.resize(person.alpha, size, interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    solid = outline(matte, long_side)
    if not solid.any():
        return skin.astype(np.uint8), np.zeros(size[::-1], np.uint8)
    soft: Float = cv2.GaussianBlur(
        solid.astype(np.float32), (0, 0), float(rng.uniform(0.5, 1.2)) * max(1.0, long_side / 1024)
    )  # type: ignore[assignment]
    body: tuple[Float, Float] = skin, soft
    head = Head.of(solid)
    names = list(SHARES)
    name = names[int(rng.choice(len(names), p=list(SHARES.values())))]
    kinds = [name] + (["flyaway"] if name != "flyaway" and rng.random() < FLYAWAYS_TOO else [])
    colour = hair_colour(rng, skin, solid, head)
    if rng.random() < FUR_SHARE:
        body = over(fur(rng, skin, solid, head), body)
    for kind in kinds:
        body = over(hair(rng, STYLES[kind], solid, head, colour, long_side), body)
    if rng.random() < VEIL_SHARE:
        cloth = veil(rng, solid, head)
        body = over(cloth, body) if rng.random() < 0.3 else over(body, cloth)
    colours, alpha = body
    return np.rint(np.clip(colours, 0, 255)).astype(np.uint8), np.rint(np.clip(alpha, 0, 1) * 255).astype(np.uint8)


def outline(alpha: Image, long_side: int) -> NDArray[np.uint8]:
    """What of a matte is surely the person, smooth, without its rim: uint8 (H, W)."""
    sure = (alpha >= SOLID * 255).astype(np.uint8)
    eaten = 2 * max(1, round(EATEN * long_side)) + 1
    # Padded by what is at the border: where the frame cuts a person the outline goes on outside of it.
    padded = cv2.copyMakeBorder(sure, eaten, eaten, eaten, eaten, cv2.BORDER_REPLICATE)
    padded = cv2.morphologyEx(padded, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (eaten, eaten)))
    smooth = cv2.GaussianBlur(padded.astype(np.float32), (0, 0), 0.4 * eaten)
    inner = cv2.erode((smooth > 0.5).astype(np.uint8), np.ones((eaten, eaten), np.uint8))
    inner = np.ascontiguousarray(inner[eaten:-eaten, eaten:-eaten])
    count, labels, stats, _ = cv2.connectedComponentsWithStats(inner, connectivity=4)
    if count < 2:
        return inner  # type: ignore[no-any-return,return-value]
    return (labels == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())).astype(np.uint8)


def hair_colour(rng: Generator, skin: Float, solid: NDArray[np.uint8], head: Head) -> Float:
    """The colour at the rim of the head's upper half, or another one: (3,), 0 ... 255."""
    if rng.random() < DYED_SHARE:
        return np.array(COLOURS[int(rng.integers(len(COLOURS)))], np.float32) * rng.uniform(0.75, 1.25)
    inside = cv2.distanceTransform(solid, cv2.DIST_L2, 5)
    y, x = np.mgrid[0 : solid.shape[0], 0 : solid.shape[1]]
    near = np.hypot(x - head.x, y - head.y) < 1.3 * head.radius
    rim = near & (y < head.y - 0.4 * head.radius) & (inside > 0.04 * head.radius) & (inside < 0.25 * head.radius)
    return np.median(skin[rim], axis=0) if rim.any() else np.array(COLOURS[0], np.float32)  # type: ignore[no-any-return]


def hair(
    rng: Generator, style: Style, solid: NDArray[np.uint8], head: Head, colour: Float, long_side: int
) -> tuple[Float, Float]:
    """Hair on a head: straight colours (H, W, 3), 0 ... 255, and alpha (H, W)."""
    points = contour(solid)
    x, y = points[:, 0] - head.x, points[:, 1] - head.y
    angle = np.rad2deg(np.arctan2(x, -y))  # from the crown, to the right above 0
    reach = rng.uniform(*style.reach)
    points = points[(np.abs(angle) < reach) & (np.hypot(x, y) < 1.7 * head.radius)]
    count = round(float(np.exp(rng.uniform(*np.log(style.strands)))))
    return rooted(rng, style, solid, points, count, head.radius, colour, float(hair_width(rng, long_side)))


def fur(rng: Generator, skin: Float, solid: NDArray[np.uint8], head: Head) -> tuple[Float, Float]:
    """Short hair along some part of the outline: beards, collars, pullovers, animals."""
    points = contour(solid)
    centre = points[int(rng.integers(len(points)))]
    near = points[np.hypot(*(points - centre).T) < head.radius * rng.uniform(0.4, 2.5)]
    style = replace(STYLES["short"], length=(0.03, float(rng.uniform(0.08, 0.4))), depth=0.06, curl=(0.0, 0.02))
    at = np.clip(np.rint(centre).astype(int), 0, np.array(solid.shape[::-1]) - 1)
    colour = skin[at[1], at[0]] if rng.random() < 0.7 else np.array(COLOURS[int(rng.integers(len(COLOURS)))])
    count = round(len(near) * float(rng.uniform(1.0, 5.0)))
    return rooted(rng, style, solid, near, count, head.radius, colour, float(hair_width(rng, max(solid.shape))))


def hair_width(rng: Generator, long_side: int) -> float:
    """Pixels."""
    return float(np.exp(rng.uniform(np.log(THINNEST), np.log(THICKEST)))) * long_side


def rooted(
    rng: Generator,
    style: Style,
    solid: NDArray[np.uint8],
    points: Float,
    count: int,
    radius: float,
    colour: Float,
    width: float,
) -> tuple[Float, Float]:
    """Strands that grow where `points` (N, 2) of the outline are; as `hair`."""
    shape = solid.shape
    if len(points) < 2 or radius < MARGIN:
        return np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32)
    clumps = max(1, count // CLUMP)
    nx, ny = outward_normals(solid, max(2.0, 0.06 * radius))
    centres = points[rng.integers(len(points), size=clumps)]
    # Clumps are drawn from the inside out: those in front begin nearer to the rim.
    depth = np.sort(rng.uniform(0, 1, clumps))[::-1] * style.depth * radius
    at = np.clip(np.rint(centres).astype(int), 0, np.array(shape[::-1]) - 1)
    normals = np.column_stack([nx[at[:, 1], at[:, 0]], ny[at[:, 1], at[:, 0]]])
    roots = np.repeat(centres - normals * depth[:, None], CLUMP, 0) + rng.normal(0, 0.018 * radius, (clumps * CLUMP, 2))
    normals = np.repeat(normals, CLUMP, 0)
    longest = rng.uniform(*style.length) * rng.uniform(*LENGTHS) * radius
    each = np.repeat(rng.uniform(0.55, 1.0, clumps), CLUMP) * rng.uniform(0.6, 1.1, len(roots))
    lengths = np.maximum(longest * each, 2.0)
    wind = np.array([rng.normal(0, 0.35), rng.normal(0, 0.1)])
    paths = strands(rng, style, roots, normals, lengths, radius, wind)
    clump_tone = np.repeat(np.exp(rng.normal(0, 0.16, clumps)), CLUMP)
    tones = np.exp(rng.normal(0, rng.uniform(0.05, 0.25), len(roots))) * clump_tone
    tint = np.exp(rng.normal(0, 0.04, (len(roots), 3)))
    colours = np.clip(colour * tones[:, None] * tint + 6, 0, 255)
    low_corner = np.maximum(0, np.floor(paths.min((0, 1))) - MARGIN).astype(int)
    high_corner = np.minimum(shape[::-1], np.ceil(paths.max((0, 1))) + MARGIN).astype(int)
    out, alpha = np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32)
    if (high_corner <= low_corner).any():
        return out, alpha
    (left, top), (right, bottom) = low_corner.tolist(), high_corner.tolist()
    canvas = np.zeros(((bottom - top) * LARGER, (right - left) * LARGER, 4), np.uint8)
    draw(rng, canvas, paths, colours, width, (left, top))
    out[top:bottom, left:right], alpha[top:bottom, left:right] = shrink(canvas)
    return out, alpha


def veil(rng: Generator, solid: NDArray[np.uint8], head: Head) -> tuple[Float, Float]:
    """Thin cloth that hangs from the head: folds that let through more and less."""
    height, width = solid.shape
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    stretch = head.radius * rng.uniform(1.15, 1.7) * (1 + 0.08 * np.cumsum(rng.normal(0, 0.4, 40)))
    x = head.x + stretch * np.sin(angles) * rng.uniform(0.9, 1.3) + rng.normal(0, 0.3) * head.radius
    y = head.y + 0.3 * head.radius - stretch * np.cos(angles) * np.where(np.cos(angles) > 0, 1.0, rng.uniform(1, 2.5))
    shape = np.zeros((height, width), np.uint8)
    cv2.fillPoly(shape, [np.rint(np.column_stack([x, y])).astype(np.int32)], 255)
    edge = cv2.GaussianBlur(shape.astype(np.float32) / 255, (0, 0), float(rng.uniform(0.6, 3.0)))
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    turn = rng.normal(0, 0.5)
    across = (columns - head.x) * np.cos(turn) + (rows - head.y) * np.sin(turn)
    wobble = cv2.resize(rng.normal(0, 1, (6, 6)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    folds = 0.5 + 0.5 * np.sin(across / head.radius * rng.uniform(4, 14) + 2 * wobble)
    cover = rng.uniform(0.15, 0.5) + rng.uniform(0.1, 0.4) * folds
    colour = rng.uniform(140, 255) * np.exp(rng.normal(0, 0.08, 3))
    shade = (0.8 + 0.2 * folds)[..., None]
    return np.clip(colour * shade, 0, 255).astype(np.float32), (edge * cover).astype(np.float32)


def contour(solid: NDArray[np.uint8]) -> Float:
    """Points (N, 2), x and y, along the outline; not those on the picture's border, where the frame cut it."""
    found, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = np.concatenate([line.reshape(-1, 2) for line in found]).astype(np.float64)
    height, width = solid.shape
    x, y = points[:, 0], points[:, 1]
    return points[(x > 1) & (y > 1) & (x < width - 2) & (y < height - 2)]  # type: ignore[no-any-return]
