"""A table as HTML: complete without any script, with what `table.js` needs to work on it.

A group of rows has a heading row; a row has one label, which stays in view beside its numbers.
"""

import itertools
from html import escape

from gdsweep.report import wording
from gdsweep.report.display import number, signed, spans
from gdsweep.report.entries import Entry
from gdsweep.report.tables import Row, Table


def table_markup(table: Table, prefix: str) -> str:
    """The table with its notes and its legend; `prefix` sets its ids apart from another table's."""
    named = [(*_names(row), place, row) for place, row in enumerate(table.rows)]
    groups = [list(members) for _, members in itertools.groupby(named, key=lambda line: line[0])]
    # where every group is one row, headings would double the table's length
    headed = any(len(members) > 1 for members in groups if members[0][0])
    bodies = []
    for members in groups:
        group = members[0][0]
        lines = [_group(table, group)] if headed and group else []
        lines += [_row(table, *member, prefix) for member in members]
        bodies.append(f"<tbody>{''.join(lines)}</tbody>\n")
    kinds = "numbers" if headed else "numbers ungrouped"
    return (
        f'<div class="frame"><div class="scroll" tabindex="0" role="region" '
        f'aria-label="{escape(table.caption)}">'
        f'<table class="{kinds}" id="{prefix}"><thead>{_head(table)}</thead>\n{"".join(bodies)}'
        f"</table></div></div>{_below(table, prefix)}"
    )


def _below(table: Table, prefix: str) -> str:
    """Notes and legend, folded where they are long."""
    notes = "".join(
        f'<li id="{prefix}-note-{place}">{escape(note)}</li>'
        for place, note in enumerate(table.notes, 1)
    )
    legend = "".join(f"<li>{escape(line)}</li>" for line in wording.legend(table, "Bold"))
    holes = (
        f"<details{' open' if len(table.notes) <= 4 else ''}><summary>Notes</summary>"
        f'<ol class="notes">{notes}</ol></details>'
    )
    reading = (
        f'<details open><summary>How to read it</summary><ul class="legend">{legend}</ul></details>'
    )
    return (holes if notes else "") + (reading if legend else "")


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


def _names(row: Row) -> tuple[str, str]:
    """What a row has in common with its group, and its own name."""
    names = [name for name in row.labels if name]
    if not row.labels or row.labels[-1]:
        return " · ".join(names[:-1]), names[-1] if names else ""
    return "", " · ".join(names)  # another paper's row, which has no innermost label


def _group(table: Table, name: str) -> str:
    return (
        f'<tr class="group"><th scope="rowgroup" colspan="{len(table.columns) + 1}">'
        f"<span>{escape(name)}</span></th></tr>"
    )


def _row(table: Table, group: str, label: str, place: int, row: Row, prefix: str) -> str:
    over = f'<small class="of">{escape(group)}</small>' if group else ""
    cells = "".join(
        f"<td{_sort_key(entry)}>{_entry(table, place, column, entry, prefix)}</td>"
        for column, entry in enumerate(row.entries)
    )
    kind = ' class="quoted"' if row.quoted else ""
    return f'<tr{kind}><th class="stub" scope="row">{over}{escape(label)}</th>{cells}</tr>\n'


def _sort_key(entry: Entry) -> str:
    key = "" if entry.mean is None else f' data-sort="{entry.mean:.6g}"'
    return key + (f' data-verdict="{entry.verdict}"' if entry.verdict else "")


def _entry(table: Table, place: int, column: int, entry: Entry, prefix: str) -> str:
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
    elif entry.mean is None and text:
        text = f'<span class="hole">{text}</span>'
    marks = "".join(
        f'<sup><a href="#{prefix}-note-{note + 1}">{note + 1}</a></sup>' for note in entry.notes
    )
    under = [wording.checkpoint(entry)] if table.spread_out else []
    under.append(wording.interval(entry))
    said = "".join(f'<small class="at">{escape(line)}</small>' for line in under if line)
    return text + marks + _published(entry) + said


def _said(entry: Entry) -> str:
    """What the number's receipt says of the published one."""
    said = wording.published(entry)
    return f' data-published="{escape(said)}"' if said else ""


def _published(entry: Entry) -> str:
    """The published value with its verdict, which is told by a word and not by colour alone.

    The interval's width is told by the receipt: ten columns of it would not fit a window.
    """
    if entry.published is None:
        return ""
    values = " and ".join(map(number, entry.printed or (entry.published,)))
    said = f'<small class="published">published {values}</small>'
    if entry.delta is None or not entry.verdict:
        return said
    word = entry.verdict if entry.half_width is not None else wording.verdict(entry)
    return (
        f'{said}<small class="published"><span class="verdict {entry.verdict}">'
        f"{signed(entry.delta)} {word}</span></small>"
    )
