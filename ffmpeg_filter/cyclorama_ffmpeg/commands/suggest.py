"""`cyclorama suggest`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cyclorama.matting import FOR_STILLS
from cyclorama_ffmpeg import showing, still, suggestions
from cyclorama_ffmpeg.commands.console import engine_for, out, say
from cyclorama_ffmpeg.commands.options import (
    DeviceOption,
    LibraryOption,
    ModelOption,
    OverwriteOption,
    SubjectOption,
    ThreadsOption,
    subject_of,
)
from cyclorama_ffmpeg.output import check_target, whole_file


def suggest_command(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A picture or a video.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The sheet's name. Default: beside IN, IN-suggestions.png."),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, max=20, help="How many scenes.")] = 5,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: people (outfit, confidence, box), suggestions.")
    ] = False,
    library: LibraryOption = None,
    subject: SubjectOption = "all",
    model: ModelOption = FOR_STILLS,
    device: DeviceOption = "auto",
    threads: ThreadsOption = 0,
    overwrite: OverwriteOption = False,
) -> None:
    """Suggest scenes by what people wear and the light they stand in, and show them before the best ones."""
    whom, scenes = subject_of(subject), suggestions.scenes(library, say)
    target = output or source.with_name(f"{source.stem}-suggestions.png")
    still.check_format(target, alpha=False)
    check_target(target, (source,), overwrite=overwrite)
    moving = showing.is_video(source)
    picture = None if moving else still.read(source)
    engine = engine_for(model, device, threads)
    chooser = suggestions.Chooser(engine, scenes, whom)
    shown = showing.of_video(chooser, source) if picture is None else showing.of_picture(chooser, picture)
    found = chooser.rank(shown.sight, top, still_pictures=not moving)
    sheet = showing.sheet(engine, shown, [chooser.choice(each) for each in found])
    with whole_file(target) as temporary:
        still.write(temporary, sheet)
    people = [
        {"outfit": each.kind, "confidence": round(each.confidence, 3), "box": list(each.box)}
        for each in shown.sight.outfits
    ]
    if as_json:
        suggested = [{"scene": each.scene, "score": each.score, "reason": each.reason} for each in found]
        print(json.dumps({"people": people, "suggestions": suggested, "sheet": str(target)}, indent=2))
        return
    for each in shown.sight.outfits:
        worn = f"{each.kind}, {each.confidence:.0%} sure" if each.kind else "no outfit that asks for a place"
        out.print(f"person at {','.join(map(str, each.box))}: {worn}", markup=False)
    for suggestion in found:
        out.print(f"{suggestion.score:.2f}  {suggestion.scene:20} {suggestion.reason}", markup=False)
    out.print(str(target), markup=False)
