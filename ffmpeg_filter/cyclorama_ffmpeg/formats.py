"""Kinds of files and codecs: what is written, with which settings, and what goes into what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal, TypeAlias

import av

from cyclorama.errors import OutputError, SettingError
from cyclorama_ffmpeg import system_ffmpeg
from cyclorama_ffmpeg.output import is_sequence
from cyclorama_ffmpeg.system_ffmpeg import SystemEncoder

Form: TypeAlias = Literal["stored", "palette", "light"]


@dataclass(frozen=True, slots=True)
class Codec:
    """An encoder of FFmpeg and what it is good for.

    Attributes:
        encoder: FFmpeg's name.
        options: FFmpeg's options; their origin stands beside the table.
        quality: which option `--crf` sets. None: it has no such scale.
        speed: which option `--preset` sets.
        bits: the most that players show of this codec.
        subsampled: players show it with 4:2:0 alone; where asked for by `--pixel-format`, others are written.
        even: such pictures need even sides.
        odd_encoder: takes the encoder's place for odd sides, which that does not take.
        aspect: tells the shape of its pixels by itself.
        pixel_format: the one that is always taken.
        form: "palette": few colours, chosen for each picture; "light": linear amounts of light, premultiplied.
        least_gap_ms: pictures closer than this do not fit.
        home: the container in which players look for it, by its suffix; None: it has none of its own.
        elsewhere: the same encoder in the system's ffmpeg, where PyAV's FFmpeg lacks it.
    """

    encoder: str
    options: Mapping[str, str] = field(default_factory=dict)
    quality: str | None = "crf"
    speed: str | None = "preset"
    bits: int = 16
    subsampled: bool = False
    even: bool = False
    odd_encoder: str | None = None
    aspect: bool = False
    pixel_format: str | None = None
    form: Form = "stored"
    least_gap_ms: int = 0
    home: str | None = ".mp4"
    elsewhere: SystemEncoder | None = None

    @property
    def stored_as(self) -> str:
        """The name by which containers know what it makes."""
        return self.encoder if self.elsewhere is None else self.elsewhere.stored_as

    def pixel_formats(self) -> list[av.VideoFormat]:
        """What it can be given."""
        if self.elsewhere is not None:
            return [av.VideoFormat(name) for name in self.elsewhere.pixel_formats]
        return av.Codec(self.encoder, "w").video_formats or []


# CPU time a frame, bytes and SSIM of 60 frames of 720p footage, of which a few settings each were tried:
#   x264 crf 18 veryfast 7 ms, 523 kB, 0.9918 (medium: 22 ms, 537 kB, 0.9957)
#   x265 crf 20 veryfast 49 ms, 479 kB, 0.9908 (superfast crf 18: 36 ms, 524 kB, 0.9902; medium: 62 ms, 0.9914)
#   SVT-AV1 crf 28 preset 8 22 ms, 576 kB, 0.9920 (10: 12 ms, 0.9886; 6: 56 ms, 0.9929)
#   libvpx crf 24 realtime 17 ms, 709 kB, 0.9923 (good: 84 ms, 627 kB, 0.9930)
#   prores_aw HQ 33 ms, 33 MB, 0.9984 (prores_ks HQ: 101 ms, 28 MB, 0.9969); 4444 with alpha 23 ms (86 ms)
#   FFV1 Golomb-Rice 17 ms, 25.4 MB (range coder: 26 ms, 24.1 MB)
CODECS: Mapping[str, Codec] = {
    "h264": Codec("libx264", {"crf": "18", "preset": "veryfast"}, bits=8, subsampled=True, even=True, aspect=True),
    "hevc": Codec(
        "libx265",
        {"crf": "20", "preset": "veryfast", "x265-params": "log-level=none"},
        bits=10,
        subsampled=True,
        even=True,
        aspect=True,
    ),
    "av1": Codec("libsvtav1", {"crf": "28", "preset": "8"}, bits=10, subsampled=True),
    "vp9": Codec(
        "libvpx-vp9",
        {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "5"},
        speed="cpu-used",
        bits=10,
        subsampled=True,
        home=".webm",
    ),
    "prores": Codec("prores_aw", {"vendor": "apl0"}, quality=None, speed=None, odd_encoder="prores_ks", home=".mov"),
    "ffv1": Codec("ffv1", {"level": "3", "slicecrc": "1"}, quality=None, speed=None, home=".mkv"),
    "qtrle": Codec("qtrle", quality=None, speed=None, bits=8, home=".mov"),
    "png": Codec("png", quality=None, speed=None, home=None),
    "exr": Codec("exr", {"compression": "zip16"}, quality=None, speed=None, form="light", home=None),
    # Given RGB, since WebP has a YUV of its own, without tags.
    "webp": Codec(
        "libwebp_anim",
        {"quality": "80"},
        quality=None,
        speed=None,
        bits=8,
        pixel_format="bgra",
        home=".webp",
    ),
    # Browsers show pictures of less than 20 ms for 100 ms.
    "gif": Codec(
        "gif",
        quality=None,
        speed=None,
        bits=8,
        pixel_format="pal8",
        form="palette",
        least_gap_ms=20,
        home=".gif",
    ),
}
# HDR spreads the same light over fewer of its numbers, so an encoder's steps are coarser to the eye: on 12 frames of
# 720p footage the worst hundredth of the values, seen as SDR, was 3.9 levels off with x265 in SDR, 5.8 in PQ and 4.5
# in HLG (SVT-AV1: 4.9, 7.5, 5.5). With these it is 3.9 and 3.9 (5.6, 4.8).
HDR_QUALITY: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("hevc", "PQ"): {"crf": "14"},
    ("hevc", "HLG"): {"crf": "18"},
    ("av1", "PQ"): {"crf": "16"},
    ("av1", "HLG"): {"crf": "24"},
}
# Of graphics cards, by the end of the encoder's name: which option `--crf` sets, and a start that looks good. Tried
# for their spelling alone, without the cards.
HARDWARE: Mapping[str, tuple[str | None, Mapping[str, str]]] = {
    "_nvenc": ("cq", {"rc": "vbr", "cq": "20", "preset": "p5"}),
    "_qsv": ("global_quality", {"global_quality": "20", "preset": "medium"}),
    "_amf": (None, {"rc": "cqp", "qp_i": "20", "qp_p": "22"}),
    "_vaapi": ("qp", {"qp": "20"}),
    "_videotoolbox": (None, {"flags": "+qscale", "global_quality": str(65 * 118)}),  # FF_QP2LAMBDA
}


# Of the system's ffmpeg alone: which options `--crf` and `--preset` set, and a start that looks good. Without, FFmpeg
# would aim at 200 kbit/s whatever the size.
ELSEWHERE: Mapping[str, tuple[str | None, str | None, Mapping[str, str]]] = {
    "libaom-av1": ("crf", "cpu-used", {"crf": "24", "cpu-used": "6", "row-mt": "1"}),
    "librav1e": ("qp", "speed", {"qp": "80", "speed": "8"}),
    "libtheora": ("q:v", None, {"q:v": "8"}),
    "libxvid": ("q:v", None, {"q:v": "3"}),
    "libvvenc": ("qp", "preset", {"qp": "27", "preset": "fast"}),
}


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of file, and what pictures in it are stored as where nobody asks.

    Attributes:
        format: FFmpeg's name.
        usual: a codec's name, for 8 bits.
        deep: the same for more.
        alpha: the same with transparency; None: no player shows any.
        alone: holds pictures alone, neither sound nor text nor tags.
        aspect: tells the shape of pixels. (Matroska and WebM would, but PyAV cannot set it.)
    """

    format: str
    usual: str
    deep: str
    alpha: str | None = None
    alone: bool = False
    aspect: bool = False


