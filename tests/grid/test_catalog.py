"""`detectron2:NAME` as a data set: planned without detectron2, refused in one line."""

from pathlib import Path

import pytest

from gdsweep.config import CocoData
from gdsweep.errors import BadInput
from gdsweep.grid import Grid, build_graph, load_grid

PAGE = """\
title: A test
axes:
  dataset: ["{axis}", mine]
  labels: [5]
  method: [supervised, guided]
datasets: {{mine: {entry}}}
settings: {{distillation: {{burn_in: 10}}, schedule: {{iterations: 20}}}}
table: {{rows: [method], columns: [dataset, labels]}}
"""


def grid(folder: Path, axis: str = "detectron2:toys", entry: str = "'detectron2:a,b'") -> Grid:
    page = folder / "page.yaml"
    page.write_text(PAGE.format(axis=axis, entry=entry))
    return load_grid(page)


def files(data: object) -> tuple[str | None, str | None]:
    assert isinstance(data, CocoData)
    assert data.test is None
    return data.train.annotations, data.val.annotations


def test_a_name_is_a_pairs_and_two_names_are_two(tmp_path: Path) -> None:
    found = grid(tmp_path)
    axis, own = found.cells[0].settings.dataset, found.cells[-1].settings.dataset
    assert (axis.name, own.name) == ("detectron2:toys", "mine")
    assert files(axis) == ("detectron2:toys_train", "detectron2:toys_val")
    assert files(own) == ("detectron2:a", "detectron2:b")
    assert found.axes["dataset"] == ("detectron2:toys", "mine")
    names = list(build_graph(found.cells).runs)
    assert len(names) == 6
    assert names[0].startswith("detectron2_toys-5pct-")  # fit for a folder


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"axis": "detectron2:"}, r":3: axes\.dataset: detectron2: names no data sets"),
        ({"axis": "detectron2:a,b,c"}, "or detectron2:TRAIN,VAL"),
        ({"axis": "detectron2:x_train"}, "write detectron2:x for x_train and x_val"),
        ({"entry": "'detectron2:x_val'"}, r":6: datasets\.mine: .*is half of a pair"),
        ({"entry": "coco"}, r":6: datasets\.mine: coco is not a mapping .* or detectron2:NAME"),
        ({"entry": "3"}, r":6: datasets\.mine: 3 is not a mapping or text"),
    ],
)
def test_what_names_no_pair_is_told_with_its_line(
    change: dict[str, str], told: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=told) as error:
        grid(tmp_path, **change)
    assert "\n" not in str(error.value)
