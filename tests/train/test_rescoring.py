"""A metric asked for after the scores: measured on kept predictions, or from the checkpoint."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
from PIL import Image

from gdsweep.commands.entry import script
from gdsweep.errors import BadInput
from gdsweep.grid import Graph, Grid, build_graph, load_grid
from gdsweep.plan.cells import cell_standings
from gdsweep.report import as_text, build_table, receipt, results
from gdsweep.runs import RunDir, Score, Store, Wanted, missing, read_config, read_wanted
from gdsweep.runs.records import read_record

OLD = Path(__file__).parents[1] / "old_store"
BOUNDARY = tiny.FINAL.with_metrics(["boundary_AP"])


class Old:
    """The runs of before there were metrics on demand, and their grid, which now asks for one.

    Their checkpoints hold no weights: whoever opens one fails. Their names are today's.
    """

    def __init__(self) -> None:
        shutil.copytree(OLD / "data", "data")
        for name in ("train", "val"):
            for image in json.loads(Path(f"data/{name}.json").read_text())["images"]:
                path = Path("data/images") / image["file_name"]
                path.parent.mkdir(exist_ok=True)
                Image.new("RGB", (image["width"], image["height"])).save(path)
        page = (OLD / "grid.yaml").read_text()
        Path("grid.yaml").write_text(
            page.replace("table: {", "table: {metrics: [AP, boundary_AP], ")
        )
        self.store = Store("runs")
        self.grid: Grid = load_grid("grid.yaml")
        self.graph: Graph = build_graph(self.grid.cells)
        old = {path: read_config(RunDir(path)) for path in (OLD / "runs").iterdir()}
        usual = {
            c.objective: path for path, c in old.items() if c.settings.model.weights == "random"
        }
        for name, trajectory in self.graph.runs.items():
            shutil.copytree(usual[trajectory.config.objective], f"runs/{name}")
            self.store.create(trajectory.config, trajectory.identity)

    def scored(self) -> list[RunDir]:
        """The runs that the cells report."""
        return [self.store.run(name) for _, name, _ in self.graph.results]

    def score(self, run: RunDir) -> Score:
        """The record of a run's one score."""
        return read_record(run.score(self.graph.results[0][2]), Score)

    def text(self) -> str:
        """The table."""
        return as_text(build_table(results(self.graph, self.grid, self.store), self.grid))

    def measure(self) -> None:
        """What a launch makes the trainer do."""
        for run in self.scored():
            self.store.want(run, self.graph.wanted[run.name])
            assert tiny.train(run)


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Old:
    monkeypatch.chdir(tmp_path)
    return Old()


def test_before_it_is_measured_the_other_metrics_stand(
    old: Old, capsys: pytest.CaptureFixture
) -> None:
    standings = cell_standings(old.graph, old.store)
    assert {standing.status for standing in standings} == {"unmeasured"}
    assert {standing.why for standing in standings} == {"Boundary AP not measured yet"}
    assert {standing.share for standing in standings} == {1.0}
    lines = [line.split() for line in old.text().splitlines()]
    assert ["supervised", "12.5", "not", "measured"] in lines
    assert ["guided", "*23.5", "not", "measured"] in lines
    assert "another launch measures it" in old.text()
    value = receipt(old.graph, old.grid, old.store, 0).value
    assert value == "AP 12.5, boundary_AP not measured yet"
    assert script("launch", ["grid.yaml", "--cluster", "local", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert shown.count("only to be scored") == 2
    assert "12 iterations" not in shown


def test_kept_predictions_are_measured_without_any_network(
    old: Old, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    before = [run.predictions(old.graph.results[0][2]).read_bytes() for run in old.scored()]
    old.measure()
    assert "training from" not in caplog.text
    for run, predictions in zip(old.scored(), before, strict=True):
        score = old.score(run)
        assert score.metrics.keys() == {
            "AP", "AP50", "AP75", "APs", "APm", "APl", "boundary_AP"
        }  # fmt: skip
        assert score.iteration == 2
        assert run.predictions(score.ref).read_bytes() == predictions
        assert not missing(run, read_wanted(run))
        assert json.loads(run.done.read_text())["scores"][0]["metrics"] == ["boundary_AP"]
    # the old records' APs were changed by hand: what the predictions give is said and written
    assert "test-best-student: AP is 0.0, was recorded as 12.5" in caplog.text
    assert "not measured" not in old.text()
    assert {standing.status for standing in cell_standings(old.graph, old.store)} == {"done"}


def test_other_annotations_are_refused(old: Old) -> None:
    page = json.loads(Path("data/val.json").read_text())
    Path("data/val.json").write_text(json.dumps(page, indent=3))
    with pytest.raises(Exception, match="other annotations than"):
        old.measure()
    assert "boundary_AP" not in old.score(old.scored()[0]).metrics


def test_without_predictions_the_checkpoint_is_scored(
    make_run: Callable[..., RunDir], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    wanted = Wanted(stop=2, scores=(tiny.FINAL,))
    run = make_run("a", wanted=wanted, schedule={"iterations": 2})
    assert tiny.train(run)
    first = read_record(run.score(tiny.FINAL), Score)
    assert "boundary_AP" not in first.metrics
    store = Store(run.path.parent)
    store.want(run, Wanted(scores=(BOUNDARY,)))
    assert read_wanted(run).scores == (BOUNDARY,)
    for content in (None, "[{"):  # removed, and half-written by another hand
        run.score(BOUNDARY).write_text(first.model_dump_json())
        run.predictions(BOUNDARY).unlink()
        if content is not None:
            run.predictions(BOUNDARY).write_text(content)
        caplog.clear()
        assert tiny.train(run)
        assert "training from" not in caplog.text
        second = read_record(run.score(BOUNDARY), Score)
        assert {key: second.metrics[key] for key in first.metrics} == first.metrics
        assert second.metrics["boundary_AP"] is not None
        assert second.iteration == 2
    # whoever asks without it afterwards does not lose it
    store.want(run, Wanted(scores=(tiny.FINAL,)))
    assert read_wanted(run).scores == (BOUNDARY,)


def test_a_metric_nobody_knows_is_refused_before_training(make_run: Callable[..., RunDir]) -> None:
    wanted = Wanted(stop=2, scores=(tiny.FINAL.with_metrics(["recall"]),))
    run = make_run("a", wanted=wanted, schedule={"iterations": 2})
    with pytest.raises(BadInput, match="no metric is called recall; valid: AP, AP50"):
        tiny.train(run)
    assert not run.states()