# The most common first: the first that holds everything is taken where the user names none.
CONTAINERS: Mapping[str, Container] = {
    ".mp4": Container("mp4", "h264", "hevc", aspect=True),
    ".m4v": Container("mp4", "h264", "hevc", aspect=True),
    ".mov": Container("mov", "h264", "hevc", alpha="prores", aspect=True),
    ".mkv": Container("matroska", "h264", "hevc"),
    ".webm": Container("webm", "vp9", "av1", alpha="vp9"),
    ".webp": Container("webp", "webp", "webp", alpha="webp", alone=True),
    ".gif": Container("gif", "gif", "gif", alpha="gif", alone=True),
    ".png": Container("image2", "png", "png", alpha="png", alone=True, aspect=True),
    ".exr": Container("image2", "exr", "exr", alpha="exr", alone=True, aspect=True),
}
FILMS = tuple(suffix for suffix, c in CONTAINERS.items() if not c.alone)
# Transparency that somebody shows: browsers and OBS, editors, or programs that read FFV1.
ALPHA_HOMES = {"vp9": (".webm",), "prores": (".mov",), "qtrle": (".mov",), "ffv1": (".mkv", ".mov")}


def container_of(target: Path) -> Container:
    """The container of a file's name.

    Raises:
        OutputError: none that is written here; a sequence's name without a number's place.
    """
    suffix = target.suffix.lower()
    if suffix not in CONTAINERS:
        raise OutputError(f"{target}: expected a name that ends in {', '.join(CONTAINERS)}")
    container = CONTAINERS[suffix]
    if container.format == "image2" and not is_sequence(target):
        raise OutputError(
            f"{target}: a sequence of pictures needs a place for their number: {target.stem}/%05d{suffix}"
        )
    return container


