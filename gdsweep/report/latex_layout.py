"""Which floats a table takes in a document of two columns, from about how wide and high it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gdsweep.report import wording
from gdsweep.report.display import spans
from gdsweep.report.entries import Entry
from gdsweep.report.fitting import Form, body, fit, heads
from gdsweep.report.latex_widths import BOLD, FOOTNOTE, SCRIPT, em
from gdsweep.report.tables import Table

COLUMN, PAGE, HALF, HEIGHT = 229.0, 469.0, 227.0, 460.0
"""Points of a column, of both, of half of both, and of the height that is left to tables: those
of `article`; the two-column classes of conferences have a little more."""

SEPARATION, LEADING = 3.0, 9.5
"""Points beside each column (`\\tabcolsep`), and from line to line."""

FORMS = (
    Form(beside=False, plus_minus="±"),
    Form(beside=False, plus_minus="±", stub=30),
    Form(beside=False, plus_minus="±", stub=24),
    Form(beside=False, plus_minus="±", stub=20),
    Form(beside=False, plus_minus="±", stub=17),
)
"""Of what is to be narrow: the published value below ours."""

WIDE = (
    Form(plus_minus="±"),
    Form(plus_minus="±", stub=30),
    Form(plus_minus="±", stub=22),
    *FORMS,
)
"""Of what may have both columns of the page."""


@dataclass(frozen=True)
class Float:
    """What one `table` environment holds."""

    panels: tuple[tuple[Table, Form, str], ...]
    """Tables as they are set, each with the caption that stands below it."""
    wide: bool
    """Whether it goes over both columns."""
    paired: bool = False
    """Whether two panels stand beside each other."""


def floats(table: Table) -> list[Float]:
    """The floats of a table: one, unless it is higher than a page."""
    captions = [part.caption if table.subtables else "" for part in table.parts]
    halves = fit(table.parts, FORMS, _width, HALF)
    if table.subtables and all(len(half) == 1 for half in halves):
        panels = [(*half[0], caption) for half, caption in zip(halves, captions, strict=True)]
        pairs = [tuple(panels[at : at + 2]) for at in range(0, len(panels), 2)]
        return [
            Float(tuple(panel for pair in some for panel in pair), wide=True, paired=True)
            for some in _pages(pairs)
        ]
    found = fit(table.parts, FORMS, _width, COLUMN)
    wide = any(len(panels) > 1 for panels in found)
    if wide:
        found = fit(table.parts, WIDE, _width, PAGE)
    stacked = [
        (piece, form, caption if last == len(panels) else "")
        for panels, caption in zip(found, captions, strict=True)
        for last, (panel, form) in enumerate(panels, 1)
        for piece in _pieces(panel, form)
    ]
    return [
        Float(tuple(panel for (panel,) in some), wide)
        for some in _pages([(panel,) for panel in stacked])
    ]


def _pages(
    rows: Sequence[tuple[tuple[Table, Form, str], ...]],
) -> list[list[tuple[tuple[Table, Form, str], ...]]]:
    """Panels that stand beside one another, as many such rows a float as its height takes."""
    pages: list[list[tuple[tuple[Table, Form, str], ...]]] = [[]]
    room = HEIGHT
    for row in rows:
        needed = max(_height(panel, form) for panel, form, _ in row)
        if pages[-1] and needed > room:
            pages.append([])
            room = HEIGHT
        pages[-1].append(row)
        room -= needed
    return pages


def _pieces(table: Table, form: Form) -> list[Table]:
    """A table by its rows, so that no piece is higher than a page."""
    pieces: list[Table] = []
    for row in table.rows:
        longer = replace(pieces[-1], rows=(*pieces[-1].rows, row)) if pieces else None
        if longer is not None and _height(longer, form) <= HEIGHT:
            pieces[-1] = longer
        else:
            pieces.append(replace(table, rows=(row,)))
    return pieces or [table]


def _height(table: Table, form: Form) -> float:
    levels = max((len(column) for column in table.columns), default=0)
    lines = body(table, form)
    groups = sum(line.begins for line in lines)
    return LEADING * (len(lines) + levels + bool(table.headings) + 0.5 * groups + 3)


def doubled(table: Table, form: Form) -> list[bool]:
    """Of each column, whether published values stand beside ours, in a tabular column more."""
    return [
        form.beside and any(wording.beside(row.entries[at], "") for row in table.rows)
        for at in range(len(table.columns))
    ]


def _width(table: Table, form: Form) -> float:
    """About how wide the table will be, in points."""
    lines, double = body(table, form), doubled(table, form)
    names = heads(table, form)
    stub = [
        max(em(text) for text in (name, *(line.labels[at] for line in lines)))
        for at, name in enumerate(names)
    ]
    titles = [column[-1] if column else table.metric for column in table.columns]
    widths = []
    for at, (title, two) in enumerate(zip(titles, double, strict=True)):
        shown = [(line.shows, line.row.entries[at]) for line in lines if line.row is not None]
        ours = [
            em(wording.value(e, "±")) * (BOLD if e.best else 1) for s, e in shown if s == "value"
        ]
        below = [_below(shows, entry) for shows, entry in shown if shows != "value"]
        theirs = [em(wording.beside(entry, "")) for _, entry in shown] if two else []
        width = max(ours, default=0) * FOOTNOTE
        width += max(theirs) * FOOTNOTE + 1.5 if theirs else 0
        widths.append(max([width, em(title) * FOOTNOTE, *below]))
    gap = 2 * SEPARATION
    for text, first, last in _overs(table):
        lacking = em(text) * FOOTNOTE - sum(widths[first : last + 1]) - gap * (last - first)
        widths[last] += max(lacking, 0)
    return sum(stub) * FOOTNOTE + sum(widths) + gap * (len(stub) + len(widths) - 1)


def _below(shows: str, entry: Entry) -> float:
    text = wording.interval(entry) if shows == "interval" else wording.beside(entry, "")
    return em(text) * SCRIPT


def _overs(table: Table) -> list[tuple[str, int, int]]:
    """Headings over several columns, with the first and the last of them."""
    levels = max((len(column) for column in table.columns), default=0)
    found = [
        (key[-1], first, last)
        for level in range(levels - 1)
        for key, first, last in spans([column[: level + 1] for column in table.columns])
    ]
    if table.headings:
        found.append((" / ".join(table.headings), 0, len(table.columns) - 1))
    return found
