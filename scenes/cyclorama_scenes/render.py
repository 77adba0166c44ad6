"""Renders the built-in scenes with Mitsuba 3 (path tracing): every pixel is ours to give.

    python -m cyclorama_scenes.render FOLDER [NAME ...]

Scale: 1 unit is a metre. The camera stands at the eye height of a seated person and is focused on a
subject who is not there, so that the scene is as far out of focus as a room behind a person is.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 1920, 1080
EYE_HEIGHT = 1.25  # metres, seated
SUBJECT_DISTANCE = 1.6  # metres
Node = Mapping[str, Any]


def studio(
    backdrop: tuple[float, float, float],
    pool: tuple[float, float, float],
    rims: tuple[tuple[float, float, float], tuple[float, float, float]],
) -> Node:
    """A cyclorama: floor and wall of one colour joined by a curve, a pool of light behind the subject.

    Args:
        backdrop: the paint's reflectance.
        pool: radiant intensity of the spot on the wall, W/sr.
        rims: of the spots that graze the wall from the left and the right.
    """
    paint = {"type": "diffuse", "reflectance": {"type": "rgb", "value": list(backdrop)}}
    return {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": 6},
        "camera": camera(height=EYE_HEIGHT, aim=EYE_HEIGHT + 0.05, aperture=0.03, field_of_view=46),
        "cove": {"type": "ply", "filename": "cove.ply", "material": paint},
        "pool": spot((0.5, 4.4, -1.0), (0.15, 1.5, -4.6), 34, pool),
        "left": spot((-4.4, 2.9, -3.1), (-1.5, 1.5, -4.6), 38, rims[0]),
        "right": spot((4.6, 2.6, -3.3), (1.9, 1.2, -4.6), 36, rims[1]),
        "fill": {"type": "constant", "radiance": {"type": "rgb", "value": [0.05, 0.05, 0.055]}},
    }


def window_light() -> Node:
    """A plaster wall with the afternoon sun through a window on it, a low bench and a vase."""
    plaster = {"type": "diffuse", "reflectance": {"type": "rgb", "value": [0.78, 0.70, 0.60]}}
    oak = {
        "type": "roughplastic",
        "diffuse_reflectance": {"type": "rgb", "value": [0.36, 0.21, 0.11]},
        "alpha": 0.25,
    }
    clay = {"type": "diffuse", "reflectance": {"type": "rgb", "value": [0.45, 0.20, 0.13]}}
    scene: dict[str, Any] = {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": 10},
        "camera": camera(height=EYE_HEIGHT, aim=EYE_HEIGHT + 0.05, aperture=0.02, field_of_view=46),
        "wall": rectangle((0, 1.6, -4.2), (0, 1.6, 0), (4.5, 1.8), plaster),
        "floor": rectangle((0, 0, -1.5), (0, 10, -1.5), (4.5, 3.2), oak),
        "ceiling": rectangle((0, 3.3, -1.5), (0, -10, -1.5), (4.5, 3.2), plaster),
        "side": rectangle((3.6, 1.6, -1.5), (-10, 1.6, -1.5), (3.2, 1.8), plaster),
        "bench": box((1.15, 0.40, -3.75), (0.95, 0.05, 0.24), oak),
        "bench_leg": box((0.40, 0.18, -3.75), (0.04, 0.18, 0.20), oak),
        "bench_leg_2": box((1.90, 0.18, -3.75), (0.04, 0.18, 0.20), oak),
        "vase": {"type": "sphere", "center": [1.45, 0.66, -3.75], "radius": 0.21, "material": clay},
        "sun": {
            "type": "directional",
            "direction": [0.74, -0.42, -0.62],
            "irradiance": {"type": "rgb", "value": [17.0, 12.4, 7.6]},
        },
        "sky": {"type": "constant", "radiance": {"type": "rgb", "value": [0.5, 0.6, 0.75]}},
    }
    # The sun comes through four panes: walls with gaps between them, and a cross of glazing bars.
    frame = {"type": "diffuse", "reflectance": {"type": "rgb", "value": [0.75, 0.72, 0.68]}}
    x, left, right, low, high = -3.2, -2.9, -1.1, 0.75, 2.75
    scene["below"] = box((x, low / 2, -1.5), (0.06, low / 2, 3.2), frame)
    scene["above"] = box((x, (high + 3.4) / 2, -1.5), (0.06, (3.4 - high) / 2, 3.2), frame)
    scene["far"] = box((x, 1.7, (left - 4.7) / 2), (0.06, 1.7, (left + 4.7) / 2), frame)
    scene["near"] = box((x, 1.7, (right + 1.7) / 2), (0.06, 1.7, (1.7 - right) / 2), frame)
    scene["bar"] = box((x, 1.75, (left + right) / 2), (0.04, 0.03, (right - left) / 2), frame)
    scene["post"] = box((x, 1.75, (left + right) / 2), (0.04, 1.0, 0.03), frame)
    return scene


SCENES: Mapping[str, Callable[[], Node]] = {
    "studio": lambda: studio((0.46, 0.47, 0.48), (48, 47, 46), ((5, 5, 5), (3.5, 3.5, 3.7))),
    "studio-dusk": lambda: studio((0.22, 0.26, 0.38), (12, 15, 23), ((52, 20, 9), (8, 14, 36))),
    "window-light": window_light,
}


def camera(*, height: float, aim: float, aperture: float, field_of_view: float) -> Node:
    import mitsuba as mi

    return {
        "type": "thinlens",
        "fov": field_of_view,
        "fov_axis": "x",
        "aperture_radius": aperture,
        "focus_distance": SUBJECT_DISTANCE,
        "to_world": mi.ScalarTransform4f().look_at(origin=[0, height, 1.2], target=[0, aim, -4], up=[0, 1, 0]),
        "film": {"type": "hdrfilm", "width": WIDTH, "height": HEIGHT, "rfilter": {"type": "gaussian"}},
    }


def placed(at: tuple[float, float, float], towards: tuple[float, float, float], half: tuple[float, ...]) -> Any:
    import mitsuba as mi

    # `look_at` wants an up that is not along the view.
    vertical = abs(towards[1] - at[1]) > abs(towards[0] - at[0]) + abs(towards[2] - at[2])
    up = [0, 0, -1] if vertical else [0, 1, 0]
    turn = mi.ScalarTransform4f().look_at(origin=list(at), target=list(towards), up=up)
    return turn @ mi.ScalarTransform4f().scale([half[0], half[1], 1])


def rectangle(
    at: tuple[float, float, float], towards: tuple[float, float, float], half: tuple[float, float], material: Node
) -> Node:
    return {"type": "rectangle", "to_world": placed(at, towards, half), "material": {"type": "twosided", "m": material}}


def box(at: tuple[float, float, float], half: tuple[float, float, float], material: Node) -> Node:
    import mitsuba as mi

    to_world = mi.ScalarTransform4f().translate(list(at)) @ mi.ScalarTransform4f().scale(list(half))
    return {"type": "cube", "to_world": to_world, "material": material}


def spot(
    at: tuple[float, float, float],
    towards: tuple[float, float, float],
    cutoff: float,
    power: tuple[float, float, float],
) -> Node:
    """A soft spot: full in the middle, dark at `cutoff` degrees."""
    import mitsuba as mi

    return {
        "type": "spot",
        "to_world": mi.ScalarTransform4f().look_at(origin=list(at), target=list(towards), up=[0, 1, 0]),
        "intensity": {"type": "rgb", "value": list(power)},
        "cutoff_angle": cutoff,
        "beam_width": cutoff * 0.1,
    }


def write_cove(path: Path, *, half_width: float = 7.0, radius: float = 1.1, wall: float = -4.6) -> None:
    """Floor, quarter circle and wall as one strip of quads with smooth normals."""
    turn = np.linspace(0, np.pi / 2, 33)
    z = np.concatenate([[6.0], wall + radius - radius * np.sin(turn), [wall]])
    y = np.concatenate([[0.0], radius - radius * np.cos(turn), [7.0]])
    ny = np.concatenate([[1.0], np.cos(turn), [0.0]])
    nz = np.concatenate([[0.0], np.sin(turn), [1.0]])
    lines = [f"{x} {y[i]} {z[i]} 0 {ny[i]} {nz[i]}" for i in range(len(z)) for x in (-half_width, half_width)]
    quads = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(z) - 1)]
    faces = [f"3 {a} {b} {c}" for q in quads for a, b, c in ((q[0], q[1], q[2]), (q[0], q[2], q[3]))]
    names = ["x", "y", "z", "nx", "ny", "nz"]
    header = ["ply", "format ascii 1.0", f"element vertex {len(lines)}", *(f"property float {n}" for n in names)]
    header += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header"]
    path.write_text("\n".join([*header, *lines, *faces]) + "\n")


def develop(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Film-like tone: Hable's shoulder (Hable 2010, Uncharted 2) on linear light, then sRGB."""

    def shoulder(x: NDArray[Any]) -> NDArray[Any]:
        return (x * (0.15 * x + 0.05) + 0.004) / (x * (0.15 * x + 0.5) + 0.06) - 0.02 / 0.3

    white = shoulder(np.array(6.0, np.float32))
    toned = np.clip(shoulder(np.maximum(light, 0) * 1.7) / white, 0, 1)
    encoded = np.where(toned <= 0.0031308, toned * 12.92, 1.055 * toned ** (1 / 2.4) - 0.055)
    return np.rint(encoded * 255).astype(np.uint8)


