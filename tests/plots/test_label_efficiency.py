"""What the label-efficiency figure draws, read from its axes."""

from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from gdsweep.plots import label_efficiency
from gdsweep.plots.label_efficiency import Comparison
from gdsweep.plots.style import COLOURS, COLUMN, PAGE, QUIET

NAN = float("nan")


def make(*points: tuple[Any, ...]) -> pd.DataFrame:
    names = ["panel", "line", "source", "x", "mean", "spread", "values", "of", "supervised"]
    return pd.DataFrame(points, columns=names)


def full(panel: str = "") -> list[tuple[Any, ...]]:
    return [
        (panel, "supervised", "ours", 1.0, 14.0, 2.0, (12.0, 14.0, 16.0), 3, True),
        (panel, "supervised", "ours", 10.0, 30.5, 0.5, (30.0, 31.0), 3, True),
        (panel, "guided", "ours", 1.0, 32.0, 1.0, (31.0, 33.0), 2, False),
        (panel, "guided", "ours", 10.0, 35.0, NAN, (35.0,), 1, False),
        (panel, "guided", "published", 1.0, 31.5, NAN, (31.5,), 1, False),
        (panel, "guided", "published", 10.0, 35.0, NAN, (35.0,), 1, False),
        (panel, "Polite Teacher", "quoted", 1.0, 18.3, NAN, (18.3,), 1, False),
        (panel, "Polite Teacher", "quoted", 10.0, 30.8, NAN, (30.8,), 1, False),
        (panel, "Mask R-CNN", "quoted", 1.0, 3.5, NAN, (3.5,), 1, True),
        (panel, "Mask R-CNN", "quoted", 10.0, 21.9, NAN, (21.9,), 1, True),
    ]


COMPARED = Comparison("", "guided", 1.0, "Polite Teacher", 10.0)


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


def words(figure: Figure) -> list[str]:
    return [text.get_text().replace("\n", " ") for text in figure.texts if text.get_text()]


def test_means_spreads_and_seeds() -> None:
    (axes,) = label_efficiency.draw(make(*full())).axes
    assert drawn(axes, COLOURS[0], dashed=False) == [[(1.0, 14.0), (10.0, 30.5)]]
    assert drawn(axes, COLOURS[1], dashed=False) == [[(1.0, 32.0), (10.0, 35.0)]]
    dots = [list(line.get_ydata()) for line in axes.lines if line.get_marker() == "."]
    assert dots == [[12.0, 14.0, 16.0], [30.0, 31.0], [31.0, 33.0]]
    bars = [bar for bar in axes.collections if len(bar.get_paths()) == 2]
    assert bars[0].get_paths()[0].vertices[:, 1].tolist() == [12.0, 16.0]


def test_published_points_are_rings_around_ours() -> None:
    (axes,) = label_efficiency.draw(make(*full())).axes
    assert drawn(axes, COLOURS[1], dashed=True) == [[(1.0, 31.5), (10.0, 35.0)]]
    lines = [line for line in axes.lines if line.get_color() == COLOURS[1]]
    ours = next(line for line in lines if not line.is_dashed() and line.get_marker() != ".")
    ring = next(line for line in lines if line.is_dashed())
    assert ring.get_markersize() > ours.get_markersize() + 2
    assert ring.get_markerfacecolor() == "none"


def test_quoted_supervised_methods_look_otherwise() -> None:
    (axes,) = label_efficiency.draw(make(*full())).axes
    assert drawn(axes, QUIET, dashed=True) == [[(1.0, 3.5), (10.0, 21.9)]]
    assert drawn(axes, label_efficiency.QUOTED, dashed=False) == [[(1.0, 18.3), (10.0, 30.8)]]


@pytest.mark.parametrize("name", ["guided", "a very long name of a method that fills a line"])
@pytest.mark.parametrize("panels", [("",), ("COCO", "Cityscapes", "LVIS")])
def test_lines_are_named_at_their_ends_in_their_order(
    name: str, panels: tuple[str, ...], check_texts: Any
) -> None:
    rows = [row for panel in panels for row in full(panel)]
    figure = label_efficiency.draw(
        make(*((row[0], name if row[1] == "guided" else row[1], *row[2:]) for row in rows))
    )
    check_texts(figure)
    lines = {name, "supervised", "Polite Teacher", "Mask R-CNN"}
    named = [(text.get_position()[1], text.get_text().replace("\n", " ")) for text in figure.texts]
    # lines' ends: 35.0, 30.8, 30.5, 21.9
    order = [name, "Polite Teacher", "supervised", "Mask R-CNN"]
    found = [words for _, words in sorted(named, reverse=True) if words in lines]
    assert found[:4] == order if len(panels) == 1 else len(found) == 4 * len(panels)
    # the frame keeps most of the width: a key never takes the place of the data
    bands = len({axes.get_position().y0 for axes in figure.axes})
    assert bands * figure.axes[0].get_window_extent().height > 0.6 * figure.bbox.height


