"""The outfit detector: what is made of the network's boxes and scores, and the network that ships on real pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cyclorama import outfit, weights
from cyclorama.engine import Engine
from cyclorama.errors import DeviceError, PictureError
from cyclorama.outfit import Fitted, closer, kind_of, merged, overlaps, people, regions, told_apart, whole
from cyclorama.types import OUTFITS, Outfit, Rgb, Settings
from made import texture

SIDE = 320
LARGEST = 20_000_000  # bytes
CLOSE = 1e-5  # of scores and shares, by rounding
PIXEL = 1.0  # of boxes, by the picture's scaled size being whole pixels
# Of the astronaut's matte's box: where a box of her may end at most, as intersection over union.
ALIKE = 0.7


def box_of(*rows: tuple[float, float, float, float]) -> NDArray[np.float32]:
    return np.array(rows, np.float32).reshape(-1, 4)


@pytest.mark.parametrize("shape", [(320, 320), (1080, 1920), (100, 37), (16, 16), (1, 500)])
def test_a_box_goes_into_the_square_and_comes_back(shape: tuple[int, int]) -> None:
    fitted = Fitted.of(shape, SIDE)
    boxes = box_of((0, 0, shape[1], shape[0]), (shape[1] / 4, shape[0] / 3, shape[1] / 2, shape[0]))
    square = fitted.into_square(boxes)
    assert square.min() >= 0
    assert square.max() <= SIDE + PIXEL
    np.testing.assert_allclose(fitted.into_picture(square), boxes, atol=CLOSE * max(shape))


def test_a_picture_lies_in_the_middle_of_the_square() -> None:
    square = np.zeros((SIDE, SIDE, 3), np.uint8)
    Fitted.of((50, 100), SIDE).put(np.full((50, 100, 3), 200, np.uint8), square)
    assert (square[80:240] == 200).all()
    assert not square[:80].any()
    assert not square[240:].any()


def test_overlap_is_of_the_union_and_of_the_other() -> None:
    union, inside = overlaps(
        box_of((0, 0, 10, 10))[0], box_of((0, 0, 10, 10), (5, 0, 15, 10), (20, 0, 30, 10), (0, 0, 5, 10))
    )
    np.testing.assert_allclose(union, [1, 1 / 3, 0, 1 / 2], atol=CLOSE)
    np.testing.assert_allclose(inside, [1, 1 / 2, 0, 1], atol=CLOSE)


def test_of_boxes_over_each_other_the_surest_stays() -> None:
    boxes = box_of((0, 0, 100, 200), (4, 2, 102, 198), (300, 0, 400, 200))
    kept, scores = merged(boxes, np.array([0.6, 0.8, 0.5], np.float32))
    np.testing.assert_array_equal(kept, boxes[[1, 2]])
    np.testing.assert_allclose(scores, [0.8, 0.5], atol=CLOSE)


def test_people_side_by_side_both_stay() -> None:
    boxes = box_of((0, 0, 100, 200), (60, 0, 160, 200))
    assert len(merged(boxes, np.array([0.9, 0.5], np.float32))[0]) == 2


def test_a_part_of_somebody_is_nobody_else() -> None:
    kept, _ = merged(box_of((0, 0, 100, 200), (30, 0, 60, 40)), np.array([0.9, 0.5], np.float32))
    np.testing.assert_array_equal(kept, box_of((0, 0, 100, 200)))


def test_what_is_too_unsure_is_nobody() -> None:
    scores = np.array([outfit.FOUND - 0.01], np.float32)
    boxes, left = merged(box_of((0, 0, 9, 9)), scores)
    assert boxes.shape == (0, 4)
    assert left.shape == (0,)
    assert len(merged(box_of((0, 0, 9, 9)), scores + 0.02)[0]) == 1


def test_a_network_that_finds_nothing_finds_nobody() -> None:
    boxes, scores = people(lambda _: (box_of(), np.zeros(0, np.float32)), SIDE, np.zeros((10, 20, 3), np.uint8))
    assert boxes.shape == (0, 4)
    assert scores.shape == (0,)


def test_boxes_come_back_in_pixels_of_the_picture() -> None:
    # 640 x 320 lies on the square at half its size, 80 pixels from the top.
    boxes, _ = people(
        lambda _: (box_of((10, 90, 30, 130)), np.ones(1, np.float32)), SIDE, np.zeros((320, 640, 3), np.uint8)
    )
    np.testing.assert_allclose(boxes, [[20, 20, 60, 100]], atol=CLOSE)


def test_boxes_are_whole_pixels_inside_the_picture() -> None:
    boxes = box_of((10.4, 10.6, 20.2, 30.1), (-5, -7, 60, 200), (100, 5, 130, 9))
    assert whole(boxes, (100, 80)) == [(10, 11, 20, 30), (0, 0, 60, 100)]  # the last lies beside the picture


def test_a_person_is_looked_at_with_a_little_around() -> None:
    picture = np.zeros((200, 200, 3), np.uint8)
    picture[50:150, 80:120] = 200
    square = closer(picture, (80, 50, 120, 150), 116)
    # 8 % of 40 x 100 pixels on each side: 46 x 116 pixels, in the middle of the square.
    assert (square[:, :35] == outfit.GREY).all()
    assert (square[:, 81:] == outfit.GREY).all()
    assert (square[8:108, 38:78] == 200).all()
    assert not square[:8, 35:81].any()


def test_at_the_picture_s_border_there_is_less_around() -> None:
    square = closer(np.full((30, 30, 3), 9, np.uint8), (0, 0, 30, 30), 60)
    assert (square == 9).all()


def test_a_kind_is_said_when_it_has_enough_of_the_shares() -> None:
    for index, kind in enumerate(OUTFITS):
        shares = np.full(4, 0.1, np.float32)
        shares[index] = 0.7
        said, confidence = kind_of(shares)
        assert said == kind
        assert confidence == pytest.approx(0.7, abs=CLOSE)


@pytest.mark.parametrize("shares", [(0.0, 0.1, 0.0, 0.9), (0.4, 0.3, 0.2, 0.1), (0.0, 0.0, 0.4, 0.6)])
def test_other_or_unclear_clothes_are_no_kind(shares: tuple[float, ...]) -> None:
    said, confidence = kind_of(np.array(shares, np.float32))
    assert said == ""
    assert confidence == pytest.approx(1 - max(shares[:3]), abs=CLOSE)


def test_regions_of_a_matte_come_largest_first_without_specks() -> None:
    alpha = np.zeros((100, 200), np.float32)
    alpha[20:40, 10:30], alpha[10:90, 120:180], alpha[0:3, 0:3], alpha[50:90, 20:60] = 0.9, 1.0, 1.0, 0.3
    np.testing.assert_array_equal(regions(alpha), box_of((120, 10, 180, 90)))  # the first is under a tenth of it
    alpha[20:60, 10:30] = 1.0
    np.testing.assert_array_equal(regions(alpha), box_of((120, 10, 180, 90), (10, 20, 30, 60)))
    assert regions(np.zeros((10, 10), np.float32)).shape == (0, 4)


def test_a_region_is_one_person_unless_the_detector_sees_several_in_it() -> None:
    both, one = (0, 0, 200, 200), (300, 0, 400, 200)
    found = box_of((0, 0, 95, 200), (100, 10, 200, 200), (300, 0, 360, 100), (500, 0, 600, 200))
    np.testing.assert_array_equal(told_apart(box_of(both, one), found), [*found[:2], one])
    np.testing.assert_array_equal(told_apart(box_of(both), box_of()), [both])
    assert told_apart(box_of(), found).shape == (0, 4)


def test_what_the_detector_cuts_off_goes_to_the_people_of_a_region() -> None:
    region = box_of((0, 0, 200, 300))
    beside = box_of((10, 5, 90, 200), (110, 20, 215, 180))
    np.testing.assert_array_equal(told_apart(region, beside), box_of((0, 5, 90, 300), (110, 20, 200, 300)))
    before = box_of((10, 0, 190, 150), (20, 140, 170, 280))  # somebody sits before somebody who stands
    np.testing.assert_array_equal(told_apart(region, before), box_of((0, 0, 200, 150), (20, 140, 170, 300)))


def test_hands_of_somebody_are_nobody_else() -> None:
    region = (0, 0, 200, 300)
    hands = box_of((0, 200, 50, 260), (150, 200, 200, 260))
    np.testing.assert_array_equal(told_apart(box_of(region), hands), [region])
    with_a_hand = box_of((40, 0, 160, 300), (150, 200, 195, 260))
    np.testing.assert_array_equal(told_apart(box_of(region), with_a_hand), [region])


@pytest.fixture(scope="module")
def detector() -> outfit.Detector:
    return outfit.create(device="cpu", threads=1)


@pytest.fixture(scope="module")
def astronaut() -> Rgb:
    data = pytest.importorskip("skimage.data", reason="scikit-image is not installed: pip install 'cyclorama[demo]'")
    return np.ascontiguousarray(data.astronaut())


@pytest.fixture(scope="module")
def matte(astronaut: Rgb) -> NDArray[np.float32]:
    """Alpha of the astronaut, without the flag beside her and the helmet that she holds: looks differ about it."""
    alpha = Engine("portrait", "cpu").matte(astronaut, Settings(decontaminate=False)).alpha
    centre, radius = (392, 450), 120
    alpha = alpha * (1 - cv2.circle(np.zeros_like(alpha), centre, radius, 1, -1))
    _, labels, stats, _ = cv2.connectedComponentsWithStats((alpha > 0.5).astype(np.uint8))
    return alpha * (labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax())


def check(found: list[Outfit], shape: tuple[int, ...]) -> None:
    for each in found:
        left, top, right, bottom = each.box
        assert 0 <= left < right <= shape[1]
        assert 0 <= top < bottom <= shape[0]
        assert 0 <= each.confidence <= 1
        assert each.kind in ("", *OUTFITS)
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (each.box for each in found)]
    assert areas == sorted(areas, reverse=True)


def test_the_astronaut_is_found_where_her_matte_is(
    detector: outfit.Detector, astronaut: Rgb, matte: NDArray[np.float32]
) -> None:
    found = detector.detect(astronaut)
    check(found, astronaut.shape)
    rows, columns = np.flatnonzero((matte > 0.5).any(1)), np.flatnonzero((matte > 0.5).any(0))
    true = box_of((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
    assert overlaps(box_of(found[0].box)[0], true)[0][0] >= ALIKE


def test_people_are_found_by_a_known_matte_as_by_the_detector_s_own(
    detector: outfit.Detector, astronaut: Rgb, matte: NDArray[np.float32]
) -> None:
    (seen, *_) = detector.detect(astronaut)
    for alpha in (matte, cv2.resize(matte, (128, 128), interpolation=cv2.INTER_AREA)):
        (box,) = detector.find(astronaut, alpha)  # type: ignore[arg-type]
        assert overlaps(box_of(box)[0], box_of(seen.box))[0][0] >= ALIKE
    assert detector.find(astronaut, np.zeros_like(matte)) == []


def test_a_person_is_read_whole_and_from_the_chest_up(
    detector: outfit.Detector, astronaut: Rgb, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(detector, outfit.TwoLooks)
    seen: list[Rgb] = []

    class Reader:
        def run(self, _: None, feeds: dict[str, Rgb]) -> list[NDArray[np.float32]]:
            seen.append(feeds["rgb"][0])
            return [np.full((1, outfit.NOBODY + 1), feeds["rgb"].mean(), np.float32)]

    monkeypatch.setattr(detector, "_reader", Reader())
    side, box = detector._close_side, (100, 10, 300, 500)
    chest = (100, 10, 300, 240)
    expected = [float(closer(astronaut, part, side).mean()) for part in (box, chest)]
    np.testing.assert_allclose(detector.read(astronaut, box), np.mean(expected), rtol=1e-5)
    assert sorted(float(square.mean()) for square in seen) == sorted(expected)
    seen.clear()
    detector.read(astronaut, chest)
    assert len(seen) == 1, "nothing else is seen of somebody near"


@pytest.mark.parametrize("size", [(240, 320), (101, 77), (16, 16), (900, 200)])
def test_nobody_is_in_empty_pictures_and_noise(detector: outfit.Detector, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    for picture in (np.zeros_like(noise), np.full_like(noise, 255), noise, texture(*size, (120, 130, 90), 1)):
        assert detector.detect(picture) == []


def test_grey_and_odd_sizes_are_pictures_like_others(detector: outfit.Detector, astronaut: Rgb) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    for picture in (grey, cv2.resize(astronaut, (333, 337)), astronaut[:301, 3:], cv2.resize(astronaut, (2048, 2048))):
        found = detector.detect(np.ascontiguousarray(picture))  # type: ignore[arg-type]
        check(found, picture.shape)
        assert found


def test_the_smallest_picture_is_taken(detector: outfit.Detector, astronaut: Rgb) -> None:
    small = cv2.resize(astronaut, (16, 16), interpolation=cv2.INTER_AREA)
    check(detector.detect(small), small.shape)  # type: ignore[arg-type]


def test_twelve_people_apart_in_one_picture_are_found_one_by_one(
    detector: outfit.Detector, astronaut: Rgb, matte: NDArray[np.float32]
) -> None:
    side, size = 300, 240
    picture = np.full((3 * side, 4 * side, 3), (90, 110, 130), np.uint8)
    small, alpha = cv2.resize(astronaut, (size, size)), cv2.resize(matte, (size, size))[..., None]
    for row, column in np.ndindex(3, 4):
        part = picture[row * side : row * side + size, column * side : column * side + size]
        part[:] = np.rint(small * alpha + part * (1 - alpha))
    found = detector.detect(picture)
    check(found, picture.shape)
    places = {((b[1] + b[3]) // (2 * side), (b[0] + b[2]) // (2 * side)) for b in (each.box for each in found)}
    assert len(places) == 12


@pytest.mark.parametrize(
    "wrong", [np.zeros((20, 20), np.uint8), np.zeros((20, 20, 4), np.uint8), np.zeros((20, 20, 3))]
)
def test_other_arrays_are_refused_in_one_line(detector: outfit.Detector, wrong: NDArray[np.generic]) -> None:
    with pytest.raises(PictureError, match=r"expected an array uint8 of shape \(height, width, 3\)"):
        detector.detect(wrong)  # type: ignore[arg-type]


def test_a_device_that_is_no_device_is_refused() -> None:
    with pytest.raises(DeviceError, match="expected a device"):
        outfit.create(device="abacus")


def test_two_looks_at_one_picture_say_the_same(detector: outfit.Detector, astronaut: Rgb) -> None:
    assert detector.detect(astronaut) == detector.detect(astronaut.copy())


def test_the_two_networks_are_small() -> None:
    sizes = [Path(weights.path(name)).stat().st_size for name in ("outfit", "outfit-clothes")]
    assert sum(sizes) <= LARGEST
