"""What the training curves draw, read from their axes."""

from typing import Any

import pandas as pd

from gdsweep.plots import training_curves
from gdsweep.plots.style import COLOURS

NAN = float("nan")


def make() -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for panel in ("5 %", "10 %"):
        for seed in (0, 1):
            rows += [
                {"line": "supervised", "iteration": at, "loss": 10.0 - at, "student": at + seed}
                | {"panel": panel, "seed": seed, "run": "s"}
                for at in (1, 2)
            ]
            rows += [
                {"line": "guided", "iteration": at, "teacher": 3.0 * at, "pseudo": 1.5}
                | {"panel": panel, "seed": seed, "run": "g", "burn_in": 1.5}
                for at in (1, 2)
            ]
    return pd.DataFrame(rows).assign(precision=NAN, coverage=NAN)


def test_measures_lines_and_burn_in() -> None:
    figure = training_curves.draw(make())
    assert len(figure.axes) == 6
    loss, _, scores, _, pseudo, _ = figure.axes
    assert [list(line.get_ydata()) for line in loss.lines if line.get_label() != ""][:2] == [
        [9.0, 8.0],
        [9.0, 8.0],
    ]
    students = [line for line in scores.lines if line.get_color() == COLOURS[0]]
    assert [list(line.get_ydata()) for line in students] == [[1.0, 2.0], [2.0, 3.0]]
    teachers = [line for line in scores.lines if line.get_color() == COLOURS[1]]
    assert all(line.is_dashed() for line in teachers)
    exits = [line for line in pseudo.lines if list(line.get_xdata()) == [1.5, 1.5]]
    assert len(exits) == 1
    assert [axes.get_title(loc="left") for axes in figure.axes[:2]] == ["5 %", "10 %"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "supervised",
        "guided",
        "EMA teacher",
        "end of burn-in",
    ]


def test_precision_and_coverage_share_a_panel() -> None:
    frame = make()
    at = frame["line"] == "guided"
    frame.loc[at, "precision"], frame.loc[at, "coverage"] = 80.0, 30.0
    figure = training_curves.draw(frame)
    assert len(figure.axes) == 8
    panel = figure.axes[6]
    assert panel.get_ylabel() == "Pseudo-labels right,\nobjects found (%)"
    drawn = {line.get_label(): line for line in panel.lines if list(line.get_xdata()) == [1, 2]}
    assert list(drawn["guided precision"].get_ydata()) == [80.0, 80.0]
    assert list(drawn["guided coverage"].get_ydata()) == [30.0, 30.0]
    assert drawn["guided coverage"].is_dashed()
    assert not drawn["guided precision"].is_dashed()
    assert "objects found" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_what_nobody_measured_has_no_panel() -> None:
    frame = make().assign(teacher=NAN, pseudo=NAN, burn_in=NAN)
    figure = training_curves.draw(frame)
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == [
        "Training loss",
        "Mask AP\n(validation)",
    ]


def test_many_panels_stand_below_one_another() -> None:
    frames = [make().assign(panel=lambda f, k=k: f["panel"] + f" {k}") for k in range(3)]
    figure = training_curves.draw(pd.concat(frames))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert sorted(title for title in titles if title) == sorted(
        f"{percent} % {k}" for percent in (5, 10) for k in range(3)
    )
    assert sum(axes.axison for axes in figure.axes) == 6 * 3


def test_a_panel_without_a_measure_says_so() -> None:
    frame = make()
    frame = frame[(frame["panel"] == "5 %") | (frame["line"] == "supervised")]
    pseudo = training_curves.draw(frame).axes[4:6]
    assert [[text.get_text() for text in axes.texts] for axes in pseudo] == [[], ["none"]]
    assert [len(axes.get_yticks()) > 0 for axes in pseudo] == [True, False]
