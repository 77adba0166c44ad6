"""Frames of video files, with the mattes that lie beside them or in their alpha channel."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, VideoReformatter

from cyclorama.errors import MediaError
from cyclorama.types import Rgb
from cyclorama_ffmpeg.frames import ToSrgb, matrix_of, open_input, upright, video_stream
from cyclorama_training.data import Image

VIDEOS = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"}
MATTE = "-matte"  # what `cyclorama video talk.mp4 --matte talk-matte.mp4` would be called
# FFmpeg's own decoders of these drop the alpha that WebM keeps beside the picture; libvpx gives it.
WITH_ALPHA = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def videos_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in VIDEOS)


def with_mattes(folder: Path, mattes: Path | None) -> list[tuple[Path, Path | None]]:
    """The videos of a folder, each with its matte.

    Args:
        mattes: folder of the mattes, named as the videos, which are left out where they have none; None: the
            NAME-matte.* beside a video is its matte, and where there is none it must have an alpha channel.
    """
    found = videos_in(folder)
    if mattes is not None:
        by_stem = {p.stem: p for p in videos_in(mattes)}
        return [(p, by_stem[p.stem]) for p in found if p.stem in by_stem]
    beside = {p.stem: p for p in found if p.stem.endswith(MATTE)}
    return [(p, beside.get(p.stem + MATTE)) for p in found if p.stem not in beside]


def people(path: Path, matte: Path | None, every: int) -> Iterator[tuple[int, Rgb, Image]]:
    """Every n-th frame of people: its number, rgb uint8 (H, W, 3) and alpha uint8 (H, W).

    Args:
        matte: a grey video of as many frames; None: `path` has an alpha channel, and its colours are straight.

    Raises:
        MediaError: a file that cannot be read, no alpha, or a matte of another length.
    """
    if matte is None:
        for index, rgb, alpha in frames(path, every):
            if alpha is None:
                raise MediaError(f"{path}: expected an alpha channel, or a matte {path.stem}{MATTE}.* beside it")
            yield index, rgb, alpha
        return
    for frame, grey in zip_longest(frames(path, every), frames(matte, every)):
        if frame is None or grey is None:
            raise MediaError(f"{matte}: expected as many frames as {path.name} has")
        yield frame[0], frame[1], np.ascontiguousarray(grey[1][..., 1])


def frames(path: Path, every: int) -> Iterator[tuple[int, Rgb, Image | None]]:
    """Every n-th frame from the first: its number, rgb uint8 (H, W, 3), and alpha uint8 (H, W) if it has one.

    Raises:
        MediaError: the file is missing, damaged, or none that FFmpeg reads.
    """
    to_srgb, to_rgba = ToSrgb(), VideoReformatter()
    for index, frame in enumerate(decode(path)):
        if index % every:
            continue
        if not any(part.is_alpha for part in frame.format.components):
            yield index, upright(to_srgb(frame), frame.rotation), None
            continue
        matrix = matrix_of(int(frame.colorspace), frame.height)
        rgba = to_rgba.reformat(frame, format="rgba", src_colorspace=matrix, dst_color_range=ColorRange.JPEG)
        pixels: Image = upright(rgba.to_ndarray(), frame.rotation)  # type: ignore[arg-type]
        yield index, np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3])


def decode(path: Path) -> Iterator[av.VideoFrame]:
    """The frames of a video, with their alpha."""
    with open_input(path) as container:
        stream = video_stream(container, path)
        stream.thread_type = "AUTO"
        name = WITH_ALPHA.get(stream.codec_context.name)
        try:
            if name is None or stream.metadata.get("alpha_mode") != "1":
                yield from container.decode(stream)
                return
            decoder = av.CodecContext.create(name, "r")
            for packet in container.demux(stream):
                yield from decoder.decode(packet)  # type: ignore[attr-defined]
        except av.FFmpegError as error:
            raise MediaError(f"{path}: expected a whole video, decoding failed ({error.strerror})") from error
