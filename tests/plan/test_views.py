"""What training and testing show, compared; each line of the plan on a case of its own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_data import GRID, write_annotations

from gdsweep.config import AugmentationSettings
from gdsweep.config.set_statistics import SetStatistics
from gdsweep.grid import Grid, load_grid
from gdsweep.plan.notes import plan_notes
from gdsweep.plan.views import training_view

SQUARE = SetStatistics(images=1, height=100, width=100, objects=4.0, crowded=4, side=20.0)


def page(folder: Path, more: str = "", **val: Any) -> Grid:
    write_annotations(folder / "data" / "train.json", size=(128, 128))
    write_annotations(folder / "data" / "val.json", **{"size": (128, 128), **val})
    (folder / "g.yaml").write_text(GRID % more)
    return load_grid(folder / "g.yaml")


def test_views_are_what_is_cut() -> None:
    views = AugmentationSettings(geometry="resized-crop", crop=(64, 64), scale=(0.5, 1.0))
    seen = training_view(views, SQUARE)
    assert (seen.scale, seen.share, seen.grey) == pytest.approx((0.64 / 0.75, 0.5625, 0.0))
    views = AugmentationSettings(geometry="edge-crop", crop=(50, 50), short_edges=(100, 200))
    seen = training_view(views, SQUARE)
    assert (seen.scale, seen.share, seen.grey) == pytest.approx((1.5, (0.25 + 0.0625) / 2, 0.0))


def test_the_papers_jitter_leaves_views_of_small_square_images_mostly_grey() -> None:
    jitter = AugmentationSettings(crop=(100, 100), scale=(0.1, 2.0))
    seen = training_view(jitter, SQUARE)
    factors = np.random.default_rng(0).uniform(0.1, 2.0, 100_000)
    assert seen.grey == pytest.approx(1 - np.minimum(factors, 1).__pow__(2).mean(), abs=0.01)
    assert seen.share == pytest.approx(np.minimum(1 / factors, 1).__pow__(2).mean(), abs=0.01)


@pytest.mark.parametrize(
    ("more", "val", "says"),
    [
        (
            ", augmentation: {geometry: edge-crop, crop: [32, 32], short_edges: [128], "
            "test_short_edge: null}",
            {},
            "training views show 25 % of an image's sides, tests all of it",
        ),
        (
            ", augmentation: {geometry: scale-jitter, crop: [128, 128], scale: [0.1, 0.6]}",
            {},
            "training views are 8",
        ),
        ("", {"side": 100}, "an object has 47 pixels in training and 100 in testing"),
        ("", {"objects": 30}, "a training view holds 2.2 objects, a test image 30.0"),
        (", queries: 10", {"objects": 30}, "holds 30 objects, the network has 10 queries"),
        (", evaluation: {detections: 5}", {"objects": 6}, "6 objects, 5 predictions are kept"),
    ],
)
def test_differences_are_told(tmp_path: Path, more: str, val: dict[str, Any], says: str) -> None:
    notes = plan_notes([page(tmp_path, more, **val)])
    assert any(says in note for note in notes), notes


def test_of_an_image_in_tiles_a_tile_is_compared(tmp_path: Path) -> None:
    """A slide of 6 times the side, with as many objects an area: only scored whole it differs."""
    slide = {"size": (768, 768), "objects": 108}
    (note,) = plan_notes([page(tmp_path, **slide)])
    assert "tiles [128, 128], tile_overlap 64" in note
    notes = plan_notes([page(tmp_path, ", evaluation: {tiles: null}", **slide)])
    assert any("a test image 108.0; train on views like the tests, or test in" in n for n in notes)
    (_, note) = plan_notes([page(tmp_path, ", evaluation: {detections: 2}", **slide)])
    assert "a crowded test tile holds 3 objects, 2 predictions are kept" in note


def test_small_objects_are_told(tmp_path: Path) -> None:
    grid = page(tmp_path)
    for name in ("train", "val"):
        write_annotations(tmp_path / "data" / f"{name}.json", size=(128, 128), side=4)
    assert any("smaller than 1.2 cells" in note for note in plan_notes([load_grid(grid.path)]))


def test_data_that_fit_are_told_once_with_what_was_derived(tmp_path: Path) -> None:
    (note,) = plan_notes([page(tmp_path)])
    assert note.startswith(
        "derived from mine (4 images of 128 x 128 with 3.0 objects of 40 pixels): geometry "
        "resized-crop, crop [128, 128], "
    )
    assert note.endswith("; --show CELL tells why")


def test_data_that_are_not_seen_are_told(tmp_path: Path) -> None:
    grid = page(tmp_path)
    (tmp_path / "data" / "train.json").unlink()
    (note,) = plan_notes([load_grid(grid.path)])
    assert "its annotations are not seen here" in note


def test_interpolated_values_are_told(tmp_path: Path) -> None:
    (tmp_path / "g.yaml").write_text(
        "title: T\naxes: {dataset: [coco], labels: [3, 5], method: [guided, supervised]}\n"
    )
    assert plan_notes([load_grid(tmp_path / "g.yaml")]) == [
        "burn_in of coco at 3 % is 27200: between 25,000 at 2 % and 30,000 at 5 %, interpolated"
    ]


def test_the_papers_grids_have_nothing_to_note() -> None:
    root = Path(__file__).resolve().parents[2]
    names = (
        "table3",
        "table4",
        "table5",
        "table6",
        "table7",
        "figure1",
        "figure6",
        "demo",
        "shapes",
    )
    assert plan_notes(load_grid(root / "grids" / f"{name}.yaml") for name in names) == []


@pytest.mark.parametrize(("more", "told"), [("", True), ("schedule: {iterations: 90}", False)])
def test_own_data_from_which_nothing_is_derived_are_told(
    tmp_path: Path, more: str, told: bool
) -> None:
    (tmp_path / "g.yaml").write_text(
        "title: T\naxes: {dataset: [streets], labels: [5], method: [supervised]}\n"
        f"datasets: {{streets: {{format: cityscapes}}}}\nsettings: {{{more}}}\n"
    )
    notes = plan_notes([load_grid(tmp_path / "g.yaml")])
    line = (
        "streets: what the grid leaves open has the values published for COCO, iterations "
        "368,750 among them"
    )
    assert notes == ([line] if told else [])


def test_annotations_that_have_changed_since_the_last_launch_are_told(tmp_path: Path) -> None:
    grid = page(tmp_path)
    before = grid.cells[0].settings.dataset.statistics("train")
    assert before is not None
    same = plan_notes([load_grid(grid.path, None, {"mine": before})])
    assert not any("have changed" in note for note in same)
    write_annotations(tmp_path / "data" / "train.json", images=6, size=(128, 128))
    (line, _) = plan_notes([load_grid(grid.path, None, {"mine": before})])
    told = "mine: its training annotations have changed since the last launch"
    assert line == f"{told}: {before} then"
