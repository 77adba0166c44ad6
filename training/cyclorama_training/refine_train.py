"""Trains the `refine` network by its recipe: resumable, seeded, the best averaged weights beside the newest."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from cyclorama_training.memory import keep_freed
from cyclorama_training.metrics import conn, grad
from cyclorama_training.mixed_precision import autocast
from cyclorama_training.refine_compose import Crops, stacked, truth_of, whole
from cyclorama_training.refine_losses import refine_loss
from cyclorama_training.refine_material import Composite, RefineRecipe, made, rooms_of
from cyclorama_training.refine_network import FRESH, RefineNetwork
from cyclorama_training.train import save, update

SAVE_SECONDS = 60  # a kill costs no more than this
NOTE_EVERY = 50  # steps
CLIP = 1.0  # of the gradient's norm
TINY = 1e-6  # least that is divided by


@dataclass(frozen=True, slots=True)
class Report:
    """Means over the validation pictures: absolute difference of unknown alpha, `metrics.grad` and `metrics.conn`; and
    the last two as shares of those of the matte before.
    """

    mad: float
    grad: float
    conn: float
    grad_share: float
    conn_share: float

    def line(self) -> str:
        return (
            f"MAD {self.mad * 1e3:.1f}e-3 of what is unknown  Grad {self.grad:.3f} ({self.grad_share:.3f} of the matte "
            f"before's)  Conn {self.conn:.3f} ({self.conn_share:.3f})"
        )

    def score(self) -> float:
        """The lower the better."""
        return self.grad_share + self.conn_share


def train(
    recipe: RefineRecipe,
    root: Path,
    out: Path,
    *,
    start: Path | None = None,
    device: str = "cpu",
    workers: int = 1,
    say: Callable[[str], None] = print,
) -> Report:
    """Makes the material in `out/material`, trains, or goes on from `out/newest.pt`, and keeps `out/best.pt`.

    Args:
        root: holds the recipe's folders.
        start: tensors of `portrait` to begin with, the .safetensors that `export` wrote; None: those that ship.
        device: of PyTorch.
        workers: processes that compose crops.

    Returns:
        The report of the best weights.

    Raises:
        SettingError: a folder of the recipe is missing. ModelError: `start` is not of `portrait`.
    """
    # OpenCV's thread pool does not survive the fork that makes the loader's workers: they would hang.
    cv2.setNumThreads(0)
    keep_freed()
    torch.manual_seed(recipe.seed)
    out.mkdir(parents=True, exist_ok=True)
    rooms = rooms_of(recipe, root, "train")
    composites = made(recipe, root, "train", out / "material", rooms, say)
    validation = made(recipe, root, "validation", out / "material", rooms_of(recipe, root, "validation"), say)
    network = RefineNetwork()
    network.start_from(start or Path(str(resources.files("cyclorama_weights").joinpath("portrait.safetensors"))))
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train()
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
    say(f"train: {len(composites)} composites; {sum(p.numel() for p in network.parameters())} parameters")
    running = autocast(device, recipe.precision, say)
    losses: list[Tensor] = []
    started, first, saved = time.monotonic(), step, time.monotonic()
    for batch in Crops(recipe, composites, step).loader(workers):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate_at(step) * group["share"]
        given, truth = truth_of({name: plane.to(device) for name, plane in batch.items()})
        with running:
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
            if report.score() < best:
                best = report.score()
                save(out / "best.pt", {"network": average.state_dict(), "step": step, "figures": asdict(report)})
        if step == recipe.steps or time.monotonic() - saved > SAVE_SECONDS:
            state = {"network": network.state_dict(), "average": average.state_dict()}
            save(newest, {**state, "optimiser": optimiser.state_dict(), "step": step, "best": best})
            saved = time.monotonic()
    return Report(**torch.load(out / "best.pt", map_location="cpu", weights_only=True)["figures"])


def groups(network: RefineNetwork, recipe: RefineRecipe) -> list[dict[str, object]]:
    """Parameters for the optimiser: what comes trained learns at a share of the rate."""
    shares = {"encoder": recipe.encoder_rate_share} | dict.fromkeys(FRESH, 1.0)
    return [
        {
            "params": list(part.parameters()),
            "share": shares.get(name, recipe.decoder_rate_share),
            "weight_decay": recipe.weight_decay,
        }
        for name, part in network.named_children()
    ]


@torch.inference_mode()
def measure(network: RefineNetwork, composites: Sequence[Composite], device: str) -> Report:
    """The figures of a network on whole pictures; what the trimap says is kept."""
    figures = []
    for composite in composites:
        planes = whole(composite)
        given, _ = truth_of({name: plane.to(device) for name, plane in stacked([planes]).items()})
        said = network(*given)[0][0, 0].float().cpu().numpy()
        height, width = composite.planes.shape[:2]
        alpha, before, trimap, unknown = (
            plane[:height, :width, 0] for plane in (planes[name] for name in ("alpha", "before", "trimap", "unknown"))
        )
        found = np.where(unknown > 0, said[:height, :width], trimap)
        error = float((unknown * np.abs(found - alpha)).sum() / max(1.0, float(unknown.sum())))
        figures.append((error, *(metric(of, alpha) for of in (found, before) for metric in (grad, conn))))
    mad, own_grad, own_conn, grad_before, conn_before = np.mean(figures, axis=0).tolist()
    return Report(mad, own_grad, own_conn, own_grad / max(grad_before, TINY), own_conn / max(conn_before, TINY))


def note(out: Path, **figures: float) -> None:
    with (out / "log.jsonl").open("a") as file:
        file.write(json.dumps(figures) + "\n")
