"""Still pictures as files: orientation, colour profile, alpha and 16 bits, in and out.

A picture keeps its own colour space. The network sees an sRGB copy; the background is converted to the
picture's profile, not the picture to sRGB, so that a wide gamut is not clipped.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from cyclorama.composite import composite
from cyclorama.engine import MOST_PIXELS, Engine, Session, check, cut_out
from cyclorama.errors import MediaError, OutputError, PictureError
from cyclorama.foreground import estimate_foreground
from cyclorama.types import Alpha, DeepRgb, Rgb, Settings, Transparent

READABLE = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif", ".bmp", ".gif", ".ppm", ".jfif"})
WRITABLE = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif")
HAVE_ALPHA = frozenset({".png", ".webp", ".tif", ".tiff", ".avif"})
HAVE_16_BITS = frozenset({".png", ".tif", ".tiff"})
ORIENTATION = 0x0112  # EXIF tag

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
# Pillow refuses at twice its own limit, and warns at one: the engine's limit is the one that holds.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """A picture from a file, upright.

    Attributes:
        pixels: uint8 or uint16 (H, W, 3) in the file's own colour space.
        srgb: uint8 (H, W, 3), the same for the network.
        alpha: float32 (H, W) of the file; None where it has none.
        icc: the file's colour profile; b"" means sRGB.
        exif: the file's EXIF without its orientation, which has been applied.
    """

    pixels: DeepRgb
    srgb: Rgb
    alpha: Alpha | None
    icc: bytes
    exif: bytes


def read(path: Path) -> Still:
    """Reads a picture file.

    Raises:
        MediaError: missing, empty, damaged, or not a picture.
        PictureError: too small or too large for the engine.
    """
    image = _open(path)
    exif = image.getexif()
    exif.pop(ORIENTATION, None)
    image = ImageOps.exif_transpose(image)
    icc = image.info.get("icc_profile") or b""
    if image.mode == "CMYK":  # no RGB profile to keep: its own leads to sRGB
        image, icc = _convert(image, icc, SRGB), b""
    deep = _read_deep(path, turned=exif.get(ORIENTATION, 1) != 1)
    alpha: Alpha | None = None
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        alpha = np.asarray(image.convert("RGBA").getchannel("A"), np.float32) / np.float32(255)
    profile = _profile(icc) if image.mode in ("RGB", "RGBA", "P", "PA") else None
    rgb = image.convert("RGB")
    pixels: DeepRgb = np.array(rgb)
    srgb: Rgb = np.array(_convert(rgb, icc, SRGB)) if profile else np.array(rgb)
    if deep is not None:
        pixels = deep[..., :3] if deep.shape[2] > 2 else np.repeat(deep[..., :1], 3, 2)
        if deep.shape[2] in (2, 4):
            alpha = deep[..., -1].astype(np.float32) / np.float32(65535)
        if profile is None:
            srgb = (pixels >> 8).astype(np.uint8)
    if alpha is not None:
        # What is transparent has any colour; middle grey tells the network nothing.
        srgb = np.rint(srgb * alpha[..., None] + 128 * (1 - alpha[..., None])).astype(np.uint8)
    still = Still(
        np.ascontiguousarray(pixels), np.ascontiguousarray(srgb), alpha, icc if profile else b"", exif.tobytes()
    )
    try:
        check(still.pixels)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from None
    return still


def _open(path: Path) -> Image.Image:
    if not path.exists():
        raise MediaError(f"{path}: no such file")
    if path.is_dir():
        raise MediaError(f"{path}: expected a picture, this is a folder")
    if path.stat().st_size == 0:
        raise MediaError(f"{path}: expected a picture, the file is empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path)
            image.load()
        return image
    except UnidentifiedImageError:
        raise MediaError(f"{path}: expected a picture ({', '.join(sorted(READABLE))}), this is none") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(
            f"{path}: expected a picture of at most {MOST_PIXELS // 10**6} megapixels: scale it down"
        ) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise MediaError(f"{path}: the picture is damaged ({error})") from error


def _read_deep(path: Path, *, turned: bool) -> NDArray[np.uint16] | None:
    """The 16-bit samples (H, W, 1 | 3 | 4) of a PNG or TIFF, RGB order; Pillow cuts them to 8."""
    if path.suffix.lower() not in HAVE_16_BITS:
        return None
    samples = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if turned and (samples is None or samples.dtype == np.uint16):
        # OpenCV turns some of these, fails on some and leaves the rest.
        raise MediaError(f"{path}: 16-bit pictures with an orientation tag are not supported; rotate it for good first")
    if samples is None or samples.dtype != np.uint16:
        return None
    if samples.ndim == 2:
        samples = samples[..., None]
    elif samples.shape[2] >= 3:
        samples = samples[..., [2, 1, 0, *range(3, samples.shape[2])]]
    return samples  # type: ignore[return-value]


def _profile(icc: bytes) -> ImageCms.ImageCmsProfile | None:
    """The profile of an RGB picture, or None where the picture may be taken as sRGB."""
    if not icc:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    except (OSError, ImageCms.PyCMSError):
        return None
    return profile if profile.profile.xcolor_space.strip() == "RGB" else None


def _convert(image: Image.Image, icc: bytes, target: ImageCms.ImageCmsProfile) -> Image.Image:
    """To `target` from the profile given, or plainly where there is none that works."""
    if icc:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if converted is not None:
                return converted
        except (OSError, ImageCms.PyCMSError):
            pass  # a broken profile is worth no more than none
    return image.convert("RGB")


def to_profile(picture: Rgb, icc: bytes) -> Rgb:
    """An sRGB picture in the colour space of `icc`."""
    profile = _profile(icc)
    if profile is None:
        return picture
    converted = ImageCms.profileToProfile(Image.fromarray(picture), SRGB, profile, outputMode="RGB")
    return picture if converted is None else np.array(converted)


def matte_of(engine: Engine, still: Still) -> Alpha:
    """The subject's alpha, never more than the file's own."""
    alpha = engine.matte(still.srgb, Settings(decontaminate=False)).alpha
    return alpha if still.alpha is None else alpha * still.alpha


def replace_background(session: Session, still: Still, alpha: Alpha) -> DeepRgb:
    """The picture over the session's background, in the picture's own colour space and depth.

    Returns:
        (H, W, 3), or (H, W, 4) with straight alpha for a transparent background.
    """
    settings = session.settings
    foreground = estimate_foreground(still.pixels, alpha) if settings.decontaminate else still.pixels
    if isinstance(settings.background, Transparent):
        return cut_out(foreground, alpha)
    shown: DeepRgb = to_profile(session.background(still.srgb, alpha), still.icc)  # type: ignore[arg-type]
    if foreground.dtype == np.uint16:
        shown = shown.astype(np.uint16) * np.uint16(257)
    return composite(foreground, alpha, shown, settings.light)


def check_format(target: Path, *, alpha: bool) -> None:
    """Raises OutputError unless `target`'s format can be written, with alpha where it is needed."""
    suffix = target.suffix.lower()
    if suffix not in WRITABLE:
        raise OutputError(f"{target}: expected a name that ends in {', '.join(WRITABLE)}")
    if alpha and suffix not in HAVE_ALPHA:
        raise OutputError(f"{target}: {suffix} has no transparency; take {', '.join(sorted(HAVE_ALPHA))}")


