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
    """`23.0 (+0.4, within ±1.0)`: the paper's number, ours minus it, and the verdict.

    `47.9 and 46.7 (+0.2, within ±0.8)` where the paper prints two: ours minus their mean.
    """
    if entry.published is None:
        return ""
    values = " and ".join(map(number, entry.printed or (entry.published,)))
    if entry.delta is None:
        return values
    return f"{values} ({signed(entry.delta)}{f', {verdict(entry)}' if entry.verdict else ''})"


def verdict(entry: Entry) -> str:
    """`within ±1.0`, or `not judged`."""
    if entry.half_width is None:
        return "not judged"
    return f"{entry.verdict} ±{number(entry.half_width)}"


def interval(entry: Entry) -> str:
    """`+2.7 to +7.1`: where a mean of paired differences may lie by chance."""
    if entry.above is None or entry.mean is None or entry.half_width is None:
        return ""
    return f"{signed(entry.mean - entry.half_width)} to {signed(entry.mean + entry.half_width)}"


def lines(row: Row, table: Table) -> list[tuple[str, list[str]]]:
    """What stands under a row's numbers: a label and one text per column, each where any is."""
    under = [
        ("checkpoint", [checkpoint(entry) for entry in row.entries] if table.spread_out else []),
        ("published", [published(entry) for entry in row.entries]),
        ("95 % interval", [interval(entry) for entry in row.entries]),
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
    """Outcome and text of each ordering, each followed by the pairs that fail, with no outcome.

    Those without any number are only counted; of those that the grid lacks the first is told.
    """
    said: list[tuple[str, str]] = []
    for found in table.orderings:
        if found.begun:
            said.append((found.outcome, found.text))
            said += [("", pair.text) for pair in found.failing]
    for outcome, why in (("open", "none of their numbers is there"), ("absent", ABSENT)):
        rest = [f for f in table.orderings if f.outcome == outcome and not f.begun]
        if len(rest) == 1:
            said.append((outcome, rest[0].text))
        elif rest:
            count = f"{len(rest)} {'more' if said else 'orderings'}: {why}"
            first = f", the first of them {rest[0].text}" if outcome == "absent" else ""
            said.append((outcome, f"{count}{first}"))
    return said


ABSENT = "this grid has no two of the values they compare"
