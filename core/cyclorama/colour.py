"""How numbers stand for light: transfer functions and primaries.

sRGB (IEC 61966-2-1), PQ and HLG (ITU-R BT.2100-2), and the primaries of BT.709, BT.2020 and P3 (ITU-T H.273).
"""

from __future__ import annotations

from functools import cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cyclorama.types import DeepRgb, Rgb

Float: TypeAlias = NDArray[np.float32]
Primaries: TypeAlias = Literal["bt709", "bt2020", "p3"]

PQ_PEAK = 10_000.0  # cd/m2 of the largest PQ value (BT.2100 table 4)
HLG_PEAK = 1_000.0  # cd/m2 of the display that HLG is referred to here, whose system gamma is 1.2 (table 5)
HLG_GAMMA = 1.2
REFERENCE_WHITE = 203.0  # cd/m2 of diffuse white in HDR (BT.2408 table 1); 58 % of PQ, 75 % of HLG

_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
_A = 0.17883277
_B, _C = 1 - 4 * _A, 0.5 - _A * float(np.log(4 * _A))

# x and y of red, green, blue; the white of all three is D65.
_CHROMATICITIES: dict[Primaries, tuple[tuple[float, float], ...]] = {
    "bt709": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    "p3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_D65 = (0.3127, 0.3290)


def to_8_bits(picture: DeepRgb) -> Rgb:
    """A picture's upper 8 bits."""
    return picture if picture.dtype == np.uint8 else (picture >> 8).astype(np.uint8)  # type: ignore[return-value]


def to_depth(picture: Rgb, dtype: np.dtype[np.uint8 | np.uint16]) -> DeepRgb:
    """An 8-bit picture in a depth: 255 * 257 is 65535."""
    return picture if dtype == np.uint8 else picture.astype(np.uint16) * np.uint16(257)


def linear_from_srgb(encoded: Float) -> Float:
    """Amounts of light for encoded values; both in [0, 1], any shape."""
    # Computed for all and chosen from: the two branches are cheap beside an index array.
    low = encoded / np.float32(12.92)
    high = ((encoded + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
    return np.where(encoded <= 0.04045, low, high).astype(np.float32, copy=False)


def srgb_from_linear(light: Float) -> Float:
    """Encoded values for amounts of light; both in [0, 1], any shape."""
    low = light * np.float32(12.92)
    high = np.float32(1.055) * np.maximum(light, 0) ** np.float32(1 / 2.4) - np.float32(0.055)
    return np.where(light <= 0.0031308, low, high).astype(np.float32, copy=False)


@cache
def _linear_table(levels: int) -> Float:
    return linear_from_srgb(np.linspace(0, 1, levels, dtype=np.float32))


def decode(picture: DeepRgb) -> Float:
    """Light in [0, 1] of a uint8 or uint16 sRGB picture, same shape."""
    return _linear_table(int(np.iinfo(picture.dtype).max) + 1)[picture]


def encode(light: Float, dtype: np.dtype[np.uint8 | np.uint16]) -> DeepRgb:
    """The sRGB picture, uint8 or uint16, of light in [0, 1]."""
    top = np.iinfo(dtype).max
    return np.rint(srgb_from_linear(np.clip(light, 0, 1)) * np.float32(top)).astype(dtype)


# In double precision: PQ's exponents lose the darks in single. They fill tables and serve small pictures.


def nits_from_pq(signal: NDArray[np.floating]) -> NDArray[np.float64]:
    """Light in cd/m2, 0 ... 10,000, of PQ values in [0, 1] (BT.2100 table 4, EOTF)."""
    root = np.clip(np.asarray(signal, np.float64), 0, 1) ** (1 / _M2)
    return PQ_PEAK * (np.maximum(root - _C1, 0) / (_C2 - _C3 * root)) ** (1 / _M1)


def pq_from_nits(nits: NDArray[np.floating]) -> NDArray[np.float64]:
    """PQ values in [0, 1] of light in cd/m2, which is clipped to 0 ... 10,000 (the inverse EOTF)."""
    y = np.clip(np.asarray(nits, np.float64) / PQ_PEAK, 0, 1) ** _M1
    return ((_C1 + _C2 * y) / (1 + _C3 * y)) ** _M2


def scene_from_hlg(signal: NDArray[np.floating]) -> NDArray[np.float64]:
    """Light before the camera, 1 the most, of HLG values in [0, 1] (BT.2100 table 5, inverse OETF)."""
    s = np.clip(np.asarray(signal, np.float64), 0, 1)
    return np.where(s <= 0.5, s * s / 3, (np.exp((s - _C) / _A) + _B) / 12)


def hlg_from_scene(scene: NDArray[np.floating]) -> NDArray[np.float64]:
    """HLG values in [0, 1] of light before the camera, which is clipped to [0, 1] (the OETF)."""
    e = np.clip(np.asarray(scene, np.float64), 0, 1)
    return np.where(e <= 1 / 12, np.sqrt(3 * e), _A * np.log(np.maximum(12 * e - _B, 1e-9)) + _C)


def nits_from_hlg_scene(scene: NDArray[np.floating]) -> NDArray[np.float64]:
    """Light in cd/m2 on a display of `HLG_PEAK` for light before the camera, (..., 3) BT.2020 (the OOTF)."""
    e = np.asarray(scene, np.float64)
    return HLG_PEAK * _luminance(e) ** (HLG_GAMMA - 1) * e


def hlg_scene_from_nits(nits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Light before the camera for light on the display, (..., 3) BT.2020 (the inverse OOTF)."""
    d = np.asarray(nits, np.float64) / HLG_PEAK
    # Black has no hue to keep, and 0 to a negative power is no number.
    return np.maximum(_luminance(d), 1e-12) ** ((1 - HLG_GAMMA) / HLG_GAMMA) * d


def _luminance(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Luminance (..., 1) of BT.2020 light (..., 3), which may lie outside of the gamut."""
    return np.maximum(light @ np.array([0.2627, 0.6780, 0.0593]), 0)[..., None]


@cache
def primaries_matrix(source: Primaries, target: Primaries) -> NDArray[np.float64]:
    """The (3, 3) matrix that takes linear RGB columns of one set of primaries to another's."""
    return np.linalg.inv(_xyz_from_rgb(target)) @ _xyz_from_rgb(source)


def _xyz_from_rgb(primaries: Primaries) -> NDArray[np.float64]:
    """The (3, 3) matrix from linear RGB to CIE XYZ, by the primaries and D65 (SMPTE RP 177)."""
    corners = np.array([(x, y, 1 - x - y) for x, y in _CHROMATICITIES[primaries]]).T
    white = np.array([_D65[0], _D65[1], 1 - sum(_D65)]) / _D65[1]
    return corners * np.linalg.solve(corners, white)
