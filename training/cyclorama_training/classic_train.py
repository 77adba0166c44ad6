"""Trains a classic by its recipe: resumable, seeded; the best weights beside the newest."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from cyclorama.errors import DeviceError, MediaError, ModelError, SettingError
from cyclorama_ffmpeg.sheet import contact_sheet, grey
from cyclorama_training import metrics
from cyclorama_training.classic_network import INSTANCES, build
from cyclorama_training.classic_recipe import LOWER_IS_BETTER, ClassicRecipe, Training
from cyclorama_training.classic_weights import start_from
from cyclorama_training.data import Image
from cyclorama_training.examples import Example, Marked, fitted, gather
from cyclorama_training.journal import Journal
from cyclorama_training.memory import keep_freed
from cyclorama_training.mixed_precision import autocast
from cyclorama_training.train import save

NEWEST = "newest.pt"
SAVE_SECONDS = 120  # a kill costs no more than this
NOTE_EVERY = 10  # steps
SHOWN, SHOWN_HEIGHT, SHOWN_PER_ROW = 12, 160, 3  # validation pictures that are looked at again and again
FIGURES = ("iou", "f1", "accuracy", "precision", "recall", "mad")


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over the validation pictures, by name in `FIGURES`, and the loss."""

    values: dict[str, float]

    def line(self) -> str:
        return "  ".join(f"{name} {value:.4f}" for name, value in self.values.items())


class Epoch(Dataset[Marked]):
    """The pictures of an epoch in the order of its own; each is the same whoever makes it.

    Args:
        first: number of the first picture: where a run goes on.
    """

    def __init__(self, examples: Sequence[Example], recipe: ClassicRecipe, epoch: int, first: int) -> None:
        self.examples, self.recipe, self.epoch = examples, recipe, epoch
        rng = np.random.default_rng((recipe.training.seed, epoch))
        self.order = rng.permutation(len(examples) * recipe.augmentation.factor)[: pictures_of(recipe, examples)][
            first:
        ]

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> Marked:
        number = int(self.order[index])
        which, version = divmod(number, self.recipe.augmentation.factor)
        rng = np.random.default_rng((self.recipe.training.seed, self.epoch, 1 + number))
        marked = fitted(self.examples[which].load(), *self.recipe.size)
        changed = self.recipe.augmentation.apply(marked, version, rng)
        return Marked(np.ascontiguousarray(changed.rgb), np.ascontiguousarray(changed.alphas), changed.apart)


