"""One contract for every matter in the registry, and for networks of one's own in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cyclorama import Engine, matting
from cyclorama.errors import DeviceError, ModelError
from cyclorama.matting import MATTERS, onnx
from cyclorama.types import Rgb

SHAPES = [(720, 1280), (1080, 1920), (1280, 720), (480, 640), (512, 512), (16, 16), (64, 2000)]


SURE = 1e-3  # of alpha, away from an edge
# Files that are made: a network that takes bytes, one of floats with a fixed size, and one with a memory.
FILES = ("red_bytes", "red_floats", "counting")


@pytest.fixture(scope="module", params=[*sorted(MATTERS), *FILES])
def matter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> matting.Matter:
    if request.param not in FILES:
        return matting.create(request.param, device="cpu")
    pytest.importorskip("onnx", reason="the extra `train`, which makes such files, is not installed")
    import made_networks

    path = tmp_path_factory.mktemp("files") / "own.onnx"
    sizes = (48, 64) if request.param == "red_floats" else ()
    getattr(made_networks, request.param)(path, *sizes)
    return matting.create(str(path), device="cpu")


def noise(height: int, width: int) -> Rgb:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
def test_alpha_has_the_working_size_and_range(matter: matting.Matter, shape: tuple[int, int]) -> None:
    height, width = matter.size(*shape)
    alpha, _ = matter.step(noise(height, width), matter.start(height, width))
    assert alpha.shape == (height, width)
    assert alpha.dtype == np.float32
    assert 0 <= float(alpha.min()) <= float(alpha.max()) <= 1


def test_a_step_leaves_the_picture_as_it_was(matter: matting.Matter) -> None:
    rgb = noise(*matter.size(90, 160))
    before = rgb.copy()
    matter.step(rgb, matter.start(*rgb.shape[:2]))
    assert (rgb == before).all()


def test_the_same_stream_gives_the_same_mattes(matter: matting.Matter) -> None:
    rgb = noise(*matter.size(90, 160))
    runs = []
    for _ in range(2):
        state, alphas = matter.start(*rgb.shape[:2]), []
        for frame in (rgb, rgb[:, ::-1], rgb):
            alpha, state = matter.step(np.ascontiguousarray(frame), state)
            alphas.append(alpha)
        runs.append(np.array(alphas))
    assert (runs[0] == runs[1]).all()


def test_pictures_that_are_views_are_taken(matter: matting.Matter) -> None:
    rgb = noise(*matter.size(90, 160))[:, ::-1]
    alpha, _ = matter.step(rgb, matter.start(*rgb.shape[:2]))
    again, _ = matter.step(np.ascontiguousarray(rgb), matter.start(*rgb.shape[:2]))
    assert (alpha == again).all()


def test_a_matter_says_where_it_runs(matter: matting.Matter) -> None:
    assert matter.device.lower() == "cpu"
    assert matter.name in {*MATTERS, "own.onnx"}


def test_a_file_of_ones_own_cuts_out_as_any_other_model(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="the extra `train`, which makes such files, is not installed")
    import made_networks

    path = made_networks.red_floats(tmp_path / "red.onnx", 48, 64)
    rgb = np.zeros((120, 200, 3), np.uint8)
    rgb[:, 100:] = (255, 90, 40)
    alpha = Engine(str(path), "cpu").matte(rgb).alpha
    assert alpha.shape == (120, 200)
    assert alpha[:, :90].max() < SURE
    assert alpha[:, 110:].min() > 1 - SURE
    with pytest.raises(ModelError, match=r"missing\.onnx: no such file"):
        Engine(str(tmp_path / "missing.onnx"))


def test_an_unknown_model_is_named_with_those_that_exist() -> None:
    with pytest.raises(
        ModelError, match=r"expected a model out of green-screen, .*, portrait-fast, or an \.onnx file; got 'nobody'"
    ):
        Engine("nobody")


@pytest.mark.parametrize("model", sorted(MATTERS))
def test_an_unknown_device_is_refused(model: str) -> None:
    with pytest.raises(DeviceError, match="expected"):
        Engine(model, "abacus")


def test_a_device_that_was_named_is_never_replaced_silently() -> None:
    import onnxruntime

    missing = [
        d for d, (provider, _) in onnx.PROVIDERS.items() if provider not in onnxruntime.get_available_providers()
    ]
    for device in missing:
        with pytest.raises(DeviceError, match=r"not installed: install .*, or take --device cpu"):
            Engine("portrait", device)


def test_a_file_that_is_no_model_is_said(tmp_path: pytest.TempPathFactory) -> None:
    path = tmp_path / "broken.onnx"  # type: ignore[operator]
    path.write_bytes(b"not a model")
    with pytest.raises(ModelError, match="cannot load this model"):
        onnx.load(path, device="cpu", threads=1)


def test_the_network_finds_a_person_and_leaves_an_empty_picture_empty() -> None:
    data = pytest.importorskip("skimage.data", reason="scikit-image, which ships the photograph, is not installed")
    alpha = Engine("portrait", "cpu").matte(data.astronaut()).alpha
    assert alpha[80:150, 200:250].min() > 0.95, "the face"
    assert alpha[300:480, 100:200].mean() > 0.95, "the suit"
    assert alpha[20:120, 300:380].mean() < 0.05, "the wall"
    empty = np.full((360, 640, 3), 128, np.uint8)
    assert Engine("portrait", "cpu").matte(empty).alpha.mean() < 0.01
