"""The values that high-dynamic-range and wide-gamut frames are worked on in.

PQ and HLG spread light over their numbers so that the ways of SDR do not hold there: half-covered hair would
come out too dark, the network would see a dull picture. Here diffuse white and all below it have the shape of
SDR's values, and what is brighter is compressed above them. Mattes, blends and blurs then look in HDR as they
look in SDR, and nothing is clipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from cyclorama.colour import (
    HLG_GAMMA,
    REFERENCE_WHITE,
    Float,
    Primaries,
    hlg_from_scene,
    hlg_scene_from_nits,
    nits_from_hlg_scene,
    nits_from_pq,
    pq_from_nits,
    primaries_matrix,
    scene_from_hlg,
    to_8_bits,
)
from cyclorama.colour import decode as srgb_decode
from cyclorama.colour import encode as srgb_encode
from cyclorama.types import DeepRgb, Rgb

Transfer: TypeAlias = Literal["sdr", "pq", "hlg"]

LEVELS = 65_536
DISPLAY_GAMMA = 2.4  # of an SDR display (BT.1886), which is what blends have always been seen through
HIGHLIGHTS = 0.1  # how soon highlights are compressed; at this diffuse white has 0.73 of PQ's values, 0.81 of HLG's
# Of diffuse white; up to here the network sees the picture's own light. On a clip brought into HDR its mattes were
# nearest to SDR's with this: IoU 0.922 and 0.942 (PQ and HLG), 0.917 and 0.935 with 0.5, 0.920 and 0.931 with 0.9.
KNEE = 0.7


@dataclass(frozen=True, slots=True)
class WorkingSpace:
    """One video's working values: uint16, and uint8 where a frame was shrunk for the network.

    A value stands for light x, where 1 is diffuse white: u = x ** (1 / 2.4) up to white, and above it
    1 + h ln(1 + (u - 1) / h) with h = `HIGHLIGHTS` (so that the slope goes on), all scaled to 1 at the
    brightest signal. HLG's x is that of grey light, channel by channel. SDR's values stay sRGB.

    Attributes:
        transfer: how the video's signal stands for light.
        primaries: of the video.
    """

    transfer: Transfer
    primaries: Primaries

    def from_signal(self, signal: DeepRgb) -> DeepRgb:
        """Working values of a frame's own, uint16 (H, W, 3); SDR's are the same in any depth."""
        return signal if self.transfer == "sdr" else _tables(self.transfer)[0][signal]

    def to_signal(self, worked: DeepRgb) -> DeepRgb:
        """The frame's own values again, uint16 (H, W, 3)."""
        return worked if self.transfer == "sdr" else _tables(self.transfer)[1][worked]

    def decode(self, worked: DeepRgb) -> Float:
        """Light of working values, where 1 is diffuse white; float32, same shape."""
        if self.transfer == "sdr":
            return srgb_decode(worked)
        return _light_table(self.transfer, int(np.iinfo(worked.dtype).max) + 1)[worked]

    def encode(self, light: Float, dtype: np.dtype[np.uint8 | np.uint16]) -> DeepRgb:
        """Working values of light, where 1 is diffuse white."""
        if self.transfer == "sdr":
            return srgb_encode(light, dtype)
        # By a table over the root of light: powers and logarithms of millions of numbers take five times as long.
        scale = np.float32(LEVELS - 1) / np.sqrt(np.float32(_brightest(self.transfer)))
        index = cv2.sqrt(np.clip(light, 0, _brightest(self.transfer))) * scale
        worked = _root_table(self.transfer)[index.astype(np.uint16)]
        return worked if dtype == np.uint16 else to_8_bits(worked)

    def from_srgb(self, picture: Rgb, dtype: np.dtype[np.uint8 | np.uint16]) -> DeepRgb:
        """Working values of an sRGB picture: its white becomes diffuse white, its colours stay what they are."""
        light = cv2.transform(srgb_decode(picture), primaries_matrix("bt709", self.primaries))
        if self.transfer == "hlg":  # its values are light before the camera; the display's curve is undone
            scene = hlg_scene_from_nits(light * REFERENCE_WHITE)
            light = _grey_light(scene).astype(np.float32)
        return self.encode(light, dtype)  # type: ignore[arg-type]

    def srgb_view(self, worked: Rgb) -> Rgb:
        """A frame as SDR shows it, uint8 (h, w, 3) of working values: what a network was trained on.

        For small pictures; highlights are compressed towards white, channel by channel.
        """
        light = self.display_light(worked)
        if self.transfer != "sdr":
            light = tone_map(light)
        return srgb_encode(light, np.dtype(np.uint8))  # type: ignore[return-value]

    def display_light(self, worked: DeepRgb) -> Float:
        """Light as the display gives it, float32 (H, W, 3) by the primaries of BT.709, 1 diffuse white.

        Colours outside of BT.709 have components below 0.
        """
        light = self.decode(worked)
        if self.transfer == "hlg":
            scene = _hlg_white() * np.maximum(light, 0) ** (1 / HLG_GAMMA)
            light = (nits_from_hlg_scene(scene) / REFERENCE_WHITE).astype(np.float32)
        return cv2.transform(light, primaries_matrix(self.primaries, "bt709"))  # type: ignore[return-value]


