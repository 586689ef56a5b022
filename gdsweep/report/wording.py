"""What a table's entries say, in the words that all text formats share."""

from gdsweep.report.display import iterations, number, signed
from gdsweep.report.entries import Entry
from gdsweep.report.tables import Table

SIGNS = {"within": "≈", "below": "↓", "above": "↑", "open": "?"}
"""Where ours lies of the interval around the published value, as one sign between the two."""


def value(entry: Entry, plus_minus: str = " ± ") -> str:
    """`37.5 ± 3.9`: mean and spread; `37.5 ± 3.9 (2/3)` with a seed missing; or the hole's sign.

    Of a difference: `+1.3 ± 2.5 (2/3)`: mean, spread, pairs above zero of all pairs.
    """
    if entry.text or entry.mean is None:
        return entry.text or entry.hole
    spread = f"{plus_minus}{number(entry.spread)}" if entry.spread is not None else ""
    if entry.above is not None:
        missing = f", {entry.of - entry.done} missing" if entry.done < entry.of else ""
        return f"{signed(entry.mean)}{spread} ({entry.above}/{entry.done}{missing})"
    seeds = f" ({entry.done}/{entry.of})" if 0 < entry.done < entry.of else ""
    return f"{number(entry.mean)}{spread}{seeds}"


def beside(entry: Entry, gap: str = " ") -> str:
    """`≈ 23.0`: the verdict as a sign, and the published value; `(23.0)` where ours is missing.

    `≈ 47.9/46.7` where the paper prints two; the verdict is on their mean.
    """
    if entry.published is None:
        return ""
    values = "/".join(map(number, entry.printed or (entry.published,)))
    return (
        f"({values})" if entry.delta is None else f"{SIGNS[entry.verdict or 'open']}{gap}{values}"
    )


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
    """How to read the table, in full. `best` says how the best is marked."""
    return [*table.legend, *table.remarks, *_best(table, best)]


def key(table: Table, best: str) -> list[str]:
    """How to read the table where signs stand for words; what is longer stands in the notes."""
    entries = [entry for row in table.rows for entry in row.entries]
    judged = {entry.verdict or "open" for entry in entries if entry.delta is not None}
    meanings = {
        "within": "they differ by no more than chance explains (95 % interval)",
        "below": "ours is below it by more",
        "above": "ours is above it by more",
        "open": "not judged",
    }
    said = [f"{SIGNS[verdict]} {words}" for verdict, words in meanings.items() if verdict in judged]
    if any(entry.published is not None and entry.delta is None for entry in entries):
        said.append("in brackets where ours is missing")
    published = [f"Ours, a sign and the published value: {', '.join(said)}."] if said else []
    return [*table.legend, *published, *_best(table, best)]


def _best(table: Table, best: str) -> list[str]:
    marked = any(entry.best for row in table.rows for entry in row.entries)
    return [f"{best}: best of its block and column."] if marked else []


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
