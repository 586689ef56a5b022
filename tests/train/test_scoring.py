"""Scores of a run are those of tiles where its settings say so."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import FINAL, TINY

from gdsweep.config import CellSettings, RunConfig
from gdsweep.data import open_dataset
from gdsweep.evaluate import predict_dataset
from gdsweep.model import build_network
from gdsweep.runs import RunDir
from gdsweep.train import scoring
from gdsweep.train.distributed import Processes


def test_a_score_is_of_tiles_and_counts_the_instances_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = CellSettings.model_validate(TINY)
    splits = open_dataset(settings.dataset)
    height, width = splits.val.size(0)
    tiles = {"tiles": (height * 3 // 4, width), "tile_overlap": height // 3, "detections": 5}
    evaluation = settings.evaluation.model_copy(update=tiles)
    settings = settings.model_copy(update={"evaluation": evaluation})
    torch.manual_seed(0)
    network = build_network(settings.model, 3).eval()
    counted = []

    def measure(data: Any, truth: Any, results: Any, detections: int, on_demand: Any) -> Any:
        counted.append(detections)
        return {"AP": 1.0}

    monkeypatch.setattr(scoring, "measure", measure)
    run = RunDir(tmp_path / "run")
    config = RunConfig.model_construct(run="run", objective="supervised", settings=settings)
    for path in (run.predictions(FINAL), run.score(FINAL)):
        path.parent.mkdir(parents=True)
    scorer = scoring.Scorer(run, config, splits, Processes(0, 1, torch.device("cpu")))
    scorer.report(FINAL, network, 7)
    written = json.loads(run.predictions(FINAL).read_text())
    scored = splits.test if settings.dataset.scored_split(FINAL.split) == "test" else splits.val
    expected = predict_dataset(
        [network], scored, settings.augmentation, 5, tiling=evaluation.tiling
    )
    assert expected is not None
    assert written == expected[0]
    assert written != predict_dataset([network], scored, settings.augmentation, 5)
    assert counted == [2 * 5]
