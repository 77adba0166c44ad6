"""Short clips that start again without a seam: surf, and a crowd."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import bpy
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray
from PIL import Image

from cyclorama_scenes import beach, rendering, sea, stadium
from cyclorama_scenes.rendering import enlarged, picture

WIDTH, HEIGHT = 1280, 720
RATE = 24
MOST_BYTES = 2_000_000
FLASH = 6.5  # pixels, radius of a flash's disc out of focus
BT709 = 1  # of H.273: primaries, transfer and matrix alike

Pixels = NDArray[np.floating[Any]]
CLIPS: dict[str, Callable[[], Iterator[Pixels]]] = {}


def clip(name: str) -> Callable[[Callable[[], Iterator[Pixels]]], Callable[[], Iterator[Pixels]]]:
    """Decorator: `python -m cyclorama_scenes.render NAME` writes this clip; the function yields its frames."""

    def register(frames: Callable[[], Iterator[Pixels]]) -> Callable[[], Iterator[Pixels]]:
        CLIPS[name] = frames
        return frames

    return register


def between(pictures: Iterator[Pixels], times: int) -> Iterator[Pixels]:
    """`times` as many frames, each fading into the next and the last into the first."""
    first = before = next(pictures)
    for after in itertools.chain(pictures, [first]):
        for step in range(times):
            yield before + (after - before) * (step / times)
        before = after


@clip("beach-waves")
def waves() -> Iterator[Pixels]:
    """Five seconds of surf; far out of focus, so three eighths of the size and a third of the frames are rendered."""
    period, pictures = 5.0, 5 * RATE // 3

    def rendered() -> Iterator[Pixels]:
        shore, water = beach.surf()
        # Only the sea changes from picture to picture.
        bpy.context.scene.render.use_persistent_data = True
        bpy.context.scene.cycles.debug_bvh_type = "DYNAMIC_BVH"
        for number in range(pictures):
            made = sea.sea(
                shore, water, wind=6.0, heading=40, time=period * number / pictures, period=period, detail=0.5
            )
            yield enlarged(picture(samples=7, width=WIDTH * 3 // 8, height=HEIGHT * 3 // 8), WIDTH, HEIGHT)
            bpy.data.meshes.remove(made.data)

    return between(rendered(), 3)


@clip("stadium-crowd")
def crowd() -> Iterator[Pixels]:
    """Five seconds of a full stadium: one rendered picture, in which the people sway and cameras flash."""
    count = 5 * RATE
    at = stadium.night()
    still = picture(samples=12, width=WIDTH, height=HEIGHT)
    across, down, inside = seen(at)
    random = np.random.default_rng(6)
    people = np.zeros((HEIGHT, WIDTH), np.float32)
    np.add.at(people, (down[inside].astype(int), across[inside].astype(int)), 1.0)
    people = blurred(people, 5.0)
    # All of the sway where people are about, none at the boards in front of them.
    people = np.clip(2 * people / np.median(people[people > 0.2 * people.max()]) - 1, 0, 1)
    # Each patch of the crowd, some three people wide, moves to and fro a whole number of times.
    sways = [(random.integers(1, 5), random.uniform(0, 2 * np.pi), patches(random, 13)) for _ in range(6)]
    flashes = [(random.uniform(0, count), random.choice(np.flatnonzero(inside))) for _ in range(34)]
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    for number in range(count):
        turns = 2 * np.pi * number / count
        shift = (
            sum((field * np.cos(times * turns + start) for times, start, field in sways), np.zeros_like(people))
            * people
        )
        frame = looked_up(still, columns + 0.5 * shift, rows + 1.1 * shift)
        light = np.zeros((HEIGHT, WIDTH), np.float32)
        for moment, who in flashes:
            age = (number - moment) % count
            if age < 5:
                light[(rows - down[who]) ** 2 + (columns - across[who]) ** 2 < FLASH**2] += np.float32(
                    np.exp(-age / 1.3)
                )
        glow = np.minimum(0.9 * blurred(light, 0.8) + 3.0 * blurred(light, 14.0), 1)[..., None]
        yield 1 - (1 - frame) * (1 - glow * np.array([0.92, 0.96, 1.0], np.float32))


def seen(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Where (N, 3) points are in the clip's picture: columns, rows, and which of them are inside."""
    camera = bpy.context.scene.camera
    local = (points - np.array(camera.location)) @ np.array(camera.matrix_basis.to_3x3())
    scale = WIDTH * camera.data.lens / camera.data.sensor_width / -local[:, 2]
    columns = WIDTH / 2 + scale * local[:, 0]
    rows = HEIGHT / 2 - scale * local[:, 1] + camera.data.shift_y * WIDTH
    inside = (local[:, 2] < 0) & (columns >= 0) & (columns < WIDTH) & (rows >= 0) & (rows < HEIGHT)
    return columns, rows, inside


def blurred(field: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """About a Gaussian's blur, as three means over a window down and three across; Pillow blurs no float pictures."""
    span = 2 * max(round(sigma), 1) + 1
    for _ in range(6):
        total = np.cumsum(np.pad(field, ((span // 2 + 1, span // 2), (0, 0)), mode="edge"), axis=0, dtype=np.float64)
        field = ((total[span:] - total[:-span]) / span).astype(np.float32).T
    return field


def patches(random: np.random.Generator, size: int) -> NDArray[np.float32]:
    """Smooth noise over the picture with patches of `size` pixels."""
    small = random.normal(size=(HEIGHT // size, WIDTH // size)).astype(np.float32)
    return np.asarray(Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))


def looked_up(pixels: Pixels, columns: NDArray[np.float32], rows: NDArray[np.float32]) -> Pixels:
    """The picture at other places, bilinear."""
    left, top = np.clip(columns, 0, WIDTH - 1.001).astype(int), np.clip(rows, 0, HEIGHT - 1.001).astype(int)
    u, v = np.clip(columns - left, 0, 1)[..., None], np.clip(rows - top, 0, 1)[..., None]
    above = pixels[top, left] * (1 - u) + pixels[top, left + 1] * u
    below = pixels[top + 1, left] * (1 - u) + pixels[top + 1, left + 1] * u
    return above * (1 - v) + below * v


def write(frames: list[Pixels], path: Path) -> None:
    """H.264 in MP4, BT.709, of the best quality that fits in MOST_BYTES."""
    for factor in range(11, 40, 3):
        encode(frames, path, factor)
        if path.stat().st_size <= MOST_BYTES:
            break


def encode(frames: list[Pixels], path: Path, factor: int) -> None:
    options = {"crf": str(factor), "preset": "slow", "tune": "film", "x264-params": "threads=1"}
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, RATE)
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = ColorRange.MPEG
        for number, pixels in enumerate(frames):
            full = av.VideoFrame.from_ndarray(rendering.grained(pixels, seed=number), format="rgb24")
            frame = full.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
            frame.pts, frame.time_base = number, context.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
