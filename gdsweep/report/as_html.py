"""The page: one file with a grid's tables, receipts, curves and pictures, to be worked with.

It needs no network, follows light and dark, and prints. `html_table` writes the tables, which stand
there without any script; `html_details` holds what scripts draw when it is asked for. Scripts and
style are in `page/`, one script a concern: `table.js` sorts and filters, `receipts.js` opens a
number, `curves.js` compares runs, `pictures.js` opens pictures large. `page/uplot/` is a library
that draws curves, with its licence, its version and how to update it.
"""

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd

from gdsweep.plan.hours import ProcessorHours
from gdsweep.report import check, orderings, wording
from gdsweep.report.html_details import as_script, details
from gdsweep.report.html_table import table_markup
from gdsweep.report.receipts import Receipt
from gdsweep.report.tables import Table

PARTS = Path(__file__).parent / "page"
"""Folder of the scripts and the style, which are put into every page."""
SCRIPTS = ("elements.js", "table.js", "receipts.js", "curves.js", "pictures.js", "page.js")
"""The page's scripts, in the order in which they stand in it."""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
"""What a browser lets the page do: nothing of it comes from elsewhere."""


@dataclass(frozen=True)
class Picture:
    """A figure that the page carries in itself."""

    title: str
    caption: str
    content: bytes
    """PNG."""


def as_html(
    table: Table,
    receipts: Mapping[int, Receipt],
    *,
    folder: Path,
    pictures: Sequence[Picture] = (),
    sources: Sequence[str] = (),
    beside: Mapping[str, Table] | None = None,
    curves: pd.DataFrame | None = None,
    period: float | None = None,
) -> str:
    """The page that will lie in `folder`, from where its links lead to logs and checkpoints.

    `receipts` are those of the grid's cells by their place; `sources` say where the published
    values are printed; `beside` are further tables by their heading; `curves` are those of
    `report.curves`. With `period` the page loads itself again every so many seconds.
    """
    drawn = curves is not None and not curves.empty
    sections = {
        "table": ("Table", table_markup(table, "number")),
        "orderings": ("Orderings", _orderings(table)),
        "curves": ("Curves", '<div class="curves"></div>' if drawn else ""),
        "figures": ("Figures", "".join(_picture(picture) for picture in pictures)),
        **{
            f"beside-{place}": (name, table_markup(other, f"beside-{place}-number"))
            for place, (name, other) in enumerate((beside or {}).items(), 1)
        },
        "runs": ("Runs", '<div class="runs"></div>' if receipts else ""),
        "provenance": ("Provenance", _provenance(table, receipts, sources)),
    }
    present = {key: value for key, value in sections.items() if value[1]}
    links = "".join(f'<a href="#{key}">{escape(name)}</a>' for key, (name, _) in present.items())
    body = "".join(
        f'<section id="{key}"><h2>{escape(name)}</h2>{content}</section>\n'
        for key, (name, content) in present.items()
    )
    data = {"name": table.name, "period": period, **details(receipts, curves, folder)}
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        f"<title>{escape(table.caption)}</title>\n<style>\n{_styles(drawn)}</style>\n</head>\n"
        f'<body>\n<nav aria-label="Sections">{links}</nav>\n'
        f'<header><p class="kicker">{escape(table.name)}</p><h1>{escape(table.caption)}</h1>'
        f'<p class="state">{escape(_state(table))}</p></header>\n'
        "<noscript><p>Receipts, curves, sorting and filtering need JavaScript; the tables do not."
        f"</p></noscript>\n<main>\n{body}</main>\n"
        f'<script type="application/json" id="data">{as_script(data)}</script>\n'
        f"<script>\n{_scripts(drawn)}</script>\n</body>\n</html>\n"
    )


def _styles(with_curves: bool) -> str:
    files = ([PARTS / "uplot" / "uPlot.min.css"] if with_curves else []) + [PARTS / "page.css"]
    return "".join(f"{file.read_text(encoding='utf-8').strip()}\n" for file in files)


def _scripts(with_curves: bool) -> str:
    """The page's scripts, behind the library and its licence where there are curves to draw."""
    library = PARTS / "uplot"
    licence = f"/*\n{(library / 'LICENSE').read_text(encoding='utf-8').strip()}\n*/"
    own = "".join((PARTS / name).read_text(encoding="utf-8") for name in SCRIPTS)
    drawing = (library / "uPlot.iife.min.js").read_text(encoding="utf-8").strip()
    before = f"{licence}\n{drawing}\n" if with_curves else ""
    return f'{before}(() => {{\n"use strict";\n{own}}})();\n'


def _state(table: Table) -> str:
    entries = [entry for row in table.rows if not row.quoted for entry in row.entries if entry.of]
    done, of = sum(entry.done for entry in entries), sum(entry.of for entry in entries)
    said = f"{done} of {of} scores are there."
    published = any(entry.published is not None for entry in entries)
    return f"{said} {check.summary(table)}." if published or table.orderings else said


def _orderings(table: Table) -> str:
    """The claims by how they fared: those that fail are read first, those that hold are folded."""
    told: dict[str, list[str]] = {}
    outcome = ""
    for found, text in wording.orderings(table):
        outcome = found or outcome  # the pairs that fail follow their claim, without an outcome
        told.setdefault(outcome, []).append(f"<li>{escape(text)}</li>")
    counts = Counter(checked.outcome for checked in table.orderings)
    folds = "".join(
        f"<details{' open' if outcome in ('fails', 'partly') else ''}><summary>"
        f'<span class="verdict {outcome}">{outcome}</span> {counts[outcome]}</summary>'
        f"<ul>{''.join(told[outcome])}</ul></details>"
        for outcome in ("fails", "partly", "tie", "holds", "open", "absent")
        if outcome in told
    )
    how = "<details><summary>How they are checked</summary>"
    return f"{folds}{how}<p>{escape(orderings.legend())}</p></details>" if told else ""


def _picture(picture: Picture) -> str:
    content = base64.b64encode(picture.content).decode("ascii")
    title = escape(picture.title)
    caption = f"<strong>{title}.</strong> {escape(picture.caption)}"
    # of 200 pixels an inch on paper; the page shows 136
    width = f"width:{int.from_bytes(picture.content[16:20], 'big') * 0.0425:.1f}rem"
    return (
        f'<figure><button type="button" class="picture" title="{title}: open large">'
        f'<img alt="{title}" style="{width}" decoding="async" '
        f'src="data:image/png;base64,{content}"></button>'
        f"<figcaption>{caption}</figcaption></figure>\n"
    )


def _provenance(table: Table, receipts: Mapping[int, Receipt], sources: Sequence[str]) -> str:
    runs = {run.name: run for receipt in receipts.values() for _, run in receipt.chain}
    codes = dict.fromkeys(dict(run.facts)["code"] for run in runs.values() if run.attempts)
    facts = [
        ("made by", table.command),
        ("runs", f"{sum(bool(run.attempts) for run in runs.values())} of {len(runs)} begun"),
        ("spent", str(sum((run.hours for run in runs.values()), ProcessorHours()))),
        ("code", "; ".join(codes)),
        ("published in", "; ".join(sources)),
    ]
    items = "".join(
        f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in facts if text
    )
    return f"<dl>{items}</dl>"
