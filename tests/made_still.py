"""Stills through the engine and back, and picture files that are turned or have 16 bits."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import tifffile
from PIL import Image

from cyclorama import Engine, Settings
from cyclorama.types import Background
from cyclorama_ffmpeg import still
from pictures import ORIENTATION, chunk, exif, green_screen, png


def replaced(engine: Engine, source: Path, target: Path, background: Background | None = None) -> still.Still:
    """Source over a background (transparent by default) as a file; returns what the file holds now."""
    settings = Settings(background=background) if background else Settings()
    picture = still.read(source)
    alpha = still.matte_of(engine, picture)
    still.write(target, still.replace_background(engine.session(settings), picture, alpha), picture)
    return still.read(target)


def save_8(path: Path, orientation: int = 1) -> None:
    options: dict[str, object] = {"lossless": True} if path.suffix == ".webp" else {}
    Image.fromarray(green_screen()).save(path, exif=exif(orientation), **options)  # type: ignore[arg-type]


def save_16(path: Path, orientation: int = 1, icc: bytes = b"") -> None:
    samples = green_screen(16)
    if path.suffix == ".png":
        extra = chunk(b"eXIf", exif(orientation).tobytes().removeprefix(b"Exif\0\0"))
        if icc:
            extra = chunk(b"iCCP", b"wide\0\0" + zlib.compress(icc)) + extra
        path.write_bytes(png(samples, depth=16, colour=2, extra=extra))
    else:
        tags = [(ORIENTATION, "H", 1, orientation, True)]
        tifffile.imwrite(path, samples, photometric="rgb", metadata=None, extratags=tags, iccprofile=icc or None)


def add_orientation(path: Path, orientation: int) -> None:
    """Gives a little-endian TIFF that tag: a new directory behind the data (TIFF 6.0, section 2)."""
    data = path.read_bytes()
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    entries = [data[start + 2 + 12 * i : start + 14 + 12 * i] for i in range(count)]
    entries.append(struct.pack("<HHIHH", ORIENTATION, 3, 1, orientation, 0))
    entries.sort(key=lambda entry: struct.unpack_from("<H", entry))
    data += bytes(len(data) % 2)
    directory = struct.pack("<H", count + 1) + b"".join(entries) + bytes(4)
    path.write_bytes(data[:4] + struct.pack("<I", len(data)) + data[8:] + directory)
