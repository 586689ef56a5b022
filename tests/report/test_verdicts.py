"""Bands and verdicts, by hand."""

import math
from typing import Any

import pytest

from gdsweep.grid import Noise
from gdsweep.report import as_csv, build_table, results
from gdsweep.report.verdicts import band, explain, judge, noise_of

FIXED = Noise(band=0.2, rule="fixed", because="reruns")
SEEDS = Noise(band=1.0, rule="seeds", because="few images")


def test_a_fixed_band_is_the_same_for_any_number_of_seeds() -> None:
    assert band(FIXED, [14.0]) == band(FIXED, [10.0, 14.0, 18.0]) == 0.2


def test_a_band_by_seeds_is_two_standard_errors_of_the_mean() -> None:
    # 12, 14, 16: standard deviation 2, of the mean 2 / sqrt(3)
    assert band(SEEDS, [12.0, 14.0, 16.0]) == pytest.approx(4 / math.sqrt(3))
    assert band(SEEDS, [14.0, 14.1]) == 0.2  # 2 * 0.0707 / sqrt(2) = 0.1: never narrower than 0.2
    assert band(SEEDS, [14.0]) == 1.0


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        (20.0, "within"),
        (20.2, "within"),  # 20.2 - 20.0 is a little more than 0.2 in binary
        (19.8, "within"),
        (20.24, "within"),  # printed as 20.2
        (20.26, "above"),
        (19.74, "below"),
    ],
)
def test_verdicts_at_the_printed_decimal(ours: float, verdict: str) -> None:
    assert judge(FIXED, [ours], 20.0).verdict == verdict


def test_the_mean_is_judged_and_not_a_seed() -> None:
    assert judge(FIXED, [10.0, 30.0], 20.0).verdict == "within"
    wide = judge(SEEDS, [18.0, 20.0], 17.0)  # mean 19, two standard errors: 2 * 1.41 / 1.41 = 2
    assert (wide.verdict, round(wide.band, 6)) == ("within", 2.0)


def test_usual_noise_and_what_a_file_states() -> None:
    assert noise_of("coco", {}).rule == "fixed"
    assert noise_of("coco", {}).band == 0.2
    assert noise_of("cityscapes", {}).rule == "seeds"
    assert noise_of("cityscapes", {"cityscapes": FIXED}) is FIXED


def test_a_band_says_where_it_is_from() -> None:
    assert explain("COCO", FIXED) == "COCO ±0.2 AP (reruns)"
    assert explain("City", SEEDS) == (
        "City ± two standard errors of our mean over seeds, at least 0.2; "
        "±1 with a single seed (few images)"
    )


def test_verdicts_of_a_store(partial: Any) -> None:
    frame = results(partial.graph, partial.grid, partial.store)
    said = {(r["labels"], r["method"]): (r["verdict"], r["band"]) for r in frame.to_dict("records")}
    assert said[1, "supervised"] == ("above", 0.2)  # 14.0 for 13.5
    assert said[10, "supervised"] == ("within", 0.2)  # 30.5 for 30.5
    assert said[10, "guided"][0] == ""  # a hole is no verdict
    assert math.isnan(said[10, "guided"][1])
    assert as_csv(frame).splitlines()[1].endswith(",0.2,above")


def test_a_published_file_sets_the_band(new_bench: Any) -> None:
    noise = "noise:\n  coco: {band: 0.6, rule: fixed, because: we say so}\n"
    bench = new_bench(published=new_bench.PUBLISHED + noise)
    bench.score(14.0, 900, labels=1, method="supervised", seed=0)
    table = build_table(results(bench.graph, bench.grid, bench.store), bench.grid)
    assert table.rows[1].entries[0].verdict == "within"
    assert "Within, below or above the noise band: COCO ±0.6 AP (we say so)." in table.legend
