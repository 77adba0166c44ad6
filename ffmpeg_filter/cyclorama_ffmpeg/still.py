"""Still pictures as files: orientation, colour profile, alpha and 16 bits, in and out.

A picture keeps its own colour space. The network sees an sRGB copy; the background is converted to the
picture's profile, not the picture to sRGB, so that a wide gamut is not clipped.
"""

from __future__ import annotations

import io
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from cyclorama.colour import to_8_bits, to_depth
from cyclorama.engine import MOST_PIXELS, Engine, Session, check, cut_out
from cyclorama.errors import MediaError, OutputError, PictureError
from cyclorama.foreground import estimate_foreground
from cyclorama.types import Alpha, Blur, DeepRgb, Rgb, Settings, Subject, Transparent

READABLE = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif", ".bmp", ".gif", ".ppm", ".jfif"})
WRITABLE = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif")
HAVE_ALPHA = frozenset({".png", ".webp", ".tif", ".tiff", ".avif"})
HAVE_16_BITS = frozenset({".png", ".tif", ".tiff"})
LONGEST_SIDE = {".jpg": 65500, ".jpeg": 65500, ".webp": 16383, ".avif": 65535}  # pixels; limits of the formats

# EXIF tags, and those of the first directory that say something of the picture. The others say how the
# samples lie in the source file (all of TIFF's are there), which is wrong for any other file.
ORIENTATION, EXIF, MAKER_NOTE = 0x0112, 0x8769, 0x927C
DESCRIPTION, MAKE, MODEL, X_RESOLUTION, Y_RESOLUTION = 0x010E, 0x010F, 0x0110, 0x011A, 0x011B
RESOLUTION_UNIT, SOFTWARE, DATE_TIME, ARTIST, COPYRIGHT, GPS = 0x0128, 0x0131, 0x0132, 0x013B, 0x8298, 0x8825
KEPT = {DESCRIPTION, MAKE, MODEL, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, SOFTWARE, DATE_TIME, ARTIST, COPYRIGHT}
KEPT |= {EXIF, GPS}
# TIFF tags
BITS_PER_SAMPLE = 258

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
# Pillow refuses at twice its own limit, and warns at one: the engine's limit is the one that holds.
Image.MAX_IMAGE_PIXELS = MOST_PIXELS
# What they log of a damaged file would stand on stderr beside our own line.
for _library in ("PIL", "tifffile"):
    logging.getLogger(_library).addHandler(logging.NullHandler())


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
    image, exif, orientation = _open(path)
    icc = image.info.get("icc_profile") or b""
    # CMYK and grey have no RGB profile to keep: theirs lead to sRGB.
    plain = image if image.mode == "CMYK" else image.convert("L" if image.mode in ("L", "LA") else "RGB")
    srgb: Rgb = np.array(_to_srgb(plain, icc))
    pixels: DeepRgb = srgb
    if _profile(icc) is None:
        icc = b""
    else:
        pixels = np.array(image.convert("RGB"))
    alpha: Alpha | None = None
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        alpha = np.asarray(image.convert("RGBA").getchannel("A"), np.float32) / np.float32(255)
    try:
        deep = _read_deep(path, image)
    except MediaError:
        raise
    except Exception as error:  # one more decoder, and it minds damage that Pillow let pass
        raise MediaError(f"{path}: the picture is damaged ({error})") from error
    if deep is not None:
        pixels = deep[..., :3] if deep.shape[2] > 2 else np.repeat(deep[..., :1], 3, 2)
        if deep.shape[2] in (2, 4):
            alpha = deep[..., -1].astype(np.float32) / np.float32(65535)
    if image.mode.startswith("I;16"):
        if deep is None:
            raise MediaError(f"{path}: 16-bit grey is read from PNG and TIFF, not from {image.format}")
        srgb = to_8_bits(pixels)  # Pillow clips it instead
    if alpha is not None:
        srgb = _flat(srgb, alpha)  # type: ignore[assignment]
    still = Still(
        _upright(pixels, orientation),
        _upright(srgb, orientation),
        None if alpha is None else _upright(alpha, orientation),
        icc,
        exif,
    )
    try:
        check(still.pixels)
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from None
    return still


def read_trimap(path: Path) -> Alpha:
    """Reads a trimap, a grey picture or one in colour: float32 (H, W) in [0, 1]; raises as `read`."""
    pixels = read(path).pixels
    return (pixels.mean(2) / np.iinfo(pixels.dtype).max).astype(np.float32)


