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
    said = f"3 of 3 numbers are those of {earlier}, as far as chance goes"
    assert said in capsys.readouterr().out


def test_a_number_that_moved_by_more_than_chance_explains(
    earlier: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(earlier, 0.5, labels=10, method="supervised")  # 30.0 and 31.0, now and then
    assert script("collect", ["grids/grid.yaml", "--against", str(earlier)]) == 0
    change(earlier, 7.5, labels=10, method="supervised")
    assert script("collect", ["grids/grid.yaml", "--against", str(earlier)]) == 1
    printed = capsys.readouterr().out
    assert "2 of 3 numbers are those of" in printed
    assert "outside: COCO 10 % Mask2Former: 30.5, was 38.5 (-8.0, outside ±5.4)" in printed


def test_it_may_be_the_file_that_is_written_anew(earlier: Path) -> None:
    change(earlier, 8.0, labels=10, method="supervised")
    beside = earlier.rename("results/grid.csv")
    assert script("collect", ["grids/grid.yaml", "--against", str(beside)]) == 1
    assert script("collect", ["grids/grid.yaml", "--against", str(beside)]) == 0


def test_a_hole_is_open_and_a_single_value_is_judged_where_the_noise_is_known(
    partial: Any, earlier: Path
) -> None:
    frame = pd.read_csv(earlier)
    frame.loc[(frame["labels"] == 10) & (frame["method"] == "guided"), "AP"] = [30.0, 31.0, 32.0]
    frame = frame[(frame["labels"] == 10) | (frame["seed"] == 0)]
    frame.to_csv(earlier, index=False)
    found = against(results(partial.graph, partial.grid, partial.store), partial.grid, earlier)
    assert {one.name: one.outcome for one in found} == {
        "COCO 1 % Mask2Former": "within",
        "COCO 1 % Ours_100%": "within",
        "COCO 10 % Mask2Former": "within",
        "COCO 10 % Ours_100%": "open",
    }


def test_one_value_now_and_then_of_which_nothing_is_known_is_alone(new_bench: Any) -> None:
    text = new_bench.GRID.replace("coco", "shapes").replace("resnet50", "test_resnet")
    bench = new_bench(text)
    bench.score(14.0, 900, labels=1, method="supervised", seed=0)
    assert script("collect", ["grids/grid.yaml"]) == 0
    path = Path("results/grid.csv").rename("old.csv")
    change(path, 20.0, labels=1, method="supervised", seed=0)
    (one,) = against(results(bench.graph, bench.grid, bench.store), bench.grid, path)
    assert (one.outcome, one.text) == (
        "alone",
        "COCO 1 % Mask2Former: 14.0, was 34.0 (-20.0, alone)",
    )
    assert script("collect", ["grids/grid.yaml", "--against", str(path)]) == 0
    bench.score(14.0, 900, labels=1, method="supervised", seed=1)
    bench.score(14.2, 900, labels=1, method="supervised", seed=2)
    assert script("collect", ["grids/grid.yaml", "--against", str(path)]) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory; valid: a CSV that collect wrote"),
        ("a,b\n1,2\n", "has no column dataset; valid: a CSV of the same grid"),
        ("dataset,labels,method,AP\nstreets,1,guided,3\n", "has no number of grids/grid.yaml"),
        ("a,b\n1\n2,3,4\n", "is no CSV that collect wrote"),
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
