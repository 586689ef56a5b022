"""A tiny EoMT through all three stages: what a grid of them trains is in `test_paper_smoke.py`."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tiny import BEST, train

from gdsweep.model.eomt import mask_shares
from gdsweep.runs import RunDir, Score, Wanted, read_metrics

MODEL = {"architecture": "eomt", "backbone": "test_vit", "query_blocks": 3}


def test_annealing_follows_the_iterations_of_every_stage(make_run: Callable[..., RunDir]) -> None:
    def make(name: str, end: int, **relations: Any) -> RunDir:
        wanted = Wanted(stop=end, milestones=(end,), scores=(BEST,))
        return make_run(name, wanted=wanted, model=MODEL, **relations)

    stages = {
        6: make("s", 6),
        5: make("g", 5, objective="guided", teacher=("s", 6)),
        12: make("d", 12, objective="self-distilled", parent=("g", 5)),
    }
    for end, run in stages.items():
        assert train(run)
        assert all("total_loss" in line for line in read_metrics(run.metrics))
        state = torch.load(run.state(end), weights_only=True)
        # the last step was told of those before it
        shares = mask_shares((state["iteration"] - 1) / 12, 3)
        assert state["student"]["mask_share"].tolist() == pytest.approx(shares)
    score = Score.model_validate_json(stages[12].score(BEST).read_text())
    assert 0 <= score.metrics["AP"] <= 100
