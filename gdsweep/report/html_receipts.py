"""The page's receipts: one per place of the table, and one per run, which numbers share."""

from collections.abc import Iterable, Mapping
from html import escape

from gdsweep.report import check, wording
from gdsweep.report.receipts import Facts, Receipt, RunReceipt
from gdsweep.report.tables import Table


def entry_id(row: int, column: int) -> str:
    """Anchor of a number's receipt."""
    return f"number-{row + 1}-{column + 1}"


def run_id(name: str) -> str:
    """Anchor of a run's receipt; run names hold no character that an anchor may not."""
    return f"run-{name}"


def receipts_section(table: Table, receipts: Mapping[int, Receipt]) -> str:
    """Receipts of all numbers and holes, in the table's order."""
    out = []
    back = '<p class="back"><a href="#table">back to the table</a></p>'
    for place, row in enumerate(table.rows):
        for column, entry in enumerate(row.entries):
            if entry.cells:
                title = escape(check.name(table, row, column))
                value = escape(wording.value(entry))
                inside = "".join(_receipt(receipts[cell]) for cell in entry.cells)
                out.append(
                    f'<article id="{entry_id(place, column)}"><h3>{title}: {value}</h3>'
                    f"{inside}{back}</article>\n"
                )
    return "".join(out)


def runs_section(receipts: Mapping[int, Receipt]) -> str:
    """Receipts of all runs behind the numbers, each once."""
    runs: dict[str, RunReceipt] = {}
    numbers: dict[str, list[str]] = {}
    for receipt in receipts.values():
        for part, run in receipt.chain:
            runs[run.name] = run
            numbers.setdefault(run.name, []).append(f"{receipt.label} ({part})")
    return "".join(_run(run, numbers[name]) for name, run in runs.items())


def _receipt(receipt: Receipt) -> str:
    chain = "".join(
        f'<li>{escape(part)}: <a href="#{run_id(run.name)}">{escape(run.name)}</a></li>'
        for part, run in receipt.chain
    )
    return (
        f"<h4>{escape(receipt.label)}: {escape(receipt.value)}</h4>"
        f'{_list(receipt.facts)}<ol class="chain">{chain}</ol>'
    )


def _run(run: RunReceipt, numbers: list[str]) -> str:
    attempts = "".join(f"<li>{escape(line)}</li>" for line in run.attempts) or "<li>none yet</li>"
    facts = [*run.facts, ("used by", "; ".join(numbers))]
    return (
        f'<article id="{run_id(run.name)}"><h3>{escape(run.name)}</h3>{_list(facts)}'
        f'<h4>Attempts</h4><ul class="attempts">{attempts}</ul></article>\n'
    )


def _list(facts: Facts | Iterable[tuple[str, str]]) -> str:
    items = "".join(f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in facts)
    return f"<dl>{items}</dl>"
