"""Metrics that a score record lacks, from the predictions it kept: no network, no GPU, no training.

A metric on demand may be asked for long after a run was scored. Its checkpoint's predictions are on
disk; where they are not, the trainer predicts anew.
"""

import json
import logging
from typing import Any

from gdsweep import atomic
from gdsweep.config import RunConfig
from gdsweep.data import open_dataset
from gdsweep.evaluate import check_measurable, instances_counted, measure
from gdsweep.runs import RunDir, Score, ScoreRef, missing, read_wanted
from gdsweep.runs.records import read_record
from gdsweep.train.inputs import same_annotations
from gdsweep.train.scoring import recorded

log = logging.getLogger(__name__)


def only_measured(run: RunDir, config: RunConfig) -> bool:
    """Complete the score records of which only metrics are missing and predictions are there.

    All metrics of such a record are measured anew, so that they are of one evaluation.

    Returns:
        Whether that was all that was missing of the run.

    Raises:
        BadInput: the data set cannot be opened, or a metric not be measured.
        TrainingFailed: the annotations are not those that the run was trained on.
    """
    kept = []
    for ref in missing(run, read_wanted(run)).scores:
        score, results = _kept(run, ref)
        if score is not None and results is not None:
            kept.append((ref.with_metrics(score.ref.metrics), score, results))
    if not kept:
        return False
    data, evaluation = config.settings.dataset, config.settings.evaluation
    extra = config.objective != "supervised" and config.settings.labels.extra
    splits = open_dataset(data, extra)
    same_annotations(run, config, splits)
    for ref, score, results in kept:
        check_measurable(data, ref.metrics)
        images = splits.val if data.scored_split(ref.split) == "val" else splits.test
        truth = images.ground_truth()
        counted = instances_counted(evaluation, truth)
        metrics = recorded(measure(data, truth, results, counted, ref.metrics))
        for key, value in metrics.items():
            before = score.metrics.get(key, value)
            if value != before and abs((value or 0.0) - (before or 0.0)) > 1e-6:
                log.info("%s: %s is %s, was recorded as %s", ref.key, key, value, before)
        score = score.model_copy(update={"ref": ref, "metrics": metrics})
        atomic.write_text(run.score(ref), score.model_dump_json(indent=1) + "\n")
        log.info("%s: measured %s on its predictions", ref.key, ", ".join(ref.metrics))
    return not missing(run, read_wanted(run))


def _kept(run: RunDir, ref: ScoreRef) -> tuple[Score | None, list[dict[str, Any]] | None]:
    """The record of a score and its predictions, as far as they are there."""
    try:
        score = read_record(run.score(ref), Score)
    except FileNotFoundError:
        return None, None
    try:
        return score, json.loads(run.predictions(ref).read_bytes())
    except FileNotFoundError:
        return score, None
    except ValueError as error:
        log.info("%s: %s; its checkpoint is scored again", run.predictions(ref), error)
        return score, None
