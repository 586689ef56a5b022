"""A table as HTML: complete without any script, with what `table.js` needs to work on it.

A group of rows has a heading row; a row has one label, which stays in view beside its numbers.
"""

import itertools
import re
from collections.abc import Sequence
from html import escape

from gdsweep.report import wording
from gdsweep.report.display import signed, spans
from gdsweep.report.entries import Entry
from gdsweep.report.tables import Row, Table

BARE = re.compile(r"-?[\d.]+(e[-+]?\d+)?|True|False|none")
"""What is shown of a value that the grid gives no name."""


def table_markup(table: Table, prefix: str) -> str:
    """The table, or its subtables, with notes and legend; `prefix` sets its ids apart."""
    if not table.subtables:
        (part,) = table.parts
        return _part(part, prefix, prefix) + _below(table, prefix)
    parts = "".join(
        f'<div class="part"><h3>{escape(part.caption)}</h3>'
        f"{_part(part, f'{prefix}-{part.name.removeprefix(table.name)[1:]}', prefix)}</div>\n"
        for part in table.parts
    )
    return f'<div class="parts">{parts}</div>{_below(table, prefix)}'


def _part(table: Table, prefix: str, notes: str) -> str:
    """A table as one element; its marks lead to the notes of the prefix `notes`."""
    # where some innermost values are named by nothing, rows would be torn from their like
    in_groups = all(row.labels[-1:] != ("",) for row in table.rows if not row.quoted)
    named = [(*_names(table, row, in_groups), at, row) for at, row in enumerate(table.rows)]
    groups = [list(members) for _, members in itertools.groupby(named, key=lambda line: line[0])]
    # where every group is one row, headings would double the table's length
    headed = any(len(members) > 1 for members in groups if members[0][0])
    bodies = []
    for members in groups:
        group = members[0][0]
        lines = [_group(table, group)] if headed and group else []
        lines += [_row(table, *member, (prefix, notes)) for member in members]
        bodies.append(f"<tbody>{''.join(lines)}</tbody>\n")
    kinds = "numbers" if headed else "numbers ungrouped"
    return (
        f'<div class="frame"><div class="scroll" tabindex="0" role="region" '
        f'aria-label="{escape(table.caption)}">'
        f'<table class="{kinds}" id="{prefix}"><thead>{_head(table)}</thead>\n{"".join(bodies)}'
        "</table></div></div>"
    )


def _below(table: Table, prefix: str) -> str:
    """Notes, how to read the numbers, and how they were judged; what is long is folded."""
    notes = [
        f'<li id="{prefix}-note-{place}">{escape(note)}</li>'
        for place, note in enumerate(table.notes, 1)
    ]
    legend = [f"<li>{escape(line)}</li>" for line in wording.key(table, "Bold")]
    remarks = [f"<li>{escape(line)}</li>" for line in table.remarks]
    return (
        _fold("Notes", f'<ol class="notes">{"".join(notes)}</ol>', notes, len(notes) <= 4)
        + _fold("How to read it", f'<ul class="legend">{"".join(legend)}</ul>', legend, True)
        + _fold("How it was judged", f'<ul class="legend">{"".join(remarks)}</ul>', remarks, False)
    )


def _fold(summary: str, content: str, lines: Sequence[str], is_open: bool) -> str:
    if not lines:
        return ""
    return f"<details{' open' * is_open}><summary>{summary}</summary>{content}</details>"


def _head(table: Table) -> str:
    levels = max((len(column) for column in table.columns), default=1) or 1
    across = f"{' / '.join(table.headings)} →" if table.headings else ""
    corner = (
        f'<th class="stub" scope="col" rowspan="{levels}">'
        f'<span class="across">{escape(across)}</span>'
        f"{_sorter(' / '.join(table.stub) or 'Row')}</th>"
    )
    lines = []
    for level in range(levels - 1):
        groups = spans([column[: level + 1] for column in table.columns])
        lines.append(
            "".join(
                f'<th class="over" scope="colgroup" colspan="{last - first + 1}" '
                f'data-level="{level}" data-first="{first}" data-last="{last}">'
                f"<span>{escape(key[-1])}</span></th>"
                for key, first, last in groups
            )
        )
    titles = [column[-1] if column else table.metric for column in table.columns]
    lower = table.lower_is_better or (False,) * len(titles)
    lines.append(
        "".join(
            f'<th scope="col"{" data-lower" if least else ""}>{_sorter(title)}</th>'
            for title, least in zip(titles, lower, strict=True)
        )
    )
    lines[0] = corner + lines[0]
    return "".join(f"<tr>{line}</tr>" for line in lines)


