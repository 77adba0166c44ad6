"""Pictures with masks of the people in them, as the classics are trained on: read when they are drawn, not before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from cyclorama.errors import MediaError, SettingError
from cyclorama_training import coco
from cyclorama_training.data import Image, series, share_of, verdicts
from cyclorama_training.readers import pictures_in, read, read_rgba

Part = Literal["train", "validation", "test"]
SHARES = 10  # splits are counted in tenths


@dataclass(frozen=True, slots=True)
class Marked:
    """A picture and who is in it.

    Attributes:
        rgb: uint8 (H, W, 3) sRGB.
        alphas: uint8 (N, H, W), 255 = covered.
        apart: whether each of `alphas` is one person; else there is one, of all of them.
    """

    rgb: Image
    alphas: Image
    apart: bool

    @property
    def alpha(self) -> Image:
        """uint8 (H, W) of all people together."""
        return self.alphas.max(0, initial=0)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Example:
    """A picture that can be read.

    Attributes:
        group: what puts it into a part of the split: `source/file-stem`, of a series the name that they share.
        load: reads it whole.
    """

    group: str
    load: Callable[[], Marked]


@dataclass(frozen=True, slots=True)
class Table:
    """A `[[people]]` table of a classic's recipe; paths are below the data folder.

    Attributes:
        kind: a key of `KINDS`.
        path: folder that is read.
        annotations: COCO's file of annotations.
        people: least and most people in a picture of COCO's.
        covered: least and most share of a picture of COCO's that people cover.
    """

    kind: str
    path: str
    annotations: str = ""
    people: tuple[int, int] = (1, 1_000)
    covered: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SettingError(f"expected kind = {' or '.join(map(repr, KINDS))}, got {self.kind!r}")
        if (self.kind == "coco") != bool(self.annotations):
            raise SettingError(f"{self.path}: annotations are COCO's, and COCO's pictures need them")

    def examples(self, root: Path) -> Iterator[Example]:
        """What it names below `root`, in the order of the files' names."""
        return KINDS[self.kind](self, root)


def folders(table: Table, root: Path) -> Iterator[Example]:
    """`path/SOURCE/images` with grey `path/SOURCE/mattes` of the same names; mattes listed as wrong are left out."""
    for source in sorted(p for p in (root / table.path).iterdir() if (p / "mattes").is_dir()):
        mattes = {p.stem: p for p in pictures_in(source / "mattes")}
        for path in pictures_in(source / "images"):
            if path.stem in mattes and verdicts().get(f"{source.name}/{path.stem}") is None:
                yield Example(f"{source.name}/{series(path.stem)}", _with_matte(path, mattes[path.stem]))


def aisegment(table: Table, root: Path) -> Iterator[Example]:
    """AISegment's Matting Human Datasets: `clip_img/DAY/clip_N/NAME.jpg`, `matting/DAY/matting_N/NAME.png` (RGBA)."""
    base = root / table.path
    for path in sorted((base / "clip_img").glob("*/clip_*/*.jpg")):
        folder = path.parent.name.replace("clip_", "matting_", 1)
        matte = base / "matting" / path.parent.parent.name / folder / f"{path.stem}.png"
        if matte.is_file():  # a few of the data set are missing
            yield Example(f"aisegment/{path.stem}", _with_matte(path, matte))


def from_coco(table: Table, root: Path) -> Iterator[Example]:
    """Pictures of `path` with people in COCO's `annotations`, as many and as large as the table asks for."""
    for picture in coco.read(root / table.annotations):
        if picture.fits(table.people, table.covered):
            path = root / table.path / picture.file
            yield Example(f"coco/{path.stem}", _with_outlines(path, picture))


def _with_matte(path: Path, matte: Path) -> Callable[[], Marked]:
    def load() -> Marked:
        rgb, found = rgb_of(path), read(matte, cv2.IMREAD_UNCHANGED)
        alpha = read_rgba(matte)[..., 3] if found.ndim == 3 else found
        if alpha.shape != rgb.shape[:2]:
            raise MediaError(f"{matte}: expected a matte of {rgb.shape[1::-1]} as its picture, got {alpha.shape[::-1]}")
        return Marked(rgb, alpha[None], apart=False)

    return load


def _with_outlines(path: Path, picture: coco.Picture) -> Callable[[], Marked]:
    return lambda: Marked(rgb_of(path), picture.masks(), apart=True)


def rgb_of(path: Path) -> Image:
    return cv2.cvtColor(read(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)  # type: ignore[return-value]


KINDS: dict[str, Callable[[Table, Path], Iterator[Example]]] = {
    "folders": folders,
    "aisegment": aisegment,
    "coco": from_coco,
}


def part_of(group: str, split: Sequence[int]) -> Part:
    """Which part of a split a name is in, whatever other names there are.

    The first tenths are held back, so that those whom `cyclorama evaluate` shows are in nobody's training.

    Args:
        split: tenths for training, validation and test.
    """
    _, validation, test = split
    share = share_of(group, SHARES)
    if share < test:
        return "test"
    return "validation" if share < test + validation else "train"


def gather(tables: Sequence[Table], root: Path, split: Sequence[int]) -> dict[Part, list[Example]]:
    """The examples of all tables whose folder is there, by parts.

    Raises:
        SettingError: there is none to train on, or none to validate with.
    """
    parts: dict[Part, list[Example]] = {"train": [], "validation": [], "test": []}
    for table in tables:
        if (root / table.path).is_dir():
            for example in table.examples(root):
                parts[part_of(example.group, split)].append(example)
    if not parts["train"] or not parts["validation"]:
        wanted = ", ".join(f"{table.path} ({table.kind})" for table in tables)
        raise SettingError(
            f"{root}: expected pictures with people in any of {wanted}; "
            f"got {len(parts['train'])} to train on and {len(parts['validation'])} to validate with"
        )
    return parts


def fitted(marked: Marked, height: int, width: int) -> Marked:
    """Stretched to a size, as the classics do it: the proportions are not kept."""
    size = (width, height)
    shrinks = marked.rgb.shape[0] * marked.rgb.shape[1] > height * width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    alphas = [cv2.resize(alpha, size, interpolation=how) for alpha in marked.alphas]
    rgb: Image = cv2.resize(marked.rgb, size, interpolation=how)  # type: ignore[assignment]
    return Marked(rgb, np.stack(alphas), marked.apart)  # type: ignore[arg-type]
