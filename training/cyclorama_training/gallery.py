"""The pictures of an evaluation's report: inputs, truths and mattes side by side, the worst cases first."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape

import cv2
import numpy as np

from cyclorama.composite import composite, fill
from cyclorama.foreground import estimate_foreground
from cyclorama.types import Alpha, Colour, Rgb
from cyclorama_ffmpeg.sheet import grey
from cyclorama_training.clips import Clip
from cyclorama_training.contender import Contender
from cyclorama_training.data import fit
from cyclorama_training.evaluate import Evaluation
from cyclorama_training.validate import Picture

GREEN = Colour(0, 177, 64)
LONG_SIDE, FRAME_SIDE = 320, 200  # pixels of a picture in the report, and of a clip's frame
QUALITY = 82  # of JPEG
SHOWN = 6  # pictures of a slice, and empty rooms
SHOWN_CLIPS = 4
SHOWN_FRAMES = 6  # of a clip, evenly spread over it


def gallery(evaluation: Evaluation, contenders: Sequence[Contender], say: Callable[[str], None]) -> str:
    """HTML of all picture sections; the mattes are made anew, for those alone that are shown."""
    say("pictures of the report")
    material, first = evaluation.material, evaluation.results[0]
    parts = [("validation", "each held-back person over a held-back room", material.validation)]
    parts += [(part.name, part.meaning, part.pictures) for part in material.slices]
    sections = []
    for name, meaning, pictures in parts:
        order = sorted(pictures, key=lambda p: first.pictures[p.name]["mad"], reverse=True)
        cases = [case(picture, evaluation, contenders) for picture in order[:SHOWN]]
        sections.append(section(name, f"{meaning}; {len(pictures)} pictures", cases))
    rooms = sorted(material.empty, key=lambda room: first.empty[room.name], reverse=True)
    cases = [empty_case(room, evaluation, contenders) for room in rooms[:SHOWN]]
    sections.append(section("empty rooms", f"{len(rooms)} rooms", cases))
    clips = sorted(material.clips, key=lambda clip: first.clips[clip.name]["dtssd"], reverse=True)
    cases = [clip_case(clip, evaluation, contenders) for clip in clips[:SHOWN_CLIPS]]
    sections.append(section("clips", f"{len(clips)} clips; frames in order", cases))
    return "\n".join(sections)


def section(name: str, meaning: str, cases: Sequence[str]) -> str:
    inside = f"<div class=cases>{''.join(cases)}</div>"
    return f'<section id="{anchor(name)}"><h3>{escape(name)}</h3><p>{escape(meaning)}</p>\n{inside}</section>'


def anchor(name: str) -> str:
    return "pictures-" + name.replace(" ", "-")


def case(picture: Picture, evaluation: Evaluation, contenders: Sequence[Contender]) -> str:
    """A picture, its truth, and of each model the matte and the person on green."""
    notes = [picture.name]
    images = [image(picture.rgb, "input"), image(grey(picture.alpha), "truth")]
    for contender, result in zip(contenders, evaluation.results, strict=True):
        alpha = contender.stream()(picture.rgb)
        images.append(image(grey(alpha), contender.name))
        images.append(image(on_green(picture.rgb, alpha), f"{contender.name} on green"))
        figures = result.pictures[picture.name]
        notes.append(f"{contender.name}: IoU {figures['iou']:.3f}, MAD {figures['mad'] * 1e3:.1f}")
    return framed(notes, [images])


def empty_case(room: Picture, evaluation: Evaluation, contenders: Sequence[Contender]) -> str:
    """A room and what each model takes for people in it."""
    notes, images = [room.name], [image(room.rgb, "input")]
    for contender, result in zip(contenders, evaluation.results, strict=True):
        images.append(image(grey(contender.stream()(room.rgb)), contender.name))
        notes.append(f"{contender.name}: mean alpha {result.empty[room.name]:.2%}")
    return framed(notes, [images])


def clip_case(clip: Clip, evaluation: Evaluation, contenders: Sequence[Contender]) -> str:
    """Frames of a clip over their truths and each model's mattes."""
    times = np.linspace(0, len(clip.rgb) - 1, min(SHOWN_FRAMES, len(clip.rgb))).round().astype(int)
    notes = [clip.name]
    rows = [("input", list(clip.rgb)), ("truth", [grey(alpha) for alpha in clip.alpha])]
    for contender, result in zip(contenders, evaluation.results, strict=True):
        stream = contender.stream()
        rows.append((contender.name, [grey(stream(frame)) for frame in clip.rgb]))
        notes.append(f"{contender.name}: dtSSD {result.clips[clip.name]['dtssd'] * 1e2:.2f}")
    return framed(notes, [[image(frames[t], f"{name} {t + 1}", FRAME_SIDE) for t in times] for name, frames in rows])


def on_green(rgb: Rgb, alpha: Alpha) -> Rgb:
    """The person over green, with the colours that the engine would give."""
    over = composite(estimate_foreground(rgb, alpha), alpha, fill(GREEN, *alpha.shape), "srgb")
    return over.astype(np.uint8, copy=False)


def framed(notes: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows of images under a name and figures."""
    name, *figures = notes
    lines = "".join(f"<div class=row>{''.join(images)}</div>" for images in rows)
    return f"<div class=case><p>{escape(name)}<br>{escape(' · '.join(figures))}</p>{lines}</div>\n"


def image(rgb: Rgb, label: str, long_side: int = LONG_SIDE) -> str:
    """A picture uint8 (H, W, 3) inside the page, with a label under it."""
    small = fit(rgb, long_side)
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    text = base64.b64encode(data.tobytes()).decode()
    name = escape(label)
    return f'<figure><img alt="{name}" src="data:image/jpeg;base64,{text}"><figcaption>{name}</figcaption></figure>'
