"""Stills of 16 bits: what is read from a file, and what is in the file that comes out."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from cyclorama import Colour, Engine, MediaError
from cyclorama_ffmpeg import still
from made_still import add_orientation, replaced, save_16
from pictures import INSIDE, green_screen, icc_profile, loaded, png, turned

LOSSY = 12  # of 255, mean difference; what JPEG may change in a small textured block
ROUNDING = 2  # of 255; two conversions between profiles
ONE_LEVEL = 1  # of 255
SAMPLES_16 = 65535


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("green-screen")


@pytest.mark.parametrize("suffix_in", [".png", ".tif"])
@pytest.mark.parametrize("suffix_out", [".png", ".tif"])
def test_values_and_profile_are_kept_where_the_subject_is(
    engine: Engine, tmp_path: Path, suffix_in: str, suffix_out: str
) -> None:
    save_16(tmp_path / f"in{suffix_in}", icc=icc_profile())
    replaced(engine, tmp_path / f"in{suffix_in}", tmp_path / f"out{suffix_out}", Colour(80, 90, 200))
    stored = cv2.imread(str(tmp_path / f"out{suffix_out}"), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    assert stored.dtype == np.uint16
    np.testing.assert_array_equal(stored[..., ::-1][INSIDE], green_screen(16)[INSIDE])
    with Image.open(tmp_path / f"out{suffix_out}") as out:
        assert out.info["icc_profile"] == icc_profile()


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_transparency_has_16_bits_too(engine: Engine, tmp_path: Path, suffix: str) -> None:
    save_16(tmp_path / f"in{suffix}")
    out = replaced(engine, tmp_path / f"in{suffix}", tmp_path / f"out{suffix}")
    assert out.pixels.dtype == np.uint16
    assert out.alpha is not None
    assert (out.alpha[INSIDE] == 1).all()
    assert not out.pixels[out.alpha == 0].any()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("deflate", {"compression": "zlib"}),
        ("planes", {"planarconfig": "separate"}),
        ("tiles", {"tile": (16, 16)}),
        ("big-endian", {"byteorder": ">"}),
    ],
)
def test_tiffs_of_every_layout_give_the_same_samples(tmp_path: Path, name: str, options: dict[str, object]) -> None:
    samples = green_screen(16)
    laid = np.moveaxis(samples, 2, 0) if name == "planes" else samples
    tifffile.imwrite(tmp_path / "in.tif", laid, photometric="rgb", **options)  # type: ignore[arg-type]
    np.testing.assert_array_equal(still.read(tmp_path / "in.tif").pixels, samples)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_lzw_tiff_gives_the_same_samples_upright(tmp_path: Path, orientation: int) -> None:
    bgr = np.ascontiguousarray(green_screen(16)[..., ::-1])
    lzw = 5  # TIFF 6.0, section 13
    cv2.imwrite(str(tmp_path / "in.tif"), bgr, [cv2.IMWRITE_TIFF_COMPRESSION, lzw])
    add_orientation(tmp_path / "in.tif", orientation)
    np.testing.assert_array_equal(still.read(tmp_path / "in.tif").pixels, turned(green_screen(16), orientation))


def test_grey_with_alpha_keeps_both(tmp_path: Path) -> None:
    samples = np.ascontiguousarray(green_screen(16)[..., 1:])
    (tmp_path / "in.png").write_bytes(png(samples, depth=16, colour=4))
    picture = still.read(tmp_path / "in.png")
    np.testing.assert_array_equal(picture.pixels[..., 2], samples[..., 0])
    assert picture.alpha is not None
    np.testing.assert_array_equal(np.rint(picture.alpha * SAMPLES_16), samples[..., 1])


@pytest.mark.parametrize("kind", ["png", "little-endian tiff", "big-endian tiff"])
def test_grey_keeps_its_16_bits_and_the_network_sees_all_of_their_range(tmp_path: Path, kind: str) -> None:
    grey = np.ascontiguousarray(green_screen(16)[..., 0])
    if kind == "png":
        (tmp_path / "in").write_bytes(png(grey, depth=16, colour=0))
    else:
        tifffile.imwrite(tmp_path / "in", grey, byteorder="<" if kind.startswith("little") else ">")
    picture = still.read(tmp_path / "in")
    np.testing.assert_array_equal(picture.pixels, np.dstack([grey] * 3))
    assert np.abs(picture.srgb[..., 0].astype(int) - (grey >> 8)).max() <= ONE_LEVEL


def test_inverted_grey_tiff_is_refused_by_name(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.tif", green_screen(16)[..., 0], photometric="miniswhite")
    with pytest.raises(MediaError, match="MINISWHITE"):
        still.read(tmp_path / "in.tif")


def test_premultiplied_alpha_is_undone(tmp_path: Path) -> None:
    rgba = np.full((32, 32, 4), (10000, 20000, 30000, 32768), np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", rgba, photometric="rgb", extrasamples=["assocalpha"])
    pixels = still.read(tmp_path / "in.tif").pixels
    assert np.abs(pixels.astype(int) - (20000, 40000, 60000)).max() <= ROUNDING


def test_formats_without_16_bits_get_the_upper_8(engine: Engine, tmp_path: Path) -> None:
    save_16(tmp_path / "in.tif")
    replaced(engine, tmp_path / "in.tif", tmp_path / "out.jpg", Colour(0, 0, 0))
    difference = loaded(tmp_path / "out.jpg")[INSIDE].astype(int) - (green_screen(16)[INSIDE] >> 8)
    assert np.abs(difference).mean() < LOSSY
