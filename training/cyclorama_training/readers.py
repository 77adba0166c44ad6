"""Reading people and rooms from files: one reader for each kind of data, chosen in the recipe.

People are read from pictures with mattes or masks beside them, from RGBA cut-outs, and from videos; rooms from
pictures and from videos. All frames of a video belong to one split, as do the pictures of one series.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import cv2
import numpy as np

from cyclorama.errors import MediaError, SettingError
from cyclorama_training import footage
from cyclorama_training.data import (
    PEOPLE_HELD_BACK,
    ROOMS_HELD_BACK,
    Image,
    Person,
    Room,
    Split,
    fit,
    peopled,
    person,
    series,
    split_of,
)

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"}
EVERY = 12  # frames; half a second of film: fewer bring the same picture again
# Pictures of COCO show things and animals from near, which the rooms of the others do not.
ROOM_WEIGHT = {"coco128": 2.5}
# Pixels around a cut-out that take its nearest colours, so that scaling and turning bring no fringe.
MARGIN = 8


@dataclass(frozen=True, slots=True)
class Source:
    """One `[[people]]`, `[[rooms]]` or `[[things]]` table of a recipe; paths are below the data folder.

    Attributes:
        kind: a key of `PEOPLE`, `ROOMS` or `THINGS`.
        path: folder of the pictures or videos.
        mattes: folder of grey pictures (or videos) named as those of `path`: alpha.
        masks: the same of pictures in which whatever is not black is the person, at full: hand-made outlines.
        name: what the names of its people begin with, and so what puts them into a split; the first part of `path`
            by default.
        weight: how often it is drawn beside the other sources; of rooms, each picture (or whole video) of it.
        every: takes one frame of a video in this many.
        extra: for training alone, and left out where its folder is missing: what few have, and figures must not need.
    """

    kind: str
    path: str
    mattes: str = ""
    masks: str = ""
    name: str = ""
    weight: float | None = None
    every: int = EVERY
    extra: bool = False

    @classmethod
    def parse(cls, table: Mapping[str, Any], kinds: Mapping[str, Any]) -> Source:
        """Checks a table of a recipe against the kinds there are.

        Raises:
            SettingError: an unknown kind or key, or a key that its kind has no use for.
        """
        if table.get("kind") not in kinds:
            raise SettingError(f"expected kind = {' or '.join(map(repr, kinds))}, got {table.get('kind')!r}")
        known = {"kind", "path"} | KEYS[table["kind"]]
        if "path" not in table or not table.keys() <= known:
            raise SettingError(f"{table['kind']}: expected path and any of {sorted(known)}, got {sorted(table)}")
        source = cls(**table)
        if source.every < 1:
            raise SettingError(f"{source.path}: expected every = 1 or more, got {source.every}")
        if source.kind == "pairs" and bool(source.mattes) == bool(source.masks):
            raise SettingError(f"{source.path}: expected mattes or masks, the folder that lies beside it")
        return source if source.name else replace(source, name=Path(source.path).parts[0])

    def has_part_in(self, root: Path, split: Split) -> bool:
        """Whether it is read for a split."""
        return not self.extra or (split == "train" and (root / self.path).is_dir())

    def folder(self, root: Path, part: str = "path") -> Path:
        """A folder of the source.

        Raises:
            SettingError: it is not there.
        """
        folder = root / getattr(self, part)
        if not folder.is_dir():
            raise SettingError(f"{folder}: no such folder; the data folder must hold what the recipe names")
        return folder


def folders(source: Source, root: Path, split: Split, long_side: int) -> Iterator[Person]:
    """`path/SOURCE/images` with `path/SOURCE/mattes`, for each SOURCE there is."""
    path = source.folder(root)
    for name in sorted(p.name for p in path.iterdir() if (p / "mattes").is_dir()):
        inner = Source("pairs", f"{source.path}/{name}/images", mattes=f"{source.path}/{name}/mattes", name=name)
        yield from pairs(inner, root, split, long_side)


def pairs(source: Source, root: Path, split: Split, long_side: int) -> Iterator[Person]:
    """Pictures with mattes or masks of the same name; pictures without are left out."""
    beside = {p.stem: p for p in source.folder(root, "masks" if source.masks else "mattes").iterdir()}
    for path in sorted(source.folder(root).iterdir()):
        if path.stem not in beside or split_of(f"{source.name}/{series(path.stem)}", PEOPLE_HELD_BACK) != split:
            continue
        matte = read(beside[path.stem], cv2.IMREAD_GRAYSCALE)
        if source.masks:
            matte = np.where(matte > 0, 255, 0).astype(np.uint8)
        picture = cv2.cvtColor(read(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        found = person(f"{source.name}/{path.stem}", fit(picture, long_side), fit(matte, long_side))
        if found is not None:
            yield found


def cutouts(source: Source, root: Path, split: Split, long_side: int) -> Iterator[Person]:
    """RGBA pictures, 8 or 16 bits, straight alpha; their colours are taken for the person's own."""
    for path in pictures_in(source.folder(root)):
        if split_of(f"{source.name}/{series(path.stem)}", PEOPLE_HELD_BACK) == split:
            rgba = cv2.cvtColor(read_rgba(path), cv2.COLOR_BGRA2RGBA)
            found = cut_out(f"{source.name}/{path.stem}", rgba, long_side)  # type: ignore[arg-type]
            if found is not None:
                yield found


