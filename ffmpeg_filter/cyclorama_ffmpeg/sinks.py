"""Uncompressed video into a pipe: NUT with its sound, Y4M, or bare pixels; every picture at once."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import av
from av.codec.codec import find_best_pix_fmt_of_list
from av.video.reformatter import ColorRange

from cyclorama.errors import SettingError
from cyclorama_ffmpeg.nut_formats import NUT_FORMATS
from cyclorama_ffmpeg.pipe_ends import Outgoing
from cyclorama_ffmpeg.streams import lasting

if TYPE_CHECKING:
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

    from cyclorama_ffmpeg.reading import Packet

Kind: TypeAlias = Literal["nut", "y4m", "rgb"]

# Layout -> its name in a Y4M header, as FFmpeg reads and writes them.
Y4M_FORMATS = {
    "yuv420p": "420jpeg",
    "yuv422p": "422",
    "yuv444p": "444",
    "yuv411p": "411",
    "gray": "mono",
    "yuva444p": "444alpha",
    **{f"yuv{c}p{bits}le": f"{c}p{bits}" for c in (420, 422, 444) for bits in (9, 10, 12, 14, 16)},
    **{f"gray{bits}le": f"mono{bits}" for bits in (9, 10, 12, 16)},
}
SITINGS = ("", "jpeg", "mpeg2", "paldv")  # of the colour's samples in C420; the planes are the same
RGB_FORMATS = ("rgb24", "rgba")
FALLBACK_RATE = Fraction(25)  # frames a second, of which NUT makes no use but to tell


class Sink(Protocol):
    """Where pictures go. What was written has left the process when a call returns."""

    def open(self, frame: av.VideoFrame) -> None:
        """Writes the header for frames like this one."""

    def picture(self, frame: av.VideoFrame) -> None:
        """Writes a frame; it is in the layout, and has the time, that it is to be written with."""

    def packet(self, packet: Packet) -> None:
        """Writes a packet of another stream."""

    def close(self) -> None:
        """Writes what belongs at the end."""


def layout(kind: Kind, given: str, *, transparent: bool) -> str:
    """FFmpeg's name of the pixels' layout in which pictures come out: the one `given` where that can be.

    Raises:
        SettingError: there is none that is like it.
    """
    known = {"nut": NUT_FORMATS, "y4m": tuple(Y4M_FORMATS), "rgb": RGB_FORMATS}[kind]
    if given in known and (has_alpha(given) or not transparent):
        return given
    best, _ = find_best_pix_fmt_of_list([name for name in known if has_alpha(name) == transparent], given, transparent)
    if best is None:
        raise SettingError(f"pictures of the layout {given} have no likeness in {kind}; choose another --format")
    return best.name


def has_alpha(name: str) -> bool:
    return any(component.is_alpha for component in av.VideoFormat(name).components)


class Nut:
    """NUT by FFmpeg: pictures uncompressed, other streams packet by packet, each with its exact time.

    FFmpeg holds a picture back until a packet of another stream or the next picture comes, where there are
    other streams; without any, nothing is held back.

    Args:
        stream: of the source's pictures; its rate and time base are kept.
        others: streams whose packets will come.
        source: whose metadata is kept.
    """

    def __init__(
        self, outgoing: Outgoing, stream: VideoStream, others: Sequence[Stream], source: InputContainer
    ) -> None:
        self._outgoing, self._stream, self._others, self._source = outgoing, stream, others, source
        self._container: OutputContainer

    def open(self, frame: av.VideoFrame) -> None:
        # Without an index, which would grow for as long as the stream runs.
        options = {"flush_packets": "1", "max_interleave_delta": "1", "write_index": "0"}
        self._container = av.open(self._outgoing, "w", format="nut", options=options)
        self._container.metadata.update(lasting(self._source.metadata))
        rate = self._stream.average_rate or self._stream.base_rate or FALLBACK_RATE
        self._pictures = self._container.add_stream("rawvideo", rate=rate)
        self._pictures.width, self._pictures.height = frame.width, frame.height
        self._pictures.pix_fmt = frame.format.name
        self._pictures.codec_context.time_base = self._stream.time_base or 1 / rate
        self._pictures.metadata.update(lasting(self._stream.metadata))
        self._copies: dict[Stream, Stream] = {}
        for stream in self._others:
            copy: Stream = self._container.add_stream_from_template(stream, opaque=True)
            copy.metadata.update(lasting(stream.metadata))
            self._copies[stream] = copy

    def picture(self, frame: av.VideoFrame) -> None:
        self._container.mux(self._pictures.encode(frame))

    def packet(self, packet: Packet) -> None:
        packet.stream = self._copies[packet.stream]
        self._container.mux(packet)

    def close(self) -> None:
        self._container.mux(self._pictures.encode(None))
        self._container.close()


class Y4m:
    """YUV4MPEG2, which counts frames at a constant rate.

    Args:
        rate: frames a second.
        aspect: width to height of a pixel.
        given: the header of a source of the same kind, which is kept.
    """

    def __init__(self, outgoing: Outgoing, rate: Fraction, aspect: Fraction | None, given: bytes = b"") -> None:
        self._outgoing, self._rate, self._aspect, self._given = outgoing, rate, aspect, given

    def open(self, frame: av.VideoFrame) -> None:
        layout = f"C{Y4M_FORMATS[frame.format.name]}"
        if self._given:
            words = self._given.decode("ascii", "replace").split()
            before = next((word for word in words if word.startswith("C")), "C420jpeg")
            if layout != before and (layout != "C420jpeg" or before.removeprefix("C420") not in SITINGS):
                words = [word for word in words if not word.startswith(("C", "XYSCSS"))] + [layout]
        else:
            ratio = "0:0" if self._aspect is None else f"{self._aspect.numerator}:{self._aspect.denominator}"
            full = "FULL" if frame.color_range == ColorRange.JPEG else "LIMITED"
            words = ["YUV4MPEG2", f"W{frame.width}", f"H{frame.height}"]
            words += [f"F{self._rate.numerator}:{self._rate.denominator}", "Ip", f"A{ratio}", layout]
            words += [f"XCOLORRANGE={full}"]
        self._outgoing.write(" ".join(words).encode() + b"\n")
        self._pack = _Packer(frame)

    def picture(self, frame: av.VideoFrame) -> None:
        self._outgoing.write(b"FRAME\n" + self._pack(frame))

    def packet(self, packet: Packet) -> None:
        raise AssertionError("Y4M holds pictures alone")

    def close(self) -> None:
        pass


class Rgb:
    """Pixels alone: 3 bytes each, 4 with alpha."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    def open(self, frame: av.VideoFrame) -> None:
        self._pack = _Packer(frame)

    def picture(self, frame: av.VideoFrame) -> None:
        self._outgoing.write(self._pack(frame))

    def packet(self, packet: Packet) -> None:
        raise AssertionError("bare pixels have no other streams")

    def close(self) -> None:
        pass


class _Packer:
    """Frames to their bytes: all planes, without what rows are padded with."""

    def __init__(self, frame: av.VideoFrame) -> None:
        self._context: VideoCodecContext = av.CodecContext.create("rawvideo", "w")  # type: ignore[assignment]
        self._context.width, self._context.height, self._context.pix_fmt = frame.width, frame.height, frame.format.name
        self._context.time_base = frame.time_base or Fraction(1)

    def __call__(self, frame: av.VideoFrame) -> bytes:
        return b"".join(bytes(packet) for packet in self._context.encode(frame))
