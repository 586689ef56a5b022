"""Training curves: loss, validation AP of student and EMA teacher, pseudo-labels.

Of pseudo-labels their number and, where measured (`evaluation.pseudo_labels`), how many are right
and how many of the objects they find.
"""

from typing import TYPE_CHECKING, Any

import pandas as pd

from gdsweep.plots import iterations
from gdsweep.plots.style import (
    COLOURS,
    COLUMN,
    KEY_SIZE,
    QUIET,
    axes_at,
    draw_key,
    key_rows,
    line_height,
    look,
    new_figure,
    wrapped,
    write,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEASURES = (
    (("loss",), "Training loss"),
    (("student", "teacher"), "Mask AP (validation)"),
    (("pseudo",), "Pseudo-labels per image"),
    (("precision", "coverage"), "Pseudo-labels right, objects found (%)"),
)
DASHES: dict[str, Any] = {"teacher": (0, (3, 1.5)), "coverage": (0, (4, 1, 1, 1))}
"""What is drawn beside another curve of its panel."""
TITLE = 8.0
"""Size of the title, in points."""

LEFT, BOTTOM, HEIGHT, GAP = 0.36, 0.34, 0.95, 0.24
"""In inches: room for the scales, and below; height of a measure, and between two of them."""


def draw(curves: pd.DataFrame) -> "Figure":
    """Draw the rows of one panel of a curves DataFrame (see gdsweep.report.curves).

    Measures one below the other, a colour per line, a thin curve per seed; the EMA teacher is
    dashed and a dotted line marks the end of the burn-in.
    """
    lines = list(dict.fromkeys(curves["line"]))
    measures = [
        (keys, label) for keys, label in MEASURES if curves[list(keys)].notna().any(axis=None)
    ] or [MEASURES[0]]
    (panel,) = set(curves["panel"])
    with look():
        key = key_rows(_handles(curves, lines), COLUMN - 0.1)
        title = wrapped(panel, COLUMN - 0.1, TITLE, "bold")
        titled = len(title.splitlines()) * line_height(TITLE)
        head = titled + len(key) * line_height(KEY_SIZE) * 1.1 + 0.26
        height = BOTTOM + len(measures) * (HEIGHT + GAP) - GAP + head
        figure = new_figure(COLUMN, height)
        limits = _limits(curves)
        for place, (keys, label) in enumerate(reversed(measures)):
            bottom = BOTTOM + place * (HEIGHT + GAP)
            axes = axes_at(figure, LEFT, bottom, COLUMN - LEFT - 0.12, HEIGHT)
            _draw_measure(axes, curves, keys, lines)
            axes.set_title(label, loc="left", fontsize=KEY_SIZE + 0.5, pad=3)
            axes.set_xlim(*limits)
            iterations.scale(axes, 5)
            if place == 0:
                axes.set_xlabel("Iteration", labelpad=2)
            else:
                axes.tick_params(labelbottom=False)
        write(figure, 0.05, height - 0.04, title, TITLE, va="top", fontweight="bold")
        draw_key(figure, key, 0.05, height - titled - 0.06)
    return figure


def _limits(curves: pd.DataFrame) -> tuple[float, float]:
    last = float(curves["iteration"].max())
    return -0.02 * last, 1.02 * last


def _draw_measure(
    axes: "Axes", part: pd.DataFrame, keys: tuple[str, ...], lines: list[str]
) -> None:
    for (line, _), path in part.groupby(["line", "seed"], sort=False):
        colour = COLOURS[lines.index(line) % len(COLOURS)]
        for key in keys:
            known = path[path[key].notna()]
            if known.empty:
                continue
            # one measurement makes no line
            marker = "." if len(known) == 1 else None
            style = DASHES.get(key, "-")
            axes.plot(
                known["iteration"], known[key], color=colour, linestyle=style, marker=marker,
                linewidth=1.0, alpha=0.85, label=f"{line} {key}",
            )  # fmt: skip
    for burn_in in sorted(set(part["burn_in"].dropna())):
        axes.axvline(burn_in, color=QUIET, linestyle=":", linewidth=0.9, zorder=1)
    # a little below zero, where a curve of zeros can be seen
    axes.set_ylim(bottom=-0.03 * axes.get_ylim()[1])


def _handles(curves: pd.DataFrame, lines: list[str]) -> list[Any]:
    from matplotlib.lines import Line2D

    made = [
        Line2D([], [], color=COLOURS[rank % len(COLOURS)], label=line)
        for rank, line in enumerate(lines)
    ]
    if curves["teacher"].notna().any():
        made.append(Line2D([], [], color=QUIET, linestyle=DASHES["teacher"], label="EMA teacher"))
    if curves["coverage"].notna().any():
        made.append(
            Line2D([], [], color=QUIET, linestyle=DASHES["coverage"], label="objects found")
        )
    if curves["burn_in"].notna().any():
        made.append(Line2D([], [], color=QUIET, linestyle=":", label="end of burn-in"))
    return made