def denoise(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Removes what path noise is left. Everything here is out of focus, so wide windows cost no detail.

    Single bright paths first (nothing outshines its neighbours' median by half), then a bilateral filter
    on logarithmic light, where noise is as strong in the shade as in the sun (Tomasi & Manduchi 1998).
    """
    median = np.dstack([cv2.medianBlur(np.ascontiguousarray(light[..., c]), 5) for c in range(3)])
    calm = np.log(np.minimum(light, 1.5 * median) + 1e-3).astype(np.float32)
    for _ in range(2):
        calm = cv2.bilateralFilter(calm, 25, 0.25, 9.0)  # type: ignore[assignment]
    return np.exp(calm) - 1e-3  # type: ignore[no-any-return]


def render(name: str, folder: Path, samples: int, scale: float) -> Path:
    """Renders one scene to `folder/NAME.jpg`."""
    import mitsuba as mi

    mi.set_variant("scalar_rgb")
    write_cove(folder / "cove.ply")
    mi.file_resolver().append(str(folder))  # type: ignore[operator]
    scene: dict[str, Any] = dict(SCENES[name]())
    film = dict(scene["camera"]["film"], width=round(WIDTH * scale), height=round(HEIGHT * scale))
    scene["camera"] = dict(scene["camera"], film=film)
    light = np.array(mi.render(mi.load_dict(scene), spp=samples), dtype=np.float32)[..., :3]
    (folder / "cove.ply").unlink()
    picture = develop(denoise(light))
    if scale != 1:
        picture = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)  # type: ignore[assignment]
    # Half a level of noise: an 8-bit gradient this smooth would show bands.
    grain = np.random.default_rng(1).normal(0, 0.7, picture.shape)
    picture = np.clip(np.rint(picture + grain), 0, 255).astype(np.uint8)
    target = folder / f"{name}.jpg"
    cv2.imwrite(str(target), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
    return target


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", default=list(SCENES))
    parser.add_argument("--samples", type=int, default=192, help="paths per pixel")
    parser.add_argument("--scale", type=float, default=1.0, help="render smaller and enlarge: for a quick look")
    arguments = parser.parse_args()
    for name in arguments.names:
        print(render(name, arguments.folder, arguments.samples, arguments.scale))


if __name__ == "__main__":
    main()
