"""An MLflow store in an SQLite file: one experiment, a run of it for each of ours."""

import logging
import shutil
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gdsweep.export.tracked import TrackedRun
from gdsweep.export.trackers import environment

if TYPE_CHECKING:
    from mlflow import MlflowClient

METRICS_PER_CALL, PARAMETERS_PER_CALL = 1000, 100
"""What MLflow takes in one call of log_batch."""


def write(runs: Sequence[TrackedRun], folder: Path, home: Path) -> None:
    """Write mlflow.db and the artifacts; MLflow notes the absolute place where they will lie."""
    for noisy in ("mlflow", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    with environment(MLFLOW_DISABLE_TELEMETRY="true"):
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=f"sqlite:///{(folder / 'mlflow.db').absolute()}")
        place = (home / "artifacts").absolute().as_uri()
        experiment = client.create_experiment(runs[0].group, artifact_location=place)
        for run in runs:
            _write(client, experiment, run, folder / "artifacts")


def _write(client: "MlflowClient", experiment: str, run: TrackedRun, artifacts: Path) -> None:
    from mlflow.entities import Metric, Param

    at = int(run.started * 1000)
    tags = {f"gdsweep.{key}": value for key, value in run.tags.items()}
    made = client.create_run(experiment, start_time=at, tags=tags, run_name=run.name).info.run_id
    for some in _parts([Param(k, str(v)) for k, v in run.settings.items()], PARAMETERS_PER_CALL):
        client.log_batch(made, params=some)
    measured = [*run.curves, (run.last, run.scores)]
    points = [Metric(k, v, at, step) for step, values in measured for k, v in values.items()]
    for some in _parts(points, METRICS_PER_CALL):
        client.log_batch(made, metrics=some)
    # where MLflow looks for them once the folder lies in its place
    files = artifacts / made / "artifacts"
    files.mkdir(parents=True)
    for name, table in run.tables.items():
        for suffix, text in ((".txt", table.text), (".md", table.markdown), (".csv", table.csv)):
            (files / f"{name}{suffix}").write_text(text, encoding="utf-8")
    for path in run.pictures:
        shutil.copyfile(path, files / path.name)
    client.set_terminated(made, end_time=at)


def _parts(items: list[Any], size: int) -> Iterator[list[Any]]:
    waiting = iter(items)
    while some := list(islice(waiting, size)):
        yield some
