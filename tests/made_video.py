"""Videos that tests make, a subject over pure green with tones for sound, and what can be read back of them."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama.engine import Engine
from cyclorama.types import Background, Colour, Settings
from cyclorama_ffmpeg import segments
from cyclorama_ffmpeg.video import Summary, replace_background

GREEN = (0, 255, 0)
RED = (200, 40, 50)
BLUE = (40, 70, 190)
SIZE = (160, 96)
RATE = Fraction(25)
SOUND_RATE = 48_000
# Luma weights of red and blue (ITU-T H.273, table 4).
WEIGHTS = {"601": (0.299, 0.114), "709": (0.2126, 0.0722)}


@dataclass(frozen=True)
class Sound:
    """A tone to put beside the pictures."""

    codec: str = "aac"
    rate: int = SOUND_RATE
    layout: str = "stereo"
    pitch: float = 440.0
    language: str = "eng"


def picture(index: int = 0, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """A red square that moves to the right over green: uint8 (H, W, 3)."""
    width, height = size
    rgb = np.full((height, width, 3), GREEN, np.uint8)
    side = height // 2
    left = (4 * index) % (width - side)
    rgb[height // 4 : height // 4 + side, left : left + side] = RED
    return rgb


def write_video(
    path: Path,
    *,
    frames: Sequence[av.VideoFrame] | None = None,
    count: int = 12,
    size: tuple[int, int] = SIZE,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    muxer_options: dict[str, str] | None = None,
    container_format: str | None = None,
    times: Sequence[int] | None = None,
    last: int | None = None,
    time_base: Fraction = 1 / RATE,
    rate: Fraction = RATE,
    sounds: Sequence[Sound] = (),
    metadata: dict[str, str] | None = None,
    chapters: list[Any] | None = None,
    settings: dict[str, Any] | None = None,
    extra: Sequence[Path] = (),
    cover: bytes | None = None,
) -> Path:
    """Writes a small video.

    `settings` are attributes of the encoder, `last` is the last frame's duration, `extra` are files whose
    streams are copied in.
    """
    if frames is None:
        count = count if times is None else len(times)
        frames = [av.VideoFrame.from_ndarray(picture(i, size), format="rgb24") for i in range(count)]
    times = range(len(frames)) if times is None else times
    with av.open(str(path), "w", format=container_format, options=muxer_options or {}) as container:
        container.metadata.update(metadata or {})
        if chapters:
            container.set_chapters(chapters)
        video: Any = container.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = *size, pixel_format
        fast = {"preset": "ultrafast", "crf": "4"} if codec == "libx264" else {}
        video.options = {**fast, **(options or {})}
        video.codec_context.time_base = time_base
        video.codec_context.flags |= av.codec.context.Flags.frame_duration
        for name, value in (settings or {}).items():
            setattr(video.codec_context, name, value)
        tones: list[Any] = []
        for sound in sounds:
            stream = container.add_stream(sound.codec, rate=sound.rate, layout=sound.layout)
            stream.bit_rate = 96_000
            stream.metadata["language"] = sound.language
            tones.append(stream)
        picture_stream = None
        if cover is not None:
            picture_stream = container.add_stream("mjpeg", rate=1)
            picture_stream.width, picture_stream.height, picture_stream.pix_fmt = 64, 48, "yuvj420p"
            picture_stream.disposition = av.stream.Disposition.attached_pic.value
        opened = [av.open(str(other)) for other in extra]
        copies = [[(s, container.add_stream_from_template(s)) for s in other.streams] for other in opened]
        length = float(max(times, default=0) * time_base) + 0.1
        if picture_stream is not None and cover is not None:
            packet = av.Packet(cover)
            packet.stream, packet.pts, packet.dts = picture_stream, 0, 0
            packet.time_base = Fraction(1)
            container.mux(packet)
        for other, pairs in zip(opened, copies, strict=True):
            for packet in other.demux():
                if packet.size:
                    packet.stream = dict(pairs)[packet.stream]
                    container.mux(packet)
        for sound, stream in zip(sounds, tones, strict=True):
            _mux_tone(container, stream, sound, length)
        for frame, time in zip(frames, times, strict=True):
            frame.pts, frame.time_base = time, time_base
            if last is not None and time == times[-1]:
                frame.duration = last
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    return path


def _mux_tone(container: Any, stream: Any, sound: Sound, length: float) -> None:
    channels = 2 if sound.layout == "stereo" else 1
    t = np.arange(int(length * sound.rate)) / sound.rate
    tone = np.tile(0.3 * np.sin(2 * np.pi * sound.pitch * t), (channels, 1)).astype(np.float32)
    resampler = av.AudioResampler(
        format=stream.format, layout=sound.layout, rate=sound.rate, frame_size=stream.frame_size or 1024
    )
    frame = av.AudioFrame.from_ndarray(tone, "fltp", sound.layout)
    frame.sample_rate, frame.pts, frame.time_base = sound.rate, 0, Fraction(1, sound.rate)
    for block in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(stream.encode(block))
    container.mux(stream.encode(None))


def write_click(path: Path, *, codec: str, rate: int, starts: Fraction, click: Fraction) -> Path:
    """A video of one second whose sound begins late, silent but for one click; in seconds."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("ffv1", rate=RATE)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        tone: Any = container.add_stream(codec, rate=rate, layout="mono")
        tone.metadata["language"] = "eng"
        samples = np.zeros((1, rate // 2), np.float32)
        samples[0, int((click - starts) * rate) : int((click - starts) * rate) + 8] = 0.9
        resampler = av.AudioResampler(format=tone.format, layout="mono", rate=rate, frame_size=1024)
        block = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
        block.sample_rate, block.pts, block.time_base = rate, int(starts * rate), Fraction(1, rate)
        for index in range(25):
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture(index), format="rgb24")))
        for part in [*resampler.resample(block), *resampler.resample(None)]:
            container.mux(tone.encode(part))
        container.mux([*video.encode(None), *tone.encode(None)])
    return path


