"""Making the subject look as if it stood in the scene: exposure, white balance, grain, sharpness and light wrap.

Everything is limited: a face that is a little too bright for its scene is a small fault, an orange one is a large
one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.band import enlarge, shrink, tiles
from cyclorama.colour import Float, linear_from_srgb
from cyclorama.colour import decode as srgb_decode
from cyclorama.colour import encode as srgb_encode
from cyclorama.look import DARKEST, LUMA, illuminant
from cyclorama.types import Alpha, DeepRgb, Rgb
from cyclorama.working_space import WorkingSpace

SURE = 0.95  # alpha from which a pixel is the subject's alone
FEWEST = 0.005  # share of the picture below which a subject says nothing

# Exposure: what of the difference in stops between the room that was and the scene is made up, and at most. Not
# of the subject's own brightness: dark skin and black suits would be brightened everywhere.
EXPOSURE, DARKER, BRIGHTER = 0.35, -0.3, 0.25
LEAST_ROOM = 0.1  # share of the picture; where less of the room is seen, the whole picture stands for it
BRIGHT = 75  # percentile of a picture's light that stands for its exposure
# White balance: what of the difference in stops between red and blue is made up, and at most. Along this axis alone:
# light is warm or cool, and a face that follows the green of a wood looks sick.
BALANCE, MOST_BALANCE = 0.4, 0.2
SKIN = 0.3  # stops between red and blue that a person has in white light: the median of 100 portraits
FOLLOWED = 0.04  # share of a new measurement in the gains that are used

LONG_SIDE = 640  # pixels of the picture that sharpness is measured on
SIGMAS = (1.0, 2.0)  # blurs of that picture whose gradients are compared
EDGE = 2.0  # levels a pixel of the more blurred one: below is noise
FEWEST_EDGES = 200  # pixels below which sharpness cannot be told: a plain wall has none
MOST_BLUR = 6.0  # pixels of that picture; from here on the measure is a guess
LEAST_BLUR = 0.6  # below nobody sees it
GRAIN_BLOCK = 8  # pixels of a side
FLAT = 20  # percentile of blocks that are taken for flat
FEWEST_BLOCKS = 200  # below, none of them may be flat: the weave of clothes is no grain
MOST_GRAIN, LEAST_GRAIN = 2.0, 0.5  # levels
TILE = 512  # pixels of a side of the grain that is laid over pictures, each time elsewhere
GRAIN_SIGMA, GRAIN_REACH = 0.6, 4  # pixels; a sensor's grain after demosaicking is not white

WRAP = 0.45  # of the difference to the light behind, at the outline
WRAP_WIDTH, WRAP_BLUR = 0.005, 0.02  # standard deviations, of the frame's long side
WRAP_SIDE = 480  # pixels of the picture that is blurred for it


@dataclass(frozen=True, slots=True)
class Fit:
    """What is done to a subject and its scene.

    Attributes:
        gains: of the subject's linear red, green and blue.
        blur: standard deviation of the scene's blur, as a share of the long side.
        subject_grain, scene_grain: standard deviations of the noise that is added, in levels of 255.
    """

    gains: tuple[float, float, float]
    blur: float
    subject_grain: float
    scene_grain: float


def measure(rgb: Rgb, alpha: Alpha, scene: Rgb) -> Fit | None:
    """What fits a subject into a scene.

    Args:
        rgb: uint8 (H, W, 3) sRGB, the picture as it was taken.
        alpha: float32 (H, W) in [0, 1].
        scene: uint8 (H, W, 3) sRGB, what stands behind.

    Returns:
        None where there is no subject to measure.

    Exposure and white balance are measured where the same light falls as on the subject, the room above all.

    Sources: Reinhard et al. 2001, "Color Transfer between Images" (statistics, here of light, in part and
    without their spread); Zhuo & Sim 2011, "Defocus map estimation from a single image"; Immerkær 1996,
    "Fast Noise Variance Estimation".
    """
    gains = measure_gains(rgb, alpha, scene)
    if gains is None:
        return None
    height, width = alpha.shape
    scale = min(1.0, LONG_SIDE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    a = shrink(alpha, *size)
    subject, room = _inner(a > SURE), _inner(a < 1 - SURE)
    luma, behind = _luma(shrink(rgb, *size)), _luma(shrink(scene, *size))
    own = max(_edge_blur(luma, subject) or 0.0, _edge_blur(luma, room) or 0.0)
    theirs = _edge_blur(behind, room)
    # A scene without edges is as blurred as can be.
    blur = 0.0 if theirs is None else np.sqrt(max(0.0, own**2 - theirs**2))
    blur = 0.0 if blur < LEAST_BLUR else float(blur) / LONG_SIDE
    ours, behind_grain = _grain(_luma(rgb), alpha > SURE), _grain(_luma(scene), alpha < 1 - SURE)
    if blur:
        behind_grain = 0.0
    missing = float(np.sign(ours - behind_grain)) * min(MOST_GRAIN, abs(ours**2 - behind_grain**2) ** 0.5)
    return Fit(
        gains,
        blur,
        subject_grain=-missing if -missing > LEAST_GRAIN else 0.0,
        scene_grain=missing if missing > LEAST_GRAIN else 0.0,
    )


def measure_gains(rgb: Rgb, alpha: Alpha, scene: Rgb) -> tuple[float, float, float] | None:
    """The gains alone; see `measure`. For these small pictures do."""
    subject = alpha > SURE
    if subject.mean() < FEWEST:
        return None
    picture, behind = (each.astype(np.float32) / np.float32(255) for each in (rgb, scene))
    room = alpha < 1 - SURE
    seen = picture[room] if room.mean() >= LEAST_ROOM else picture
    bright = [float(np.percentile(linear_from_srgb(each) @ LUMA, BRIGHT)) for each in (seen, behind)]
    stops = float(np.log2(max(bright[1], DARKEST) / max(bright[0], DARKEST)))
    exposure = min(BRIGHTER, max(DARKER, EXPOSURE * stops))
    warmer = BALANCE * (_warmth(behind) - _cast(picture, alpha))
    half = min(MOST_BALANCE, max(-MOST_BALANCE, warmer)) / 2
    gains = 2.0 ** np.array([half, 0, -half])
    gains *= 2.0**exposure / float(gains @ LUMA)  # the balance changes no brightness
    return float(gains[0]), float(gains[1]), float(gains[2])


def follow(fit: Fit, gains: tuple[float, float, float] | None) -> Fit:
    """The fit for the frames to come: its gains go slowly after what is measured, so that nothing flickers."""
    if gains is None:
        return fit
    red, green, blue = (old + FOLLOWED * (new - old) for old, new in zip(fit.gains, gains, strict=True))
    return replace(fit, gains=(red, green, blue))


def regrade(foreground: DeepRgb, fit: Fit, working: WorkingSpace | None = None) -> DeepRgb:
    """The subject under the scene's light: uint8 or uint16 (H, W, 3), as `foreground` is."""
    dtype = foreground.dtype
    levels = np.arange(int(np.iinfo(dtype).max) + 1, dtype=dtype)
    table = np.repeat(levels[None, :, None], 3, 2)
    light = srgb_decode(table) if working is None else working.decode(table)  # type: ignore[arg-type]
    light = np.dstack([_gained(light[..., c], gain) for c, gain in enumerate(fit.gains)])
    table = srgb_encode(light, dtype) if working is None else working.encode(light, dtype)  # type: ignore[arg-type]
    if dtype == np.uint8:
        return cv2.LUT(foreground, table)  # type: ignore[return-value]
    return np.dstack([table[0, foreground[..., c], c] for c in range(3)])


