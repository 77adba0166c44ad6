"""Still pictures: what is read from a file, and what is in the file that comes out."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms

from cyclorama import Blur, Colour, Engine, MediaError, OutputError, PictureError
from cyclorama_ffmpeg import still
from made_still import replaced, save_8, save_16
from pictures import (
    INSIDE,
    ORIENTATION,
    OUTSIDE,
    exif,
    green_screen,
    icc_profile,
    loaded,
    scanner_profile,
    turned,
)

LOSSY = 12  # of 255, mean difference; what JPEG, WebP and AVIF may change in a small textured block
ROUNDING = 2  # of 255; two conversions between profiles
ONE_LEVEL = 1  # of 255
SAMPLES_16 = 65535
MAKE, SOFTWARE, EXIF, USER_COMMENT, MAKER_NOTE = 0x010F, 0x0131, 0x8769, 0x9286, 0x927C
STRIP_OFFSETS = 0x0111


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("green-screen")


class TestOrientation:
    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
    def test_a_turned_picture_is_read_upright(self, tmp_path: Path, suffix: str, orientation: int) -> None:
        save_8(tmp_path / f"in{suffix}", orientation)
        np.testing.assert_array_equal(still.read(tmp_path / f"in{suffix}").pixels, turned(green_screen(), orientation))

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("suffix", [".jpg", ".avif"])
    def test_a_turned_picture_of_a_lossy_format_is_read_upright(
        self, tmp_path: Path, suffix: str, orientation: int
    ) -> None:
        save_8(tmp_path / f"in{suffix}", orientation)
        pixels, expected = still.read(tmp_path / f"in{suffix}").pixels, turned(green_screen(), orientation)
        assert pixels.shape == expected.shape
        assert np.abs(pixels.astype(int) - expected).mean() < LOSSY

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("suffix", [".png", ".tif"])
    def test_a_turned_16_bit_picture_is_read_upright_with_all_its_bits(
        self, tmp_path: Path, suffix: str, orientation: int
    ) -> None:
        save_16(tmp_path / f"in{suffix}", orientation)
        picture = still.read(tmp_path / f"in{suffix}")
        np.testing.assert_array_equal(picture.pixels, turned(green_screen(16), orientation))
        assert picture.srgb.shape == picture.pixels.shape

    def test_alpha_is_turned_with_the_picture(self, tmp_path: Path) -> None:
        alpha = np.arange(48 * 64, dtype=np.uint32).reshape(48, 64, 1) // 13
        rgba = np.dstack([green_screen(), alpha.astype(np.uint8)])
        Image.fromarray(rgba).save(tmp_path / "in.png", exif=exif(6))
        found = still.read(tmp_path / "in.png").alpha
        assert found is not None
        np.testing.assert_array_equal(np.rint(found * 255), turned(rgba, 6)[..., 3])

    @pytest.mark.parametrize("suffix", still.WRITABLE)
    def test_the_result_is_upright_without_a_tag_and_not_turned_twice(
        self, engine: Engine, tmp_path: Path, suffix: str
    ) -> None:
        save_8(tmp_path / "in.png", 6)
        replaced(engine, tmp_path / "in.png", tmp_path / f"out{suffix}", Colour(0, 0, 255))
        with Image.open(tmp_path / f"out{suffix}") as out:
            assert out.getexif().get(ORIENTATION, 1) == 1
            rows, columns = INSIDE
            subject = np.array(out.convert("RGB"))[columns, 48 - rows.stop : 48 - rows.start]
        expected = turned(green_screen(), 6)[columns, 48 - rows.stop : 48 - rows.start]
        assert np.abs(subject.astype(int) - expected).mean() < LOSSY


class TestExif:
    @pytest.mark.parametrize("suffix", still.WRITABLE)
    def test_what_describes_the_picture_is_kept(self, engine: Engine, tmp_path: Path, suffix: str) -> None:
        made = exif(1)
        made[MAKE] = "A maker"
        made.get_ifd(EXIF)[USER_COMMENT] = b"ASCII\0\0\0a comment"
        Image.fromarray(green_screen()).save(tmp_path / "in.jpg", exif=made)
        replaced(engine, tmp_path / "in.jpg", tmp_path / f"out{suffix}", Colour(9, 9, 9))
        with Image.open(tmp_path / f"out{suffix}") as out:
            found = out.getexif()
            assert found[MAKE] == "A maker"
            assert found.get_ifd(EXIF)[USER_COMMENT] == b"ASCII\0\0\0a comment"

    def test_previews_of_the_room_do_not_travel(self, engine: Engine, tmp_path: Path) -> None:
        preview = io.BytesIO()
        Image.fromarray(green_screen()).save(preview, "JPEG")
        made = exif(1)
        made[MAKE] = "A maker"
        made.get_ifd(EXIF)[MAKER_NOTE] = preview.getvalue()
        Image.fromarray(green_screen()).save(tmp_path / "in.jpg", exif=made)
        scan = preview.getvalue()[-200:]
        assert scan in (tmp_path / "in.jpg").read_bytes()
        replaced(engine, tmp_path / "in.jpg", tmp_path / "out.png")
        assert scan not in (tmp_path / "out.png").read_bytes()
        with Image.open(tmp_path / "out.png") as out:
            assert MAKER_NOTE not in out.getexif().get_ifd(EXIF)
            assert out.getexif()[MAKE] == "A maker"

    def test_the_thumbnail_of_the_room_does_not_travel(self, engine: Engine, tmp_path: Path) -> None:
        thumbnail = io.BytesIO()
        Image.fromarray(green_screen()).save(thumbnail, "JPEG")
        data = thumbnail.getvalue()
        second = 8 + 2 + 12 + 4  # where the second directory starts: header, one entry, pointer
        tiff = b"II*\0" + struct.pack("<IHHHIII", 8, 1, ORIENTATION, 3, 1, 1, second)
        entries = [(0x0103, 3, 6), (0x0201, 4, second + 2 + 3 * 12 + 4), (0x0202, 4, len(data))]
        tiff += struct.pack("<H", 3) + b"".join(struct.pack("<HHII", t, k, 1, v) for t, k, v in entries)
        Image.fromarray(green_screen()).save(tmp_path / "in.jpg", exif=b"Exif\0\0" + tiff + bytes(4) + data)
        assert data[-200:] in (tmp_path / "in.jpg").read_bytes()
        replaced(engine, tmp_path / "in.jpg", tmp_path / "out.jpg", Colour(9, 9, 9))
        assert data[-200:] not in (tmp_path / "out.jpg").read_bytes()

    def test_tags_on_how_a_tiff_is_laid_out_stay_behind(self, engine: Engine, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "in.tif", green_screen(), photometric="rgb", metadata=None, software="a scanner")
        replaced(engine, tmp_path / "in.tif", tmp_path / "out.jpg", Colour(9, 9, 9))
        with Image.open(tmp_path / "out.jpg") as out:
            assert STRIP_OFFSETS not in out.getexif()
            assert out.getexif()[SOFTWARE] == "a scanner"

    def test_damaged_exif_costs_the_exif_and_not_the_picture(self, tmp_path: Path) -> None:
        damaged = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x99\x99\xff\xff\xff\xff\xff\xff\xff\xff" * 4
        Image.fromarray(green_screen()).save(tmp_path / "in.jpg", exif=damaged)
        assert still.read(tmp_path / "in.jpg").pixels.shape == green_screen().shape


class TestProfiles:
    @pytest.mark.parametrize("suffix", [".png", ".tif"])
    def test_a_wide_gamut_is_kept_and_not_clipped(self, engine: Engine, tmp_path: Path, suffix: str) -> None:
        wide = icc_profile()
        Image.fromarray(green_screen()).save(tmp_path / "in.png", icc_profile=wide)
        out = replaced(engine, tmp_path / "in.png", tmp_path / f"out{suffix}", Colour(80, 90, 200))
        assert out.icc == wide
        np.testing.assert_array_equal(out.pixels[INSIDE], green_screen()[INSIDE])

    @pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
    def test_lossy_formats_keep_the_profile(self, engine: Engine, tmp_path: Path, suffix: str) -> None:
        Image.fromarray(green_screen()).save(tmp_path / f"in{suffix}", icc_profile=icc_profile())
        out = replaced(engine, tmp_path / f"in{suffix}", tmp_path / f"out{suffix}", Colour(80, 90, 200))
        assert out.icc == icc_profile()

    def test_the_network_sees_srgb(self, tmp_path: Path) -> None:
        grey = np.full((32, 32, 3), 100, np.uint8)
        Image.fromarray(grey).save(tmp_path / "in.png", icc_profile=icc_profile(gamma=1.0))
        picture = still.read(tmp_path / "in.png")
        expected = 255 * (1.055 * (100 / 255) ** (1 / 2.4) - 0.055)  # sRGB's curve for that amount of light
        assert np.abs(picture.srgb - expected).max() <= ROUNDING
        np.testing.assert_array_equal(picture.pixels, grey)

    @pytest.mark.parametrize("depth", [8, 16])
    def test_the_background_is_converted_to_the_pictures_profile(
        self, engine: Engine, tmp_path: Path, depth: int
    ) -> None:
        if depth == 16:
            save_16(tmp_path / "in.png", icc=icc_profile())
        else:
            Image.fromarray(green_screen()).save(tmp_path / "in.png", icc_profile=icc_profile())
        replaced(engine, tmp_path / "in.png", tmp_path / "out.png", Colour(80, 90, 200))
        with Image.open(tmp_path / "out.png") as out:
            stored = np.array(out)[OUTSIDE]
            profile = ImageCms.ImageCmsProfile(io.BytesIO(out.info["icc_profile"]))
            seen = np.array(ImageCms.profileToProfile(out, profile, still.SRGB, outputMode="RGB"))[OUTSIDE]
        assert np.abs(seen.astype(int) - (80, 90, 200)).max() <= ROUNDING
        assert np.abs(stored.astype(int) - (80, 90, 200)).max() > ROUNDING  # else the profile does nothing

    def test_a_blurred_room_keeps_its_wide_gamut(self, engine: Engine, tmp_path: Path) -> None:
        Image.fromarray(green_screen()).save(tmp_path / "in.png", icc_profile=icc_profile())
        out = replaced(engine, tmp_path / "in.png", tmp_path / "out.png", Blur(2))
        # Through sRGB and back this green, the widest of the profile, would come out paler.
        assert np.abs(out.pixels[OUTSIDE].astype(int) - (0, 255, 0)).max() <= ONE_LEVEL

    def test_a_blurred_room_keeps_its_16_bits(self, engine: Engine, tmp_path: Path) -> None:
        samples = green_screen(16)
        samples[..., 0] = np.where(samples[..., 1] == SAMPLES_16, 1000, samples[..., 0])  # no multiple of 257
        tifffile.imwrite(tmp_path / "in.tif", samples, photometric="rgb")
        out = replaced(engine, tmp_path / "in.tif", tmp_path / "out.tif", Blur(2))
        assert np.abs(out.pixels[OUTSIDE].astype(int) - (1000, SAMPLES_16, 0)).max() <= ROUNDING

    def test_a_profile_that_leads_only_one_way_is_applied_and_dropped(self, tmp_path: Path) -> None:
        Image.fromarray(green_screen()).save(tmp_path / "in.png", icc_profile=scanner_profile())
        picture = still.read(tmp_path / "in.png")
        assert picture.icc == b""
        # The profile of this test knows lightness alone: green comes out grey.
        assert np.ptp(picture.pixels[OUTSIDE].astype(int), axis=2).max() <= ROUNDING

    def test_a_broken_profile_is_taken_as_none(self, tmp_path: Path) -> None:
        Image.fromarray(green_screen()).save(tmp_path / "in.png", icc_profile=icc_profile()[:150])
        picture = still.read(tmp_path / "in.png")
        assert picture.icc == b""
        np.testing.assert_array_equal(picture.pixels, green_screen())


class TestModes:
    def test_grey_is_read_as_equal_red_green_and_blue(self, tmp_path: Path) -> None:
        grey = green_screen()[..., 0]
        Image.fromarray(grey).save(tmp_path / "in.png")
        np.testing.assert_array_equal(still.read(tmp_path / "in.png").pixels, np.dstack([grey] * 3))

    def test_black_and_white_is_read(self, tmp_path: Path) -> None:
        mask = green_screen()[..., 0] > 0
        Image.fromarray(mask).save(tmp_path / "in.png")
        np.testing.assert_array_equal(still.read(tmp_path / "in.png").pixels[..., 2] > 0, mask)

    def test_a_palette_is_resolved_and_its_transparent_entry_is_alpha(self, tmp_path: Path) -> None:
        numbers = np.zeros((32, 32), np.uint8)
        numbers[8:24] = 1
        image = Image.fromarray(numbers, "P")
        image.putpalette([10, 20, 30, 200, 100, 50])
        image.save(tmp_path / "in.png", transparency=0)
        picture = still.read(tmp_path / "in.png")
        assert (picture.pixels[10, 10] == (200, 100, 50)).all()
        assert picture.alpha is not None
        np.testing.assert_array_equal(picture.alpha, numbers)

    @pytest.mark.parametrize("suffix", [".jpg", ".tif"])
    def test_cmyk_is_read_as_srgb(self, tmp_path: Path, suffix: str) -> None:
        ink = np.zeros((32, 32, 4), np.uint8)
        ink[:16, :, 0] = 255  # cyan above, magenta below
        ink[16:, :, 1] = 255
        Image.fromarray(ink, "CMYK").save(tmp_path / f"in{suffix}")
        picture = still.read(tmp_path / f"in{suffix}")
        assert picture.pixels[4, 4, 0] < 60 < picture.pixels[4, 4, 2]
        assert picture.pixels[28, 4, 1] < 60 < picture.pixels[28, 4, 0]

    @pytest.mark.parametrize("suffix", [".gif", ".bmp", ".ppm"])
    def test_formats_that_are_only_read_are_read(self, tmp_path: Path, suffix: str) -> None:
        flat = np.full((32, 32, 3), (10, 200, 90), np.uint8)
        Image.fromarray(flat).save(tmp_path / f"in{suffix}")
        np.testing.assert_array_equal(still.read(tmp_path / f"in{suffix}").pixels, flat)

    def test_floating_point_samples_are_refused_by_name(self, tmp_path: Path) -> None:
        tifffile.imwrite(tmp_path / "in.tif", np.ones((32, 32), np.float32))
        with pytest.raises(MediaError, match="8 or 16 bits"):
            still.read(tmp_path / "in.tif")


class TestAlpha:
    def test_the_results_alpha_is_never_above_the_files(self, engine: Engine, tmp_path: Path) -> None:
        own = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))
        Image.fromarray(np.dstack([green_screen(), own])).save(tmp_path / "in.png")
        out = replaced(engine, tmp_path / "in.png", tmp_path / "out.png")
        assert out.alpha is not None
        alpha = np.rint(out.alpha * 255)
        assert (alpha <= own).all()
        np.testing.assert_array_equal(alpha[INSIDE], own[INSIDE])

    def test_what_was_transparent_does_not_show_in_a_blurred_room(self, engine: Engine, tmp_path: Path) -> None:
        picture = green_screen()
        hidden = np.full((48, 64), 255, np.uint8)
        picture[:, 50:] = (255, 0, 0)  # hidden by the file's alpha
        hidden[:, 50:] = 0
        Image.fromarray(np.dstack([picture, hidden])).save(tmp_path / "in.png")
        out = replaced(engine, tmp_path / "in.png", tmp_path / "out.png", Blur(2))
        red, green, blue = out.pixels[24, 60].astype(int)
        assert max(red, green, blue) - min(red, green, blue) <= ROUNDING  # grey, not the red beneath

    @pytest.mark.parametrize("suffix", [".png", ".tif"])
    def test_no_colour_of_the_room_lies_under_transparency(self, engine: Engine, tmp_path: Path, suffix: str) -> None:
        save_8(tmp_path / "in.png")
        replaced(engine, tmp_path / "in.png", tmp_path / f"out{suffix}")
        rgba = loaded(tmp_path / f"out{suffix}")
        clear = rgba[..., 3] == 0
        assert clear[OUTSIDE].all()
        assert not rgba[clear].any()

    @pytest.mark.parametrize("suffix", [".webp", ".avif"])
    def test_lossy_transparency_hides_no_room_either(self, engine: Engine, tmp_path: Path, suffix: str) -> None:
        save_8(tmp_path / "in.png")
        replaced(engine, tmp_path / "in.png", tmp_path / f"out{suffix}")
        rgba = loaded(tmp_path / f"out{suffix}").astype(int)
        assert not rgba[OUTSIDE][..., 3].any()
        green = rgba[..., 1] - np.maximum(rgba[..., 0], rgba[..., 2])
        assert green[OUTSIDE].max() < LOSSY


class TestFiles:
    @pytest.mark.parametrize("suffix", still.WRITABLE)
    def test_every_format_goes_in_and_out(self, engine: Engine, tmp_path: Path, suffix: str) -> None:
        save_8(tmp_path / f"in{suffix}")
        out = replaced(engine, tmp_path / f"in{suffix}", tmp_path / f"out{suffix}", Colour(0, 0, 255))
        assert np.abs(out.pixels[INSIDE].astype(int) - green_screen()[INSIDE]).mean() < LOSSY
        assert np.abs(out.pixels[OUTSIDE].astype(int) - (0, 0, 255)).mean() < LOSSY

    def test_a_wrong_suffix_does_not_hide_what_a_file_is(self, tmp_path: Path) -> None:
        save_16(tmp_path / "in.png")
        (tmp_path / "in.png").rename(tmp_path / "in.jpg")
        np.testing.assert_array_equal(still.read(tmp_path / "in.jpg").pixels, green_screen(16))

    @pytest.mark.parametrize("suffix", still.WRITABLE)
    def test_a_file_cut_anywhere_is_an_error_of_ours(self, tmp_path: Path, suffix: str) -> None:
        noise = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / f"whole{suffix}")
        data = (tmp_path / f"whole{suffix}").read_bytes()
        for share in (0.1, 0.3, 0.5, 0.7, 0.9):
            cut = tmp_path / f"cut{suffix}"
            cut.write_bytes(data[: int(len(data) * share)])
            with pytest.raises(MediaError):
                still.read(cut)

    @pytest.mark.parametrize(
        ("suffix", "depth"), [(suffix, 8) for suffix in still.WRITABLE] + [(".png", 16), (".tif", 16)]
    )
    def test_damaged_bytes_give_a_picture_or_an_error_of_ours(self, tmp_path: Path, suffix: str, depth: int) -> None:
        if depth == 16:
            save_16(tmp_path / f"whole{suffix}", 3, icc_profile())
        else:
            save_8(tmp_path / f"whole{suffix}")
        data = np.frombuffer((tmp_path / f"whole{suffix}").read_bytes(), np.uint8)
        rng = np.random.default_rng(1)
        refused = 0
        for _ in range(60):
            damaged = data.copy()
            where = rng.integers(0, len(data), 12)
            damaged[where] = rng.integers(0, 256, 12)
            (tmp_path / f"damaged{suffix}").write_bytes(damaged.tobytes())
            try:
                still.read(tmp_path / f"damaged{suffix}")
            except (MediaError, PictureError):
                refused += 1
        assert refused

    def test_a_side_that_the_format_cannot_hold_is_said(self, tmp_path: Path) -> None:
        wide: NDArray[np.uint8] = np.zeros((16, 16400, 3), np.uint8)
        with pytest.raises(OSError, match="16383 pixels"):
            still.write(tmp_path / "out.webp", wide)

    def test_formats_are_refused_before_the_work(self) -> None:
        with pytest.raises(OutputError, match="ends in"):
            still.check_format(Path("out.gif"), alpha=False)
        with pytest.raises(OutputError, match="no transparency"):
            still.check_format(Path("out.jpg"), alpha=True)
