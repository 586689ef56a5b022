"""Reading metrics.json: one truth per iteration, whatever was killed and resumed."""

import json
from pathlib import Path
from typing import Any


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Merge the lines of a metrics.json by iteration, ascending; the later line wins per key.

    A resumed run repeats iterations, and a killed one may end in half a line: that line is left
    out. Returns an empty list where there is no file.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    merged: dict[int, dict[str, Any]] = {}
    for line in text.splitlines():
        try:
            entry = json.loads(line)
            iteration = int(entry["iteration"])
        except (ValueError, KeyError, TypeError):
            continue  # the half-written last line of a killed attempt
        merged.setdefault(iteration, {}).update(entry)
    return [merged[iteration] for iteration in sorted(merged)]
