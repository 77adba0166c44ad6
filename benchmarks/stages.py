"""Speed of the video path: the whole against plain decoding and encoding, each stage, and a naive loop beside it.

    python benchmarks/stages.py [--clip PATH] [--frames N] [--rounds N] [--model NAME ...] [--size WxH] [--threads N]

Everything is measured in turn, round after round in one process, and the medians are printed as Markdown: absolute
figures are the machine's, ratios are ours. Besides time by the clock there is CPU time, all threads' together, which
other programs on the machine disturb less.

Without --clip the clip is made here: a person cut out of a photograph, in motion in a part of the frame, before a
room, with a camera's grain.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

import cyclorama_scenes
from cyclorama import Engine, Picture, Session, Settings, planes
from cyclorama.composite import cover
from cyclorama.engine import original
from cyclorama.foreground import RADII_SHARE
from cyclorama.memory import keep_freed_memory
from cyclorama_ffmpeg import encodings, still, video
from cyclorama_ffmpeg.demonstration import photograph
from cyclorama_ffmpeg.frames import FromRgb, ToRgb, open_input, video_stream
from cyclorama_ffmpeg.stored import Backdrop, blank, coding_of, planes_of

RATE = 30
ROOM, SCENE = "window-light", "studio"  # as filmed, and what is put in its place
GRAIN = 1.5  # levels, standard deviation
PERSON = 0.8  # of the frame's height
NAIVE_FRAMES = 3  # it takes most of a second for each

Put = Callable[[av.VideoFrame], None]
Cost = tuple[float, float]  # milliseconds a frame, by the clock and of the CPU


def made_clip(path: Path, width: int, height: int, frames: int) -> None:
    photo = photograph()
    alpha = Engine("portrait-best", "cpu").matte(photo).alpha
    person = np.dstack([photo, np.rint(alpha * 255).astype(np.uint8)])
    wall = cover(still.read(cyclorama_scenes.paths()[ROOM]).srgb, height, width)
    rng = np.random.default_rng(1)
    grain = [np.repeat(rng.normal(0, GRAIN, (height, width, 1)), 3, 2).astype(np.float32) for _ in range(4)]
    scale = PERSON * height / person.shape[0]
    with av.open(f"file:{path}", "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            x = width * 0.55 - person.shape[1] * scale / 2 + width * 0.02 * np.sin(index / 12)
            matrix = np.array([[scale, 0, x], [0, scale, height * (1 - PERSON) + 4 * np.sin(index / 7)]])
            placed = cv2.warpAffine(person, matrix, (width, height))
            share = placed[..., 3].astype(np.float32) / 255
            rgb = cv2.blendLinear(np.ascontiguousarray(placed[..., :3]), wall, share, 1 - share)
            grainy = np.clip(rgb + grain[index % len(grain)], 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(grainy, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def decoded(path: Path) -> Iterator[av.VideoFrame]:
    with open_input(path) as container:
        stream = video_stream(container, path)
        stream.thread_type = "AUTO"
        yield from container.decode(stream)


@contextmanager
def encoder(path: Path, width: int, height: int) -> Iterator[Put]:
    """What takes frames to be encoded as `cyclorama video` does by default."""
    encoding = encodings.choose(path, encodings.Pictures(), transparent=False)
    with av.open(f"file:{path}", "w") as container:
        stream = container.add_stream(encoding.codec.encoder, rate=RATE, options=dict(encoding.options))
        stream.width, stream.height, stream.pix_fmt = width, height, encoding.pixel_format
        stream.thread_type = "AUTO"
        count = 0

        def put(frame: av.VideoFrame) -> None:
            nonlocal count
            frame.pts, frame.time_base, frame.pict_type = count, Fraction(1, RATE), 0  # type: ignore[assignment]
            count += 1
            container.mux(stream.encode(frame))

        yield put
        container.mux(stream.encode(None))


class Costs:
    """What each stage cost in each round."""

    def __init__(self) -> None:
        self._all: dict[str, list[Cost]] = {}
        self._under_way: dict[str, Cost] = {}

    @contextmanager
    def of(self, stage: str, frames: int) -> Iterator[None]:
        """Measures a stage that works on that many frames at once."""
        with self.part(stage):
            yield
        self.close(frames)

    @contextmanager
    def part(self, stage: str) -> Iterator[None]:
        """Measures what a stage does for one of a round's frames."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        before = self._under_way.get(stage, (0.0, 0.0))
        self._under_way[stage] = before[0] + time.perf_counter() - wall, before[1] + time.process_time() - cpu

    def close(self, frames: int) -> None:
        """Ends a round of that many frames."""
        for stage, (wall, cpu) in self._under_way.items():
            self._all.setdefault(stage, []).append((wall / frames * 1e3, cpu / frames * 1e3))
        self._under_way.clear()

    def median(self, stage: str) -> Cost:
        wall, cpu = zip(*self._all[stage], strict=True)
        return statistics.median(wall), statistics.median(cpu)

    def ratio(self, stage: str, other: str) -> Cost:
        """How many times as fast one stage is as the other, round by round."""
        pairs = zip(self._all[other], self._all[stage], strict=True)
        wall, cpu = zip(*((a[0] / b[0], a[1] / b[1]) for a, b in pairs), strict=True)
        return statistics.median(wall), statistics.median(cpu)


