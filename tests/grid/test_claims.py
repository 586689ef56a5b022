"""What a file of published values states beside its numbers."""

from pathlib import Path

import pytest

from gdsweep.errors import BadInput
from gdsweep.grid import Spread
from gdsweep.grid.published import read_claims

GOOD = """source: S
tables: {t: {columns: {labels: [5]}, rows: [{row: R, AP: [1]}]}}
noise:
  coco: {sd: 0.3, degrees: 4, because: reruns}
orderings:
  - axes: {dataset: coco, model.backbone: resnet50}
    axis: method
    best_first: [guided, [standard-burn-in, fixed-teacher], supervised]
    says: sec. 4.3
"""


def read(text: str, tmp_path: Path):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    return read_claims(path)


def test_claims_are_typed(tmp_path: Path) -> None:
    claims = read(GOOD, tmp_path)
    (ordering,) = claims.orderings
    assert ordering.axes == {"dataset": "coco", "backbone": "resnet50"}
    assert ordering.ordered == ("method",)
    assert ordering.ranks == (
        (("guided",),),
        (("standard-burn-in",), ("fixed-teacher",)),
        (("supervised",),),
    )
    assert [tuple(value for (value,) in pair) for pair in ordering.pairs()] == [
        ("guided", "standard-burn-in"),
        ("guided", "fixed-teacher"),
        ("guided", "supervised"),
        ("standard-burn-in", "supervised"),
        ("fixed-teacher", "supervised"),
    ]
    assert ordering.says == "sec. 4.3"
    assert claims.spread("coco") == Spread(0.3**2 * 4, 4)
    assert claims.noise_source("coco") == "reruns"
    assert claims.spread("coco", "AP50") == Spread()  # what is stated is of AP


def test_a_joint_axis_has_rows_for_values(tmp_path: Path) -> None:
    joint = GOOD.replace("axis: method", 'axis: "method, lambda_u"').replace(
        "[guided, [standard-burn-in, fixed-teacher], supervised]",
        "[[guided, 2], [[guided, 0.1], [guided, 5]], [supervised, 0]]",
    )
    (ordering,) = read(joint, tmp_path).orderings
    assert ordering.ordered == ("method", "lambda_u")
    assert ordering.ranks == (
        (("guided", 2),),
        (("guided", 0.1), ("guided", 5)),
        (("supervised", 0),),
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("[guided]", "[guided] is no row of 2 values (method, lambda_u)"),
        ("guided", "guided is no row of 2 values"),
        ("[guided, {a: 1}]", "{a: 1} is not a single value"),
    ],
)
def test_a_wrong_row_is_one_line(tmp_path: Path, row: str, said: str) -> None:
    joint = GOOD.replace("axis: method", 'axis: "method, lambda_u"').replace(
        "[guided, [standard-burn-in, fixed-teacher], supervised]", f"[{row}, [supervised, 0]]"
    )
    with pytest.raises(BadInput, match="best_first") as error:
        read(joint, tmp_path)
    assert said in str(error.value)


def test_a_file_need_not_claim_anything(tmp_path: Path) -> None:
    claims = read("\n".join(GOOD.splitlines()[:2]), tmp_path)
    assert (claims.orderings, claims.noise) == ((), {})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("axis: method", "axis: metod", ":7: orderings[0].axis: no axis is called metod"),
        ("{dataset: coco,", "{datasets: coco,", ":6: orderings[0].axes.datasets: no axis"),
        (", supervised]", ", guided]", ":8: orderings[0].best_first: must order two different"),
        ("[guided, [standard-burn-in, fixed-teacher], supervised]", "[guided]", "must order two"),
        ("[standard-burn-in, fixed-teacher]", "[]", "must order two"),
        ("[standard-burn-in, fixed-teacher]", "[[a]]", ":8: orderings[0].best_first: [a] is not"),
        ("sd: 0.3", "sd: 0", ":4: noise.coco.sd: 0 is not a number (more than 0)"),
        ("sd: 0.3, ", "", ":4: noise.coco: must have repeats, or sd and degrees"),
        ("sd: 0.3", "repeats: [[1, 2]]", ":4: noise.coco: must have repeats, or sd and degrees"),
        (
            "sd: 0.3, degrees: 4",
            "repeats: [[1, 1]]",
            ":4: noise.coco: repeats must hold a quantity",
        ),
        ("sd: 0.3", "band: 0.3", ":4: noise.coco.band: unknown key"),
        (", because: reruns", "", ":4: noise.coco: because is missing"),
    ],
)
def test_a_wrong_claim_is_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(BadInput) as error:
        read(GOOD.replace(old, new), tmp_path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
