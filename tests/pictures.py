"""Picture files that tests make: a subject on a pure green screen, colour profiles, turned and deep files."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

HEIGHT, WIDTH = 48, 64
# Where the subject stands, a pixel inside its outline: alpha is 1 there.
INSIDE = (slice(13, 35), slice(21, 43))
OUTSIDE = (slice(0, 8), slice(0, 64))
ORIENTATION = 0x0112  # EXIF and TIFF tag

# D50 primaries of ProPhoto RGB (ISO 22028-2, "ROMM RGB"), far outside sRGB.
WIDE_PRIMARIES = ((0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249))
D50 = (0.9642, 1.0, 0.8249)


def green_screen(depth: int = 8) -> NDArray[Any]:
    """uint8 or uint16 (HEIGHT, WIDTH, 3): a textured block before green, no two rows or columns alike."""
    top = 2**depth - 1
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8 if depth == 8 else np.uint16)
    picture[..., 1] = top
    y, x = np.mgrid[12:36, 20:44]
    picture[12:36, 20:44, 0] = top * (y + 20) // 64
    picture[12:36, 20:44, 1] = top // 16
    picture[12:36, 20:44, 2] = top * (x - 10) // 64
    return picture


def turned(picture: NDArray[Any], orientation: int) -> NDArray[Any]:
    """What Pillow makes of (H, W, C) with that orientation; any depth, since it turns the pixels' numbers."""
    height, width, channels = picture.shape
    numbers = Image.fromarray(np.arange(height * width, dtype=np.int32).reshape(height, width))
    numbers.getexif()[ORIENTATION] = orientation
    upright = ImageOps.exif_transpose(numbers)
    flat: NDArray[Any] = picture.reshape(-1, channels)
    result: NDArray[Any] = flat[np.asarray(upright)]
    return result


def exif(orientation: int) -> Image.Exif:
    made = Image.Exif()
    made[ORIENTATION] = orientation
    return made


def icc_profile(primaries: tuple[tuple[float, ...], ...] = WIDE_PRIMARIES, gamma: float = 1.8) -> bytes:
    """A display profile of three primaries and one gamma (ICC.1:2001-04, matrix and tone curve)."""

    def xyz(values: tuple[float, ...]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    name = b"wide\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(4 + 4 + 2 + 1 + 67)
    tags = [(b"desc", description), (b"cprt", b"text\0\0\0\0CC0\0"), (b"wtpt", xyz(D50))]
    tags += [(letter + b"XYZ", xyz(p)) for letter, p in zip((b"r", b"g", b"b"), primaries, strict=True)]
    tags += [(letter + b"TRC", curve) for letter in (b"r", b"g", b"b")]
    return _icc_file(b"mntr", tags)


def scanner_profile() -> bytes:
    """A profile that leads from RGB to Lab by a table and not back, as a scanner's may."""
    ramp = bytes(range(256))
    corners = bytes(v for r in (0, 255) for g in (0, 255) for b in (0, 255) for v in ((r + g + b) // 3, 128, 128))
    identity = b"".join(struct.pack(">i", 65536 * (i % 4 == 0)) for i in range(9))
    table = b"mft1\0\0\0\0" + bytes((3, 3, 2, 0)) + identity + ramp * 3 + corners + ramp * 3
    return _icc_file(b"scnr", [(b"A2B0", table)], connection=b"Lab ")


def _icc_file(kind: bytes, tags: list[tuple[bytes, bytes]], connection: bytes = b"XYZ ") -> bytes:
    table, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags:
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    white = b"".join(struct.pack(">i", round(v * 65536)) for v in D50)
    header = struct.pack(">I", start + len(data)) + bytes(4) + b"\2\x40\0\0" + kind + b"RGB " + connection
    header += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + white
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def png(samples: NDArray[Any], *, depth: int, colour: int, extra: bytes = b"") -> bytes:
    """A PNG of rows as they are (PNG specification 11.2), for kinds that no library here writes.

    Args:
        samples: uint8 or uint16, one row of it a row of the picture.
        colour: the header's colour type; 0 grey, 2 RGB, 4 grey and alpha, 6 RGBA.
        extra: whole chunks between the header and the data.
    """
    height = samples.shape[0]
    width = samples.shape[1] * (8 if depth == 1 else 1)
    rows = np.ascontiguousarray(samples.astype(samples.dtype.newbyteorder(">"))).reshape(height, -1).view(np.uint8)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    data = zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes(), 1)
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def loaded(path: Path) -> NDArray[Any]:
    """A file's 8-bit pixels as Pillow reads them."""
    with Image.open(path) as image:
        return np.array(image)
