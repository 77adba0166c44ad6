"""What a video file holds beside its pictures, and how each of it gets into another container."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import av

from cyclorama.errors import OutputError, SettingError
from cyclorama_ffmpeg.formats import CONTAINERS, holds

if TYPE_CHECKING:
    from fractions import Fraction

    from av.container import InputContainer
    from av.stream import Stream

# Text that another text codec holds as well: words, lines, bold and italics. ASS has places and fonts, which
# would be lost.
TEXT = {"subrip", "srt", "mov_text", "webvtt", "text"}
TEXT_OF_CONTAINER = {"mp4": "mov_text", "mov": "mov_text", "matroska": "subrip", "webm": "webvtt"}
# What a container without a place for it loses with a note: a copy can go on without. All else is refused.
NOT_MISSED = {"data", "unknown", "cover"}
COVERS = {"mjpeg": ("jpg", "image/jpeg"), "png": ("png", "image/png")}
# Frames a second of which MP4 can count a timecode (FFmpeg's timecode.c).
TIMECODE_RATES = {24, 25, 30, 48, 50, 60, 100, 120, 150}
# Said of the file or the encoding that was, not of the pictures: the muxers write their own.
STALE_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder", "rotate", "duration"}
STALE_PREFIXES = ("bps", "number_of_", "_statistics_", "duration-")

How: TypeAlias = Literal["copy", "text", "sound", "attach", "cover"]


@dataclass(frozen=True, slots=True)
class Kept:
    """What of a file a user wants to keep.

    Attributes:
        audio: the sound.
        audio_codec: FFmpeg's name of an encoder for it; None: it is copied as it is.
        audio_from: a file whose sound takes the place of the video's.
        subtitles: words.
        attachments: fonts and cover pictures.
    """

    audio: bool = True
    audio_codec: str | None = None
    audio_from: Path | None = None
    subtitles: bool = True
    attachments: bool = True

    def __post_init__(self) -> None:
        if not self.audio and (self.audio_codec or self.audio_from):
            raise SettingError("--no-audio leaves nothing for --audio-codec and --audio-from to do; choose")
        if self.audio_codec is not None:
            try:
                kind = av.Codec(self.audio_codec, "w").type
            except ValueError:
                kind = None
            if kind != "audio":
                raise SettingError(
                    f"--audio-codec: this build of FFmpeg has no audio encoder {self.audio_codec}; "
                    "expected for example aac, libopus, flac or pcm_s16le"
                )


@dataclass(frozen=True, slots=True)
class Carried:
    """One stream on its way.

    Attributes:
        stream: of the source.
        how: "copy": packet by packet; "text": subtitles in another codec; "sound": encoded anew; "attach": a
            file in the header; "cover": a picture beside the pictures.
        codec: FFmpeg's name of the new codec, for "text" and "sound".
    """

    stream: Stream
    how: How
    codec: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is carried, in the source's order, and notes on what is not."""

    carried: tuple[Carried, ...]
    notes: tuple[str, ...]


def plan(
    target: Path,
    source: InputContainer,
    pictures: Stream,
    kept: Kept,
    *,
    sounds: Sequence[Stream] | None = None,
    others: Sequence[str] = (),
) -> Plan:
    """How each stream gets into the target's container.

    Args:
        pictures: the stream that is made anew.
        sounds: of another file, in place of the source's.
        others: suffixes of containers that would hold the pictures as well, for advice.

    Raises:
        OutputError: the container cannot hold a stream; the message names one that can.
    """
    suffix = target.suffix.lower()
    carried: list[Carried] = []
    notes: list[str] = []
    own = [s for s in source.streams if s.index != pictures.index and not (s.type == "audio" and sounds is not None)]
    if CONTAINERS[suffix].alone:
        left = [name for s in [*own, *(sounds or ())] if (name := _left_alone(s, kept))]
        if left:
            notes.append(f"{target}: {suffix} holds pictures alone: {', '.join(left)} of the source are left out")
        return Plan((), tuple(notes))
    for stream in [*own, *(sounds or ())]:
        kind = kind_of(stream)
        if not _wanted(kind, kept) or _is_written_anew(stream, source, pictures):
            continue
        how = way(stream, suffix, kept)
        if how is not None:
            carried.append(how)
        elif kind == "video":
            notes.append(f"stream {stream.index} (a second video) is not carried over: it shows the room")
        elif kind in NOT_MISSED:
            what = f"stream {stream.index} ({describe(stream)})"
            notes.append(f"{what} is not carried over: {suffix} has no place for it")
        elif kind == "audio" and not stream.codec_context:
            notes.append(f"stream {stream.index} (audio of a kind that FFmpeg does not know) is not carried over")
        else:
            raise OutputError(_refusal(target, stream, kind, own, kept, others))
    return Plan(tuple(carried), tuple(notes))


def kind_of(stream: Stream) -> str:
    """audio, subtitle, data, attachment, cover, video (a second one) or unknown."""
    return "cover" if stream.disposition & av.stream.Disposition.attached_pic else stream.type


def describe(stream: Stream) -> str:
    """A stream's kind and codec, for messages."""
    codec = stream.codec_context.codec.name if stream.codec_context else stream.name
    return ", ".join(filter(None, (kind_of(stream).replace("cover", "cover picture"), codec)))