def soften(scene: DeepRgb, fit: Fit) -> DeepRgb:
    """The scene as sharp as the subject's own surroundings."""
    if not fit.blur:
        return scene
    return cv2.GaussianBlur(scene, (0, 0), fit.blur * max(scene.shape[:2]), borderType=cv2.BORDER_REPLICATE)  # type: ignore[return-value]


def wrap(foreground: DeepRgb, alpha: Alpha, scene: DeepRgb) -> DeepRgb:
    """The subject with the light behind it shining around its outline; darker backgrounds change nothing.

    Args:
        foreground, scene: uint8 or uint16 (H, W, 3), alike.
        alpha: float32 (H, W) in [0, 1].
    """
    height, width = alpha.shape
    scale = min(1.0, WRAP_SIDE / max(height, width))
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    side = max(size)
    light: Float = cv2.GaussianBlur(shrink(scene, *size).astype(np.float32), (0, 0), WRAP_BLUR * side)  # type: ignore[assignment]
    outside = cv2.GaussianBlur(1 - shrink(alpha, *size), (0, 0), max(0.5, WRAP_WIDTH * side))
    weight: Alpha = np.float32(WRAP) * outside
    out = foreground.copy()
    band = ((weight > 0.01) & (shrink(alpha, *size) > 0)).astype(np.uint8)
    for rows, columns in tiles(band, height, width):
        own = foreground[rows, columns].astype(np.float32)
        gain = enlarge(light, rows, columns, height, width) - own
        own += np.maximum(gain, 0) * enlarge(weight, rows, columns, height, width)[..., None]
        out[rows, columns] = np.rint(own).astype(foreground.dtype)
    return out


def add_grain(picture: DeepRgb, alpha: Alpha, fit: Fit, frame: int) -> DeepRgb:
    """The composite with grain where it is missing.

    Args:
        frame: its number; each has another grain.
    """
    if not (fit.subject_grain or fit.scene_grain):
        return picture
    height, width = alpha.shape
    amount = fit.scene_grain + (fit.subject_grain - fit.scene_grain) * alpha
    noise = _noise(height, width, frame) * amount
    if picture.dtype == np.uint8:
        return cv2.add(picture, cv2.merge([noise] * 3), dtype=cv2.CV_8U)  # type: ignore[return-value]
    return cv2.add(picture, cv2.merge([noise * np.float32(257)] * 3), dtype=cv2.CV_16U)  # type: ignore[return-value]


