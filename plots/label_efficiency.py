"""Figure 1 of the paper: a metric against the percentage of labelled images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from gdsweep.plots import end_labels, intervals
from gdsweep.plots.end_labels import EndLabel
from gdsweep.plots.style import (
    COLOURS,
    COLUMN,
    MARKERS,
    PAGE,
    QUIET,
    axes_at,
    draw_key,
    ink,
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

SPAN = 5.0
"""The least height of the scale, in points of AP."""
MOST_LINES = 6
"""More lines of ours than these hide each other: their intervals stand beside each other."""
LEFT, BOTTOM, HEIGHT, NAMES = 0.44, 0.36, 2.0, 1.0
"""In inches: room for the scale, and below; of a panel; the most that a line of a name takes."""
NOTE, SAID = 5.5, 7.0
"""Sizes of the note below and of the sentence above, in points."""
QUOTED = "#4d4d4d"
"""Grey of others' semi-supervised methods; supervised ones are QUIET."""


@dataclass(frozen=True)
class Comparison:
    """What the figure is to show at a glance: a point of a line, and a quoted one it is beside."""

    panel: str
    line: str
    x: float
    rival: str
    """The quoted line."""
    rival_x: float


def draw(
    series: pd.DataFrame,
    x_label: str = "Labelled training images (%)",
    y_label: str = "Mask AP (test)",
    note: str = "",
    lowest: float = 0.0,
    comparison: Comparison | None = None,
) -> "Figure":
    """Draw a series DataFrame (see gdsweep.report.series), one panel per value of `panel`.

    Our means are solid, with one standard deviation and every seed as a faint dot; the paper's
    numbers for the same line are rings in its colour; quoted methods are grey. Names stand at the
    lines' ends. With one value of x, or more lines than can be told apart, every value of x is a
    panel of intervals. `note` stands below, small. `lowest` is the least value the metric can have.
    """
    ours = series.loc[series["source"] != "quoted", "line"].unique()
    if not series.empty and (len(ours) > MOST_LINES or series["x"].nunique() == 1):
        return intervals.draw(series, x_label, y_label, note)
    panels = list(dict.fromkeys(series["panel"])) or [""]
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    width = COLUMN if columns == 1 else PAGE
    with look():
        parts = [_Panel(name, series[series["panel"] == name], list(ours)) for name in panels]
        names = max(end_labels.room_for(part.labels)[0] for part in parts)
        height = max(HEIGHT, *(end_labels.room_for(part.labels)[1] + 0.1 for part in parts))
        key = key_rows(_handles(series), width - 0.1)
        said = wrapped(_sentence(comparison, series, x_label), width - 0.1, SAID, "bold")
        below = wrapped(note, width - 0.1, NOTE)
        foot = len(below.splitlines()) * line_height(NOTE) + (0.04 if note else 0.0)
        head = len(said.splitlines()) * line_height(SAID) + len(key) * line_height(6.5) * 1.1 + 0.12
        title = 0.16 if any(panels) else 0.04
        band = height + BOTTOM + title
        figure = new_figure(width, rows * band + head + foot)
        for place, part in enumerate(parts):
            row, column = divmod(place, columns)
            left = LEFT + column * width / columns
            axes = axes_at(
                figure, left, foot + (rows - 1 - row) * band + BOTTOM,
                width / columns - LEFT - names - 0.06, height,
            )  # fmt: skip
            axes.set_xlabel(x_label, labelpad=2)
            axes.set_ylabel(y_label if column == 0 else "", labelpad=3)
            axes.set_title(part.name, loc="left", fontweight="bold", pad=4)
            part.draw(figure, axes, lowest, comparison)
        top = rows * band + head + foot - 0.05
        if said:
            write(figure, 0.05, top, said, SAID, va="top", fontweight="bold", linespacing=1.1)
        draw_key(figure, key, 0.05, top - len(said.splitlines()) * line_height(SAID) - 0.04)
        write(figure, 0.05, 0.03, below, NOTE, va="bottom", color=QUIET, linespacing=1.1)
    return figure


