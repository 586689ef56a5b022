"""What the label-efficiency figure draws, read from its axes."""

from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from gdsweep.plots import label_efficiency
from gdsweep.plots.style import COLOURS, COLUMN, PAGE

NAN = float("nan")


def make(*points: tuple[Any, ...]) -> pd.DataFrame:
    names = ["panel", "line", "source", "x", "mean", "spread", "values", "of"]
    return pd.DataFrame(points, columns=names)


def full(panel: str = "") -> list[tuple[Any, ...]]:
    return [
        (panel, "supervised", "ours", 1.0, 14.0, 2.0, (12.0, 14.0, 16.0), 3),
        (panel, "supervised", "ours", 10.0, 30.5, 0.5, (30.0, 31.0), 3),
        (panel, "guided", "ours", 1.0, 22.0, 1.0, (21.0, 23.0), 2),
        (panel, "guided", "ours", 10.0, 35.0, NAN, (35.0,), 1),
        (panel, "guided", "published", 1.0, 21.5, NAN, (21.5,), 1),
        (panel, "guided", "published", 10.0, 35.0, NAN, (35.0,), 1),
        (panel, "Polite Teacher", "quoted", 10.0, 30.8, NAN, (30.8,), 1),
    ]


def drawn(axes: Any, colour: str, dashed: bool) -> list[list[tuple[float, float]]]:
    """Points of the lines (not the seeds' dots) of a colour."""
    return [
        [(float(x), float(y)) for x, y in line.get_xydata()]
        for line in axes.lines
        if line.get_color() == colour
        and line.get_marker() != "."
        and line.is_dashed() == dashed
        and len(line.get_xdata())
    ]


def test_means_bands_and_seeds() -> None:
    figure = label_efficiency.draw(make(*full()))
    (axes,) = figure.axes
    assert drawn(axes, COLOURS[0], dashed=False) == [[(1.0, 14.0), (10.0, 30.5)]]
    assert drawn(axes, COLOURS[1], dashed=False) == [[(1.0, 22.0), (10.0, 35.0)]]
    assert drawn(axes, COLOURS[1], dashed=True) == [[(1.0, 21.5), (10.0, 35.0)]]
    dots = [list(line.get_ydata()) for line in axes.lines if line.get_marker() == "."]
    assert dots == [[12.0, 14.0, 16.0], [30.0, 31.0], [21.0, 23.0]]
    band = axes.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (12.0, 31.0)
    published = next(line for line in axes.lines if line.is_dashed() and line.get_color() != "k")
    solid = [line for line in axes.lines if not line.is_dashed() and line.get_marker() == "o"]
    assert published.get_zorder() < solid[0].get_zorder()


def test_axes_are_labelled_and_ticked_at_the_percentages() -> None:
    figure = label_efficiency.draw(make(*full()))
    (axes,) = figure.axes
    assert axes.get_xlabel() == "Labelled training images (%)"
    assert axes.get_ylabel() == "Mask AP (test)"
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "10"]
    assert not len(axes.xaxis.get_minorticklocs())


def test_less_than_a_decade_is_linear() -> None:
    points = [(*row[:3], {1.0: 5.0}.get(row[3], row[3]), *row[4:]) for row in full()]
    (axes,) = label_efficiency.draw(make(*points)).axes
    assert axes.get_xscale() == "linear"


def test_one_percentage_is_drawn_as_markers_side_by_side() -> None:
    points = [row for row in full() if row[3] == 1.0]
    (axes,) = label_efficiency.draw(make(*points)).axes
    ((first,),) = drawn(axes, COLOURS[0], dashed=False)
    ((second,),) = drawn(axes, COLOURS[1], dashed=False)
    assert first[0] < 1.0 < second[0]
    assert (first[1], second[1]) == (14.0, 22.0)
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1"]


def test_panels_and_widths() -> None:
    one = label_efficiency.draw(make(*full()))
    assert one.get_figwidth() == COLUMN
    two = label_efficiency.draw(make(*full("COCO"), *full("Cityscapes")))
    assert two.get_figwidth() == PAGE
    assert [axes.get_title(loc="left") for axes in two.axes] == ["COCO", "Cityscapes"]
    three = label_efficiency.draw(make(*full("a"), *full("b"), *full("c")))
    assert [axes.axison for axes in three.axes] == [True, True, True, False]


def overlaps(figure: Figure) -> bool:
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    figure.draw(renderer)
    legend = figure.legends[0].get_window_extent(renderer)
    return any(legend.overlaps(axes.get_window_extent(renderer)) for axes in figure.axes)


@pytest.mark.parametrize("name", ["guided", "a very long name of a method that fills a line"])
def test_the_legend_covers_no_data_and_stays_on_the_page(name: str) -> None:
    points = [(row[0], name if row[1] == "guided" else row[1], *row[2:]) for row in full()]
    figure = label_efficiency.draw(make(*points))
    assert not overlaps(figure)
    (legend,) = figure.legends
    assert legend.get_window_extent().x1 <= figure.bbox.x1
    assert [text.get_text() for text in legend.get_texts()] == [
        "supervised",
        name,
        "published (same colours)",
        "Polite Teacher (quoted)",
    ]


def test_the_note_is_below_everything() -> None:
    note = "Not finished: " + "guided 10 % (running 61 %); " * 6
    figure = label_efficiency.draw(make(*full()), note=note)
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    figure.draw(renderer)
    text = figure._supxlabel  # type: ignore[attr-defined]
    assert text.get_text().replace("\n", " ") == note.strip()
    box = text.get_window_extent(renderer)
    (axes,) = figure.axes
    assert box.y1 <= axes.xaxis.label.get_window_extent(renderer).y0
    assert box.x1 <= figure.bbox.x1


def test_nothing_to_draw() -> None:
    figure = label_efficiency.draw(make(), note="Not finished: everything.")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["no results yet"]


@pytest.mark.parametrize("level", [0.0, 0.5, 30.0])
def test_the_scale_neither_exaggerates_nor_goes_below_zero(level: float) -> None:
    points = [("", "supervised", "ours", x, level + x / 100, NAN, (0.5,), 1) for x in (1.0, 2.0)]
    (axes,) = label_efficiency.draw(make(*points)).axes
    low, high = axes.get_ylim()
    assert low >= 0
    assert high - low == pytest.approx(5.0)
    assert low <= level <= high


def test_one_percentage_is_measured_from_zero() -> None:
    points = [row for row in full() if row[3] == 10.0]
    (axes,) = label_efficiency.draw(make(*points)).axes
    assert axes.get_ylim()[0] == 0
    assert axes.get_ylim()[1] >= 35
