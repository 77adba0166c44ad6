"""The networks that this project grew from beside its own: what they cost, and what they find.

    python benchmarks/classics.py cost
    python benchmarks/classics.py quality DATA MODEL... [--every 4] [--refined] [--solvers] [--sheet SHEET.jpg]

`cost` needs no training: each recipe's network, with random weights, at its authors' picture size. `quality` shows
models, names of ours or .onnx files, the validation pictures of `cyclorama evaluate`: held-back people over held-back
rooms. `--refined` adds what `--refine` makes of each of ours; `--solvers` pymatting's closed form and KNN, which solve
the band that `portrait` doubts, and a conditional random field over its matte (pip install pymatting pydensecrf2);
`--sheet` needs scikit-image's photographs.
Both ways use one thread and count its time on the processor, so that what else the machine does matters little.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from cyclorama import Engine, trimap
from cyclorama.matting import PORTRAITS
from cyclorama.types import Alpha, Rgb
from cyclorama_ffmpeg.sheet import grey, labelled_sheet
from cyclorama_training import metrics
from cyclorama_training.classic_recipe import ClassicRecipe
from cyclorama_training.contender import SETTINGS, Contender, contenders
from cyclorama_training.recipe import Recipe, find
from cyclorama_training.speed import FRAME, macs_of, parameters_of
from cyclorama_training.validate import Picture, ValidationSet

RECIPES = ("deeplabv3plus", "deeplabv3plus-lite0", "unet-resnet50", "fcn-resnet101", "tiramisu", "mask-rcnn")
ROUNDS = 5
SHOWN_HEIGHT, QUALITY = 180, 85  # pixels of a picture of the sheet, of JPEG
FIGURES = ("iou", "mad", "grad", "conn")
# Of the random field, as DeepLab used it (Chen 2015): steps; pixels and weight of what lies near; pixels, levels and
# weight of what lies near and looks alike.
FIELD_STEPS, NEAR, ALIKE = 5, (3, 3), (50, 5, 10)
LEAST = 1e-4  # share that a field must leave to either side

Find = Callable[[Rgb], Alpha]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ways = parser.add_subparsers(dest="way", required=True)
    ways.add_parser("cost").add_argument("names", nargs="*", default=[*RECIPES, *PORTRAITS])
    quality = ways.add_parser("quality")
    quality.add_argument("data", type=Path)
    quality.add_argument("models", nargs="+")
    quality.add_argument("--every", type=int, default=1, help="take one person in this many")
    quality.add_argument("--refined", action="store_true")
    quality.add_argument("--solvers", action="store_true")
    quality.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.way == "cost":
        cost(arguments.names)
    else:
        composer = Recipe.read(find("portrait")).composer(arguments.data, "validation")
        pictures = ValidationSet.compose(composer, arguments.every).pictures
        further = [*(refined(arguments.models) if arguments.refined else ()), *(solving() if arguments.solvers else ())]
        compare(pictures, arguments.models, further, arguments.sheet)


def cost(names: Sequence[str]) -> None:
    """Prints parameters, operations and time of networks."""
    print("| network | picture | parameters | multiply-accumulates | network, ms |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            model = name if name in PORTRAITS else str(untrained(name, Path(folder)))
            (network,) = contenders([model], device="cpu", threads=1, mean=(0.0,), std=(1.0,))
            spent = processor_ms(network.network(np.random.default_rng(0).integers(0, 256, (*FRAME, 3), np.uint8)))
            height, width = network.size(*FRAME)
            assert network.path is not None
            macs = sum(macs_of(network.path, *look) for look in network.looks(*FRAME))
            parameters = parameters_of(network.path) or 0
            print(
                f"| {name} | {width} x {height} | {parameters / 1e6:.1f} M | {macs / 1e9:.1f} G | {spent:.0f} |",
                flush=True,
            )


def untrained(name: str, folder: Path) -> Path:
    """A recipe's network with random weights as an ONNX file."""
    import torch

    from cyclorama_training.classic_export import write
    from cyclorama_training.classic_network import build

    recipe = ClassicRecipe.read(find(name))
    torch.manual_seed(0)
    model = build(recipe.network, recipe.training.loss, recipe.size)
    target = folder / f"{name}.onnx"
    write(model, recipe, target)  # not compared: behind a hundred layers of chance every rounding is large
    return target


def processor_ms(run: Callable[[], object]) -> float:
    """Median time that this process spends on the processor."""
    run()
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return statistics.median(times) * 1e3


