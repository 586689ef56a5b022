"""What the teachers said along training is drawn from what the runs kept alone."""

from typing import Any

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as rle

from gdsweep import atomic
from gdsweep.errors import BadInput
from gdsweep.plan.request import Request
from gdsweep.report import results
from gdsweep.report.figures import drawings
from gdsweep.report.shown_labels import shown_labels
from gdsweep.runs import RunDir

CELL = {"labels": 1, "method": "guided", "seed": 0}


def label(image: int, score: float, left: int) -> dict[str, Any]:
    mask = np.zeros((40, 60), np.uint8, order="F")
    mask[10:30, left : left + 20] = 1
    encoded = rle.encode(mask)
    encoded["counts"] = encoded["counts"].decode()
    return {"image_id": image, "category_id": 1, "score": score, "segmentation": encoded}


def keep(run: RunDir, iterations: tuple[int, ...]) -> None:
    run.shown_images.parent.mkdir()
    record = {"classes": {1: "disc", 2: "square"}, "images": [7, 9]}
    truth = [label(7, 1.0, 0), label(7, 1.0, 30), label(9, 1.0, 5)]
    atomic.write_json(run.shown_images, {**record, "truth": truth})
    for number in (7, 9):
        Image.fromarray(np.full((40, 60, 3), 90, np.uint8)).save(run.shown_image(number))
    for at in iterations:
        atomic.write_json(run.shown_labels(at), [label(7, 0.4 + at / 2000, 1)])


@pytest.fixture
def kept(bench: Any) -> Any:
    _, guided, student = bench.chain(**CELL)
    keep(guided, (100, 200, 300, 400))
    keep(student, (500, 600, 700))
    return bench


def test_they_follow_the_whole_path_evenly_spaced(kept: Any) -> None:
    (found,) = shown_labels(kept.graph, kept.grid, kept.store)
    assert found.title == "COCO, 1 %, Ours_100%"
    _, guided, student = kept.chain(**CELL)
    assert found.run.name == student.name
    assert [at for at, _ in found.labels] == [100, 300, 400, 500, 700]
    assert found.labels[0][1] == guided.shown_labels(100)


def test_labels_beyond_the_exit_of_a_path_are_anothers(kept: Any) -> None:
    guided = kept.chain(**CELL)[1]
    atomic.write_json(guided.shown_labels(600), [])
    (found,) = shown_labels(kept.graph, kept.grid, kept.store)
    assert guided.shown_labels(600) not in [path for _, path in found.labels]


def test_one_seed_is_shown(kept: Any) -> None:
    keep(kept.chain(**{**CELL, "seed": 1})[-1], (500,))
    assert len(shown_labels(kept.graph, kept.grid, kept.store)) == 1


def drawing(bench: Any) -> Any:
    frame = results(bench.graph, bench.grid, bench.store)
    request = Request(grid_names=(bench.path,), folder=bench.store.root)
    *_, found = drawings(request, frame, with_labels=True)
    return found


def test_a_column_an_evaluation(kept: Any) -> None:
    found = drawing(kept)
    assert found.end == "-pseudo-labels-coco-1-guided"
    heads = [text.get_text() for text in found.figure.texts]
    assert heads[1:7] == ["Annotated", *(f"Iteration {at}" for at in (100, 300, 400, 500, 700))]
    assert len(found.figure.axes) == 2 * 6
    # below one half, too: whatever the teacher taught
    assert [text.get_text() for text in found.figure.axes[1].texts] == ["disc 0.45"]


def test_it_is_drawn_again_where_labels_came_to_it(kept: Any) -> None:
    before = drawing(kept).data
    assert drawing(kept).data == before
    student = kept.chain(**CELL)[-1]
    atomic.write_json(student.shown_labels(800), [])
    assert drawing(kept).data != before


def test_an_image_that_is_gone_is_one_line(kept: Any) -> None:
    kept.chain(**CELL)[-1].shown_image(9).unlink()
    with pytest.raises(BadInput, match=r"9\.png: cannot be read .*; no pictures of pseudo-labels"):
        drawing(kept).draw()
