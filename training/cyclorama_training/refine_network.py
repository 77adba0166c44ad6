"""The `refine` network: alpha, foreground and background of the unknown part of a picture.

In the manner of FBA (Forte & Pitie 2020, "F, B, Alpha Matting"): one network for all three, told the trimap as
Gaussians of the distance to what is sure, and their fusion at the end. It is a small one, for hair is a matter of the
pixels around: nothing here knows what a head is, the matte before it did. So that it need not learn what colours are,
it begins with those of the nearest sure pixels, and with the alpha that they speak for.

It normalises each place by itself. FBA's group normalisation works with batches of one as well, but it takes its
means over the picture: neighbouring tiles would get different ones, and their seam would show.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = (32, 48, 64, 96)  # at 1/2, 1/4, 1/8 and 1/16; multiples of 16, to which ONNX Runtime fills them up
STRIDE = 64  # sides come in these steps
PLANES = 7  # alpha, foreground, background
# Standard deviations of the Gaussians, pixels. FBA's go to 51; these end where a tile of a small network ends.
SIGMAS = (4.0, 12.0, 32.0)
# At half the size, where four pixels' values are channels: colours, alpha by them and before; the trimap and colours
# that spread.
GIVEN = 4 * (3 + 1 + 1) + 2 * len(SIGMAS) + 2 * 3
SPREAD_AT, SPREAD_LEVELS = 4, 4  # colours spread from a quarter of the size down to a 64th
SUREST = 0.02  # nearest to 0 and 1 that the matte before is believed
# Weight of an alpha against what the colours say: of the network's in the end (FBA's code), and of one half before it.
STEADY, UNDECIDED = 0.1, 0.01
RELU_GAIN = math.sqrt(2 / (1 - 1 / math.pi))  # keeps the variance of what comes out of a rectifier (Brock 2021)
EPSILON = 1e-5
FULL, TINY = 0.1, 1e-4  # share of a place from which what is sure in it speaks for it alone; least that is divided by


class Convolution(nn.Conv2d):
    """Convolution with standardised weights (Qiao 2019), scaled for what comes out of a rectifier; exported as it is.

    Args:
        gain: what its scale starts with.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, *, gain: float = 1.0) -> None:
        super().__init__(inputs, outputs, kernel, stride, kernel // 2)
        self.gain = nn.Parameter(torch.full((outputs, 1, 1, 1), gain))
        nn.init.zeros_(self.bias)  # type: ignore[arg-type]

    def standardised(self) -> Tensor:
        fan_in = self.weight[0].numel()
        variance, mean = torch.var_mean(self.weight, (1, 2, 3), correction=0, keepdim=True)
        return (self.weight - mean) * torch.rsqrt(variance * fan_in + EPSILON) * (RELU_GAIN * self.gain)

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.standardised(), self.bias, self.stride, self.padding)


class PlaceNorm(nn.Module):
    """Group normalisation (Wu & He 2018) of one group, over the channels of each place by itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = x - x.mean(1, keepdim=True)
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + EPSILON) * self.weight + self.bias


class Residual(nn.Module):
    """Two convolutions beside the way through; the second starts as nothing, so that training starts shallow."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = PlaceNorm(channels)
        self.first = Convolution(channels, channels, 3)
        self.second = Convolution(channels, channels, 3, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.relu(self.first(functional.relu(self.norm(x)))))  # type: ignore[no-any-return]