def in_planes(
    session: Session, frames: list[av.VideoFrame], costs: Costs, put: Callable[[av.VideoFrame], None]
) -> None:
    """The stages of `cyclorama video` for ordinary video, one after the other."""
    height, width = frames[0].height, frames[0].width
    size, backdrop = session.engine.matter.size(height, width), Backdrop()
    for frame in frames:
        own, coding = planes_of(frame), coding_of(frame)
        with costs.part("shrink"):
            small = planes.shrunk(own, coding, *size)
        with costs.part("network"):
            alpha = session.small_alpha(small.rgb, planes.original(own, coding, small))
        with costs.part("edge, colours, blend"):
            behind = backdrop(session.backdrop(height, width, np.dtype(np.uint8)), frame)
            done = blank(frame)
            planes.replace(own, coding, small, alpha, behind, planes_of(done))
        with costs.part("encode"):
            put(done)
    costs.close(len(frames))


def in_rgb(session: Session, frames: list[av.VideoFrame], costs: Costs) -> None:
    """The same for video of other kinds, by way of RGB."""
    to_rgb, from_rgb = ToRgb(), FromRgb("yuv420p")
    for frame in frames:
        with costs.part("RGB: to RGB"):
            rgb = to_rgb(frame)
        with costs.part("RGB: shrink"):
            small = session.shrink(rgb)
        alpha = session.small_alpha(small, original(rgb, small))
        with costs.part("RGB: edge, colours"):
            matte = session.refine(rgb, small, alpha)
        with costs.part("RGB: blend"):
            done = session.compose(rgb, matte)
        with costs.part("RGB: to YUV"):
            from_rgb(done, frame)
    costs.close(len(frames))


def naive(engine: Engine, clip: Path, out: Path, background: NDArray[np.uint8], width: int, height: int) -> None:
    """What a first script does: every frame to RGB, its matte stretched, all of it in floats, one after the other."""
    behind = cover(background, height, width).astype(np.float32)
    state = None
    with encoder(out, width, height) as put:
        for frame in islice(decoded(clip), NAIVE_FRAMES):
            rgb = frame.to_ndarray(format="rgb24")
            h, w = engine.matter.size(height, width)
            small = cv2.resize(rgb, (w, h), interpolation=cv2.INTER_AREA)
            state = engine.matter.start(h, w) if state is None else state
            alpha, state = engine.matter.step(small, state)
            alpha = cv2.resize(alpha, (width, height))[..., None]
            foreground = full_size_foreground(rgb.astype(np.float32), alpha)
            mixed = alpha * foreground + (1 - alpha) * behind
            put(av.VideoFrame.from_ndarray(np.clip(mixed, 0, 255).astype(np.uint8), format="rgb24"))


