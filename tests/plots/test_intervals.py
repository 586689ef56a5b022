"""Intervals beside each other, where lines would hide one another."""

from typing import Any

import pandas as pd

from gdsweep.plots import label_efficiency
from gdsweep.plots.style import COLOURS, COLUMN, PAGE

NAN = float("nan")


def make(*points: tuple[Any, ...]) -> pd.DataFrame:
    names = ["panel", "line", "source", "x", "mean", "spread", "values", "of", "supervised"]
    return pd.DataFrame(points, columns=names)


def many(lines: int, xs: tuple[float, ...]) -> pd.DataFrame:
    return make(
        *(
            ("", f"method number {k}", "ours", x, k + x, 1.5, (k + x - 1.5, k + x + 1.5), 2, False)
            for k in range(lines)
            for x in xs
        )
    )


def test_one_value_of_x_is_a_panel_of_rows(check_texts: Any) -> None:
    figure = label_efficiency.draw(
        make(
            ("", "supervised", "ours", 1.0, 14.0, 2.0, (12.0, 14.0, 16.0), 3, True),
            ("", "guided", "ours", 1.0, 32.0, 1.0, (31.0, 33.0), 2, False),
            ("", "guided", "published", 1.0, 31.5, NAN, (31.5,), 1, False),
            ("", "Polite Teacher", "quoted", 1.0, 18.3, NAN, (18.3,), 1, False),
            ("", "Mask R-CNN", "quoted", 1.0, 3.5, NAN, (3.5,), 1, True),
        )
    )
    check_texts(figure)
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "1 %"
    rows = [text.get_text() for text in axes.get_yticklabels()]
    assert rows == ["supervised", "guided", "Polite Teacher", "Mask R-CNN"]
    means = [
        (int(line.get_ydata()[0]), float(line.get_xdata()[0]))
        for line in axes.lines
        if line.get_marker() == "o" and line.get_markersize() == 4
    ]
    assert means == [(0, 14.0), (1, 32.0)]
    rings = [line for line in axes.lines if line.get_markersize() == 6.5]
    assert [(ring.get_xdata()[0], ring.get_ydata()[0]) for ring in rings] == [(31.5, 1)]


def test_more_lines_than_can_be_told_apart_are_rows_beside_each_other(check_texts: Any) -> None:
    figure = label_efficiency.draw(many(9, (2.0, 4.0)))
    check_texts(figure)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["2 %", "4 %"]
    first, second = figure.axes
    assert first.get_xlim() == second.get_xlim()
    spans = [line.get_xdata() for line in first.lines if line.get_linewidth() == 3]
    assert [list(span) for span in spans] == [[k + 0.5, k + 3.5] for k in range(9)]
    assert {line.get_color() for line in second.lines} == set(COLOURS)
    assert figure.get_figwidth() == COLUMN


def test_panels_go_on_below(check_texts: Any) -> None:
    figure = label_efficiency.draw(many(7, (1.0, 2.0, 5.0, 10.0)), note="Not finished: some.")
    check_texts(figure)
    assert figure.get_figwidth() == PAGE
    assert len({axes.get_position().y0 for axes in figure.axes}) == 2


def test_a_long_name_takes_several_lines(check_texts: Any) -> None:
    frame = many(8, (2.0, 4.0))
    frame["line"] = "a method whose name is longer than any column of a paper " + frame["line"]
    figure = label_efficiency.draw(frame)
    check_texts(figure)
    assert figure.axes[0].get_window_extent().width > 0.2 * figure.bbox.width
