"""What an HDR video says of the display that it was graded on, carried from frames to the new file."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.sidedata.sidedata import Type

if TYPE_CHECKING:
    from av.container import InputContainer

# FFmpeg's AVMasteringDisplayMetadata: x and y of red, green, blue and white, least and most light, as
# fractions, and whether the colours and the amounts are told. AVContentLightMetadata: MaxCLL, MaxFALL.
MASTERING, CONTENT = struct.Struct("=22i"), struct.Struct("=2I")
DYNAMIC = {Type.DOVI_RPU_BUFFER: "Dolby Vision", Type.DOVI_METADATA: "Dolby Vision", Type.DYNAMIC_HDR_PLUS: "HDR10+"}
# Encoder -> Matroska's name of its codec (RFC 9559 and the codec registry beside it).
MATROSKA_CODECS = {
    "libx264": "V_MPEG4/ISO/AVC",
    "libx265": "V_MPEGH/ISO/HEVC",
    "libsvtav1": "V_AV1",
    "libvpx-vp9": "V_VP9",
    "ffv1": "V_FFV1",
    "prores_aw": "V_PRORES",
    "prores_ks": "V_PRORES",
}
EBML, SEGMENT, INFO, TRACKS, CLUSTER = "1a45dfa3", "18538067", "1549a966", "1654ae6b", "1f43b675"


@dataclass(frozen=True, slots=True)
class Mastering:
    """Static metadata of HDR10 (SMPTE ST 2086, CTA-861.3).

    Attributes:
        chromaticities: x and y of red, green, blue and white; None where untold.
        luminance: least and most light in cd/m2; None where untold.
        content_light: MaxCLL and MaxFALL in cd/m2; None where untold.
    """

    chromaticities: tuple[Fraction, ...] | None = None
    luminance: tuple[Fraction, Fraction] | None = None
    content_light: tuple[int, int] | None = None


def mastering_of(frame: av.VideoFrame) -> Mastering | None:
    """What a frame says; None where it says nothing."""
    chromaticities, luminance, content = None, None, None
    for data in frame.side_data:
        kind = data.type  # type: ignore[attr-defined]
        if kind == Type.MASTERING_DISPLAY_METADATA and len(bytes(data)) >= MASTERING.size:  # type: ignore[arg-type]
            values = MASTERING.unpack_from(bytes(data))  # type: ignore[arg-type]
            numbers = [Fraction(n, d or 1) for n, d in zip(values[:20:2], values[1:20:2], strict=True)]
            if values[20]:
                chromaticities = tuple(numbers[:8])
            if values[21]:
                luminance = numbers[8], numbers[9]
        elif kind == Type.CONTENT_LIGHT_LEVEL and len(bytes(data)) >= CONTENT.size:  # type: ignore[arg-type]
            content = CONTENT.unpack_from(bytes(data))  # type: ignore[arg-type]
    if chromaticities is None and luminance is None and content is None:
        return None
    return Mastering(chromaticities, luminance, content)


def dynamic_metadata(frame: av.VideoFrame) -> str | None:
    """The name of metadata for each scene, which no encoder here writes."""
    return next((DYNAMIC[data.type] for data in frame.side_data if data.type in DYNAMIC), None)  # type: ignore[attr-defined]


def encoder_options(mastering: Mastering, encoder: str) -> dict[str, str]:
    """What the encoder needs to be told to write the metadata between the pictures."""
    told = []
    if encoder == "libx265":
        told.append("hdr10=1")
        # In units of 0.00002 and of 0.0001 cd/m2, green first (x265's documentation).
        if mastering.chromaticities and mastering.luminance:
            x = [round(c * 50_000) for c in mastering.chromaticities]
            least, most = (round(v * 10_000) for v in mastering.luminance)
            told.append(
                f"master-display=G({x[2]},{x[3]})B({x[4]},{x[5]})R({x[0]},{x[1]})WP({x[6]},{x[7]})L({most},{least})"
            )
        if mastering.content_light:
            told.append("max-cll={},{}".format(*mastering.content_light))
        return {"x265-params": ":".join(told)}
    if encoder == "libsvtav1":
        if mastering.chromaticities and mastering.luminance:
            y = [f"{float(c):.5f}" for c in mastering.chromaticities]
            least_, most_ = (f"{float(v):.4f}" for v in mastering.luminance)
            told.append(
                f"mastering-display=G({y[2]},{y[3]})B({y[4]},{y[5]})R({y[0]},{y[1]})WP({y[6]},{y[7]})L({most_},{least_})"
            )
        if mastering.content_light:
            told.append("content-light={},{}".format(*mastering.content_light))
        return {"svtav1-params": ":".join(told)}
    return {}


def template(mastering: Mastering, encoder: str) -> InputContainer | None:
    """A Matroska file of no frames whose one stream carries the metadata; None for a codec that has none.

    PyAV sets no such data on a stream that it makes, but keeps what a stream has that it copies from.
    """
    if encoder not in MATROSKA_CODECS:
        return None
    colour = b""
    if mastering.content_light:
        colour += _uint("55bc", mastering.content_light[0]) + _uint("55bd", mastering.content_light[1])
    inner = b""
    if mastering.chromaticities:
        inner = b"".join(_float(f"55d{i + 1}", value) for i, value in enumerate(mastering.chromaticities))
    if mastering.luminance:
        inner += _float("55d9", mastering.luminance[1]) + _float("55da", mastering.luminance[0])
    if inner:
        colour += _element("55d0", inner)
    video = _element("e0", _uint("b0", 16) + _uint("ba", 16) + _element("55b0", colour))
    codec = _element("86", MATROSKA_CODECS[encoder].encode())
    track = _element("ae", _uint("d7", 1) + _uint("73c5", 1) + _uint("83", 1) + codec + video)
    body = _element(INFO, _uint("2ad7b1", 1_000_000)) + _element(TRACKS, track) + _element(CLUSTER, _uint("e7", 0))
    file = _element(EBML, _element("4282", b"matroska")) + _element(SEGMENT, body)
    return av.open(io.BytesIO(file), "r")


def _element(identifier: str, payload: bytes) -> bytes:
    """An EBML element (RFC 8794), its length in eight bytes."""
    return bytes.fromhex(identifier) + (1 << 56 | len(payload)).to_bytes(8, "big") + payload


def _uint(identifier: str, value: int) -> bytes:
    return _element(identifier, value.to_bytes(4, "big"))


def _float(identifier: str, value: Fraction) -> bytes:
    return _element(identifier, struct.pack(">d", float(value)))
