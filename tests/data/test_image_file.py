from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gdsweep.data.image_file import image_names, read_image
from gdsweep.errors import BadInput

GREY = np.linspace(0, 255, 20 * 30).reshape(20, 30).astype(np.uint8)


def test_rgb_is_read_as_it_is(tmp_path: Path) -> None:
    pixels = np.random.RandomState(0).randint(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.dtype == torch.uint8
    assert np.array_equal(image.permute(1, 2, 0).numpy(), pixels)


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA", "RGBA", "CMYK", "I;16", "I"])
def test_other_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    expected = torch.from_numpy(GREY).expand(3, -1, -1)
    if mode in ("I;16", "I"):
        wide = Image.fromarray(GREY.astype(np.uint16) * 256 + 77)
        image = wide if mode == "I;16" else wide.convert("I")
    elif mode == "1":
        image = Image.fromarray(GREY).convert("1", dither=Image.Dither.NONE)
        expected = (expected > 127) * 255
    elif mode == "CMYK":
        image = Image.fromarray(GREY).convert("RGB").convert("CMYK")
    else:
        image = Image.fromarray(GREY).convert(mode)
    path = tmp_path / ("a.tif" if mode in ("CMYK", "I") else "a.png")
    image.save(path)
    assert Image.open(path).mode == mode
    found = read_image(path)
    assert found.shape == (3, 20, 30)
    assert int((found.int() - expected.int()).abs().max()) <= 1


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    image = Image.fromarray(np.repeat(GREY[..., None], 3, -1))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees, clockwise
    image.save(tmp_path / "a.png", exif=exif)
    found = read_image(tmp_path / "a.png")
    assert np.array_equal(found[0].numpy(), np.rot90(GREY, -1))


def test_a_truncated_jpeg_is_bad_input_and_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (64, 64, 3), dtype=np.uint8)).save(
        path
    )
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(BadInput, match=r"cut\.jpg: not a readable image: .*truncated") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_image_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("<html>not found</html>")
    (tmp_path / "empty.png").touch()
    Image.fromarray(GREY.astype(np.float32)).save(tmp_path / "float.tif")
    for name in ("a.jpg", "empty.png", "float.tif"):
        with pytest.raises(BadInput, match=f"{name}: not a readable image"):
            read_image(tmp_path / name)
    with pytest.raises(BadInput, match="no such image file"):
        read_image(tmp_path / "missing.png")


def test_images_of_a_folder_and_below(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("z.JPG", "b/a.png", "b/notes.txt", "a.webp"):
        (tmp_path / name).touch()
    assert image_names(tmp_path) == ["a.webp", "b/a.png", "z.JPG"]
