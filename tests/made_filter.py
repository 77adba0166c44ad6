"""`cyclorama filter` as other programs run it, and streams for it."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest

from made_video import SIZE, picture

COMMAND = [sys.executable, "-c", "from cyclorama_ffmpeg.commands.main import main; main()", "filter"]
KEYED = ["--model", "green-screen", "-b", "#2846be", "--smoothing", "0"]
DEADLINE = 60  # seconds after which a command counts as hanging
TICK = Fraction(1, 90_000)

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has other signals and terminals")


def filtered(data: bytes, *arguments: str, status: int = 0) -> tuple[bytes, str]:
    """What the filter makes of a stream, and what it says."""
    result = subprocess.run([*COMMAND, *arguments], input=data, capture_output=True, timeout=DEADLINE)
    assert result.returncode == status, result.stderr.decode()
    return result.stdout, result.stderr.decode()


def nut(
    count: int = 4,
    *,
    layout: str = "yuv420p",
    size: tuple[int, int] = SIZE,
    times: list[int] | None = None,
    sound: bool = False,
    codec: str = "rawvideo",
    container: str = "nut",
    target: Any = None,
) -> bytes:
    """A stream of NUT: the red square over green, its frames at ticks of 1/90000 s, and a tone beside."""
    file = io.BytesIO()
    times = [3000 * i for i in range(count)] if times is None else times
    options = {"flush_packets": "1", "max_interleave_delta": "1", "strict": "-1"}  # Y4M of 10 bits is an extension
    with av.open(target or file, "w", format=container, options=options) as out:
        stream: Any = out.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = *size, layout
        stream.codec_context.time_base = TICK if codec == "rawvideo" else Fraction(1, 30)
        tone: Any = out.add_stream("pcm_s16le", rate=48_000, layout="mono") if sound else None
        for index, ticks in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(index, size), format="rgb24").reformat(format=layout)
            frame.pts, frame.time_base = ticks, TICK
            out.mux(stream.encode(frame))
            if tone is not None:
                samples = np.full((1, 1600), 100 + index, np.int16)
                block = av.AudioFrame.from_ndarray(samples, "s16", "mono")
                block.sample_rate, block.pts, block.time_base = 48_000, 1600 * index, Fraction(1, 48_000)
                out.mux(tone.encode(block))
        out.mux(stream.encode(None))
    return file.getvalue()


def frames(data: bytes, container: str | None = None, **options: str) -> list[av.VideoFrame]:
    with av.open(io.BytesIO(data), format=container, options=options) as stream:
        return list(stream.decode(video=0))
