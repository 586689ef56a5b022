"""Exports read back by the trackers' own packages."""

import json
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filled import fill

from gdsweep.commands.entry import script
from gdsweep.export.exporting import STAMP
from gdsweep.export.trackers import TRACKERS
from gdsweep.grid import graph_of
from gdsweep.grid.graph import Graph
from gdsweep.runs import Store, identity_digest, read_metrics

BEYOND = 9_000_000
"""An iteration that no grid asks for."""

INSTALLED = [name for name, one in TRACKERS.items() if not one.missing]


def needs(name: str) -> pytest.MarkDecorator:
    """Skips a test where a tracker's packages are not installed."""
    reason = f"{name} is not installed: pip install {TRACKERS[name].install}"
    return pytest.mark.skipif(name not in INSTALLED, reason=reason)


class Exported:
    """A demo whose every run is done, exported once for every tracker that is installed."""

    def __init__(self, folder: Path) -> None:
        self.graph: Graph = graph_of(fill(Path("runs"), ["demo"], lines=1))
        self.store = Store("runs")
        self.guided = next(
            name for name, run in self.graph.runs.items() if run.config.parent is not None
        )
        for name in self.graph.runs:  # another grid has trained on
            with open(self.store.run(name).metrics, "a") as file:
                file.write(json.dumps({"iteration": BEYOND, "total_loss": 1.0}) + "\n")
        self.path = folder / "results" / "demo-export"
        self.names = {"grid.demo", *self.graph.runs}
        assert export(*INSTALLED) == 0

    def values(self, name: str, key: str) -> list[tuple[int, float]]:
        """Iterations and values of a run's metric, as far as the grid asks for them."""
        lines = read_metrics(self.store.run(name).metrics)
        return [
            (line["iteration"], line[key])
            for line in lines
            if key in line and line["iteration"] <= self.graph.wanted[name].stop
        ]

    def score(self, name: str) -> tuple[str, float]:
        """Key and value of the AP that the table shows of a run."""
        _, _, ref = next(result for result in self.graph.results if result[1] == name)
        record = json.loads(self.store.run(name).score(ref).read_text())
        return f"{ref.key}/AP", record["metrics"]["AP"]

    def identity(self, name: str) -> str:
        """Digest of what was hashed into the run's name."""
        return identity_digest(self.graph.runs[name].identity)


def export(*names: str) -> int:
    """collect.py's exit code."""
    words = [word for name in names for word in ("--export", name)]
    return script("collect", ["demo", *words])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    folder = tmp_path_factory.mktemp("export")
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield Exported(folder)
    finally:
        os.chdir(before)


def test_tensorboard_reads_its_events(exported: Exported) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import plugin_data_pb2

    def read(name: str) -> Any:
        sizes = {"scalars": 0, "images": 0, "tensors": 0}
        found = EventAccumulator(str(exported.path / "tensorboard" / name), size_guidance=sizes)
        return found.Reload()

    run = read(exported.guided)
    loss = [(event.step, event.value) for event in run.Scalars("total_loss")]
    assert loss == [
        (at, pytest.approx(v)) for at, v in exported.values(exported.guided, "total_loss")
    ]
    key, value = exported.score(exported.guided)
    assert [event.value for event in run.Scalars(key)] == [pytest.approx(value)]
    content = run.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    start = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    assert start.group_name == exported.guided
    assert start.hparams["method"].string_value == "guided"
    assert start.hparams["model.queries"].number_value > 0
    assert exported.identity(exported.guided) in text(run, "tags")
    grid = read("grid.demo")
    assert text(grid, "tables/demo") == Path("results/demo.md").read_text()
    (picture,) = grid.Images("pictures/demo")
    assert picture.encoded_image_string == Path("results/demo.png").read_bytes()
    assert {path.name for path in (exported.path / "tensorboard").iterdir()} == exported.names


def text(run: Any, tag: str) -> str:
    """A text of TensorBoard's text plugin."""
    return str(run.Tensors(tag)[0].tensor_proto.string_val[0].decode())