class _Panel:
    """One panel's lines and their names."""

    def __init__(self, name: str, part: pd.DataFrame, ours: list[str]) -> None:
        self.name, self.part = name, part
        self.ours = {line: rank for rank, line in enumerate(ours)}
        quoted = part.loc[part["source"] == "quoted"]
        self.quoted = {
            line: (rank, bool(points["supervised"].iloc[0]))
            for rank, (line, points) in enumerate(quoted.groupby("line", sort=False))
        }
        self.labels = [*self._labels()]

    def _labels(self) -> list[EndLabel]:
        found = []
        for line, rank in self.ours.items():
            known = pd.concat([self._points(line, "published"), self._points(line, "ours")])
            if not known.empty:  # ours, where both end there
                colour = ink(COLOURS[rank % len(COLOURS)])
                found.append(_end(known, line, colour, "bold"))
        for line, (_, supervised) in self.quoted.items():
            found.append(_end(self._points(line, "quoted"), line, QUIET if supervised else QUOTED))
        return found

    def draw(
        self, figure: "Figure", axes: "Axes", lowest: float, comparison: Comparison | None
    ) -> None:
        """Draw everything into axes of the figure."""
        ticks = sorted(set(self.part["x"]))
        if not ticks:
            axes.set(xticks=[], yticks=[])
            axes.text(
                0.5, 0.5, "no results yet", transform=axes.transAxes, ha="center", color=QUIET
            )
            return
        for line, (rank, supervised) in self.quoted.items():
            points = self._points(line, "quoted")
            axes.plot(points["x"], points["mean"], **_quoted_style(rank, supervised))
        for line, rank in self.ours.items():
            points = self._points(line, "published")
            axes.plot(points["x"], points["mean"], **_published_style(rank))
            _draw_ours(axes, self._points(line, "ours"), rank)
        if ticks[-1] >= 10 * ticks[0]:
            axes.set_xscale("log")
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.margins(x=0.06)
        axes.set_ylim(*_limits(*axes.get_ylim(), lowest))
        if comparison is not None and comparison.panel == self.name:
            _draw_comparison(axes, comparison, self.part)
        end_labels.draw(figure, axes, self.labels)

    def _points(self, line: str, source: str) -> pd.DataFrame:
        part = self.part
        return part[(part["line"] == line) & (part["source"] == source)].sort_values("x")


def _end(points: pd.DataFrame, line: str, colour: str, weight: str = "normal") -> EndLabel:
    last = points[points["x"] == points["x"].max()].iloc[-1]
    name = end_labels.fitted(line, NAMES, weight)
    return EndLabel(name, float(last["x"]), float(last["mean"]), colour, weight)


def _limits(low: float, high: float, lowest: float) -> tuple[float, float]:
    """Limits that make no mountain of a molehill: at least SPAN."""
    low = max(min(low, (low + high) / 2 - SPAN / 2), lowest)
    return low, max(high, low + SPAN)


def _draw_ours(axes: "Axes", points: pd.DataFrame, rank: int) -> None:
    if points.empty:
        return
    colour = COLOURS[rank % len(COLOURS)]
    if points["spread"].notna().any():
        spread = points["spread"].fillna(0.0)
        axes.errorbar(
            points["x"], points["mean"], yerr=spread, fmt="none", ecolor=colour, elinewidth=2.6,
            alpha=0.3, zorder=2,
        )  # fmt: skip
    for x, values in zip(points["x"], points["values"], strict=True):
        if len(values) > 1:
            axes.plot([x] * len(values), values, ".", color=colour, markersize=2.5, mew=0)
    axes.plot(points["x"], points["mean"], **_ours_style(rank))


def _value(part: pd.DataFrame, line: str, x: float) -> tuple[float, str] | None:
    """A line's value, ours where there is one, with what is to be told of it."""
    for source, told in (("ours", ""), ("published", " (published)"), ("quoted", "")):
        at = part[(part["line"] == line) & (part["x"] == x) & (part["source"] == source)]
        if not at.empty:
            return float(at["mean"].iloc[0]), told
    return None


