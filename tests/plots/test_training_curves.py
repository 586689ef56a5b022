"""What the training curves draw, read from their axes."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gdsweep.plots import training_curves
from gdsweep.plots.style import COLOURS

NAN = float("nan")


def make() -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for seed in (0, 1):
        rows += [
            {"line": "supervised", "iteration": at, "loss": 10.0 - at, "student": at + seed}
            | {"panel": "5 %", "seed": seed, "run": "s"}
            for at in (1, 2)
        ]
        rows += [
            {"line": "guided", "iteration": at, "teacher": 3.0 * at, "pseudo": 1.5}
            | {"panel": "5 %", "seed": seed, "run": "g", "burn_in": 1.5}
            for at in (1, 2)
        ]
    return pd.DataFrame(rows).assign(precision=NAN, coverage=NAN)


def named(figure: Figure) -> dict[str, Axes]:
    """Axes by their measure, the highest first."""
    found = sorted(figure.axes, key=lambda axes: -axes.get_position().y0)
    return {axes.get_title(loc="left"): axes for axes in found}


def key(figure: Figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_measures_lines_and_burn_in() -> None:
    figure = training_curves.draw(make())
    measures = named(figure)
    assert list(measures) == ["Training loss", "Mask AP (validation)", "Pseudo-labels per image"]
    loss, scores, pseudo = measures.values()
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
    assert [text.get_text() for text in figure.texts] == ["5 %"]
    assert key(figure) == ["supervised", "guided", "EMA teacher", "end of burn-in"]


def test_precision_and_coverage_share_a_panel() -> None:
    frame = make()
    at = frame["line"] == "guided"
    frame.loc[at, "precision"], frame.loc[at, "coverage"] = 80.0, 30.0
    figure = training_curves.draw(frame)
    panel = named(figure)["Pseudo-labels right, objects found (%)"]
    drawn = {line.get_label(): line for line in panel.lines if list(line.get_xdata()) == [1, 2]}
    assert list(drawn["guided precision"].get_ydata()) == [80.0, 80.0]
    assert list(drawn["guided coverage"].get_ydata()) == [30.0, 30.0]
    assert drawn["guided coverage"].is_dashed()
    assert not drawn["guided precision"].is_dashed()
    assert "objects found" in key(figure)


def test_what_nobody_measured_has_no_axes() -> None:
    frame = make().assign(teacher=NAN, pseudo=NAN, burn_in=NAN)
    measures = named(training_curves.draw(frame))
    assert list(measures) == ["Training loss", "Mask AP (validation)"]


def test_hundreds_of_thousands_of_iterations_can_be_read(check_texts: Any) -> None:
    frame = make().replace({"guided": "a student that is guided for long"})
    frame["iteration"] *= 184_375
    frame["panel"] = "COCO, 10 %, Mask2Former with a Swin-L that was pretrained on ImageNet-21k"
    figure = training_curves.draw(frame)
    check_texts(figure)
    ticks = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert {"100k", "200k", "300k"} <= set(ticks)
    assert figure.axes[0].get_xlim()[1] < 380_000
