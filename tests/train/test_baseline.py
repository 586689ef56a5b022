"""Mask R-CNN through the shared trainer: learns, scores, and resumes bit for bit."""

import math

import torch
from tiny import BEST, FINAL, same, train

from gdsweep.config import CellSettings
from gdsweep.runs import Score, Wanted, read_metrics
from gdsweep.train import checkpoint
from gdsweep.train.distributed import Processes
from gdsweep.train.objectives import Loss, Part
from gdsweep.train.precision import Precision

SETTINGS = {
    "model": {
        "architecture": "mask-rcnn",
        "backbone": "resnet18",
        "hidden": 16,
        "encoder_feedforward": 16,
    },
    "optimizer": {"algorithm": "sgd", "lr": 0.005, "weight_decay": 1e-4, "clip_norm": None},
    "schedule": {"iterations": 6},
    "evaluation": {"period": 3},
}


def test_one_run(make_run):
    run = make_run("m", wanted=Wanted(stop=6, best=True, scores=(BEST, FINAL)), **SETTINGS)
    assert train(run)
    lines = read_metrics(run.metrics)
    names = ("classifier", "box_reg", "mask", "objectness", "rpn_box_reg")
    assert all(math.isfinite(line[f"loss_{name}"]) for line in lines for name in names)
    assert sum(lines[0][f"loss_{name}"] for name in names) == lines[0]["total_loss"]
    score = Score.model_validate_json(run.score(FINAL).read_text())
    assert score.images == 6


def test_a_stopped_run_goes_on_bit_for_bit(make_run):
    whole = make_run("w", wanted=Wanted(stop=6), **SETTINGS)
    broken = make_run("b", wanted=Wanted(stop=6), **SETTINGS)
    assert train(whole)
    assert not train(broken, stop_after=3)
    assert train(broken)
    states = [checkpoint.load(run.state(6)) for run in (whole, broken)]
    for state in states:
        state.pop("run")
    same(*states)


def test_parts_are_weighted_by_their_share_of_the_global_batch():
    class Means(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(()))

        def forward(self, images, targets):
            return {"loss_mask": self.weight * torch.stack([i.mean() for i in images]).mean()}

    images = [torch.full((3, 4, 4), float(value)) for value in (1, 2, 6)]
    part = Part(images, [torch.empty(0)] * 3, ["a", "b", "c"], [0, 0, 0], 1.0, "")
    part.targets[:] = [_Empty()] * 3
    settings = {"dataset": {"name": "s", "format": "shapes"}, "model": SETTINGS["model"]}
    for micro in (None, 1, 2):
        batch = {"labelled": 3, "micro": micro}
        cell = CellSettings.model_validate({**settings, "batch": batch})
        processes = Processes(0, 1, torch.device("cpu"))
        loss = Loss(cell, 3, processes, Precision("fp32", processes.device))
        student = Means()
        loss.backward(student, [part], 0)
        assert loss.hear(loss.exchange.meet()) == {"total_loss": 3.0, "loss_mask": 3.0}
        assert student.weight.grad == 3


class _Empty:
    labels = torch.zeros(0, dtype=torch.long)
