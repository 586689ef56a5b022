"""Training curves of a grid: loss, validation AP of student and EMA teacher, pseudo-labels.

Of pseudo-labels their number and, where measured (`evaluation.pseudo_labels`), how many are right
and how many of the objects they find.
"""

import textwrap
from typing import TYPE_CHECKING, Any

import pandas as pd

from gdsweep.plots.style import COLOURS, COLUMN, PAGE, QUIET, legend_above, look, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MEASURES = (
    (("loss",), "Training loss"),
    (("student", "teacher"), "Mask AP\n(validation)"),
    (("pseudo",), "Pseudo-labels\nper image"),
    (("precision", "coverage"), "Pseudo-labels right,\nobjects found (%)"),
)
DASHES: dict[str, Any] = {"teacher": (0, (3, 1.5)), "coverage": (0, (4, 1, 1, 1))}
"""What is drawn beside another curve of its panel."""

ACROSS = 4
"""Panels side by side."""


def draw(curves: pd.DataFrame) -> "Figure":
    """Draw a curves DataFrame (see gdsweep.report.curves).

    A column per panel (four side by side, then further below), a colour per line, a thin curve per
    seed; the EMA teacher is dashed and a dotted line marks the end of the burn-in.
    """
    panels = list(dict.fromkeys(curves["panel"])) or [""]
    lines = list(dict.fromkeys(curves["line"]))
    measures = [
        (keys, label) for keys, label in MEASURES if curves[list(keys)].notna().any(axis=None)
    ] or [MEASURES[0]]
    across = min(len(panels), ACROSS)
    bands = -(-len(panels) // across)
    with look():
        height = (1.35 * len(measures) + 0.25) * bands
        figure = new_figure(COLUMN if across == 1 else PAGE, height)
        grid = figure.subplots(bands * len(measures), across, squeeze=False, sharex="col")
        for place in range(bands * across):
            band, column = divmod(place, across)
            cells = grid[band * len(measures) : (band + 1) * len(measures), column]
            if place >= len(panels):
                for axes in cells:
                    axes.set_axis_off()
                continue
            part = curves[curves["panel"] == panels[place]]
            for axes, (keys, label) in zip(cells, measures, strict=True):
                _draw_measure(axes, part, keys, lines, ticks=6 if across <= 2 else 4)
                axes.set_ylabel(label if column == 0 else "")
            # a long name would run into its neighbour's
            title = textwrap.fill(panels[place], 18 if across > 2 else 60)
            cells[0].set_title(title, loc="left", fontweight="bold")
            cells[-1].set_xlabel("Iteration")
            cells[-1].tick_params(labelbottom=True)
        figure.align_ylabels(grid[:, 0])
        legend_above(figure, _handles(curves, lines))
    return figure


def _draw_measure(
    axes: "Axes", part: pd.DataFrame, keys: tuple[str, ...], lines: list[str], ticks: int
) -> None:
    from matplotlib.ticker import MaxNLocator

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
    if part[list(keys)].notna().any(axis=None):
        # a little below zero, where a curve of zeros can be seen
        axes.set_ylim(bottom=-0.03 * axes.get_ylim()[1])
    else:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center", color=QUIET)
    axes.margins(x=0.02)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=ticks, integer=True))


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
