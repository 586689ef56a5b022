"""Which findings are misses."""

from typing import Any

from gdsweep.report import build_table, misses, results, summary


def table(bench: Any) -> Any:
    return build_table(results(bench.graph, bench.grid, bench.store), bench.grid)


def test_above_and_holes_are_no_misses(partial: Any) -> None:
    made = table(partial)
    assert misses(made) == []
    assert summary(made) == (
        "3 of 4 published values checked: 1 within, 2 above; 2 orderings: 1 holds, 1 open"
    )


def test_below_the_band_and_a_contradicted_ordering_are(partial: Any) -> None:
    for seed in (0, 1, 2):
        partial.score(13.0, 900, labels=1, method="guided", seed=seed)
    assert misses(table(partial)) == [
        "COCO 1 % Ours_100%: 13.0 ± 0.0 (3), published 21.5 (-8.5, below ±0.2)",
        "ordering fails: 1 %: Ours_100% 13.0 > Mask2Former 14.0 [sec. 4.2]",
    ]


def test_strict_wants_everything(partial: Any) -> None:
    found = misses(table(partial), strict=True)
    assert [line.split(": ")[0] for line in found] == [
        "COCO 1 % Mask2Former",  # above
        "COCO 10 % Mask2Former",  # 2 of 3 seeds
        "COCO 1 % Ours_100%",  # above, and 2 of 3
        "COCO 10 % Ours_100%",  # a hole
        "ordering open",
    ]
    assert "COCO 10 % Ours_100%: no number (✗ blocked)" in found
    assert "COCO 10 % Mask2Former: 2 of 3 scores are there" in found
