"""The figures by which mattes are compared, each on a case worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama_training import metrics

NOBODY = np.zeros((8, 8), np.float32)
# Cut at 0.5 one pixel is rightly found, one falsely, one missed, one rightly left.
TRUE = np.array([[1, 1, 0, 0]], np.float32)
FOUND = np.array([[1, 0.25, 0.75, 0]], np.float32)
CUT = {"accuracy": 2 / 4, "precision": 1 / 2, "recall": 1 / 2, "f1": 2 / (2 + 1 + 1), "iou": 1 / 3}
# 2 (1 + 0.25) / ((1 + 1/16 + 9/16) + 2), (0.75 + 0.75) / 4, (9/16 + 9/16) / 4
ALPHA = {"dice": 2.5 / 3.625, "mad": 0.375, "mse": 0.28125}


@pytest.mark.parametrize(("name", "expected"), {**CUT, **ALPHA}.items())
def test_a_figure_of_four_pixels_is_what_was_worked_out_by_hand(name: str, expected: float) -> None:
    assert metrics.METRICS[name](FOUND, TRUE) == pytest.approx(expected)


def test_precision_and_recall_tell_false_from_missed() -> None:
    too_much = np.ones((1, 4), np.float32)
    assert (metrics.precision(too_much, TRUE), metrics.recall(too_much, TRUE)) == (0.5, 1)
    assert (metrics.precision(TRUE, too_much), metrics.recall(TRUE, too_much)) == (1, 0.5)


@pytest.mark.parametrize("matte", [NOBODY, 1 - NOBODY, np.eye(8, dtype=np.float32)])
def test_the_truth_itself_is_perfect_by_every_figure(matte: NDArray[np.float32]) -> None:
    perfect = {"mad": 0.0, "mse": 0.0, "grad": 0.0, "conn": 0.0}
    for name, value in metrics.figures(matte, matte).items():
        assert value == pytest.approx(perfect.get(name, 1.0)), name


def test_the_gradient_error_of_one_bright_pixel_is_that_of_two_filters_of_unit_length() -> None:
    # A single 1 answers a filter with the filter itself; the squares of each of the two sum to 1.
    spot = np.zeros((31, 31), np.float32)
    spot[15, 15] = 1
    assert metrics.grad(spot, np.zeros_like(spot)) == pytest.approx(2 / 1000, rel=1e-5)
    assert metrics.grad(np.full_like(spot, 0.7), np.zeros_like(spot)) == pytest.approx(0, abs=1e-9)


def test_the_gradient_filter_ends_four_pixels_away() -> None:
    # sigma sqrt(-2 ln(sqrt(2 pi) sigma 0.01)) = 3.62 for sigma 1.4
    assert metrics.GAUSS.shape == metrics.SLOPE.shape == (9,)
    assert metrics.GAUSS[4] / metrics.GAUSS[5] == pytest.approx(math.exp(1 / (2 * 1.4**2)))


def test_what_floats_apart_costs_its_alpha_and_what_is_faint_nothing() -> None:
    true = np.array([[1, 1, 1, 0, 0, 0]], np.float32)
    apart = np.array([[1, 1, 1, 0, 0.6, 0]], np.float32)
    faint = np.array([[1, 1, 1, 0, 0.1, 0]], np.float32)  # below 0.15
    assert metrics.conn(apart, true) == pytest.approx(0.6 / 1000)
    assert metrics.conn(faint, true) == 0


def test_a_half_transparent_bridge_costs_what_hangs_on_it() -> None:
    # Up to 0.5 all three hang together; above it the first alone is the largest region. In the truth the other two
    # then stand 0.5 above that level, in what was found the last one alone.
    true, bridge = np.ones((1, 3), np.float32), np.array([[1, 0.5, 1]], np.float32)
    assert metrics.conn(bridge, true) == pytest.approx(0.5 / 1000)


def square(left: int) -> NDArray[np.float32]:
    """20 x 20 pixels in a picture whose diagonal is 100: outlines may differ by one pixel."""
    matte = np.zeros((60, 80), np.float32)
    matte[20:40, left : left + 20] = 1
    return matte


@pytest.mark.parametrize(("shift", "expected"), [(0, 1.0), (1, 1.0), (3, 40 / 80)])
def test_outlines_may_differ_by_a_hundred_and_twenty_fifth_of_the_diagonal(shift: int, expected: float) -> None:
    # The outline is a ring of 80 pixels. Of one that is three pixels aside, 19 of the upper and of the lower side are
    # near the other, and of the inner side the two at the corners.
    assert metrics.boundary(square(20 + shift), square(20)) == pytest.approx(expected)


def test_an_outline_where_there_is_none_is_worth_nothing() -> None:
    nobody = np.zeros((60, 80), np.float32)
    assert metrics.boundary(square(20), nobody) == metrics.boundary(nobody, square(20)) == 0


def test_flicker_is_what_changes_in_the_matte_and_not_in_the_truth() -> None:
    still = np.zeros((1, 2), np.float32)
    flickering = [still, np.array([[0.3, 0.4]], np.float32), np.array([[0.3, 0.4]], np.float32)]
    once = math.sqrt((0.3**2 + 0.4**2) / 2)
    assert metrics.dtssd(flickering, [still] * 3) == pytest.approx((once + 0) / 2)
    assert metrics.dtssd(flickering, flickering) == 0
    # A matte that is wrong by the same everywhere and always is steady.
    assert metrics.dtssd([m + 0.2 for m in flickering], flickering) == pytest.approx(0, abs=1e-7)
