"""A contact sheet of all built-in scenes, by kind; of a clip its first frame.

python -m cyclorama_scenes.sheet FILE.jpg
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import tomllib
from PIL import Image, ImageDraw, ImageFont

from cyclorama_scenes import CATALOGUE
from cyclorama_scenes.measure import first_picture

KINDS = ("beach", "stadium", "court", "gym", "office", "home", "studio")
COLUMNS = 4
WIDTH, HEIGHT, GAP, CAPTION = 400, 225, 12, 26  # pixels
MOST_BYTES = 400_000


def sheet() -> Image.Image:
    entries = sorted(tomllib.loads(CATALOGUE.read_text("utf-8"))["scene"], key=lambda entry: KINDS.index(entry["kind"]))
    rows = -(-len(entries) // COLUMNS)
    size = (GAP + COLUMNS * (WIDTH + GAP), GAP + rows * (HEIGHT + CAPTION + GAP))
    made = Image.new("RGB", size, (24, 24, 26))
    draw = ImageDraw.Draw(made)
    font = ImageFont.load_default(15)
    for number, entry in enumerate(entries):
        x = GAP + number % COLUMNS * (WIDTH + GAP)
        y = GAP + number // COLUMNS * (HEIGHT + CAPTION + GAP)
        picture = Image.fromarray(first_picture(CATALOGUE.parent / entry["file"]))
        made.paste(picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS), (x, y))
        clip = "  (clip)" if entry["loop"] else ""
        draw.text((x, y + HEIGHT + 5), f"{entry['name']}{clip}", fill=(205, 205, 200), font=font)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, metavar="FILE")
    target = parser.parse_args().file
    made = sheet()
    for quality in range(88, 40, -4):
        memory = io.BytesIO()
        made.save(memory, "JPEG", quality=quality, optimize=True, progressive=True)
        if memory.tell() <= MOST_BYTES:
            break
    target.write_bytes(memory.getvalue())


if __name__ == "__main__":
    main()
