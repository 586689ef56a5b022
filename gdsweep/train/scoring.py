"""Scores of networks: during training on the validation images, and those that cells report."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from gdsweep import atomic
from gdsweep.config import RunConfig
from gdsweep.data import DatasetSplits, ImageDataset
from gdsweep.errors import BadInput
from gdsweep.evaluate import check_measurable, instances_counted, measure, predict_dataset
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

    def validate(self, models: Mapping[str, Network]) -> dict[str, dict[str, float]]:
        """Networks' metrics on the validation images; equal on every process. Raises Stopped.

        Those that are always measured: metrics on demand are for what cells report.
        """
        found = self._measure(list(models.values()), self.splits.val)
        return {name: scores for name, (scores, _) in zip(models, found, strict=True)}

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
        ((metrics, results),) = self._measure([model], dataset, ref.metrics)
        truth = dataset.ground_truth()
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
        self, models: Sequence[Network], dataset: ImageDataset, on_demand: Sequence[str] = ()
    ) -> list[tuple[dict[str, float], list[dict[str, Any]]]]:
        """Metrics of each network, on every process, and its predictions, on the one that measures.

        The processes take turns in measuring, the first one first: two networks of a run on several
        GPUs are measured at the same time.
        """
        settings, processes = self.settings, self.processes
        detections = settings.evaluation.detections
        shares = predict_dataset(
            models,
            dataset,
            settings.augmentation,
            detections,
            processes.rank,
            processes.world,
            self.should_stop,
            settings.resources.workers,
            settings.evaluation.tiling,
        )
        # all meet here, however many batches each had: one that was stopped stops everybody
        if any(processes.sums([float(shares is None)])):
            raise Stopped
        assert shares is not None
        turns = [place % processes.world for place in range(len(models))]
        gathered = [
            processes.gather_at(rank, share) for rank, share in zip(turns, shares, strict=True)
        ]
        results = [[result for share in shares for result in share] for shares in gathered]
        mine = {}
        for place, rank in enumerate(turns):
            if rank == processes.rank:
                truth = dataset.ground_truth()
                counted = instances_counted(settings.evaluation, truth)
                mine[place] = measure(settings.dataset, truth, results[place], counted, on_demand)
        scores = {place: found for own in processes.gather(mine) for place, found in own.items()}
        return [(scores[place], results[place]) for place in range(len(models))]


def recorded(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """Metrics as a record has them: None for those without a value, as JSON has no NaN."""
    return {key: None if math.isnan(value) else value for key, value in metrics.items()}
