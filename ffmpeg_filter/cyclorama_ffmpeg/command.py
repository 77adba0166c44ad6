"""The `cyclorama` command: reads options, calls the parts, and turns their errors into one line each."""

from __future__ import annotations

import glob
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Annotated, NoReturn, Optional

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

import cyclorama
from cyclorama.errors import CycloramaError, MediaError, OutputError, SettingError
from cyclorama.memory import keep_freed_memory
from cyclorama.types import Settings, Transparent
from cyclorama_ffmpeg import backgrounds, demonstration, doctor, images, still, video, writing
from cyclorama_ffmpeg.frames import open_input, video_stream
from cyclorama_ffmpeg.output import check_target

# What a shell gives a command that Ctrl-C or SIGTERM ended.
INTERRUPTED, TERMINATED = 130, 143

app = typer.Typer(
    help="Put any background behind the people in pictures and video.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

BackgroundOption = Annotated[
    str,
    typer.Option(
        "--background",
        "-b",
        help="transparent, blur, blur:RADIUS (pixels), #rrggbb, a built-in scene's name (see `cyclorama scenes`), "
        "or a file: a picture, or a clip, which loops. suggest: by what they wear (not in this version yet).",
    ),
]
ModelOption = Annotated[str, typer.Option("--model", help="Network or keyer; see `cyclorama models`.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, directml, coreml or openvino.")]
ThreadsOption = Annotated[int, typer.Option("--threads", min=0, help="CPU threads of the network; 0: all cores.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace an output that exists.")]
LightOption = Annotated[
    str,
    typer.Option("--light", help="srgb blends as editors and players do; linear as a lens does (defocus, motion)."),
]
DecontaminateOption = Annotated[
    bool,
    typer.Option("--decontaminate/--keep-colours", help="Remove the old background's colour from hair and edges."),
]


def fail(message: object) -> None:
    err.print(f"cyclorama: {message}", style="red" if err.is_terminal else None, markup=False)


def engine_for(model: str, device: str, threads: int) -> cyclorama.Engine:
    """Loads the engine, and says why a GPU that is there is not used."""
    engine = cyclorama.Engine(model, device, threads=threads)
    if engine.matter.note:
        err.print(f"cyclorama: {engine.matter.note}", markup=False)
    return engine


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on a terminal, nothing elsewhere."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal, transient=True) as progress:
        yield progress


@app.command("image")
def image_command(
    inputs: Annotated[list[str], typer.Argument(metavar="IN...", help="Pictures, folders, or patterns like '*.jpg'.")],
    background: BackgroundOption = "transparent",
    output: Annotated[
        Optional[Path],  # noqa: UP045 - typer reads it on Python 3.10 too
        typer.Option("--output", "-o", help="A file for one picture, a folder for several. Default: beside each."),
    ] = None,
    matte: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--matte", help="Also write the alpha as a grey picture: a file for one, a folder for several."),
    ] = None,
    cutout: Annotated[
        bool, typer.Option("--cutout", help="Also write the subject alone, NAME-cutout.png, beside the output.")
    ] = False,
    light: LightOption = "srgb",
    decontaminate: DecontaminateOption = True,
    model: ModelOption = "portrait",
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
    overwrite: OverwriteOption = False,
) -> None:
    """Replace the background of pictures (JPEG, PNG, WebP, TIFF, AVIF; 8 and 16 bits)."""
    behind = backgrounds.parse(background)
    settings = Settings(background=behind, light=light, decontaminate=decontaminate)  # type: ignore[arg-type]
    sources = list(dict.fromkeys(expand(inputs)))
    default = ".png" if isinstance(behind, Transparent) else None
    jobs = images.plan(sources, output, matte, default_suffix=default, cutout=cutout)
    images.check(jobs, transparent=isinstance(behind, Transparent), overwrite=overwrite)
    engine = engine_for(model, device, threads)
    failures = 0
    with progress_bar() as progress:
        task = progress.add_task("pictures", total=len(jobs), rate="")
        for job in jobs:
            start = time.perf_counter()
            try:
                images.run(engine, settings, job)
                out.print(f"{job.target}", markup=False)
            except CycloramaError as error:
                failures += 1
                fail(error)
            progress.update(task, advance=1, rate=f"{time.perf_counter() - start:.1f} s")
    if failures:
        if len(jobs) > 1:
            fail(f"{failures} of {len(jobs)} pictures failed")
        raise typer.Exit(1)