def pictures_of(recipe: ClassicRecipe, examples: Sequence[Example]) -> int:
    """How many pictures an epoch has: whole batches, at least one."""
    there = len(examples) * recipe.augmentation.factor
    wanted = min(recipe.training.epoch_pictures or there, there)
    return max(wanted // recipe.training.batch * recipe.training.batch, min(wanted, recipe.training.batch))


def train(
    recipe: ClassicRecipe,
    root: Path,
    out: Path,
    *,
    start: str | None = None,
    device: str = "cpu",
    workers: int = 0,
    say: Callable[[str], None] = print,
) -> Figures:
    """Trains, or goes on from `out/newest.pt`, and keeps the best weights in `out/best.pt`.

    Args:
        root: holds the folders that the recipe names, or some of them.
        start: weights to begin with, not with those that the recipe names; see `classic_weights.start_from`.
        workers: processes that read pictures.

    Returns:
        The figures of the best weights on the validation pictures.

    Raises:
        SettingError: no pictures, or a network that is not known.
        MediaError: a picture cannot be read.
        ModelError: `start` cannot be used.
        DeviceError: there is no such device.
    """
    cv2.setNumThreads(0)  # OpenCV's thread pool does not survive the fork that makes the loader's workers
    keep_freed()
    parts = gather(recipe.people, root, recipe.split)
    say(", ".join(f"{name}: {len(examples)} pictures" for name, examples in parts.items()))
    torch.manual_seed(recipe.training.seed)
    model = build(recipe.network, recipe.training.loss, recipe.size)
    if (begin := start or recipe.training.start) and not (out / NEWEST).exists():
        say(start_from(model, begin))
    out.mkdir(parents=True, exist_ok=True)
    run = Run(recipe, model, place(device), out, say)
    run.go(parts["train"], run.validation_pictures(parts["validation"]), workers)
    return Figures(torch.load(out / "best.pt", map_location="cpu", weights_only=True)["figures"])


def place(device: str) -> torch.device:
    """The device of that name.

    Raises:
        DeviceError: there is none.
    """
    try:
        found = torch.device(device)
        torch.zeros(1, device=found)
    except (RuntimeError, AssertionError) as error:
        raise DeviceError(f"{device}: {str(error).splitlines()[0]}") from error
    return found


class Run:
    """A run: the network, its optimiser, where it stands, and what it writes."""

    def __init__(
        self, recipe: ClassicRecipe, model: Any, device: torch.device, out: Path, say: Callable[[str], None]
    ) -> None:
        self.recipe, self.device, self.out, self.say = recipe, device, out, say
        self.model = model.to(device)
        if recipe.network["name"] != INSTANCES:
            self.model.to(memory_format=torch.channels_last)
        self.optimiser = optimiser_for(self.model, recipe.training)
        plateau = recipe.training.plateau
        self.plateau = plateau and torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimiser, factor=plateau.factor, patience=plateau.patience
        )
        # Picture within the epoch: batches before it are done.
        self.epoch, self.picture, self.step, self.best = 0, 0, 0, math.inf
        self.newest = out / NEWEST
        if self.newest.exists():
            self.load()
        self.running = autocast(self.device.type, recipe.training.precision, say)
        self.journal = Journal(out, self.step)
        self.saved = time.monotonic()

    def load(self) -> None:
        """Goes on where `newest.pt` stands.

        Raises:
            ModelError: it is another network's.
        """
        try:
            state = torch.load(self.newest, map_location=self.device, weights_only=True)
            self.model.load_state_dict(state["network"])
            self.optimiser.load_state_dict(state["optimiser"])
            if self.plateau:
                self.plateau.load_state_dict(state["plateau"])
            self.epoch, self.picture, self.step, self.best = (state[k] for k in ("epoch", "picture", "step", "best"))
            torch.set_rng_state(state["random"].cpu())  # what drops out
        except (RuntimeError, KeyError, ValueError) as error:
            raise ModelError(f"{self.newest}: is of another recipe: name another folder with --run") from error
        self.say(f"going on from step {self.step}, epoch {self.epoch + 1}")

    def save(self) -> None:
        state = {name: getattr(self, name) for name in ("epoch", "picture", "step", "best")}
        plateau = self.plateau.state_dict() if self.plateau else None
        random = torch.get_rng_state()
        tensors = {"network": self.model.state_dict(), "optimiser": self.optimiser.state_dict()}
        save(self.newest, {**state, **tensors, "plateau": plateau, "random": random})
        self.saved = time.monotonic()

    def validation_pictures(self, examples: Sequence[Example]) -> list[Marked]:
        """The held-back pictures, of the network's size."""
        chosen = spread(sorted(examples, key=lambda e: e.group), self.recipe.training.validation_pictures)
        return [fitted(example.load(), *self.recipe.size) for example in chosen]

    def go(self, examples: Sequence[Example], held_back: Sequence[Marked], workers: int) -> None:
        """Trains from where it stands to the last epoch."""
        training = self.recipe.training
        for epoch in range(self.epoch, training.epochs):
            data = Epoch(examples, self.recipe, epoch, self.picture)
            # A generator of its own: it would take a number from the one that says what drops out.
            own = torch.Generator()
            loader = DataLoader(data, training.batch, collate_fn=list, num_workers=workers, generator=own)
            for batch in plainly(loader):
                self.learn(batch)
                self.picture += len(batch)
                if time.monotonic() - self.saved > SAVE_SECONDS:
                    self.save()
            self.validate(held_back)
            for group in self.optimiser.param_groups:
                group["lr"] *= training.rate_decay * (0.1 if epoch + 1 in training.rate_steps else 1.0)
            self.epoch, self.picture = epoch + 1, 0
            self.save()
        self.journal.close()

    def learn(self, batch: Sequence[Marked]) -> None:
        """One step.

        Raises:
            SettingError: the loss is no number any more.
        """
        started = time.monotonic()
        self.model.train()
        training = self.recipe.training
        if self.step < training.warm_up:
            for group in self.optimiser.param_groups:
                group["lr"] = training.rate * (self.step + 1) / training.warm_up
        with self.running:
            loss: Tensor = self.model.loss(batch, self.device)
        if not torch.isfinite(loss):
            raise SettingError(f"step {self.step + 1}: the loss is {loss.item()}: take a smaller rate, warm_up or clip")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if training.clip:
            nn.utils.clip_grad_norm_(self.model.parameters(), training.clip)
        self.optimiser.step()
        self.step += 1
        if self.step % NOTE_EVERY == 0:
            figures = {"loss": float(loss.detach()), "rate": self.optimiser.param_groups[0]["lr"]}
            seconds = (time.monotonic() - started) / len(batch)
            self.journal.write("train", self.step, {**figures, "seconds_per_picture": seconds})
            self.say(f"step {self.step}, epoch {self.epoch + 1}: loss {figures['loss']:.4f}, {seconds:.2f} s a picture")

    def validate(self, held_back: Sequence[Marked]) -> None:
        """Measures the weights, and keeps them if they are the best so far."""
        self.model.eval()
        found = [self.matte(each.rgb) for each in held_back]
        pairs = [(alpha, each.alpha.astype(np.float32) / 255) for alpha, each in zip(found, held_back, strict=True)]
        figures = {name: float(np.mean([metrics.METRICS[name](p, t) for p, t in pairs])) for name in FIGURES}
        if self.recipe.training.loss:
            figures["loss"] = self.loss_of(held_back)
        self.journal.write("validation", self.step, figures)
        views = [
            view
            for each, alpha in spread(list(zip(held_back, found, strict=True)), SHOWN)
            for view in (each.rgb, grey(each.alpha.astype(np.float32) / 255), grey(alpha))
        ]
        row = 3 * SHOWN_PER_ROW
        rows = [views[i : i + row] for i in range(0, len(views), row)]
        self.journal.show("validation", self.step, contact_sheet(rows, SHOWN_HEIGHT))
        self.say(f"step {self.step}, epoch {self.epoch + 1}: {Figures(figures).line()}")
        if self.plateau:
            self.plateau.step(figures["loss"])
        score = figures[self.recipe.training.best] * (1 if self.recipe.training.best in LOWER_IS_BETTER else -1)
        if score < self.best:
            self.best = score
            kept = {"network": self.model.state_dict(), "recipe": self.recipe.text}
            save(self.out / "best.pt", {**kept, "step": self.step, "figures": figures})

    @torch.inference_mode()
    def matte(self, rgb: Image) -> metrics.Float:
        return self.model(torch.from_numpy(rgb)[None].to(self.device))[0].float().cpu().numpy()  # type: ignore[no-any-return]

    @torch.inference_mode()
    def loss_of(self, held_back: Sequence[Marked]) -> float:
        return float(np.mean([float(self.model.loss([each], self.device)) for each in held_back]))


