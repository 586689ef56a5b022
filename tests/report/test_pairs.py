"""Which predictions are shown above which."""

from typing import Any

from gdsweep import atomic
from gdsweep.report import pairs
from gdsweep.runs import Score

SUPERVISED = {"labels": 1, "method": "supervised"}
GUIDED = {"labels": 1, "method": "guided"}


def predicted(bench: Any, **axes: object) -> None:
    """A finished cell that kept its predictions."""
    bench.score(10.0, 900, **axes)
    _, run, ref = bench.find(**axes)
    score = Score.model_validate_json(run.score(ref).read_text().replace("NaN", "null"))
    path = run.predictions(ref)
    path.write_text("[]")
    kept = score.model_copy(update={"predictions": str(path.relative_to(run.path))})
    atomic.write_json(run.score(ref), kept.model_dump(mode="json"))


def test_two_finished_cells_that_differ_in_the_method(bench: Any) -> None:
    predicted(bench, seed=1, **SUPERVISED)
    predicted(bench, seed=0, **GUIDED)
    assert pairs(bench.graph, bench.grid, bench.store) == []  # other seeds, other label splits
    predicted(bench, seed=1, **GUIDED)
    (pair,) = pairs(bench.graph, bench.grid, bench.store)
    assert (pair.key, pair.title, pair.split) == ("coco-1", "COCO, 1 %", "val")
    assert pair.names == ("Mask2Former", "Ours_100%")
    assert [path.parent.parent.name for path in pair.predictions] == [
        bench.find(seed=1, **cell)[1].name for cell in (SUPERVISED, GUIDED)
    ]


def test_one_pair_is_shown_per_mean(bench: Any) -> None:
    for seed in (0, 1):
        predicted(bench, seed=seed, **SUPERVISED)
        predicted(bench, seed=seed, **GUIDED)
    assert len(pairs(bench.graph, bench.grid, bench.store)) == 1


def test_a_score_whose_predictions_are_gone_is_left_out(bench: Any) -> None:
    predicted(bench, seed=0, **SUPERVISED)
    predicted(bench, seed=0, **GUIDED)
    _, run, ref = bench.find(seed=0, **GUIDED)
    run.predictions(ref).unlink()
    assert pairs(bench.graph, bench.grid, bench.store) == []
