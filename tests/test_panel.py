"""Several looks at a picture, of which the median decides."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread, current_thread, main_thread

import numpy as np
import pytest

from cyclorama.errors import ModelError
from cyclorama.matting import FOR_LIVE, FOR_STILLS, FOR_VIDEO, State
from cyclorama.matting.panel import BothWays, Panel
from cyclorama.types import Alpha, Original, Rgb
from test_image_command import command

ROUNDING = 1e-6


@dataclass
class Look:
    """A matter whose alpha is the red of the picture, or what it was told; it counts the frames in its state."""

    side: int
    told: float | None = None
    name: str = "look"
    device: str = "CPU"
    note: str = ""
    sizes: list[tuple[int, int]] = field(default_factory=list)

    def size(self, height: int, width: int) -> tuple[int, int]:
        return self.side, self.side

    def looks(self, height: int, width: int) -> list[tuple[int, int]]:
        return [self.size(height, width)]

    def start(self, height: int, width: int) -> State:
        return 0

    def step(self, rgb: Rgb, state: State, original: Original | None = None) -> tuple[Alpha, State]:
        assert isinstance(state, int)
        self.sizes.append(rgb.shape[:2])
        red = rgb[..., 0].astype(np.float32) / 255
        return red if self.told is None else np.full_like(red, self.told), state + 1


def lit(side: int) -> Rgb:
    """A picture that is red on its left half."""
    rgb = np.zeros((side, side, 3), np.uint8)
    rgb[:, : side // 2, 0] = 255
    return rgb


def test_one_look_that_differs_is_outvoted() -> None:
    panel = Panel("panel", [Look(16, 0.0), Look(24, 0.9), Look(32, 0.0)], BothWays(1))
    alpha, _ = panel.step(lit(32), panel.start(32, 32))
    assert alpha.max() == 0
    assert alpha.dtype == np.float32


@pytest.mark.parametrize("threads", [1, 2])
def test_mirrored_looks_are_turned_back(threads: int) -> None:
    panel = Panel("panel", [Look(32), Look(32)], BothWays(threads))
    alpha, _ = panel.step(lit(32), panel.start(32, 32))
    assert np.abs(alpha - lit(32)[..., 0] / 255).max() < ROUNDING


def test_each_look_has_its_size_and_its_own_memory() -> None:
    looks = [Look(16), Look(32)]
    panel = Panel("panel", looks, BothWays(1))
    assert panel.size(90, 160) == (32, 32)
    assert panel.looks(90, 160) == [(16, 16), (16, 16), (32, 32), (32, 32)]
    state = panel.start(32, 32)
    for _ in range(3):
        _, state = panel.step(lit(32), state)
    assert state == [3, 3, 3, 3]
    assert [set(look.sizes) for look in looks] == [{(16, 16)}, {(32, 32)}]


def test_small_people_are_looked_at_again_from_nearer() -> None:
    rgb = np.zeros((64, 64, 3), np.uint8)
    rgb[20:30, 40:46, 0] = 255
    looks = [Look(16), Look(48), Look(64)]
    alpha, _ = Panel("panel", looks, BothWays(1)).step(rgb, [0] * 6)
    assert looks[0].sizes == [(16, 16)] * 4, "twice the whole, twice the part"
    assert looks[1].sizes == [(48, 48)] * 4
    assert looks[2].sizes == [(64, 64)] * 2
    # From afar a pixel of the small look is 4 x 4 of the picture's; the part of 14 x 10 is seen nearly as it is.
    assert np.abs(alpha - rgb[..., 0] / 255).mean() < 0.02
    assert not alpha[:, :30].any()


@pytest.mark.parametrize("red", [0, 255])
def test_a_full_and_an_empty_frame_are_looked_at_once(red: int) -> None:
    looks = [Look(16), Look(64)]
    Panel("panel", looks, BothWays(1)).step(np.full((64, 64, 3), red, np.uint8), [0, 0, 0, 0])
    assert [len(look.sizes) for look in looks] == [2, 2]


def test_threads_are_shared_and_one_thread_runs_both_looks_in_turn() -> None:
    assert [BothWays(threads).each for threads in (1, 2, 3, 4)] == [1, 1, 2, 2]

    class Where(Look):
        def step(self, rgb: Rgb, state: State, original: Original | None = None) -> tuple[Alpha, State]:
            seen.append(current_thread())
            return super().step(rgb, state, original)

    for threads, count in ((1, 1), (2, 2)):
        seen: list[Thread] = []
        Panel("panel", [Where(32)], BothWays(threads)).step(lit(32), [0, 0])
        assert (len(seen), len(set(seen))) == (2, count)


def test_what_goes_wrong_in_the_mirrored_look_is_said() -> None:
    class Broken(Look):
        def step(self, rgb: Rgb, state: State, original: Original | None = None) -> tuple[Alpha, State]:
            if current_thread() is not main_thread():
                raise ModelError("broken")
            return super().step(rgb, state, original)

    with pytest.raises(ModelError, match="broken"):
        Panel("panel", [Broken(32)], BothWays(2)).step(lit(32), [0, 0])


@pytest.mark.parametrize(
    ("name", "model"),
    [("image", FOR_STILLS), ("video", FOR_VIDEO), ("preview", FOR_VIDEO), ("live", FOR_LIVE)],
)
def test_stills_video_and_live_streams_have_each_their_model(name: str, model: str, tmp_path: Path) -> None:
    shown = command(name, "--help", cwd=tmp_path).stdout
    words = re.sub(r"[\s│|]+", " ", shown)
    assert f"[default: {model}]" in words
