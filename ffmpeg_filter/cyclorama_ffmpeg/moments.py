"""Pictures of a video at moments spread over it, without decoding all of it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av

from cyclorama.errors import MediaError
from cyclorama.types import Rgb
from cyclorama_ffmpeg.frames import ToSrgb, matrix_is_read, open_video, upright, video_stream
from cyclorama_ffmpeg.trim import Span


def pictures(source: Path, span: Span, count: int) -> list[Rgb]:
    """Up to `count` pictures, uint8 (H, W, 3) sRGB as SDR shows them, in the middles of as many equal parts.

    Of a file that cannot be sought in, or does not say how long it is, the first ones.

    Raises:
        MediaError: the source cannot be read, has no video, or no picture of it can be decoded.
    """
    to_srgb = ToSrgb()
    found: list[Rgb] = []
    with open_video(source) as container:
        stream = video_stream(container, source)
        stream.thread_type = "AUTO"
        length = Fraction(0) if container.duration is None else Fraction(container.duration, av.time_base)
        origin = Fraction(container.start_time or 0, av.time_base)
        end = length if span.end is None else min(span.end, length)
        parts = [span.start + (end - span.start) * (2 * i + 1) / (2 * count) for i in range(count)]
        last: int | None = None
        for moment in parts:
            try:
                if end > span.start:
                    container.seek(int((origin + moment) * av.time_base))
                frame = _next(container.decode(stream), origin + moment if end > span.start else None)
            except av.FFmpegError:
                continue  # damaged here; other moments may be whole
            if frame is None or frame.pts == last or not matrix_is_read(frame):
                continue
            last = frame.pts
            found.append(upright(to_srgb(frame), frame.rotation))
    if not found:
        raise MediaError(f"{source}: expected a video, no picture of it can be decoded")
    return found


def _next(frames: Iterator[av.VideoFrame], time: Fraction | None) -> av.VideoFrame | None:
    """The first frame at a time or after it; the last one where there is none."""
    frame = None
    for frame in frames:
        if time is None or frame.pts is None or frame.pts * (frame.time_base or 0) >= time:
            break
    return frame
