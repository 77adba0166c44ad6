"""Renders the built-in scenes with Blender (`bpy`): every pixel is ours to give.

python -m cyclorama_scenes.render [NAME ...] [--preview] FOLDER
"""

from __future__ import annotations

import argparse
import importlib
import time
from pathlib import Path

import cyclorama_scenes
from cyclorama_scenes import clips, rendering

GROUPS = ("beach", "pool", "stadium", "court", "gym", "office", "workshop", "warehouse", "home", "studio")


def still(name: str, folder: Path, *, preview: bool, samples: int) -> Path:
    chosen = rendering.SCENES[name]
    chosen.build()
    scale = 0.25 if preview else chosen.scale
    size = round(rendering.WIDTH * scale), round(rendering.HEIGHT * scale)
    pixels = rendering.picture(samples=samples, width=size[0], height=size[1])
    if not preview:
        pixels = rendering.enlarged(pixels, rendering.WIDTH, rendering.HEIGHT)
    target = folder / f"{name}{cyclorama_scenes.STILL}"
    rendering.save(rendering.grained(pixels), target)
    return target


def clip(name: str, folder: Path, *, preview: bool) -> Path:
    frames = clips.CLIPS[name]()
    if preview:
        target = folder / f"{name}{cyclorama_scenes.STILL}"
        rendering.save(rendering.grained(next(frames)), target)
    else:
        target = folder / f"{name}{cyclorama_scenes.CLIP}"
        clips.write(list(frames), target)
    return target


def main() -> None:
    for group in GROUPS:
        if (cyclorama_scenes.FOLDER / f"{group}.py").exists():
            importlib.import_module(f"cyclorama_scenes.{group}")
    known = [*rendering.SCENES, *clips.CLIPS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; none: all")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--preview", action="store_true", help="a quarter of the size; of a clip one frame")
    parser.add_argument("--samples", type=int, default=10, help="paths per pixel of a still; 10")
    arguments = parser.parse_intermixed_args()
    unknown = sorted(set(arguments.names) - set(known))
    if unknown:
        parser.error(f"{', '.join(unknown)}: no such scene; expected one of {', '.join(known)}")
    for name in arguments.names or known:
        begun = time.monotonic()
        rendering.empty()
        if name in clips.CLIPS:
            target = clip(name, arguments.folder, preview=arguments.preview)
        else:
            target = still(name, arguments.folder, preview=arguments.preview, samples=arguments.samples)
        print(f"{target}  {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
