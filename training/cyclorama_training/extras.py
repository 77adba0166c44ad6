"""What the recipe of `portrait` calls `extra`, made beside the data: rooms, things that are no person, more people.

`python -m cyclorama_training.extras --help`: one command for each of the folders `scenes`, `animals`, `things` and
`more`. Nothing is fetched: the pictures are those of this project, of packages that are installed, and of folders.
"""

from __future__ import annotations

import shutil
import struct
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from cyclorama import Engine, Settings
from cyclorama.catalogue import built_in
from cyclorama.errors import CycloramaError, MediaError, SettingError
from cyclorama.types import Alpha
from cyclorama_training import outfit_data
from cyclorama_training.data import MAX_UNSURE_SHARE, PEOPLE_HELD_BACK, Image, series, split_of, unsure_share
from cyclorama_training.metrics import iou
from cyclorama_training.readers import PICTURES, pictures_in, read

SMALLEST_SIDE = 150  # pixels of a picture or thing that is worth keeping
# GCompris' photographs: file (without its ending) of its resources -> what the names of pictures begin with; its other
# resources are drawn, or show people.
PHOTOGRAPHS = {
    "explore_world_animals": ("animals/",),
    "explore_farm_animals": ("animals/",),
    "erase": ("",),
    "categorization": ("images/fishes/", "images/tools/", "images/renewable/", "images/others/"),
    "clickgame": ("sea",),
}
# Folders of Tux Paint's stamps, and parts of paths in them that are drawn, toys, or people.
STAMPS = ("animals", "food", "hobbies", "household", "military", "plants", "vehicles")
NO_STAMPS = ("cartoon", "toys", "arttools", "fireman", "paratrooper")
# What the names of outfit pictures begin with -> the folder of `people` that they could be in.
SOURCES = {"sports22": "sports", "ccp": "street", "idenprof": "work"}
OTHER_SOURCE = "leisure"
HASH_SIDE, SAME_BITS = 8, 6  # of the hash of differences; pictures with so few bits between them are one
AGREED_IOU = 0.9
COVERED_SHARE = 0.01, 0.8  # of the frame

Find: TypeAlias = Callable[[Image], Alpha]

RESOURCE_FOLDER, RESOURCE_ZLIB, RESOURCE_ZSTD = 2, 1, 4  # flags of Qt's resources

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)
DataArgument = Annotated[Path, typer.Argument(metavar="DATA", help="Folder with the recipe's people and rooms.")]


@app.command("scenes")
def scenes_command(data: DataArgument) -> None:
    """The project's own scenes as rooms."""
    with made(data, "scenes") as folder:
        for scene in built_in():
            if scene.file.suffix == ".jpg":
                shutil.copy(scene.file, folder)


@app.command("animals")
def animals_command(
    data: DataArgument,
    resources: Annotated[Path, typer.Argument(help="GCompris' .rcc files: /usr/share/gcompris-qt/rcc.")],
) -> None:
    """Photographs of animals and machines of GCompris as rooms (Debian's gcompris-qt-data)."""
    with made(data, "animals") as folder:
        for stem, beginnings in PHOTOGRAPHS.items():
            for name, content in resource_files(resources / f"{stem}.rcc"):
                inner = name.partition("/resource/")[2]
                if not inner.startswith(beginnings) or Path(inner).suffix not in PICTURES:
                    continue
                picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
                if picture is not None and min(picture.shape[:2]) >= SMALLEST_SIDE:
                    short = "_".join((stem, *Path(inner).with_suffix("").parts))
                    cv2.imwrite(str(folder / f"{short}.png"), picture)


@app.command("things")
def things_command(
    data: DataArgument, stamps: Annotated[Path, typer.Argument(help="Tux Paint's: /usr/share/tuxpaint/stamps.")]
) -> None:
    """Cut-outs of what is no person, of Tux Paint's stamps (Debian's tuxpaint-stamps-default)."""
    with made(data, "things") as folder:
        for path in (path for top in STAMPS for path in sorted((stamps / top).rglob("*.png"))):
            inner = path.relative_to(stamps)
            if any(word in str(inner) for word in NO_STAMPS):
                continue
            picture = read(path, cv2.IMREAD_UNCHANGED)
            if picture.shape[2:] == (4,) and max(picture.shape[:2]) >= SMALLEST_SIDE:
                shutil.copy(path, folder / "_".join(inner.parts))


@app.command("more")
def more_command(
    data: DataArgument,
    pictures: Annotated[Path, typer.Argument(help="Folder of folders of pictures, such as the outfits'.")],
) -> None:
    """People whom the shipped network finds by itself, where two of its sizes agree. Look through them afterwards."""
    settings = Settings(decontaminate=False, refine=False)
    best, plain = Engine("portrait-best"), Engine("portrait")
    known = sorted((data / "people").glob("*/images/*"))
    found = agreed_on(
        pictures, known, lambda rgb: best.matte(rgb, settings).alpha, lambda rgb: plain.matte(rgb, settings).alpha
    )
    with made(data, "more") as folder:
        for source, name, picture, matte in found:
            for part, image in (("images", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)), ("mattes", matte)):
                (folder / source / part).mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(folder / source / part / f"{name}.png"), image)


