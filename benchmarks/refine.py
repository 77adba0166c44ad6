"""`--refine` on held-back people with hair of known alpha, beside what it refines and other solvers.

    python benchmarks/refine.py DATA [--pictures 24] [--long-side 3000] [--network OTHER.onnx] [--sheet SHEET.png]
    pip install pymatting; python benchmarks/refine.py DATA --pictures 4 --pymatting

Each matte is refined within the trimap of its own doubt. Figures: Grad and Conn (Rhemann 2009) and mean
absolute difference over the whole picture; time from the matte before it, one thread. The sheet shows people of the
data set: it is to be looked at, not to be published.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cyclorama import Engine, Settings, refiner, trimap
from cyclorama.matting.onnx import load
from cyclorama.types import Alpha, DeepRgb, Rgb
from cyclorama_ffmpeg.sheet import contact_sheet, grey
from cyclorama_training.hair_grown import grown
from cyclorama_training.metrics import conn, grad, mad
from cyclorama_training.recipe import find
from cyclorama_training.refine_material import RefineRecipe, backdrop, mixed, people_of, rooms_of, shot
from cyclorama_training.validate import seeded

MODELS = ("portrait", "portrait-best")
SIDES = (1024, 1536)  # long sides of the pictures, pixels
NOISE = 0.02  # of a figure: a rise by less is none
METRICS: Mapping[str, Callable[[Alpha, Alpha], float]] = {"grad": grad, "conn": conn, "mad": mad}

Solver = Callable[[Alpha, Alpha, DeepRgb], Alpha]  # of a trimap, the matte before and the picture


@dataclass(frozen=True, slots=True)
class Composite:
    """A person before a room: rgb uint8 (H, W, 3), alpha float32 (H, W)."""

    name: str
    rgb: Rgb
    alpha: Alpha


def composites(root: Path, count: int, sides: tuple[int, int]) -> Iterator[Composite]:
    """Held-back people, each with other hair, before held-back rooms: the same ones at every call.

    Args:
        sides: least and most long side, pixels.
    """
    recipe = RefineRecipe.read(find("refine"))
    people, rooms = people_of(recipe, root, "validation")[0], rooms_of(recipe, root, "validation")
    for number in range(count):
        person = people[number % len(people)]
        rng = seeded("benchmark", f"{number}")
        foreground, levels = grown(rng, person, int(rng.integers(*sides, endpoint=True)))
        alpha = levels.astype(np.float32) / 255
        behind = backdrop(rng, rooms, *alpha.shape, max(alpha.shape))
        rgb = shot(rng, mixed(foreground, alpha, behind).astype(np.float32) / 255)
        yield Composite(f"{person.name} {number}", np.rint(rgb * 255).astype(np.uint8), alpha)


def trusting(known: Alpha, before: Alpha, rgb: DeepRgb) -> Alpha:
    """What the network begins with."""
    evidence = refiner.Evidence.of(known, before, rgb)
    return evidence.band.enlarged(evidence.trusting, known, rgb)


def solvers(network: Path | None, *, pymatting: bool) -> dict[str, Solver]:
    """What is compared, by name.

    Args:
        network: of `cyclorama train refine`, exported, beside the one that ships; or None.
    """
    shipped = refiner.create(device="cpu", threads=1)
    found: dict[str, Solver] = {
        "refined": lambda _, before, rgb: shipped.refine(before, rgb),
        "by colours that trust it": trusting,
        "by colours alone": trimap.solve,
    }
    if network is not None:
        other = refiner.Refiner(load(network, device="cpu", threads=1))
        found["refined by OTHER"] = lambda _, before, rgb: other.refine(before, rgb)
    if pymatting:
        from pymatting import estimate_alpha_cf, estimate_alpha_knn

        found["pymatting closed form"] = lambda known, _, rgb: estimate_alpha_cf(rgb / 255.0, known)
        found["pymatting KNN"] = lambda known, _, rgb: estimate_alpha_knn(rgb / 255.0, known)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument(
        "--long-side", type=int, help=f"of all pictures, pixels; {SIDES[0]} to {SIDES[1]} where it is left out"
    )
    parser.add_argument("--network", type=Path)
    parser.add_argument("--pymatting", action="store_true")
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    engines = {name: Engine(name, "cpu", threads=1) for name in MODELS}
    compared = solvers(arguments.network, pymatting=arguments.pymatting)
    found: dict[str, list[list[float]]] = {}
    seconds: dict[str, float] = {}
    megapixels, rows = 0.0, []
    sides = (arguments.long_side,) * 2 if arguments.long_side else SIDES
    for each in composites(arguments.data, arguments.pictures, sides):
        mattes: dict[str, Alpha] = {}
        for model, engine in engines.items():
            before = mattes[model] = engine.matte(each.rgb, Settings(decontaminate=False)).alpha
            known = trimap.of_doubt(before)
            megapixels += float(trimap.unknown_in(known).sum()) / 1e6 / len(engines)
            for solver, solve in compared.items():
                name, start = f"{model}, {solver}", time.perf_counter()
                mattes[name] = solve(known, before, each.rgb).astype(np.float32)
                seconds[name] = seconds.get(name, 0) + time.perf_counter() - start
        for name, matte in mattes.items():
            found.setdefault(name, []).append([metric(matte, each.alpha) for metric in METRICS.values()])
        print(each.name, {name: [round(v, 3) for v in values[-1]] for name, values in found.items()}, file=sys.stderr)
        if arguments.sheet is not None:
            rows.append([each.rgb, *(grey(matte) for matte in (each.alpha, *mattes.values()))])
    print("| | Grad | Conn | MAD x 1e3 | rises on | s per unknown megapixel |")
    print("|---|---|---|---|---|---|")
    for name, values in found.items():
        figures, own = np.array(values), np.array(found[name.partition(",")[0]])
        rises = int((figures[:, :2] > own[:, :2] * (1 + NOISE)).any(1).sum())
        mean = figures.mean(0)
        cost = f"{seconds[name] / megapixels:.2f}" if name in seconds else ""
        print(f"| {name} | {mean[0]:.2f} | {mean[1]:.2f} | {mean[2] * 1e3:.2f} | {rises} | {cost} |")
    print(f"{arguments.pictures} pictures, {megapixels:.1f} megapixels unknown")
    if arguments.sheet is not None:
        cv2.imwrite(str(arguments.sheet), contact_sheet(rows, 700)[..., ::-1])


if __name__ == "__main__":
    main()
