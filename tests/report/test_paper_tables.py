"""The paper's seven grids, filled by hand: as a paper prints them, and as wide as their place.

After a wanted change: `REGENERATE=1 pytest tests/report/test_paper_tables.py`, then read the diff.
"""

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gdsweep.errors import BadInput
from gdsweep.grid import Graph, graph_of, load_grid
from gdsweep.plan.cells import CellStanding
from gdsweep.report import as_latex, as_markdown, as_notes, as_text, build_table, clean, results
from gdsweep.report.tables import Table
from gdsweep.runs import Score, Store

GRIDS = Path(__file__).parents[2] / "grids"
EXPECTED = Path(__file__).parent / "expected"
PAPER = ("table3", "table4", "table5", "table6", "table7", "figure1", "figure6")
METRICS = ("AP", "AP50", "AP75", "APs", "APm", "APl")


def fill(path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    """The table of a grid whose cells all have a number, most of them near the published one."""
    grid, dice = load_grid(path), random.Random(path.stem)
    published = grid.published_values()

    def standings(graph: Graph, store: Store) -> list[CellStanding]:
        found = []
        for place, (_, run, ref) in enumerate(graph.results):
            ap = published[place].reference if place in published else 20.0
            ap += dice.gauss(0, 0.4) - 9.0 * (place == 3)  # one is far below
            score = Score(
                ref=ref, iteration=1000, metrics=dict.fromkeys(METRICS, ap), images=500,
                instances=900, predictions=None,
            )  # fmt: skip
            found.append(CellStanding("done", "", 1, 1, 0.0, run, score=score))
        return found

    monkeypatch.setattr(sys.modules[results.__module__], "cell_standings", standings)
    frame = results(graph_of([grid]), grid, Store("runs"))
    return build_table(frame, grid, f"python collect.py {path.stem}")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Table]]:
    """The seven, and Table 3 with three seeds and with two metrics."""
    folder = tmp_path_factory.mktemp("grids")
    table3 = (GRIDS / "table3.yaml").read_text().replace("paper/table3", f"{GRIDS}/paper/table3")
    (folder / "seeds.yaml").write_text(table3.replace("axes:", "axes:\n  seed: [0, 1, 2]"))
    (folder / "metrics.yaml").write_text(table3.replace("table:", "table:\n  metrics: [AP, AP50]"))
    paths = [*(GRIDS / f"{name}.yaml" for name in PAPER), *sorted(folder.iterdir())]
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield {path.stem: fill(path, monkeypatch) for path in paths}


@pytest.mark.parametrize(
    "name",
    ["table3.txt", "table3-80.txt", "table3.md", "table3.tex", "table3-clean.tex", "seeds.tex",
     "table3-notes.txt", "table5.tex", "figure1.txt"],
)  # fmt: skip
def test_text_is_as_expected(tables: dict[str, Table], name: str) -> None:
    table = tables[re.split(r"[-.]", name)[0]]
    makers = {
        "-80.txt": lambda: as_text(table, 80),
        "-notes.txt": lambda: as_notes(table),
        "-clean.tex": lambda: as_latex(clean(table)),
        ".txt": lambda: as_text(table),
        ".md": lambda: as_markdown(table),
        ".tex": lambda: as_latex(table),
    }
    text = next(make for end, make in makers.items() if name.endswith(end))()
    if os.environ.get("REGENERATE"):
        (EXPECTED / name).write_text(text)
    assert text == (EXPECTED / name).read_text(), f"{name} differs; see this file's docstring"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not on the PATH")
def test_nothing_is_wider_than_two_columns_or_higher_than_a_page(
    tables: dict[str, Table], tmp_path: Path
) -> None:
    long = "\n".join(
        f"{as_latex(table)}\\clearpage\n{as_latex(clean(table))}\\clearpage"
        for table in tables.values()
    )
    (tmp_path / "all.tex").write_text(
        "\\documentclass[twocolumn]{article}\\usepackage{booktabs}\\begin{document}\n"
        f"{long}\n\\end{{document}}\n"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    points = [float(found) for found in re.findall(r"Overfull \\[hv]box \(([\d.]+)pt", done.stdout)]
    assert max(points, default=0.0) <= 5.0
    assert "Float too large" not in done.stdout


@pytest.mark.parametrize("width", [60, 80, 120, 160])
def test_text_fits_its_width_and_no_number_is_cut(tables: dict[str, Table], width: int) -> None:
    for table in tables.values():
        text = as_text(table, width)
        assert max(map(len, text.splitlines())) <= width
        shown = re.findall(r"\d+\.\d", text)
        for row in table.rows:
            for entry in row.entries:
                if entry.mean is not None:
                    assert f"{entry.mean:.1f}" in shown
                if entry.published is not None:
                    assert f"{entry.printed[0]:.1f}" in shown


def test_subtables_are_those_of_the_paper(tables: dict[str, Table]) -> None:
    parts = tables["table3"].subtables
    assert [part.caption for part in parts] == [
        "(a) Supervised models on Cityscapes.",
        "(b) Supervised models on COCO.",
        "(c) Semi-supervised models on Cityscapes.",
        "(d) Semi-supervised models on COCO.",
    ]
    assert [len(part.columns) for part in parts] == [5, 5, 5, 4]  # (d) has no 100 %
    assert [row.labels for row in parts[3].rows[:4]] == [
        ("DD - R50 (IN-1k) [23] †",),
        ("Noisy Boundaries - R50 (IN-1k) [28] †",),
        ("Polite Teacher - R50 (IN-1k) [9] †",),
        ("Mask2Former, R50 (IN-1k)",),
    ]
    for part in parts:
        for column in range(len(part.columns)):
            assert any(row.entries[column].best for row in part.rows)


def test_the_clean_form_has_our_numbers_only(tables: dict[str, Table]) -> None:
    cleaned = clean(tables["figure1"])
    assert [row.labels for row in cleaned.rows] == [
        ("Supervised",),
        ("Guided distillation (ours)",),
    ]
    text = as_text(cleaned)
    assert not re.search(r"[≈↓↑?†(]\s?\d|published|†", text)
    assert "*" in text


def test_the_best_is_marked_anew_where_a_quoted_row_was(tables: dict[str, Table]) -> None:
    part = tables["table3"].subtables[1]
    quoted = next(row for row in part.rows if row.quoted)
    best = [row for row in clean(part).rows if row.entries[0].best]
    assert quoted not in clean(part).rows
    assert len(best) == 1


SPLIT = """
title: Split
axes: {dataset: [shapes], labels: [1, 10], method: [supervised, guided]}
settings: {backbone: test_resnet}
table: {rows: [method], columns: [labels], SUB}
"""


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("subtables: [dataset]", "dataset is in neither rows nor columns; valid: method, labels"),
        ("subtables: [metod]", "metod is no axis of this grid"),
        (
            "subtables: [method], subcaption: 'On {dataset}'",
            "{dataset} is none of table.subtables; valid: {method}",
        ),
        ("subcaption: 'On {dataset}'", "valid: nothing without subtables"),
    ],
)
def test_what_splits_a_table_is_checked(tmp_path: Path, keys: str, said: str) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(SPLIT.replace("SUB", keys))
    with pytest.raises(BadInput, match=re.escape(said)):
        load_grid(path)


def test_without_a_caption_the_values_name_a_subtable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(SPLIT.replace("SUB", "subtables: [labels]"))
    assert [part.caption for part in fill(path, monkeypatch).subtables] == ["(a) 1 %", "(b) 10 %"]
