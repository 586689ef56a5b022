"""The table behind every format: means, spreads, bests, quoted rows, notes."""

from typing import Any

import pytest

from gdsweep.report import build_table, results
from gdsweep.report.tables import Table


def table(bench: Any) -> Table:
    return build_table(results(bench.graph, bench.grid, bench.store), bench.grid)


def entries(made: Table, label: str) -> Any:
    (row,) = [row for row in made.rows if row.labels[-1] == label]
    return row.entries


def test_mean_and_spread_over_seeds_by_hand(partial: Any) -> None:
    one, ten = entries(table(partial), "Mask2Former")
    # 12, 14, 16: mean 14, deviations -2 0 2, sample variance 8 / 2
    assert (one.mean, one.spread, one.done, one.of) == (14.0, 2.0, 3, 3)
    # 30, 31: mean 30.5, sample variance (0.25 + 0.25) / 1
    assert ten.mean == 30.5
    assert ten.spread == pytest.approx(0.5**0.5)
    assert (ten.done, ten.of) == (2, 3)
    assert one.checkpoints == (900, 800, 1000)


def test_published_values_and_deltas(partial: Any) -> None:
    one, ten = entries(table(partial), "Ours_100%")
    assert (one.mean, one.published, one.delta) == (22.0, 21.5, 0.5)
    assert (ten.mean, ten.published, ten.delta) == (None, 35.0, None)


def test_columns_are_in_order_with_their_shown_names(partial: Any) -> None:
    made = table(partial)
    assert made.columns == (("COCO", "1 %"), ("COCO", "10 %"))
    assert made.headings == ("Dataset", "Labels")


def test_quoted_rows_come_first_and_are_marked(partial: Any) -> None:
    made = table(partial)
    assert [row.labels for row in made.rows] == [
        ("Polite Teacher - R50 [9] †",),
        ("Mask2Former",),
        ("Ours_100%",),
    ]
    assert [entry.mean for entry in made.rows[0].entries] == [18.3, None]
    assert made.rows[0].entries[1].hole == ""  # the paper's dash is no hole of ours


def test_the_best_of_a_column_counts_quoted_rows_too(partial: Any) -> None:
    made = table(partial)
    assert [[entry.best for entry in row.entries] for row in made.rows] == [
        [False, False],
        [False, False],  # alone in its column, nothing to be better than
        [True, False],
    ]


def test_holes_of_some_seeds_are_numbered_notes(partial: Any) -> None:
    made = table(partial)
    _, ten = entries(made, "Mask2Former")
    (note,) = ten.notes
    assert made.notes[note].startswith("seed 2 failed: runs/coco-10pct-")
    assert "log.txt:123: the loss is nan" in made.notes[note]
    (note,) = entries(made, "Ours_100%")[0].notes
    # the teacher's 1,000, the burn-in's 400 and 200 of 600 iterations
    assert made.notes[note] == "seed 2 interrupted at 80 %"


def test_a_hole_of_all_seeds_shows_the_worst_and_explains(partial: Any) -> None:
    made = table(partial)
    ten = entries(made, "Ours_100%")[1]
    assert ten.hole == "✗ blocked"
    (note,) = ten.notes
    first, second, third = made.notes[note].split("; ")
    assert first == "seed 0 interrupted at 65 %"
    assert second == "seed 1 missing, 50 % trained"
    assert third.startswith("seed 2 blocked by coco-10pct-resnet50-supervised-s2-")


def test_an_interrupted_cell_is_called_what_the_status_calls_it(bench: Any) -> None:
    run = bench.chain(labels=10, method="supervised", seed=0)[-1]
    bench.attempt(run, "stopped")
    bench.state(run, 400)
    made = table(bench)
    assert "interrupted 13 %" in [e.hole for row in made.rows for e in row.entries]
    assert "interrupted: begun and not running; another launch goes on from there." in made.legend


def test_the_legend_says_network_rule_split_and_seeds(partial: Any) -> None:
    legend = table(partial).legend
    assert legend[0] == (
        "Mask AP on the validation images, in percent; student network, best validation AP."
    )
    assert legend[1] == (
        "Mean ± standard deviation over 3 seeds; (1/2): over those that are there, of those that "
        "the grid asks for."
    )


def test_differing_networks_are_told_number_by_number(new_bench: Any) -> None:
    bench = new_bench("""
title: Which network
axes:
  dataset: [shapes]
  method: [guided]
  evaluation.network: [student, teacher]
settings: {backbone: test_resnet, schedule: {iterations: 1000}, distillation: {burn_in: 400}}
table: {rows: [method], columns: [evaluation.network]}
""")
    bench.score(10.0, 900, **{"evaluation.network": "student"})
    bench.score(11.0, 900, **{"evaluation.network": "teacher"})
    made = table(bench)
    (row,) = made.rows
    assert [made.notes[entry.notes[0]] for entry in row.entries] == [
        "student network, best validation AP",
        "teacher network, best validation AP",
    ]
    assert made.legend[0] == "Mask AP on the test images, in percent."
    assert "Every checkpoint is that of iteration 900." in made.legend


def test_labels_in_rows_are_not_compared_with_one_another(new_bench: Any) -> None:
    bench = new_bench("""
title: Down the side
axes: {dataset: [shapes], labels: [10, 0.4], method: [supervised]}
settings: {backbone: test_resnet}
table: {rows: [labels, method], columns: []}
""")
    bench.score(10.0, 900, labels=10)
    bench.score(5.0, 900, labels=0.4)
    made = table(bench)
    assert [row.labels for row in made.rows] == [("0.4 %", "supervised"), ("10 %", "supervised")]
    assert made.columns == ((),)
    assert not any(row.entries[0].best for row in made.rows)


def test_a_combination_the_grid_leaves_out_is_blank(new_bench: Any) -> None:
    bench = new_bench("""
title: Uneven
axes:
  dataset: [shapes]
  labels: [5, 10]
  method: [supervised, guided]
settings: {backbone: test_resnet}
except: [{labels: 10, method: guided}]
""")
    guided = entries(table(bench), "guided")
    assert [(entry.of, entry.hole) for entry in guided] == [(1, "–"), (0, "")]


def test_a_metric_without_objects_is_no_hole(new_bench: Any) -> None:
    bench = new_bench("""
title: Small objects
axes: {dataset: [shapes], method: [supervised]}
settings: {backbone: test_resnet}
table: {metric: APs, rows: [method]}
""")
    bench.score(10.0, 900)
    made = table(bench)
    (entry,) = made.rows[0].entries
    assert (entry.mean, entry.hole, entry.notes) == (None, "n/a", ())
    assert "n/a: no object of that size in these images." in made.legend


def test_quoted_rows_of_other_data_stay_out(new_bench: Any) -> None:
    bench = new_bench("""
title: Another data set
axes: {dataset: [shapes], labels: [1, 10], method: [supervised]}
settings: {backbone: test_resnet}
table: {rows: [method], columns: [labels]}
published: paper/table.yaml
""")
    assert [row.quoted for row in table(bench).rows] == [False]


def test_quoted_rows_stand_in_their_group(new_bench: Any) -> None:
    bench = new_bench("""
title: Two levels of rows
axes: {dataset: [shapes, coco], labels: [1, 10], method: [supervised]}
settings: {backbone: resnet50}
table: {rows: [dataset, method], columns: [labels]}
published: paper/table.yaml
""")
    assert [row.labels for row in table(bench).rows] == [
        ("shapes", "supervised"),
        ("coco", "Polite Teacher - R50 [9] †"),
        ("coco", "supervised"),
    ]