def write(target: Path, pixels: DeepRgb, still: Still | None = None) -> None:
    """Writes (H, W), (H, W, 3) or (H, W, 4) pixels with the EXIF and profile of `still`.

    16 bits stay 16 bits in PNG and TIFF; other formats get the upper 8.

    Raises:
        OutputError: the format is unknown, or has no alpha and the pixels have.
    """
    check_format(target, alpha=pixels.ndim == 3 and pixels.shape[2] == 4)
    suffix = target.suffix.lower()
    icc, exif = (still.icc, still.exif) if still else (b"", b"")
    if pixels.dtype == np.uint16:
        if suffix in HAVE_16_BITS:
            _write_deep(target, pixels, icc, exif)
            return
        pixels = (pixels >> 8).astype(np.uint8)
    options: dict[str, object] = {"icc_profile": icc} if icc else {}
    if exif:
        options["exif"] = exif
    if suffix in (".jpg", ".jpeg"):
        options |= {"quality": 95, "subsampling": 0}
    elif suffix in (".webp", ".avif"):
        options |= {"quality": 90}
    elif suffix == ".png":
        options |= {"compress_level": 3}  # 6, the default, takes four times as long for a few per cent
    elif suffix in (".tif", ".tiff"):
        options |= {"compression": "tiff_adobe_deflate"}
    Image.fromarray(pixels).save(target, **options)  # type: ignore[arg-type]


def _write_deep(target: Path, pixels: DeepRgb, icc: bytes, exif: bytes) -> None:
    """16-bit PNG or TIFF, which Pillow cannot write."""
    if target.suffix.lower() != ".png":
        # OpenCV's TIFF writer has no place for a colour profile.
        tifffile.imwrite(
            target,
            pixels,
            photometric="rgb" if pixels.ndim == 3 else "minisblack",
            compression="zlib",
            iccprofile=icc or None,
            extrasamples=["unassalpha"] if pixels.shape[2:] == (4,) else None,
        )
        return
    bgr = pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0, *range(3, pixels.shape[2])]]
    kinds, values = [], []
    for kind, value in ((cv2.IMAGE_METADATA_ICCP, icc), (cv2.IMAGE_METADATA_EXIF, exif.removeprefix(b"Exif\0\0"))):
        if value:
            kinds.append(kind)
            values.append(np.frombuffer(value, np.uint8)[None])
    if not cv2.imwriteWithMetadata(str(target), np.ascontiguousarray(bgr), kinds, values):
        raise OutputError(f"{target}: OpenCV cannot write it")
