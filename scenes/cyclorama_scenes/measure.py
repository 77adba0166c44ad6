"""Writes what can be measured of the scenes into their catalogue: mean colour, luminance, warmth.

python -m cyclorama_scenes.measure
"""

from __future__ import annotations

import re
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

import cyclorama_scenes
from cyclorama.look import statistics


def first_picture(path: Path) -> NDArray[np.uint8]:
    """A still, or a clip's first frame: uint8 (H, W, 3)."""
    if path.suffix == cyclorama_scenes.STILL:
        with Image.open(path) as opened:
            return np.asarray(opened.convert("RGB"))
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb24").astype(np.uint8, copy=False)


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
