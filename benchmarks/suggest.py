"""How often a right scene is suggested first, on held-back pictures of people in each outfit.

    python benchmarks/suggest.py DATA [--split test] [--model portrait-best] [--wrong]

DATA is the data folder of `cyclorama train outfit`: its class folders, split as there. A scene is right that suits
the class; for casual clothes one that suits anybody. Exit status 1 where a class has less than the bar.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from cyclorama import catalogue
from cyclorama.engine import Engine
from cyclorama.errors import PictureError
from cyclorama.matting import FOR_STILLS
from cyclorama.suggest import suggest
from cyclorama.suggesting import see
from cyclorama.types import OUTFITS, Scene
from cyclorama_ffmpeg import still
from cyclorama_training.outfit_data import looked_at, split_of

BAR = 0.85
CASUAL = "casual"
LEFT_OUT = ("leave", "unclear")  # nobody in it, or clothes that people do not agree on either


def is_right(scene: Scene, kind: str) -> bool:
    return not scene.outfits if kind == CASUAL else kind in scene.outfits


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    parser.add_argument("--model", default=FOR_STILLS, help="of the mattes")
    parser.add_argument("--wrong", action="store_true", help="name the pictures with a wrong scene")
    options = parser.parse_args()
    scenes = [scene for scene in catalogue.built_in() if not scene.loop]
    by_name = {scene.name: scene for scene in scenes}
    engine = Engine(options.model)
    seen = looked_at()
    right, all_of = Counter[str](), Counter[str]()
    print("class        pictures  right first")
    for kind in (*OUTFITS, CASUAL):
        for path in sorted((options.data / "outfit" / kind).iterdir()):
            if path.suffix.lower() not in still.READABLE or split_of(path.stem) != options.split:
                continue
            if seen.get(f"{kind}/{path.stem}") in LEFT_OUT:
                continue
            try:
                picture = still.read(path)
            except PictureError as error:
                print(error, file=sys.stderr)
                continue
            sight = see(engine, engine.detector, picture.srgb)
            (first,) = suggest(sight.outfits, sight.look, scenes, 1)
            all_of[kind] += 1
            right[kind] += is_right(by_name[first.scene], kind)
            if options.wrong and not is_right(by_name[first.scene], kind):
                print(f"  {path}: {first.scene}: {first.reason}")
        if all_of[kind]:
            print(f"{kind:12} {all_of[kind]:8}  {right[kind] / all_of[kind]:.1%}", flush=True)
    return int(any(right[kind] < BAR * all_of[kind] or not all_of[kind] for kind in OUTFITS))


if __name__ == "__main__":
    sys.exit(main())
