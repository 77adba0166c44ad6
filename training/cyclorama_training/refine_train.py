"""Trains the `refine` network by its recipe: resumable, seeded, the best averaged weights beside the newest."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from cyclorama_training.metrics import conn, grad
from cyclorama_training.refine_compose import Crop, Crops, crop_of, stacked, truth_of
from cyclorama_training.refine_losses import refine_loss
from cyclorama_training.refine_material import CutOut, RefineRecipe, made, rooms_of
from cyclorama_training.refine_network import RefineNetwork
from cyclorama_training.train import save, update

SAVE_SECONDS = 60  # a kill costs no more than this
NOTE_EVERY = 50  # steps
VALIDATED = 48  # crops
CLIP = 1.0  # of the gradient's norm


@dataclass(frozen=True, slots=True)
class Report:
    """Means over the validation crops: absolute difference of unknown alpha; `metrics.grad` and `metrics.conn`."""

    mad: float
    grad: float
    conn: float

    def line(self) -> str:
        return f"MAD {self.mad * 1e3:.1f}e-3 of what is unknown  Grad {self.grad:.3f}  Conn {self.conn:.3f}"


def train(
    recipe: RefineRecipe,
    root: Path,
    out: Path,
    *,
    device: str = "cpu",
    workers: int = 1,
    say: Callable[[str], None] = print,
) -> Report:
    """Draws the material into `out/material`, trains, or goes on from `out/newest.pt`, and keeps `out/best.pt`.

    Args:
        root: holds the recipe's folders.
        device: of PyTorch.
        workers: processes that compose crops.

    Returns:
        The report of the best weights.

    Raises:
        SettingError: a folder of the recipe is missing.
    """
    # OpenCV's thread pool does not survive the fork that makes the loader's workers: they would hang.
    cv2.setNumThreads(0)
    torch.manual_seed(recipe.seed)
    out.mkdir(parents=True, exist_ok=True)
    rooms = rooms_of(recipe, root, "train")
    cutouts = made(recipe, root, "train", out / "material", rooms, say)
    validation = validation_crops(recipe, root, out, say)
    network = RefineNetwork().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network).eval().requires_grad_(False)
    optimiser = torch.optim.AdamW(groups(network, recipe), lr=0.0)
    step, best = 0, float("inf")
    newest = out / "newest.pt"
    if newest.exists():
        state = torch.load(newest, map_location=device, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, best = state["step"], state["best"]
        say(f"going on from step {step}")
    say(f"train: {len(cutouts)} people, {len(rooms)} rooms; {parameters(network)} parameters")
    autocast = torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=recipe.precision == "bfloat16")
    losses: list[Tensor] = []
    started, first, saved = time.monotonic(), step, time.monotonic()
    for batch in Crops(recipe, cutouts, rooms, step).loader(workers):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate_at(step)
        given, truth = truth_of([plane.to(device) for plane in batch])
        with autocast:
            alpha, foreground, background, said = network(*given)
        loss = refine_loss(alpha, foreground, background, said, truth)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimiser.step()
        step += 1
        update(average, network, min(recipe.ema_decay, step / (step + 50)))
        losses.append(loss.detach())
        if step % NOTE_EVERY == 0:
            mean, speed = float(torch.stack(losses).mean()), (step - first) / (time.monotonic() - started)
            losses.clear()
            note(out, step=step, loss=mean, rate=recipe.rate_at(step), steps_per_s=speed)
            say(f"step {step}/{recipe.steps} loss {mean:.4f} {speed:.2f} steps/s")
        if step % recipe.validate_every == 0 or step == recipe.steps:
            report = measure(average, validation, device)
            note(out, step=step, **asdict(report))
            say(f"step {step} {report.line()}")
            if report.grad < best:
                best = report.grad
                save(out / "best.pt", {"network": average.state_dict(), "step": step, "figures": asdict(report)})
        if step == recipe.steps or time.monotonic() - saved > SAVE_SECONDS:
            state = {"network": network.state_dict(), "average": average.state_dict()}
            save(newest, {**state, "optimiser": optimiser.state_dict(), "step": step, "best": best})
            saved = time.monotonic()
    return Report(**torch.load(out / "best.pt", map_location="cpu", weights_only=True)["figures"])


def groups(network: RefineNetwork, recipe: RefineRecipe) -> list[dict[str, object]]:
    """Parameters for the optimiser: no decay of gains and shifts, nor of weights whose scale is standardised away."""
    last = [network.last.weight]
    rest = [p for p in network.parameters() if p is not network.last.weight]
    return [{"params": last, "weight_decay": recipe.weight_decay}, {"params": rest, "weight_decay": 0.0}]


def parameters(network: RefineNetwork) -> int:
    return sum(p.numel() for p in network.parameters())


def validation_crops(recipe: RefineRecipe, root: Path, out: Path, say: Callable[[str], None]) -> list[Crop]:
    """Crops of held-back people before held-back rooms: the same ones at every call."""
    rooms = rooms_of(recipe, root, "validation")
    cutouts: Sequence[CutOut] = made(recipe, root, "validation", out / "material", rooms, say)
    return [
        crop_of(np.random.default_rng((recipe.seed, index)), cutouts[index % len(cutouts)], rooms, recipe.side)
        for index in range(VALIDATED)
    ]


@torch.inference_mode()
def measure(network: RefineNetwork, crops: Sequence[Crop], device: str) -> Report:
    """The figures of a network on crops; what the trimap says is kept."""
    figures = []
    for crop in crops:
        given, _ = truth_of([plane.to(device) for plane in stacked([crop])])
        said = network(*given)[0][0, 0].float().cpu().numpy()
        alpha = np.where(crop.unknown > 0, said, crop.alpha)
        error = float((crop.unknown * np.abs(alpha - crop.alpha)).sum() / max(1.0, float(crop.unknown.sum())))
        figures.append((error, grad(alpha, crop.alpha), conn(alpha, crop.alpha)))
    return Report(*np.mean(figures, axis=0).tolist())


def note(out: Path, **figures: float) -> None:
    with (out / "log.jsonl").open("a") as file:
        file.write(json.dumps(figures) + "\n")
