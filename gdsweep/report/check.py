"""`collect.py --check`: what misses the paper, in lines for a person and a count for a script."""

from collections import Counter

from gdsweep.report import wording
from gdsweep.report.tables import Row, Table


def misses(table: Table, strict: bool = False) -> list[str]:
    """One line per miss: a number below its band, an ordering our numbers contradict.

    A hole is no miss, and neither is a number above the band, which a reader should look into all
    the same. With `strict` both are, and so is an ordering that cannot be checked.
    """
    found = []
    for row in table.rows:
        for column, entry in enumerate(row.entries):
            where = name(table, row, column)
            lower_wins = bool(table.lower_is_better) and table.lower_is_better[column]
            missed = "above" if lower_wins else "below"
            if entry.verdict == missed or (strict and entry.verdict in ("above", "below")):
                said = f"{wording.value(entry)}, published {wording.published(entry)}"
                found.append(f"{where}: {said}")
            elif strict and not row.quoted and entry.of and entry.mean is None:
                found.append(f"{where}: no number ({entry.hole})")
            elif strict and not row.quoted and entry.done < entry.of:
                found.append(f"{where}: {entry.done} of {entry.of} scores are there")
    bad = {"fails", "open"} if strict else {"fails"}
    found += [
        f"ordering {checked.outcome}: {checked.text}"
        for checked in table.orderings
        if checked.outcome in bad
    ]
    return found


def summary(table: Table) -> str:
    """`3 of 4 published values checked: 2 within, 1 below; 2 orderings: 1 holds, 1 open`."""
    entries = [e for row in table.rows if not row.quoted for e in row.entries]
    published = [entry for entry in entries if entry.published is not None]
    verdicts = Counter(entry.verdict for entry in published if entry.verdict)
    values = f"{verdicts.total()} of {len(published)} published values checked"
    outcomes: Counter[str] = Counter(checked.outcome for checked in table.orderings)
    orderings = f"{len(table.orderings)} ordering{'' if len(table.orderings) == 1 else 's'}"
    return f"{values}{_counts(verdicts)}; {orderings}{_counts(outcomes)}"


def name(table: Table, row: Row, column: int) -> str:
    """A place of the table in words: `COCO 1 % Ours`."""
    return " ".join(text for text in (*table.columns[column], *row.labels) if text)


def _counts(found: Counter[str]) -> str:
    if not found:
        return ""
    order = ("within", "holds", "above", "below", "tie", "fails", "open", "absent")
    return ": " + ", ".join(f"{found[word]} {word}" for word in order if found[word])
