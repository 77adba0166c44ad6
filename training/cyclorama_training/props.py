"""Drawn things: hanging cloth, turned bodies, boards and screens, which stand beside people and are none; what is worn.

Photographs of such things are hard to come by with a matte, and they are what a network takes for people: a flag has
folds as clothes have, a vase and a model of a rocket stand upright with shoulders, a poster has a frame full of shapes.
"""

from __future__ import annotations

import string

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from cyclorama_training.data import Image
from cyclorama_training.geometry import STAY, Layer, standing
from cyclorama_training.light import light

Field = NDArray[np.float32]

SIDES = (120, 300)  # pixels of a prop's own sides, before it is put into the frame
MARGIN = 0.12  # of a cloth's sides, for what its folds push out of them
LETTERS = string.ascii_uppercase + string.digits
# Of the frame: where props end, how tall they are. Most of them are cut by its left or right side.
TALLNESS = (0.25, 1.3)
AT_EDGE_SHARE = 0.6
EDGE = (-0.08, 0.28)
BOARD_SHARE = 0.2  # of props; of the others half are cloth
FINS_SHARE = 0.4  # of turned bodies
# What is worn: below this share of what is seen of a person, of whom all is seen or head and shoulders; so tall a share
# of it, height over width.
BELOW_HEAD, BELOW_CHIN, UPRIGHT = 0.3, 0.65, 1.5
WORN_TALLNESS, WORN_ASPECT = (0.04, 0.35), (0.6, 1.7)
WORN_SIDE = 120  # pixels of the print before it is put on
CARD_SHARE = 0.4  # of what is worn: stiff, in its own light; the others are printed on the folds
WELL_INSIDE = 250  # alpha of where it is put


def prop(rng: Generator, picture: Image) -> Layer:
    """One of them, in its own coordinates.

    Args:
        picture: uint8 (H, W, 3) sRGB, what a screen or a poster may show.
    """
    if rng.random() < BOARD_SHARE:
        return board(rng, picture)
    return (cloth if rng.random() < 0.5 else turned)(rng)


def placed(rng: Generator, layer: Layer, height: int, width: int) -> Layer:
    """The prop somewhere in a frame of that size: mostly at a side, upright or nearly."""
    h, w = layer.rgb.shape[:2]
    scale = float(rng.uniform(*TALLNESS)) * height / h
    x = float(rng.uniform(*EDGE)) if rng.random() < AT_EDGE_SHARE else float(rng.uniform(0.2, 0.5))
    x = x if rng.random() < 0.5 else 1 - x
    foot = float(rng.uniform(0.55, 1.2)) * height
    matrix = standing((w / 2, h), (x * width, foot), scale, float(rng.normal(0, 5)))
    return Layer(layer.rgb, layer.alpha, matrix).shrunk()


