"""Figure 6 of the paper: mask AP on the validation images against the iteration."""

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from gdsweep.plots.style import (
    COLOURS,
    COLUMN,
    MARKERS,
    PAGE,
    QUIET,
    legend_above,
    look,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_MARKERS = 12
"""A line with more points carries a marker at every so many only."""


def draw(
    curves: pd.DataFrame,
    published: Mapping[tuple[str, str], float] | None = None,
    y_label: str = "Mask AP (validation)",
    note: str = "",
) -> "Figure":
    """Draw a curves DataFrame (see gdsweep.report.curves), one panel per value of `panel`.

    The mean over seeds of the network that the cell reports, each seed as a thin curve behind it
    where there are several. `published` values (by panel and line) are dashed levels behind ours
    in the same colour: the paper's final number. A dotted line marks the end of a burn-in.
    """
    published = published or {}
    panels = list(dict.fromkeys(curves["panel"])) or [""]
    lines = list(dict.fromkeys(curves["line"]))
    measured = curves.assign(AP=reported(curves)).dropna(subset="AP")
    across = min(len(panels), 2)
    rows = -(-len(panels) // across)
    with look():
        said = "\n".join(textwrap.wrap(note, 78 if across == 1 else 165))
        height = 2.1 * rows + 0.1 * len(said.splitlines())
        figure = new_figure(COLUMN if across == 1 else PAGE, height)
        grid = figure.subplots(rows, across, squeeze=False)
        for place, axes in enumerate(grid.flat):
            if place >= len(panels):
                axes.set_axis_off()
                continue
            levels = {line: v for (panel, line), v in published.items() if panel == panels[place]}
            _draw_panel(axes, measured[measured["panel"] == panels[place]], lines, levels)
            axes.set_title(panels[place], loc="left", fontweight="bold")
            axes.set_xlabel("Iteration")
            if place % across == 0:
                axes.set_ylabel(y_label)
        handles = _handles(measured, lines, bool(published))
        if handles:
            legend_above(figure, handles)
        if note:
            figure.supxlabel(said, x=0.02, ha="left", fontsize=5.5, color=QUIET)
    return figure


def reported(curves: pd.DataFrame) -> pd.Series:
    """Validation AP of the network that each row's cell reports."""
    student = curves["network"] == "student"
    return curves["student"].where(student, curves["teacher"])


def _draw_panel(
    axes: "Axes", part: pd.DataFrame, lines: list[str], published: Mapping[str, float]
) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    for rank, line in enumerate(lines):
        colour = COLOURS[rank % len(COLOURS)]
        if line in published:
            axes.axhline(
                published[line], color=colour, linestyle=(0, (3, 2)), linewidth=0.9, alpha=0.75,
                zorder=1,
            )  # fmt: skip
        own = part[part["line"] == line]
        if own.empty:
            continue
        seeds = own.groupby("seed", sort=False)
        if len(seeds) > 1:
            for _, path in seeds:
                axes.plot(path["iteration"], path["AP"], color=colour, linewidth=0.6, alpha=0.35)
        # a mean where every seed was measured; where seeds are missing it would jump
        counted = own.groupby("iteration")["AP"].agg(["mean", "count"])
        mean = counted.loc[counted["count"] == len(seeds), "mean"]
        every = max(-(-len(mean) // MOST_MARKERS), 1)
        axes.plot(mean.index, mean, markevery=every, **_style(rank), label=line)
    for burn_in in sorted(set(part["burn_in"].dropna())):
        axes.axvline(burn_in, color=QUIET, linestyle=":", linewidth=0.9, zorder=1)
    if part.empty:
        axes.text(0.5, 0.5, "no results yet", transform=axes.transAxes, ha="center", color=QUIET)
    axes.set_ylim(bottom=0)
    axes.margins(x=0.02)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: _thousands(x)))


def _thousands(x: float) -> str:
    return f"{x / 1000:g}k" if abs(x) >= 1000 else f"{x:g}"


def _style(rank: int) -> dict[str, Any]:
    return {
        "color": COLOURS[rank % len(COLOURS)],
        "marker": MARKERS[rank % len(MARKERS)],
        "markersize": 3.5,
        "markeredgecolor": "white",
        "markeredgewidth": 0.5,
        "zorder": 3,
    }


def _handles(measured: pd.DataFrame, lines: list[str], published: bool) -> list[Any]:
    from matplotlib.lines import Line2D

    made = [Line2D([], [], label=line, **_style(rank)) for rank, line in enumerate(lines)]
    if published:
        style: dict[str, Any] = {"color": QUIET, "linestyle": (0, (3, 2)), "linewidth": 0.9}
        made.append(Line2D([], [], label="published, final", **style))
    if measured["burn_in"].notna().any():
        made.append(Line2D([], [], color=QUIET, linestyle=":", label="end of burn-in"))
    return made
