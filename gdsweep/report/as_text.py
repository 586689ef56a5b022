"""A table for the terminal."""

from rich.cells import cell_len

from gdsweep.report import orderings, wording
from gdsweep.report.display import spans
from gdsweep.report.entries import Entry
from gdsweep.report.tables import Table

GAP = "   "


def as_text(table: Table) -> str:
    """Aligned plain text; the best of a column carries a star."""
    body: list[tuple[list[str], list[str]]] = []
    for row, names in zip(table.rows, wording.labels(table), strict=True):
        body.append((list(names), [_value(entry) for entry in row.entries]))
        for label, texts in wording.lines(row, table):
            body.append(([*[""] * (len(names) - 1), f"  {label}"][: len(names)], texts))
    stub = [
        max([cell_len(title), *(cell_len(labels[i]) for labels, _ in body)])
        for i, title in enumerate(table.stub)
    ]
    titles = [column[-1] if column else table.metric for column in table.columns]
    widths = [
        max([cell_len(title), *(cell_len(texts[i]) for _, texts in body)])
        for i, title in enumerate(titles)
    ]
    head = [*_over(table, stub, widths), _line(list(table.stub), titles, stub, widths)]
    ruler = "─" * max(cell_len(line) for line in head)
    out = [table.caption, "", *head, ruler]
    outer = True
    for labels, texts in body:
        if not outer and len(table.stub) > 1 and labels[0]:
            out.append("")
        outer = False
        out.append(_line(labels, texts, stub, widths))
    out += [ruler, *wording.legend(table, "*")]
    out += [f"[{place}] {note}" for place, note in enumerate(table.notes, 1)]
    if table.orderings:
        checked = wording.orderings(table)
        out += ["", orderings.legend(), *(f"  {outcome:<6}  {text}" for outcome, text in checked)]
    if table.command:
        out += ["", f"Made by: {table.command}"]
    return "\n".join(line.rstrip() for line in out) + "\n"


def _value(entry: Entry) -> str:
    marks = "".join(f" [{note + 1}]" for note in entry.notes)
    return f"{'*' if entry.best else ''}{wording.value(entry)}{marks}"


def _over(table: Table, stub: list[int], widths: list[int]) -> list[str]:
    """Headings over several columns; `widths` grow where one of them needs it."""
    levels = max((len(column) for column in table.columns), default=0)
    outer: list[list[tuple[str, int, int]]] = []
    for level in range(levels - 1):
        groups = spans([column[: level + 1] for column in table.columns])
        for key, first, last in groups:
            lacking = cell_len(key[-1]) - _width(widths, first, last)
            widths[last] += max(lacking, 0)
        outer.append([(key[-1], first, last) for key, first, last in groups])
    margin = [" " * width for width in stub]
    lines = []
    if table.headings:
        title = " / ".join(table.headings)
        lacking = cell_len(title) - _width(widths, 0, len(widths) - 1)
        widths[-1] += max(lacking, 0)
        lines.append(GAP.join([*margin, _centred(title, _width(widths, 0, len(widths) - 1))]))
    for over in outer:
        texts = [_centred(text, _width(widths, first, last)) for text, first, last in over]
        rules = ["─" * _width(widths, first, last) for _, first, last in over]
        lines += [GAP.join([*margin, *texts]), GAP.join([*margin, *rules])]
    return lines


def _width(widths: list[int], first: int, last: int) -> int:
    return sum(widths[first : last + 1]) + len(GAP) * (last - first)


def _line(labels: list[str], texts: list[str], stub: list[int], widths: list[int]) -> str:
    left = [text + " " * (width - cell_len(text)) for text, width in zip(labels, stub, strict=True)]
    right = [
        " " * (width - cell_len(text)) + text for text, width in zip(texts, widths, strict=True)
    ]
    return GAP.join([*left, *right])


def _centred(text: str, width: int) -> str:
    before = (width - cell_len(text)) // 2
    return " " * before + text + " " * (width - cell_len(text) - before)
