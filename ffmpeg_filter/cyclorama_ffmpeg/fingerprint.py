"""What decides over the pictures of a run, by which another one knows whether it can go on with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import av

import cyclorama
from cyclorama import weights
from cyclorama.engine import Session
from cyclorama.types import Clip, Picture, Settings
from cyclorama_ffmpeg import system_ffmpeg
from cyclorama_ffmpeg.arrangement import Options
from cyclorama_ffmpeg.encodings import Encoding


def fingerprint(session: Session, source: Path, encodings: Mapping[str, Encoding], options: Options) -> dict[str, str]:
    """Each thing that decides over the pictures, and what it is, in words. What is copied beside them does not."""
    status, matter = source.stat(), session.engine.matter
    entry = weights.manifest().get(matter.name)
    job = {
        "cyclorama": cyclorama.__version__,
        "FFmpeg": ".".join(map(str, av.library_versions["libavcodec"])),
        "source": f"{status.st_size} bytes of {status.st_mtime_ns}",
        "model": f"{matter.name}{f' {entry.sha256[:12]}' if entry else ''} on {matter.device}",
        "part": str(options.span),
        "deinterlace": str(options.deinterlace),
    }
    for each in fields(Settings):
        value = getattr(session.settings, each.name)
        job[each.name] = _digest(value) if isinstance(value, Picture | Clip) else str(value)
    for name, encoding in encodings.items():
        settings = [f"{key}={value}" for key, value in sorted(encoding.options.items()) if key != "threads"]
        made_by = "" if encoding.codec.elsewhere is None else f" of ffmpeg {system_ffmpeg.version()}"
        job[name] = " ".join([f"{encoding.codec.encoder}{made_by}", encoding.pixel_format, *settings])
    return job


def _digest(background: Picture | Clip) -> str:
    still = isinstance(background, Picture)
    pixels = background.pixels if isinstance(background, Picture) else background.frames.frame_at(Fraction(0))
    height, width = pixels.shape[:2]
    digest = sha256(pixels.tobytes()).hexdigest()[:12]
    return f"{'picture' if still else 'clip'} {width} x {height} {digest}"
