"""What Figure 6 draws, read from its axes."""

from typing import Any

import pandas as pd

from gdsweep.plots import validation_curves
from gdsweep.plots.style import COLOURS

NAN = float("nan")


def make(seeds: tuple[int, ...] = (0,), network: str = "student") -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for rank, line in enumerate(("Ours", "+ cutout", "Supervised")):
        for seed in seeds:
            rows += [
                {
                    "panel": "", "line": line, "seed": seed, "run": "r", "iteration": at,
                    "network": network, "burn_in": NAN if line == "Supervised" else 1500.0,
                    "loss": 1.0, "student": 10.0 - rank + seed, "teacher": 30.0, "pseudo": NAN,
                }
                for at in (1000, 2000)
            ]  # fmt: skip
    return pd.DataFrame(rows)


def solid(axes: Any, colour: str) -> list[list[float]]:
    return [
        [float(y) for y in line.get_ydata()]
        for line in axes.lines
        if line.get_color() == colour and not line.is_dashed()
    ]


def test_one_line_per_variant() -> None:
    (axes,) = validation_curves.draw(make()).axes
    assert [solid(axes, COLOURS[rank]) for rank in range(3)] == [
        [[10.0, 10.0]],
        [[9.0, 9.0]],
        [[8.0, 8.0]],
    ]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Iteration", "Mask AP (validation)")
    assert axes.get_ylim()[0] == 0
    assert axes.xaxis.get_major_formatter()(90_000, 0) == "90k"


def test_seeds_are_thin_behind_their_mean() -> None:
    (axes,) = validation_curves.draw(make(seeds=(0, 1))).axes
    assert solid(axes, COLOURS[0]) == [[10.0, 10.0], [11.0, 11.0], [10.5, 10.5]]


def test_a_mean_stops_where_a_seed_does() -> None:
    frame = make(seeds=(0, 1))
    frame = frame[~((frame["seed"] == 1) & (frame["iteration"] == 2000))]
    (axes,) = validation_curves.draw(frame).axes
    assert solid(axes, COLOURS[0])[-1] == [10.5]


def test_the_network_that_is_reported_is_drawn() -> None:
    (axes,) = validation_curves.draw(make(network="teacher")).axes
    assert solid(axes, COLOURS[0]) == [[30.0, 30.0]]


def test_published_levels_are_dashed_in_the_same_colour() -> None:
    figure = validation_curves.draw(make(), {("", "Ours"): 23.0})
    (axes,) = figure.axes
    levels = [line for line in axes.lines if line.is_dashed() and line.get_color() == COLOURS[0]]
    assert [list(line.get_ydata()) for line in levels] == [[23.0, 23.0]]
    key = [text.get_text() for text in figure.legends[0].get_texts()]
    assert key == ["published, final", "end of burn-in"]


def test_lines_are_named_at_their_ends_in_their_order(check_texts: Any) -> None:
    figure = validation_curves.draw(make(), note="Not finished: Ours 5 % (running 61 %).")
    check_texts(figure)
    heights = {text.get_text(): text.get_position()[1] for text in figure.texts}
    assert heights["Ours"] > heights["+ cutout"] > heights["Supervised"]


def test_what_is_published_is_there_before_anything_is_measured(check_texts: Any) -> None:
    levels = {("Cityscapes", "Ours"): 23.0, ("Cityscapes", "Supervised"): 12.1}
    figure = validation_curves.draw(make().iloc[:0], levels, note="Not finished: Ours (missing).")
    check_texts(figure)
    (axes,) = figure.axes
    assert axes.get_title(loc="left") == "Cityscapes"
    assert [line.get_ydata()[0] for line in axes.lines] == [23.0, 12.1]
    assert len(axes.get_xticks()) == 0
    heights = {text.get_text(): text.get_position()[1] for text in figure.texts}
    assert heights["Ours"] > heights["Supervised"]


def test_nothing_measured_is_said() -> None:
    frame = make().assign(student=NAN)
    (axes,) = validation_curves.draw(frame, note="Not finished: all.").axes
    assert [text.get_text() for text in axes.texts] == ["no results yet"]
    empty = validation_curves.draw(make().iloc[:0])
    assert len(empty.axes) == 1
