"""The points of the label-efficiency figure."""

import math
from pathlib import Path
from typing import Any

from gdsweep.grid import build_graph, load_grid
from gdsweep.plots.label_efficiency import Comparison
from gdsweep.report import axis_labels, curves, published_levels, results, series, unfinished
from gdsweep.report.series import comparison, quoted_details, short_names


def points(bench: Any) -> dict[tuple[str, str, float], dict[str, Any]]:
    frame = series(results(bench.graph, bench.grid, bench.store), bench.grid, bench.grid.figure)
    return {(r["line"], r["source"], r["x"]): r for r in frame.to_dict("records")}


def test_points_by_hand(partial: Any) -> None:
    found = points(partial)
    assert set(found) == {
        ("Mask2Former", "ours", 1.0),
        ("Mask2Former", "ours", 10.0),
        ("Ours_100%", "ours", 1.0),
        ("Mask2Former", "published", 1.0),
        ("Mask2Former", "published", 10.0),
        ("Ours_100%", "published", 1.0),
        ("Ours_100%", "published", 10.0),
        ("Polite Teacher", "quoted", 1.0),
    }
    one = found["Mask2Former", "ours", 1.0]
    assert (one["mean"], one["spread"], one["values"], one["of"]) == (
        14.0,
        2.0,
        (12.0, 14.0, 16.0),
        3,
    )
    assert found["Ours_100%", "published", 10.0]["mean"] == 35.0
    assert math.isnan(found["Polite Teacher", "quoted", 1.0]["spread"])


def test_what_is_not_finished_is_said(partial: Any) -> None:
    frame = results(partial.graph, partial.grid, partial.store)
    assert unfinished(frame, partial.grid, partial.grid.figure) == (
        "Not finished: Mask2Former 10 % (1 of 3 failed); Ours_100% 1 % (1 of 3 interrupted 80 %); "
        "Ours_100% 10 % (3 of 3 interrupted 65 %, missing, blocked)."
    )


def test_a_finished_grid_has_nothing_to_say(new_bench: Any) -> None:
    bench = new_bench("""
title: One
axes: {dataset: [shapes], labels: [5], method: [supervised]}
settings: {backbone: test_resnet}
figure: {}
""")
    bench.score(10.0, 900)
    frame = results(bench.graph, bench.grid, bench.store)
    assert unfinished(frame, bench.grid, bench.grid.figure) == ""
    assert axis_labels(frame, bench.grid, bench.grid.figure) == (
        "Labelled training images (%)",
        "Mask AP (test)",
    )


def test_panels(new_bench: Any) -> None:
    bench = new_bench("""
title: Two panels
axes: {dataset: [shapes, coco], labels: [1, 10], method: [supervised]}
settings: {backbone: resnet50}
figure: {panels: dataset}
published: paper/table.yaml
""")
    frame = series(results(bench.graph, bench.grid, bench.store), bench.grid, bench.grid.figure)
    assert set(frame["panel"]) == {"coco"}  # published and quoted points are COCO's alone
    assert set(frame["source"]) == {"published", "quoted"}


def test_lines_of_two_axes(new_bench: Any) -> None:
    bench = new_bench("""
title: Figure 6
axes:
  dataset: [coco]
  labels: [1]
  "method, strong": [[guided, colour], [guided, none], [supervised, none]]
settings: {backbone: resnet50, schedule: {iterations: 1000}, distillation: {burn_in: 400}}
table:
  rows: [method, strong]
  names: {method: {guided: ""}, strong: {colour: Ours, none: Same}}
figure: {kind: validation-curves, lines: [method, strong]}
published: paper/table.yaml
""")
    for strong, method, ap in (("colour", "guided", 20.0), ("none", "supervised", 13.0)):
        run = bench.chain(method=method, strong=strong)[-1]
        bench.metrics(run, [{"iteration": 500, "segm/AP": ap}])
    frame = curves(bench.graph, bench.grid, bench.store, bench.grid.figure)
    found = frame.loc[frame["iteration"] == 500, ["panel", "line", "network", "student"]]
    # how a supervised line's unlabelled images would be augmented is nobody's question
    assert found.to_numpy().tolist() == [
        ["", "Ours", "student", 20.0],
        ["", "supervised", "student", 13.0],
    ]
    rows = results(bench.graph, bench.grid, bench.store)
    levels = published_levels(rows, bench.grid, bench.grid.figure)
    # the paper's guided number fits two of our lines, so it is neither's
    assert levels == {("", "supervised"): 13.5}
    assert unfinished(rows, bench.grid, bench.grid.figure).startswith("Not finished: ")


def test_a_label_efficiency_line_per_method_and_backbone(new_bench: Any) -> None:
    bench = new_bench("""
title: Figure 1
axes:
  dataset: [coco]
  labels: [1, 10]
  method: [supervised, guided]
  backbone: [resnet50, swin-tiny]
figure: {lines: [method, backbone]}
published: paper/table.yaml
""")
    bench.score(20.0, 900, labels=1, method="guided", backbone="swin-tiny")
    frame = series(results(bench.graph, bench.grid, bench.store), bench.grid, bench.grid.figure)
    found = {(r["line"], r["source"], r["x"]): r["mean"] for r in frame.to_dict("records")}
    assert found["guided swin-tiny", "ours", 1.0] == 20.0
    assert found["guided resnet50", "published", 10.0] == 35.0
    assert ("guided swin-tiny", "published", 1.0) not in found


def test_figure_1_singles_out_what_the_paper_claims(bench: Any, root: Path) -> None:
    grid = load_grid(root / "grids" / "figure1.yaml")
    graph = build_graph(grid.cells)
    frame = results(graph, grid, bench.store)
    assert grid.figure is not None
    ours = "Guided distillation (ours)"
    found = comparison(frame, grid, grid.figure)
    assert found == Comparison("COCO", ours, 1.0, "Polite Teacher", 10.0)
    assert quoted_details(grid, grid.figure) == "Quoted methods: R50 (IN-1k)."
    points = series(frame, grid, grid.figure)
    quoted = points[points["source"] == "quoted"]
    supervised = dict(zip(quoted["line"], quoted["supervised"], strict=True))
    assert supervised == {
        "CenterMask2": True,
        "DD": False,
        "Mask-RCNN": True,
        "Noisy Boundaries": False,
        "Polite Teacher": False,
    }


def test_a_short_name_is_one_methods_alone() -> None:
    rows = ["Ours - R50 (IN-1k)", "Ours - Swin-L", "DD - R50 [23]", "Standard [9]"]
    assert short_names(rows) == {
        "Ours - R50 (IN-1k)": "Ours - R50 (IN-1k)",
        "Ours - Swin-L": "Ours - Swin-L",
        "DD - R50 [23]": "DD",
        "Standard [9]": "Standard [9]",
    }