def _sorter(title: str) -> str:
    return f'<button type="button" class="sort">{escape(title)}</button>'


def _names(table: Table, row: Row, in_groups: bool) -> tuple[str, str]:
    """What a row has in common with its group (nothing outside of groups), and its own name.

    A bare number or yes and no are told with their axis; beside others nobody would know it.
    """
    names = [
        f"{heading} {text}" if place and BARE.fullmatch(text) else text
        for place, (heading, text) in enumerate(zip(table.stub, row.labels, strict=True))
        if text
    ]
    if in_groups and row.labels[-1:] != ("",):
        return " · ".join(names[:-1]), names[-1] if names else ""
    return "", " · ".join(names)


def _group(table: Table, name: str) -> str:
    return (
        f'<tr class="group"><th scope="rowgroup" colspan="{len(table.columns) + 1}">'
        f"<span>{escape(name)}</span></th></tr>"
    )


def _row(
    table: Table, group: str, label: str, place: int, row: Row, prefixes: tuple[str, str]
) -> str:
    over = f'<small class="of">{escape(group)}</small>' if group else ""
    cells = "".join(
        f"<td{_sort_key(entry)}>{_entry(table, place, column, entry, *prefixes)}</td>"
        for column, entry in enumerate(row.entries)
    )
    kind = ' class="quoted"' if row.quoted else ""
    return f'<tr{kind}><th class="stub" scope="row">{over}{escape(label)}</th>{cells}</tr>\n'


def _sort_key(entry: Entry) -> str:
    key = "" if entry.mean is None else f' data-sort="{entry.mean:.6g}"'
    return key + (f' data-verdict="{entry.verdict}"' if entry.verdict else "")


def _entry(table: Table, place: int, column: int, entry: Entry, prefix: str, notes: str) -> str:
    text = escape(wording.value(entry))
    if entry.best:
        text = f"<strong>{text}</strong>"
    if entry.cells:
        kind = "value" if entry.mean is not None else "value hole"
        cells = " ".join(map(str, entry.cells))
        text = (
            f'<button type="button" class="{kind}" aria-expanded="false" '
            f'id="{prefix}-{place + 1}-{column + 1}" data-cells="{cells}"'
            f"{_said(entry)}>{text}</button>"
        )
    elif entry.hole:
        text = f'<span class="hole">{text}</span>'
    marks = "".join(
        f'<sup><a href="#{notes}-note-{note + 1}">{note + 1}</a></sup>' for note in entry.notes
    )
    under = {
        "at": wording.checkpoint(entry) if table.spread_out else "",
        "interval": wording.interval(entry),
    }
    said = "".join(
        f'<small class="{kind}">{escape(line)}</small>' for kind, line in under.items() if line
    )
    return text + marks + _published(entry) + said


def _said(entry: Entry) -> str:
    """What the number's receipt, and a voice that reads the page, say of the published one."""
    said = wording.published(entry)
    if not said:
        return ""
    aloud = escape(f"{wording.value(entry)}, published {said}")
    return f' data-published="{escape(said)}" aria-label="{aloud}"'


def _published(entry: Entry) -> str:
    """The published value behind its verdict, which is told by a sign and not by colour alone."""
    if entry.published is None:
        return ""
    verdict = entry.verdict if entry.delta is not None else ""
    said = f'<small class="published {verdict}">{escape(wording.beside(entry))}</small>'
    if entry.delta is None or not entry.verdict:
        return said
    difference = f"{signed(entry.delta)} {wording.verdict(entry)}"
    return f'{said}<small class="difference {verdict}">{escape(difference)}</small>'