def plainly(loader: Iterable[list[Marked]]) -> Iterator[list[Marked]]:
    """The batches; from another process an error comes with a traceback, of which the last line is the message.

    Raises:
        MediaError: a picture cannot be read.
    """
    try:
        yield from loader
    except MediaError as error:
        line = str(error).strip().splitlines()[-1]
        raise MediaError(line.removeprefix(f"{MediaError.__module__}.{MediaError.__name__}: ")) from error


def spread(every: Sequence[Any], count: int) -> list[Any]:
    """So many of a sequence, evenly spread over it: files of one kind lie side by side. All if `count` is 0."""
    if not 0 < count < len(every):
        return list(every)
    return [every[index * len(every) // count] for index in range(count)]


def optimiser_for(model: nn.Module, training: Training) -> torch.optim.Optimizer:
    """The recipe's optimiser of all weights."""
    weights = [p for p in model.parameters() if p.requires_grad]
    rate, decay, momentum = training.rate, training.weight_decay, training.momentum
    if training.optimiser == "adam":
        return torch.optim.Adam(weights, lr=rate, weight_decay=decay)
    if training.optimiser == "rmsprop":
        return torch.optim.RMSprop(weights, lr=rate, weight_decay=decay, momentum=momentum)
    return torch.optim.SGD(weights, lr=rate, weight_decay=decay, momentum=momentum)