class Up(nn.Module):
    """Twice the size, joined with the finer features."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.spread = Convolution(inputs, 4 * outputs, 1)
        self.join = Convolution(2 * outputs, outputs, 1)
        self.mix = Residual(outputs)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = functional.pixel_shuffle(functional.relu(self.spread(x)), 2)
        return self.mix(self.join(torch.cat([x, skip], 1)))  # type: ignore[no-any-return]


class RefineNetwork(nn.Module):
    """Input: float RGB (N, 3, H, W) in [0, 1]; pixels to the nearest sure background and to the nearest sure subject,
    (N, 2, H, W); the matte before, (N, 1, H, W), one half where there is none; H and W multiples of `STRIDE`. Output:
    alpha (N, 1, H, W), foreground and background (N, 3, H, W) after fusion, in [0, 1], and the alpha before it.
    """

    def __init__(self) -> None:
        super().__init__()
        c2, c4, c8, c16 = CHANNELS
        self.stem = Convolution(GIVEN, c2, 3)
        self.to4, self.to8, self.to16 = (Convolution(a, b, 3, 2) for a, b in pairwise(CHANNELS))
        self.at4, self.at8 = Residual(c4), Residual(c8)
        self.at16 = nn.Sequential(Residual(c16), Residual(c16))
        self.up8, self.up4, self.up2 = Up(c16, c8), Up(c8, c4), Up(c4, c2)
        self.last = nn.Conv2d(c2, 4 * PLANES, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]
        sigmas = torch.tensor(SIGMAS).repeat_interleave(2).view(1, -1, 1, 1)
        self.register_buffer("sharpness", -0.5 / sigmas.square(), persistent=False)

    def forward(self, rgb: Tensor, distances: Tensor, before: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        first = [spread(rgb, distances[:, side : side + 1] <= 0) for side in (1, 0)]
        foreground, background = (
            functional.interpolate(c, scale_factor=float(SPREAD_AT), mode="bilinear") for c in first
        )
        by_colour = projected(torch.full_like(rgb[:, :1], 0.5), rgb, foreground, background, UNDECIDED).clamp(0, 1)
        near = functional.avg_pool2d(distances, 2)
        told = torch.exp((near * near).repeat(1, len(SIGMAS), 1, 1) * self.get_buffer("sharpness"))
        small = functional.pixel_unshuffle(torch.cat([2 * rgb - 1, by_colour, 2 * before - 1], 1), 2)
        colours = functional.interpolate(2 * torch.cat(first, 1) - 1, scale_factor=SPREAD_AT / 2, mode="bilinear")
        x2 = self.stem(torch.cat([small, told, colours], 1))
        x4 = self.at4(self.to4(functional.relu(x2)))
        x8 = self.at8(self.to8(functional.relu(x4)))
        x16 = self.at16(self.to16(functional.relu(x8)))
        y = self.up2(self.up4(self.up8(functional.relu(x16), x8), x4), x2)
        planes = functional.pixel_shuffle(self.last(functional.relu(y)), 2).float()
        said = torch.sigmoid(planes[:, :1] + torch.logit(before, SUREST))
        alpha, foreground, background = fused(said, rgb, foreground + planes[:, 1:4], background + planes[:, 4:])
        return alpha, foreground, background, said


def spread(rgb: Tensor, sure: Tensor) -> Tensor:
    """The colours of what is sure, spread over what is not: (N, 3, H / 4, W / 4).

    Args:
        rgb: (N, 3, H, W) in [0, 1]; sure: bool (N, 1, H, W).

    Source: Gortler 1996, "The Lumigraph", section 3.4 (push and pull).
    """
    weight = sure.to(rgb.dtype)
    amounts = [functional.avg_pool2d(torch.cat([rgb * weight, weight], 1), SPREAD_AT)]
    for _ in range(SPREAD_LEVELS):
        # A place that holds enough of what is sure counts in full, so that the coarser levels are of all around.
        last = amounts[-1]
        amounts.append(functional.avg_pool2d(last / last[:, 3:].clamp(min=FULL), 2))
    # Where nothing is sure for far around it is the picture itself.
    colours = functional.avg_pool2d(rgb, SPREAD_AT << SPREAD_LEVELS)
    for level, amount in enumerate(reversed(amounts)):
        if level:
            colours = functional.interpolate(colours, scale_factor=2.0, mode="bilinear")
        share = (amount[:, 3:] / FULL).clamp(max=1)
        colours = share * amount[:, :3] / amount[:, 3:].clamp(min=TINY) + (1 - share) * colours
    return colours


def fused(alpha: Tensor, rgb: Tensor, foreground: Tensor, background: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Alpha and colours made to agree with the picture.

    Source: Forte & Pitie 2020, section 3.4: the colours that are nearest to those given and mix to the picture, one
    after the other, then the alpha that the colours and the one given speak for.
    """
    foreground, background = foreground.clamp(0, 1), background.clamp(0, 1)
    foreground = alpha * rgb + (1 - alpha**2) * foreground - alpha * (1 - alpha) * background
    background = (1 - alpha) * rgb + (2 * alpha - alpha**2) * background - alpha * (1 - alpha) * foreground
    foreground, background = foreground.clamp(0, 1), background.clamp(0, 1)
    return projected(alpha, rgb, foreground, background, STEADY).clamp(0, 1), foreground, background


def projected(alpha: Tensor, rgb: Tensor, foreground: Tensor, background: Tensor, steady: float) -> Tensor:
    """Where the picture lies on the way from the background's colour to the foreground's; near `alpha` where these are
    alike.
    """
    between = foreground - background
    along = ((rgb - background) * between).sum(1, keepdim=True)
    return (steady * alpha + along) / (between.square().sum(1, keepdim=True) + steady)