def test_the_key_tells_whose_numbers_are_shown() -> None:
    figure = label_efficiency.draw(make(*full()))
    assert [text.get_text() for legend in figure.legends for text in legend.get_texts()] == [
        "ours",
        "published",
        "semi-supervised, quoted",
        "supervised, quoted",
    ]
    alone = label_efficiency.draw(make(*(row for row in full() if row[2] == "ours")))
    assert alone.legends == []


def test_the_comparison_is_said_and_shown(check_texts: Any) -> None:
    figure = label_efficiency.draw(make(*full()), comparison=COMPARED)
    check_texts(figure)
    assert "guided: 32.0 at 1 %. Polite Teacher: 30.8 at 10 %, 18.3 at 1 %." in words(figure)
    (axes,) = figure.axes
    assert "+13.7" in [text.get_text() for text in axes.texts]
    rings = [line.get_xydata().tolist() for line in axes.lines if line.get_markersize() == 9]
    assert rings == [[[1.0, 32.0]], [[10.0, 30.8]]]


def test_a_comparison_without_our_number_takes_the_published_and_says_so() -> None:
    series = make(*(row for row in full() if row[2] != "ours"))
    figure = label_efficiency.draw(series, comparison=COMPARED)
    assert any(said.startswith("guided: 31.5 (published) at 1 %.") for said in words(figure))
    without = label_efficiency.draw(make(*full()[:2]), comparison=COMPARED)
    assert words(without) == ["supervised"]


def test_axes_are_labelled_and_ticked_at_the_percentages() -> None:
    (axes,) = label_efficiency.draw(make(*full())).axes
    assert axes.get_xlabel() == "Labelled training images (%)"
    assert axes.get_ylabel() == "Mask AP (test)"
    assert axes.get_xscale() == "log"
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "10"]
    assert not len(axes.xaxis.get_minorticklocs())


def test_less_than_a_decade_is_linear() -> None:
    points = [(*row[:3], {1.0: 5.0}.get(row[3], row[3]), *row[4:]) for row in full()]
    (axes,) = label_efficiency.draw(make(*points)).axes
    assert axes.get_xscale() == "linear"


def test_panels_and_widths() -> None:
    one = label_efficiency.draw(make(*full()))
    assert one.get_figwidth() == COLUMN
    two = label_efficiency.draw(make(*full("COCO"), *full("Cityscapes")))
    assert two.get_figwidth() == PAGE
    assert [axes.get_title(loc="left") for axes in two.axes] == ["COCO", "Cityscapes"]
    three = label_efficiency.draw(make(*full("a"), *full("b"), *full("c")))
    assert len(three.axes) == 3


def test_the_note_is_below_everything(check_texts: Any) -> None:
    note = "Not finished: " + "guided 10 % (running 61 %); " * 6
    figure = label_efficiency.draw(make(*full()), note=note)
    check_texts(figure)
    (text,) = [text for text in figure.texts if text.get_text().startswith("Not finished")]
    assert text.get_text().replace("\n", " ") == note.strip()
    (axes,) = figure.axes
    assert text.get_window_extent().y1 <= axes.xaxis.label.get_window_extent().y0


def test_nothing_to_draw() -> None:
    figure = label_efficiency.draw(make(), note="Not finished: everything.")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["no results yet"]


@pytest.mark.parametrize("level", [0.0, 0.5, 30.0])
def test_the_scale_neither_exaggerates_nor_goes_below_zero(level: float) -> None:
    points = [
        ("", "supervised", "ours", x, level + x / 100, NAN, (0.5,), 1, True) for x in (1.0, 2.0)
    ]
    (axes,) = label_efficiency.draw(make(*points)).axes
    low, high = axes.get_ylim()
    assert low >= 0
    assert high - low == pytest.approx(5.0)
    assert low <= level <= high
