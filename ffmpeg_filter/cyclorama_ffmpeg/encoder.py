"""Pictures into packets of one stream of a new file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import numpy as np

from cyclorama.colour import decode
from cyclorama.errors import OutputError
from cyclorama.types import DeepRgb
from cyclorama.working_space import WorkingSpace
from cyclorama_ffmpeg.encodings import Encoding
from cyclorama_ffmpeg.frames import FromRgb, Tags, plain_tags, stamp, tags_of
from cyclorama_ffmpeg.mastering import encoder_options, mastering_of, template
from cyclorama_ffmpeg.palette import few_colours
from cyclorama_ffmpeg.stored import Pixels, Stored
from cyclorama_ffmpeg.system_ffmpeg import Child, SystemEncoder

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

    from cyclorama_ffmpeg.reading import Packet

GLOBAL_HEADER = av.codec.context.Flags.global_header
# Else the last frame's duration would be a guess.
FRAME_DURATION = av.codec.context.Flags.frame_duration
# x265 learns from the third picture how long B-frames delay it; decoding times of shorter films come from memory
# that nobody wrote to.
X265_LEARNS = 3
APPLE_HEVC = "hvc1"  # the name that Apple's players ask for; others take both


class PictureEncoder:
    """One encoder and the stream that it fills; opened by the first picture, whose upright size decides.

    Args:
        stream: of the source; its rate, time base and aspect are kept.
        working: what the pictures' values stand for where that is not sRGB.
        plain: the pictures are mattes: nothing of the source's HDR is said of them.

    Attributes:
        left_out: number of pictures that came too soon after another.
        keeps_rate: whether the stream has an average rate, in which MP4 could count a timecode.
    """

    def __init__(
        self, encoding: Encoding, stream: VideoStream, *, working: WorkingSpace | None = None, plain: bool = False
    ) -> None:
        self._encoding, self._source, self._working, self._plain = encoding, stream, working, plain
        self._from_rgb = FromRgb(encoding.pixel_format)
        self._context: VideoCodecContext
        self._child: Child | None = None  # in whose place the context stands where a child encodes
        self._stream: VideoStream
        self._last: Fraction | None = None  # time of the last picture, in seconds
        self._pictures = 0
        self.left_out = 0
        self.keeps_rate = True

    def open(self, container: OutputContainer, pixels: Pixels, like: av.VideoFrame, aspect: Fraction) -> VideoStream:
        """Adds the stream for pictures like this one.

        Raises:
            OutputError: the encoder does not open.
        """
        codec = self._encoding.codec
        odd = any(side % 2 for side in pixels.shape[:2])
        name = codec.odd_encoder if odd and codec.odd_encoder is not None else codec.encoder
        if codec.elsewhere is not None:
            return self._open_elsewhere(codec.elsewhere, container, pixels, like, aspect)
        if name == "libsvtav1":
            os.environ.setdefault("SVT_LOG", "1")  # errors alone; it writes to the terminal by itself
        rate = self._source.average_rate or self._source.base_rate or Fraction(25)
        mastering = None if self._plain else mastering_of(like)
        model = None if mastering is None else template(mastering, name)
        if model is None:
            self._stream = cast("VideoStream", container.add_stream(name, rate=rate))
            self._context = self._stream.codec_context
        else:
            self._context = av.CodecContext.create(name, "w")  # type: ignore[assignment]
            self._context.framerate = rate
            self._context.flags |= GLOBAL_HEADER
        context = self._context
        context.height, context.width = pixels.shape[:2]
        context.pix_fmt = self._encoding.pixel_format
        context.time_base = self._source.time_base or Fraction(1, 90_000)
        context.thread_type = "AUTO"  # type: ignore[assignment]
        context.flags |= FRAME_DURATION
        _tag(context, self._tags(like))
        if not self._encoding.square:
            context.sample_aspect_ratio = aspect
        # Mastering metadata stands twice: between the pictures, and in the container.
        self._open_context(encoder_options(mastering, name) if mastering else {})
        if model is not None:
            with model:
                self._stream = self._stream_like(container, model.streams.video[0])
            self.keeps_rate = False
        self._stream.time_base = context.time_base
        if "hevc" in (name, context.codec.canonical_name) and container.format.name in ("mp4", "mov"):
            self._stream.codec_context.codec_tag = APPLE_HEVC
        return self._stream

    def _open_elsewhere(
        self,
        encoder: SystemEncoder,
        container: OutputContainer,
        pixels: Pixels,
        like: av.VideoFrame,
        aspect: Fraction,
    ) -> VideoStream:
        first, base = self._frame(pixels, like), self._source.time_base or Fraction(1, 90_000)
        shape = Fraction(1) if self._encoding.square else aspect
        self._child = Child(encoder, self._encoding.options, first, base, shape)
        told: VideoCodecContext = av.CodecContext.create("rawvideo", "w")  # type: ignore[assignment]
        told.width, told.height, told.pix_fmt = first.width, first.height, first.format.name
        told.sample_aspect_ratio = shape
        _tag(told, self._tags(like))
        self._context = told
        self._stream = self._stream_like(container, self._child.template)
        self._stream.time_base = base
        self.keeps_rate = False
        return self._stream

    def close(self) -> None:
        """Ends what may still be at work."""
        if self._child is not None:
            self._child.close()

    def encode(self, pixels: Pixels, like: av.VideoFrame) -> Iterator[Packet]:
        """The packets that are ready after a picture, uint8 or uint16 (H, W, 3 or 4), or one that is stored already.

        Args:
            like: the frame whose time and colour tags it takes.
        """
        time = (like.pts or 0) * (like.time_base or Fraction(0))
        gap = Fraction(self._encoding.codec.least_gap_ms, 1000)
        if self._last is not None and time - self._last < gap:
            self.left_out += 1
            return
        self._last = time
        self._pictures += 1
        yield from self._sent(self._frame(pixels, like))

    def flush(self) -> list[Packet]:
        """The last packets."""
        packets = list(self._sent(None))
        if self._encoding.codec.encoder == "libx265" and self._pictures < X265_LEARNS:
            for packet in packets:
                packet.dts = packet.pts
        return packets

    def _sent(self, frame: av.VideoFrame | None) -> Iterator[Packet]:
        packets: Iterable[Packet] = (self._child or self._context).encode(frame)  # type: ignore[assignment]
        for packet in packets:
            packet.stream = self._stream
            yield packet

    def _frame(self, pixels: Pixels, like: av.VideoFrame) -> av.VideoFrame:
        if isinstance(pixels, Stored):
            return pixels.frame
        form = self._encoding.codec.form
        if form == "light":
            frame = _light(pixels, self._working, self._encoding.pixel_format)
        elif form == "palette":
            frame = few_colours(pixels)  # type: ignore[arg-type]
        else:
            if self._working is not None:
                colours = self._working.to_signal(pixels[..., :3])
                pixels = colours if pixels.shape[2] == 3 else np.dstack([colours, pixels[..., 3]])
            return self._from_rgb(pixels, like, self._tags(like))
        stamp(frame, like)
        return frame

    def _tags(self, like: av.VideoFrame) -> Tags:
        tags = tags_of(like)
        return plain_tags(tags) if self._plain else tags

    def _open_context(self, more: Mapping[str, str]) -> None:
        """Args: more: options beside the encoding's; those of the same name are joined."""
        name, options = self._encoding.codec.encoder, dict(self._encoding.options)
        for key, value in more.items():
            options[key] = f"{options[key]}:{value}" if key in options else value
        self._context.options = options
        try:
            self._context.open()
        except (av.FFmpegError, ValueError) as error:
            raise OutputError(
                f"the encoder {name} does not open here ({getattr(error, 'strerror', None) or error}): its driver "
                "or device may be missing, or a setting out of its range; choose another with --codec"
            ) from error
        unknown = [key for key in self._encoding.options if key in self._context.options]
        if unknown:
            raise OutputError(f"the encoder {name} has no setting {', '.join(unknown)}; leave it out")

    def _stream_like(self, container: OutputContainer, model: VideoStream) -> VideoStream:
        """A stream for packets that the context makes, with the model's metadata of mastering."""
        stream: VideoStream = container.add_stream_from_template(model, opaque=True)
        copy, made = stream.codec_context, self._context
        copy.width, copy.height, copy.pix_fmt = made.width, made.height, made.pix_fmt
        if made.sample_aspect_ratio is not None:
            copy.sample_aspect_ratio = made.sample_aspect_ratio
        for tag in ("color_primaries", "color_trc", "colorspace", "color_range"):
            setattr(copy, tag, getattr(made, tag))
        if made.extradata:
            copy.extradata = made.extradata
        return stream


def _tag(context: VideoCodecContext, tags: Tags) -> None:
    context.color_primaries, context.color_trc = tags.primaries, tags.transfer
    if not (context.format and context.format.is_rgb):  # its matrix is the identity, whatever the source's
        context.colorspace, context.color_range = tags.matrix, tags.range


def _light(pixels: DeepRgb, working: WorkingSpace | None, pixel_format: str) -> av.VideoFrame:
    """A frame of linear light by BT.709's primaries, 1 white, premultiplied, as OpenEXR wants it."""
    light = decode(pixels[..., :3]) if working is None else working.display_light(pixels[..., :3])
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:].astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
        light = np.concatenate([light * alpha, alpha], axis=2)
    return av.VideoFrame.from_ndarray(np.ascontiguousarray(light), format=pixel_format)
