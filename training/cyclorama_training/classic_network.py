"""The classics' networks, from the libraries that keep them up, behind one seam."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from cyclorama.errors import SettingError
from cyclorama_training import torchvision_operators
from cyclorama_training.classic_losses import LOSSES, weighted
from cyclorama_training.cross_attention import CrossAttention
from cyclorama_training.examples import Marked
from cyclorama_training.tiramisu import GROWTH, LAYERS_103, Tiramisu

# Of ImageNet's pictures, red, green, blue: what all backbones of torchvision and timm were trained behind.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FINE = 48  # channels of DeepLabV3+'s low-level features (Chen 2018)


class Classic(Protocol):
    """A network as it is trained and as it runs; an `nn.Module` whose `forward` is what is exported.

    Attributes:
        network: the library's own, for its weights.
    """

    network: nn.Module

    def forward(self, rgb: Tensor) -> Tensor:
        """Alpha float (N, H, W) in [0, 1] of pictures uint8 (N, H, W, 3)."""

    def published(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Published weights in the form that the network has here."""

    def loss(self, batch: Sequence[Marked], device: torch.device) -> Tensor:
        """Loss of pictures of one size; the network is in training mode."""


class Segmenter(nn.Module):
    """A network that says of each pixel whether it is of a person.

    Args:
        network: float (N, 3, H, W), normalised, to logits (N, 1, H, W).
        losses: weights of losses, by name.
    """

    def __init__(self, network: nn.Module, losses: Mapping[str, float]) -> None:
        super().__init__()
        self.network, self.losses = network, losses
        self.mean: Tensor
        self.std: Tensor
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def logits(self, rgb: Tensor) -> Tensor:
        """Float (N, H, W) of uint8 (N, H, W, 3)."""
        x = (rgb.permute(0, 3, 1, 2).float() / 255 - self.mean) / self.std
        return self.network(x)[:, 0].float()  # type: ignore[no-any-return]

    def forward(self, rgb: Tensor) -> Tensor:
        return torch.sigmoid(self.logits(rgb))

    def published(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return dict(tensors)

    def loss(self, batch: Sequence[Marked], device: torch.device) -> Tensor:
        rgb = torch.from_numpy(np.stack([each.rgb for each in batch])).to(device)
        target = torch.from_numpy(np.stack([each.alpha for each in batch])).to(device).float() / 255
        return weighted(self.losses, self.logits(rgb), target)


class Output(nn.Module):
    """torchvision's segmentation networks give a dictionary."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)["out"]  # type: ignore[no-any-return]


def deeplabv3plus(encoder: str = "resnet50", cross_attention: bool = False) -> nn.Module:
    """DeepLabV3+ (Chen 2018) of segmentation-models-pytorch; with cross attention in its decoder if asked for."""
    import segmentation_models_pytorch as smp

    network = smp.DeepLabV3Plus(encoder, encoder_weights=None)
    if cross_attention:
        decoder = network.decoder
        out = decoder.block2[1].num_features
        decoder.block2 = CrossAttention(decoder.block2, out, FINE, out)
    return network  # type: ignore[no-any-return]


def unet(encoder: str = "resnet50") -> nn.Module:
    """U-Net (Ronneberger 2015) with a ResNet for an encoder, of segmentation-models-pytorch."""
    import segmentation_models_pytorch as smp

    return smp.Unet(encoder, encoder_weights=None)  # type: ignore[no-any-return]


def fcn(backbone: str = "resnet101") -> nn.Module:
    """FCN (Long 2015) of torchvision, with a head of one class."""
    from torchvision.models import segmentation

    # The size of the backbone is part of the function's name there.
    make = getattr(segmentation, f"fcn_{backbone}")
    return Output(make(weights=None, weights_backbone=None, num_classes=1))


def tiramisu(layers: Sequence[int] = LAYERS_103, growth: int = GROWTH) -> nn.Module:
    return Tiramisu(layers, growth)


SEGMENTERS: dict[str, Callable[..., nn.Module]] = {
    "deeplabv3plus": deeplabv3plus,
    "unet": unet,
    "fcn": fcn,
    "tiramisu": tiramisu,
}
INSTANCES = "mask-rcnn"


def build(options: Mapping[str, Any], losses: Mapping[str, float], size: tuple[int, int]) -> Any:
    """A classic with random weights, an `nn.Module` that is a `Classic`.

    Args:
        options: a recipe's table `[network]`: `name`, a key of `SEGMENTERS` or "mask-rcnn", and that one's options.
        size: height and width of the pictures.

    Raises:
        SettingError: there is no such network, or it has no such option.
        ModuleNotFoundError: the extra `classics` is not installed.
    """
    if unknown := losses.keys() - LOSSES.keys():
        raise SettingError(f"loss: expected any of {', '.join(LOSSES)}; got {', '.join(sorted(unknown))}")
    torchvision_operators.mend()
    given = dict(options)
    name = given.pop("name", None)
    try:
        if name == INSTANCES:
            from cyclorama_training.mask_rcnn import MaskRCNN

            return MaskRCNN(size, **given)
        if name in SEGMENTERS:
            return Segmenter(SEGMENTERS[name](**given), losses)
    except (TypeError, AttributeError, KeyError) as error:
        raise SettingError(f"network {name}: {error}") from error
    raise SettingError(f"network: expected name = {', '.join(sorted([*SEGMENTERS, INSTANCES]))}; got {name!r}")
