"""TensorBoard's event files: curves, hyperparameters with scores, tables as text, pictures."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import summary_v2 as hparams
from tensorboard.plugins.text import summary_v2 as text
from tensorboard.summary.writer.record_writer import RecordWriter

from gdsweep.export.tracked import TrackedRun


def write(runs: Sequence[TrackedRun], folder: Path, home: Path) -> None:
    """One event file a run, dated as the run began: the same run gives the same bytes."""
    for run in runs:
        path = folder / f"events.out.tfevents.{run.started:.0f}.{run.name}"
        with open(path, "wb") as file:
            writer = RecordWriter(file)
            writer.write(_event(run, file_version="brain.Event:2").SerializeToString())
            for step, summary in _summaries(run):
                writer.write(_event(run, step=step, summary=summary).SerializeToString())
            writer.flush()


def _event(run: TrackedRun, **content: object) -> Event:
    return Event(wall_time=run.started, **content)


def _summaries(run: TrackedRun) -> Iterator[tuple[int, Summary]]:
    if run.settings:
        metrics = [hparams.Metric(key) for key in run.scores]
        yield 0, hparams.hparams_config_pb([hparams.HParam(k) for k in run.settings], metrics)
        yield 0, hparams.hparams_pb(run.settings, run.name, run.started)
    tags = "".join(f"| {key} | {value} |\n" for key, value in run.tags.items())
    yield 0, text.text_pb("tags", f"| | |\n|---|---|\n{tags}")
    for step, values in run.curves:
        yield step, _scalars(values)
    if run.scores:
        yield run.last, _scalars(run.scores)
    for name, table in run.tables.items():
        yield 0, text.text_pb(f"tables/{name}", table.markdown)
    for path in run.pictures:
        yield 0, Summary(value=[Summary.Value(tag=f"pictures/{path.stem}", image=_image(path))])


def _scalars(values: dict[str, float]) -> Summary:
    return Summary(value=[Summary.Value(tag=key, simple_value=v) for key, v in values.items()])


def _image(path: Path) -> Summary.Image:
    with Image.open(path) as image:
        width, height = image.size
    return Summary.Image(height=height, width=width, encoded_image_string=path.read_bytes())
