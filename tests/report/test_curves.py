"""Training curves follow a cell's whole path."""

from dataclasses import replace
from typing import Any

import pytest

from gdsweep.report import curves

GUIDED = {"labels": 1, "method": "guided", "seed": 0}


@pytest.fixture
def trained(bench: Any) -> Any:
    _, guided, student = bench.chain(**GUIDED)
    bench.metrics(
        guided,
        [
            {"iteration": 200, "total_loss": 8.0, "pseudo/per_image": 1.5},
            {"iteration": 400, "segm/AP": 12.0, "pseudo/precision": 80.0, "pseudo/coverage": 30.0},
            {"iteration": 600, "segm/AP": 99.0},  # beyond the exit: another cell's
        ],
    )
    bench.metrics(
        student,
        [
            {"iteration": 401, "total_loss": 6.0},
            {"iteration": 402, "total_loss": 4.0},
            {"iteration": 500, "segm/AP": 14.0, "teacher/segm/AP": 15.0},
        ],
    )
    return bench


def test_a_students_curve_begins_in_its_burn_in(trained: Any) -> None:
    frame = curves(trained.graph, trained.grid, trained.store)
    assert set(frame["burn_in"]) == {400}
    assert set(frame["panel"]) == {"1 %"}
    assert set(frame["line"]) == {"Ours_100%"}
    known = frame[frame["student"].notna()]
    assert list(zip(known["iteration"], known["student"], strict=True)) == [
        (400, 12.0),
        (500, 14.0),
    ]
    assert list(frame["teacher"].dropna()) == [15.0]
    assert list(frame["pseudo"].dropna()) == [1.5]
    assert list(frame["precision"].dropna()) == [80.0]
    assert list(frame["coverage"].dropna()) == [30.0]


def test_a_figure_of_another_metric_has_its_curve(trained: Any) -> None:
    _, _, student = trained.chain(**GUIDED)
    trained.metrics(student, [{"iteration": 500, "segm/AP": 14.0, "segm/AP50": 28.0}])
    layout = replace(trained.grid.figure, kind="validation-curves", metric="AP50")
    frame = curves(trained.graph, trained.grid, trained.store, layout)
    assert list(frame["student"].dropna()) == [28.0]


def test_losses_are_averaged_over_stretches(trained: Any) -> None:
    frame = curves(trained.graph, trained.grid, trained.store)
    known = frame[frame["loss"].notna()]
    # a stretch is 1000 // 150 = 6 iterations: 401 lies in 396-401, 402 in the next
    assert list(zip(known["iteration"], known["loss"], strict=True)) == [
        (200.0, 8.0),
        (401.0, 6.0),
        (402.0, 4.0),
    ]
    _, _, student = trained.chain(**GUIDED)
    trained.metrics(
        student,
        [{"iteration": 402, "total_loss": 6.0}, {"iteration": 404, "total_loss": 4.0}],
    )
    frame = curves(trained.graph, trained.grid, trained.store)
    known = frame[frame["loss"].notna() & (frame["iteration"] > 400)]
    assert list(zip(known["iteration"], known["loss"], strict=True)) == [(403.0, 5.0)]


def test_values_that_are_no_numbers_are_left_out(trained: Any) -> None:
    _, guided, _ = trained.chain(**GUIDED)
    guided.metrics.write_text('{"iteration": 10, "total_loss": NaN, "segm/AP": null}\n{"iter')
    frame = curves(trained.graph, trained.grid, trained.store)
    assert list(frame[frame["iteration"] == 10].index) == []


def test_nothing_measured_is_an_empty_frame(bench: Any) -> None:
    assert curves(bench.graph, bench.grid, bench.store).empty


def test_a_value_named_by_nothing_leaves_no_comma(trained: Any) -> None:
    names = trained.grid.table.names
    names["labels"] = {1: ""}
    frame = curves(trained.graph, trained.grid, trained.store)
    assert set(frame["panel"]) == {""}
