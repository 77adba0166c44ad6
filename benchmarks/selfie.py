"""MediaPipe's Selfie Segmentation on the same held-back people, rooms and clips as ours.

    pip install --no-deps mediapipe==0.10.14 onnx==1.17.0
    pip install absl-py attrs flatbuffers 'protobuf<5' matplotlib sounddevice
    python benchmarks/selfie.py DATA [--model portrait ...]

In an environment of its own: MediaPipe wants older packages than the training extra. Its networks come inside its
wheel, as TensorFlow Lite files with an operator that no converter knows, so it runs as its users run it, and is timed
from frame to matte only.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from cyclorama.types import Alpha, Rgb
from cyclorama_training.contender import Contender, contenders
from cyclorama_training.evaluate import Material, Result, evaluate
from cyclorama_training.recipe import Recipe, find

GENERAL, LANDSCAPE = 0, 1
# Height and width of what each of its two networks looks at.
SIZES = {GENERAL: (256, 256), LANDSCAPE: (144, 256)}


class Selfie:
    """One of MediaPipe's two networks, as a contender; see `cyclorama_training.contender.Contender`."""

    path: Path | None = None
    device = "CPU (XNNPACK)"

    def __init__(self, selection: int) -> None:
        self.selection = selection
        self.name = f"MediaPipe Selfie {'landscape' if selection == LANDSCAPE else 'general'}"

    def stream(self) -> Callable[[Rgb], Alpha]:
        from mediapipe.python.solutions.selfie_segmentation import SelfieSegmentation

        segmentation = SelfieSegmentation(model_selection=self.selection)
        return lambda rgb: np.clip(segmentation.process(rgb).segmentation_mask, 0, 1).astype(np.float32)

    def size(self, height: int, width: int) -> tuple[int, int]:
        return SIZES[self.selection]

    def looks(self, height: int, width: int) -> Sequence[tuple[int, int]]:
        return [self.size(height, width)]

    def network(self, rgb: Rgb, size: tuple[int, int] | None = None) -> Callable[[], object]:
        return partial(self.stream(), rgb)


def line(result: Result, material: Material) -> str:
    """A row of the table."""
    figures = result.headline(material.validation)
    return (
        f"| {result.model} | {figures['iou']:.3f} | {figures['mad'] * 1e3:.1f} | {figures['dtssd'] * 100:.2f} | "
        f"{figures['empty_mean']:.2%} | {figures['empty_worst']:.1%} | {result.speed.whole_ms:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", nargs="+", default=["portrait-fast", "portrait"])
    arguments = parser.parse_args()
    ours = contenders(arguments.model, device="cpu", threads=0, mean=(0.0,), std=(1.0,))
    everybody: list[Contender] = [*ours, Selfie(GENERAL), Selfie(LANDSCAPE)]
    material = Material.compose(Recipe.read(find("portrait")).composer(arguments.data, "validation"))
    evaluation = evaluate(everybody, material, threads=0, say=partial(print, file=sys.stderr))
    print("| model | IoU | MAD x 1e3 | dtSSD x 1e2 | empty rooms | worst | frame to matte, 1280 x 720, ms |")
    print("|---|---|---|---|---|---|---|")
    for result in evaluation.results:
        print(line(result, material))
    print(evaluation.machine)


if __name__ == "__main__":
    main()
