"""What each format must get right whatever the table."""

import csv
import dataclasses
import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gdsweep.report import (
    as_csv,
    as_latex,
    as_markdown,
    as_text,
    build_table,
    cost_table,
    costs,
    results,
)
from gdsweep.report.as_latex import SPECIAL, escape, label
from gdsweep.report.display import display_name, in_order, iterations
from gdsweep.report.entries import Entry
from gdsweep.report.wording import checkpoint, published, value


def made(bench: Any) -> Any:
    return build_table(results(bench.graph, bench.grid, bench.store), bench.grid, "python x.py")


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (Entry(mean=37.53, done=1, of=1), "37.5"),
        (Entry(mean=37.53, spread=3.94, done=3, of=3), "37.5 ± 3.9"),
        (Entry(mean=37.53, done=1, of=3), "37.5 (1/3)"),
        (Entry(hole="… 61 %", of=3), "… 61 %"),
        (Entry(), ""),
    ],
)
def test_values(entry: Entry, text: str) -> None:
    assert value(entry) == text


def test_what_stands_under_a_value() -> None:
    entry = Entry(mean=37.5, done=2, of=2, checkpoints=(3500, 4000), published=38.0)
    assert checkpoint(entry) == "@ 3,500–4,000"
    assert published(entry) == "38.0 (-0.5)"
    assert published(dataclasses.replace(entry, mean=37.98)) == "38.0 (+0.0)"
    assert iterations([12]) == "12"


def test_values_are_shown_as_the_field_writes_them() -> None:
    assert display_name("labels", 0.4, {}) == "0.4 %"
    assert display_name("labels", 5, {"labels": {5: "five"}}) == "five"
    assert display_name("lambda_u", 2.0, {}) == "2"
    assert display_name("suppress_overlap", None, {}) == "none"


def test_orders() -> None:
    assert in_order([("b", 10), ("a", 5), ("b", 0.4), ("b", 10)]) == [
        ("b", 0.4),
        ("b", 10),
        ("a", 5),
    ]
    assert in_order([(), ()]) == [()]
    assert in_order([]) == []


def test_latex_escapes_everything_that_latex_reads() -> None:
    assert escape(r"50 % of a_b & c\d {x} #1 ~^$ [9]") == (
        r"50\,\% of a\_b \& c\textbackslash{}d \{x\} \#1 "
        r"\textasciitilde{}\textasciicircum{}\$ {[}9{]}"
    )
    assert escape("λ_u ± –") == r"$\lambda_u$ $\pm$ --"
    assert label("grid_1.é") == "grid-1--"


def test_every_row_of_a_format_has_as_many_cells(partial: Any) -> None:
    table = made(partial)
    rows = [line for line in as_markdown(table).splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {4}
    tex = as_latex(table)
    body = tex[tex.index(r"\midrule") : tex.index(r"\bottomrule")]
    assert {line.count(" & ") for line in body.splitlines() if line.endswith(r"\\")} == {2}


def test_text_columns_are_aligned(partial: Any) -> None:
    lines = as_text(made(partial)).splitlines()
    ruler = next(line for line in lines if set(line) == {"─"})
    assert max(len(line) for line in lines[: lines.index(ruler) + 1]) == len(ruler)
    (ours,) = [line for line in lines if line.startswith("Mask2Former")]
    assert len(ours) == len(ruler)


def test_csv_is_plain_and_keeps_numbers_as_they_are(partial: Any) -> None:
    frame = results(partial.graph, partial.grid, partial.store)
    text = as_csv(frame, "python x.py")
    back = pd.read_csv(io.StringIO(text))
    assert len(back) == len(frame) == 12
    assert list(back["AP"].dropna()) == list(frame["AP"].dropna())
    first = next(csv.DictReader(io.StringIO(text)))
    assert (first["labels"], first["iteration"], first["made_by"]) == ("1", "900", "python x.py")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not on the PATH")
def test_latex_compiles(partial: Any, tmp_path: Path) -> None:
    table = made(partial)
    signs = "".join(SPECIAL).replace("$", "")  # the dollar's font is not in a small TeX
    every = dataclasses.replace(table, caption=signs, notes=(signs,))
    flat = dataclasses.replace(
        table, stub=(), rows=tuple(dataclasses.replace(row, labels=()) for row in table.rows)
    )
    cost = cost_table(costs(partial.graph, partial.grid, partial.store), partial.grid)
    document = "\n".join(
        [
            r"\documentclass{article}",
            r"\usepackage{booktabs}",
            r"\begin{document}",
            *map(as_latex, (table, every, flat, cost)),
            r"\end{document}",
        ]
    )
    (tmp_path / "table.tex").write_text(document)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "table.pdf").stat().st_size > 0