def usual_name(name: str) -> str:
    """What people call a codec, where `name` is the encoder that stands for it; else the name itself."""
    return next((usual for usual, codec in CODECS.items() if codec.encoder == name), name)


def codec_named(name: str) -> Codec:
    """A codec by the name that people use, or by its encoder's.

    Raises:
        SettingError: there is neither.
    """
    if usual_name(name) in CODECS:
        return CODECS[usual_name(name)]
    try:
        is_video = av.Codec(name, "w").type == "video"
    except ValueError:
        is_video = False
    elsewhere = None if is_video else system_ffmpeg.find(name)
    if not is_video and elsewhere is None:
        raise SettingError(
            f"--codec: neither this build of FFmpeg nor the system's ffmpeg has a video encoder {name}; "
            f"expected one of {', '.join(CODECS)}, or an encoder's name such as h264_nvenc"
        )
    even = any(word in name for word in ("264", "265", "hevc", "_nvenc", "_qsv", "_amf"))
    aspect = any(word in name for word in ("264", "265", "hevc", "mpeg"))
    for end, (quality, options) in HARDWARE.items():
        if name.endswith(end):
            bits = 8 if name.startswith("h264") else 10
            return Codec(
                name,
                options,
                quality=quality,
                bits=bits,
                subsampled=True,
                even=even,
                aspect=aspect,
                elsewhere=elsewhere,
            )
    if elsewhere is None:
        return Codec(name, even=even, aspect=aspect)
    usual = tuple(option if option in elsewhere.options else None for option in ("crf", "preset"))
    quality, speed, options = ELSEWHERE.get(name, (usual[0], usual[1], {}))
    return Codec(name, options, quality=quality, speed=speed, even=even, aspect=aspect, elsewhere=elsewhere)


@cache
def holds(suffix: str) -> frozenset[str]:
    """FFmpeg's names of the codecs that a container can hold."""
    # Opening writes nothing yet: no file of this name appears.
    with av.open(f"file:nothing%d{suffix}", "w", format=CONTAINERS[suffix].format) as container:
        if CONTAINERS[suffix].format == "image2":  # which asks nobody
            return frozenset({CODECS[CONTAINERS[suffix].usual].encoder})
        return frozenset(container.supported_codecs)


def homes(name: str | None, *, transparent: bool) -> list[str]:
    """Suffixes of the containers of films that can hold a codec's pictures; None: whichever codec is usual there."""
    if name is None:
        return [s for s in FILMS if not transparent or CONTAINERS[s].alpha is not None]
    able = [s for s in FILMS if codec_named(name).stored_as in holds(s)]
    return [s for s in able if not transparent or s in ALPHA_HOMES.get(usual_name(name), ())]
