"""What a reader would see at once: letters over letters, or over the edge."""

from itertools import combinations
from typing import Any

import pytest
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text


def shown_texts(figure: Figure) -> list[tuple[str, Any]]:
    """Every text that is seen, with its box in pixels."""
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    figure.draw(renderer)
    # ticks beyond the limits have labels that are not drawn
    unseen = [axes for axes in figure.axes if not axes.axison]
    hidden = {t for axes in unseen for axis in (axes.xaxis, axes.yaxis) for t in axis.findobj(Text)}
    idle = {
        label
        for axis in figure.findobj(Axis)
        for tick in set(axis.get_major_ticks()) - set(axis._update_ticks())  # type: ignore[attr-defined]
        for label in (tick.label1, tick.label2)
    }
    texts = (t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip())
    shown = [t for t in texts if t not in idle | hidden]
    return [(t.get_text(), t.get_window_extent(renderer)) for t in shown]


@pytest.fixture
def check_texts() -> Any:
    """Fails where two texts of a figure overlap, or one leaves the page."""

    def check(figure: Figure) -> None:
        boxes = shown_texts(figure)
        assert boxes
        page = figure.bbox.padded(2)
        for words, box in boxes:
            assert page.contains(box.x0, box.y0), f"{words!r} leaves the page"
            assert page.contains(box.x1, box.y1), f"{words!r} leaves the page"
        for (one, first), (other, second) in combinations(boxes, 2):
            assert not first.padded(-2).overlaps(second.padded(-2)), f"{one!r} lies on {other!r}"

    return check
