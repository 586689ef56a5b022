"""Results: one row a cell, every kind of hole with its reason."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gdsweep.config import METRICS, CellSettings
from gdsweep.grid.names import canonical, leaves
from gdsweep.report import build_table
from gdsweep.report.results import result_columns, results
from gdsweep.runs import lock

GUIDED = {"labels": 1, "method": "guided", "seed": 0}
SUPERVISED = {"labels": 1, "method": "supervised", "seed": 0}


def row(bench: Any, **axes: object) -> dict[str, Any]:
    frame = results(bench.graph, bench.grid, bench.store)
    for axis, value in axes.items():
        frame = frame[frame[axis] == value]
    assert len(frame) == 1
    return frame.iloc[0].to_dict()


def test_one_row_a_cell_in_the_grids_order(bench: Any) -> None:
    frame = results(bench.graph, bench.grid, bench.store)
    assert list(frame.columns) == [
        "dataset",
        "labels",
        "method",
        "seed",
        *result_columns(bench.grid),
    ]
    assert len(frame) == 12
    assert [type(value) for value in frame["labels"][:1]] == [int]
    assert list(frame["seed"][:4]) == [0, 1, 2, 0]


def test_no_axis_can_be_called_as_a_column(bench: Any) -> None:
    columns = set(result_columns(bench.grid)) | METRICS.keys()
    assert not {canonical(target) for target in leaves()} & columns
    assert not set(CellSettings.model_fields) & columns


def test_a_finished_cell_tells_its_provenance(bench: Any) -> None:
    run = bench.score(14.0, 900, **SUPERVISED)
    found = row(bench, **SUPERVISED)
    assert (found["status"], found["why"], found["progress"]) == ("done", "", 1.0)
    assert (found["AP"], found["AP50"], found["run"]) == (14.0, 28.0, run.name)
    assert (found["iteration"], found["network"], found["images"]) == (900, "student", 500)
    assert found["selection"] == "best validation AP"
    assert math.isnan(found["APs"])  # no small object: not a hole
    assert (found["published"], found["delta"]) == (13.5, 0.5)


def test_coco_is_scored_on_its_validation_images(bench: Any) -> None:
    assert row(bench, **SUPERVISED)["split"] == "val"


def test_nothing_there_is_missing(bench: Any) -> None:
    for path in Path("runs").iterdir():
        assert path.name == ".lock"
    found = row(bench, **GUIDED)
    assert (found["status"], found["why"], found["progress"]) == ("new", "missing", 0.0)
    assert math.isnan(found["AP"])
    assert found["published"] == 21.5
    assert math.isnan(found["delta"])


def test_a_store_that_is_not_there(bench: Any) -> None:
    (Path("runs") / ".lock").unlink(missing_ok=True)
    Path("runs").rmdir()
    assert set(results(bench.graph, bench.grid, bench.store)["status"]) == {"new"}
    assert not Path("runs").exists()  # looking makes nothing


def test_a_trained_teacher_counts_for_its_student(bench: Any) -> None:
    bench.score(14.0, 900, **SUPERVISED).best.write_text("{}")
    found = row(bench, **GUIDED)
    # 1,000 of the teacher's 1,000, 400 of burn-in and 600 more iterations
    assert (found["status"], found["progress"]) == ("new", 0.5)
    assert found["why"] == "missing, 50 % trained"


@pytest.fixture
def running(bench: Any) -> Iterator[Any]:
    run = bench.make(bench.chain(**SUPERVISED)[-1].name)
    bench.attempt(run)
    bench.metrics(run, [{"iteration": 600}, {"iteration": 617}])
    bench.state(run, 600)
    with lock.hold(run.lock):
        yield bench


def test_a_running_cell_tells_how_far_it_is(running: Any) -> None:
    found = row(running, **SUPERVISED)
    assert (found["status"], found["why"], found["progress"]) == ("running", "running 61 %", 0.617)


def test_a_cell_runs_while_its_teacher_does(running: Any) -> None:
    found = row(running, **GUIDED)
    teacher = running.chain(**SUPERVISED)[-1].name
    assert (found["status"], found["why"]) == ("running", f"running 30 % (in {teacher})")


def test_a_killed_run_is_interrupted(bench: Any) -> None:
    run = bench.chain(**SUPERVISED)[-1]
    bench.attempt(run)
    bench.state(run, 400)
    found = row(bench, **SUPERVISED)
    assert (found["status"], found["why"]) == ("interrupted", "interrupted at 40 %")


def test_a_failed_run_names_its_log_line_and_blocks_its_students(bench: Any) -> None:
    run = bench.chain(**SUPERVISED)[-1]
    bench.attempt(run, "failed", cause="nan", message="the loss is nan", log="log.txt:123")
    found = row(bench, **SUPERVISED)
    assert found["status"] == "failed"
    assert found["why"] == f"failed: runs/{run.name}/log.txt:123: the loss is nan"
    found = row(bench, **GUIDED)
    assert (found["status"], found["why"]) == ("blocked", f"blocked by {run.name}")


def test_a_failure_after_delivery_blocks_nothing(bench: Any) -> None:
    run = bench.chain(**SUPERVISED)[-1]
    bench.state(run, 1000)
    run.best.write_text("{}")
    bench.attempt(run, "failed", cause="error", message="scoring failed")
    assert row(bench, **GUIDED)["status"] == "new"
    assert row(bench, **SUPERVISED)["status"] == "failed"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ref": 1}', "\x80"])
def test_a_damaged_score_is_a_hole_that_names_the_file(bench: Any, text: str) -> None:
    bench.score(14.0, 900, **SUPERVISED)
    _, run, ref = bench.find(**SUPERVISED)
    run.score(ref).write_bytes(text.encode("latin-1"))
    found = row(bench, **SUPERVISED)
    assert found["status"] == "damaged"
    assert math.isnan(found["AP"])
    assert found["why"].startswith(f"{run.score(ref)}: damaged (")
    assert "\n" not in found["why"]


def test_a_damaged_attempt_is_a_hole_that_names_the_file(bench: Any) -> None:
    run = bench.chain(**SUPERVISED)[-1]
    run.attempt(1).write_text('{"number": 1, ')
    found = row(bench, **SUPERVISED)
    assert found["status"] == "damaged"
    assert found["why"].startswith(f"{run.attempt(1)}: damaged (")


def test_a_record_that_may_not_be_read_is_a_hole(bench: Any) -> None:
    bench.score(14.0, 900, **SUPERVISED)
    _, run, ref = bench.find(**SUPERVISED)
    run.score(ref).unlink()
    run.score(ref).mkdir()
    found = row(bench, **SUPERVISED)
    assert found["why"] == f"{run.score(ref)}: cannot be read (Is a directory)"


def test_a_published_value_that_fits_differing_cells_stands_beside_none(new_bench: Any) -> None:
    text = """
title: Loss weight
axes: {dataset: [coco], labels: [1], method: [guided], lambda_u: [0.5, 2]}
settings: {backbone: resnet50}
published: paper/table.yaml
"""
    bench = new_bench(text)
    frame = results(bench.graph, bench.grid, bench.store)
    assert frame["published"].isna().all()


def test_an_all_null_metric_is_no_hole(new_bench: Any) -> None:
    bench = new_bench("""
title: Small objects
axes: {dataset: [shapes], method: [supervised]}
settings: {backbone: test_resnet}
table: {metric: APs}
""")
    run = bench.score(10.0, 900)
    _, _, ref = bench.find()
    # as the trainer writes it, where pycocotools has no such object
    run.score(ref).write_text(run.score(ref).read_text().replace("NaN", "null"))
    assert math.isnan(row(bench)["APs"])
    (entry,) = (
        build_table(results(bench.graph, bench.grid, bench.store), bench.grid).rows[0].entries
    )
    assert entry.hole == "n/a"