def worn(rng: Generator, image: Image, alpha: Image) -> Image:
    """The person with a card, a patch or a print on the clothes, which are as much theirs: the matte stays.

    Without them a network learns that what differs from the clothes around it is a hole through which one sees.

    Args:
        image: uint8 (H, W, 3), of a person.
        alpha: uint8 (H, W), theirs.
    """
    y, x = np.nonzero(alpha > WELL_INSIDE)
    if not len(y):
        return image
    tall, wide = int(np.ptp(y)) + 1, int(np.ptp(x)) + 1
    below = y >= y.min() + (BELOW_HEAD if tall > UPRIGHT * wide else BELOW_CHIN) * (tall - 1)
    chosen = int(rng.integers(below.sum()))
    at = float(x[below][chosen]), float(y[below][chosen])
    print_ = pattern(rng, WORN_SIDE, round(WORN_SIDE / float(rng.uniform(*WORN_ASPECT))))
    height, width = print_.shape[:2]
    shape = np.zeros((height, width), np.uint8)
    if rng.random() < 0.6:
        shape[:] = 255
    else:
        cv2.ellipse(shape, (width // 2, height // 2), (width // 2 - 1, height // 2 - 1), 0, 0, 360, 255, -1)
    scale = float(rng.uniform(*WORN_TALLNESS)) * tall / height
    layer = Layer(print_, shape, standing((width / 2, height / 2), at, scale, float(rng.normal(0, 10)))).shrunk()
    rgb, cover = layer.warp(STAY, *alpha.shape)
    assert cover is not None
    if rng.random() >= CARD_SHARE:
        folds = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) + 8
        there = cover > 127
        folds /= max(1.0, float(folds[there].mean())) if there.any() else 1.0
        rgb = np.clip(rgb * folds[..., None].clip(0.3, 2), 0, 255).astype(np.uint8)
    weight = cover.astype(np.float32) / 255
    return cv2.blendLinear(rgb, np.ascontiguousarray(image), weight, 1 - weight)  # type: ignore[return-value]


def paint(rng: Generator) -> tuple[float, float, float]:
    """White, black or any colour: what is made to be seen is often white."""
    kind = rng.random()
    if kind < 0.45:
        level = rng.uniform(200, 255) if kind < 0.3 else rng.uniform(10, 60)
        red, green, blue = (level + rng.uniform(-8, 8, 3)).clip(0, 255)
    else:
        red, green, blue = rng.uniform(15, 245, 3)
    return float(red), float(green), float(blue)


def pattern(rng: Generator, height: int, width: int) -> Image:
    """A flat print: bars, a cross, checks, a corner full of stars, a disc, letters, or several of them."""
    image = np.empty((height, width, 3), np.uint8)
    image[:] = paint(rng)
    second, third = paint(rng), paint(rng)
    y, x = np.mgrid[0:height, 0:width]
    kind = int(rng.integers(6))
    if kind < 3:  # bars, as of most flags; checks
        count = int(rng.integers(2, 14))
        across, along = y * count // height, x * count // width
        image[((across, along, across + along)[kind] % 2).astype(bool)] = second
    elif kind == 3:
        middle, thick = width * float(rng.uniform(0.3, 0.7)), float(rng.uniform(0.08, 0.25)) * height
        image[(np.abs(y - height / 2) < thick / 2) | (np.abs(x - middle) < thick / 2)] = second
    elif kind == 4:
        radius = round(min(height, width) * float(rng.uniform(0.15, 0.4)))
        cv2.circle(image, (width // 2, height // 2), radius, second, -1)
    if rng.random() < 0.35:
        tall, wide = (round(side * float(rng.uniform(0.35, 0.7))) for side in (height, width))
        strew(rng, image[:tall, :wide])
    if rng.random() < 0.25:
        word = "".join(rng.choice(list(LETTERS), int(rng.integers(2, 9))))
        size = float(rng.uniform(0.6, 2.5))
        at = int(rng.uniform(0, 0.4) * width), int(rng.uniform(0.2, 0.95) * height)
        cv2.putText(image, word, at, cv2.FONT_HERSHEY_SIMPLEX, size, third, max(1, round(2 * size)), cv2.LINE_AA)
    return image


def strew(rng: Generator, corner: Image) -> None:
    """Paints it over, in place, with rows of light stars."""
    corner[:] = paint(rng)
    step, light_one = int(rng.integers(14, 40)), tuple(rng.uniform(190, 255, 3).tolist())
    height, width = corner.shape[:2]
    for row in range(step // 2, height, step):
        for column in range(step // 2 + row // step % 2 * step // 2, width, step):
            cv2.fillPoly(corner, [star(column, row, step * 0.35)], light_one)


def star(x: float, y: float, radius: float) -> NDArray[np.int32]:
    """Corners of a five-pointed star."""
    turn = np.arange(10) * np.pi / 5 - np.pi / 2
    reach = np.where(np.arange(10) % 2, 0.4, 1.0) * radius
    return np.rint(np.column_stack([x + reach * np.cos(turn), y + reach * np.sin(turn)])).astype(np.int32)


def cloth(rng: Generator) -> Layer:
    """A flag, banner, towel or curtain: a print that hangs in folds, one side of it perhaps lower than the other."""
    height, width = (int(side) for side in rng.integers(*SIDES, 2))
    print_ = pattern(rng, height, width)
    pad = round(MARGIN * max(height, width))
    droop = float(rng.normal(0, 0.5)) * height if rng.random() < 0.5 else 0.0
    tall, wide = height + 2 * pad + round(abs(droop)), width + 2 * pad
    y, x = np.mgrid[0:tall, 0:wide].astype(np.float32)
    shade: Field = np.ones((tall, wide), np.float32)
    source_x, source_y = x - pad, y - pad
    for _ in range(int(rng.integers(2, 5))):
        folds, phase = float(rng.uniform(1, 7)), float(rng.uniform(0, 2 * np.pi))
        slant = float(rng.normal(0, 0.35))  # folds of a flag fall from its upper corner, those of a curtain straight
        along = 2 * np.pi * folds * (x + slant * y) / wide + phase
        depth = float(rng.uniform(0.2, 1.0)) / folds
        source_x = source_x + pad * 0.8 * depth * np.sin(along)
        source_y = source_y + pad * 0.5 * depth * np.cos(along)
        shade = shade + float(rng.uniform(0.1, 0.35)) * np.cos(along + 0.6)
    source_y = source_y - droop * x / wide + min(droop, 0.0)  # the higher side stays at the top
    return warped(print_, source_x, source_y, shade)


def turned(rng: Generator) -> Layer:
    """A vase, a bottle, a lamp, a skittle, a model of a rocket: a profile turned about its axis, seen from the side."""
    height, width = int(rng.integers(160, 320)), int(rng.integers(40, 180))
    knots = int(rng.integers(3, 9))
    at = np.sort(rng.uniform(0, 1, knots))
    at[0], at[-1] = 0, 1
    radii = rng.uniform(0.15, 1.0, knots)
    if rng.random() < 0.5:
        radii[0] = rng.uniform(0, 0.15)  # a point, as of a rocket
    radius = np.interp(np.linspace(0, 1, height), at, radii / radii.max())
    if rng.random() < 0.6:
        radius = smooth(radius, rng)
    half = radius * (width - 4) / 2
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across = ((x - (width - 1) / 2) / np.maximum(half, 1e-3)[:, None].astype(np.float32)).clip(-1, 1)
    print_ = pattern(rng, height, width) if rng.random() < 0.4 else bands(rng, height, width)
    # Round: the print is squeezed towards the sides, and light falls from one of them.
    wrapped = (np.arcsin(across) / np.pi + 0.5) * (width - 1)
    lamp = float(rng.uniform(-1, 1))
    facing = across * lamp + np.sqrt(1 - across**2) * np.sqrt(1 - lamp**2)
    shade = float(rng.uniform(0.3, 0.7)) + 0.6 * facing + float(rng.uniform(0, 0.6)) * np.clip(facing, 0, 1) ** 20
    layer = warped(print_, wrapped.astype(np.float32), y, shade.astype(np.float32))
    inside = (half[:, None] - np.abs(x - (width - 1) / 2) + 0.5).clip(0, 1)
    alpha = np.rint(inside * 255).astype(np.uint8)
    layer = Layer(layer.rgb, alpha, STAY)
    return finned(rng, layer) if rng.random() < FINS_SHARE else layer


def finned(rng: Generator, body: Layer) -> Layer:
    """The body with fins, handles or a foot behind it: a triangle of one colour as wide as it."""
    assert body.alpha is not None
    height, width = body.alpha.shape
    top, tall = float(rng.uniform(0.3, 0.85)), float(rng.uniform(0.1, 0.5))
    base = min(1.0, top + tall)
    corners = np.array([[0.5, top], [0, base], [1, base]]) * (width - 1, height - 1)
    fins = np.zeros_like(body.alpha)
    cv2.fillConvexPoly(fins, np.rint(corners).astype(np.int32), 255, cv2.LINE_AA)
    flat = np.empty_like(body.rgb)
    flat[:] = paint(rng)
    weight = body.alpha.astype(np.float32) / 255
    rgb: Image = cv2.blendLinear(body.rgb, flat, weight, 1 - weight)  # type: ignore[assignment]
    return Layer(rgb, np.maximum(body.alpha, fins), STAY)


def smooth(profile: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    """The profile with its corners rounded."""
    reach = int(rng.integers(2, 25))
    kernel = np.hanning(2 * reach + 3)
    return np.convolve(np.pad(profile, reach + 1, mode="edge"), kernel / kernel.sum(), mode="valid")


def bands(rng: Generator, height: int, width: int) -> Image:
    """Rings of a few colours, and small dark marks."""
    image = np.empty((height, width, 3), np.uint8)
    colours = [paint(rng) for _ in range(3)]
    cuts = np.sort(rng.integers(0, height, int(rng.integers(0, 7))))
    for top, bottom in zip([0, *cuts], [*cuts, height], strict=True):
        image[top:bottom] = colours[0] if rng.random() < 0.5 else colours[int(rng.integers(3))]
    for _ in range(int(rng.integers(0, 8))):
        corner = np.array([rng.integers(width), rng.integers(height)])
        far = corner + rng.integers(2, 24, 2)
        cv2.rectangle(image, corner.tolist(), far.tolist(), rng.uniform(0, 80, 3).tolist(), -1)
    return image


def board(rng: Generator, picture: Image) -> Layer:
    """A screen, a poster or a picture in its frame, seen a little from the side."""
    height, width = (int(side) for side in rng.integers(*SIDES, 2))
    if rng.random() < 0.5:
        inside = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        inside = light(rng, inside, 0.6)  # type: ignore[arg-type]
    else:
        inside = pattern(rng, height, width)
    frame = int(rng.integers(0, 16))
    whole = cv2.copyMakeBorder(inside, frame, frame, frame, frame, cv2.BORDER_CONSTANT, value=paint(rng))
    tall, wide = whole.shape[:2]
    corners = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], np.float32)
    inward = np.sign(np.array([wide / 2, tall / 2]) - corners)
    seen = corners + inward * rng.uniform(0, 0.12, (4, 2)) * (wide, tall)
    bent = cv2.getPerspectiveTransform(corners, seen.astype(np.float32))
    rgb = cv2.warpPerspective(whole, bent, (wide, tall), borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.warpPerspective(np.full((tall, wide), 255, np.uint8), bent, (wide, tall))
    return Layer(rgb, alpha, STAY)  # type: ignore[arg-type]


def warped(image: Image, source_x: Field, source_y: Field, shade: Field) -> Layer:
    """The image as it is seen where each pixel shows that point of it, in that light; nothing outside of it."""
    rgb = cv2.remap(image, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    covered = np.full(image.shape[:2], 255, np.uint8)
    alpha = cv2.remap(covered, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    lit = rgb.astype(np.float32) * shade[..., None].clip(0.15, 1.8)
    return Layer(np.clip(lit, 0, 255).astype(np.uint8), alpha, STAY)  # type: ignore[arg-type]
