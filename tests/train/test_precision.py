"""Mixed precision is refused where a device cannot train so; scoring needs none of it."""

from typing import Any

import pytest
from tiny import train

from gdsweep.errors import BadInput
from gdsweep.runs import ScoreRef, Wanted

FP16 = {"optimizer": {"precision": "fp16"}}


def test_fp16_on_a_cpu_scores_and_does_not_train(make_run: Any) -> None:
    start = ScoreRef(at=0, network="student", split="test")
    run = make_run("a", wanted=Wanted(scores=(start,)), **FP16)
    assert train(run)
    assert run.score(start).is_file()
    with pytest.raises(BadInput, match=r"fp16 needs a CUDA device; on the CPU choose fp32 or bf16"):
        train(make_run("b", wanted=Wanted(stop=2), **FP16))