def compare(
    pictures: Sequence[Picture], models: Sequence[str], further: Sequence[tuple[str, Find]], sheet: Path | None
) -> None:
    """Prints the figures of models and further ways on pictures, and writes a sheet of what they find in others."""
    loaded = contenders(models, device="cpu", threads=1, mean=(0.0,), std=(1.0,))
    finders = [*((each.name, alone(each)) for each in loaded), *further]
    print(f"{len(pictures)} pictures, long side 512; time is the processor's, of one thread, from picture to matte")
    print("| model | IoU | MAD x 1e3 | Grad | Conn | ms |\n|---|---|---|---|---|---|")
    for name, find_in in finders:
        found, times = [], []
        for picture in pictures:
            start = time.process_time()
            found.append(find_in(picture.rgb))
            times.append(time.process_time() - start)
        iou, mad, grad, conn = means(found, pictures)
        spent = statistics.median(times) * 1e3
        print(f"| {name} | {iou:.3f} | {mad * 1e3:.1f} | {grad:.2f} | {conn:.2f} | {spent:.0f} |", flush=True)
    if sheet is not None:
        page = shown(finders)
        cv2.imwrite(str(sheet), np.ascontiguousarray(page[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def alone(contender: Contender) -> Find:
    """A model that sees each picture as the first one."""
    return lambda rgb: contender.stream()(rgb)


def refined(models: Sequence[str]) -> Iterator[tuple[str, Find]]:
    """`--refine` of those models that are ours."""
    for model in (each for each in models if each in PORTRAITS):
        engine = Engine(model, "cpu", threads=1)

        def find_in(rgb: Rgb, engine: Engine = engine) -> Alpha:
            return engine.session(replace(SETTINGS, refine=True)).matte(rgb).alpha

        yield f"{model}, refined", find_in


def solving() -> Iterator[tuple[str, Find]]:
    """pymatting's solvers with the trimap of what `portrait` doubts; a random field over all of it."""
    from pymatting import estimate_alpha_cf, estimate_alpha_knn

    engine = Engine("portrait", "cpu", threads=1)
    for name, solve in (("closed form", estimate_alpha_cf), ("KNN", estimate_alpha_knn)):

        def find_in(rgb: Rgb, solve: Callable[..., Alpha] = solve) -> Alpha:
            alpha = engine.session(SETTINGS).matte(rgb).alpha
            known = trimap.completed(trimap.of_doubt(alpha), alpha)
            if known.min() > 0 or known.max() < 1:  # nobody, or nothing else: there is nothing to solve
                return alpha
            return solve(rgb / 255.0, known.astype(np.float64)).astype(np.float32)

        yield f"portrait, then {name}", find_in
    yield "portrait, then random field", lambda rgb: random_field(rgb, engine.session(SETTINGS).matte(rgb).alpha)


def random_field(rgb: Rgb, alpha: Alpha) -> Alpha:
    """The subject's share by a fully connected conditional random field (Krähenbühl & Koltun 2011)."""
    from pydensecrf.densecrf import DenseCRF2D

    height, width = alpha.shape
    field = DenseCRF2D(width, height, 2)
    share = np.clip(alpha, LEAST, 1 - LEAST).ravel()
    field.setUnaryEnergy(-np.log(np.stack([1 - share, share])).astype(np.float32))
    field.addPairwiseGaussian(sxy=NEAR[0], compat=NEAR[1])
    field.addPairwiseBilateral(sxy=ALIKE[0], srgb=ALIKE[1], rgbim=np.ascontiguousarray(rgb), compat=ALIKE[2])
    return np.array(field.inference(FIELD_STEPS))[1].reshape(height, width)


def means(found: Sequence[Alpha], pictures: Sequence[Picture]) -> list[float]:
    each = [[metrics.METRICS[f](a, p.alpha) for f in FIGURES] for a, p in zip(found, pictures, strict=True)]
    return [float(value) for value in np.mean(each, axis=0)]


def shown(finders: Sequence[tuple[str, Find]]) -> Rgb:
    """Photographs that anybody may show, and the matte that each model finds in them."""
    from skimage import data

    rows = []
    for name, picture in (("NASA: Eileen Collins", data.astronaut()), ("Lav Varshney: Cameraman", data.camera())):
        rgb: Rgb = picture if picture.ndim == 3 else np.repeat(picture[..., None], 3, 2)
        rows.append((name, [rgb, *(grey(find_in(rgb)) for _, find_in in finders)]))
    return labelled_sheet(rows, ["picture", *(name.removesuffix(".onnx") for name, _ in finders)], SHOWN_HEIGHT)


if __name__ == "__main__":
    main()
