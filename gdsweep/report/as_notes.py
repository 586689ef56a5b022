"""What is to be said of a table and is too long to stand under it: a text file of its own."""

from collections.abc import Iterator

from gdsweep.report import check, orderings, wording
from gdsweep.report.as_text import WIDTH, wrapped
from gdsweep.report.entries import Entry
from gdsweep.report.tables import Row, Table


def as_notes(table: Table, width: int = WIDTH) -> str:
    """Reasons of holes, each number with its checkpoint and its published value, orderings."""
    sections = {
        "": table.remarks,
        "Holes": [f"[{place}] {note}" for place, note in enumerate(table.notes, 1)],
        "Number by number": [
            ", ".join(filter(None, (f"{where}: {_number(entry)}", _published(entry))))
            for where, entry in _entries(table)
            if entry.checkpoints or entry.published is not None
        ],
        "Orderings": _orderings(table),
        " ": [f"Made by: {table.command}"] if table.command else [],
    }
    out = wrapped(f"Notes on: {table.caption}", width)
    for heading, lines in sections.items():
        if lines:
            out += ["", *([heading] if heading.strip() else [])]
            out += [part for line in lines for part in wrapped(line, width)]
    return "\n".join(out) + "\n"


def _entries(table: Table) -> Iterator[tuple[str, Entry]]:
    """Our numbers, each with its place in words."""
    ours: list[Row] = [row for row in table.rows if not row.quoted]
    for row in ours:
        for column, entry in enumerate(row.entries):
            yield check.name(table, row, column), entry


def _number(entry: Entry) -> str:
    """`37.5 ± 3.9 @ 3,500–4,000`, or the hole's sign."""
    return " ".join(filter(None, (wording.value(entry), wording.checkpoint(entry))))


def _published(entry: Entry) -> str:
    return f"published {wording.published(entry)}" if entry.published is not None else ""


def _orderings(table: Table) -> list[str]:
    if not table.orderings:
        return []
    checked = wording.orderings(table)
    return [orderings.legend(), *(f"{outcome:<6}  {text}" for outcome, text in checked)]
