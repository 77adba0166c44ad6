"""Commands that say what is there and what works: models, scenes, doctor, demo."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

import cyclorama
from cyclorama.errors import CycloramaError
from cyclorama_ffmpeg import demonstration, doctor, gimp_doctor, obs_doctor, system_ffmpeg
from cyclorama_ffmpeg.commands.console import out
from cyclorama_ffmpeg.commands.options import ModelOption


def models_command() -> None:
    """List the models, and whether their weights are in place."""
    from cyclorama import weights
    from cyclorama.matting import MATTERS

    table = Table("model", "weights", "what it is", box=None, pad_edge=False)
    entries = weights.manifest()
    for name in MATTERS:
        if name not in entries:
            table.add_row(name, "none needed", "keyer for real green screens, no network")
            continue
        try:
            size = weights.path(name).stat().st_size
            state = f"{size / 1e6:.1f} MB, verified"
        except CycloramaError as error:
            state = str(error)
        table.add_row(name, state, entries[name].summary)
    out.print(table)


def scenes_command() -> None:
    """List the built-in backgrounds."""
    import cyclorama_scenes

    for name, path in cyclorama_scenes.paths().items():
        out.print(f"{name:16} {path}", markup=False)


def doctor_command(model: ModelOption = "portrait") -> None:
    """Run true inference on every device, print the time per frame, and name what stands idle."""
    import onnxruntime

    out.print(
        f"cyclorama {cyclorama.__version__}, Python {sys.version.split()[0]}, ONNX Runtime {onnxruntime.__version__}"
    )
    trials = doctor.try_devices(model)
    height, width = doctor.FRAME
    for trial in trials:
        if trial.milliseconds is None:
            out.print(f"{trial.device}: does not work: {trial.note}", markup=False)
        else:
            out.print(f"{trial.device}: {trial.milliseconds:.0f} ms a frame ({model}, matte of {width} x {height})")
    cards = doctor.graphics_cards()
    for sentence in doctor.idle_cards(cards, trials):
        out.print(sentence, markup=False)
    if not cards:
        out.print("no graphics card found; the CPU does the work")
    out.print(system_ffmpeg.sentence(), markup=False)
    for sentence in (*gimp_doctor.sentences(), *obs_doctor.sentences()):
        out.print(sentence, markup=False)
    if not any(t.milliseconds is not None for t in trials):
        raise typer.Exit(1)


def demo_command(
    folder: Annotated[Path, typer.Argument(help="Where the clips and the contact sheet go.")] = Path("demo-output"),
) -> None:
    """Make a clip of a real person with sound, replace its background, suggest others, and say where all is."""
    made = demonstration.run(folder, say=lambda text: out.print(text, markup=False))
    out.print(f"before: {made.before}\nafter:  {made.after}\nsheet:  {made.sheet}", markup=False)
    out.print(f"suggested scenes: {made.suggestions}", markup=False)
