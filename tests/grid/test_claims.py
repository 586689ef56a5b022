"""What a file of published values states beside its numbers."""

from pathlib import Path

import pytest

from gdsweep.errors import BadInput
from gdsweep.grid.published import read_claims

GOOD = """source: S
tables: {t: {columns: {labels: [5]}, rows: [{row: R, AP: [1]}]}}
noise:
  coco: {band: 0.3, rule: fixed, because: reruns}
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
    assert ordering.axis == "method"
    assert ordering.ranks == (("guided",), ("standard-burn-in", "fixed-teacher"), ("supervised",))
    assert ordering.says == "sec. 4.3"
    noise = claims.noise["coco"]
    assert (noise.band, noise.rule, noise.because) == (0.3, "fixed", "reruns")


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
        ("band: 0.3", "band: 0", ":4: noise.coco.band: 0 is not a number (more than 0)"),
        ("rule: fixed", "rule: fix", ":4: noise.coco.rule: fix is not fixed or seeds; did you"),
        (", because: reruns", "", ":4: noise.coco: because is missing"),
    ],
)
def test_a_wrong_claim_is_one_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(BadInput) as error:
        read(GOOD.replace(old, new), tmp_path)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
