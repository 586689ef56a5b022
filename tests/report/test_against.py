"""Numbers beside those of an earlier collection."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gdsweep.commands.entry import script
from gdsweep.errors import BadInput
from gdsweep.report import against, results


@pytest.fixture
def earlier(partial: Any, capsys: pytest.CaptureFixture[str]) -> Path:
    """The CSV of what the partial store has now."""
    assert script("collect", ["grids/grid.yaml"]) == 0
    capsys.readouterr()
    return Path("results/grid.csv").rename("old.csv")


def change(path: Path, by: float, **where: Any) -> None:
    """Move the AP of the rows that fit."""
    frame = pd.read_csv(path)
    chosen = (frame[list(where)] == pd.Series(where)).all(axis=1)
    assert chosen.any()
    frame.loc[chosen, "AP"] += by
    frame.to_csv(path, index=False)


def test_the_same_store_has_not_moved(earlier: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("collect", ["grids/grid.yaml", "--against", str(earlier)]) == 0
    assert f"3 of 3 numbers are within the spread of {earlier}" in capsys.readouterr().out


def test_a_number_that_moved_by_more_than_its_spread(
    earlier: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(earlier, 0.5, labels=10, method="supervised")  # 30.5 ± 0.7
    assert script("collect", ["grids/grid.yaml", "--against", str(earlier)]) == 0
    change(earlier, 1.0, labels=10, method="supervised")
    assert script("collect", ["grids/grid.yaml", "--against", str(earlier)]) == 1
    printed = capsys.readouterr().out
    assert "2 of 3 numbers are within" in printed
    assert "outside: COCO 10 % Mask2Former: 30.5, was 32.0 ± 0.7 (" in printed


def test_it_may_be_the_file_that_is_written_anew(earlier: Path) -> None:
    change(earlier, 5.0, labels=10, method="supervised")
    beside = earlier.rename("results/grid.csv")
    assert script("collect", ["grids/grid.yaml", "--against", str(beside)]) == 1
    assert script("collect", ["grids/grid.yaml", "--against", str(beside)]) == 0


def test_a_hole_is_open_and_a_single_value_has_no_spread(partial: Any, earlier: Path) -> None:
    change(earlier, 0.0, labels=1)
    frame = pd.read_csv(earlier)
    frame.loc[(frame["labels"] == 10) & (frame["method"] == "guided"), "AP"] = [30.0, 31.0, 32.0]
    frame = frame[(frame["labels"] == 10) | (frame["seed"] == 0)]
    frame.to_csv(earlier, index=False)
    found = against(results(partial.graph, partial.grid, partial.store), partial.grid, earlier)
    assert {one.name: one.outcome for one in found} == {
        "COCO 1 % Mask2Former": "alone",
        "COCO 1 % Ours_100%": "alone",
        "COCO 10 % Mask2Former": "within",
        "COCO 10 % Ours_100%": "open",
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory; valid: a CSV that collect.py wrote"),
        ("a,b\n1,2\n", "has no column dataset; valid: a CSV of the same grid"),
        ("dataset,labels,method,AP\nstreets,1,guided,3\n", "has no number of grids/grid.yaml"),
        ("a,b\n1\n2,3,4\n", "is no CSV that collect.py wrote"),
    ],
)
def test_a_file_that_is_none(partial: Any, content: str | None, said: str) -> None:
    path = Path("old.csv")
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadInput, match=said):
        against(results(partial.graph, partial.grid, partial.store), partial.grid, path)


def test_it_goes_with_one_grid(partial: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("collect", ["--against", "old.csv"]) == 2
    assert "--against: it is the CSV of one grid" in capsys.readouterr().err
