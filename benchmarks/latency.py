"""Time of the matting networks for a frame beside RobustVideoMatting's, in turns in one process.

    python benchmarks/latency.py [--rounds N] [--threads N]

Needs the extra `train`. What is asked of `portrait` and `portrait-fast` is asked in milliseconds of one machine, on
which RobustVideoMatting's network took 68.5 ms (512 x 288) and 17.5 ms (256 x 144) with ONNX Runtime and two threads.
What can be measured again anywhere is the share of that. Its weights are not needed for it: the network is built here
by its paper (Lin 2021, "Robust High-Resolution Video Matting with Temporal Guidance", section 3 and appendix), without
the refinement of a larger picture, with random weights.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from cyclorama import weights
from cyclorama.matting import Matter, portrait
from cyclorama.matting.onnx import load
from cyclorama.matting.onnx_file import OnnxFile
from cyclorama.matting.portrait import Portrait
from cyclorama.types import Rgb
from cyclorama_training import torchvision_operators
from cyclorama_training.contender import Foreign
from cyclorama_training.evaluate import BARS
from cyclorama_training.network import doubled
from cyclorama_training.speed import FRAME, PUBLISHED, RVM_SMALL_MS, interleaved, macs_of, parameters_of

ENCODER = (16, 24, 40, 128)  # channels at 1/2, 1/4, 1/8 and, after LR-ASPP, 1/16
DECODER = (80, 40, 32)  # of the blocks at 1/8, 1/4 and 1/2
OUTPUT = 16  # channels at full size
SKIPS = (1, 3, 6)  # layers of the encoder whose features the decoder takes: the last of each size
DEEPEST = 960
SMALL, USUAL = (144, 256), (288, 512)
ASKED_MS = {bar.size: bar.most for bar in BARS if bar.most and bar.size}
THEIRS_MS = {SMALL: RVM_SMALL_MS, USUAL: PUBLISHED[1].network_ms}
THEIRS = "RobustVideoMatting"


class Gru(nn.Module):
    """A convolutional GRU over the second half of the channels (Ballas 2016, as Lin 2021 uses it)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.kept = channels // 2
        self.gates = nn.Conv2d(channels, channels, 3, padding=1)
        self.candidate = nn.Conv2d(channels, self.kept, 3, padding=1)

    def forward(self, x: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        still, moving = x.split(self.kept, 1)
        reset, update = self.gates(torch.cat([moving, memory], 1)).sigmoid().split(self.kept, 1)
        candidate = self.candidate(torch.cat([moving, reset * memory], 1)).tanh()
        after = (1 - update) * memory + update * candidate
        return torch.cat([still, after], 1), after


def convolution(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU())


class RobustVideoMatting(nn.Module):
    """Pictures uint8 (1, H, W, 3), sides in steps of 16, and four memories to alpha (1, H, W) and the next memories."""

    def __init__(self) -> None:
        super().__init__()
        torchvision_operators.mend()
        from torchvision.models import mobilenet_v3_large

        self.encoder = mobilenet_v3_large(weights=None, dilated=True).features
        deepest = ENCODER[-1]
        self.project = nn.Sequential(nn.Conv2d(DEEPEST, deepest, 1, bias=False), nn.BatchNorm2d(deepest), nn.ReLU())
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(DEEPEST, deepest, 1, bias=False), nn.Sigmoid())
        inside = (deepest, *DECODER)
        skips = (*ENCODER[-2::-1], 0)
        outside = (*DECODER, OUTPUT)
        self.blocks = nn.ModuleList(convolution(i + s + 3, o) for i, s, o in zip(inside, skips, outside, strict=True))
        self.memories = nn.ModuleList(Gru(channels) for channels in inside)
        self.last = nn.Sequential(convolution(OUTPUT, OUTPUT), nn.Conv2d(OUTPUT, 4, 1))  # foreground and alpha

    def forward(self, rgb: Tensor, *before: Tensor) -> tuple[Tensor, ...]:
        picture = rgb.permute(0, 3, 1, 2).float() / 255
        x, skips = (picture - 0.45) / 0.225, []
        for index, layer in enumerate(self.encoder):
            x = layer(x)
            if index in SKIPS:
                skips.append(x)
        x = self.project(x) * self.gate(x)
        pictures = [picture]
        while len(pictures) < len(self.blocks):
            pictures.append(functional.avg_pool2d(pictures[-1], 2))
        after = []
        for block, gru, memory in zip(self.blocks, self.memories, before, strict=True):
            x, kept = gru(x, memory)
            after.append(kept)
            beside = [skips.pop()] if skips else []
            x = block(torch.cat([doubled(x), *beside, pictures.pop()], 1))
        return self.last(x)[:, 3].clamp(0, 1), *after