def _sentence(comparison: Comparison | None, series: pd.DataFrame, x_label: str) -> str:
    """The comparison in numbers; empty where one of them is not there."""
    if comparison is None:
        return ""
    part = series[series["panel"] == comparison.panel]
    own = _value(part, comparison.line, comparison.x)
    rival = _value(part, comparison.rival, comparison.rival_x)
    if own is None or rival is None:
        return ""
    unit = " %" if "%" in x_label else ""
    also = _value(part, comparison.rival, comparison.x)
    same = f", {also[0]:.1f} at {comparison.x:g}{unit}" if also else ""
    return (
        f"{comparison.line}: {own[0]:.1f}{own[1]} at {comparison.x:g}{unit}. "
        f"{comparison.rival}: {rival[0]:.1f} at {comparison.rival_x:g}{unit}{same}."
    )


def _draw_comparison(axes: "Axes", comparison: Comparison, part: pd.DataFrame) -> None:
    """Both points in rings, the rival's level led to ours, and the difference at one x."""
    own = _value(part, comparison.line, comparison.x)
    rival = _value(part, comparison.rival, comparison.rival_x)
    if own is None or rival is None:
        return
    left, right = axes.get_xlim()
    logarithmic = axes.get_xscale() == "log"
    # room beside the first point, for the difference
    aside = left * (left / right) ** 0.1 if logarithmic else left - 0.1 * (right - left)
    axes.set_xlim(left=aside)
    where = (aside * comparison.x) ** 0.5 if logarithmic else (aside + comparison.x) / 2
    dark: dict[str, Any] = {"color": "#111111", "zorder": 4}
    axes.plot(
        [comparison.rival_x, where], [rival[0]] * 2, linestyle=(0, (1, 1.5)), linewidth=1.0, **dark
    )
    for x, y in ((comparison.x, own[0]), (comparison.rival_x, rival[0])):
        axes.plot([x], [y], "o", markersize=9, markerfacecolor="none", markeredgewidth=1.0, **dark)
    also = _value(part, comparison.rival, comparison.x)
    if also is None:
        return
    axes.annotate(
        "", xy=(where, own[0]), xytext=(where, also[0]),
        arrowprops={"arrowstyle": "->", "linewidth": 0.9, "shrinkA": 0, "shrinkB": 0},
    )  # fmt: skip
    axes.annotate(
        f"{own[0] - also[0]:+.1f}", xy=(where, (own[0] + also[0]) / 2), xytext=(-2, 0),
        textcoords="offset points", ha="right", va="center", rotation=90, fontsize=6.5,
    )  # fmt: skip


def _ours_style(rank: int) -> dict[str, Any]:
    return {
        "color": COLOURS[rank % len(COLOURS)],
        "marker": MARKERS[rank % len(MARKERS)],
        "markersize": 3.8,
        "markeredgewidth": 0,
        "zorder": 3,
    }


def _published_style(rank: int) -> dict[str, Any]:
    # rings around our points, so that neither hides the other
    return {
        "color": COLOURS[rank % len(COLOURS)],
        "linestyle": (0, (4, 2)),
        "linewidth": 0.8,
        "marker": "o",
        "markersize": 6.5,
        "markerfacecolor": "none",
        "markeredgewidth": 0.9,
        "zorder": 2.5,
    }


def _quoted_style(rank: int, supervised: bool) -> dict[str, Any]:
    return {
        "color": QUIET if supervised else QUOTED,
        "linestyle": (0, (1, 1.5)) if supervised else "-",
        "linewidth": 0.9,
        "marker": MARKERS[-1 - rank % len(MARKERS)],
        "markersize": 3.0,
        "markerfacecolor": "white",
        "markeredgewidth": 0.7,
        "zorder": 1,
    }


def _handles(series: pd.DataFrame) -> list[Any]:
    """What tells whose numbers lines are, where they are not ours alone."""
    from matplotlib.lines import Line2D

    made = []
    sources = set(series["source"])
    if sources <= {"ours"}:
        return []
    if "ours" in sources:
        made.append(Line2D([], [], label="ours", **{**_ours_style(0), "color": "#333333"}))
    if "published" in sources:
        style = {**_published_style(0), "color": "#333333"}
        made.append(Line2D([], [], label="published", **style))
    quoted = series[series["source"] == "quoted"]
    for supervised, name in ((False, "semi-supervised, quoted"), (True, "supervised, quoted")):
        if (quoted["supervised"].astype(bool) == supervised).any():
            made.append(Line2D([], [], label=name, **_quoted_style(0, supervised)))
    return made
