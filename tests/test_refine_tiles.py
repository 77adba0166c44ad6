"""The `refine` network's tiles: which are looked at, and that nobody sees where they meet."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama import trimap
from cyclorama.matting.onnx import LoadedModel
from cyclorama_training.refine_tiles import CONTEXT, FADE, STRIDE, Refiner, distances, tiles
from made import texture

HALF = 0.37  # what the session below says of grey


@dataclass
class Blurred:
    """A session whose alpha is the picture's brightness around each pixel; it counts how often it is asked."""

    reach: int = 0
    sizes: list[tuple[int, ...]] = field(default_factory=list)

    def run(self, names: list[str], feeds: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        assert names == ["alpha"]
        assert feeds["rgb"].shape[:3] == feeds["distances"].shape[:3] == feeds["before"].shape
        self.sizes.append(feeds["rgb"].shape[1:3])
        window = (2 * self.reach + 1, 2 * self.reach + 1)
        return [cv2.blur(feeds["rgb"][0].mean(2), window)[None]]


def refiner(tile_px: int, reach: int = 0) -> tuple[Refiner, Blurred]:
    session = Blurred(reach)
    return Refiner(LoadedModel(session, "cpu", ""), tile_px), session  # type: ignore[arg-type]


def grey(height: int, width: int) -> NDArray[np.uint16]:
    return np.full((height, width, 3), round(HALF * 65535), np.uint16)


def test_distances_are_told_of_what_is_there_and_are_far_where_there_is_none() -> None:
    known = np.full((40, 60), 0.5, np.float32)
    known[:, :10] = 0
    near = distances(known)
    assert near.shape == (40, 60, 2)
    assert near[20, 5, 0] == 0
    assert near[20, 19, 0] == pytest.approx(10, rel=0.03)
    assert (near[..., 1] == trimap.FAR).all()


@pytest.mark.parametrize("shape", [(16, 16), (40, 700), (256, 257), (530, 1000)])
def test_neighbouring_tiles_share_each_pixel_and_together_make_one(shape: tuple[int, int]) -> None:
    total = np.zeros(shape, np.float32)
    for tile in tiles(np.ones(shape, bool), 128):
        total[tile.place] += tile.share()
    assert np.abs(total - 1).max() < 1e-6


def test_only_tiles_with_something_unknown_are_looked_at_and_what_is_sure_stays() -> None:
    known = np.zeros((600, 900), np.float32)
    known[80:90, 100:110] = 1
    known[90:105, 100:110] = 0.5
    network, session = refiner(128)
    alpha = network.solve(known, grey(600, 900))
    assert len(session.sizes) == 1
    assert all(side % STRIDE == 0 for side in session.sizes[0])
    assert np.allclose(alpha[90:105, 100:110], HALF, atol=1e-4)
    assert (alpha[80:90, 100:110] == 1).all()
    assert alpha.sum() == pytest.approx(100 + 150 * HALF, rel=1e-4)


def test_a_pixel_where_four_tiles_meet_is_no_different_from_others() -> None:
    network, session = refiner(128)
    alpha = network.solve(np.full((256, 256), 0.5, np.float32), grey(256, 256))
    assert len(session.sizes) == 4
    assert FADE > 0
    assert np.abs(alpha - HALF).max() < 1e-4


def test_tiles_have_no_seam() -> None:
    rgb = texture(300, 420, (120, 140, 90), 3)
    known = np.full((300, 420), 0.5, np.float32)
    whole, parts = (refiner(tile_px, CONTEXT - 2 * FADE)[0].solve(known, rgb) for tile_px in (512, 128))
    inner = (slice(CONTEXT, -CONTEXT), slice(CONTEXT, -CONTEXT))  # at the border the padding's size differs
    assert np.abs(whole - parts)[inner].max() < 1e-5
    assert whole.std() > 1e-3
