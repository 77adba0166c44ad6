"""Hair whose matte is known exactly: strands grown from an outline and drawn several times too large, then shrunk.

Mattes that a network or a hand made hold no single hairs, so nothing can learn them from these. What is drawn
here need not fool anybody: it has to mix with what is behind it as hair does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Float = NDArray[np.floating[Any]]

LARGER = 3  # times; a strand that is one pixel wide there covers a third of a pixel
BITS = 4  # of a coordinate's fraction when strands are drawn
JOINTS = 24  # points of a strand
CLUMP = 14  # strands that go together
# sRGB of natural hair, and of some that is dyed.
COLOURS = (
    (22, 18, 17), (46, 32, 26), (76, 52, 38), (106, 72, 46), (150, 112, 70), (196, 160, 108), (226, 204, 164),
    (134, 60, 34), (128, 124, 122), (206, 204, 202), (150, 30, 50), (60, 70, 150),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Style:
    """How a kind of hair grows; lengths are shares of the head's radius.

    Attributes:
        strands: how many to the head.
        reach: degrees from the crown to where it ends at either side.
        length: shortest and longest.
        depth: how far inside the outline roots lie.
        outward, down: how much a strand begins along the outline's normal, and how much it falls.
        spread: of directions, radians.
        curl: amplitude; waves: periods of it along a strand.
        loose: share of strands that leave their clump.
    """

    strands: tuple[int, int]
    reach: tuple[float, float]
    length: tuple[float, float]
    depth: float
    outward: tuple[float, float]
    down: tuple[float, float]
    spread: float
    curl: tuple[float, float]
    waves: tuple[float, float]
    loose: float


STYLES = {
    "long": Style((2500, 7000), (95, 130), (0.4, 2.2), 0.30, (0.1, 0.8), (0.8, 2.0), 0.25, (0.0, 0.03), (1, 3), 0.06),
    "wavy": Style((2000, 6000), (95, 130), (0.4, 2.0), 0.30, (0.3, 0.9), (0.6, 1.6), 0.30, (0.03, 0.10), (2, 5), 0.10),
    "curly": Style((1500, 4500), (90, 125), (0.3, 1.0), 0.25, (0.8, 1.4), (0.0, 0.5), 0.50, (0.06, 0.16), (3, 8), 0.25),
    "short": Style((1500, 5000), (80, 110), (0.06, 0.35), 0.10, (0.4, 1.2), (-0.2, 0.3), 0.45, (0, 0.01), (1, 2), 0.15),
    "flyaway": Style((40, 350), (80, 130), (0.2, 1.1), 0.10, (0.5, 1.3), (-0.3, 0.6), 0.80, (0.0, 0.08), (1, 3), 1.0),
    "wind": Style((1500, 5000), (80, 120), (0.3, 1.5), 0.30, (0.5, 1.1), (-0.2, 0.4), 0.35, (0.0, 0.05), (1, 3), 0.15),
}
SHARES = {"long": 0.24, "wavy": 0.18, "curly": 0.16, "short": 0.22, "flyaway": 0.08, "wind": 0.12}
FLYAWAYS_TOO = 0.75  # of the other styles' heads


@dataclass(frozen=True, slots=True)
class Head:
    """The largest circle inside a silhouette that touches its top: a head, as far as hair needs to know."""

    x: float
    y: float
    radius: float

    @classmethod
    def of(cls, solid: NDArray[np.uint8]) -> Head:
        """The head of a silhouette uint8 (H, W), of which something is set."""
        inside = cv2.distanceTransform(np.pad(solid, ((1, 1), (0, 0))), cv2.DIST_L2, 5)[1:-1]
        top = int(np.flatnonzero(solid.any(1))[0])
        rows = np.arange(solid.shape[0], dtype=np.float32)[:, None]
        touching = inside * (rows - inside <= top + 0.2 * inside)
        y, x = np.unravel_index(int(touching.argmax()), touching.shape)
        return cls(float(x), float(y), float(inside[y, x]))


def outward_normals(solid: NDArray[np.uint8], blur: float) -> tuple[Float, Float]:
    """x and y of the unit vectors that lead out of a silhouette, (H, W) each."""
    soft = cv2.GaussianBlur(solid.astype(np.float32), (0, 0), blur)
    x, y = -cv2.Sobel(soft, cv2.CV_32F, 1, 0), -cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    length = np.hypot(x, y) + 1e-6
    return x / length, y / length


def strands(
    rng: Generator, style: Style, roots: Float, normals: Float, lengths: Float, radius: float, wind: Float
) -> Float:
    """Paths (N, JOINTS, 2) of strands in pixels.

    Args:
        roots, normals: (N, 2), x and y; strands that follow each other are a clump.
        lengths: (N,), pixels.
        radius: of the head, pixels.
        wind: (2,), added to every direction along the way.
    """
    count = len(roots)
    clump = np.arange(count) // CLUMP
    clumps = int(clump[-1]) + 1

    def shared(own: float, common: float) -> Float:
        return rng.normal(0, common, clumps)[clump] + rng.normal(0, own, count)

    loose = rng.random(count) < style.loose
    wild = np.where(loose, style.spread, 0.15 * style.spread)
    turn = shared(0, style.spread) + rng.normal(0, 1, count) * wild
    # Half the heads are combed: their strands lie along the outline, to the side on which they grow.
    out = rng.uniform(*style.outward)
    along = np.sign(normals[:, :1] + 1e-6) * np.column_stack([-normals[:, 1], normals[:, 0]])
    direction = out * normals + rng.uniform(0, 0.8) * along
    cos, sin = np.cos(turn), np.sin(turn)
    x, y = direction[:, 0] * cos - direction[:, 1] * sin, direction[:, 0] * sin + direction[:, 1] * cos
    direction = np.column_stack([x, y])
    direction /= np.linalg.norm(direction, axis=1, keepdims=True) + 1e-6

    fall = np.column_stack([np.zeros(count), np.abs(1 + shared(0.15, 0.1)) * rng.uniform(*style.down)]) + wind
    bend = shared(0.3, 0.4) * np.where(loose, 2.0, 1.0)
    step = (lengths / JOINTS)[:, None]
    path = np.empty((count, JOINTS, 2))
    path[:, 0] = roots
    for joint in range(1, JOINTS):
        turned = np.column_stack([-direction[:, 1], direction[:, 0]]) * (bend / JOINTS)[:, None]
        direction = direction + turned + fall * (2.5 / JOINTS) * np.minimum(1, step * JOINTS / radius)
        direction /= np.linalg.norm(direction, axis=1, keepdims=True) + 1e-6
        path[:, joint] = path[:, joint - 1] + step * direction
    t = np.linspace(0, 1, JOINTS)
    curl = np.abs(rng.uniform(*style.curl) * (1 + shared(0.25, 0.2))) * radius
    waves = rng.uniform(*style.waves) * np.clip(1 + shared(0.1, 0.15), 0.4, 1.6)
    phase = rng.uniform(0, 2 * np.pi, clumps)[clump] + rng.normal(0, 0.35, count) + np.where(loose, 2.0, 0.0)
    grow = np.minimum(1, 3 * t) * lengths[:, None] / (lengths.max() + 1e-6)
    swing = curl[:, None] * grow * np.sin(phase[:, None] + 2 * np.pi * waves[:, None] * t)
    ahead = np.diff(path, axis=1, append=2 * path[:, -1:] - path[:, -2:-1])
    side = np.stack([-ahead[..., 1], ahead[..., 0]], -1)
    side /= np.linalg.norm(side, axis=2, keepdims=True) + 1e-6
    # The strands of a clump part towards their tips.
    apart = rng.normal(0, 1, count) * radius * rng.uniform(0.01, 0.05)
    return path + side * (swing + apart[:, None] * t)[..., None]


def draw(
    rng: Generator, canvas: NDArray[np.uint8], paths: Float, colours: Float, width: float, offset: tuple[float, float]
) -> None:
    """Draws strands, in their order, on premultiplied RGBA.

    Args:
        canvas: uint8 (h, w, 4), `LARGER` times as large as what it is of.
        paths: (N, JOINTS, 2), pixels of the picture; `offset`: x and y of the canvas in it.
        colours: (N, 3), 0 ... 255.
        width: pixels of the picture, at the roots.
    """
    points = np.rint((paths - offset) * LARGER * (1 << BITS)).astype(np.int32)
    widths = np.clip(width * LARGER * np.exp(rng.normal(0, 0.25, len(paths))), 1, 3 * LARGER)
    # A sheen along the strand: light hits all of them at about the same height.
    sheen, shade = rng.uniform(0.2, 0.8), rng.uniform(0.05, 0.45)
    parts = (slice(0, 10), slice(9, 17), slice(16, JOINTS))
    for path, colour, thick in zip(points, colours, widths, strict=True):
        for index, (part, taper) in enumerate(zip(parts, (1.0, 0.7, 0.35), strict=True)):
            lit = 1 + shade * np.cos(2 * np.pi * (index / 2 - sheen))
            tone = np.clip(colour * lit, 0, 255)
            line = [path[part].reshape(-1, 1, 2)]
            pen = max(1, round(float(thick) * taper))
            cv2.polylines(canvas, line, False, (*tone.tolist(), 255.0), pen, cv2.LINE_AA, BITS)


def shrink(canvas: NDArray[np.uint8]) -> tuple[Float, Float]:
    """Straight colours (h, w, 3), 0 ... 255, and alpha (h, w) of premultiplied RGBA that is `LARGER` times as large."""
    height, width = canvas.shape[0] // LARGER, canvas.shape[1] // LARGER
    small = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    alpha = small[..., 3] / 255
    near = cv2.blur(small, (9, 9))
    own = alpha[..., None] > 1 / 255
    colours = np.where(own, small[..., :3] / np.maximum(alpha[..., None], 1e-6), near[..., :3])
    faint = near[..., :3] / np.maximum(near[..., 3:] / 255, 1e-6)
    return np.clip(np.where(own, colours, faint), 0, 255), alpha


def over(top: tuple[Float, Float], under: tuple[Float, Float]) -> tuple[Float, Float]:
    """Straight colours and alpha of one cut-out over another (Porter & Duff 1984)."""
    (f, a), (g, b) = top, under
    alpha = a + b * (1 - a)
    share = np.where(alpha > 1e-4, a / np.maximum(alpha, 1e-4), (a > 0).astype(np.float32))
    return f * share[..., None] + g * (1 - share[..., None]), alpha
