"""Commands that make networks and measure them: train, evaluate, export."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cyclorama.errors import SettingError
from cyclorama_ffmpeg.commands.console import err, out
from cyclorama_ffmpeg.commands.options import DeviceOption, OverwriteOption, ThreadsOption
from cyclorama_ffmpeg.output import check_target, whole_file

# Packages that are in no other extra than these.
EXTRAS = {
    "segmentation_models_pytorch": "classics",
    "torchvision": "classics",
    "ultralytics": "outfit",
    "efficientnet_lite_pytorch": "outfit",
}
TABLE_WIDTH = 160  # characters that figures may take: cut or broken ones could not be read


def train_command(
    recipe: Annotated[
        str, typer.Argument(help="A recipe's name (portrait, outfit, a classic such as tiramisu) or a TOML file.")
    ],
    data: Annotated[Path, typer.Option("--data", help="Folder with the recipe's people and rooms.")],
    run: Annotated[
        Path | None,
        typer.Option("--run", help="Folder for checkpoints, runs/RECIPE by default; a run in it is gone on with."),
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            "--start",
            help="Begin with the .safetensors of an exported model, not with ImageNet's weights; a classic with a .pth "
            "file, or with torchvision's weights of that name.",
        ),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="PyTorch device: cpu, cuda, mps.")] = "cpu",
    devices: Annotated[int, typer.Option("--devices", min=1, help="How many of them share the work.")] = 1,
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that compose pictures, a device.")] = 1,
    preview: Annotated[
        Path | None,
        typer.Option("--preview", help="Only write a sheet of what the network will see, as a picture."),
    ] = None,
    suspects: Annotated[
        Path | None,
        typer.Option("--suspects", help="Only write a list of doubtful mattes, and contact sheets of them beside it."),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", help="What --suspects compares the mattes with: a model's name, or an .onnx file.")
    ] = "portrait",
) -> None:
    """Train a network (needs an extra: cyclorama[train]; for outfit cyclorama[outfit], for a classic [classics])."""
    from cyclorama_training import entry

    if preview is not None:
        check_target(preview, (), overwrite=True)
        entry.preview(recipe, data, preview)
        out.print(f"{preview}", markup=False)
        return
    if suspects is not None:
        check_target(suspects, (), overwrite=True)
        for path in entry.suspects(recipe, data, suspects, model=model):
            out.print(f"{path}", markup=False)
        return
    with training_extra():
        folder = run or Path("runs") / Path(recipe).stem
        figures = entry.train(recipe, data, folder, start=start, device=device, devices=devices, workers=workers)
    out.print(figures, markup=False)


def evaluate_command(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="Models to measure; see `cyclorama models`. Or any matting .onnx file. Or outfit, alone.",
        ),
    ],
    data: Annotated[Path, typer.Option("--data", help="Folder with the recipe's people and rooms.")],
    recipe: Annotated[str, typer.Option("--recipe", help="Whose validation pictures: a recipe's name or file.")] = (
        "portrait"
    ),
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            help="Also write an HTML report: every slice, and pictures, worst cases first. For outfit a .png: curves.",
        ),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option("--json", help="Also write all figures, down to each picture's."),
    ] = None,
    mean: Annotated[
        str, typer.Option("--mean", help="Of an .onnx file that takes floats: subtracted from 0 ... 1.")
    ] = "0",
    std: Annotated[str, typer.Option("--std", help="Of the same: divided by. One number, or three with commas.")] = "1",
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
    overwrite: OverwriteOption = False,
) -> None:
    """Measure models on people and rooms that training never saw, and hold them to what is asked of them."""
    from cyclorama_training import entry
    from cyclorama_training.contender import channels
    from cyclorama_training.report import summary

    for target in (report, figures):
        if target is not None:
            check_target(target, (), overwrite=overwrite)
    if "outfit" in models:
        evaluate_outfit(models, data, report, figures, device, threads)
        return
    evaluation, page = entry.evaluate(
        models,
        recipe,
        data,
        device=device,
        threads=threads,
        mean=channels(mean),
        std=channels(std),
        pictures=report is not None,
        say=lambda text: err.print(text, markup=False),
    )
    for target, text in ((report, page), (figures, json.dumps(evaluation.figures(), indent=1))):
        if target is not None:
            with whole_file(target) as part:
                part.write_text(text, "utf-8")
    headings, rows = summary(evaluation)
    print_table(headings, [[cell.marked() for cell in row] for row in rows])


def evaluate_outfit(
    models: list[str], data: Path, report: Path | None, figures: Path | None, device: str, threads: int
) -> None:
    """Measures the outfit detector, as `evaluate_command` does the others."""
    from cyclorama_training import entry

    if len(models) > 1:
        raise SettingError(f"outfit is measured alone, on its own pictures; got {', '.join(models)}")
    if report is not None and report.suffix.lower() != ".png":
        raise SettingError(f"{report}: expected a .png for the outfit detector's curves")
    found = entry.evaluate_outfit(data, device=device, threads=threads, say=lambda text: err.print(text, markup=False))
    if figures is not None:
        with whole_file(figures) as part:
            part.write_text(json.dumps(found.figures(), indent=1), "utf-8")
    if report is not None:
        with whole_file(report) as part:
            part.write_bytes(found.png())
    print_table(*found.table())


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*headings, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False, width=max(out.width, TABLE_WIDTH)).print(table)


def export_command(
    checkpoint: Annotated[Path, typer.Argument(help="best.pt of a training run.")],
    target: Annotated[Path, typer.Argument(help="ONNX file to write.")],
    overwrite: OverwriteOption = False,
) -> None:
    """Turn a trained checkpoint into an ONNX file and print its line for the manifest."""
    check_target(target, (checkpoint,), overwrite=overwrite)
    from cyclorama_training import entry

    with training_extra():
        lines = entry.export(checkpoint, target)
    out.print(lines, markup=False)


@contextmanager
def training_extra() -> Iterator[None]:
    """Turns a missing package of the extra `train` into one line that names it."""
    try:
        yield
    except ModuleNotFoundError as error:
        extra = EXTRAS.get((error.name or "").split(".")[0], "train")
        raise SettingError(f"this needs the package {error.name}: pip install 'cyclorama[{extra}]'") from error