def expand(inputs: list[str]) -> Iterator[Path]:
    """Files named, files of folders named, and files of patterns that the shell left alone."""
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if p.suffix.lower() in still.READABLE and p.is_file())
            if not found:
                raise MediaError(f"{path}: expected pictures in this folder, it has none")
            yield from found
        elif not path.exists() and glob.has_magic(text):
            found = sorted(Path(m) for m in glob.glob(text, recursive=True))  # noqa: PTH207 - absolute patterns too
            matches = [m for m in found if m.is_file()]
            if not matches:
                raise MediaError(f"{text}: no file matches")
            yield from matches
        else:
            yield path


@app.command("video")
def video_command(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A video file.")],
    background: BackgroundOption,
    output: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            "--output",
            "-o",
            help=".mp4, .m4v, .mov, .mkv or .webm. Default: beside IN, IN-cyclorama.mp4 "
            "(transparent: .webm), or of another of these that can hold its sound.",
        ),
    ] = None,
    matte: Annotated[Optional[Path], typer.Option("--matte", help="Also write the alpha as a grey video.")] = None,  # noqa: UP045
    smoothing: Annotated[
        float, typer.Option("--smoothing", min=0, max=0.99, help="Steadiness of the edge where nothing moves; 0: none.")
    ] = 0.6,
    light: LightOption = "srgb",
    decontaminate: DecontaminateOption = True,
    model: ModelOption = "portrait",
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
    overwrite: OverwriteOption = False,
) -> None:
    """Replace the background of a video; its sound is copied as it is."""
    behind = backgrounds.parse(background)
    transparent = isinstance(behind, Transparent)
    settings = Settings(background=behind, light=light, decontaminate=decontaminate, smoothing=smoothing)  # type: ignore[arg-type]
    with open_input(source) as container:  # a source that cannot be read is said before the output's faults
        video_stream(container, source)
        if output is None:
            output = writing.default_target(source, container, transparent=transparent)
        writing.encoding_for(output, transparent=transparent)
        writing.check_sound(output, container, transparent=transparent)
    if matte is not None:
        if matte.resolve() == output.resolve():
            raise OutputError(f"{matte}: the matte and the result have the same name")
        writing.encoding_for(matte, transparent=False)
    for target in (output, matte):
        if target is not None:
            check_target(target, (source, Path(background)), overwrite=overwrite)
    engine = engine_for(model, device, threads)
    start = time.perf_counter()
    with progress_bar() as progress:
        task = progress.add_task(source.name, total=None, rate="")

        def show(done: int, total: int, _: Fraction) -> None:
            rate = f"{done / (time.perf_counter() - start):.1f} fps"
            progress.update(task, completed=done, total=max(done, total) if total else None, rate=rate)

        summary = video.replace_background(engine.session(settings), source, output, matte_target=matte, progress=show)
    for note in summary.notes:
        err.print(f"cyclorama: note: {note}", markup=False)
    seconds = time.perf_counter() - start
    rate = summary.frames / seconds
    out.print(f"{output}  ({summary.frames} frames in {seconds:.1f} s, {rate:.1f} fps)", markup=False)


@app.command("models")
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


@app.command("scenes")
def scenes_command() -> None:
    """List the built-in backgrounds."""
    import cyclorama_scenes

    for name, path in cyclorama_scenes.paths().items():
        out.print(f"{name:16} {path}", markup=False)