def way(stream: Stream, suffix: str, kept: Kept) -> Carried | None:
    """How a stream gets into a container; None: it cannot."""
    container, kind = CONTAINERS[suffix].format, kind_of(stream)
    codec = stream.codec_context.codec.name if stream.codec_context else ""
    if kind == "attachment":
        return Carried(stream, "attach") if container == "matroska" else None
    if kind == "cover":
        if container == "mp4" and codec in COVERS:  # FFmpeg would leave it out of MOV without a word
            return Carried(stream, "cover")
        return Carried(stream, "attach") if container == "matroska" and codec in COVERS else None
    if kind == "audio" and kept.audio_codec is not None and codec:
        return Carried(stream, "sound", kept.audio_codec) if kept.audio_codec in holds(suffix) else None
    if kind != "video" and can_copy(stream, container):
        return Carried(stream, "copy")
    if kind == "subtitle" and codec in TEXT and container in TEXT_OF_CONTAINER:
        return Carried(stream, "text", TEXT_OF_CONTAINER[container])
    return None


def can_copy(stream: Stream, container: str) -> bool:
    """Whether a container holds a stream's packets as they are: tried, by a header that is thrown away.

    Args:
        container: FFmpeg's name of its format.
    """
    try:
        with av.open(io.BytesIO(), "w", format=container) as trial:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except (ValueError, av.FFmpegError):
        return False
    return True


def lasting(metadata: Mapping[str, str], *, timecode: bool = True) -> dict[str, str]:
    """The tags that are still true of the new file.

    Args:
        timecode: keep that too, if there is one.
    """
    return {
        key: value
        for key, value in metadata.items()
        if key.lower() not in STALE_TAGS
        and not key.lower().startswith(STALE_PREFIXES)
        and (timecode or key.lower() != "timecode")
    }


def counts_timecode(rate: Fraction | None) -> bool:
    """Whether MP4 can count a timecode in frames of this rate."""
    return rate is not None and round(rate) in TIMECODE_RATES


def cover_picture(path: Path, stream: Stream) -> bytes:
    """The file's cover picture, as it is stored."""
    with av.open(f"file:{path}", metadata_errors="replace") as container:
        for packet in container.demux(container.streams[stream.index]):
            if packet.size:
                return bytes(packet)
    return b""


def cover_name(stream: Stream) -> tuple[str, str]:
    """The name and MIME type of a cover picture as an attachment."""
    suffix, mime = COVERS[stream.codec_context.codec.name]
    return stream.metadata.get("filename", f"cover.{suffix}"), stream.metadata.get("mimetype", mime)


def _wanted(kind: str, kept: Kept) -> bool:
    choice = {
        "audio": kept.audio,
        "subtitle": kept.subtitles,
        "attachment": kept.attachments,
        "cover": kept.attachments,
    }
    return choice.get(kind, True)


def _left_alone(stream: Stream, kept: Kept) -> str:
    kind = kind_of(stream)
    return f"stream {stream.index} ({describe(stream)})" if _wanted(kind, kept) and kind != "data" else ""


def _is_written_anew(stream: Stream, source: InputContainer, pictures: Stream) -> bool:
    """Whether the muxer makes such a stream by itself: MP4's timecode, and its list of chapters."""
    if stream.type != "data":
        return False
    if "timecode" in stream.metadata:
        return "timecode" in pictures.metadata or "timecode" in source.metadata
    return stream.name == "bin_data" and bool(source.chapters())


def _refusal(
    target: Path, stream: Stream, kind: str, streams: Sequence[Stream], kept: Kept, others: Sequence[str]
) -> str:
    """Which stream has no place in the container, and what to do."""
    suffix = target.suffix.lower()
    what = {"audio": "sound", "subtitle": "subtitles"}.get(kind, kind)
    codec = kept.audio_codec if kind == "audio" and kept.audio_codec else None
    if codec is not None:
        able = [s for s in others if codec in holds(s)]
        advice = f"name the output {' or '.join(able)}, which can" if able else "choose another"
        return f"{target}: {suffix} cannot hold sound of --audio-codec {codec}; {advice}"
    name = stream.codec_context.codec.name if stream.codec_context else stream.name or "unknown"
    wanted = [s for s in streams if _wanted(kind_of(s), kept) and kind_of(s) not in {*NOT_MISSED, "video"}]
    wanted = [s for s in wanted if s.type != "audio" or s.codec_context]
    able = [s for s in others if s != suffix and all(way(each, s, kept) for each in wanted)]
    opt_out = {
        "audio": "--audio-codec {} encodes it anew, --no-audio leaves it out".format(
            "libopus" if suffix == ".webm" else "aac"
        ),
        "subtitle": "--no-subtitles leaves them out",
        "attachment": "--no-attachments leaves fonts and covers out",
    }.get(kind)
    if able:
        advice = f"name the output {' or '.join(able)}, which can"
    elif kind == "audio":
        advice = f"nor can {' or '.join(others)}" if others else "nor can any other container here"
    else:
        advice = "no container here holds all of the file"
    ways = f"{advice}; or {opt_out}" if opt_out else advice
    return f"{target}: {suffix} cannot hold the {what} of stream {stream.index} ({name}) as it is; {ways}"
