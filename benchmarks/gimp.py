"""Time of an action in a real GIMP 3, from its call to the layers, by stage.

    python benchmarks/gimp.py [--megapixels N] [--rounds N] [--model NAME]

It needs what the tests of the plug-in need: root, and GIMP in `.gimp` or CYCLORAMA_GIMP_ROOT (see `.ci/run`). The
first call starts the worker and loads its networks; the others find it warm, and their medians are printed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from pathlib import Path

import cv2

from cyclorama.matting import FOR_STILLS
from cyclorama_ffmpeg.demonstration import photograph

TESTS = Path(__file__).parent.parent / "tests"
sys.path.insert(0, str(TESTS))
from gimp_host import Gimp3  # noqa: E402 - it lies with the tests

# Stages of the plug-in and the worker as people name them.
NAMES = {
    "start": "reach the worker",
    "read": "read",
    "send": "send",
    "subject": "network (shrink, inference)",
    "edge": "refine the edge",
    "colours": "clean the colours",
    "answer": "return",
    "background": "background",
    "write": "write",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default=FOR_STILLS)
    arguments = parser.parse_args()
    height = round((arguments.megapixels * 1e6 * 3 / 4) ** 0.5)
    width = height * 4 // 3
    person = photograph()[:384]
    rgb = cv2.resize(person, (width, height), interpolation=cv2.INTER_CUBIC)
    model = {"model": arguments.model}
    wishes = {
        "Cut Out Subject": {"procedure": "cut-out-subject", "arguments": model},
        "Replace Background": {
            "procedure": "replace-background",
            "arguments": {**model, "background": "scene", "scene": "studio"},
        },
    }
    gimp = Gimp3("benchmark")
    try:
        rgb.tofile(gimp.home / "photo.raw")
        shape = {
            "size": rgb.shape[:2],
            "base": "rgb",
            "precision": "U8_NON_LINEAR",
            "sample": "u8",
            "file": "photo.raw",
        }
        cases = [
            {"name": f"{name} {number}", "stem": "x", "describe": False, "calls": [wish], **shape}
            for name, wish in wishes.items()
            for number in range(arguments.rounds + 1)
        ]
        times = f"{gimp.inside}/times.json"
        answers = gimp.batch(TESTS / "made_gimp_images.py", {"cases": cases}, 900, CYCLORAMA_GIMP_TIMES=times)
    finally:
        gimp.close()
    print(f"{width} x {height}, 8 bits, model {arguments.model}, {len(os.sched_getaffinity(0))} cores")
    for name in wishes:
        calls = [answers[f"{name} {number}"][0] for number in range(arguments.rounds + 1)]
        assert all(call["status"] == "success" for call in calls), calls
        first, warm = calls[0], calls[1:]
        print(f"{name}: {statistics.median(c['seconds'] for c in warm):.2f} s; first call {first['seconds']:.2f} s")
        medians = {s: statistics.median(c["stages"].get(s, 0) for c in warm) for s in NAMES}
        for stage, seconds in medians.items():
            print(f"  {NAMES[stage]:28} {seconds:6.2f} s")
        whole = statistics.median(c["seconds"] for c in warm)
        print(f"  {'the rest (start of Python)':28} {whole - sum(medians.values()):6.2f} s")
        print(f"  share that is not the network: {1 - medians['subject'] / whole:.0%}")


if __name__ == "__main__":
    main()
