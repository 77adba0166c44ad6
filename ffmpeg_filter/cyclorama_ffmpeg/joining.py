"""Segments made into the output: recorded pictures packet by packet, with everything else out of the source."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av

from cyclorama.errors import MediaError, OutputError
from cyclorama_ffmpeg import packet_log
from cyclorama_ffmpeg.encoder import PictureEncoder
from cyclorama_ffmpeg.stored import Pixels
from cyclorama_ffmpeg.writing import lasts

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

    from cyclorama_ffmpeg.reading import BorrowedSound, Packet


class Replay:
    """Takes an encoder's place in a `Writer`: the stream is the encoder's, the packets come from elsewhere.

    Args:
        encoder: with the settings that the packets were made with.
        extradata: what stood in their head.
        end: when the last picture ends, in seconds.
    """

    left_out = 0

    def __init__(self, encoder: PictureEncoder, extradata: bytes, target: Path, end: Fraction) -> None:
        self._encoder, self._extradata, self._target = encoder, extradata, target
        self.end = end
        self.keeps_rate = True
        self.is_mp4 = False
        self.stream: VideoStream

    def open(self, container: OutputContainer, pixels: Pixels, like: av.VideoFrame, aspect: Fraction) -> VideoStream:
        """Adds the stream.

        Raises:
            OutputError: the encoder would not make such packets.
        """
        self.stream = self._encoder.open(container, pixels, like, aspect)
        self.keeps_rate = self._encoder.keeps_rate
        self.is_mp4 = container.format.name in ("mp4", "mov")
        if (self.stream.codec_context.extradata or b"") != self._extradata:
            raise OutputError(
                f"{self._target}: the encoder works otherwise than in the run that was cut off; start anew with "
                "--overwrite and without --resume"
            )
        return self.stream

    def encode(self, pixels: Pixels, like: av.VideoFrame) -> Iterator[Packet]:
        return iter(())

    def flush(self) -> list[Packet]:
        return []

    def close(self) -> None:
        self._encoder.close()


class Recorded:
    """The carrier of a replay's packets."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._held: Packet | None = None
        self._last_dts: int | None = None

    def open(self, container: OutputContainer) -> None:
        """The replay adds the stream."""

    def carry(self, packet: Packet | None) -> Iterator[Packet]:
        held, self._held = self._held, packet
        if packet is not None:
            packet.stream = self._replay.stream
            # With B-frames the first decoding times of a segment lie before its first picture, and where the rate
            # falls, before the last ones of the segment before. Its last pictures leave room for them.
            if packet.dts is not None and self._last_dts is not None and packet.dts <= self._last_dts:
                packet.dts = self._last_dts + 1
            self._last_dts = packet.dts
        elif held is not None and held.pts is not None and self._replay.is_mp4:
            held.duration = lasts(held, self._replay.end)
        if held is not None:
            yield held


def heads_agree(logs: Sequence[Path], target: Path) -> bytes:
    """The extradata that all segments have.

    Raises:
        OutputError: they differ.
    """
    heads = {packet_log.read_head(log) for log in logs}
    if len(heads) != 1:
        raise OutputError(f"{target}: its segments do not fit together; start anew with --overwrite, without --resume")
    return heads.pop().extradata


def recorded(logs: Sequence[Path], stream: VideoStream) -> Iterator[Packet]:
    """All packets of a track, as those of the source's pictures."""
    for log in logs:
        yield from packet_log.read(log, stream)


def others(
    source: Path,
    container: InputContainer,
    own: Sequence[Stream],
    borrowed: BorrowedSound | None,
    first: Fraction,
    end: Fraction,
) -> Iterator[Packet]:
    """Packets of everything but the pictures.

    Args:
        own: streams of the source that are wanted.
        borrowed: sound of another file.
        first, end: when the first picture begins and the last one ends, in the source's time, in seconds.
    """
    packets = [_own(source, container, own)] if own else []
    if borrowed is not None:
        borrowed.align(first)
        packets.append(borrowed.until(end))
    return in_order(*packets)


def in_order(*sources: Iterator[Packet]) -> Iterator[Packet]:
    """Packets of several sources by their times, each source's in the order that they have.

    Text comes when it comes: it is sparse, and its times run ahead.
    """

    def timed(packets: Iterator[Packet]) -> Iterator[tuple[Fraction, Packet]]:
        now = Fraction(-(2**63))
        for packet in packets:
            begins = packet.pts if packet.dts is None else packet.dts
            if begins is not None and packet.stream.type in ("audio", "video"):
                now = max(now, begins * packet.time_base)
            yield now, packet

    for _, packet in heapq.merge(*map(timed, sources), key=lambda each: each[0]):
        yield packet


def _own(source: Path, container: InputContainer, own: Sequence[Stream]) -> Iterator[Packet]:
    try:
        for packet in container.demux(list(own)):
            if packet.is_corrupt:
                raise MediaError(f"{source}: the file is damaged or cut short; nothing was written")
            if packet.size:
                yield packet
    except av.FFmpegError as error:
        raise MediaError(f"{source}: the file is damaged ({error.strerror}); nothing was written") from error