def video(source: Source, root: Path, split: Split, long_side: int) -> Iterator[Person]:
    """Videos with a matte video of the same name in `mattes`, or NAME-matte.* beside, or with an alpha channel."""
    mattes = source.folder(root, "mattes") if source.mattes else None
    for path, matte in footage.with_mattes(source.folder(root), mattes):
        group = f"{source.name}/{path.stem}"
        if split_of(group, PEOPLE_HELD_BACK) != split:
            continue
        for index, rgb, alpha in footage.people(path, matte, source.every):
            name = f"{group}/{index:05}"
            if matte is None:
                found = cut_out(name, np.dstack([rgb, alpha]), long_side)
            else:
                found = person(name, fit(rgb, long_side), fit(alpha, long_side))
            if found is not None:
                yield found


def pictures(source: Source, root: Path, split: Split, long_side: int) -> Iterator[Room]:
    """Pictures without people; those that are known to show some are left out."""
    for path in pictures_in(source.folder(root)):
        if path.stem in peopled():
            continue
        # Pictures that one visitor took within a minute show the same room: they go together.
        group = re.sub(r"_\d{3}$", "", path.stem) if path.stem.startswith("davidg") else path.stem
        if split_of(group, ROOMS_HELD_BACK) == split:
            picture = cv2.cvtColor(read(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
            weight = ROOM_WEIGHT.get(path.stem.split("_")[0], 1.0) * (1.0 if source.weight is None else source.weight)
            yield Room(path.stem, fit(picture, long_side), weight)


def room_video(source: Source, root: Path, split: Split, long_side: int) -> Iterator[Room]:
    """Videos without people; together the frames of one are drawn as often as a picture."""
    for path in footage.videos_in(source.folder(root)):
        if split_of(path.stem, ROOMS_HELD_BACK) == split:
            frames = [(index, fit(rgb, long_side)) for index, rgb, _ in footage.frames(path, source.every)]
            weight = (1.0 if source.weight is None else source.weight) / max(1, len(frames))
            yield from (Room(f"{path.stem}/{index:05}", rgb, weight) for index, rgb in frames)


def pictures_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in PICTURES)


def read(path: Path, flags: int) -> Image:
    """A picture as OpenCV gives it: grey, BGR or BGRA.

    Raises:
        MediaError: it is damaged, or none.
    """
    image = cv2.imread(str(path), flags)
    if image is None:
        raise MediaError(f"{path}: expected a picture that OpenCV reads")
    return image  # type: ignore[return-value]


def read_rgba(path: Path) -> Image:
    """uint8 BGRA (H, W, 4).

    Raises:
        MediaError: it is damaged, or has no alpha.
    """
    image = read(path, cv2.IMREAD_UNCHANGED)
    if image.ndim != 3 or image.shape[2] != 4:
        raise MediaError(f"{path}: expected a cut-out with an alpha channel, got a picture without")
    return (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image


def cut_out(name: str, rgba: Image, long_side: int) -> Person | None:
    """A person from straight RGBA, uint8 (H, W, 4)."""
    # Colours are weighed by alpha when they are scaled: what a file holds where it is transparent may be anything.
    share = rgba[..., 3].astype(np.float32) / 255
    amount = fit(rgba[..., :3] * share[..., None], long_side)
    share = fit(share, long_side)
    window = (2 * MARGIN + 1, 2 * MARGIN + 1)
    near, near_share = cv2.blur(amount, window), cv2.blur(share, window)
    own, known = share[..., None] >= 1 / 255, near_share[..., None] >= 1e-4
    colours = np.where(own, amount / np.maximum(share, 1e-6)[..., None], near / np.maximum(near_share, 1e-6)[..., None])
    foreground = np.clip(np.rint(np.where(own | known, colours, 0)), 0, 255).astype(np.uint8)
    alpha = np.rint(share * 255).astype(np.uint8)
    grey = np.clip(np.rint(amount + 127 * (1 - share[..., None])), 0, 255).astype(np.uint8)
    return person(name, grey, alpha, foreground=foreground)


Found = TypeVar("Found", Person, Room)
Reader: TypeAlias = Callable[[Source, Path, Split, int], Iterator[Found]]
PEOPLE: dict[str, Reader[Person]] = {"folders": folders, "pairs": pairs, "cutouts": cutouts, "video": video}
ROOMS: dict[str, Reader[Room]] = {"pictures": pictures, "video": room_video}
THINGS: dict[str, Reader[Person]] = {"cutouts": cutouts}
# Keys of a table besides `kind` and `path`; a room source's name would say nothing.
KEYS = {
    "folders": {"extra"},
    "pairs": {"mattes", "masks", "name", "weight"},
    "cutouts": {"name", "weight", "extra"},
    "video": {"mattes", "name", "weight", "every"},
    "pictures": {"weight", "extra"},
}
