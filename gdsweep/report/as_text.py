"""A table for the terminal, as wide as that is."""

import textwrap

from rich.cells import cell_len

from gdsweep.report import wording
from gdsweep.report.display import spans
from gdsweep.report.entries import Entry
from gdsweep.report.fitting import Form, Line, body, fit, heads
from gdsweep.report.tables import Table

WIDTH = 120
"""Columns of a file."""

GAP = "   "

FORMS = (
    Form(),
    Form(plus_minus="±"),
    Form(plus_minus="±", stub=40),
    Form(plus_minus="±", stub=28),
    Form(beside=False),
    Form(beside=False, plus_minus="±"),
    Form(beside=False, plus_minus="±", stub=40),
    Form(beside=False, plus_minus="±", stub=28),
    Form(beside=False, plus_minus="±", stub=20),
)
"""From the most spacious to the narrowest."""


def as_text(table: Table, width: int = WIDTH) -> str:
    """Aligned plain text of at most `width` columns; the best of a block's column has a star."""
    out = wrapped(table.caption, width)
    fitted = fit(table.parts, FORMS, _width, width)
    for part, panels in zip(table.parts, fitted, strict=True):
        out += ["", *(wrapped(part.caption, width) if table.subtables else [])]
        for place, (panel, form) in enumerate(panels):
            out += [*([""] if place else []), *_panel(panel, form)]
    out += [line for said in wording.key(table, "*") for line in wrapped(said, width)]
    for place, note in enumerate(table.notes, 1):
        out += wrapped(f"[{place}] {note}", width)
    if table.command:
        out += ["", f"Made by: {table.command}"]
    return "\n".join(line.rstrip() for line in out) + "\n"


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most `width`, broken between words; what follows the first is indented."""
    return textwrap.wrap(
        text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


Cell = tuple[str, str]
"""Ours, and the published value beside it; each aligned to the right."""


def _panel(table: Table, form: Form) -> list[str]:
    head, lines, ruler = _set(table, form)
    return [*head, ruler, *lines, ruler]


def _width(table: Table, form: Form) -> float:
    return cell_len(_set(table, form)[2])


def _set(table: Table, form: Form) -> tuple[list[str], list[str], str]:
    """Lines of the head, lines of the body, and a rule of their width."""
    body_lines = body(table, form)
    cells = [_cells(line, len(table.columns), form) for line in body_lines]
    ours = [max([cell_len(row[i][0]) for row in cells], default=0) for i in _places(table)]
    theirs = [max([cell_len(row[i][1]) for row in cells], default=0) for i in _places(table)]
    names = heads(table, form)
    stub = [
        max([cell_len(name), *(cell_len(line.labels[i]) for line in body_lines)])
        for i, name in enumerate(names)
    ]
    titles = [column[-1] if column else table.metric for column in table.columns]
    widths = [
        max(cell_len(title), left + right + bool(right))
        for title, left, right in zip(titles, ours, theirs, strict=True)
    ]
    head = [*_over(table, stub, widths), _line(names, titles, stub, widths)]
    texts = [
        [
            f"{_right(left, widths[i] - theirs[i] - bool(theirs[i]))}"
            f"{' ' * bool(theirs[i])}{_right(right, theirs[i])}"
            for i, (left, right) in enumerate(row)
        ]
        for row in cells
    ]
    lines = []
    for line, row in zip(body_lines, texts, strict=True):
        lines += [*([""] if line.begins else []), _line(line.labels, row, stub, widths)]
    return head, lines, "─" * max(cell_len(line) for line in head)


def _places(table: Table) -> range:
    return range(len(table.columns))


def _cells(line: Line, count: int, form: Form) -> list[Cell]:
    if line.row is None:
        return [("", "")] * count
    if line.shows == "published":
        return [(wording.beside(entry), "") for entry in line.row.entries]
    if line.shows == "interval":
        return [(wording.interval(entry), "") for entry in line.row.entries]
    return [_value(entry, form) for entry in line.row.entries]


def _value(entry: Entry, form: Form) -> Cell:
    marks = "".join(f" [{note + 1}]" for note in entry.notes)
    ours = f"{'*' if entry.best else ''}{wording.value(entry, form.plus_minus)}{marks}"
    return ours, wording.beside(entry) if form.beside else ""


def _over(table: Table, stub: list[int], widths: list[int]) -> list[str]:
    """Headings over several columns; `widths` grow where one of them needs it."""
    levels = max((len(column) for column in table.columns), default=0)
    outer: list[list[tuple[str, int, int]]] = []
    for level in range(levels - 1):
        groups = spans([column[: level + 1] for column in table.columns])
        for key, first, last in groups:
            lacking = cell_len(key[-1]) - _over_width(widths, first, last)
            widths[last] += max(lacking, 0)
        outer.append([(key[-1], first, last) for key, first, last in groups])
    margin = [" " * width for width in stub]
    lines = []
    if table.headings:
        title = " / ".join(table.headings)
        lacking = cell_len(title) - _over_width(widths, 0, len(widths) - 1)
        widths[-1] += max(lacking, 0)
        lines.append(GAP.join([*margin, _centred(title, _over_width(widths, 0, len(widths) - 1))]))
    for over in outer:
        texts = [_centred(text, _over_width(widths, first, last)) for text, first, last in over]
        rules = ["─" * _over_width(widths, first, last) for _, first, last in over]
        lines += [GAP.join([*margin, *texts]), GAP.join([*margin, *rules])]
    return lines


def _over_width(widths: list[int], first: int, last: int) -> int:
    return sum(widths[first : last + 1]) + len(GAP) * (last - first)


def _line(labels: tuple[str, ...], texts: list[str], stub: list[int], widths: list[int]) -> str:
    left = [text + " " * (width - cell_len(text)) for text, width in zip(labels, stub, strict=True)]
    right = [_right(text, width) for text, width in zip(texts, widths, strict=True)]
    return GAP.join([*left, *right])


def _right(text: str, width: int) -> str:
    return " " * (width - cell_len(text)) + text


def _centred(text: str, width: int) -> str:
    before = (width - cell_len(text)) // 2
    return " " * before + text + " " * (width - cell_len(text) - before)
