"""Figure 6 of the paper: mask AP on the validation images against the iteration."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from gdsweep.plots import end_labels, iterations
from gdsweep.plots.end_labels import EndLabel
from gdsweep.plots.style import (
    COLOURS,
    COLUMN,
    KEY_SIZE,
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

MOST_MARKERS = 12
"""A line with more points carries a marker at every so many only."""
LEFT, BOTTOM, HEIGHT, NAMES = 0.44, 0.36, 1.8, 1.0
"""In inches: room for the scale, and below; of a panel; the most that a line of a name takes."""
NOTE = 5.5
"""Size of the note below, in points."""


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
    panels = list(dict.fromkeys([*curves["panel"], *(panel for panel, _ in published)])) or [""]
    lines = list(dict.fromkeys([*curves["line"], *(line for _, line in published)]))
    measured = curves.assign(AP=reported(curves)).dropna(subset="AP")
    across = min(len(panels), 2)
    rows = -(-len(panels) // across)
    width = COLUMN if across == 1 else PAGE
    with look():
        parts = [measured[measured["panel"] == panel] for panel in panels]
        levels = [
            {line: value for (where, line), value in published.items() if where == panel}
            for panel in panels
        ]
        labels = [_labels(*both, lines) for both in zip(parts, levels, strict=True)]
        names = max(end_labels.room_for(part)[0] for part in labels)
        height = max(HEIGHT, *(end_labels.room_for(part)[1] + 0.1 for part in labels))
        key = key_rows(_handles(measured, bool(published)), width - 0.1)
        below = wrapped(note, width - 0.1, NOTE)
        foot = len(below.splitlines()) * line_height(NOTE) + (0.04 if note else 0.0)
        head = len(key) * line_height(KEY_SIZE) * 1.1 + 0.06
        band = height + BOTTOM + (0.18 if any(panels) else 0.06)
        figure = new_figure(width, rows * band + head + foot)
        for place, (panel, part) in enumerate(zip(panels, parts, strict=True)):
            row, column = divmod(place, across)
            axes = axes_at(
                figure, LEFT + column * width / across, foot + (rows - 1 - row) * band + BOTTOM,
                width / across - LEFT - names - 0.06, height,
            )  # fmt: skip
            _draw_panel(axes, part, lines, levels[place])
            end_labels.draw(figure, axes, labels[place])
            axes.set_title(panel, loc="left", fontweight="bold", pad=4)
            axes.set_xlabel("Iteration", labelpad=2)
            axes.set_ylabel(y_label if column == 0 else "", labelpad=3)
        draw_key(figure, key, 0.05, rows * band + head + foot - 0.03)
        write(figure, 0.05, 0.03, below, NOTE, va="bottom", color=QUIET, linespacing=1.1)
    return figure


def reported(curves: pd.DataFrame) -> pd.Series:
    """Validation AP of the network that each row's cell reports."""
    student = curves["network"] == "student"
    return curves["student"].where(student, curves["teacher"])


def _labels(part: pd.DataFrame, levels: Mapping[str, float], lines: list[str]) -> list[EndLabel]:
    """Names at the ends of our curves; of a line without one at its published level."""
    found = []
    last = 1.0 if part.empty else float(part["iteration"].max())
    for rank, line in enumerate(lines):
        mean = _mean(part[part["line"] == line])
        name = end_labels.fitted(line, NAMES, "bold")
        colour = ink(COLOURS[rank % len(COLOURS)])
        if not mean.empty:
            found.append(EndLabel(name, mean.index[-1], mean.iloc[-1], colour, "bold"))
        elif line in levels:
            found.append(EndLabel(name, last, levels[line], colour, "bold"))
    return found


def _mean(own: pd.DataFrame) -> pd.Series:
    """Mean over a line's seeds by iteration, where every seed was measured: else it would jump."""
    counted = own.groupby("iteration")["AP"].agg(["mean", "count"])
    return counted.loc[counted["count"] == own["seed"].nunique(), "mean"]


def _draw_panel(
    axes: "Axes", part: pd.DataFrame, lines: list[str], published: Mapping[str, float]
) -> None:
    for rank, line in enumerate(lines):
        colour = COLOURS[rank % len(COLOURS)]
        if line in published:
            axes.axhline(published[line], zorder=1, **_level_style(colour))
        own = part[part["line"] == line]
        if own.empty:
            continue
        seeds = own.groupby("seed", sort=False)
        if len(seeds) > 1:
            for _, path in seeds:
                axes.plot(path["iteration"], path["AP"], color=colour, linewidth=0.6, alpha=0.35)
        mean = _mean(own)
        every = max(-(-len(mean) // MOST_MARKERS), 1)
        axes.plot(mean.index, mean, markevery=every, label=line, **_style(rank))
    for burn_in in sorted(set(part["burn_in"].dropna())):
        axes.axvline(burn_in, color=QUIET, linestyle=":", linewidth=0.9, zorder=1)
    axes.margins(x=0.03)
    axes.set_ylim(bottom=0)
    if part.empty:
        paper = {"facecolor": "white", "edgecolor": "none", "pad": 2}
        axes.text(
            0.5, 0.5, "no results yet", transform=axes.transAxes, ha="center", va="center",
            color=QUIET, bbox=paper, zorder=5,
        )  # fmt: skip
        axes.set(xticks=[], xlim=(0, 1))
    else:
        iterations.scale(axes, 5)


def _style(rank: int) -> dict[str, Any]:
    return {
        "color": COLOURS[rank % len(COLOURS)],
        "marker": MARKERS[rank % len(MARKERS)],
        "markersize": 3.5,
        "markeredgecolor": "white",
        "markeredgewidth": 0.5,
        "zorder": 3,
    }


def _level_style(colour: str) -> dict[str, Any]:
    return {"color": colour, "linestyle": (0, (3, 2)), "linewidth": 0.9, "alpha": 0.75}


def _handles(measured: pd.DataFrame, published: bool) -> list[Any]:
    from matplotlib.lines import Line2D

    made = []
    if published:
        made.append(Line2D([], [], label="published, final", **_level_style("#333333")))
    if measured["burn_in"].notna().any():
        made.append(Line2D([], [], color=QUIET, linestyle=":", label="end of burn-in"))
    return made
