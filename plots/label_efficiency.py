"""Figure 1 of the paper: a metric against the percentage of labelled images."""

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

SPAN = 5.0
"""The least height of the scale, in points of AP."""


def draw(
    series: pd.DataFrame,
    x_label: str = "Labelled training images (%)",
    y_label: str = "Mask AP (test)",
    note: str = "",
    lowest: float = 0.0,
) -> "Figure":
    """Draw a series DataFrame (see gdsweep.report.series), one panel per value of `panel`.

    Our means are solid with a band of one standard deviation and every seed as a faint dot; the
    paper's numbers for the same line are dashed behind them in the same colour; quoted methods are
    dashed in grey. `note` stands below, small. `lowest` is the least value the metric can have.
    """
    panels = list(dict.fromkeys(series["panel"])) or [""]
    lines = list(dict.fromkeys(series.loc[series["source"] != "quoted", "line"]))
    quoted = list(dict.fromkeys(series.loc[series["source"] == "quoted", "line"]))
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    width = 78 if columns == 1 else 165
    said = _wrapped(note, width)
    height = 2.1 * rows + 0.1 * len(said.splitlines())
    with look():
        figure = new_figure(COLUMN if columns == 1 else PAGE, height)
        grid = figure.subplots(rows, columns, squeeze=False)
        for place, axes in enumerate(grid.flat):
            if place >= len(panels):
                axes.set_axis_off()
                continue
            part = series[series["panel"] == panels[place]]
            _draw_panel(axes, part, lines, quoted, lowest)
            axes.set_title(panels[place], loc="left", fontweight="bold")
            axes.set_xlabel(x_label)
            if place % columns == 0:
                axes.set_ylabel(y_label)
        handles = _handles(series, lines, quoted)
        if handles:
            legend_above(figure, handles)
        if note:
            figure.supxlabel(said, x=0.02, ha="left", fontsize=5.5, color=QUIET)
    return figure


def _draw_panel(
    axes: "Axes", part: pd.DataFrame, lines: list[str], quoted: list[str], lowest: float
) -> None:
    ticks = sorted(set(part["x"]))
    alone = len(ticks) == 1
    for rank, line in enumerate(quoted):
        points = _points(part, line, "quoted")
        axes.plot(points["x"], points["mean"], **_quoted_style(rank))
    for rank, line in enumerate(lines):
        # with one percentage the lines would stand on one another
        shift = (rank - (len(lines) - 1) / 2) * 0.12 * ticks[0] if alone else 0.0
        points = _points(part, line, "published")
        axes.plot(points["x"] + shift, points["mean"], **_published_style(rank))
        _draw_ours(axes, _points(part, line, "ours"), rank, shift)
    if not ticks:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "no results yet", transform=axes.transAxes, ha="center", color=QUIET)
        return
    if ticks[-1] >= 10 * ticks[0]:
        axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    if alone:
        axes.set_xlim(ticks[0] * 0.6, ticks[0] * 1.4)
    axes.margins(x=0.06)
    axes.set_ylim(*_limits(*axes.get_ylim(), lowest, from_lowest=alone))


def _limits(low: float, high: float, lowest: float, from_lowest: bool) -> tuple[float, float]:
    """Limits that make no mountain of a molehill: at least SPAN, or all from the lowest value."""
    middle = (low + high) / 2
    low = lowest if from_lowest else max(min(low, middle - SPAN / 2), lowest)
    return low, max(high, low + SPAN)


def _draw_ours(axes: "Axes", points: pd.DataFrame, rank: int, shift: float) -> None:
    if points.empty:
        return
    colour = COLOURS[rank % len(COLOURS)]
    x, mean, spread = points["x"] + shift, points["mean"], points["spread"].fillna(0.0)
    if len(points) > 1:
        axes.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)
    elif spread.iloc[0]:
        axes.errorbar(x, mean, yerr=spread, fmt="none", ecolor=colour, elinewidth=1, capsize=2.5)
    # on an error bar a seed's dot would not be seen: it stands beside it
    aside = 0.025 * x.iloc[0] if len(points) == 1 else 0.0
    for place, values in zip(x + aside, points["values"], strict=True):
        if len(values) > 1:
            at = [place] * len(values)
            axes.plot(at, values, ".", color=colour, alpha=0.45, markersize=4, mew=0)
    axes.plot(x, mean, **_ours_style(rank))


def _points(part: pd.DataFrame, line: str, source: str) -> pd.DataFrame:
    return part[(part["line"] == line) & (part["source"] == source)].sort_values("x")


def _ours_style(rank: int) -> dict[str, Any]:
    return {
        "color": COLOURS[rank % len(COLOURS)],
        "marker": MARKERS[rank % len(MARKERS)],
        "markeredgecolor": "white",
        "markeredgewidth": 0.5,
        "zorder": 3,
    }


def _published_style(rank: int) -> dict[str, Any]:
    return {
        "color": COLOURS[rank % len(COLOURS)],
        "linestyle": (0, (3, 2)),
        "linewidth": 1.0,
        "alpha": 0.75,
        "marker": MARKERS[rank % len(MARKERS)],
        "markersize": 3.2,
        "markerfacecolor": "white",
        "zorder": 2,
    }


def _quoted_style(rank: int) -> dict[str, Any]:
    return {
        "color": QUIET,
        "linestyle": (0, (3, 2)),
        "linewidth": 0.9,
        "marker": MARKERS[-1 - rank % len(MARKERS)],
        "markersize": 3.2,
        "markerfacecolor": "white",
        "zorder": 1,
    }


def _handles(series: pd.DataFrame, lines: list[str], quoted: list[str]) -> list[Any]:
    from matplotlib.lines import Line2D

    sources = set(series["source"])
    made = [Line2D([], [], label=line, **_ours_style(rank)) for rank, line in enumerate(lines)]
    if "published" in sources:
        style = {**_published_style(0), "color": QUIET, "marker": None}
        made.append(Line2D([], [], label="published (same colours)", **style))
    made += [
        Line2D([], [], label=f"{line} (quoted)", **_quoted_style(rank))
        for rank, line in enumerate(quoted)
    ]
    return made


def _wrapped(text: str, width: int) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width))
