"""Scores of networks: during training on the validation images, and those that cells report."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from gdsweep import atomic
from gdsweep.config import RunConfig
from gdsweep.data import DatasetSplits, ImageDataset
from gdsweep.errors import BadInput
from gdsweep.evaluate import check_measurable, measure, predict_dataset
from gdsweep.model import Network
from gdsweep.runs import Best, RunDir, Score, ScoreRef, checkpoint_file, read_wanted
from gdsweep.train import checkpoint
from gdsweep.train.attempt import Stopped
from gdsweep.train.distributed import Processes


class Scorer:
    """Scores networks of one run on its data set."""

    def __init__(
        self,
        run: RunDir,
        config: RunConfig,
        splits: DatasetSplits,
        processes: Processes,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.run = run
        self.settings = config.settings
        asked = {metric for ref in read_wanted(run).scores for metric in ref.metrics}
        check_measurable(self.settings.dataset, asked)
        self.splits = splits
        self.processes = processes
        self.should_stop = should_stop

    def validate(self, model: Network) -> dict[str, float]:
        """A network's metrics on the validation images; equal on every process. Raises Stopped.

        Those that are always measured: metrics on demand are for what cells report.
        """
        return self._measure(model, self.splits.val)[0]

    def keep_if_best(
        self,
        network: str,
        model: Network,
        scores: dict[str, float],
        iteration: int,
        best: dict[str, Best],
    ) -> None:
        """Save the very weights that were scored when they beat `best[network]`; update it.

        The rule: highest AP on the validation images; the earlier checkpoint on a tie.
        """
        AP = scores["AP"]
        if math.isnan(AP) or (network in best and best[network].AP >= AP):
            return
        path = self.run.weights(network, iteration)
        if self.processes.first:
            content = {network: model.state_dict(), "iteration": iteration}
            checkpoint.save(path, content | checkpoint.about(self.settings, self.splits))
        best[network] = Best(iteration=iteration, AP=AP, file=path.name)

    def report(self, ref: ScoreRef, model: Network, iteration: int) -> Score:
        """Score weights that a cell reports, and write predictions and record. Raises Stopped."""
        scored = self.settings.dataset.scored_split(ref.split)
        dataset = self.splits.val if scored == "val" else self.splits.test
        metrics, results, truth = self._measure(model, dataset, ref.metrics)
        crowds = sum(bool(a.get("iscrowd", 0)) for a in truth["annotations"])
        score = Score(
            ref=ref,
            iteration=iteration,
            metrics=recorded(metrics),
            images=len(dataset),
            instances=len(truth["annotations"]) - crowds,
            predictions=str(self.run.predictions(ref).relative_to(self.run.path)),
        )
        if self.processes.first:
            atomic.write_json_compact(self.run.predictions(ref), results)
            atomic.write_text(self.run.score(ref), score.model_dump_json(indent=1) + "\n")
        return score

    def weights_of(self, ref: ScoreRef, horizon: int) -> tuple[dict[str, torch.Tensor], int]:
        """The weights a score refers to, and their iteration. Raises BadInput where none are."""
        file = checkpoint_file(self.run, ref.network, ref.at, horizon)
        content = checkpoint.load(file.path)
        if content.get(ref.network) is None:
            raise BadInput(
                f"{self.run.name}: it has no {ref.network} network (a supervised run keeps an "
                "average only with optimizer.average)"
            )
        return content[ref.network], file.iteration

    def _measure(
        self, model: Network, dataset: ImageDataset, on_demand: Sequence[str] = ()
    ) -> tuple[dict[str, float], list[dict[str, Any]], dict[str, Any]]:
        shares = self.processes.gather(
            predict_dataset(
                model,
                dataset,
                self.settings.augmentation,
                self.settings.evaluation.detections,
                self.processes.rank,
                self.processes.world,
                self.should_stop,
            )
        )
        # all meet here, however many batches each had: one that was stopped stops everybody
        if any(share is None for share in shares):
            raise Stopped
        results = [result for share in shares for result in share or ()]
        truth = dataset.ground_truth()
        detections = self.settings.evaluation.detections
        scores = {}
        if self.processes.first:
            scores = measure(self.settings.dataset, truth, results, detections, on_demand)
        return self.processes.from_first(scores), results, truth


def recorded(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """Metrics as a record has them: None for those without a value, as JSON has no NaN."""
    return {key: None if math.isnan(value) else value for key, value in metrics.items()}
