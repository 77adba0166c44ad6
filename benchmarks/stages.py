"""Time of each stage of a frame's way, and of the whole against plain decoding and encoding.

    python benchmarks/stages.py [--frames N] [--rounds N] [--model NAME]

Everything is measured in one run, stage by stage in turn, and the medians of the rounds are printed:
absolute figures are the machine's, the ratios are ours. The clip is made here: a photograph under a
hand-held camera, H.264, over the network's and the encoder's real work.
"""

from __future__ import annotations

import argparse
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from cyclorama import Engine, Matte, Picture, Settings
from cyclorama.foreground import estimate_foreground
from cyclorama.memory import keep_freed_memory
from cyclorama.refine import upsample_alpha
from cyclorama_ffmpeg import encodings, video
from cyclorama_ffmpeg.demonstration import photograph
from cyclorama_ffmpeg.frames import FromRgb, ToRgb, open_input, video_stream

SIZES = ((1280, 720), (1920, 1080))
RATE = 30


def made_clip(path: Path, width: int, height: int, frames: int) -> None:
    """A photograph in hand-held motion before a noisy wall, so that the encoder has something to do."""
    person = photograph()
    rng = np.random.default_rng(1)
    wall = cv2.resize(rng.integers(90, 170, (height // 8, width // 8, 3), np.uint8), (width, height))
    scale = height / person.shape[0]
    with av.open(f"file:{path}", "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "18", "preset": "veryfast"}
        for index in range(frames):
            x = width / 2 - person.shape[1] * scale / 2 + width * 0.05 * np.sin(index / 12)
            matrix = np.array([[scale, 0, x], [0, scale, 4 * np.sin(index / 7)]])
            rgb = cv2.warpAffine(person, matrix, (width, height), dst=wall.copy(), borderMode=cv2.BORDER_TRANSPARENT)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def decode(path: Path) -> list[av.VideoFrame]:
    with open_input(path) as container:
        stream = video_stream(container, path)
        stream.thread_type = "AUTO"
        return list(container.decode(stream))


def encode(frames: list[av.VideoFrame], path: Path) -> None:
    encoding = encodings.choose(path, encodings.Pictures(), transparent=False)
    with av.open(f"file:{path}", "w") as container:
        stream = container.add_stream(encoding.codec.encoder, rate=RATE, options=dict(encoding.options))
        stream.width, stream.height, stream.pix_fmt = frames[0].width, frames[0].height, encoding.pixel_format
        stream.thread_type = "AUTO"
        for index, frame in enumerate(frames):
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            frame.pict_type = 0
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(width: int, height: int, count: int, rounds: int, model: str) -> None:
    engine = Engine(model, "cpu")
    with tempfile.TemporaryDirectory() as folder:
        clip, out = Path(folder) / "in.mp4", Path(folder) / "out.mp4"
        made_clip(clip, width, height, count)
        settings = Settings(background=Picture(np.full((height, width, 3), (60, 110, 90), np.uint8)))
        stages: dict[str, list[float]] = {}

        def note(stage: str, seconds: float) -> None:
            stages.setdefault(stage, []).append(seconds / count * 1e3)

        for _ in range(rounds):
            start = time.perf_counter()
            frames = decode(clip)
            note("decode", time.perf_counter() - start)
            start = time.perf_counter()
            encode(frames, out)
            note("encode", time.perf_counter() - start)
            note("floor: plain decode + encode, one after the other", timed(lambda: encode(decode(clip), out)))
            session = engine.session(settings)
            to_rgb, from_rgb = ToRgb(), FromRgb("yuv420p")
            spent = dict.fromkeys(("to RGB", "shrink", "matte", "upsample", "foreground", "composite", "to YUV"), 0.0)
            for frame in frames:
                moments = [time.perf_counter()]
                rgb = to_rgb(frame)
                moments.append(time.perf_counter())
                small = session.shrink(rgb)
                moments.append(time.perf_counter())
                small_alpha = session.small_alpha(small, rgb.shape[:2])
                moments.append(time.perf_counter())
                alpha = upsample_alpha(small_alpha, small, rgb)
                moments.append(time.perf_counter())
                foreground = estimate_foreground(rgb, alpha)
                moments.append(time.perf_counter())
                done = session.compose(rgb, Matte(alpha, foreground))
                moments.append(time.perf_counter())
                from_rgb(done, frame)
                moments.append(time.perf_counter())
                for stage, (before, after) in zip(spent, itertools.pairwise(moments), strict=True):
                    spent[stage] += after - before
            for stage, seconds in spent.items():
                note(stage, seconds)
            note("whole: cyclorama video", timed(lambda: video.replace_background(engine.session(settings), clip, out)))
    print(f"{width} x {height}, {count} frames, {rounds} rounds, {os.cpu_count()} cores, model {model}")
    medians = {stage: statistics.median(times) for stage, times in stages.items()}
    for stage in ("decode", *spent, "encode"):
        print(f"  {stage:12} {medians[stage]:7.1f} ms")
    floor, whole = (medians[s] for s in medians if ":" in s)
    print(f"  floor (plain decode + encode, same codec settings) {floor:.1f} ms, whole {whole:.1f} ms a frame")
    print(f"  speed of the whole as a share of the floor's: {floor / whole:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="portrait")
    arguments = parser.parse_args()
    keep_freed_memory()  # as the command does
    for width, height in SIZES:
        measure(width, height, arguments.frames, arguments.rounds, arguments.model)


if __name__ == "__main__":
    main()
