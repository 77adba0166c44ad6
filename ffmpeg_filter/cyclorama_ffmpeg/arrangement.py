"""What becomes of a video file, settled before the work: options, the output's name, encoding and streams."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av

from cyclorama.errors import MediaError, OutputError
from cyclorama_ffmpeg import encodings, formats, streams
from cyclorama_ffmpeg.encodings import Encoding, Wish
from cyclorama_ffmpeg.frames import Tags, open_video, video_stream
from cyclorama_ffmpeg.paths import MARK
from cyclorama_ffmpeg.reading import BorrowedSound
from cyclorama_ffmpeg.streams import Kept, Plan
from cyclorama_ffmpeg.trim import Span

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is rewritten.

    Attributes:
        wish: codec, quality, speed and pixel format.
        kept: sound, subtitles and attachments.
        deinterlace: frames that say they are interlaced; otherwise their combs stay, and that is said.
        span: the part that is wanted; None: all of it.
        threads: of the decoder and of the encoder each; 0: as many as FFmpeg thinks fit.
        resume: go on with a run that was cut off, if there is one, and leave the work to the next where this one
            is stopped. None: long videos are made so that a run can go on after this process was killed. False:
            no video is.
    """

    wish: Wish = field(default_factory=Wish)
    kept: Kept = field(default_factory=Kept)
    deinterlace: bool = True
    span: Span | None = None
    threads: int = 0
    resume: bool | None = None


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What becomes of a file: where to and encoded how, and what the user should know.

    Attributes:
        frames: how many there are, about; 0: unknown.
    """

    target: Path
    encoding: Encoding
    notes: tuple[str, ...]
    frames: int


def arrange(
    source: Path,
    target: Path | None,
    *,
    transparent: bool,
    options: Options | None = None,
    matte_target: Path | None = None,
    folder: Path | None = None,
) -> Arrangement:
    """What `replace_background` will do with a file: everything that can be known before the work is checked.

    Args:
        target: None: a name beside the source, of the first container that can hold all of it.
        folder: for that name, rather than the source's.

    Raises:
        MediaError: the source cannot be read, or has no video.
        OutputError: the target cannot hold the result.
        SettingError: an option has no sense here.
    """
    options = options or Options()
    with ExitStack() as stack:
        container = stack.enter_context(open_video(source))
        stream = video_stream(container, source)
        borrowed = borrowed_sound(options, stack)
        arranged, _ = arrange_streams(
            source, container, stream, target, borrowed, options, transparent=transparent, folder=folder
        )
        if matte_target is not None:
            if matte_target.resolve() == arranged.target.resolve():
                raise OutputError(f"{matte_target}: the matte and the result have the same name")
            matte_encoding(matte_target)
        return arranged


def matte_encoding(target: Path) -> Encoding:
    """The encoding of mattes, grey in 8 bits.

    Raises:
        OutputError: the target is of a kind that is not written.
    """
    return encodings.choose(target, encodings.Pictures(), transparent=False)


def borrowed_sound(options: Options, stack: ExitStack) -> BorrowedSound | None:
    """The other file's sound, if the options name one; closed with the stack."""
    path = options.kept.audio_from
    return None if path is None else stack.enter_context(BorrowedSound(path))


def stream_tags(stream: VideoStream) -> Tags:
    """The colour tags of a stream, before its first frame was seen."""
    context = stream.codec_context
    return Tags(context.colorspace, context.color_range, context.color_primaries, context.color_trc)


def arrange_streams(
    source: Path,
    container: InputContainer,
    stream: VideoStream,
    target: Path | None,
    borrowed: BorrowedSound | None,
    options: Options,
    *,
    transparent: bool,
    folder: Path | None = None,
) -> tuple[Arrangement, Plan]:
    """The same for a file that is open, and the way of each of its streams, which are good until it is closed."""
    if not stream.codec_context:
        raise MediaError(f"{source}: expected a video, its pictures are of a kind that FFmpeg does not know")
    if stream.format is None:
        raise MediaError(f"{source}: expected a video, no frame of it can be decoded")
    pictures = encodings.pictures_of(stream.format, hdr=stream_tags(stream).hdr)
    sounds = None if borrowed is None else borrowed.streams
    frames = stream.frames or _estimate(stream, container)
    if options.span is not None:
        frames = options.span.frames(frames, stream.average_rate)

    def to(path: Path) -> tuple[Arrangement, Plan]:
        encoding = encodings.choose(path, pictures, transparent=transparent, wish=options.wish)
        if options.threads:
            encoding = replace(encoding, options={**encoding.options, "threads": str(options.threads)})
        others = formats.homes(options.wish.codec, transparent=transparent)
        plan = streams.plan(path, container, stream, options.kept, sounds=sounds, others=others)
        return Arrangement(path, encoding, (*encoding.notes, *plan.notes), frames), plan

    if target is not None:
        return to(target)
    refusals: list[OutputError] = []
    for suffix in encodings.candidates(options.wish, transparent=transparent):
        try:
            found, plan = to((folder or source.parent) / f"{source.stem}{MARK}{suffix}")
        except OutputError as error:
            refusals.append(error)
            continue
        if not transparent:
            return found, plan
        notes = f"{found.target.name}: {suffix} carries the transparency, as {found.encoding.name}", *found.notes
        return replace(found, notes=notes), plan
    raise refusals[0]


def _estimate(stream: VideoStream, container: InputContainer) -> int:
    """Number of frames by duration and rate; 0 where the file says neither."""
    seconds = Fraction(0)
    if stream.duration is not None and stream.time_base is not None:
        seconds = stream.duration * stream.time_base
    elif container.duration is not None:
        seconds = Fraction(container.duration, av.time_base)
    return int(seconds * (stream.average_rate or 0))
