"""What nobody decided of one's own data follows from the data, and is told as such."""

from pathlib import Path
from typing import Any

import pytest
from own_data import GRID, write_annotations

from gdsweep.config import EvaluationSettings
from gdsweep.config.set_statistics import SetStatistics, coco_statistics, recorded_as
from gdsweep.errors import BadInput
from gdsweep.grid import Grid, graph_of, load_grid


def grid(folder: Path, more: str = "", **files: Any) -> Grid:
    for name in ("train", "val"):
        write_annotations(folder / "data" / f"{name}.json", **files)
    (folder / "g.yaml").write_text(GRID % more)
    return load_grid(folder / "g.yaml")


def test_statistics_are_counted(tmp_path: Path) -> None:
    path = write_annotations(tmp_path / "a.json", images=5, size=(200, 300), objects=4, side=30)
    assert coco_statistics(path) == SetStatistics(5, 200, 300, 4.0, 4, 30.0)
    text = path.read_text()
    path.write_text(text.replace('"image_id": 2', '"image_id": "2"'))
    assert coco_statistics(path) == SetStatistics(5, 200, 300, 4.0, 4, 30.0)
    assert coco_statistics(tmp_path / "absent.json") is None
    path.write_text("[1, 2")
    assert coco_statistics(path) is None


def test_own_data_do_not_get_the_papers_length_views_and_machines(tmp_path: Path) -> None:
    settings = grid(tmp_path, images=800, size=(500, 700), objects=90).cells[0].settings
    assert settings.augmentation.geometry == "resized-crop"
    assert settings.augmentation.crop == (512, 704)
    assert settings.augmentation.scale == (0.7, 1.0)
    assert settings.augmentation.test_short_edge is None
    assert settings.schedule.iterations == 10_000
    assert settings.distillation.burn_in == 2_000
    assert settings.evaluation.period == 500
    assert (settings.model.queries, settings.evaluation.detections) == (140, 140)
    assert (settings.resources.gpus, settings.resources.hours) == (3, 4.0)


def test_large_images_are_seen_at_the_papers_size_and_many_for_longer(tmp_path: Path) -> None:
    settings = grid(tmp_path, images=20_000, size=(3000, 2000), objects=1).cells[0].settings
    assert settings.augmentation.crop == (1024, 704)
    assert settings.augmentation.test_short_edge == 704
    assert settings.schedule.iterations == 62_500
    assert settings.model.queries == 100


def larger_tests(folder: Path, more: str = "", side: int = 20, **val: Any) -> Grid:
    """Training images of 80 x 100, and larger ones to validate on."""
    write_annotations(folder / "data" / "train.json", size=(80, 100), side=side)
    write_annotations(folder / "data" / "val.json", **{"size": (256, 320), **val})
    (folder / "g.yaml").write_text(GRID % more)
    return load_grid(folder / "g.yaml")


def test_images_much_larger_than_the_training_images_are_scored_in_tiles(tmp_path: Path) -> None:
    def evaluation(*given: Any, **val: Any) -> EvaluationSettings:
        return larger_tests(tmp_path, *given, **val).cells[0].settings.evaluation

    found = evaluation()
    assert (found.tiles, found.tile_overlap) == ((80, 100), 40)
    assert evaluation("", 7).tile_overlap == 14
    assert evaluation(size=(80, 151)).tiles == (80, 100)
    assert evaluation(size=(120, 150)).tiles is None
    assert evaluation(", evaluation: {tiles: null}").tiles is None
    found = evaluation(", evaluation: {tiles: [64, 64]}")
    assert (found.tiles, found.tile_overlap) == ((64, 64), 32)
    views = ", augmentation: {geometry: scale-jitter}"
    assert evaluation(views).tiles is None


def test_runs_move_only_where_images_are_scored_in_tiles(tmp_path: Path) -> None:
    def names(page: Grid) -> set[str]:
        return set(graph_of([page]).runs)

    before = names(larger_tests(tmp_path, ", evaluation: {tiles: null}"))
    assert names(larger_tests(tmp_path)).isdisjoint(before)
    alike = names(larger_tests(tmp_path, size=(80, 100)))
    assert alike == before


def test_tiles_are_remembered_where_the_data_are_not_seen(tmp_path: Path) -> None:
    page = larger_tests(tmp_path)
    data = page.cells[0].settings.dataset
    known = {recorded_as("mine", one): data.statistics(one) for one in ("train", "val")}
    for name in ("train", "val"):
        (tmp_path / "data" / f"{name}.json").unlink()
    seen = {name: one for name, one in known.items() if one is not None}
    assert load_grid(page.path, statistics=seen).cells[0].settings == page.cells[0].settings


def test_tiles_that_cannot_overlap_are_refused_at_their_line(tmp_path: Path) -> None:
    more = ", evaluation: {tiles: [64, 64], tile_overlap: 64}"
    with pytest.raises(BadInput, match=r"g\.yaml.*tiles of 64 x 64 pixels cannot overlap by 64"):
        larger_tests(tmp_path, more)


def test_what_is_decided_stands_and_the_rest_follows_from_it(tmp_path: Path) -> None:
    more = ", schedule: {iterations: 900}, augmentation: {crop: [64, 64]}, resources: {gpus: 0}"
    settings = grid(tmp_path, more).cells[0].settings
    assert settings.schedule.iterations == 900
    assert settings.distillation.burn_in == 180
    assert settings.augmentation.crop == (64, 64)
    assert settings.augmentation.test_short_edge == 64
    assert settings.resources.gpus == 0


def test_student_and_teacher_have_the_same_and_receipts_tell_from_what(tmp_path: Path) -> None:
    page = grid(tmp_path)
    (cell,) = page.cells
    assert cell.supervised is not None
    assert cell.supervised.schedule == cell.settings.schedule
    found = {setting.name: setting for setting in page.resolved_settings(cell)}
    length = found["schedule.iterations"]
    assert (length.source, length.where) == ("derived", "derived from mine")
    assert length.how == "50 passes over 4 images, 10,000 at least"
    assert found["schedule.warmup"].source == "default"


def test_where_the_data_are_not_seen_the_record_answers(tmp_path: Path) -> None:
    page = grid(tmp_path, images=800, size=(500, 700))
    statistics = page.cells[0].settings.dataset.statistics("train")
    assert statistics is not None
    for name in ("train", "val"):
        (tmp_path / "data" / f"{name}.json").unlink()
    again = load_grid(page.path, statistics={"mine": statistics})
    assert again.cells[0].settings == page.cells[0].settings
    assert load_grid(page.path).cells[0].settings.schedule.iterations == 368_750


@pytest.mark.parametrize("name", ["coco", "cityscapes", "shapes", "scenes"])
def test_shipped_data_sets_keep_what_was_published(name: str, tmp_path: Path) -> None:
    (tmp_path / "g.yaml").write_text(
        f"title: T\naxes: {{dataset: [{name}], labels: [5], method: [guided]}}\n"
    )
    page = load_grid(tmp_path / "g.yaml")
    assert page.resolver is not None
    assert page.resolver.derived(page.cells[0].coordinates) == {}
