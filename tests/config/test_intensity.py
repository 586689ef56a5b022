"""Pixels of more than 8 bits, and files of several pages."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gdsweep.config import CocoData, Scaling
from gdsweep.config.intensity import eight_bits, full_pages
from gdsweep.data.image_file import image_fault, read_image
from gdsweep.errors import BadInput

TWELVE_BITS = np.linspace(300, 4000, 40 * 50).reshape(40, 50).astype(np.uint16)


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [
        ("full", TWELVE_BITS >> 8),
        ("min-max", (TWELVE_BITS - 300.0) / 3700 * 255),
        ((0, 4095), TWELVE_BITS / 4095 * 255),
        ((1000, 2000), (TWELVE_BITS - 1000.0).clip(0, 1000) / 1000 * 255),
        ("percentile", ((TWELVE_BITS - 303.7) / 3692.6 * 255).clip(0, 255)),
    ],
)
def test_how_values_become_8_bits(tmp_path: Path, scaling: Scaling, expected: np.ndarray) -> None:
    found = eight_bits(TWELVE_BITS, scaling)
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found, expected, atol=0.6)
    for name in ("a.png", "a.tif"):
        Image.fromarray(TWELVE_BITS).save(tmp_path / name)
        np.testing.assert_array_equal(read_image(tmp_path / name, scaling)[1].numpy(), found)


def test_outliers_do_not_darken_by_percentiles() -> None:
    hot = TWELVE_BITS.copy()
    hot[0, 0] = 65535
    assert eight_bits(hot, "percentile").max() == 255
    assert np.median(eight_bits(hot, "percentile")) > 100
    assert np.median(eight_bits(hot, "min-max")) < 10
    assert not eight_bits(np.full((3, 4), 700, np.uint16), "min-max").any()


def test_floating_point_and_32_bits(tmp_path: Path) -> None:
    for name, pixels in {
        "float.tif": TWELVE_BITS.astype(np.float32) / 4095,
        "long.tif": TWELVE_BITS.astype(np.int32) * 1000,
    }.items():
        Image.fromarray(pixels).save(tmp_path / name)
        found = read_image(tmp_path / name, "min-max")[0].numpy()
        np.testing.assert_allclose(found, eight_bits(TWELVE_BITS, "min-max"), atol=1)
        assert image_fault(tmp_path / name, (40, 50), "min-max") is None
    said = "it has floating-point pixels; 8 or 16 bits are valid"
    assert image_fault(tmp_path / "float.tif") == said
    broken = TWELVE_BITS.astype(np.float32)
    broken[3, 3] = np.nan
    Image.fromarray(broken).save(tmp_path / "nan.tif")
    with pytest.raises(BadInput, match=r"nan\.tif: .* pixels that are not finite"):
        read_image(tmp_path / "nan.tif", "percentile")


def test_8_bits_stay_as_they_are(tmp_path: Path) -> None:
    pixels = (TWELVE_BITS >> 5).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png", "min-max")[0].numpy(), pixels)


def test_the_orientation_of_16_bits_is_applied(tmp_path: Path) -> None:
    Image.fromarray(TWELVE_BITS).save(tmp_path / "a.tif", tiffinfo={274: 6})
    turned = np.rot90(eight_bits(TWELVE_BITS, "min-max"), -1)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif", "min-max")[0].numpy(), turned)


def write_colour_of_16_bits(path: Path, pixels: np.ndarray) -> None:
    """A PNG of three channels of 16 bits [H, W, 3], which Pillow reads but does not write."""

    def chunk(name: bytes, content: bytes) -> bytes:
        end = zlib.crc32(name + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + name + content + end

    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


def test_colour_of_16_bits_is_read_by_the_upper_8_only(tmp_path: Path) -> None:
    path = tmp_path / "colour.png"
    write_colour_of_16_bits(path, np.stack([TWELVE_BITS, TWELVE_BITS + 256, TWELVE_BITS], -1))
    found = read_image(path).numpy()
    np.testing.assert_array_equal(found[0], TWELVE_BITS >> 8)
    np.testing.assert_array_equal(found[1], (TWELVE_BITS >> 8) + 1)
    with pytest.raises(BadInput, match=r"colour\.png: .*several channels of 16 bits.*`full`"):
        read_image(path, "percentile")
    assert "several channels" in str(image_fault(path, None, "percentile"))


def test_a_stack_is_refused_and_a_small_copy_is_not_a_page(tmp_path: Path) -> None:
    pages = [Image.fromarray(TWELVE_BITS + k) for k in range(3)]
    stack, copy = tmp_path / "stack.tif", tmp_path / "copy.tif"
    pages[0].save(stack, save_all=True, append_images=pages[1:])
    with pytest.raises(BadInput, match=r"stack\.tif: .*a stack of 3 pages"):
        read_image(stack)
    assert "a stack of 3 pages" in str(image_fault(stack))
    small = pages[1].resize((10, 8))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    pages[0].save(copy, save_all=True, append_images=[small])
    with Image.open(copy) as image:
        assert (image.n_frames, full_pages(image), image.tell()) == (2, [0], 0)
    np.testing.assert_array_equal(read_image(copy)[0].numpy(), TWELVE_BITS >> 8)


@pytest.mark.parametrize("scaling", ["median", [1], [5, 5], [0, float("inf")]])
def test_what_is_no_scaling(scaling: object) -> None:
    images = {"images": "i", "annotations": "a"}
    with pytest.raises(ValueError, match="scaling"):
        CocoData.model_validate(
            {"name": "mine", "train": images, "val": images, "scaling": scaling}
        )
