"""All settings of one cell as text: name, value, and the place that decided it."""

from collections.abc import Sequence
from typing import Any

from gdsweep.grid import Cell, Grid
from gdsweep.grid.methods import needs
from gdsweep.grid.provenance import ResolvedSetting
from gdsweep.grid.yaml_lines import plain


def cell_text(grid: Grid, cell: Cell) -> str:
    """A heading, the runs that the cell needs, and a line for every setting.

    A value that the supervised cell which is the teacher has otherwise is told on a line below.
    """
    settings = grid.resolved_settings(cell)
    runs = [
        f"  {need.trajectory.name}, {need.trajectory.config.objective}, "
        f"iterations {need.trajectory.start:,} to {need.wanted.stop:,}"
        for need in needs(cell)[0]
    ]
    lines = [f"{grid.path}: {cell.label}", "runs:", *runs, "settings:"]
    width = max(len(setting.name) for setting in settings)
    values = [plain(setting.value) for setting in settings]
    room = min(max(map(len, values)), 30)
    for setting, value in zip(settings, values, strict=True):
        lines.append(f"  {setting.name:<{width}}  {value:<{room}}  {decided_by(setting)}".rstrip())
        if setting.differs:
            lines.append(f"  {'':<{width}}  {plain(setting.supervised):<{room}}  in its teacher")
    return "\n".join(lines) + "\n"


def cell_json(grid: Grid, cell: Cell) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "grid": str(grid.path),
        "cell": cell.label,
        "axes": cell.axes,
        "runs": [need.trajectory.name for need in needs(cell)[0]],
        "settings": [_entry(setting) for setting in grid.resolved_settings(cell)],
    }


def decided_by(setting: ResolvedSetting) -> str:
    """The place in words: `default`, `rule, grids/demo.yaml:31`, `preset coco:12`."""
    named = setting.where.startswith(f"{setting.source} ")
    words = ("" if named else setting.source, setting.where, setting.how)
    return ", ".join(word for word in words if word)


def _entry(setting: ResolvedSetting) -> dict[str, Any]:
    entry = {
        "name": setting.name,
        "value": _plain(setting.value),
        "source": setting.source,
        "where": setting.where,
        "how": setting.how,
    }
    return {**entry, "teacher": _plain(setting.supervised)} if setting.differs else entry


def _plain(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