def _open(path: Path) -> tuple[Image.Image, bytes, int]:
    """The picture as it lies in the file, the EXIF to keep, and the EXIF orientation, 1 to 8."""
    try:
        if path.is_dir():
            raise MediaError(f"{path}: expected a picture, this is a folder")
        if path.stat().st_size == 0:
            raise MediaError(f"{path}: expected a picture, the file is empty")
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise MediaError(f"{path}: no such file") from None
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about tags that are odd and not needed; they would go to stderr
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(path)
            exif, orientation = _exif(image)
            image.load()
    except UnidentifiedImageError:
        raise MediaError(f"{path}: expected a picture ({', '.join(sorted(READABLE))}), this is none") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(
            f"{path}: expected a picture of at most {MOST_PIXELS // 10**6} megapixels: scale it down"
        ) from None
    except Exception as error:  # a dozen decoders, each with its own idea of what a damaged file raises
        raise MediaError(f"{path}: the picture is damaged ({error})") from error
    if image.mode in ("I", "F", "LAB", "HSV"):
        raise MediaError(f"{path}: expected grey, RGB or CMYK of 8 or 16 bits, got Pillow's mode {image.mode}")
    return image, exif, orientation


def _exif(image: Image.Image) -> tuple[bytes, int]:
    """What is kept of the EXIF, and the orientation, which is taken out: Pillow turns some formats by itself."""
    try:
        exif = image.getexif()
        orientation = exif.pop(ORIENTATION, 1)
        for tag in set(exif) - KEPT:
            del exif[tag]
        # Cameras keep a preview of the whole picture in it, room and all. Pillow drops the usual thumbnail.
        exif.get_ifd(EXIF).pop(MAKER_NOTE, None)
        return exif.tobytes() if exif else b"", orientation if orientation in range(1, 9) else 1
    except Exception:  # noqa: BLE001 - the same dozen; the picture is worth more than a damaged EXIF
        return b"", 1


