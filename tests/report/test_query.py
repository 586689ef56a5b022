"""Which number a few words mean."""

from typing import Any

import pytest

from gdsweep.errors import BadInput
from gdsweep.report import find_cell


@pytest.mark.parametrize(
    "words",
    [
        ["10", "guided", "seed=1"],
        ["coco", "10", "guided", "seed=1"],
        ["COCO", "10 %", "ours_100%", "seed=1"],
        ["10%", "resnet50", "method=guided", "seed=1"],  # the backbone is no axis of the grid
        ["labels=10", "guided", "seed=1"],
    ],
)
def test_words_are_values_of_axes(bench: Any, words: list[str]) -> None:
    cell = bench.grid.cells[find_cell(bench.grid, words)]
    assert cell.axes == {"dataset": "coco", "labels": 10, "method": "guided", "seed": 1}


def test_without_a_method_the_papers_own_is_meant(bench: Any) -> None:
    cell = bench.grid.cells[find_cell(bench.grid, ["coco", "1", "resnet50", "seed=0"])]
    assert cell.axes["method"] == "guided"
    with pytest.raises(BadInput, match="6 numbers fit"):  # they differ in more than the method
        find_cell(bench.grid, ["1"])


def test_a_bare_number_is_no_seed(bench: Any) -> None:
    cell = bench.grid.cells[find_cell(bench.grid, ["1", "seed=1", "guided"])]
    assert (cell.axes["labels"], cell.axes["seed"]) == (1, 1)
    with pytest.raises(BadInput, match="no number fits all these words together"):
        find_cell(bench.grid, ["1", "1", "guided"])  # no two words stand for one axis


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["1", "guided", "coco", "10"],
            "grid 1 guided coco 10: no number fits all these words together: ",
        ),
        (
            ["10", "guided"],
            "grid 10 guided: 3 numbers fit: coco 10 % guided seed 0; coco 10 % guided seed 1; "
            "coco 10 % guided seed 2",
        ),
        (["10", "guidd"], "grid 10 guidd: no number fits guidd: coco 10 % supervised seed 0; "),
        (["seed=7"], "no number fits seed=7: coco 1 % supervised seed 0; "),
        (["coco"], "12 numbers fit: "),
    ],
)
def test_none_or_several_are_listed_in_one_line(bench: Any, words: list[str], said: str) -> None:
    with pytest.raises(BadInput) as error:
        find_cell(bench.grid, words)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_long_list_is_cut(bench: Any) -> None:
    with pytest.raises(BadInput, match=r"; and 4 more$"):
        find_cell(bench.grid, ["coco"])
