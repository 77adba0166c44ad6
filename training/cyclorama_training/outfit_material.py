"""The outfit detector's recipe, and what it is trained on and measured with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cyclorama.band import shrink
from cyclorama.errors import SettingError
from cyclorama.matting import Matter, portrait
from cyclorama.refine import upsample_alpha
from cyclorama_training.data import Image
from cyclorama_training.outfit_compose import Composer
from cyclorama_training.outfit_crops import Crops
from cyclorama_training.outfit_data import (
    CASUAL,
    CLASSES,
    Box,
    Closeup,
    Scene,
    Split,
    Wearer,
    closeups,
    further,
    plate,
    scenes,
    shrunk,
    wearers,
)
from cyclorama_training.readers import Source, pictures, read
from cyclorama_training.recipe import reading

CUT_OUT_SIDE = 320  # pixels; more than the network sees of most people
ROOM_SIDE = 480
PASTED = {"validation": 200, "test": 200}  # pictures of held-back people before held-back rooms and places
PASTED_SIDE = 480
SQUASHED = 224  # pixels: IdenProf's squares, in which all classes are shown as well


@dataclass(frozen=True, slots=True)
class Further:
    """A table `[[further]]`: more people, from a folder with images and mattes; see `further`.

    They are for training; of casual ones those are measured with, too, that the split holds back.
    """

    path: str
    kind: str
    names: str = ""


@dataclass(frozen=True, slots=True)
class ClothesRecipe:
    """The table `[clothes]`: how the last blocks of the network that reads clothes are trained.

    Attributes:
        crops: how many squares are drawn, beside everybody as they are.
        bare: share of them without anything behind the person.
        frozen: blocks of EfficientNet-Lite2's 21 that stay as ImageNet taught them.
        rate: of the blocks; the last layer, which is new, learns faster.
    """

    seed: int
    crops: int
    bare: float
    frozen: int
    epochs: int
    batch: int
    rate: float
    weight_decay: float
    dropout: float


@dataclass(frozen=True, slots=True)
class OutfitRecipe:
    """A recipe file with `kind = "outfit"`: see `recipes/outfit.toml`. Paths are below the data folder.

    What no other class holds is of the network that finds people.

    Attributes:
        pictures: folder with a folder for each class.
        rooms: folder of pictures without people.
        start: .safetensors of YOLOv5n.
        clothes: of the network that reads clothes.
        small_side, side: pixels of the network's square during the first `small_share` of the steps, and after.
        frozen: layers that are not trained.
    """

    pictures: str
    rooms: str
    start: str
    further: tuple[Further, ...]
    clothes: ClothesRecipe
    seed: int
    steps: int
    batch: int
    side: int
    small_side: int
    small_share: float
    whole_share: float
    rate: float
    backbone_rate_share: float
    frozen: int
    weight_decay: float
    ema_decay: float
    validate_every: int
    precision: str

    @classmethod
    def read(cls, path: Path) -> OutfitRecipe:
        """Reads a recipe file.

        Raises:
            SettingError: it is no TOML, or a key is missing, unknown or senseless.
        """
        with reading(path) as values:
            tables = tuple(Further(**table) for table in values.get("further", []))
            if wrong := [table.kind for table in tables if table.kind not in CLASSES]:
                raise ValueError(f"kind: expected one of {', '.join(CLASSES)}, got {wrong[0]!r}")
            clothes = ClothesRecipe(**values["clothes"])
            return cls(further=tables, clothes=clothes, **values["data"], **values["train"])


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture to measure with.

    Attributes:
        part: "original", "pasted", "squashed", "group", "unclear", "close" or "empty".
        source: data set; see `source_of`.
        rgb: uint8 (H, W, 3).
        truths: class and box of everybody; of a group, boxes may hold several people.
    """

    part: str
    source: str
    rgb: Image
    truths: tuple[tuple[str, Box], ...]


