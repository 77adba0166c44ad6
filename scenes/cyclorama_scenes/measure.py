"""Writes what can be measured of the scenes into their catalogue: mean colour, luminance, warmth.

python -m cyclorama_scenes.measure
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import cyclorama_scenes

LUMA = np.array([0.2126, 0.7152, 0.0722])  # BT.709


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of a whole picture.

    Attributes:
        mean: sRGB, 0...1.
        luminance: mean luma, 0...1.
        warmth: log2 of mean red over mean blue.
    """

    mean: tuple[float, float, float]
    luminance: float
    warmth: float


def first_picture(path: Path) -> NDArray[np.uint8]:
    """A still, or a clip's first frame: uint8 (H, W, 3)."""
    if path.suffix == cyclorama_scenes.STILL:
        with Image.open(path) as opened:
            return np.asarray(opened.convert("RGB"))
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24").astype(np.uint8, copy=False)


def statistics(pixels: NDArray[np.uint8]) -> Statistics:
    red, green, blue = (float(channel) / 255 for channel in pixels.reshape(-1, 3).mean(axis=0))
    return Statistics((red, green, blue), float(LUMA @ (red, green, blue)), float(np.log2(red / blue)))


def measured(table: str, folder: Path) -> str:
    """One [[scene]] table's text with its three measured lines replaced, or added at its end."""
    named = re.search(r'^file *= *"([^"]+)"', table, re.MULTILINE)
    if named is None or not (folder / named[1]).exists():
        return table
    found = statistics(first_picture(folder / named[1]))
    lines = {
        "mean": f"mean = [{', '.join(f'{channel:.3f}' for channel in found.mean)}]",
        "luminance": f"luminance = {found.luminance:.3f}",
        "warmth": f"warmth = {found.warmth:.3f}",
    }
    kept = [line for line in table.rstrip().splitlines() if line.split("=")[0].strip() not in lines]
    return "\n".join([*kept, *lines.values()]) + "\n"


def main() -> None:
    catalogue = cyclorama_scenes.CATALOGUE
    head, *tables = re.split(r"(?m)^(?=\[\[scene\]\])", catalogue.read_text("utf-8"))
    # A blank line between the tables, whatever there was.
    catalogue.write_text(head + "\n".join(measured(table, catalogue.parent) for table in tables), "utf-8")


if __name__ == "__main__":
    main()
