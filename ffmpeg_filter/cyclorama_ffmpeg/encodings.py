"""How pictures are stored: the codec, pixel format and quality for a file's name and its pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import av

from cyclorama.errors import OutputError, SettingError
from cyclorama_ffmpeg import system_ffmpeg
from cyclorama_ffmpeg.formats import (
    ALPHA_HOMES,
    CODECS,
    CONTAINERS,
    FILMS,
    HDR_QUALITY,
    Codec,
    codec_named,
    container_of,
    holds,
    homes,
    usual_name,
)


@dataclass(frozen=True, slots=True)
class Pictures:
    """What is to be stored.

    Attributes:
        bits: of a component.
        chroma: shift of the chroma planes, across and down: (1, 1) is 4:2:0, (0, 0) 4:4:4.
        hdr: PQ, HLG, or empty.
    """

    bits: int = 8
    chroma: tuple[int, int] = (1, 1)
    hdr: str = ""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a user asks of the encoder; None: what suits the container and the pictures.

    Attributes:
        codec: a name in `CODECS`, or an encoder's name of FFmpeg.
        crf: constant quality on the encoder's own scale; lower is better.
        preset: speed on the encoder's own scale.
        pixel_format: FFmpeg's name.
    """

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None
    pixel_format: str | None = None


@dataclass(frozen=True, slots=True)
class Encoding:
    """A codec with all its settings, ready to open.

    Attributes:
        name: what people call it.
        codec: the encoder and its nature.
        pixel_format, options: FFmpeg's.
        even: the sides have to be.
        square: the pixels have to be, since nothing would tell their shape.
        notes: what of the pictures is lost, in words.
    """

    name: str
    codec: Codec
    pixel_format: str
    options: Mapping[str, str]
    even: bool = False
    square: bool = False
    notes: tuple[str, ...] = ()

    @property
    def bits(self) -> int:
        return bits_of(av.VideoFormat(self.pixel_format))


def choose(target: Path, pictures: Pictures, *, transparent: bool, wish: Wish | None = None) -> Encoding:
    """The encoding for a file's name and its pictures.

    Raises:
        OutputError: the container cannot hold what was asked for, or shows no transparency.
        SettingError: there is no such encoder, or it takes no such format.
    """
    wish = wish or Wish()
    container, suffix = container_of(target), target.suffix.lower()
    if wish.codec is not None:
        name = usual_name(wish.codec)
    elif transparent:
        if container.alpha is None:
            raise OutputError(_no_transparency(target, suffix))
        name = container.alpha
    else:
        name = container.usual if pictures.bits <= _most_bits(CODECS[container.usual]) else container.deep
    codec = codec_named(name)
    if codec.stored_as not in holds(suffix) or (container.alone and name not in (container.usual, codec.encoder)):
        others = [s for s, c in CONTAINERS.items() if codec.stored_as in holds(s) and (not c.alone or c.usual == name)]
        where = f"name it {' or '.join(others)}" if others else "choose another with --codec"
        raise OutputError(f"{target}: {suffix} cannot hold {name}; {where}")
    if transparent and suffix not in ALPHA_HOMES.get(name, (suffix,) if container.alpha == name else ()):
        raise OutputError(_no_transparency(target, f"{name} in {suffix}"))
    pixel_format = _pixel_format(codec, name, pictures, transparent=transparent, wanted=wish.pixel_format)
    chosen = av.VideoFormat(pixel_format)
    bits = bits_of(chosen)
    if pictures.hdr and bits < 10:
        raise OutputError(
            f"{target}: the video is HDR, which {bits} bits ({name}) cannot hold; "
            "choose --codec hevc, av1, prores or ffv1, or another container"
        )
    options = {**codec.options, **HDR_QUALITY.get((name, pictures.hdr), {})}
    for option, value, switch in ((codec.quality, wish.crf, "--crf"), (codec.speed, wish.preset, "--preset")):
        if value is not None:
            if option is None:
                raise SettingError(f"{switch}: {name} has no such setting; leave it out")
            options[option] = str(value)
    if codec.encoder == "libvpx-vp9" and transparent:
        options["auto-alt-ref"] = "0"  # libvpx refuses alpha otherwise
    if chosen.name == "yuv422p10le" and codec.encoder == "prores_aw":
        options["profile"] = "3"  # HQ; 2 (standard) is its default
    even = codec.even and _chroma_shift(chosen) != (0, 0)
    square = not (codec.aspect or container.aspect)
    notes = _losses(name, pictures, chosen, wish)
    if codec.elsewhere is not None:
        notes.append(
            f"{name} is encoded by the system's ffmpeg ({system_ffmpeg.version()}), since PyAV's FFmpeg lacks it"
        )
    return Encoding(name, codec, pixel_format, options, even, square, tuple(notes))


