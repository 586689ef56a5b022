"""The paper's grids: what is planned, and that every typed value is the paper's."""

import re
from pathlib import Path
from typing import Any

import pytest

from gdsweep.grid import Cell, Grid, build_graph, load_grid, read_published
from gdsweep.grid.methods import needs

ROOT = Path(__file__).resolve().parents[2]
PAPER = ROOT.parent / "shared" / "paper.txt"
NAMES = ("table3", "table4", "table5", "table6", "table7", "figure1", "figure6")


@pytest.fixture(scope="module")
def grids() -> dict[str, Grid]:
    return {name: load_grid(ROOT / "grids" / f"{name}.yaml") for name in NAMES}


def cells(grid: Grid, **axes: Any) -> list[Cell]:
    return [c for c in grid.cells if all(c.coordinates[k] == v for k, v in axes.items())]


# ---- plans -------------------------------------------------------------------------------------


def test_every_cell_of_the_paper(grids: dict[str, Grid]) -> None:
    counts = {name: len(grid.cells) for name, grid in grids.items()}
    # Table 3: five supervised rows on both, four semi-supervised (none with all of COCO's labels)
    assert counts.pop("table3") == 5 * 10 + 4 * 9
    assert counts == {
        "table4": 5,
        "table5": 5,
        "table6": 2 * 2 + 2,
        "table7": 5 + 4,
        "figure1": 8,
        "figure6": 4,
    }


def test_every_value_of_ours_has_a_cell_and_every_cell_its_value(grids: dict[str, Grid]) -> None:
    for name in ("table3", "table4", "table5", "table6", "table7"):
        grid = grids[name]
        own = [value for value in grid.published if not value.quoted]
        for value in own:
            assert sum(value.matches(cell) for cell in grid.cells) == 1, (name, value)
        known = grid.published_values()
        without = [cell for place, cell in enumerate(grid.cells) if place not in known]
        # Mask R-CNN's published numbers are quoted: a row of their own beside ours
        assert {cell.coordinates["backbone"] for cell in without} <= {"mask-rcnn-resnet50"}
    figure = grids["figure1"]
    assert len(figure.published_values()) == len(figure.cells)


def test_trajectories_are_shared(grids: dict[str, Grid]) -> None:
    every = [cell for grid in grids.values() for cell in grid.cells]
    graph = build_graph(every)
    stretches = [s for cell in every for s in graph.chain(cell)]
    alone = sum(s.last - s.first for s in stretches)
    shared = sum(graph.wanted[name].stop - run.start for name, run in graph.runs.items())
    assert (shared, alone) == (26_371_770, 47_989_270)
    # figures and ablations add runs only where they vary something
    main = set(build_graph(grids["table3"].cells).runs)
    assert set(build_graph(grids["figure1"].cells).runs) <= main
    extra = set(build_graph(grids["table4"].cells).runs) - main
    assert sorted(graph.runs[name].config.objective for name in extra) == ["self-distilled"] * 2
    ours = {
        needs(c)[0][-1].trajectory.name
        for n in ("table4", "table5", "figure6")
        for c in cells(grids[n], method="guided")
    }
    # 5 % (Tables 4, Figure 6) and 10 % (Table 5) of Table 3; three other weights, two other views
    assert len(ours & main) == 2
    assert len(ours - main) == 3 + 2


def test_iterations_and_burn_ins(grids: dict[str, Grid]) -> None:
    """Section 4.1 and Table 2."""
    grid = grids["table3"]
    for dataset, burn_ins in (
        ("cityscapes", {5: 15_000, 10: 25_000, 20: 30_000, 30: 35_000, 100: 50_000}),
        ("coco", {1: 20_000, 2: 25_000, 5: 30_000, 10: 60_000}),
    ):
        for cell in cells(grid, dataset=dataset, method="guided"):
            percent = cell.axes["labels"]
            assert cell.settings.distillation.burn_in == burn_ins[percent]
            doubled = dataset == "cityscapes" and percent == 100
            assert cell.settings.labels.extra == (doubled or dataset == "coco")
            length = {"cityscapes": 90_000, "coco": 368_750}[dataset]
            if dataset == "coco" and cell.axes["backbone"] == "swin-large":
                length = 737_500  # the public code's, see the preset
            assert cell.settings.schedule.iterations == length * (2 if doubled else 1)
            assert cell.supervised is not None
            assert cell.supervised.schedule.iterations == length
    assert {c.settings.batch.labelled for c in grid.cells if c.settings.method == "guided"} == {16}


def test_resources(grids: dict[str, Grid]) -> None:
    """Section 4.1, "Implementation"."""
    for cell in grids["table3"].cells:
        student = cell.settings.method == "guided"
        expected = (1, 8)
        if student and cell.axes["dataset"] == "cityscapes" and cell.axes["backbone"] == "resnet50":
            expected = (1, 4)
        if student and cell.axes["dataset"] == "coco" and cell.axes["backbone"] != "resnet50":
            expected = (2, 8)
        resources = cell.settings.resources
        assert (resources.nodes, resources.gpus) == expected, cell.label


def test_lambda_zero_is_the_supervised_baseline(grids: dict[str, Grid]) -> None:
    (zero,) = [c for c in grids["table5"].cells if c.axes["lambda_u"] == 0]
    (baseline,) = cells(
        grids["table3"], dataset="cityscapes", labels=10, method="supervised", backbone="resnet50"
    )
    assert needs(zero)[0][-1].trajectory.name == needs(baseline)[0][-1].trajectory.name