@dataclass(slots=True)
class Material:
    """One split, read."""

    people: dict[str, list[Wearer]]
    scenes: list[Scene]
    places: list[tuple[str, Image]]
    rooms: list[Image]
    closeups: list[Closeup]
    close: list[Scene]

    @classmethod
    def read(cls, recipe: OutfitRecipe, root: Path, split: Split, mattes: Path | None = None) -> Material:
        """Reads what the recipe names; mattes are made by the engine.

        Args:
            mattes: folder to keep them in, or that has them from before.

        Raises:
            SettingError: a folder is missing under `root`, or nothing of a class is there.
            MediaError: a file cannot be read.
        """
        material = cls({kind: [] for kind in CLASSES}, [], [], [], [], [])
        source = Source("pictures", recipe.rooms)
        rooms = pictures(source, root, "train" if split == "train" else "validation", ROOM_SIDE)
        material.rooms += [room.picture for room in rooms]
        for scene, alpha in scenes(root / recipe.pictures, split, matte_maker(mattes)):
            material.scenes.append(scene)
            material.places.append((scene.boxes[0][0], plate(scene, alpha)))
            for wearer in wearers(scene, alpha):
                material.people[wearer.kind].append(shrunk(wearer, CUT_OUT_SIDE))
            material.closeups += closeups(scene, alpha)
        for table in recipe.further:
            for scene, alpha in further(root / table.path, table.kind, table.names, split):
                if split == "train":
                    material.people[table.kind] += [shrunk(wearer, CUT_OUT_SIDE) for wearer in wearers(scene, alpha)]
                    material.closeups += closeups(scene, alpha)
                elif table.kind == CASUAL:
                    material.close.append(scene)
        if not material.rooms or not all(material.people.values()):
            counts = ", ".join(f"{len(people)} {kind}" for kind, people in material.people.items())
            got = f"{len(material.rooms)} rooms; {counts}"
            raise SettingError(f"{root}: expected rooms and people of every class for {split}, got {got}")
        return material

    def composer(self, whole_share: float = 0.0) -> Composer:
        by_kind: Mapping[str, Sequence[Scene]] = {
            kind: [s for s in self.scenes if s.boxes[0][0] == kind and s.whole] for kind in CLASSES
        }
        # Casual people's streets are left as they are: passers-by in them were not cut out.
        places = [place for kind, place in self.places if kind != CLASSES[-1]]
        return Composer(self.people, by_kind, [*self.rooms, *places], whole_share)

    def crops(self, side: int, bare: float) -> Crops:
        """What the network that reads clothes is shown; see `Crops`."""
        by_kind = {kind: [each for each in self.closeups if each.kind == kind] for kind in CLASSES}
        return Crops(by_kind, self.rooms, side, bare)

    def pictures(self, split: Split) -> Iterator[Labelled]:
        """What is measured with: the pictures as they are, and in one another's style and place."""
        for scene in self.scenes:
            part = scene.verdict if scene.verdict in ("group", "unclear") else "original" if scene.whole else ""
            if not part:
                continue
            yield Labelled(part, source_of(scene.name), scene.rgb, scene.boxes)
            if part == "original":
                rgb, truths = squashed(scene)
                yield Labelled("squashed", source_of(scene.name), rgb, truths)
        composer, rng = self.composer(), np.random.default_rng(1)
        for _ in range(PASTED[split]):
            rgb, boxes = composer.composed(rng, PASTED_SIDE)
            yield Labelled("pasted", "pasted", rgb, tuple(boxes))
        for scene in self.close:
            yield Labelled("close", source_of(scene.name), scene.rgb, scene.boxes)
        for room in self.rooms:
            yield Labelled("empty", "rooms", room, ())


def squashed(scene: Scene) -> tuple[Image, tuple[tuple[str, Box], ...]]:
    """The scene as IdenProf's pictures are: a small square, whatever its shape was, compressed."""
    h, w = scene.rgb.shape[:2]
    small = cv2.resize(scene.rgb, (SQUASHED, SQUASHED), interpolation=cv2.INTER_AREA)
    _, packed = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 75])
    x, y = SQUASHED / w, SQUASHED / h
    truths = tuple((k, (round(b[0] * x), round(b[1] * y), round(b[2] * x), round(b[3] * y))) for k, b in scene.boxes)
    return cv2.imdecode(packed, cv2.IMREAD_COLOR), truths  # type: ignore[return-value]


def source_of(name: str) -> str:
    """`beachwear/swim_flickr8k_...` is of swim, `workwear/ccp_0172` of ccp, as the files are named."""
    return name.split("/")[1].split("_")[0]


def matte_maker(folder: Path | None) -> Callable[[Path, Image], Image]:
    """Mattes of one look of `portrait`, kept in a folder if there is one."""
    loaded: list[Matter] = []

    def make(path: Path, rgb: Image) -> Image:
        kept = folder / path.parent.name / f"{path.stem}.png" if folder else None
        if kept is not None and kept.is_file():
            return read(kept, cv2.IMREAD_GRAYSCALE)
        if not loaded:
            loaded.append(portrait.create_once(device="cpu", threads=0))
        (matter,) = loaded
        small = shrink(rgb, *matter.size(*rgb.shape[:2]))
        alpha, _ = matter.step(small, matter.start(*small.shape[:2]))
        matte = np.rint(upsample_alpha(alpha, small, rgb) * 255).astype(np.uint8)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(kept), matte)
        return matte

    return make
