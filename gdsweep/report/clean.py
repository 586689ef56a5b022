"""A table with our numbers only, as it goes into a paper of one's own."""

from dataclasses import replace

from gdsweep.report.entries import Entry
from gdsweep.report.tables import Table, mark_best


def clean(table: Table) -> Table:
    """The table without quoted rows, published values, verdicts and what is said of them.

    The best is marked anew among ours.
    """
    ours = [
        replace(row, entries=tuple(_own(entry) for entry in row.entries))
        for row in table.rows
        if not row.quoted
    ]
    return replace(
        table,
        rows=tuple(mark_best(ours, table.lower_is_better)),
        legend=tuple(line for line in table.legend if not line.startswith("†")),
        remarks=(),
        orderings=(),
        subtables=tuple(map(clean, table.subtables)),
    )


def _own(entry: Entry) -> Entry:
    return replace(
        entry, published=None, printed=(), half_width=None, half_width_together=None, verdict=""
    )
