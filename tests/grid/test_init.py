"""Trained weights of others in a grid: as initial weights, as a teacher, and scored as they are."""

from pathlib import Path

import pytest

from gdsweep.errors import BadInput
from gdsweep.grid import Grid, build_graph, load_grid

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
