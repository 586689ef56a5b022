"""What a table's entries say, in the words that all text formats share."""

from gdsweep.report.display import iterations, number, signed
from gdsweep.report.entries import Entry
from gdsweep.report.tables import Row, Table


def value(entry: Entry) -> str:
    """`37.5 ± 3.9 (3)`: mean, spread, seeds; `(2/3)` with a seed missing; or the hole's sign.

    Of a difference: `+1.3 ± 2.5 (2/3)`: mean, spread, pairs above zero of all pairs.
    """
    if entry.text or entry.mean is None:
        return entry.text or entry.hole
    spread = f" ± {number(entry.spread)}" if entry.spread is not None else ""
    if entry.above is not None:
        missing = f", {entry.of - entry.done} missing" if entry.done < entry.of else ""
        return f"{signed(entry.mean)}{spread} ({entry.above}/{entry.done}{missing})"
    seeds = f"{entry.done}/{entry.of}" if entry.done < entry.of else str(entry.of)
    return f"{number(entry.mean)}{spread}" + (f" ({seeds})" if entry.of > 1 else "")


def checkpoint(entry: Entry) -> str:
    """`@ 3,500–4,000`: the iterations of the scored checkpoints."""
    return f"@ {iterations(entry.checkpoints)}" if entry.checkpoints else ""


def published(entry: Entry) -> str:
    """`23.0 (+0.4, within ±1)`: the paper's number, ours minus it, and the verdict."""
    if entry.published is None:
        return ""
    if entry.delta is None:
        return number(entry.published)
    verdict = "" if entry.band is None else f", {entry.verdict} ±{number(entry.band)}"
    return f"{number(entry.published)} ({signed(entry.delta)}{verdict})"


def lines(row: Row, table: Table) -> list[tuple[str, list[str]]]:
    """What stands under a row's numbers: a label and one text per column, each where any is."""
    under = [
        ("checkpoint", [checkpoint(entry) for entry in row.entries] if table.spread_out else []),
        ("published", [published(entry) for entry in row.entries]),
    ]
    return [(label, texts) for label, texts in under if any(texts)]


def labels(table: Table) -> list[tuple[str, ...]]:
    """Row labels with what repeats from the row above left blank."""
    made: list[tuple[str, ...]] = []
    above: tuple[str, ...] = ()
    for row in table.rows:
        texts = list(row.labels)
        for level in range(len(texts) - 1):
            if row.labels[: level + 1] == above[: level + 1]:
                texts[level] = ""
        above = row.labels
        made.append(tuple(texts))
    return made


def legend(table: Table, best: str) -> list[str]:
    """How to read the table, then the numbered notes. `best` says how the best is marked."""
    marked = any(entry.best for row in table.rows for entry in row.entries)
    return [*table.legend, *([f"{best}: best of its column."] if marked else [])]


def orderings(table: Table) -> list[tuple[str, str]]:
    """Outcome and text of each ordering; those without any number are only counted."""
    begun = [found for found in table.orderings if found.begun]
    said: list[tuple[str, str]] = [(found.outcome, found.text) for found in begun]
    for outcome, why in (("open", "none of their numbers is there"), ("absent", ABSENT)):
        count = sum(found.outcome == outcome and not found.begun for found in table.orderings)
        if count:
            said.append((outcome, f"{count} {'more' if said else 'orderings'}: {why}"))
    return said


ABSENT = "this grid has no two of the values they compare"