def full_size_foreground(rgb: NDArray[np.float32], alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """Forte 2021, as the paper has it."""
    foreground = background = rgb
    for share in RADII_SHARE:
        window = (2 * round(share * max(rgb.shape)) + 1,) * 2
        rest = 1 - alpha
        foreground = cv2.blur(foreground * alpha, window) / (cv2.blur(alpha, window)[..., None] + 1e-5)
        background = cv2.blur(background * rest, window) / (cv2.blur(rest, window)[..., None] + 1e-5)
        foreground = np.clip(foreground + alpha * (rgb - alpha * foreground - rest * background), 0, 255)
    return foreground


def measure(clip: Path, folder: Path, models: list[str], rounds: int, threads: int) -> None:
    frames = list(decoded(clip))
    width, height, count = frames[0].width, frames[0].height, len(frames)
    out = folder / "out.mp4"
    background = still.read(cyclorama_scenes.paths()[SCENE]).srgb
    settings = Settings(background=Picture(background))
    engines = {model: Engine(model, "cpu", threads=threads) for model in models}
    costs = {model: Costs() for model in models}
    floor = Costs()
    for _ in range(rounds):
        with floor.of("decode", count):
            frames = list(decoded(clip))
        for model, engine in engines.items():
            # Beside each whole, so that both meet the machine in the same mood.
            with costs[model].of("floor", count), encoder(out, width, height) as put:
                for frame in decoded(clip):
                    put(frame)
            with costs[model].of("whole", count):
                video.replace_background(engine.session(settings), clip, out)
            with costs[model].of("naive", NAIVE_FRAMES):
                naive(engine, clip, out, background, width, height)
            with encoder(out, width, height) as put:
                in_planes(engine.session(settings), frames, costs[model], put)
            in_rgb(engine.session(settings), frames, costs[model])
    print(f"\n{width} x {height}, {count} frames, {rounds} rounds, {os.cpu_count()} cores ({clip.name})\n")
    print("| | frames a second | of plain decoding and encoding | the same by CPU time | CPU ms a frame |")
    print("|---|---|---|---|---|")
    wall, cpu = costs[models[0]].median("floor")
    print(f"| plain decoding and encoding | {1e3 / wall:.1f} | 1 | 1 | {cpu:.1f} |")
    for name, stage in (("`cyclorama video`", "whole"), ("naive loop", "naive")):
        for model in models:
            wall, cpu = costs[model].median(stage)
            by_wall, by_cpu = costs[model].ratio(stage, "floor")
            print(f"| {name}, `{model}` | {1e3 / wall:.1f} | {by_wall:.2f} | {by_cpu:.2f} | {cpu:.1f} |")
    stages = ("shrink", "network", "edge, colours, blend", "encode")
    rgb_stages = ("to RGB", "shrink", "edge, colours", "blend", "to YUV")
    print("\nOne stage after the other, ms a frame by the clock (CPU):\n")
    print("| | decode | " + " | ".join(stages) + " | in RGB instead: " + " | ".join(rgb_stages) + " |")
    print("|---" * (2 + len(stages) + len(rgb_stages)) + "|")
    for model in models:
        each = [floor.median("decode"), *(costs[model].median(s) for s in stages)]
        each += [costs[model].median(f"RGB: {s}") for s in rgb_stages]
        print(f"| `{model}` | " + " | ".join(f"{wall:.1f} ({cpu:.1f})" for wall, cpu in each) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", type=Path, help="H.264, 8 bits, 4:2:0; default: one that is made")
    parser.add_argument("--frames", type=int, default=60, help="of the clip that is made")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", action="append", help="may be given several times")
    parser.add_argument("--size", default="1920x1080", help="of the clip that is made")
    parser.add_argument("--threads", type=int, default=0, help="of the network; 0: as many as cores")
    arguments = parser.parse_args()
    keep_freed_memory()  # as the command does
    with tempfile.TemporaryDirectory() as folder:
        clip = arguments.clip
        if clip is None:
            clip = Path(folder) / "made.mp4"
            made_clip(clip, *map(int, arguments.size.split("x")), arguments.frames)
        models = arguments.model or ["portrait-fast", "portrait"]
        measure(clip, Path(folder), models, arguments.rounds, arguments.threads)


if __name__ == "__main__":
    main()
