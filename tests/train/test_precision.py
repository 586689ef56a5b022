"""Mixed precision is refused where a device cannot train so; scoring needs none of it."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import train

from gdsweep.errors import BadInput
from gdsweep.runs import ScoreRef, Wanted
from gdsweep.train import precision
from gdsweep.train.precision import Precision

FP16 = {"optimizer": {"precision": "fp16"}}


def test_fp16_on_a_cpu_scores_and_does_not_train(make_run: Any) -> None:
    start = ScoreRef(at=0, network="student", split="test")
    run = make_run("a", wanted=Wanted(scores=(start,)), **FP16)
    assert train(run)
    assert run.score(start).is_file()
    with pytest.raises(BadInput, match=r"fp16 needs a CUDA device; on the CPU choose fp32 or bf16"):
        train(make_run("b", wanted=Wanted(stop=2), **FP16))


def test_a_teacher_in_fp16_needs_cuda_too(make_run: Any) -> None:
    run = make_run(
        "a", "self-distilled", wanted=Wanted(stop=2), distillation={"teacher_precision": "fp16"}
    )
    with pytest.raises(BadInput, match=r"distillation\.teacher_precision: fp16 needs a CUDA"):
        train(run)


def test_bf16_on_a_cpu_without_its_instructions_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cpu = torch.device("cpu")
    for has in (True, False):
        monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda has=has: has)
        Precision("bf16", cpu).check()
        Precision("fp32", cpu).check()
        assert bool(caplog.messages) is not has
    assert caplog.messages == [
        "optimizer.precision: this CPU has no bfloat16 instructions, so that bf16 is 4 to 300 "
        "times slower on it than fp32"
    ]


@pytest.mark.parametrize(
    ("flags", "has"),
    [("avx2 avx512f avx512_bf16 sha_ni", True), ("fp asimd bf16 i8mm", True), ("avx2 f16c", False)],
)
def test_processors_say_what_they_can(tmp_path: Path, flags: str, has: bool) -> None:
    path = tmp_path / "cpuinfo"
    assert precision.cpu_has_bfloat16(path)  # a system that does not tell
    path.write_text(f"processor\t: 0\nflags\t\t: fpu {flags}\n")
    assert precision.cpu_has_bfloat16(path) is has


def test_a_teacher_in_half_precision_has_its_flicker_logged(make_run: Any) -> None:
    runs = []
    for name, kind in (("a", "fp32"), ("b", "bf16")):
        labels = {"teacher_precision": kind, "alpha_c": 0.0, "alpha_s": 0.0}
        few = {"resources": {"log_period": 2}, "evaluation": {"period": 12}}
        run = make_run(name, "self-distilled", wanted=Wanted(stop=2), distillation=labels, **few)
        assert train(run)
        runs.append(run)
    exact, rough = runs
    lines = [json.loads(line) for line in rough.metrics.read_text().splitlines()]
    assert lines[0]["iteration"] == 2
    assert 0 <= lines[0]["pseudo/flicker"] <= 100
    assert "flicker" not in exact.metrics.read_text()