def test_fixed_backbones(grids: dict[str, Grid]) -> None:
    frozen = [cell for cell in grids["table7"].cells if cell.settings.model.freeze_backbone]
    assert len(frozen) == 4
    assert {c.settings.method for c in grids["table7"].cells} == {"supervised"}


# ---- published values --------------------------------------------------------------------------


def paper() -> str:
    if not PAPER.exists():
        pytest.skip(f"the paper's text is not at {PAPER}")
    return re.sub(r"</?b>", "", PAPER.read_text())


def printed(caption: str) -> list[list[str]]:
    """The rows of the table above a caption, each split at its tabs."""
    before = paper().split(caption)[0].rstrip()
    return [line.split("\t") for line in before.rsplit("\n\n", 1)[1].splitlines()]


def typed(number: str) -> list[tuple[str, str, float]]:
    """Row, column and value of every typed number of a table."""
    values = read_published(ROOT / "grids" / "paper" / f"table{number}.yaml")
    assert {value.table for value in values} == {number}
    assert not any(value.quoted for value in values)
    return [(value.row, value.column, value.value) for value in values]


def test_table_4() -> None:
    _, *rows = printed("Table 4. ")
    assert typed("4") == [(name, "5 %", float(number)) for name, number in rows]


def test_table_5() -> None:
    heads, row = printed("Table 5. ")
    assert typed("5") == [
        (row[0], weight, float(number)) for weight, number in zip(heads[1:], row[1:], strict=True)
    ]


def test_table_6() -> None:
    (_, _, *heads), *rows = printed("Table 6. ")
    assert typed("6") == [
        (f"{data}, {how}", head.replace("%", " %"), float(number))
        for data, how, *numbers in rows
        for head, number in zip(heads, numbers, strict=True)
        if number != "—"
    ]


def test_table_7() -> None:
    (_, _, *heads), *rows = printed("Table 7. ")
    found, group = [], ""
    for first, model, *numbers in rows:
        group = first or group
        found += [
            (f"{group}, {model}", head.replace("%", " %"), float(number))
            for head, number in zip(heads, numbers, strict=True)
            if number != "—"
        ]
    assert typed("7") == found


def test_figure_6_ends_where_table_4_says() -> None:
    values = read_published(ROOT / "grids" / "paper" / "figure6.yaml")
    ends = [(value.row, value.column, value.value) for value in values]
    assert ends
    assert set(ends) <= set(typed("4"))


def test_what_the_text_says_of_the_order() -> None:
    text = paper()
    assert "using cutout underperforms compared to textural based augmentations" in text
    assert "we find it optimal to use  $\\lambda_u = 2$" in text
    assert "consistently outperforms pre-training on the smaller ImageNet-1k" in text


def test_orderings_hold_among_the_published_values(grids: dict[str, Grid]) -> None:
    """A claim that the paper's own numbers do not bear out would be a slip of ours."""
    checked = 0
    for name in NAMES:
        grid = grids[name]
        known = grid.published_values()
        for ordering in grid.claims.orderings:
            places: dict[tuple[object, ...], dict[tuple[object, ...], float]] = {}
            for index, cell in enumerate(grid.cells):
                inside = all(cell.coordinates.get(k) == v for k, v in ordering.axes.items())
                if inside and index in known and name != "figure6":
                    rest = tuple(v for k, v in cell.axes.items() if k not in ordering.ordered)
                    value = tuple(cell.coordinates.get(axis) for axis in ordering.ordered)
                    places.setdefault(rest, {})[value] = known[index].value
            for numbers in places.values():
                for better, worse in ordering.pairs():
                    if better in numbers and worse in numbers:
                        assert numbers[better] > numbers[worse], (ordering.says, better, worse)
                        checked += 1
    assert checked > 30


def test_cells_of_table_3_have_a_published_value_or_a_reason_for_no_verdict(
    grids: dict[str, Grid],
) -> None:
    grid = grids["table3"]
    known = grid.published_values()
    without = [cell for place, cell in enumerate(grid.cells) if place not in known]
    assert {cell.axes["backbone"] for cell in without} == {"mask-rcnn-resnet50"}
    reasons = [value for value in grid.published if value.unjudged is not None]
    for cell in without:
        beside = [
            value
            for value in reasons
            if all(cell.coordinates[a] == v for a, v in {**value.axes, **value.unjudged}.items())
        ]
        assert [value.because for value in beside] == [
            "it is quoted from Noisy Boundaries, trained by mmdetection's recipe; ours is "
            "torchvision's"
        ]


def test_beyond_the_paper_one_big_teacher_serves_all_students(grids: dict[str, Grid]) -> None:
    grid = load_grid(ROOT / "grids" / "beyond.yaml")
    taught = cells(grid, variant="big teacher")
    graph = build_graph(taught)
    teachers = {n for n, run in graph.runs.items() if run.config.objective == "supervised"}
    assert len(taught) == 2 * 2 * 8
    assert len(teachers) == 8  # one of each data set and percentage, for two backbones and methods
    assert all("swin_large" in name for name in teachers)
    # the paper's rows are the runs of Table 3, judged by its values
    paper = cells(grid, variant="paper", backbone="resnet50")
    ours = {needs(cell)[0][-1].trajectory.name for cell in paper}
    theirs = cells(grids["table3"], method="guided", backbone="resnet50")
    assert ours <= {needs(cell)[0][-1].trajectory.name for cell in theirs}
    assert len(grid.published_values()) == 2 * 8