def _upright(picture: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Applies an EXIF orientation to (H, W) or (H, W, C). Source: Exif 2.32, section 4.6.4, "Orientation"."""
    if orientation > 4:
        picture = picture.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    return np.ascontiguousarray(picture)


def _flat(picture: DeepRgb, alpha: Alpha) -> DeepRgb:
    """The picture over middle grey: what is transparent has any colour, and grey tells the network nothing."""
    middle = np.iinfo(picture.dtype).max // 2 + 1
    return np.rint(picture * alpha[..., None] + middle * (1 - alpha[..., None])).astype(picture.dtype)


def _read_deep(path: Path, image: Image.Image) -> NDArray[np.uint16] | None:
    """The 16-bit samples (H, W, 1 | 2 | 3 | 4) of a PNG or TIFF as they lie in the file; Pillow cuts them to 8.

    Returns:
        None where the file has no 16-bit grey or RGB.
    """
    if image.format == "TIFF":
        return _read_deep_tiff(path) if 16 in image.tag_v2.get(BITS_PER_SAMPLE, ()) else None  # type: ignore[attr-defined]
    if image.format != "PNG":
        return None
    data = path.read_bytes()
    if data[24] != 16:  # bit depth in the header, PNG specification 11.2.1
        return None
    samples = _rgb_order(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))
    if samples is None:
        raise MediaError(f"{path}: the picture is damaged (OpenCV cannot decode it)")
    return samples


def _read_deep_tiff(path: Path) -> NDArray[np.uint16] | None:
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        kind = tifffile.PHOTOMETRIC(page.photometric)
        if kind == tifffile.PHOTOMETRIC.SEPARATED:  # CMYK becomes sRGB of 8 bits
            return None
        if kind not in (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.MINISBLACK):
            raise MediaError(f"{path}: expected 16-bit grey, RGB or CMYK, got {kind.name}")
        samples: NDArray[Any] | None
        try:
            samples = page.asarray()
            if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and samples.ndim == 3:
                samples = np.moveaxis(samples, 0, 2)
            samples = samples.reshape(*samples.shape[:2], -1)
        except ValueError:  # a compression that wants tifffile's extra package: LZW
            if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:  # OpenCV mixes up the planes
                raise MediaError(
                    f"{path}: 16-bit TIFF in planes, compressed, is not supported: save it uncompressed"
                ) from None
            data = bytearray(path.read_bytes())
            if turned := page.tags.get(ORIENTATION):
                # OpenCV turns some of them and fails on the rest.
                upright = (1).to_bytes(2, "little" if file.byteorder == "<" else "big")
                data[turned.valueoffset : turned.valueoffset + 2] = upright
            samples = _rgb_order(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))
        associated = tifffile.EXTRASAMPLE.ASSOCALPHA in page.extrasamples
    if samples is None or samples.dtype != np.uint16:
        raise MediaError(f"{path}: 16-bit TIFF of a kind that is not supported: save it uncompressed")
    if associated:
        alpha = np.maximum(samples[..., -1:], 1).astype(np.float32) / np.float32(65535)
        samples[..., :-1] = np.rint(np.minimum(samples[..., :-1] / alpha, 65535))
    return samples


def _rgb_order(samples: NDArray[Any] | None) -> NDArray[np.uint16] | None:
    """OpenCV's (H, W) or BGR as (H, W, C) in RGB order."""
    if samples is None or samples.ndim == 2:
        return None if samples is None else samples[..., None]
    return samples[..., [2, 1, 0, *range(3, samples.shape[2])]]


def _profile(icc: bytes) -> ImageCms.ImageCmsProfile | None:
    """The profile of an RGB picture; None where there is none that leads to sRGB and back (a scanner's may not)."""
    if not icc:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        ImageCms.buildTransform(profile, SRGB, "RGB", "RGB")
        ImageCms.buildTransform(SRGB, profile, "RGB", "RGB")
    except (OSError, ImageCms.PyCMSError):
        return None
    return profile


def _to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """From the profile given, or plainly where there is none that works."""
    if icc:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            converted = ImageCms.profileToProfile(image, source, SRGB, outputMode="RGB")
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


def matte_of(
    engine: Engine, still: Still, subject: Subject = "all", *, refine: bool = False, trimap: Alpha | None = None
) -> Alpha:
    """The subject's alpha, never more than the file's own; see `cyclorama.engine.Session.matte`."""
    settings = Settings(decontaminate=False, subject=subject, refine=refine)
    alpha = engine.matte(still.srgb, settings, trimap).alpha
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
    shown: DeepRgb
    if isinstance(settings.background, Blur):
        # The room is in the picture's colour space and depth already.
        room = still.pixels if still.alpha is None else _flat(still.pixels, still.alpha)
        shown = session.background(room, alpha)
    else:
        shown = to_profile(session.background(still.srgb, alpha), still.icc)  # type: ignore[arg-type]
        shown = to_depth(shown, foreground.dtype)  # type: ignore[arg-type]
    return session.blend(still.pixels, foreground, alpha, shown)


def check_format(target: Path, *, alpha: bool) -> None:
    """Raises OutputError unless `target`'s format can be written, with alpha where it is needed."""
    suffix = target.suffix.lower()
    if suffix not in WRITABLE:
        raise OutputError(f"{target}: expected a name that ends in {', '.join(WRITABLE)}")
    if alpha and suffix not in HAVE_ALPHA:
        raise OutputError(f"{target}: {suffix} has no transparency; take {', '.join(sorted(HAVE_ALPHA))}")


def write(target: Path, pixels: DeepRgb, still: Still | None = None) -> None:
    """Writes (H, W), (H, W, 3) or (H, W, 4) pixels with the EXIF and profile of `still`.

    16 bits stay 16 bits in PNG and TIFF; other formats get the upper 8. 16-bit TIFF has no EXIF.

    Raises:
        OutputError: the format is unknown, or has no alpha and the pixels have.
        OSError: it cannot be written, or not in that format.
    """
    check_format(target, alpha=pixels.ndim == 3 and pixels.shape[2] == 4)
    suffix = target.suffix.lower()
    limit = LONGEST_SIDE.get(suffix)
    if limit and max(pixels.shape[:2]) > limit:
        raise OSError(f"{suffix} holds at most {limit} pixels a side; take .png or .tif")
    icc, exif = (still.icc, still.exif) if still else (b"", b"")
    if pixels.dtype == np.uint16:
        if suffix in HAVE_16_BITS:
            _write_deep(target, pixels, icc, exif)
            return
        pixels = to_8_bits(pixels)
    options: dict[str, object] = {"icc_profile": icc} if icc else {}
    if exif:
        options["exif"] = exif
    if suffix in (".jpg", ".jpeg"):
        options |= {"quality": 95, "subsampling": 0}
    elif suffix in (".webp", ".avif"):
        options |= {"quality": 90}
    elif suffix == ".png":
        options |= {"compress_level": 3}  # 6, the default, saves an eighth in 2.6 times the time
    elif not exif:  # TIFF; Pillow's compressed one cannot hold an EXIF directory
        options |= {"compression": "tiff_adobe_deflate"}
    try:
        Image.fromarray(pixels).save(target, **options)  # type: ignore[arg-type]
    except (ValueError, RuntimeError) as error:  # what the encoders of WebP and AVIF raise
        raise OSError(f"{suffix}: {error}") from error


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
        raise OSError("OpenCV cannot write it")