def no_memory(height: int, width: int) -> list[Tensor]:
    channels = (ENCODER[-1], *DECODER)
    return [torch.zeros(1, c // 2, height >> n, width >> n) for c, n in zip(channels, (4, 3, 2, 1), strict=True)]


def written(path: Path, size: tuple[int, int]) -> Path:
    """The network as an ONNX file of that working size."""
    torch.manual_seed(1)
    pictures = torch.zeros(1, *size, 3, dtype=torch.uint8)
    inputs = (pictures, *no_memory(*size))
    torch.onnx.export(RobustVideoMatting().eval(), inputs, path, dynamo=True, external_data=False, verbose=False)
    return path


def by(size: tuple[int, int]) -> str:
    return f"{size[1]} x {size[0]}"


def noise(size: tuple[int, int]) -> Rgb:
    return np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)


def ours(matter: Matter) -> Callable[[], object]:
    picture = noise(matter.size(*FRAME))
    state = matter.start(*picture.shape[:2])
    return lambda: matter.step(picture, state)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2, help="tables of thirty runs each (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU (default: %(default)s)")
    options = parser.parse_args()
    threads = options.threads
    network = load(weights.path("portrait"), device="cpu", threads=threads)
    matters = [
        (SMALL, Portrait("portrait-fast at 256 px", network, 256)),
        (SMALL, portrait.create_fast(device="cpu", threads=threads)),
        (USUAL, Portrait("portrait at 512 px", network, 512)),
        (USUAL, portrait.create(device="cpu", threads=threads)),
    ]
    with tempfile.TemporaryDirectory() as folder:
        files = {size: written(Path(folder) / f"{size[1]}.onnx", size) for size in (SMALL, USUAL)}
        runs: dict[object, Callable[[], object]] = {
            size: Foreign(OnnxFile(path, "cpu", threads=threads)).network(noise(size)) for size, path in files.items()
        }
        runs |= {m.name: ours(m) for _, m in matters}
        path = files[USUAL]
        print(
            f"{THEIRS}, built anew: {parameters_of(path):,} parameters, {macs_of(path, *USUAL) / 1e6:,.0f} M multiply-"
        )
        print(
            f"accumulates at {by(USUAL)}; published: {PUBLISHED[1].parameters:,.0f}, {PUBLISHED[1].macs / 1e6:,.0f} M"
        )
    for _ in range(options.rounds):
        times = interleaved(runs)
        print("\n| network | looks at | ms | of RobustVideoMatting's | asked for |\n|---|---|---|---|---|")
        for size in files:
            print(f"| {THEIRS} | {by(size)} | {times[size]:.1f} | 1 | |")
        for size, matter in matters:
            share, asked = times[matter.name] / times[size], ASKED_MS[size] / THEIRS_MS[size]
            looks = " + ".join(by(look) for look in matter.looks(*FRAME))
            print(f"| {matter.name} | {looks} | {times[matter.name]:.1f} | {share:.2f} | {asked:.2f} |")


if __name__ == "__main__":
    main()
