"""A table in Markdown."""

import re

from gdsweep.report import orderings, wording
from gdsweep.report.entries import Entry
from gdsweep.report.tables import Table


def as_markdown(table: Table) -> str:
    """A pipe table; header levels are joined, the best of a column is bold."""
    stub = [escape(title) for title in table.stub]
    heads = [escape(", ".join(column) if column else table.metric) for column in table.columns]
    out = [
        f"**{escape(table.caption)}**",
        "",
        _line([*stub, *heads]),
        _line([*["---"] * len(stub), *["---:"] * len(heads)]),
    ]
    for row, labels in zip(table.rows, wording.labels(table), strict=True):
        out.append(_line([*map(escape, labels), *(_value(entry) for entry in row.entries)]))
        for label, texts in wording.lines(row, table):
            names = [*[""] * (len(labels) - 1), f"*{label}*"][-len(labels) :] if labels else []
            out.append(_line([*names, *(f"*{escape(t)}*" if t else "" for t in texts)]))
    heading = " / ".join(table.headings)
    legend = wording.legend(table, "Bold")
    out += ["", *(f"- {escape(line)}" for line in [*([f"Columns: {heading}."] if heading else [])])]
    out += [f"- {escape(line)}" for line in legend]
    out += [f"- [{place}] {escape(note)}" for place, note in enumerate(table.notes, 1)]
    if table.orderings:
        checked = wording.orderings(table)
        out += ["", escape(orderings.legend()), ""]
        out += [f"- **{outcome}** {escape(text)}" for outcome, text in checked]
    if table.command:
        out += ["", f"Made by: `{table.command}`"]
    return "\n".join(out) + "\n"


def _value(entry: Entry) -> str:
    text = escape(wording.value(entry))
    marks = "".join(f" [{note + 1}]" for note in entry.notes)
    return (f"**{text}**" if entry.best else text) + marks


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escape(text: str) -> str:
    """Text with Markdown's own characters made harmless."""
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", text)