@contextmanager
def made(data: Path, name: str) -> Iterator[Path]:
    """A new folder in the data folder, which is there once it is whole.

    Raises:
        SettingError: the data folder is missing, or has it already; or nothing was put into it.
    """
    folder = data / name
    if not data.is_dir():
        raise SettingError(f"{data}: no such folder; expected the one with people and backgrounds in it")
    if folder.exists():
        raise SettingError(f"{folder}: exists; remove it to have it made anew")
    with tempfile.TemporaryDirectory(dir=data, prefix=f".{name}-") as part:
        whole = Path(part) / name
        whole.mkdir()
        yield whole
        count = sum(path.is_file() for path in whole.rglob("*"))
        if not count:
            raise SettingError(f"{folder}: nothing of use was found for it; expected the folder that --help names")
        whole.rename(folder)
    print(f"{folder}: {count} files")


def resource_files(path: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of a file of Qt's resources (.rcc), formats 1 to 3.

    Raises:
        MediaError: it is another file, damaged, or packed in a way that is not read.
    """
    data = path.read_bytes()
    if data[:4] != b"qres":
        raise MediaError(f"{path}: expected a file of Qt's resources")
    version, tree, contents, names = struct.unpack(">4I", data[4:20])
    size = 14 if version == 1 else 22  # bytes of a node

    def walk(node: int, above: str) -> Iterator[tuple[str, bytes]]:
        at = tree + node * size
        place, flags = struct.unpack(">IH", data[at : at + 6])
        (length,) = struct.unpack(">H", data[names + place : names + place + 2])
        name = data[names + place + 6 : names + place + 6 + 2 * length].decode("utf-16-be")
        inner = f"{above}/{name}" if node else ""  # the root's name is another's
        if flags & RESOURCE_FOLDER:
            count, first = struct.unpack(">II", data[at + 6 : at + 14])
            for child in range(first, first + count):
                yield from walk(child, inner)
            return
        (offset,) = struct.unpack(">I", data[at + 10 : at + 14])
        start = contents + offset
        (length,) = struct.unpack(">I", data[start : start + 4])
        content = data[start + 4 : start + 4 + length]
        if flags & RESOURCE_ZLIB:
            content = zlib.decompress(content[4:])  # its length comes first
        elif flags & RESOURCE_ZSTD:
            raise MediaError(f"{path}: expected files as they are or packed by zlib, got Zstandard ({name})")
        yield inner, content

    try:
        yield from walk(0, "")
    except (struct.error, zlib.error, UnicodeDecodeError, RecursionError) as error:
        raise MediaError(f"{path}: is damaged ({error})") from error


def agreed_on(
    pictures: Path, known: Sequence[Path], best: Find, plain: Find
) -> Iterator[tuple[str, str, Image, Image]]:
    """Source, name, picture (uint8 RGB) and matte (uint8) of people on whom two networks agree.

    Left out are pictures that are known already, what the outfit detector is measured with, and names that the split
    of people holds back.

    Args:
        pictures: folder of folders of pictures.
        known: pictures that are known.
        best: whose alpha becomes the matte.
        plain: what it is held against.
    """
    hashes = np.array([difference_hash(read(path, cv2.IMREAD_COLOR)) for path in known])
    for path in (path for folder in sorted(pictures.iterdir()) if folder.is_dir() for path in pictures_in(folder)):
        source, name = SOURCES.get(path.stem.split("_")[0], OTHER_SOURCE), f"{path.parent.name}_{path.stem}"
        held_back = split_of(f"{source}/{series(name)}", PEOPLE_HELD_BACK) != "train"
        if held_back or outfit_data.split_of(path.stem) == "test":
            continue
        bgr = read(path, cv2.IMREAD_COLOR)
        if known and (hashes != difference_hash(bgr)).sum(1).min() <= SAME_BITS:
            continue
        rgb = np.ascontiguousarray(bgr[..., ::-1])
        alpha = best(rgb)
        if not COVERED_SHARE[0] <= alpha.mean() <= COVERED_SHARE[1]:
            continue
        matte = np.rint(alpha * 255).astype(np.uint8)
        if unsure_share(matte) <= MAX_UNSURE_SHARE and iou(plain(rgb), alpha) >= AGREED_IOU:
            yield source, name, rgb, matte


def difference_hash(bgr: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each of 8 x 8 cells is brighter than the one beside it: alike for one picture at two sizes."""
    gray = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(gray, (HASH_SIDE + 1, HASH_SIDE), interpolation=cv2.INTER_AREA)
    return (small[:, 1:] > small[:, :-1]).ravel()


if __name__ == "__main__":
    try:
        app()
    except (CycloramaError, OSError) as error:
        sys.exit(str(error))
