"""`gdsweep data import`: layouts, sides, tiles, pages and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from microscopy import BOXES, HEIGHT, WIDTH, label_map, picture, save, write_label_maps, write_masks
from PIL import Image
from pycocotools import mask as rle

from gdsweep.commands.entry import console
from gdsweep.config.intensity import eight_bits
from gdsweep.data import open_dataset
from gdsweep.data.import_settings import ImportSettings
from gdsweep.data.mask_files import labelled
from gdsweep.data.mask_import import Imported, import_masks
from gdsweep.data.mask_writer import tiles
from gdsweep.errors import BadInput
from gdsweep.grid import load_grid
from gdsweep.plots.scored_images import scored_images

SIDES = ("train", "val", "test")
NUCLEI = Path(__file__).resolve().parents[3] / "shared" / "data" / "nuclei"


def content(out: Path, side: str) -> dict[str, Any]:
    """A COCO file that was written."""
    found: dict[str, Any] = json.loads((out / f"{side}.json").read_text())
    return found


def imported(folder: Path, out: Path, **changes: Any) -> Imported:
    """Import with settings other than the defaults."""
    return import_masks(folder, out, ImportSettings(**changes))


def refused(folder: Path, out: Path, match: str, **changes: Any) -> None:
    """An import is refused in one line, and nothing is left of it."""
    before = sorted(out.parent.iterdir())
    with pytest.raises(BadInput, match=match) as caught:
        imported(folder, out, **changes)
    assert "\n" not in str(caught.value)
    assert sorted(out.parent.iterdir()) == before


def test_both_formats_say_the_same(tmp_path: Path) -> None:
    write_masks(tmp_path / "masks")
    write_label_maps(tmp_path / "maps")
    for kind in ("masks", "maps"):
        imported(tmp_path / kind, tmp_path / f"of {kind}", category="cell")
    for side in SIDES:
        ours, theirs = (content(tmp_path / f"of {kind}", side) for kind in ("masks", "maps"))
        for found in (ours, theirs):
            assert {(a["area"], *a["bbox"]) for a in found["annotations"]} == {
                ((b - t) * (r - left), left, t, r - left, b - t) for t, left, b, r in BOXES
            }
            assert found["categories"] == [{"id": 1, "name": "cell"}]
        assert [i["file_name"] for i in ours["images"]] == [
            i["file_name"] for i in theirs["images"]
        ]
    counts = [len(content(tmp_path / "of maps", side)["images"]) for side in SIDES]
    assert counts == [4, 1, 1]
    image = Image.open(
        tmp_path / "of maps" / content(tmp_path / "of maps", "val")["images"][0]["file_name"]
    )
    assert (image.mode, image.size) == ("L", (WIDTH, HEIGHT))
    assert np.asarray(image).min() == 0
    assert np.asarray(image).max() == 255


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--scaling", "dark"), "dark: percentile, min-max, full, and two values"),
        (("--scaling", "9:3"), "the lower first"),
        (("--pages", "0"), "0: the number of a page, from 1, max and each are valid"),
        (("--tile", "-5"), "-5: a whole number above 0 is valid"),
        (("--val", "1"), "1: a fraction from 0 to below 1 is valid"),
        (("--group", "("), "(: no regular expression"),
    ],
)
def test_options_that_are_none(
    option: tuple[str, str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        console(["data", "import", "in", "out", "=".join(option)])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/{}.png", "masks/{}/1.png"),
        ("images/{}.png", "masks/{}_1.png"),
        ("images/{}.png", "masks/{}.png"),
        ("images/{}.tif", "masks/{}-label.tif"),
        ("{}.png", "{}_cp_masks.png"),
        ("{}/images/a.png", "{}/masks/1.png"),
    ],
)
def test_layouts(tmp_path: Path, image: str, mask: str) -> None:
    names = ("a", "a_2", "b")
    for name in names:
        save(tmp_path / "in" / image.format(name), picture(0))
        save(tmp_path / "in" / mask.format(name), (label_map() == 7).astype(np.uint8))
    found = imported(tmp_path / "in", tmp_path / "out", test=0.34)
    assert {side: counts["objects"] for side, counts in found.counts.items()} == dict.fromkeys(
        SIDES, 1
    )
    doubted = any("are these masks of all objects?" in x for x in found.lines(ImportSettings()))
    assert doubted == (mask in ("masks/{}.png", "masks/{}-label.tif", "{}_cp_masks.png"))


def test_sides_that_folders_give(tmp_path: Path) -> None:
    for side, count in (("train", 3), ("test", 2)):
        write_label_maps(tmp_path / "in" / side, count)
    found = imported(tmp_path / "in", tmp_path / "out", val=0.3)
    assert [found.counts[side]["images"] for side in SIDES] == [2, 1, 2]


def test_the_data_sets_values_are_those_of_training(tmp_path: Path) -> None:
    for side in ("train", "val"):
        write_label_maps(tmp_path / "in" / side, 2)
    save(tmp_path / "in/val/images/well0.tif", picture(0) * 8)
    save(tmp_path / "in/train/images/well0.tif", picture(0) * 2)
    found = imported(tmp_path / "in", tmp_path / "out", scaling="data-set", test=0)
    low, high = found.scaling
    assert low == pytest.approx(200, abs=5)  # of the darker training image
    assert high == pytest.approx(2 * 3800, abs=60)  # of the brighter one, not of val


def test_parts_of_one_image_and_group_are_on_one_side(tmp_path: Path) -> None:
    for plate in "abcd":
        for field in range(3):
            save(tmp_path / f"in/images/{plate}{field}.png", picture(field))
            save(tmp_path / f"in/labels/{plate}{field}.png", label_map())
    drawn = []
    for seed in (0, 0, 1):
        out = tmp_path / f"out{len(drawn)}"
        imported(tmp_path / "in", out, tile=32, group="^.", seed=seed, val=0.25, test=0.25)
        drawn.append({side: {i["of"][0] for i in content(out, side)["images"]} for side in SIDES})
        assert sum(len(plates) for plates in drawn[-1].values()) == 4
        assert all(drawn[-1].values())
    assert drawn[0] == drawn[1] != drawn[2]
    refused(tmp_path / "in", tmp_path / "x", "--group z matches nothing", group="z")


def test_tiles_cover_an_image_once() -> None:
    covered = np.zeros((130, 64), int)
    sizes = set()
    for top, left, bottom, right in tiles(130, 64, 64):
        covered[top:bottom, left:right] += 1
        sizes.add((bottom - top, right - left))
    assert (covered == 1).all()
    assert sizes == {(43, 64), (44, 64)}
    assert list(tiles(130, 64, None)) == [(0, 0, 130, 64)]


def test_objects_are_cut_with_their_tiles(tmp_path: Path) -> None:
    # tiles of 24 x 32: the second object has 2 columns left of the border in two tiles, 4 right
    found = imported(
        write_label_maps(tmp_path / "in", 2), tmp_path / "out", tile=32, least=10, test=0
    )
    annotations = content(tmp_path / "out", "train")
    assert sorted(a["area"] for a in annotations["annotations"]) == [16, 20, 40, 64, 112]
    assert found.counts["train"] == {
        "images": 1, "deep": 1, "black": 0, "maps": 1, "several": 1, "overlapping": 0,
        "tiles": 4, "objects": 5, "empty": 0, "cut": 4, "dropped": 1,
    }  # fmt: skip
    lines = found.lines(ImportSettings(tile=32, least=10))
    assert lines[0] == "train  1 image in 4 tiles, 5 objects"
    assert "8 parts left of objects that a border cuts, 2 dropped for fewer than 10 pixels" in lines
    whole = picture(
        1 if content(tmp_path / "out", "train")["images"][0]["of"] == "well1.tif" else 0
    )
    for image in annotations["images"]:
        left, top = image["corner"]
        tile = np.asarray(Image.open(tmp_path / "out" / image["file_name"]))
        part = eight_bits(whole, "percentile")[top:, left:][: image["height"], : image["width"]]
        np.testing.assert_array_equal(tile, part)  # scaled as a whole, then cut


def test_values_of_label_maps(tmp_path: Path) -> None:
    parts = np.zeros((4, 9), np.int64)
    parts[:, 0], parts[:, 4], parts[1, 8] = 70_000, 3, 70_000
    first, second = labelled(parts)  # an object of two parts stays one
    assert (first.left, int(first.mask.sum()), second.left, int(second.mask.sum())) == (4, 4, 0, 5)
    assert [int(o.mask.sum()) for o in labelled(np.full((2, 3), 5))] == [6]
    assert labelled(np.zeros((2, 3), int)) == []
    wide = label_map().astype(np.int32) * 70_000
    colour = np.stack([label_map() % 256, label_map() // 256, 0 * label_map()], -1)
    kinds = {
        "long.tif": wide,
        "float.tif": label_map().astype(np.float32),
        "colour.png": colour.astype(np.uint8),
        "byte.png": (label_map() % 251).astype(np.uint8),
    }
    for name, labels in kinds.items():
        folder = tmp_path / Path(name).stem
        for number in range(2):
            save(folder / f"images/{number}.png", picture(number))
            save(folder / f"labels/{number}{Path(name).suffix}", labels)
        found = imported(folder, tmp_path / f"{name} out", test=0)
        assert found.counts["train"]["objects"] == 3, name
    palette = Image.fromarray((label_map() % 251).astype(np.uint8)).convert("P")
    palette.putpalette([0, 0, 0] * 256)  # numbers count, not the colours
    palette.save(tmp_path / "byte/labels/0.png")
    assert imported(tmp_path / "byte", tmp_path / "out", test=0).counts["val"]["objects"] == 3


def stacks(folder: Path, labels: tuple[np.ndarray, ...]) -> Path:
    """Two images of two pages each, the second page of which is darker."""
    for number in range(2):
        save(folder / f"images/{number}.tif", picture(number), picture(number) // 2)
        save(folder / f"labels/{number}.tif", *labels)
    return folder


def test_pages(tmp_path: Path) -> None:
    one = stacks(tmp_path / "one", (label_map(),))
    both = stacks(tmp_path / "both", (label_map(), label_map() * (label_map() == 7)))
    refused(one, tmp_path / "x", r"[01]\.tif: a stack of 2 pages; say with --pages", test=0)
    refused(one, tmp_path / "x", r"no page 3 in a stack of 2", pages=3, test=0)
    refused(one, tmp_path / "x", "1 pages for an image of 2", pages="each", test=0)
    refused(both, tmp_path / "x", "2 pages for an image of 2", pages="max", test=0)
    for pages in ("max", 1):
        imported(one, tmp_path / f"out {pages}", pages=pages, scaling=(0, 4095), test=0)
    imported(one, tmp_path / "out 2", pages=2, scaling=(0, 4095), test=0)
    images = {
        pages: np.asarray(Image.open(next((tmp_path / f"out {pages}/train").iterdir())))
        for pages in ("max", 1, 2)
    }
    np.testing.assert_array_equal(images["max"], images[1])
    np.testing.assert_allclose(images[2], images[1] / 2.0, atol=1)
    imported(both, tmp_path / "each", pages="each", test=0)
    assert [i["file_name"][-7:] for i in content(tmp_path / "each", "train")["images"]] == [
        "-p1.png", "-p2.png",
    ]  # fmt: skip
    assert [a["image_id"] for a in content(tmp_path / "each", "train")["annotations"]] == [
        1,
        1,
        1,
        2,
    ]


def test_what_is_counted(tmp_path: Path) -> None:
    folder = write_masks(tmp_path / "in", 3)
    again = (label_map() == 7).astype(np.uint8)
    for number in range(3):
        save(folder / f"well{number}/masks/again.png", again)
        save(folder / f"well{number}/masks/black.png", again * 0)
    save(folder / "empty/images/e.png", (picture(0) >> 4).astype(np.uint8))
    (folder / "empty/masks").mkdir()
    found = imported(folder, tmp_path / "out", test=0, seed=1)
    lines = found.lines(ImportSettings())
    assert "6 masks overlapping another of the same image" in lines
    assert "3 masks without a pixel skipped" in lines
    assert "1 image without an object kept" in lines
    assert len(content(tmp_path / "out", "train")["images"]) == 3


def test_bad_input_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    folder, out = write_label_maps(tmp_path / "in", 3), tmp_path / "out"
    map_file = folder / "labels/well1.png"
    for pixels, said in {
        "size": (label_map()[:-1], r"well1\.png: 47 pixels high and 64 wide, its image 48 and 64"),
        "parts": (label_map() + np.float32(0.5), r"well1\.tif: values that are not whole"),
        "negative": (label_map().astype(np.int32) - 1, r"well1\.tif: negative values"),
    }.values():
        map_file.unlink(missing_ok=True)
        map_file = folder / f"labels/well1.{'png' if pixels.dtype == np.uint16 else 'tif'}"
        save(map_file, pixels)
        refused(folder, out, said)
    map_file.unlink()
    refused(folder, out, "1 of 3 images have no label map, well1 for one")
    map_file.with_suffix(".jpg").touch()
    refused(folder, out, r"well1\.jpg: JPEG and WebP change values")
    map_file.with_suffix(".jpg").unlink()
    save(map_file, label_map() * 0)
    refused(folder, out, "3 images leave none", val=0.9)
    for file in (folder / "labels").iterdir():
        save(file, label_map() * 0)
    refused(folder, out, "no image of train holds an object")
    refused(tmp_path / "absent", out, "no such folder")
    (tmp_path / "nothing").mkdir()
    refused(tmp_path / "nothing", out, "no layout that is known")
    out.mkdir()
    refused(folder, out, "out: is there already")


def test_the_command_writes_a_grid_that_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_label_maps(tmp_path / "wells")
    command = ["data", "import", "wells", "cells", "--category", "cell", "--scaling", "data-set"]
    assert console(command) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "train  4 images, 12 objects"
    assert (
        said[-1]
        == "wrote cells and cells.yaml; look at the data with: gdsweep data check cells.yaml"
    )
    settings = load_grid(tmp_path / "cells.yaml").cells[0].settings.dataset
    low, high = settings.pixel_scaling
    assert 190 < low < 210
    assert 3790 < high < 3800
    splits = open_dataset(settings)
    assert splits.notes == []
    assert splits.train.classes == ("cell",)
    assert splits.train.image(0).shape == (3, HEIGHT, WIDTH)
    before = (tmp_path / "cells.yaml").read_text()
    assert console(command) == 2
    assert "cells.yaml: is there already" in capsys.readouterr().err
    assert console([*command[:3], "more", "--grid", "absent/more.yaml"]) == 2
    assert "there is no folder absent to write it to" in capsys.readouterr().err
    assert not (tmp_path / "more").exists()
    assert (tmp_path / "cells.yaml").read_text() == before


def test_images_of_16_bits_are_used_where_they_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wells = write_label_maps(tmp_path / "wells")
    assert console(["data", "import", "wells", "cells", "--val", "0.34", "--test", "0"]) == 0
    for side in ("train", "val"):
        found = content(tmp_path / "cells", side)
        names = {image["id"]: f"images/{image['of']}" for image in found["images"]}
        found["images"] = [{**i, "file_name": names[i["id"]]} for i in found["images"]]
        (wells / f"{side}.json").write_text(json.dumps(found))
    page = (tmp_path / "cells.yaml").read_text()
    assert "scaling: percentile" in page
    (tmp_path / "wells.yaml").write_text(page.replace("root: cells", "root: wells"))
    raw, written = (
        open_dataset(load_grid(tmp_path / f"{name}.yaml").cells[0].settings.dataset)
        for name in ("wells", "cells")
    )
    for index in range(len(raw.train)):
        assert raw.train.path(index).suffix == ".tif"
        assert torch.equal(raw.train.image(index), written.train.image(index))
    capsys.readouterr()
    assert console(["data", "check", "wells.yaml"]) == 0
    assert "cells" in capsys.readouterr().out
    (drawn,), _ = scored_images(load_grid(Path("wells.yaml")).cells[0].settings.dataset, "val", 1)
    expected = raw.val.image(raw.val.image_ids.index(drawn.id))
    np.testing.assert_array_equal(drawn.pixels, expected.permute(1, 2, 0).numpy())
    save(next((wells / "images").glob("well*")), picture(0), picture(1))
    assert console(["data", "check", "wells.yaml"]) == 2
    assert "a stack of 2 pages" in capsys.readouterr().err


@pytest.mark.skipif(not NUCLEI.is_dir(), reason="../shared/data/nuclei is not here")
def test_whole_nuclei_come_back_from_label_maps(tmp_path: Path) -> None:
    known = json.loads((NUCLEI / "val.json").read_text())
    masks: dict[int, list[Any]] = {}
    for annotation in known["annotations"]:
        masks.setdefault(annotation["image_id"], []).append(annotation["segmentation"])
    areas = []
    for image in known["images"][:6]:
        labels = np.zeros((image["height"], image["width"]), np.uint16)
        for value, mask in enumerate(masks[image["id"]], start=1):
            labels[rle.decode(mask) > 0] = value * 11
        areas += np.unique(labels, return_counts=True)[1][1:].tolist()
        stem = Path(image["file_name"]).stem
        (tmp_path / "in/images").mkdir(parents=True, exist_ok=True)
        (tmp_path / f"in/images/{stem}.png").symlink_to(NUCLEI / "images" / image["file_name"])
        save(tmp_path / f"in/labels/{stem}.tif", labels)
    imported(tmp_path / "in", tmp_path / "out")
    found = [a["area"] for side in SIDES for a in content(tmp_path / "out", side)["annotations"]]
    assert sorted(found) == sorted(areas)
    imported(tmp_path / "in", tmp_path / "tiled", tile=96, least=1)
    cut = [a["area"] for side in SIDES for a in content(tmp_path / "tiled", side)["annotations"]]
    assert sum(cut) == sum(areas)
