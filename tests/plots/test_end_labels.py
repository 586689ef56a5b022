"""Names stand apart, in the order of the lines, as near their ends as that allows."""

import itertools

import pytest

from gdsweep.plots.end_labels import spread_apart


def test_names_with_room_stand_where_their_lines_end() -> None:
    assert spread_apart([1.0, 3.0], [0.5, 0.5], 0, 4) == [1.0, 3.0]


def test_names_at_one_place_stand_around_it() -> None:
    assert spread_apart([2.0, 2.0, 2.0], [0.5] * 3, 0, 4) == pytest.approx([1.5, 2.0, 2.5])


def test_a_pushed_name_pushes_the_next() -> None:
    found = spread_apart([1.0, 1.1, 1.6, 3.5], [0.5] * 4, 0, 4)
    assert found[3] == 3.5
    assert all(b - a >= 0.5 - 1e-9 for a, b in itertools.pairwise(found))
    assert sum(found[:3]) == pytest.approx(1.0 + 1.1 + 1.6)


def test_names_stay_between_the_limits_and_keep_their_heights() -> None:
    found = spread_apart([0.0, 0.0, 4.0], [0.5, 1.0, 0.5], 0, 4)
    assert found == pytest.approx([0.25, 1.0, 3.75])
    # no room for all: they begin at the bottom, apart still
    assert spread_apart([1.0, 1.0], [1.0, 1.0], 0, 1) == pytest.approx([0.5, 1.5])
    assert spread_apart([], [], 0, 1) == []
