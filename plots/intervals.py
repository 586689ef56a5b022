"""Means and their intervals beside each other: where lines would hide one another."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from gdsweep.plots.style import (
    COLOURS,
    COLUMN,
    PAGE,
    QUIET,
    axes_at,
    draw_key,
    key_rows,
    line_height,
    look,
    new_figure,
    text_width,
    wrapped,
    write,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACROSS = 3
"""Panels side by side."""
ROW, BOTTOM, TITLE, GAP = 0.155, 0.36, 0.2, 0.14
"""In inches: of a line; below a panel; above it; between panels."""
SIZE, NOTE = 6.5, 5.5
"""Sizes of names and of the note, in points."""
SPAN = 5.0
"""The least width of the scale, in points of AP."""


def draw(series: pd.DataFrame, x_label: str, y_label: str, note: str = "") -> "Figure":
    """Draw a series DataFrame (see gdsweep.report.series), a panel per `panel` and value of x.

    A row per line, in the order they come: the mean as a dot in one standard deviation, every seed
    as a short stroke, the published number as a ring; quoted methods are grey. All panels have one
    scale.
    """
    from matplotlib.ticker import MaxNLocator

    keys = sorted(set(zip(series["panel"], series["x"], strict=True)), key=_order(series))
    names = list(dict.fromkeys(series["line"]))
    columns = min(len(keys), ACROSS)
    bands = -(-len(keys) // columns)
    width = COLUMN if columns < ACROSS else PAGE
    with look():
        left = min(max(text_width(name, SIZE) for name in names), 0.45 * width) + 0.14
        names_shown = [wrapped(name, left - 0.12, SIZE) for name in names]
        row = ROW * max(len(name.splitlines()) * 0.75 + 0.25 for name in names_shown)
        key = key_rows(_handles(series), width - 0.1)
        below = wrapped(note, width - 0.1, NOTE)
        foot = len(below.splitlines()) * line_height(NOTE) + (0.04 if note else 0.0)
        head = len(key) * line_height(SIZE) * 1.1 + 0.06
        band = row * len(names) + BOTTOM + TITLE
        figure = new_figure(width, bands * band + head + foot)
        wide = (width - left - 0.1 - GAP * (columns - 1)) / columns
        limits = _limits(series)
        for place, (panel, x) in enumerate(keys):
            level, column = divmod(place, columns)
            bottom = foot + (bands - 1 - level) * band + BOTTOM
            axes = axes_at(figure, left + column * (wide + GAP), bottom, wide, row * len(names))
            part = series[(series["panel"] == panel) & (series["x"] == x)]
            _draw_panel(axes, part, names)
            axes.set_yticks(range(len(names)), names_shown if column == 0 else [""] * len(names))
            axes.set(ylim=(len(names) - 0.4, -0.6), xlim=limits)
            axes.tick_params("y", labelsize=SIZE, pad=3)
            axes.tick_params("x", labelsize=SIZE)
            axes.grid(visible=True, axis="x")
            axes.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
            axes.set_title(_title(panel, x, x_label), loc="left", fontweight="bold", pad=3)
            axes.title.set_fontsize(7)
        across = figure.get_size_inches()[0]
        for level in range(bands):
            middle = left + (across - left) / 2
            at = foot + level * band + 0.06
            write(figure, middle, at, y_label, 7, ha="center", va="bottom")
        draw_key(figure, key, 0.05, bands * band + head + foot - 0.03)
        write(figure, 0.05, 0.03, below, NOTE, va="bottom", color=QUIET, linespacing=1.1)
    return figure


def _order(series: pd.DataFrame) -> Any:
    panels = list(dict.fromkeys(series["panel"]))
    return lambda key: (panels.index(key[0]), key[1])


def _title(panel: str, x: float, x_label: str) -> str:
    value = f"{x:g} %" if "%" in x_label else f"{x_label} {x:g}"
    return ", ".join(filter(None, (panel, value)))


def _limits(series: pd.DataFrame) -> tuple[float, float]:
    spread = series["spread"].fillna(0.0)
    seeds = [value for values in series["values"] for value in values]
    low = min([*(series["mean"] - spread), *seeds])
    high = max([*(series["mean"] + spread), *seeds])
    middle, half = (low + high) / 2, max((high - low) / 2, SPAN / 2) * 1.06
    return middle - half, middle + half


def _draw_panel(axes: "Axes", part: pd.DataFrame, names: list[str]) -> None:
    for record in part.to_dict("records"):
        at, mean = names.index(str(record["line"])), record["mean"]
        if record["source"] == "published":
            axes.plot([mean], [at], **_ring(at))
        elif record["source"] == "quoted":
            axes.plot([mean], [at], **_quoted())
        else:
            _draw_ours(axes, record, at)


def _draw_ours(axes: "Axes", record: dict[Any, Any], at: int) -> None:
    colour, mean, values = COLOURS[at % len(COLOURS)], record["mean"], record["values"]
    if len(values) > 1:
        ends = [mean - record["spread"], mean + record["spread"]]
        axes.plot(ends, [at, at], color=colour, linewidth=3, alpha=0.35, solid_capstyle="butt")
        axes.plot(values, [at] * len(values), "|", color=colour, markersize=5, mew=0.8)
    axes.plot([mean], [at], "o", color=colour, markersize=4, markeredgewidth=0, zorder=3)


def _ring(at: int) -> dict[str, Any]:
    return {
        "color": COLOURS[at % len(COLOURS)], "linestyle": "none", "marker": "o", "markersize": 6.5,
        "markerfacecolor": "none", "markeredgewidth": 0.9,
    }  # fmt: skip


def _quoted() -> dict[str, Any]:
    return {
        "color": QUIET, "linestyle": "none", "marker": "D", "markersize": 3.2,
        "markerfacecolor": "white",
    }  # fmt: skip


def _handles(series: pd.DataFrame) -> list[Any]:
    from matplotlib.lines import Line2D

    dark: dict[str, Any] = {"color": "#333333"}
    made = []
    ours = series[series["source"] == "ours"]
    several = ours["values"].map(len).gt(1).any() if len(ours) else False
    if several:
        made += [
            Line2D([], [], marker="o", linestyle="none", markersize=4, label="mean", **dark),
            Line2D([], [], linewidth=3, alpha=0.35, label="± standard deviation", **dark),
            Line2D([], [], marker="|", linestyle="none", markersize=5, label="a seed", **dark),
        ]
    if "published" in set(series["source"]):
        made.append(Line2D([], [], label="published", **{**_ring(0), **dark}))
    if "quoted" in set(series["source"]):
        made.append(Line2D([], [], label="quoted", **_quoted()))
    return made
