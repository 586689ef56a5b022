"""RESULTS-gpu.md from the lines that `gpu.py` keeps. Free of torch."""

from collections.abc import Sequence
from typing import Any

Line = dict[str, Any]

TITLES = {
    "deformable": "Deformable attention alone: milliseconds forward, and with all gradients",
    "attention": "Attention alone, forward and gradients: milliseconds",
    "steps": "Steps of training, 2 images of a kind: seconds and peak memory",
    "syncs": "Waits for the device in a step",
    "kernels": "Dearest kernels of a step: milliseconds and launches",
    "average": "Moving average against a bare foreach: milliseconds",
    "determinism": "Tensors that differ between two equal sequences of three steps",
    "transformers": "Supervised step beside transformers' Mask2Former: seconds",
    "evaluation": "Validation, masks encoded: images a second",
    "loader": "Both streams, generated scenes: images a second",
}


def page(lines: Sequence[Line]) -> str:
    """The whole page: the machine, what failed or was left out, a table a section."""
    machine = next((line for line in lines if line["section"] == "machine"), {})
    told = ", ".join(f"{key} {value}" for key, value in machine.items() if key != "section")
    text = f"# Measured on a GPU\n\nWritten by `python benchmarks/gpu.py`. {told}.\n"
    failed = [line for line in lines if "failed" in line]
    skipped = [line for line in lines if "skipped" in line]
    text += "\n## Failures\n\n" if failed else "\nNothing failed.\n"
    text += "".join(f"- {_about(line, 'failed')}: {line['failed']}\n" for line in failed)
    text += "\n## Left out\n\n" if skipped else ""
    text += "".join(f"- {_about(line, 'skipped')}: {line['skipped']}\n" for line in skipped)
    for section, title in TITLES.items():
        own = [line for line in lines if line["section"] == section]
        measured = [line for line in own if "failed" not in line and "skipped" not in line]
        if measured:
            text += f"\n## {title}\n\n"
            text += _kernels(measured) if section == "kernels" else _table(measured)
    return text


def _about(line: Line, but: str) -> str:
    return ", ".join(str(value) for key, value in line.items() if key != but)


def _table(lines: Sequence[Line]) -> str:
    columns = list(dict.fromkeys(key for line in lines for key in line if key != "section"))
    rows = [columns, ["---"] * len(columns)]
    rows += [[_cell(line.get(column)) for column in columns] for line in lines]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{key} x{count}" for key, count in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


def _kernels(lines: Sequence[Line]) -> str:
    text = ""
    for line in lines:
        text += f"{line['backbone']}: {line['total_ms']} ms in {line['launches']} launches\n\n"
        text += "| kernel | ms | launches |\n|---|---|---|\n"
        text += "".join(f"| `{key}` | {ms} | {count} |\n" for key, ms, count in line["kernels"])
        text += "\n"
    return text
