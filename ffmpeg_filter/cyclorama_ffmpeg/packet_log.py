"""Encoded packets in a file of their own, to be joined later: every byte, time and piece of side data as it was.

No container of FFmpeg keeps all of these for every codec: Matroska and NUT leave decoding times to be guessed,
MP4 has no place for the alpha of VP9.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.packet import PacketSideData, packet_sidedata_type_from_literal

from cyclorama.errors import OutputError

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

    from cyclorama_ffmpeg.reading import Packet

MAGIC = b"CYCPKT1\n"
HEADER = struct.Struct("<qqI")  # time base, length of the extradata
RECORD = struct.Struct("<qqq?II")  # pts, dts, duration, whether a keyframe, length, pieces of side data
SIDE = struct.Struct("<II")  # length of its name, its length
NO_TIME = -(2**63)  # AV_NOPTS_VALUE


class PacketLog:
    """Takes a container's place in a `Writer`: a stream is made as for that container, its packets are logged.

    Args:
        path: of the log.
        container: FFmpeg's name of the format that the packets will end in.
    """

    def __init__(self, path: Path, container: str) -> None:
        self._file = path.open("wb")
        # Never written to: a place for the encoder to put its stream.
        self._stand_in: OutputContainer = av.open(
            "file:nothing%d" if container == "image2" else io.BytesIO(), "w", format=container
        )
        self._started = False

    @property
    def format(self) -> LogFormat:
        return LogFormat()

    def add_stream(self, *args: Any, **options: Any) -> Any:
        return self._stand_in.add_stream(*args, **options)

    def add_stream_from_template(self, *args: Any, **options: Any) -> Any:
        return self._stand_in.add_stream_from_template(*args, **options)

    def mux(self, packets: Packet | Iterable[Packet]) -> None:
        """Logs packets of the one stream."""
        for packet in [packets] if isinstance(packets, av.Packet) else packets:
            if not self._started:
                extradata = packet.stream.codec_context.extradata or b""
                base = packet.time_base
                self._file.write(MAGIC + HEADER.pack(base.numerator, base.denominator, len(extradata)) + extradata)
                self._started = True
            self._file.write(_packed(packet))

    def close(self) -> None:
        """Has everything on the disk."""
        self._stand_in.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()


@dataclass(frozen=True, slots=True)
class LogFormat:
    """What a log says where a container names its format."""

    name: str = "packets"


@dataclass(frozen=True, slots=True)
class Head:
    """What a log says of all of its packets."""

    time_base: Fraction
    extradata: bytes


def read_head(path: Path) -> Head:
    """The beginning of a log.

    Raises:
        OutputError: it is none.
    """
    with path.open("rb") as file:
        return _head(path, file)


def read(path: Path, stream: VideoStream) -> Iterator[Packet]:
    """The packets of a log, as those of a stream."""
    with path.open("rb") as file:
        base = _head(path, file).time_base
        while record := file.read(RECORD.size):
            pts, dts, duration, keyframe, length, pieces = RECORD.unpack(record)
            packet: Packet = av.Packet(file.read(length))
            for _ in range(pieces):
                name, size = SIDE.unpack(file.read(SIDE.size))
                kind: Any = file.read(name).decode()
                data: Any = PacketSideData(packet_sidedata_type_from_literal(kind), size)  # type: ignore[call-arg]
                data.update(file.read(size))
                packet.set_sidedata(data)
            packet.stream, packet.time_base = stream, base
            packet.pts, packet.dts = (None if time == NO_TIME else time for time in (pts, dts))
            packet.duration = duration
            packet.is_keyframe = keyframe
            yield packet


def _head(path: Path, file: io.BufferedReader) -> Head:
    if file.read(len(MAGIC)) != MAGIC:
        raise OutputError(f"{path}: expected encoded pictures of a run that was cut off; start anew without --resume")
    numerator, denominator, length = HEADER.unpack(file.read(HEADER.size))
    return Head(Fraction(numerator, denominator), file.read(length))


def _packed(packet: Packet) -> bytes:
    side = [(str(piece.data_type).encode(), bytes(piece)) for piece in packet.iter_sidedata()]
    pts, dts = (NO_TIME if time is None else time for time in (packet.pts, packet.dts))
    parts = [RECORD.pack(pts, dts, packet.duration or 0, packet.is_keyframe, packet.size, len(side)), bytes(packet)]
    for name, data in side:
        parts += [SIDE.pack(len(name), len(data)), name, data]
    return b"".join(parts)
