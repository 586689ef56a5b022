"""A table in Markdown."""

import re

from gdsweep.report import wording
from gdsweep.report.entries import Entry
from gdsweep.report.fitting import Form, body
from gdsweep.report.tables import Table


def as_markdown(table: Table) -> str:
    """Pipe tables, one a subtable; header levels are joined, the best of a block is bold."""
    out = [f"**{escape(table.caption)}**"]
    for part in table.parts:
        out += ["", *([f"{escape(part.caption)}", ""] if table.subtables else []), *_table(part)]
    headings = dict.fromkeys(" / ".join(part.headings) for part in table.parts)
    said = [f"Columns: {heading}." for heading in headings if heading]
    out += ["", *(f"- {escape(line)}" for line in [*said, *wording.key(table, "Bold")])]
    out += [f"- [{place}] {escape(note)}" for place, note in enumerate(table.notes, 1)]
    if table.command:
        out += ["", f"Made by: `{table.command}`"]
    return "\n".join(out) + "\n"


def _table(table: Table) -> list[str]:
    stub = [escape(title) for title in table.stub]
    titles = [escape(", ".join(column) if column else table.metric) for column in table.columns]
    out = [
        _line([*stub, *titles]),
        _line([*["---"] * len(stub), *["---:"] * len(titles)]),
    ]
    for line in body(table, Form()):
        entries = line.row.entries if line.row else ()
        shown = (
            [_value(entry) for entry in entries]
            if line.shows == "value"
            else [f"*{escape(text)}*" if text else "" for text in map(wording.interval, entries)]
        )
        out.append(_line([*(escape(label.strip()) for label in line.labels), *shown]))
    return out


def _value(entry: Entry) -> str:
    text, published = escape(wording.value(entry)), escape(wording.beside(entry))
    marks = "".join(f" [{note + 1}]" for note in entry.notes)
    return " ".join(filter(None, [(f"**{text}**" if entry.best else text) + marks, published]))


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escape(text: str) -> str:
    """Text with Markdown's own characters made harmless."""
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", text)
