"""A receipt for the terminal."""

from collections.abc import Iterable

from gdsweep.report.receipts import Facts, Receipt


def receipt_text(receipt: Receipt, command: str = "") -> str:
    """The receipt as aligned text: the number, then every run it is built on."""
    out = [f"{receipt.label}: {receipt.value}", "", *_lines(receipt.facts)]
    for part, run in receipt.chain:
        out += ["", f"{part}: {run.name}", *_lines(run.facts)]
        out += _lines([("attempt", line) for line in run.attempts] or [("attempt", "none yet")])
    shared = " (runs that other numbers share count in full)" if len(receipt.chain) > 1 else ""
    out += ["", f"spent on all runs: {receipt.hours}{shared}"]
    if command:
        out += ["", f"Made by: {command}"]
    return "\n".join(out) + "\n"


def _lines(facts: Facts | Iterable[tuple[str, str]]) -> list[str]:
    return [f"  {label:<15} {text}" for label, text in facts]
