"""Values between a table's entries."""

from collections.abc import Callable

import pytest

from gdsweep.errors import BadInput
from gdsweep.grid import Grid
from gdsweep.grid.between import Between

TABLE_2 = Between("labels", ((1, 20_000), (2, 25_000), (5, 30_000), (10, 60_000)))


@pytest.mark.parametrize(
    ("labels", "burn_in", "told"),
    [
        (1, 20_000, None),
        (10, 60_000, None),
        (0.1, 20_000, "that of 1 %, the nearest there is"),
        (40, 60_000, "that of 10 %, the nearest there is"),
        (3, 27_200, "between 25,000 at 2 % and 30,000 at 5 %, interpolated"),
    ],
)
def test_entries_stand_and_others_lie_between(labels: float, burn_in: int, told: str) -> None:
    assert TABLE_2.at(labels) == burn_in
    assert isinstance(TABLE_2.at(labels), int)
    assert TABLE_2.derivation(labels) == told


def test_half_way_in_the_logarithm_is_half_way() -> None:
    assert Between("lambda_u", ((0.25, 1.0), (4.0, 3.0))).at(1.0) == pytest.approx(2.0)


PAGE = """\
title: T
axes: {dataset: [shapes], labels: [1, 3, 10], method: [guided]}
settings:
  distillation: {burn_in: %s, teacher: {at: 5}}
  schedule: {iterations: 1000}
"""


def test_a_grid_may_say_it_too_and_every_cell_has_its_own(load: Callable[[str], Grid]) -> None:
    grid = load(PAGE % "{between: labels, 1: 100, 10: 300}")
    assert [cell.settings.distillation.burn_in for cell in grid.cells] == [100, 195, 300]
    setting = {s.name: s for s in grid.resolved_settings(grid.cells[1])}["distillation.burn_in"]
    assert setting.source == "grid"
    assert setting.how == "between 100 at 1 % and 300 at 10 %, interpolated"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("{between: labels}", "4: settings.distillation.burn_in: has no value for any labels"),
        ("{between: method, 1: 100}", "method has the value guided, no positive number"),
        ("{between: labels, low: 100}", "low is no positive number"),
        ("{between: labels, 1: much}", "much is no number"),
        ("{between: labels, 1: 0}", "0 is not a whole number (at least 1)"),
        ("{between: colour, 1: 100}", "colour is no axis of this grid"),
    ],
)
def test_what_is_wrong_is_told(load: Callable[[str], Grid], said: str, told: str) -> None:
    with pytest.raises(BadInput) as failure:
        load(PAGE % said)
    assert told in str(failure.value)
