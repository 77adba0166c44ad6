"""Blender's path tracer (Cycles) as a photographer would use it: an empty stage, a camera, lights, one picture.

Units are metres; x is right, y away from the camera, z up; the camera stands above the origin.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cyclorama_scenes.shapes import Point
from cyclorama_scenes.surfaces import Colour, arithmetic, mix, node, noise, put, span

WIDTH, HEIGHT = 1920, 1080
SENSOR_MM = 36.0
STANDING, SITTING = 1.6, 1.2  # metres; the height of the camera before a standing and a seated person
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)  # BT.709
MOST_BYTES = 400_000
GRAIN = 0.8  # of 255, one sigma: enough to hide the steps of an 8-bit sky, too little to see


@dataclass(frozen=True, slots=True)
class Scene:
    """How to build the stage, and the size to render at: a scene out of focus loses nothing when it is enlarged."""

    build: Callable[[], None]
    scale: float


SCENES: dict[str, Scene] = {}


def scene(name: str, *, scale: float = 1.0) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Decorator: `python -m cyclorama_scenes.render NAME` builds this scene and renders it at `scale` of full size."""

    def register(build: Callable[[], None]) -> Callable[[], None]:
        SCENES[name] = Scene(build, scale)
        return build

    return register


def empty() -> None:
    """An empty stage with the renderer's settings: fixed seed, denoised, a film's tone curve."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    stage = bpy.context.scene
    stage.render.engine = "CYCLES"
    stage.render.threads_mode = "FIXED"
    stage.render.threads = len(os.sched_getaffinity(0))
    cycles = stage.cycles
    cycles.device = "CPU"
    cycles.seed = 1
    cycles.use_denoising = True
    cycles.denoiser = "OPENIMAGEDENOISE"
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    cycles.denoising_prefilter = "ACCURATE"  # out of focus the guides are noisy too
    cycles.use_adaptive_sampling = True
    cycles.adaptive_threshold = 0.06
    cycles.adaptive_min_samples = 6
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 5, 3, 3
    cycles.transparent_max_bounces = 12
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 6.0  # single paths that find a lamp by chance are specks, not light
    film(exposure=0.0)


def film(
    *,
    exposure: float,
    look: str = "Medium High Contrast",
    saturation: float = 1.0,
    bloom: float = 0.0,
    over: float = 8.0,
) -> None:
    """How light becomes a picture: AgX, with `exposure` in stops and a contrast by Blender's name.

    Args:
        saturation: of the finished picture; AgX alone is as pale as a cinema's print.
        bloom: share of the light above radiance `over` that a lens spreads about a lamp or the sun.
    """
    stage = bpy.context.scene
    view = stage.view_settings
    view.view_transform = "AgX"
    view.look = f"AgX - {look}"
    view.exposure = exposure
    stage["saturation"] = saturation
    if bloom:
        stage.use_nodes = True
        tree = stage.node_tree
        tree.nodes.clear()
        source, sink = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeComposite")
        glare = node(
            tree, "CompositorNodeGlare", glare_type="BLOOM", quality="HIGH", Threshold=over, Strength=bloom, Size=0.6
        )
        tree.links.new(source.outputs["Image"], glare.inputs["Image"])
        tree.links.new(glare.outputs["Image"], sink.inputs["Image"])


def camera(
    *,
    height: float = STANDING,
    horizon: float = 0.5,
    focal_mm: float = 35.0,
    focus: float = 1.6,
    f_stop: float = 2.8,
    turn: float = 0.0,
    at: tuple[float, float] = (0.0, 0.0),
) -> None:
    """A level camera with a shifted lens: upright lines stay upright, the horizon lies where it is wanted.

    Args:
        horizon: eye level, share of the picture's height from the top.
        focus: distance (m) of the subject who is not there yet.
        f_stop: smaller blurs more; portraits have 1.4 to 2.8.
        turn: degrees to the right.
        at: x and y on the ground.
    """
    data = bpy.data.cameras.new("camera")
    data.sensor_width = SENSOR_MM
    data.lens = focal_mm
    data.shift_y = (horizon - 0.5) * HEIGHT / WIDTH
    data.dof.use_dof = True
    data.dof.focus_distance = focus
    data.dof.aperture_fstop = f_stop
    data.clip_end = 20_000
    made = bpy.data.objects.new("camera", data)
    made.location = (*at, height)
    made.rotation_euler = (np.pi / 2, 0, -np.radians(turn))
    stage = bpy.context.scene
    stage.collection.objects.link(made)
    stage.camera = made


def sky(
    *,
    elevation: float,
    azimuth: float,
    strength: float = 1.0,
    sun: float = 1.0,
    sun_size: float = 0.545,
    dust: float = 1.0,
    air: float = 1.0,
    haze: Colour | None = None,
    clouds: float = 0.0,
    cloud: Colour = (9.0, 9.2, 9.6),
) -> None:
    """Nishita's sky and sun. Noon wants an exposure of about -4 stops (`film`).

    Args:
        elevation: of the sun, degrees.
        azimuth: of the sun, degrees: 0 before the camera, 90 to the right, 180 behind it.
        sun: the disc's intensity (0: no disc); sun_size: its angle, degrees; more is softer shadow.
        haze: radiance of the air along the horizon, where Nishita's dust is brown.
        clouds: 0 none, 0.5 half the sky in thin ones; cloud: their radiance.
    """
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    tree = world.node_tree
    made = node(tree, "ShaderNodeTexSky", sky_type="NISHITA", sun_disc=sun > 0, air_density=air, dust_density=dust)
    made.sun_elevation = np.radians(elevation)
    made.sun_rotation = np.radians(azimuth)
    made.sun_intensity = sun
    made.sun_size = np.radians(sun_size)
    background = tree.nodes["Background"]
    background.inputs["Strength"].default_value = strength
    colour = made.outputs[0]
    towards = node(tree, "ShaderNodeTexCoord").outputs["Generated"]
    up = node(tree, "ShaderNodeSeparateXYZ", Vector=towards).outputs["Z"]
    if clouds:
        # A flat sheet of them, seen in perspective.
        height = arithmetic(tree, "ADD", arithmetic(tree, "MAXIMUM", up, 0.0), 0.07)
        sheet = node(tree, "ShaderNodeVectorMath", operation="DIVIDE")
        put(tree, sheet.inputs[0], towards)
        put(tree, sheet.inputs[1], height)
        lie = node(tree, "ShaderNodeMapping", Vector=sheet.outputs[0], Scale=(0.35, 0.8, 0.0), Rotation=(0, 0, 0.5))
        wisps = noise(tree, lie.outputs[0], 1.0, octaves=8, rough=0.58, warp=0.35)
        dense = span(tree, wisps, 0.68 - 0.4 * clouds, 0.95 - 0.3 * clouds)
        colour = mix(tree, dense, colour, cloud)
    if haze is not None:
        low = arithmetic(tree, "EXPONENT", arithmetic(tree, "MULTIPLY", arithmetic(tree, "MAXIMUM", up, 0.0), -11.0))
        colour = mix(tree, low, colour, haze)
    tree.links.new(colour, background.inputs["Color"])


def ambient(colour: Colour, strength: float = 1.0) -> None:
    """An even light from everywhere, for rooms: radiance `colour` x `strength`."""
    world = bpy.data.worlds.new("ambient")
    bpy.context.scene.world = world
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (*colour, 1.0)
    background.inputs["Strength"].default_value = strength


def area(size: tuple[float, float], at: Point, towards: Point, watts: float, colour: Colour = (1, 1, 1)) -> None:
    """A soft rectangular light at `at` that shines towards a point; the camera does not see it."""
    data = bpy.data.lights.new("area", "AREA")
    data.shape = "RECTANGLE"
    data.size, data.size_y = size
    _shine(data, at, towards, watts, colour)


def spot(
    at: Point,
    towards: Point,
    angle: float,
    watts: float,
    colour: Colour = (1, 1, 1),
    *,
    soft: float = 0.8,
    radius: float = 0.1,
) -> None:
    """A spotlight with a cone of `angle` degrees, of which a share `soft` fades; `radius` (m) softens shadows."""
    data = bpy.data.lights.new("spot", "SPOT")
    data.spot_size = np.radians(angle)
    data.spot_blend = soft
    data.shadow_soft_size = radius
    _shine(data, at, towards, watts, colour)


def sun(elevation: float, azimuth: float, watts: float, colour: Colour = (1, 1, 1), *, size: float = 0.5) -> None:
    """A distant light, angles as in `sky`, W/m2: for rooms whose world is `ambient`."""
    data = bpy.data.lights.new("sun", "SUN")
    data.angle = np.radians(size)
    e, a = np.radians(elevation), np.radians(azimuth)
    _shine(data, (np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), np.sin(e)), (0, 0, 0), watts, colour)


def _shine(data: bpy.types.Light, at: Point, towards: Point, watts: float, colour: Colour) -> None:
    from mathutils import Vector

    data.energy = watts
    data.color = colour
    made = bpy.data.objects.new(data.name, data)
    made.location = at
    made.rotation_euler = (Vector(towards) - Vector(at)).to_track_quat("-Z", "Y").to_euler()
    made.visible_camera = False
    bpy.context.scene.collection.objects.link(made)


def picture(*, samples: int, width: int = WIDTH, height: int = HEIGHT, seed: int = 1) -> NDArray[np.float32]:
    """Renders the stage to float32 (H, W, 3), display values 0...1 (tone curve and sRGB applied)."""
    stage = bpy.context.scene
    stage.cycles.samples = samples
    stage.cycles.seed = seed
    stage.render.resolution_x, stage.render.resolution_y = width, height
    settings = stage.render.image_settings
    settings.file_format, settings.color_mode, settings.color_depth = "PNG", "RGB", "16"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        stage.render.filepath = str(path)
        with _quiet():
            bpy.ops.render.render(write_still=True)
        loaded = bpy.data.images.load(str(path))
        loaded.colorspace_settings.name = "Non-Color"
        pixels = np.empty(width * height * 4, np.float32)
        loaded.pixels.foreach_get(pixels)
    bpy.data.images.remove(loaded)
    colours = pixels.reshape(height, width, 4)[::-1, :, :3]
    grey = colours @ LUMA
    return np.clip(grey[..., None] + stage["saturation"] * (colours - grey[..., None]), 0, 1)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Blender prints a line a sample straight to file descriptor 1."""
    kept = os.dup(1)
    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)


def enlarged(pixels: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Lanczos, one channel at a time: Pillow has no float picture of three."""
    channels = [
        Image.fromarray(np.ascontiguousarray(pixels[..., c])).resize((width, height), Image.Resampling.LANCZOS)
        for c in range(3)
    ]
    return np.dstack([np.asarray(channel) for channel in channels])


def grained(pixels: NDArray[np.floating[Any]], seed: int = 1) -> NDArray[np.uint8]:
    """Eight bits with a film's grain, the same in all channels."""
    grain = np.random.default_rng(seed).normal(0, GRAIN, (*pixels.shape[:2], 1))
    return np.clip(np.rint(pixels * 255 + grain), 0, 255).astype(np.uint8)


def save(pixels: NDArray[np.uint8], path: Path) -> None:
    """Writes a JPEG of the best quality that fits in MOST_BYTES."""
    for quality in range(94, 40, -2):
        memory = io.BytesIO()
        Image.fromarray(pixels).save(memory, "JPEG", quality=quality, optimize=True, progressive=True)
        if memory.tell() <= MOST_BYTES:
            break
    path.write_bytes(memory.getvalue())
