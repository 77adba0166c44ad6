"""Cases for a real GIMP: one picture as every kind of layer, and what the engine itself makes of it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from cyclorama.colour import linear_from_srgb, srgb_from_linear
from cyclorama_ffmpeg.demonstration import photograph
from pictures import icc_profile

Float = NDArray[np.float32]
HEIGHT, WIDTH = 240, 320
WIDE_GAMMA = 461 / 256  # of `icc_profile`, as its file holds it
CANVAS, OFFSETS = (200, 280), (-30, 25)  # the layer is larger than the image and lies beside its corner
SELECTION = (60, 20, 120, 160)  # x, y, width, height; in the image
# The rectangle that the engine sees then: a quarter of the selection's sides around it, inside of the layer.
SEEN = (slice(0, 220), slice(30, 210))


@dataclass(frozen=True)
class Kind:
    """One kind of layer.

    Attributes:
        case: what `made_gimp_images.py` needs of it.
        pixels: uint8, uint16 or float32 (H, W, 3) as they are in the layer, encoded.
        view: uint8 or uint16, what the engine is to see; None where that is not sRGB and GIMP converts it.
    """

    case: dict[str, Any]
    pixels: NDArray[Any]
    view: NDArray[Any] | None

    @property
    def top(self) -> int:
        return 1 if self.pixels.dtype == np.float32 else int(np.iinfo(self.pixels.dtype).max)


def kinds() -> dict[str, Kind]:
    """Every kind of layer, by name."""
    eight = np.ascontiguousarray(cv2.resize(photograph()[:384], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA))
    rng = np.random.default_rng(5)
    # True 16 bits, and floats with lamps above 1 that must not be clipped.
    sixteen = eight.astype(np.uint16) * np.uint16(257) ^ rng.integers(0, 128, eight.shape, np.uint16)
    floats = (sixteen / np.float32(65535)).astype(np.float32)
    floats[:24, :24] = 1.75
    floats[100:110, 150:160] += np.float32(1.5)  # on the subject
    gray = np.repeat(cv2.cvtColor(eight, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    seen = np.rint(np.clip(floats, 0, 1) * 65535).astype(np.uint16)
    plain = {"base": "rgb", "precision": "U8_NON_LINEAR"}
    return {
        "8-bit": Kind(plain, eight, eight),
        "16-bit": Kind({"base": "rgb", "precision": "U16_NON_LINEAR"}, sixteen, sixteen),
        "float-linear": Kind({"base": "rgb", "precision": "FLOAT_LINEAR"}, floats, seen),
        "gray": Kind({"base": "gray", "precision": "U8_NON_LINEAR"}, gray, gray),
        "wide-gamut": Kind({**plain, "profile": "wide.icc"}, vivid(eight), srgb_of(vivid(eight))),
        "indexed": Kind({**plain, "base": "indexed"}, eight, None),
        "offset": Kind({**plain, "canvas": CANVAS, "offsets": OFFSETS}, eight, eight),
        "selection": Kind({**plain, "selection": SELECTION}, eight, eight),
        "group": Kind({**plain, "group": True}, eight, eight),
    }


def vivid(eight: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture's numbers with a patch, on the subject, of the wide space's own red: far outside of sRGB."""
    picture = eight.copy()
    picture[150:170, 150:170] = (250, 5, 5)
    return picture


def srgb_of(wide: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What LittleCMS makes sRGB of it."""
    profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile()))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    return np.array(ImageCms.profileToProfile(Image.fromarray(wide), profile, srgb, renderingIntent=1))


def write_inputs(home: Path, made: dict[str, Kind]) -> None:
    (home / "wide.icc").write_bytes(icc_profile())
    for name, kind in made.items():
        kind.pixels.tofile(home / f"{name}.raw")


def case(name: str, kind: Kind, *calls: dict[str, Any]) -> dict[str, Any]:
    """A case of the script: a kind of layer and what is done with it."""
    samples = {"uint8": "u8", "uint16": "u16", "float32": "float"}
    given = {"file": f"{name}.raw", "sample": samples[str(kind.pixels.dtype)], "size": kind.pixels.shape[:2]}
    return {**kind.case, **given, "calls": list(calls)}


@dataclass(frozen=True)
class Seen:
    """One layer of an image in GIMP; float32 in [0, 1] where the colour space ends there.

    Attributes:
        srgb: uint8 (H, W, 3), what GIMP itself makes sRGB of it.
    """

    name: str
    group: str
    visible: bool
    offsets: tuple[int, int]
    pixels: Float
    mask: Float | None
    srgb: NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """An image in GIMP: its layers from the top, its selection, and all of it flattened."""

    layers: list[Seen]
    selection: Float
    shown: Float
    selected: list[str]

    def layer(self, name: str) -> Seen:
        (found,) = (layer for layer in self.layers if layer.name == name)
        return found


def picture_of(home: Path, answer: dict[str, Any]) -> Picture:
    """What the script described."""

    def plane(file: str, size: list[int], channels: int) -> Float:
        return np.fromfile(home / file, np.float32).reshape(*size, channels)

    layers = []
    for each in answer["layers"]:
        if each["name"] == "group":
            continue
        mask = plane(each["mask"], each["size"], 1)[..., 0] if each["mask"] else None
        pixels = plane(each["pixels"], each["size"], 4)
        srgb = np.fromfile(home / each["srgb"], np.uint8).reshape(*each["size"], 3)
        layers.append(Seen(each["name"], each["group"], each["visible"], tuple(each["offsets"]), pixels, mask, srgb))
    selection = plane(answer["selection"], answer["size"], 1)[..., 0]
    return Picture(layers, selection, plane(answer["shown"], answer["size"], 4)[..., :3], answer["selected"])


def over(subject: Float, mask: Float, background: Float, gamma: float | None) -> Float:
    """The composite by NumPy as GIMP's perceptual blending defines it: values of sRGB's curve.

    Args:
        subject, background: encoded by the image's own space.
        gamma: of that space; None: sRGB's curve already.
    """
    a = mask[..., None]
    if gamma is None:
        return subject * a + background * (1 - a)
    f, b = (srgb_from_linear(x ** np.float32(gamma)) for x in (subject, background))
    mixed: Float = linear_from_srgb(f * a + b * (1 - a)) ** np.float32(1 / gamma)
    return mixed
