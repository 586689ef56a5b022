"""What a figure singles out is there, or the line says what is not."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gdsweep.errors import BadInput
from gdsweep.grid import Grid, load_grid

PAGE = """title: One
axes: {{dataset: [coco], labels: [1, 10], method: [supervised, guided]}}
settings: {{backbone: resnet50}}
figure: {{panels: dataset, compare: {{{compare}}}}}
published: paper.yaml
"""
PAPER = """source: a paper
tables:
  "1":
    axes: {dataset: coco}
    columns: {labels: [1, 10]}
    rows: [{row: "Polite Teacher [9]", quoted: true, AP: [null, 30.8]}]
"""
CELL = "cell: {dataset: coco, method: guided, labels: 1}"


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Grid]:
    def load(compare: str) -> Grid:
        (tmp_path / "paper.yaml").write_text(PAPER)
        (tmp_path / "g.yaml").write_text(PAGE.format(compare=compare))
        return load_grid(tmp_path / "g.yaml")

    return load


def test_two_points(load: Callable[[str], Grid]) -> None:
    figure = load(f"{CELL}, row: 'Polite Teacher [9]', at: 10").figure
    assert figure is not None
    assert figure.compare is not None
    assert figure.compare.cell == {"dataset": "coco", "method": "guided", "labels": 1}
    assert (figure.compare.row, figure.compare.at) == ("Polite Teacher [9]", 10.0)


@pytest.mark.parametrize(
    ("compare", "said"),
    [
        (f"{CELL}, row: Polite Teacher, at: 10", "did you mean Polite Teacher [9]?"),
        (f"{CELL}, row: 'Polite Teacher [9]', at: 1", "no number at 1; it has 10"),
        (f"{CELL}, at: 1", "row is missing"),
        ("cell: {method: guided}, row: a, at: 1", "must name the axes of the figure, no more"),
        ("cell: {dataset: coco, method: guided, labels: 5}, row: a, at: 1", "5 is no value of"),
    ],
)
def test_what_is_not_there_is_one_line(
    load: Callable[[str], Grid], compare: str, said: str
) -> None:
    with pytest.raises(BadInput) as error:
        load(compare)
    assert "g.yaml:4: figure.compare" in str(error.value)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
