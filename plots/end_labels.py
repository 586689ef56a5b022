"""Names of lines at their ends, in the order the lines lie: nobody has to look up a colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gdsweep.plots.style import line_height, text_width, wrapped, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = 6.5
"""Of letters, in points."""
LEAD = 0.16
"""Room between the axes and the names, for the lines that lead to them; in inches."""


@dataclass(frozen=True)
class EndLabel:
    """The name of one line."""

    text: str
    """The name, in as many lines as it has."""
    x: float
    """Where the line ends, in the axes' values."""
    y: float
    colour: str
    weight: str = "normal"

    @property
    def height(self) -> float:
        """Height of the name, in inches."""
        return len(self.text.splitlines()) * line_height(SIZE)


def fitted(name: str, width: float, weight: str = "normal") -> str:
    """A name in lines of at most `width` inches."""
    return wrapped(name, width, SIZE, weight)


def room_for(labels: Sequence[EndLabel]) -> tuple[float, float]:
    """What the names of one panel need beside it: width and height, in inches."""
    widths = [text_width(label.text, SIZE, label.weight) for label in labels]
    return LEAD + max(widths, default=0.0), sum(label.height for label in labels)


def draw(figure: "Figure", axes: "Axes", labels: Sequence[EndLabel]) -> None:
    """Write the names to the right of axes of the figure, the limits of which must be final.

    Each stands as near its line's end as the others allow, and a thin line leads to it.
    """
    from matplotlib.lines import Line2D

    across, up = figure.get_size_inches()
    box = axes.get_position()
    right, bottom, top = box.x1 * across, box.y0 * up, box.y1 * up
    labels = sorted(labels, key=lambda label: label.y)
    low, high = axes.get_ylim()
    ends = [bottom + (label.y - low) / (high - low) * (top - bottom) for label in labels]
    places = spread_apart(ends, [label.height for label in labels], bottom, top)
    to_inches = axes.transData.transform
    for label, end, place in zip(labels, ends, places, strict=True):
        start = to_inches((label.x, label.y))[0] / figure.dpi
        lead = [start + 0.04, max(start + 0.04, right + 0.02), right + LEAD - 0.03]
        figure.add_artist(
            Line2D(
                [x / across for x in lead], [y / up for y in (end, end, place)],
                color=label.colour, linewidth=0.5, alpha=0.6,
            )
        )  # fmt: skip
        write(
            figure, right + LEAD, place, label.text, SIZE, va="center", color=label.colour,
            fontweight=label.weight, linespacing=1.1,
        )  # fmt: skip


def spread_apart(
    wanted: Sequence[float], heights: Sequence[float], low: float, high: float
) -> list[float]:
    """Middles of boxes of these heights that do not overlap, in the order given (ascending).

    As near the wanted ones as that allows, in least squares (pool adjacent violators), and between
    `low` and `high` as long as there is room for all.
    """
    before = [sum(heights[:k]) + heights[k] / 2 for k in range(len(heights))]
    pools: list[tuple[float, int]] = []  # mean of a block's free places, and its length
    for place, offset in zip(wanted, before, strict=True):
        pools.append((place - offset, 1))
        while len(pools) > 1 and pools[-2][0] >= pools[-1][0]:
            (first, m), (second, n) = pools[-2:]
            pools[-2:] = [((m * first + n * second) / (m + n), m + n)]
    free = [mean for mean, length in pools for _ in range(length)]
    most = max(high - sum(heights), low)
    return [min(max(f, low), most) + offset for f, offset in zip(free, before, strict=True)]
