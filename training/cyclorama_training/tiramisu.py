"""FC-DenseNet, the "Tiramisu": dense blocks on the way down and up (Jegou 2017).

Source: Jegou, Drozdzal, Vazquez, Romero & Bengio 2017, "The One Hundred Layers Tiramisu: Fully Convolutional
DenseNets for Semantic Segmentation", table 2 (FC-DenseNet103).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

FIRST = 48  # channels of the first convolution
LAYERS_103 = (4, 5, 7, 10, 12, 15)  # of each dense block on the way down; the last is the bottleneck's
GROWTH = 16
DROPOUT = 0.2


class Layer(nn.Sequential):
    """Normalise, ReLU, 3 x 3 convolution to `growth` channels."""

    def __init__(self, channels: int, growth: int) -> None:
        super().__init__(
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, growth, 3, padding=1),
            nn.Dropout2d(DROPOUT),
        )


class Dense(nn.Module):
    """Layers that each see the input and all layers before them; what comes out is what the layers added."""

    def __init__(self, channels: int, count: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(channels + index * growth, growth) for index in range(count))

    def forward(self, x: Tensor) -> Tensor:
        added: list[Tensor] = []
        for layer in self.layers:
            added.append(layer(torch.cat([x, *added], 1)))
        return torch.cat(added, 1)


class Down(nn.Sequential):
    """Half the size."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 1),
            nn.Dropout2d(DROPOUT),
            nn.MaxPool2d(2),
        )


class Tiramisu(nn.Module):
    """Float (N, 3, H, W), sides in steps of 32, to logits (N, 1, H, W).

    Args:
        layers: of the blocks on the way down, the bottleneck's last; up they come in the opposite order.
        growth: channels that each layer adds.
    """

    def __init__(self, layers: Sequence[int] = LAYERS_103, growth: int = GROWTH) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, FIRST, 3, padding=1)
        channels, skips = FIRST, []
        self.down, self.downs = nn.ModuleList(), nn.ModuleList()
        for count in layers[:-1]:
            self.down.append(Dense(channels, count, growth))
            channels += count * growth
            skips.append(channels)
            self.downs.append(Down(channels))
        self.bottleneck = Dense(channels, layers[-1], growth)
        channels = layers[-1] * growth
        self.ups, self.up = nn.ModuleList(), nn.ModuleList()
        for count, skip in zip(reversed(layers[:-1]), reversed(skips), strict=True):
            # The input of a block on the way up is not carried on: the feature maps would grow without end.
            self.ups.append(nn.ConvTranspose2d(channels, channels, 3, stride=2, padding=1, output_padding=1))
            self.up.append(Dense(channels + skip, count, growth))
            channels, last = count * growth, channels + skip
        self.last = nn.Conv2d(last + channels, 1, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight)  # HeUniform, as the paper has it
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        x, skips = self.first(x), []
        for dense, down in zip(self.down, self.downs, strict=True):
            x = torch.cat([x, dense(x)], 1)
            skips.append(x)
            x = down(x)
        x = self.bottleneck(x)
        for up, dense in zip(self.ups, self.up, strict=True):
            given = torch.cat([up(x), skips.pop()], 1)
            x = dense(given)
        return self.last(torch.cat([given, x], 1))  # type: ignore[no-any-return]