def tone_map(light: Float) -> Float:
    """Light of any amount brought into [0, 1]: itself up to `KNEE`, bent smoothly towards 1 above it."""
    over = np.maximum(light - np.float32(KNEE), 0)
    room = np.float32(1 - KNEE)
    return np.minimum(np.maximum(light, 0), np.float32(KNEE)) + room * over / (over + room)


def _compress(u: NDArray[np.floating]) -> NDArray[np.floating]:
    above = np.maximum(u - 1, 0)
    return np.minimum(u, 1) + HIGHLIGHTS * np.log1p(above / HIGHLIGHTS)


def _expand(w: NDArray[np.floating]) -> NDArray[np.floating]:
    above = np.maximum(w - 1, 0)
    return np.minimum(w, 1) + HIGHLIGHTS * np.expm1(above / HIGHLIGHTS)


@cache
def _hlg_white() -> float:
    """Light before the camera of diffuse white, of HLG's 1: 0.265."""
    return float(hlg_scene_from_nits(np.full(3, REFERENCE_WHITE))[0])


def _grey_light(scene: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light on the display, 1 diffuse white, of each HLG component as if it were a grey's."""
    return (np.maximum(scene, 0) / _hlg_white()) ** HLG_GAMMA


def _light(transfer: Transfer, signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light, 1 diffuse white, of signal values in [0, 1]."""
    if transfer == "pq":
        return nits_from_pq(signal) / REFERENCE_WHITE
    return _grey_light(scene_from_hlg(signal))


@cache
def _brightest(transfer: Transfer) -> float:
    """Light of the largest signal: 49 of PQ, 4.9 of HLG."""
    return float(_light(transfer, np.ones(1))[0])


@cache
def _white(transfer: Transfer) -> float:
    """The working value of diffuse white."""
    return float(1 / _compress(np.array([_brightest(transfer) ** (1 / DISPLAY_GAMMA)]))[0])


def _worked(transfer: Transfer, light: NDArray[np.float64]) -> NDArray[np.uint16]:
    worked = _compress(light ** (1 / DISPLAY_GAMMA)) * _white(transfer)
    return np.rint(np.clip(worked, 0, 1) * (LEVELS - 1)).astype(np.uint16)


@cache
def _tables(transfer: Transfer) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Working values of all signals, and signals of all working values."""
    codes = np.linspace(0, 1, LEVELS)
    light = _expand(codes / _white(transfer)) ** DISPLAY_GAMMA
    if transfer == "pq":
        signal = pq_from_nits(light * REFERENCE_WHITE)
    else:
        signal = hlg_from_scene(_hlg_white() * light ** (1 / HLG_GAMMA))
    return _worked(transfer, _light(transfer, codes)), np.rint(signal * (LEVELS - 1)).astype(np.uint16)


@cache
def _root_table(transfer: Transfer) -> NDArray[np.uint16]:
    """Working values of light at equal steps of its square root, from 0 to the brightest."""
    return _worked(transfer, np.linspace(0, 1, LEVELS) ** 2 * _brightest(transfer))


@cache
def _light_table(transfer: Transfer, levels: int) -> Float:
    worked = np.linspace(0, 1, levels)
    return (_expand(worked / _white(transfer)) ** DISPLAY_GAMMA).astype(np.float32)
