"""Every metric of some predictions, each by the function that its entry in `config.METRICS` names.

Such a function takes `(data, ground_truth, results, detections)`: the data set's settings, a COCO
instances dictionary, the predictions in COCO's results format, and how many of them count per
image. It returns its metrics by key, NaN where one has no value.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from pkgutil import resolve_name
from typing import Any

from gdsweep.config import METRICS, DataFormat
from gdsweep.errors import BadInput
from gdsweep.evaluate.average_precision import check_installed

Evaluator = Callable[[DataFormat, dict[str, Any], list[dict[str, Any]], int], Mapping[str, float]]


def measure(
    data: DataFormat,
    ground_truth: dict[str, Any],
    results: list[dict[str, Any]],
    detections: int = 100,
    on_demand: Iterable[str] = (),
) -> dict[str, float]:
    """The metrics that are always measured, and those `on_demand`, in the order of METRICS.

    Raises:
        BadInput: see `check_measurable`; a function returned no value of its metric, or an
            impossible one.
    """
    evaluators = _evaluators(on_demand)
    measured: dict[str, float] = {}
    for evaluator in dict.fromkeys(evaluators.values()):
        measured |= evaluator(data, ground_truth, results, detections)
    for key in evaluators.keys() - measured.keys():
        raise BadInput(f"metric {key}: {METRICS[key].computed_by} returned no {key}")
    for key in evaluators:
        low, high = METRICS[key].range
        if not (low - 1e-6 <= measured[key] <= high + 1e-6 or math.isnan(measured[key])):
            said = f"returned {measured[key]}, which is not between {low:g} and {high:g}"
            raise BadInput(f"metric {key}: {METRICS[key].computed_by} {said}")
    return {key: measured[key] for key in evaluators}


def check_measurable(data: DataFormat, on_demand: Iterable[str] = ()) -> None:
    """Refuse what cannot be measured early, not after training.

    Raises:
        BadInput: a metric is not known or its function cannot be imported, or what scores the data
            set is not installed.
    """
    check_installed(data)
    _evaluators(on_demand)


def _evaluators(on_demand: Iterable[str]) -> dict[str, Evaluator]:
    """The function of each metric to be measured, by key."""
    asked = set(on_demand)
    if unknown := asked - METRICS.keys():
        raise BadInput(f"no metric is called {min(unknown)}; valid: {', '.join(METRICS)}")
    evaluators: dict[str, Evaluator] = {}
    for key, metric in METRICS.items():
        if key in asked or not metric.on_demand:
            try:
                evaluators[key] = resolve_name(metric.computed_by)
            except (ImportError, AttributeError, ValueError) as error:
                raise BadInput(f"metric {key}: {metric.computed_by}: {error}") from None
    return evaluators
