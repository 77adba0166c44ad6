"""Streams on their way into the new file: copied, encoded anew, or put into its header."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import av
import av.filter

from cyclorama.errors import MediaError, OutputError
from cyclorama_ffmpeg.streams import Carried, cover_name, cover_picture, lasting

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.stream import AttachmentStream, Stream
    from av.subtitles.stream import SubtitleStream

    from cyclorama_ffmpeg.reading import Packet

BITS_A_CHANNEL = 96_000  # a second, of encoders that lose something: AAC and Opus are transparent to most there
MILLISECOND = Fraction(1, 1000)
PRIMING = Fraction(1, 10)  # seconds; AAC takes 0.02 to 0.05, Opus 0.08
USUAL_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


class Carrier(Protocol):
    """One stream's way into a container."""

    def open(self, container: OutputContainer) -> None:
        """Adds the stream; before the header is written."""

    def carry(self, packet: Packet | None) -> Iterator[Packet]:
        """The packets to write for one of the source; None: that was the last."""


def carrier_for(carried: Carried, source: Path) -> Carrier:
    """Args: source: the file that the stream is of."""
    if carried.how == "attach":
        return Attachment(carried.stream, source)
    if carried.how == "text":
        return Text(cast("SubtitleStream", carried.stream), carried.codec)
    if carried.how == "sound":
        return Sound(cast("AudioStream", carried.stream), carried.codec, source)
    return Copy(carried.stream)


class Copy:
    """Packet by packet."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def open(self, container: OutputContainer) -> None:
        self._copy = container.add_stream_from_template(self._stream, opaque=True)
        self._hides = container.format.name in ("mp4", "mov")
        _describe(self._copy, self._stream)

    def carry(self, packet: Packet | None) -> Iterator[Packet]:
        if packet is not None and not self._would_show(packet):
            packet.stream = self._copy
            yield packet

    def _would_show(self, packet: Packet) -> bool:
        """Whether the source hides a packet, by an edit list, that the new container would play.

        What a decoder needs to start with stays.
        """
        if self._hides or not packet.is_discard or packet.pts is None:
            return False
        end = (packet.pts + (packet.duration or 0)) * packet.time_base
        return end < (self._stream.start_time or 0) * packet.time_base - PRIMING


class Attachment:
    """A file in the header of Matroska: a font, or a cover picture."""

    def __init__(self, stream: Stream, source: Path) -> None:
        self._stream, self._source = stream, source

    def open(self, container: OutputContainer) -> None:
        if self._stream.type == "attachment":
            font = cast("AttachmentStream", self._stream)
            copy = container.add_stream_from_template(font)
        else:
            copy = container.add_attachment(*cover_name(self._stream), cover_picture(self._source, self._stream))
        copy.metadata.update(lasting(self._stream.metadata))

    def carry(self, packet: Packet | None) -> Iterator[Packet]:
        return iter(())


class Text:
    """Subtitles in another codec: the same words, lines, bold and italics at the same times."""

    def __init__(self, stream: SubtitleStream, codec: str) -> None:
        self._stream, self._codec = stream, codec

    def open(self, container: OutputContainer) -> None:
        copy: Any = container.add_stream(self._codec)
        self._copy = copy
        decoder: Any = self._stream.codec_context
        decoder.open(strict=False)
        encoder = copy.codec_context
        encoder.subtitle_header = decoder.subtitle_header
        encoder.time_base = copy.time_base = self._stream.time_base or MILLISECOND
        _describe(self._copy, self._stream)

    def carry(self, packet: Packet | None) -> Iterator[Packet]:
        if packet is None:
            return
        words = self._stream.codec_context.decode2(packet)
        if words is None:  # MP4 fills the time between with empty ones
            return
        made = self._copy.codec_context.encode_subtitle(words)
        made.stream = self._copy
        made.pts = made.dts = packet.pts
        made.duration, made.time_base = packet.duration, packet.time_base
        made.is_keyframe = True
        yield made


class Sound:
    """Sound encoded anew; it starts when it started, and gaps in it become silence."""

    def __init__(self, stream: AudioStream, codec: str, source: Path) -> None:
        self._stream, self._codec, self._source = stream, codec, source
        self._graph: av.filter.Graph | None = None

    def open(self, container: OutputContainer) -> None:
        given = self._stream.codec_context
        rates = av.Codec(self._codec, "w").audio_rates
        rate = given.sample_rate
        if rates and rate not in rates:  # the next higher, or else the highest
            rate = min((r for r in rates if r >= rate), default=max(rates))
        # Some containers tell how many channels there are, but not where they stand.
        self._layout = USUAL_LAYOUTS.get(given.layout.nb_channels, given.layout.name)
        if not given.layout.name.endswith("channels"):
            self._layout = given.layout.name
        copy: Any = container.add_stream(self._codec, rate=rate, layout=self._layout)
        copy.bit_rate = BITS_A_CHANNEL * given.layout.nb_channels
        copy.codec_context.time_base = Fraction(1, rate)
        _describe(copy, self._stream)
        try:
            copy.codec_context.open()  # now, since the size of its frames is wanted
        except av.FFmpegError as error:
            raise OutputError(
                f"--audio-codec {self._codec}: the encoder does not take {self._layout} at {rate} Hz "
                f"({error.strerror}); choose another"
            ) from error
        self._copy = copy

    def carry(self, packet: Packet | None) -> Iterator[Packet]:
        try:
            # Explicitly None to flush: what a packet of another stream gives is not this decoder's.
            frames = self._stream.codec_context.decode(packet)  # type: ignore[arg-type]
        except av.FFmpegError as error:
            raise MediaError(
                f"{self._source}: the sound of stream {self._stream.index} is damaged ({error.strerror})"
            ) from error
        for frame in frames:
            if self._graph is None:
                self._graph = self._resampler(frame)
            self._graph.push(frame)
            yield from self._encoded(self._graph)
        if packet is None:
            if self._graph is not None:
                self._graph.push(None)
                yield from self._encoded(self._graph)
            yield from self._copy.encode(None)

    def _encoded(self, graph: av.filter.Graph) -> Iterator[Packet]:
        while True:
            try:
                frame = graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            yield from self._copy.encode(frame)

    def _resampler(self, frame: av.AudioFrame) -> av.filter.Graph:
        encoder = self._copy.codec_context
        base = frame.time_base or Fraction(1, frame.sample_rate)
        graph = av.filter.Graph()
        chain = [
            graph.add_abuffer(
                sample_rate=frame.sample_rate, format=frame.format.name, layout=self._layout, time_base=base
            ),
            graph.add("aresample", "async=1"),
            graph.add(
                "aformat",
                f"sample_fmts={encoder.format.name}:sample_rates={encoder.sample_rate}"
                f":channel_layouts={encoder.layout.name}",
            ),
        ]
        if encoder.frame_size:
            chain.append(graph.add("asetnsamples", f"n={encoder.frame_size}:p=0"))
        chain.append(graph.add("abuffersink"))
        for one, following in itertools.pairwise(chain):
            one.link_to(following)
        graph.configure()
        return graph


def _describe(copy: Any, stream: Stream) -> None:
    copy.metadata.update(lasting(stream.metadata))
    copy.disposition = stream.disposition.value  # PyAV 17 takes a number alone