@needs("wandb")
def test_wandb_reads_its_offline_runs(exported: Exported) -> None:
    folder = exported.path / "wandb"
    records = wandb_records(folder, exported.guided)
    (run,) = (one.run for one in records if one.WhichOneof("record_type") == "run")
    assert (run.run_id, run.display_name, run.project) == (exported.guided, exported.guided, "demo")
    config = {item.key: json.loads(item.value_json) for item in run.config.update}
    assert config["method"] == "guided"
    assert config["model.queries"] > 0
    assert config["gdsweep.identity"] == exported.identity(exported.guided)
    assert config["gdsweep.commit"] == "0123456789ab"
    lines = [items(one.history.item) for one in records if one.HasField("history")]
    loss = [(line["_step"], line["total_loss"]) for line in lines if "total_loss" in line]
    assert loss == exported.values(exported.guided, "total_loss")
    summary: dict[str, Any] = {}
    for one in records:
        summary |= items(one.summary.update)
    key, value = exported.score(exported.guided)
    assert summary[key] == value
    grid: dict[str, Any] = {}
    for one in wandb_records(folder, "grid.demo"):
        grid |= items(one.history.item)
    files = folder / "offline-run-grid.demo" / "files"
    assert "Mask AP" in (files / grid["tables/demo/path"]).read_text()
    picture = files / grid["pictures/demo/path"]
    assert picture.read_bytes() == Path("results/demo.png").read_bytes()
    assert (files / "demo.csv").read_text() == Path("results/demo.csv").read_text()


@needs("wandb")
def test_wandb_would_synchronise_every_run(exported: Exported) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "wandb", "sync", "--dry-run", str(exported.path / "wandb")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "WANDB_ERROR_REPORTING": "false"},
    )
    assert f"Would sync {len(exported.names)} run(s)" in said.stdout + said.stderr


def wandb_records(folder: Path, name: str) -> list[Any]:
    """Records of an offline run: LevelDB's log format after a header of seven bytes.

    A block has 32 KiB; each piece of a record begins with its checksum, length and kind (1 whole, 2
    first, 3 middle, 4 last). https://github.com/google/leveldb/blob/main/doc/log_format.md
    """
    from wandb.proto.wandb_internal_pb2 import Record

    content = (folder / f"offline-run-{name}" / f"run-{name}.wandb").read_bytes()
    assert content.startswith(b":W&B")
    found, parts, at = [], b"", 7
    while at + 7 <= len(content):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack_from("<IHB", content, at)
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            found.append(Record.FromString(parts))
            parts = b""
    return found


def items(found: Any) -> dict[str, Any]:
    """Items of a history or summary record by name."""
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in found}


