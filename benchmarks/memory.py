"""Peak memory of `cyclorama video` for one minute and for twenty of the same 1080p pictures.

    python benchmarks/memory.py [--minutes 1 20] [--rate FPS] [--model NAME] [-- MORE OPTIONS OF cyclorama video]

The file is made here: ten seconds of H.264 with AAC beside it, repeated packet by packet. The figure is the
largest resident set that the system counted for the process (ru_maxrss), network and libraries included.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from cyclorama_ffmpeg.demonstration import photograph

SIZE = (1920, 1080)
LOOP_S = 10
SOUND_RATE = 48_000
ALLOWED = 1.10  # of the longest file's peak to the shortest's
COMMAND = [sys.executable, "-c", "from cyclorama_ffmpeg.commands.main import main; main()", "video"]


def write_clip(path: Path, rate: int) -> None:
    """A photograph that swings to and fro, with a tone."""
    width, height = SIZE
    person = cv2.resize(photograph(), (height, height))
    tone = (0.2 * np.sin(np.arange(LOOP_S * SOUND_RATE) * (2 * np.pi * 440 / SOUND_RATE))).astype(np.float32)
    with av.open(f"file:{path}", "w") as made:
        pictures: Any = made.add_stream("libx264", rate=rate, options={"crf": "18", "preset": "veryfast"})
        pictures.width, pictures.height, pictures.pix_fmt = width, height, "yuv420p"
        sound: Any = made.add_stream("aac", rate=SOUND_RATE, layout="mono")
        for index in range(LOOP_S * rate):
            rgb = np.zeros((height, width, 3), np.uint8)
            left = round((width - height) / 2 * (1 + np.sin(2 * np.pi * index / (LOOP_S * rate))))
            rgb[:, left : left + height] = person
            made.mux(pictures.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        made.mux(pictures.encode(None))
        for start in range(0, len(tone), 1024):
            block = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], "fltp", "mono")
            block.sample_rate, block.pts, block.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
            made.mux(sound.encode(block))
        made.mux(sound.encode(None))


def repeat(clip: Path, path: Path, minutes: float) -> None:
    """The clip over and over, without encoding anything."""
    with av.open(f"file:{path}", "w") as made:
        copies: dict[int, Any] = {}
        for turn in range(round(minutes * 60 / LOOP_S)):
            with av.open(f"file:{clip}") as given:
                for stream in given.streams:
                    if stream.index not in copies:
                        copies[stream.index] = made.add_stream_from_template(stream)
                for packet in given.demux():
                    # What the encoder put before its first sample would overlap with the last turn's end.
                    if not packet.size or packet.pts is None or packet.dts is None or (packet.pts < 0 and turn):
                        continue
                    shift = round(turn * LOOP_S / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = copies[packet.stream.index]
                    made.mux(packet)


def measure(source: Path, target: Path, options: list[str]) -> tuple[float, float]:
    """Peak memory in MiB and seconds of one run."""
    start = time.perf_counter()
    process = subprocess.Popen([*COMMAND, source, "-o", target, "--overwrite", *options], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"cyclorama video ended with status {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return usage.ru_maxrss * unit / 2**20, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 20])
    parser.add_argument("--rate", type=int, default=30, help="frames a second")
    parser.add_argument("--model", default="green-screen")
    parser.add_argument("options", nargs="*", help="of cyclorama video, after --")
    arguments = parser.parse_args()
    options = ["--model", arguments.model, "-b", "#2846be", *(arguments.options or ["--preset", "ultrafast"])]
    peaks = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_clip(folder / "clip.mp4", arguments.rate)
        for minutes in sorted(arguments.minutes):
            repeat(folder / "clip.mp4", folder / "in.mp4", minutes)
            peak, seconds = measure(folder / "in.mp4", folder / "out.mp4", options)
            peaks.append(peak)
            frames = round(minutes * 60 * arguments.rate)
            print(f"{minutes:g} min, {frames} frames of 1080p: {peak:.0f} MiB at most, {seconds:.0f} s", flush=True)
    ratio = peaks[-1] / peaks[0]
    print(f"the longest file's peak is {ratio:.3f} of the shortest's; {ALLOWED:g} is allowed")
    raise SystemExit(ratio > ALLOWED)


if __name__ == "__main__":
    main()
