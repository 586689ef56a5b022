from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gdsweep.data.image_file import image_fault, image_names, read_image
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
    assert image_names(tmp_path) == (["a.webp", "b/a.png", "z.JPG"], 0)


def test_strangers_in_a_folder_are_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "more"
    for place in ("more/city", "more/.ipynb_checkpoints", "elsewhere", "train"):
        (tmp_path / place).mkdir(parents=True)
    for name in ("a.png", "._a.png", "city/b.png", ".ipynb_checkpoints/a-checkpoint.png"):
        (folder / name).touch()
    (tmp_path / "elsewhere/c.png").touch()
    (tmp_path / "train/d.png").touch()
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "self").symlink_to(".")
    (folder / "city/up").symlink_to("..")
    (folder / "above").symlink_to(tmp_path)
    names, left_out = image_names(folder)
    assert names == ["a.png", "city/b.png", "linked/c.png"]
    assert left_out == 4  # ._a.png and three links that lead back
    # all that is behind a link that is itself the folder asked for
    (tmp_path / "door").symlink_to(folder)
    assert image_names(tmp_path / "door") == (names, left_out)


def saved(path: Path, **how: Any) -> Path:
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (20, 30, 3), dtype=np.uint8)).save(
        path, **how
    )
    return path


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "tif"])
def test_a_file_that_stops_early_has_a_fault(tmp_path: Path, suffix: str) -> None:
    path = saved(tmp_path / f"a.{suffix}")
    assert image_fault(path) is None
    assert image_fault(path, (20, 30)) is None
    said = image_fault(path, (30, 20))
    assert said == (
        "the image is 20 pixels high and 30 wide (EXIF orientation applied), its annotation 30 "
        "and 20"
    )
    content = path.read_bytes()
    for length in (len(content) - 40, len(content) // 2, 20, 3):
        path.write_bytes(content[:length])
        assert image_fault(path, (20, 30)) is not None
        with pytest.raises(BadInput, match="not a readable image"):
            read_image(path)


def test_whole_files_are_not_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    files = [saved(tmp_path / f"a.{suffix}") for suffix in ("png", "jpg", "webp")]
    turned = [saved(tmp_path / f"b.{suffix}", exif=exif) for suffix in ("png", "jpg")]

    def refuse(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr("gdsweep.data.image_file.read_image", refuse)
    assert [image_fault(path, (20, 30)) for path in files] == [None] * 3
    assert [image_fault(path, (30, 20)) for path in turned] == [None] * 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 12\n",
            "it is a pointer of git-lfs, not the file itself; `git lfs pull` fetches that",
        ),
        (b"\n<!DOCTYPE html><html>Sign in</html>", "it is a web page (HTML): the download failed"),
        (b"\0\5\26\7\0\2", "it is in no image format that Pillow knows"),
    ],
)
def test_what_a_file_is_instead(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    assert image_fault(path) == reason
    with pytest.raises(BadInput, match="not a readable image: ") as caught:
        read_image(path)
    assert str(caught.value).endswith(reason)
    path.unlink()
    assert image_fault(path) == "No such file or directory"


def test_scans_of_any_size_are_read(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    Image.new("1", (18_000, 10_000)).save(path)  # 180 million pixels: Pillow alone refuses them
    assert image_fault(path, (10_000, 18_000)) is None
