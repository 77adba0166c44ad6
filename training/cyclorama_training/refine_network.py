"""The `refine` network: alpha, foreground and background of the unknown part of a picture.

In the manner of FBA (Forte & Pitie 2020, "F, B, Alpha Matting"): one network for all three, told the trimap as
Gaussians of the distance to what is sure, and their fusion at the end. Beside these it is told the matte before and two
mattes of closed-form matting, and begins with one of them: it need not learn what colours say, but when to believe
them. What a head, a veil and a curl are it knows from `portrait`, whose weights it begins with. It sees the picture at
half its size, as `portrait` does; the last steps are beside all of its pixels.

Its batch normalisation stays as it was when it came: batches of one train, for which FBA has group normalisation.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from cyclorama.errors import ModelError
from cyclorama_training.network import HALF_CHANNELS, STEM_CHANNELS, Body

WIDTH = 32  # channels of the last steps
PLANES = 7  # alpha, foreground, background
SIGMAS = (4.0, 12.0, 32.0)  # standard deviations of the Gaussians, pixels of the full size; FBA's go to 51
# At half the size, where four pixels' values are channels: colours and three mattes; and the trimap.
GIVEN = 4 * (3 + 3) + 2 * len(SIGMAS)
SUREST = 0.02  # nearest to 0 and 1 that the matte which it begins with is believed
STEADY = 0.1  # weight of the alpha before fusion against what the colours say (FBA's code)


class RefineNetwork(Body):
    """Input: float RGB (N, 3, H, W) in [0, 1]; pixels to the nearest sure background and to the nearest sure subject,
    (N, 2, H, W); the matte before, and two by closed-form matting, (N, 1, H, W), see `cyclorama.refiner.Evidence`; H
    and W multiples of 32. Output: alpha (N, 1, H, W), foreground and background (N, 3, H, W) after fusion, in [0, 1],
    and the alpha before it.
    """

    def __init__(self) -> None:
        super().__init__()
        # What `portrait` is not told comes in beside its first layer, as nothing to begin with.
        self.enter = nn.Conv2d(GIVEN, STEM_CHANNELS, 3, 2, 1)
        self.first = nn.Conv2d(HALF_CHANNELS + GIVEN, WIDTH, 3, padding=1)
        self.second = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.last = nn.Conv2d(WIDTH, 4 * PLANES, 3, padding=1)
        for layer in (self.enter, self.last):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        sigmas = torch.tensor(SIGMAS).repeat_interleave(2).view(1, -1, 1, 1)
        self.register_buffer("sharpness", -0.5 / sigmas.square(), persistent=False)

    def train(self, mode: bool = True) -> RefineNetwork:
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def start_from(self, path: Path) -> None:
        """Takes from the tensors of `portrait` what it has in common with it.

        Raises:
            ModelError: the file is damaged, or another network's.
        """
        try:
            tensors = {name: value.float() for name, value in load_file(path).items()}
            own = self.state_dict()
            shared = [name for name in own if name.partition(".")[0] not in FRESH]
            self.load_state_dict(own | {name: tensors[name] for name in shared})
        except (OSError, SafetensorError, KeyError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"{path}: expected the .safetensors of `portrait` ({reason})") from error

    def forward(
        self, rgb: Tensor, distances: Tensor, before: Tensor, trusting: Tensor, colours: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        near = functional.avg_pool2d(distances, 2)
        told = torch.exp((near * near).repeat(1, len(SIGMAS), 1, 1) * self.get_buffer("sharpness"))
        pixels = functional.pixel_unshuffle(2 * torch.cat([rgb, before, trusting, colours], 1) - 1, 2)
        given = torch.cat([pixels, told], 1)
        f2, f4, f8, f16, f32 = self.encoder(2 * functional.avg_pool2d(rgb, 2) - 1, self.enter(given))
        y = self.up2(self.up4(self.up8(self.up16(self.context(f32), f16), f8), f4), f2)
        y = functional.interpolate(y, scale_factor=2.0, mode="bilinear", align_corners=False)
        y = functional.relu(self.first(torch.cat([y, given], 1)))
        y = functional.relu(y + self.second(y))
        planes = functional.pixel_shuffle(self.last(y), 2).float()
        said = torch.sigmoid(planes[:, :1] + torch.logit(trusting, SUREST))
        alpha, foreground, background = fused(said, rgb, rgb + planes[:, 1:4], rgb + planes[:, 4:])
        return alpha, foreground, background, said


FRESH = ("enter", "first", "second", "last")  # parts that `portrait` has not


def fused(alpha: Tensor, rgb: Tensor, foreground: Tensor, background: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Alpha and colours made to agree with the picture.

    Source: Forte & Pitie 2020, section 3.4: the colours that are nearest to those given and mix to the picture, one
    after the other, then the alpha that the colours and the one given speak for.
    """
    foreground, background = foreground.clamp(0, 1), background.clamp(0, 1)
    foreground = alpha * rgb + (1 - alpha**2) * foreground - alpha * (1 - alpha) * background
    background = (1 - alpha) * rgb + (2 * alpha - alpha**2) * background - alpha * (1 - alpha) * foreground
    foreground, background = foreground.clamp(0, 1), background.clamp(0, 1)
    between = foreground - background
    along = ((rgb - background) * between).sum(1, keepdim=True)
    alpha = (STEADY * alpha + along) / (between.square().sum(1, keepdim=True) + STEADY)
    return alpha.clamp(0, 1), foreground, background