def _gained(light: Float, gain: float) -> Float:
    """Light times a gain, bent so that white stays white where the gain would clip it."""
    if gain <= 1:
        return light * np.float32(gain)
    bent = light * np.float32(gain) / (1 + np.float32(gain - 1) * light)
    return np.where(light < 1, bent, light)  # HDR has light above white


def _warmth(picture: Float, mask: NDArray[np.bool_] | None = None) -> float:
    """Stops between red and blue of the light in a picture, or in a part of it; 0 of no part at all."""
    red, _, blue = illuminant(picture if mask is None else picture[mask])
    return float(np.log2(red / blue))


def _cast(picture: Float, alpha: Alpha) -> float:
    """Warmth of the picture's light: what room and subject agree on. A wall may be orange, a shirt blue."""
    # Mixed pixels of the edge stay out: the measure is of the brightest, and they are brighter than a dark subject.
    subject, room = _warmth(picture, alpha > SURE) - SKIN, _warmth(picture, alpha < 1 - SURE)
    if subject * room <= 0:
        return 0.0
    return subject if abs(subject) < abs(room) else room


def _luma(rgb: Rgb) -> Float:
    return rgb.astype(np.float32) @ LUMA


def _inner(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without the mask's border, whose edge is the subject's outline."""
    side = 2 * round(3 * SIGMAS[1]) + 1
    return cv2.erode(mask.astype(np.uint8), np.ones((side, side), np.uint8)).astype(bool)


def _edge_blur(luma: Float, mask: NDArray[np.bool_]) -> float | None:
    """Standard deviation in pixels of the blur of a region's sharper edges; None where it has too few.

    The gradients of a step blurred by s, after blurs a and b, have the ratio sqrt((s2 + b2) / (s2 + a2)).
    """
    gradients = []
    for sigma in SIGMAS:
        smooth = cv2.GaussianBlur(luma, (0, 0), sigma)
        gradients.append(cv2.magnitude(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)) / 8)
    sharp, soft = gradients
    # On the crest of an edge alone: beside it the ratio means nothing.
    crest = sharp >= cv2.dilate(sharp, np.ones((3, 3), np.uint8)) * 0.95
    edges = mask & crest & (soft > EDGE)
    if edges.sum() < FEWEST_EDGES:
        return None
    ratio = (sharp[edges] / soft[edges]).astype(np.float64) ** 2
    a, b = (sigma**2 for sigma in SIGMAS)
    squares = (b - ratio * a) / np.maximum(ratio - 1, 1e-3)
    return float(min(MOST_BLUR, np.sqrt(max(0.0, np.percentile(squares, 30)))))


def _grain(luma: Float, mask: NDArray[np.bool_]) -> float:
    """Standard deviation of the noise in a region's flat parts, in levels; 0 where it cannot be told."""
    laplace = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)  # answers to no gradient; sum of squares 36
    height, width = (side // GRAIN_BLOCK * GRAIN_BLOCK for side in luma.shape)
    detail = np.abs(cv2.filter2D(luma, cv2.CV_32F, laplace))[:height, :width] / 6
    rows, columns = height // GRAIN_BLOCK, width // GRAIN_BLOCK
    blocks = detail.reshape(rows, GRAIN_BLOCK, columns, GRAIN_BLOCK).mean((1, 3))
    whole = mask[:height, :width].reshape(rows, GRAIN_BLOCK, columns, GRAIN_BLOCK).all((1, 3))
    if whole.sum() < FEWEST_BLOCKS:
        return 0.0
    return float(np.percentile(blocks[whole], FLAT)) * float(np.sqrt(np.pi / 2))


@cache
def _tile() -> Float:
    noise = np.random.default_rng(0).normal(0, 1, (TILE, TILE)).astype(np.float32)
    around = np.pad(noise, GRAIN_REACH, mode="wrap")  # so that tiles fit together; OpenCV's blur cannot wrap
    inner = slice(GRAIN_REACH, -GRAIN_REACH)
    blurred: Float = cv2.GaussianBlur(around, (0, 0), GRAIN_SIGMA)[inner, inner]  # type: ignore[assignment]
    return blurred / blurred.std()


def _noise(height: int, width: int, frame: int) -> Float:
    """Grain of standard deviation 1, float32 (height, width), another one for each frame."""
    down, right = (int(n) for n in np.random.default_rng(frame).integers(0, TILE, 2))
    tile = np.roll(_tile(), (down, right), (0, 1))
    return np.tile(tile, (-(-height // TILE), -(-width // TILE)))[:height, :width]