def candidates(wish: Wish, *, transparent: bool) -> list[str]:
    """Suffixes of the containers to try where the user names no output, the best first.

    Raises:
        OutputError: what was asked for has no container of its own.
    """
    if wish.codec is None:
        return [".webm", ".mov"] if transparent else list(FILMS)
    home = codec_named(wish.codec).home
    if home is None:
        raise OutputError(f"--codec {wish.codec} writes a sequence of pictures: name it, -o frames/%05d.{wish.codec}")
    return list(dict.fromkeys([home, *homes(wish.codec, transparent=transparent)]))


def bits_of(pixel_format: av.VideoFormat) -> int:
    """Bits of a component."""
    return max((component.bits for component in pixel_format.components), default=8)


def pictures_of(pixel_format: av.VideoFormat, *, hdr: str) -> Pictures:
    """What frames of a format ask of an encoding."""
    return Pictures(min(bits_of(pixel_format), 16), _chroma_shift(pixel_format), hdr)


def _chroma_shift(pixel_format: av.VideoFormat) -> tuple[int, int]:
    if len(pixel_format.components) < 3:  # grey is as well off with 4:2:0
        return (1, 1)
    if pixel_format.is_rgb:
        return (0, 0)
    across, down = 16 // pixel_format.chroma_width(16), 16 // pixel_format.chroma_height(16)
    return across.bit_length() - 1, down.bit_length() - 1


def _pixel_format(codec: Codec, name: str, pictures: Pictures, *, transparent: bool, wanted: str | None) -> str:
    """The encoder's own format that is nearest to the pictures."""
    takes = codec.pixel_formats()
    if wanted is not None:
        if wanted not in [f.name for f in takes]:
            raise SettingError(f"--pixel-format: {name} takes {', '.join(f.name for f in takes)}; got {wanted}")
        if any(c.is_alpha for c in av.VideoFormat(wanted).components) != transparent:
            raise SettingError(f"--pixel-format: {wanted} has {'no ' if transparent else ''}alpha; choose another")
        return wanted
    if codec.pixel_format is not None:
        return codec.pixel_format
    bits = min(pictures.bits, codec.bits)
    chroma = (1, 1) if codec.subsampled else pictures.chroma

    def distance(candidate: av.VideoFormat) -> tuple[bool, int, int, int]:
        own, (across, down) = bits_of(candidate), _chroma_shift(candidate)
        lost = max(across - chroma[0], 0) + max(down - chroma[1], 0)
        gained = max(chroma[0] - across, 0) + max(chroma[1] - down, 0)
        # RGB only where there is nothing else; then enough bits, but no more; then the chroma.
        return candidate.is_rgb, own - bits if own >= bits else 100 + bits - own, lost, gained

    fitting = [
        f
        for f in takes
        if len(f.components) >= 3 + transparent
        and any(c.is_alpha for c in f.components) == transparent
        and not f.name.startswith("yuvj")
        and "msb" not in f.name
    ]
    if not fitting:
        raise OutputError(f"{name} stores no {'transparent ' if transparent else ''}pictures here; choose another")
    return min(fitting, key=distance).name


def _most_bits(codec: Codec) -> int:
    """What players show, and this build of FFmpeg makes: its VP9 may know 8 bits alone."""
    return min(codec.bits, max(map(bits_of, codec.pixel_formats()), default=8))


def _losses(name: str, pictures: Pictures, chosen: av.VideoFormat, wish: Wish) -> list[str]:
    """What of the pictures the format cannot hold."""
    notes = []
    bits = bits_of(chosen)
    if bits < pictures.bits:
        notes.append(f"the video has {pictures.bits} bits a component, the result has {bits} ({name})")
    elif pictures.bits > 8 and wish.codec is None and name in ("hevc", "av1"):
        notes.append(f"the video has {pictures.bits} bits a component: it is written as {name.upper()}, 10 bits")
    across, down = _chroma_shift(chosen)
    if (across, down) != pictures.chroma and across >= pictures.chroma[0] and down >= pictures.chroma[1]:
        kinds = {(0, 0): "4:4:4", (1, 0): "4:2:2", (1, 1): "4:2:0"}
        was, now = (kinds.get(c, "finer") for c in (pictures.chroma, (across, down)))
        notes.append(
            f"the colour of the video has the resolution {was}, the result has {now}, which plays everywhere; "
            "--codec prores and ffv1 keep it, --pixel-format chooses"
        )
    return notes


def _no_transparency(target: Path, what: str) -> str:
    return (
        f"{target}: {what} carries no transparency that players show; "
        "name it .webm (VP9, for the web and OBS), .mov (ProRes 4444, for editors), .webp, .gif or frames/%05d.png"
    )