def ffmpeg(*arguments: object) -> None:
    """Runs the ffmpeg command; the test is skipped where there is none."""
    command = shutil.which("ffmpeg")
    if command is None:
        pytest.skip("no ffmpeg command to make the file with")
    subprocess.run([command, "-v", "error", "-y", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL)


def run(source: Path, target: Path, background: Background | None = None, **options: Any) -> Summary:
    """`source` with the keyer's background replaced; smoothing off, so that every frame stands alone."""
    settings = Settings(background=background or Colour(*BLUE), smoothing=0)
    return replace_background(Engine("green-screen").session(settings), source, target, **options)


def frame_times(path: Path) -> list[Fraction]:
    """When each frame of the first video stream is shown, in seconds."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [frame.pts * frame.time_base for frame in frames]


def pictures(path: Path) -> list[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def stored(path: Path) -> list[int]:
    """A checksum of every frame as it is stored."""
    with av.open(str(path)) as container:
        return [segments.checksum(frame) for frame in container.decode(video=0)]


def packet_times(path: Path) -> list[tuple[int, int]]:
    """When each packet of the first video stream is shown and decoded, as they come."""
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
    assert all(p.pts is not None and p.dts is not None for p in packets)
    return [(p.pts or 0, p.dts or 0) for p in packets]


def sound_packets(path: Path) -> list[list[tuple[str, Fraction | None, Fraction | None]]]:
    """Of every audio stream, its packets as they come: hash of the bytes, when shown, when decoded."""
    with av.open(str(path)) as container:
        found: dict[int, list[Any]] = {stream.index: [] for stream in container.streams.audio}
        for packet in container.demux():
            if packet.size and packet.stream.index in found:
                base = packet.time_base
                times = [None if t is None else t * base for t in (packet.pts, packet.dts)]
                found[packet.stream.index].append((hashlib.sha256(bytes(packet)).hexdigest(), *times))
    return list(found.values())


def to_yuv(rgb: tuple[int, int, int], matrix: str, *, full: bool) -> tuple[float, float, float]:
    """8-bit Y'CbCr of an sRGB colour, by the definition (ITU-T H.273, 8.3)."""
    kr, kb = WEIGHTS[matrix]
    r, g, b = (v / 255 for v in rgb)
    y = kr * r + (1 - kr - kb) * g + kb * b
    cb, cr = (b - y) / (2 - 2 * kb), (r - y) / (2 - 2 * kr)
    return (255 * y, 128 + 255 * cb, 128 + 255 * cr) if full else (16 + 219 * y, 128 + 224 * cb, 128 + 224 * cr)


def flat_frame(
    boxes: Sequence[tuple[slice, slice, tuple[int, int, int]]], size: tuple[int, int], matrix: str, *, full: bool
) -> av.VideoFrame:
    """A frame yuv420p with rectangles of one colour each over green; sides of the rectangles are even."""
    width, height = size
    planes = [np.empty((height, width), np.uint8)] + [np.empty((height // 2, width // 2), np.uint8) for _ in "uv"]
    for rows, columns, colour in [(slice(0, height), slice(0, width), GREEN), *boxes]:
        for i, (plane, value) in enumerate(zip(planes, to_yuv(colour, matrix, full=full), strict=True)):
            step = 1 if i == 0 else 2
            plane[rows.start // step : rows.stop // step, columns.start // step : columns.stop // step] = round(value)
    stacked = np.concatenate([plane.reshape(-1) for plane in planes]).reshape(height * 3 // 2, width)
    return av.VideoFrame.from_ndarray(stacked, format="yuv420p")


def mean_yuv(path: Path, rows: slice, columns: slice) -> tuple[float, float, float]:
    """Mean Y', Cb, Cr of a rectangle of the last frame, as they are stored."""
    with av.open(str(path)) as container:
        frame = list(container.decode(video=0))[-1]
    assert frame.format.name in ("yuv420p", "yuvj420p")
    means = []
    for i, plane in enumerate(frame.planes):
        step = 1 if i == 0 else 2
        pixels = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        means.append(
            float(pixels[rows.start // step : rows.stop // step, columns.start // step : columns.stop // step].mean())
        )
    return means[0], means[1], means[2]


def colour_tags(path: Path) -> tuple[int, int, int, int]:
    """Matrix, range, primaries and transfer of the first frame, by H.273."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    return int(frame.colorspace), int(frame.color_range), int(frame.color_primaries), int(frame.color_trc)


def turn(path: Path, clockwise: int) -> None:
    """Writes into an MP4 that players turn its picture: the matrix of the first track's header (ISO/IEC 14496-12)."""
    data = bytearray(path.read_bytes())
    matrix = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[clockwise]
    a, b, c, d = (v * 0x10000 for v in matrix)
    start = data.index(b"tkhd") + 4 + 40  # version 0: 40 bytes of other fields come first
    assert data[start - 40] == 0
    data[start : start + 36] = np.array([a, b, 0, c, d, 0, 0, 0, 0x40000000], ">i4").tobytes()
    path.write_bytes(data)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def begun(folder: Path) -> bool:
    """Whether a command writes an MP4 there that has something in it."""
    with contextlib.suppress(FileNotFoundError):  # the empty file by which it tried whether it may write there
        return any(part.stat().st_size for part in folder.glob(".*.part.mp4"))
    return False