@app.command("doctor")
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
    if not any(t.milliseconds is not None for t in trials):
        raise typer.Exit(1)


@app.command("demo")
def demo_command(
    folder: Annotated[Path, typer.Argument(help="Where the clips and the contact sheet go.")] = Path("demo-output"),
) -> None:
    """Make a clip of a real person with sound, replace its background, and say where the result is."""
    made = demonstration.run(folder, say=lambda text: out.print(text, markup=False))
    out.print(f"before: {made.before}\nafter:  {made.after}\nsheet:  {made.sheet}", markup=False)


@app.command("train")
def train_command(
    recipe: Annotated[str, typer.Argument(help="A recipe's name (portrait) or a TOML file.")],
    data: Annotated[Path, typer.Option("--data", help="Folder with the recipe's people and rooms.")],
    run: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--run", help="Folder for checkpoints, runs/RECIPE by default; a run in it is gone on with."),
    ] = None,
    start: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--start", help="Begin with the .safetensors of an exported model, not with ImageNet's weights."),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="PyTorch device: cpu, cuda, mps.")] = "cpu",
    workers: Annotated[int, typer.Option("--workers", min=0, help="Processes that compose pictures.")] = 1,
    preview: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--preview", help="Only write a sheet of what the network will see, as a picture."),
    ] = None,
) -> None:
    """Train a network (needs the extra: pip install cyclorama[train])."""
    from cyclorama_training import entry

    if preview is not None:
        check_target(preview, (), overwrite=True)
        entry.preview(recipe, data, preview)
        out.print(f"{preview}", markup=False)
        return
    with training_extra():
        folder = run or Path("runs") / Path(recipe).stem
        figures = entry.train(recipe, data, folder, start=start, device=device, workers=workers)
    out.print(figures, markup=False)


@app.command("evaluate")
def evaluate_command(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Models to measure; see `cyclorama models`.")],
    data: Annotated[Path, typer.Option("--data", help="Folder with the recipe's people and rooms.")],
    recipe: Annotated[str, typer.Option("--recipe", help="Whose validation pictures: a recipe's name or file.")] = (
        "portrait"
    ),
    device: DeviceOption = "auto",
) -> None:
    """Measure models on pictures that training never saw: IoU, MAD, empty rooms, time."""
    from cyclorama_training import entry

    for model, report, milliseconds in entry.evaluate(models, recipe, data, device=device):
        out.print(f"{model}: {report.line()}, {milliseconds:.0f} ms a matte of 512 x 288", markup=False)


@app.command("export")
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
        raise SettingError(f"this needs the package {error.name}: pip install 'cyclorama[train]'") from error


@app.callback(invoke_without_command=True)
def version_option(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        out.print(f"cyclorama {cyclorama.__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        err.print(context.get_help(), markup=False)
        raise typer.Exit(2)


def main() -> NoReturn:
    """Runs the command. Errors of ours are one line and exit status 1; wrong usage is 2; Ctrl-C 130."""
    keep_freed_memory()
    # SIGTERM as an exception, so that what is half written is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        status = app(standalone_mode=False)  # what a command's typer.Exit carries; None at its end
        if status == INTERRUPTED:  # typer's own answer to Ctrl-C, which says nothing
            raise KeyboardInterrupt
    except (KeyboardInterrupt, typer.Abort):
        fail("interrupted; nothing half written was left")
        sys.exit(INTERRUPTED)
    except SystemExit as stop:
        if stop.code == TERMINATED:
            fail("terminated; nothing half written was left")
        raise
    except (CycloramaError, OSError) as error:  # OSError: a name too long, a folder without permission
        fail(error)
        sys.exit(1)
    except typer.BadParameter as error:
        fail(error.format_message())
        sys.exit(2)
    except Exception as error:
        # click's usage errors, which typer does not export under a name of its own
        if not hasattr(error, "format_message"):
            raise
        fail(f"{error.format_message()} (see --help)")
        sys.exit(2)
    sys.exit(status)
