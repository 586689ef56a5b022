"""An axis of iterations, which may be hundreds of thousands."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def scale(axes: "Axes", ticks: int) -> None:
    """Let the axes' x axis be iterations, with at most so many ticks: `0`, `50k`, `100k`."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=ticks, steps=[1, 2, 5, 10], integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: thousands(x)))


def thousands(x: float) -> str:
    """An iteration in few letters: `500`, `2.5k`, `100k`."""
    return f"{x / 1000:g}k" if abs(x) >= 1000 else f"{x:g}"