@needs("mlflow")
def test_mlflow_reads_its_store(exported: Exported) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{exported.path / 'mlflow' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("demo")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert runs.keys() == exported.names
    run = runs[exported.guided]
    assert run.data.params["method"] == "guided"
    assert run.data.tags["gdsweep.identity"] == exported.identity(exported.guided)
    assert run.data.tags["gdsweep.commit"] == "0123456789ab"
    key, value = exported.score(exported.guided)
    assert run.data.metrics[key] == value
    history = client.get_metric_history(run.info.run_id, "total_loss")
    loss = sorted((one.step, one.value) for one in history)
    assert loss == exported.values(exported.guided, "total_loss")
    artifacts = {one.path for one in client.list_artifacts(runs["grid.demo"].info.run_id)}
    assert {"demo.csv", "demo.md", "demo.png", "demo.txt"} <= artifacts


def test_exported_again_only_what_changed_is_written(
    exported: Exported, capsys: pytest.CaptureFixture[str]
) -> None:
    before = stamps(exported.path)
    assert export(*INSTALLED) == 0
    said = capsys.readouterr().out
    for name in INSTALLED:
        assert f"unchanged results/demo-export/{name}\n" in said
    assert stamps(exported.path) == before

    metrics = exported.store.run(exported.guided).metrics
    kept = metrics.read_text()
    metrics.write_text(kept + json.dumps({"iteration": 1, "total_loss": 99.0}) + "\n")
    stale = exported.path / "tensorboard" / "no-run-of-the-grid"
    shutil.copytree(exported.path / "tensorboard" / "grid.demo", stale)
    assert export("tensorboard") == 0
    metrics.write_text(kept)
    said = capsys.readouterr().out
    assert f"exported results/demo-export/tensorboard, 1 of its {len(exported.names)} runs" in said
    now = stamps(exported.path / "tensorboard")
    assert {path.parent.name for path in now if now[path] != before[path]} == {exported.guided}
    assert now.keys() == {path for path in before if path.is_relative_to(stale.parent)}
    assert not list(exported.path.glob(".*"))


def stamps(folder: Path) -> dict[Path, int]:
    """Times at which the exported folders were written, in ns."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob(STAMP)}


def test_a_tracker_that_fails_leaves_the_former_export(
    exported: Exported, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = stamps(exported.path / "tensorboard")
    monkeypatch.setattr("gdsweep.export.to_tensorboard.RecordWriter", _full_disk)
    monkeypatch.setattr("gdsweep.export.exporting._code", lambda: "other code")
    assert export("tensorboard") == 2
    assert "results/demo-export: cannot be written (No space left on device)" in (
        capsys.readouterr().err
    )
    assert stamps(exported.path / "tensorboard") == before
    assert not list(exported.path.glob(".*"))


def test_packages_that_do_not_go_together_are_told(
    exported: Exported, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write(*told: object) -> None:
        raise ImportError("cannot import name 'Pool' from 'sqlalchemy.pool'")

    monkeypatch.setattr("gdsweep.export.to_tensorboard.write", write)
    monkeypatch.setattr("gdsweep.export.exporting._code", lambda: "other code")
    assert export("tensorboard") == 2
    assert capsys.readouterr().err == (
        "collect.py: --export: tensorboard cannot be imported (cannot import name 'Pool' from "
        "'sqlalchemy.pool'); pip install --upgrade tensorboard\n"
    )


def _full_disk(file: object) -> None:
    raise OSError(28, os.strerror(28))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--export-dir", "out"], "--export-dir: it goes with --export"),
        (["--export", "tensorboard", "--watch", "60"], "--watch: it goes with files alone"),
    ],
)
def test_options_that_do_not_go_together(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("collect", ["demo", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_package_that_is_missing_is_named_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gdsweep.export.trackers.find_spec", lambda name: None)
    assert script("collect", ["no/such/grid.yaml", "--export", "mlflow"]) == 2
    assert capsys.readouterr().err == (
        "collect.py: --export mlflow: mlflow, sqlalchemy, alembic cannot be imported; "
        "pip install mlflow-skinny sqlalchemy alembic\n"
    )


def test_a_folder_of_a_package_s_name_is_no_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "offline_runs").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    tracker = replace(TRACKERS["wandb"], packages=("json", "offline_runs", "not_there"))
    assert tracker.missing == ["offline_runs", "not_there"]


def test_a_run_with_a_damaged_record_is_left_out(
    exported: Exported, capsys: pytest.CaptureFixture[str]
) -> None:
    _, name, ref = exported.graph.results[-1]
    record = exported.store.run(name).score(ref)
    kept = record.read_text()
    record.write_text(kept[:-9])
    words = ["demo", "--export", "tensorboard", "--export-dir", "some"]
    assert script("collect", words) == 0
    record.write_text(kept)
    assert f"{record}: damaged" in capsys.readouterr().err
    assert {path.name for path in Path("some/tensorboard").iterdir()} == exported.names - {name}


def test_a_folder_with_something_else_is_left_alone(
    exported: Exported, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = Path("mine/tensorboard/grid.demo/notes.txt")
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    words = ["demo", "--export", "tensorboard", "--export-dir", "mine"]
    assert script("collect", words) == 2
    assert "mine/tensorboard/grid.demo: not written by --export" in capsys.readouterr().err
    assert mine.read_text() == "mine"
