"""`collect.py --check`: what misses the paper, in lines for a person and a count for a script."""

from collections import Counter

from gdsweep.report import wording
from gdsweep.report.display import number
from gdsweep.report.entries import Entry
from gdsweep.report.intervals import Interval
from gdsweep.report.tables import Row, Table


def misses(table: Table, strict: bool = False) -> list[str]:
    """One line per miss: a number below its interval, an ordering our numbers contradict.

    The intervals are those that hold for all numbers, and all pairs, of the table at once: at most
    1 of 20 honest reproductions of a whole table has a miss (see `intervals`). A hole is no miss,
    and neither is a number above, which a reader should look into all the same. With `strict` both
    are, and so is an ordering with a pair that cannot be checked.
    """
    found = []
    for row in table.rows:
        for column, entry in enumerate(row.entries):
            where = name(table, row, column)
            side = _side_together(entry)
            lower_wins = bool(table.lower_is_better) and table.lower_is_better[column]
            missed = "above" if lower_wins else "below"
            if side == missed or (strict and side in ("above", "below")):
                found.append(f"{where}: {wording.value(entry)}, published {_beside(entry, table)}")
            elif strict and not row.quoted and entry.of and entry.mean is None:
                found.append(f"{where}: no number ({entry.hole})")
            elif strict and not row.quoted and entry.done < entry.of:
                found.append(f"{where}: {entry.done} of {entry.of} scores are there")
    for checked in table.orderings:
        contradicted = [pair for pair in checked.pairs if pair.contradicted]
        if contradicted:
            pairs = "".join(f"\n  {pair.text}" for pair in contradicted)
            found.append(f"ordering fails: {checked.text}{pairs}")
        elif strict and any(pair.outcome == "open" for pair in checked.pairs):
            found.append(f"ordering open: {checked.text}")
    return found


def summary(table: Table) -> str:
    """`3 of 4 published values checked: 2 within, 1 below; 2 orderings: 1 holds, 1 open`.

    Published values are left out where there are none. Where a number or a pair is outside its own
    interval and inside the wide one it is told that chance explains it.
    """
    entries = [e for row in table.rows if not row.quoted for e in row.entries]
    published = [entry for entry in entries if entry.published is not None]
    verdicts = Counter(entry.verdict for entry in published if entry.verdict)
    values = f"{verdicts.total()} of {len(published)} published values checked{_counts(verdicts)}"
    outcomes: Counter[str] = Counter(checked.outcome for checked in table.orderings)
    orderings = f"{len(table.orderings)} ordering{'' if len(table.orderings) == 1 else 's'}"
    said = f"{f'{values}; ' if published else ''}{orderings}{_counts(outcomes)}"
    lone = sum(e.verdict in ("below", "above") and _side_together(e) == "within" for e in published)
    lone += sum(not pair.contradicted for checked in table.orderings for pair in checked.failing)
    if lone:
        said += f"; {lone} of them outside by no more than chance explains in a table of this size"
    return said


def name(table: Table, row: Row, column: int) -> str:
    """A place of the table in words: `COCO 1 % Ours`."""
    return " ".join(text for text in (*table.columns[column], *row.labels) if text)


def _side_together(entry: Entry) -> str:
    """Where a number lies of the interval that holds for all of the table; empty without one."""
    if entry.delta is None or entry.half_width is None or entry.half_width_together is None:
        return ""
    return Interval(entry.half_width, entry.half_width_together).side_together(entry.delta)


def _beside(entry: Entry, table: Table) -> str:
    count = sum(e.published is not None for row in table.rows for e in row.entries)
    wide = f", ±{number(entry.half_width_together or 0)} for {count} numbers at once"
    return f"{wording.published(entry)}{wide if count > 1 else ''}"


def _counts(found: Counter[str]) -> str:
    if not found:
        return ""
    order = ("within", "holds", "partly", "above", "below", "tie", "fails", "open", "absent")
    return ": " + ", ".join(f"{found[word]} {word}" for word in order if found[word])
