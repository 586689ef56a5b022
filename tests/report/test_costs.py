"""The cost table, from records made by hand."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from gdsweep import atomic
from gdsweep.commands.entry import script
from gdsweep.report import as_csv, as_latex, as_markdown, as_text, cost_table, costs
from gdsweep.runs import Attempt, Complexity, RunDir

GPUS = {"device": "NVIDIA H200", "processes": 8, "peak_memory": 30 * 2**30, "energy_kwh": 4.0}


def spend(run: RunDir, hours: float = 2.0, **process: Any) -> None:
    record = Attempt(number=1, started=0.0, ended=3600 * hours, outcome="done", process=process)
    atomic.write_json(run.attempt(1), record.model_dump(mode="json"))
    network = Complexity(
        parameters=44_000_000, trainable=43_000_000, flops=484_000_000_000, size=(1024, 1024)
    )
    run.network.write_text(network.model_dump_json())


@pytest.fixture
def paid(bench: Any) -> Any:
    """Everything at 1 % of the labels was trained, seeds 0 and 1; a teacher's counter failed."""
    for seed in (0, 1):
        teacher, burn_in, scored = bench.chain(labels=1, method="guided", seed=seed)
        for run, peak in ((teacher, 30), (burn_in, 40), (scored, 41)):
            spend(run, **GPUS | {"peak_memory": peak * 2**30})
        bench.metrics(scored, [{"iteration": i, "time": 0.5} for i in (20, 40, 60)])
        bench.metrics(teacher, [{"iteration": 20, "time": 0.25}])
    return bench


def rows(bench: Any) -> dict[str | None, dict[str, Any]]:
    frame = costs(bench.graph, bench.grid, bench.store)
    return {record["method"]: record for record in frame.to_dict("records")}


def test_hours_of_shared_runs_count_in_each_row_and_once_in_all(paid: Any) -> None:
    found = rows(paid)
    assert list(found) == ["supervised", "guided", None]
    # two seeds: a supervised run of 2 hours on 8 GPUs each, which guided numbers need as well
    assert found["supervised"]["gpu_hours"] == 2 * 2 * 8
    assert found["guided"]["gpu_hours"] == 2 * 3 * 2 * 8
    assert found[None]["gpu_hours"] == 2 * 3 * 2 * 8
    assert (found["supervised"]["kwh"], found["guided"]["kwh"], found[None]["kwh"]) == (8, 24, 24)
    assert found["guided"]["peak_memory"] == 41 * 2**30
    assert found["supervised"]["peak_memory"] == 30 * 2**30
    assert {row["about"] for row in found.values()} == {False}


def test_size_and_speed_are_the_scored_networks(paid: Any) -> None:
    found = rows(paid)
    assert (found["guided"]["iterations_per_second"], found["guided"]["size"]) == (2, "1024 x 1024")
    assert found["supervised"]["iterations_per_second"] == 4
    assert (found["guided"]["parameters"], found["guided"]["flops"]) == (44e6, 484e9)
    assert math.isnan(found[None]["parameters"])


def test_energy_is_never_guessed(paid: Any) -> None:
    run = paid.chain(labels=1, method="supervised", seed=1)[-1]
    silent = {key: value for key, value in GPUS.items() if key != "energy_kwh"}
    spend(run, **silent)
    found = rows(paid)
    assert all(math.isnan(row["kwh"]) for row in found.values())
    assert found["supervised"]["gpu_hours"] == 2 * 2 * 8


def test_a_killed_attempt_is_an_estimate_and_says_so(paid: Any) -> None:
    run = paid.chain(labels=1, method="guided", seed=0)[-1]
    record = Attempt(number=1, started=0.0, last_iteration=3600, process=GPUS)
    atomic.write_json(run.attempt(1), record.model_dump(mode="json"))
    found = rows(paid)
    assert found["guided"]["gpu_hours"] == (5 * 2 + 0.5) * 8  # 3,600 iterations of half a second
    assert (found["guided"]["about"], found["supervised"]["about"]) == (True, False)
    table = cost_table(costs(paid.graph, paid.grid, paid.store), paid.grid)
    assert "≈84.0" in as_text(table)
    assert "≈: an attempt that was killed" in as_text(table)


def test_the_table_in_every_format(paid: Any) -> None:
    frame = costs(paid.graph, paid.grid, paid.store)
    table = cost_table(frame, paid.grid, "python collect.py")
    text = as_text(table)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    heads = "Dataset Method Parameters (M) FLOPs (G) It/s Memory (GiB) GPU-hours kWh"
    assert heads in lines
    assert "COCO Mask2Former 44.0 484 4.00 30.0 32.0 8.00" in lines
    assert "all runs, each once – – – 41.0 96.0 24.0" in lines
    assert "one image of 1024 x 1024 pixels, a multiply-add being two" in text
    assert "| COCO | Mask2Former | 44.0 | 484 | 4.00 | 30.0 | 32.0 | 8.00 |" in as_markdown(table)
    assert "COCO & Mask2Former & 44.0 & 484 & 4.00 & 30.0 & 32.0 & 8.00" in as_latex(table)
    assert "coco,supervised,1024 x 1024,44000000.0,484000000000.0,4.0" in as_csv(frame)


def test_what_is_not_recorded_is_a_dash(bench: Any) -> None:
    frame = costs(bench.graph, bench.grid, bench.store)
    text = as_text(cost_table(frame, bench.grid))
    (line,) = [line for line in text.splitlines() if "Mask2Former" in line]
    assert line.split() == ["COCO", "Mask2Former", *["–"] * 6]
    run = bench.chain(labels=1, method="supervised", seed=0)[-1]
    run.attempt(1).write_text("{")  # damaged: told elsewhere, and the hours are unknown
    assert rows(bench)["supervised"]["about"]


def test_collect_writes_it_when_asked(paid: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert script("collect", ["grids/grid.yaml"]) == 0
    assert not list(Path("results").glob("*-cost*"))
    assert script("collect", ["grids/grid.yaml", "--cost", "--html"]) == 0
    said = capsys.readouterr().out
    assert "all runs, each once" in said
    assert "Made by: python collect.py grids/grid.yaml --html --cost\n" in said
    names = sorted(path.name for path in Path("results").glob("*-cost*"))
    assert names == [f"grid-cost.{end}" for end in ("csv", "md", "tex", "txt")]
    assert script("collect", ["grids/grid.yaml", "--cost", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["grids"]
    assert [row["gpu_hours"] for row in told["costs"]] == [32, 96, 96]
    page = Path("results/grid.html").read_text()
    assert "<h2>Cost</h2>" in page
    assert "GPU-hours" in page
