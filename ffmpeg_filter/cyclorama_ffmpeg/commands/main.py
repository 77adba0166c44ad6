"""The `cyclorama` command: puts its parts together, and turns their errors into one line each."""

from __future__ import annotations

import signal
import sys
from typing import Annotated, NoReturn

import typer

import cyclorama
from cyclorama.errors import CycloramaError
from cyclorama.memory import keep_freed_memory
from cyclorama_ffmpeg.commands.console import err, fail, out
from cyclorama_ffmpeg.commands.filter import filter_command
from cyclorama_ffmpeg.commands.image import image_command
from cyclorama_ffmpeg.commands.information import demo_command, doctor_command, models_command, scenes_command
from cyclorama_ffmpeg.commands.install import install_group
from cyclorama_ffmpeg.commands.live import live_command
from cyclorama_ffmpeg.commands.preview import preview_command
from cyclorama_ffmpeg.commands.suggest import suggest_command
from cyclorama_ffmpeg.commands.training import evaluate_command, export_command, train_command
from cyclorama_ffmpeg.commands.video import video_command

# What a shell gives a command that Ctrl-C or SIGTERM ended.
INTERRUPTED, TERMINATED = 130, 143

app = typer.Typer(
    help="Put any background behind the people in pictures and video.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
# In the order of the help.
app.command("image")(image_command)
app.command("video")(video_command)
app.command("preview")(preview_command)
app.command("suggest")(suggest_command)
app.command("filter")(filter_command)
app.command("live")(live_command)
app.add_typer(install_group, name="install")
app.command("models")(models_command)
app.command("scenes")(scenes_command)
app.command("doctor")(doctor_command)
app.command("demo")(demo_command)
app.command("train")(train_command)
app.command("evaluate")(evaluate_command)
app.command("export")(export_command)


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
