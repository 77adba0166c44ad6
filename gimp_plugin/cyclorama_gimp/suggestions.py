"""Scenes that the engine suggests for a layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cyclorama_gimp import pixels
from cyclorama_gimp.matting import SESSION, Source
from cyclorama_gimp.progress import Progress
from cyclorama_gimp.stack import Refusal
from cyclorama_gimp.translation import _

LOOKED_AT = 1280  # pixels of the long side; clothes are told apart in less
THUMBNAIL = 240  # pixels of the long side


@dataclass(frozen=True)
class Suggestion:
    """A scene that fits.

    Attributes:
        scene: its name.
        title: the same for people.
        reason: why, in one line.
        thumbnail: the subject before it, RGB of `width` x `height`; b"" where none was asked for.
    """

    scene: str
    title: str
    reason: str
    thumbnail: bytes
    width: int
    height: int


def ask(worker: Any, source: Source, progress: Progress, model: str, count: int, *, pictures: bool) -> list[Suggestion]:
    """The best scenes for the part of a layer that is selected, the best first.

    Args:
        count: how many at most.
        pictures: whether thumbnails are wanted.
    """
    progress.stage("read")
    height, width, data = pixels.read_reduced(source.layer, source.rectangle, LOOKED_AT)
    progress.stage("send")
    worker.request({"op": "open", "session": SESSION, "model": model})
    header = {"op": "suggest", "session": SESSION, "height": height, "width": width, "top": count}
    if pictures:
        header["thumbnail"] = THUMBNAIL
    answer, thumbnails = worker.request(header, data, on_stage=progress.stage)
    high, wide = answer["height"], answer["width"]
    size = high * wide * 3
    found = [
        Suggestion(
            each["scene"], each["title"], each["reason"], bytes(thumbnails[i * size : (i + 1) * size]), wide, high
        )
        for i, each in enumerate(answer["suggestions"])
    ]
    if not found:
        raise Refusal(_("There is no built-in scene to suggest."))
    return found
