"""One self-contained page: tables whose numbers lead to their receipts, figures, claims, costs."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from gdsweep.plan.hours import ProcessorHours
from gdsweep.report import check, orderings, wording
from gdsweep.report.display import number, signed, spans
from gdsweep.report.entries import Entry
from gdsweep.report.html_receipts import entry_id, receipts_section, runs_section
from gdsweep.report.receipts import Receipt
from gdsweep.report.tables import Row, Table

STYLE = Path(__file__).with_name("page.css")
"""The page's whole look, put into it."""


@dataclass(frozen=True)
class Picture:
    """A figure that the page carries in itself."""

    title: str
    caption: str
    kind: str
    """Media type: `image/svg+xml` or `image/png`."""
    inches: float
    """Its width on paper; the page shows it a little larger."""
    content: bytes


def as_html(
    table: Table,
    receipts: Mapping[int, Receipt],
    pictures: Sequence[Picture] = (),
    sources: Sequence[str] = (),
    cost: Table | None = None,
) -> str:
    """The page. `receipts` are those of the grid's cells by their place; `sources` say where the
    published values are printed; `cost` is what the rows cost.

    It needs no network and no other file, follows the reader's light or dark setting, and prints.
    """
    sections = {
        "table": ("Table", _table(table)),
        "orderings": ("Orderings", _orderings(table)),
        "cost": ("Cost", _table(cost) if cost else ""),
        "figures": ("Figures", "".join(_picture(picture) for picture in pictures)),
        "receipts": ("Receipts", receipts_section(table, receipts)),
        "runs": ("Runs", runs_section(receipts)),
        "provenance": ("Provenance", _provenance(table, receipts, sources)),
    }
    present = {key: value for key, value in sections.items() if value[1]}
    links = "".join(f'<a href="#{key}">{name}</a>' for key, (name, _) in present.items())
    body = "".join(
        f'<section id="{key}"><h2>{name}</h2>{content}</section>\n'
        for key, (name, content) in present.items()
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(table.caption)}</title>\n<style>\n{STYLE.read_text()}</style>\n</head>\n"
        f'<body>\n<header><p class="kicker">{escape(table.name)}</p>'
        f"<h1>{escape(table.caption)}</h1><p>{escape(_state(table))}</p><nav>{links}</nav></header>"
        f"\n<main>\n{body}</main>\n</body>\n</html>\n"
    )


def _state(table: Table) -> str:
    entries = [entry for row in table.rows if not row.quoted for entry in row.entries if entry.of]
    done, of = sum(entry.done for entry in entries), sum(entry.of for entry in entries)
    said = f"{done} of {of} scores are there."
    published = any(entry.published is not None for entry in entries)
    return f"{said} {check.summary(table)}." if published or table.orderings else said


def _table(table: Table) -> str:
    rows = [
        _row(table, place, row, labels)
        for place, (row, labels) in enumerate(zip(table.rows, wording.labels(table), strict=True))
    ]
    notes = "".join(
        f'<li id="note-{place}">{escape(note)}</li>' for place, note in enumerate(table.notes, 1)
    )
    legend = "".join(f"<li>{escape(line)}</li>" for line in wording.legend(table, "Bold"))
    return (
        f'<div class="scroll"><table class="numbers"><thead>{_head(table)}</thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
        + (f'<h3>Holes</h3><ol class="notes">{notes}</ol>' if notes else "")
        + (f'<ul class="legend">{legend}</ul>' if legend else "")
    )


def _head(table: Table) -> str:
    levels = max((len(column) for column in table.columns), default=0)
    stub = f'<td colspan="{len(table.stub)}"></td>' if table.stub else ""
    lines = []
    if table.headings:
        title = escape(" / ".join(table.headings))
        lines.append(f'{stub}<th class="over" colspan="{len(table.columns)}">{title}</th>')
    for level in range(levels - 1):
        groups = spans([column[: level + 1] for column in table.columns])
        over = "".join(
            f'<th class="over" scope="colgroup" colspan="{last - first + 1}">{escape(key[-1])}</th>'
            for key, first, last in groups
        )
        lines.append(stub + over)
    titles = [column[-1] if column else table.metric for column in table.columns]
    heads = [f'<th class="stub" scope="col">{escape(title)}</th>' for title in table.stub]
    heads += [f'<th scope="col">{escape(title)}</th>' for title in titles]
    return "".join(f"<tr>{line}</tr>" for line in [*lines, "".join(heads)])


def _row(table: Table, place: int, row: Row, labels: tuple[str, ...]) -> str:
    heads = "".join(f'<th class="stub" scope="row">{escape(text)}</th>' for text in labels)
    cells = "".join(
        f"<td>{_entry(table, place, column, row, entry)}</td>"
        for column, entry in enumerate(row.entries)
    )
    begins = place > 0 and len(labels) > 1 and labels[0] != ""
    kinds = [*(["quoted"] if row.quoted else []), *(["group"] if begins else [])]
    kind = f' class="{" ".join(kinds)}"' if kinds else ""
    return f"<tr{kind}>{heads}{cells}</tr>\n"


def _entry(table: Table, place: int, column: int, row: Row, entry: Entry) -> str:
    text = escape(wording.value(entry))
    if entry.best:
        text = f"<strong>{text}</strong>"
    if entry.cells:
        kind = "" if entry.mean is not None else ' class="hole"'
        text = f'<a{kind} href="#{entry_id(place, column)}">{text}</a>'
    marks = "".join(f'<sup><a href="#note-{note + 1}">{note + 1}</a></sup>' for note in entry.notes)
    under = [wording.checkpoint(entry)] if table.spread_out else []
    said = "".join(f"<small>{escape(line)}</small>" for line in under if line)
    return text + marks + said + _published(entry)


def _published(entry: Entry) -> str:
    """The published value with its verdict, which is told by a word and not by colour alone."""
    if entry.published is None:
        return ""
    values = " and ".join(map(number, entry.printed or (entry.published,)))
    said = f"<small>published {values}</small>"
    if entry.delta is None or not entry.verdict:
        return said
    verdict = f'<span class="verdict {entry.verdict}">{wording.verdict(entry)}</span>'
    return f"{said}<small>{signed(entry.delta)}, {verdict}</small>"


def _orderings(table: Table) -> str:
    if not table.orderings:
        return ""
    items = "".join(
        f'<li><span class="verdict {outcome}">{outcome}</span> <span>{escape(text)}</span></li>'
        for outcome, text in wording.orderings(table)
    )
    return f'<p>{escape(orderings.legend())}</p><ul class="claims">{items}</ul>'


def _picture(picture: Picture) -> str:
    content = base64.b64encode(picture.content).decode("ascii")
    caption = f"<strong>{escape(picture.title)}.</strong> {escape(picture.caption)}"
    width = f"width:{picture.inches * 8.5:.0f}rem"
    return (
        f'<figure><img alt="{escape(picture.title)}" style="{width}" '
        f'src="data:{picture.kind};base64,{content}">'
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
