"""The `refine` network on held-back people with hair of known alpha, beside what it refines and other solvers.

    python benchmarks/refine.py DATA [--pictures 24] [--sheet SHEET.png]
    pip install pymatting; python benchmarks/refine.py DATA --pictures 4 --pymatting

All solvers have the same trimap, that of `portrait-best`'s doubt. Figures: Grad and Conn (Rhemann 2009) and mean
absolute difference over the whole picture; time from the matte before it, one thread. The sheet shows people of the
data set: it is to be looked at, not to be published.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cyclorama import Engine, Settings, trimap
from cyclorama.types import Alpha, DeepRgb, Rgb
from cyclorama_ffmpeg.sheet import contact_sheet, grey
from cyclorama_training.hair_grown import grown
from cyclorama_training.metrics import conn, grad, mad
from cyclorama_training.recipe import find
from cyclorama_training.refine_compose import shot
from cyclorama_training.refine_material import RefineRecipe, backdrop, mixed, people_of, rooms_of
from cyclorama_training.validate import seeded

SIDES = (1024, 1537)  # long sides of the pictures, pixels
NOISE = 0.02  # of a figure: a rise by less is none
METRICS: Mapping[str, Callable[[Alpha, Alpha], float]] = {"grad": grad, "conn": conn, "mad": mad}

Solver = Callable[[Alpha, DeepRgb], Alpha]  # of a trimap and the picture


@dataclass(frozen=True, slots=True)
class Composite:
    """A person before a room: rgb uint8 (H, W, 3), alpha float32 (H, W)."""

    name: str
    rgb: Rgb
    alpha: Alpha


def composites(root: Path, count: int) -> list[Composite]:
    """Held-back people, each with other hair, before held-back rooms: the same ones at every call."""
    recipe = RefineRecipe.read(find("refine"))
    people, rooms = people_of(recipe, root, "validation")[0], rooms_of(recipe, root, "validation")
    made = []
    for number in range(count):
        person = people[number % len(people)]
        rng = seeded("benchmark", f"{number}")
        foreground, levels = grown(rng, person, int(rng.integers(*SIDES)))
        alpha = levels.astype(np.float32) / 255
        behind = backdrop(rng, rooms, *alpha.shape, max(alpha.shape))
        rgb = shot(rng, mixed(foreground, alpha, behind).astype(np.float32) / 255)
        made.append(Composite(f"{person.name} {number}", np.rint(rgb * 255).astype(np.uint8), alpha))
    return made


def solvers(engine: Engine, before: Alpha, *, pymatting: bool) -> dict[str, Solver]:
    """What is compared, by name.

    Args:
        before: the matte that is refined.
    """
    found: dict[str, Solver] = {
        "refine": lambda known, rgb: engine.refiner.solve(known, rgb, before),
        "refine, from the trimap alone": engine.refiner.solve,
        "closed form": lambda known, rgb: trimap.solve(known, before, rgb),
    }
    if pymatting:
        from pymatting import estimate_alpha_cf, estimate_alpha_knn

        found["pymatting closed form"] = lambda known, rgb: estimate_alpha_cf(rgb / 255.0, known)
        found["pymatting KNN"] = lambda known, rgb: estimate_alpha_knn(rgb / 255.0, known)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--pymatting", action="store_true")
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    engine, fast = Engine("portrait-best", "cpu", threads=1), Engine("portrait", "cpu", threads=1)
    plain = Settings(decontaminate=False)
    found: dict[str, list[list[float]]] = {}
    seconds: dict[str, float] = {}
    megapixels, rows = 0.0, []
    for each in composites(arguments.data, arguments.pictures):
        before = engine.matte(each.rgb, plain).alpha
        known = trimap.of_doubt(before)
        megapixels += float(trimap.unknown_in(known).sum()) / 1e6
        mattes = {"portrait": fast.matte(each.rgb, plain).alpha, "portrait-best": before}
        for name, solver in solvers(engine, before, pymatting=arguments.pymatting).items():
            start = time.perf_counter()
            mattes[name] = solver(known, each.rgb).astype(np.float32)
            seconds[name] = seconds.get(name, 0) + time.perf_counter() - start
        for name, matte in mattes.items():
            found.setdefault(name, []).append([metric(matte, each.alpha) for metric in METRICS.values()])
        print(each.name, {name: [round(v, 3) for v in values[-1]] for name, values in found.items()}, file=sys.stderr)
        rows.append([each.rgb, *(grey(matte) for matte in (each.alpha, known, *mattes.values()))])
    print("| | Grad | Conn | MAD x 1e3 | rises on | s per unknown megapixel |")
    print("|---|---|---|---|---|---|")
    start_from = np.array(found["portrait"])
    for name, values in found.items():
        figures = np.array(values)
        rises = int((figures[:, :2] > start_from[:, :2] * (1 + NOISE)).any(1).sum())
        mean = figures.mean(0)
        cost = f"{seconds[name] / megapixels:.2f}" if name in seconds else ""
        print(f"| {name} | {mean[0]:.2f} | {mean[1]:.2f} | {mean[2] * 1e3:.2f} | {rises} | {cost} |")
    print(f"{len(rows)} pictures, {megapixels:.1f} megapixels unknown")
    if arguments.sheet is not None:
        cv2.imwrite(str(arguments.sheet), contact_sheet(rows, 700)[..., ::-1])


if __name__ == "__main__":
    main()
