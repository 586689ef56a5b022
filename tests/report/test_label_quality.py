"""The table of pseudo-labels, from metrics made by hand."""

import math
from pathlib import Path
from typing import Any

import pytest

from gdsweep.commands.entry import script
from gdsweep.report import as_text, label_quality, label_quality_table


def given(iteration: int, per_image: float, **percent: float) -> dict[str, float]:
    line = {"iteration": iteration, "pseudo/per_image": per_image}
    return line | {f"pseudo/{key}": value for key, value in percent.items()}


@pytest.fixture
def taught(bench: Any) -> Any:
    """Guided students at 1 %: two seeds measured, the second of them only in part."""
    first = bench.chain(labels=1, method="guided", seed=0)[-1]
    bench.metrics(
        first,
        [
            given(500, 9.0, precision=10.0, coverage=20.0, localisation=30.0),
            given(900, 3.0, precision=60.0, coverage=40.0, localisation=80.0),
            given(1000, 2.0),
        ],
    )
    second = bench.chain(labels=1, method="guided", seed=1)[-1]
    bench.metrics(second, [given(1000, 4.0, precision=math.nan, coverage=0.0)])
    return bench


def test_the_last_measured_value_of_each_kind_counts(taught: Any) -> None:
    frame = label_quality(taught.graph, taught.grid, taught.store)
    rows = frame[frame["labels"] == 1].set_index("seed")
    measures = ["iteration", "per_image", "precision", "coverage", "localisation"]
    assert list(rows.loc[0, measures]) == [1000, 2.0, 60.0, 40.0, 80.0]
    assert list(rows.loc[1, ["per_image", "coverage"]]) == [4.0, 0.0]
    assert math.isnan(rows.loc[1, "precision"])
    assert rows.loc[0, "run"] == taught.find(labels=1, method="guided", seed=0)[1].name


def test_only_what_was_taught_has_a_row(taught: Any) -> None:
    frame = label_quality(taught.graph, taught.grid, taught.store)
    assert set(frame["method"]) == {"guided"}
    assert len(frame) == 6  # two percentages of three seeds, those to be trained too


def test_the_table_has_means_over_seeds_and_says_where_nothing_is(taught: Any) -> None:
    frame = label_quality(taught.graph, taught.grid, taught.store)
    table = label_quality_table(frame, taught.grid)
    assert [row.labels for row in table.rows] == [
        ("COCO", "1 %", "Ours_100%"), ("COCO", "10 %", "Ours_100%"),
    ]  # fmt: skip
    text = as_text(table)
    assert _cells(text, "1 %") == [
        "3.0 ± 1.4 (2/3)", "60.0 (1/3)", "20.0 ± 28.3 (2/3)", "80.0 (1/3)",
    ]  # fmt: skip
    assert _cells(text, "10 %") == ["–"] * 4


def test_collect_writes_it_when_asked(taught: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("collect", [str(taught.path)]) == 0
    assert not Path("results/grid-pseudo-labels.csv").exists()
    assert script("collect", [str(taught.path), "--pseudo-labels"]) == 0
    lines = Path("results/grid-pseudo-labels.csv").read_text().splitlines()
    assert lines[0].startswith("dataset,labels,method,seed,run,iteration,per_image,precision")
    assert "Made by: python collect.py grids/grid.yaml --pseudo-labels" in capsys.readouterr().out


def test_a_grid_without_teachers_has_an_empty_table(new_bench: Any) -> None:
    text = new_bench.GRID.replace("[supervised, guided]", "[supervised]")
    bench = new_bench(text.replace(", guided: Ours_100%", ""))
    frame = label_quality(bench.graph, bench.grid, bench.store)
    assert frame.empty
    assert label_quality_table(frame, bench.grid).rows == ()


def _cells(text: str, labels: str) -> list[str]:
    line = next(line for line in text.splitlines() if f"{labels} " in line and "Ours" in line)
    return [part.strip() for part in line.split("   ")[1:] if part.strip()][-4:]
