"""Methods as runs: what is shared, what is wanted, what it costs."""

import pytest

from gdsweep.errors import BadInput
from gdsweep.grid import Graph, Grid, build_graph, why
from gdsweep.runs import ScoreRef, Wanted

BEST = ScoreRef(at="best", network="student", split="test")

PAGE = """title: T
axes:
  labels: [5]
  method: [{methods}]
settings:
  dataset: shapes
  schedule: {{iterations: 100}}
  distillation: {{burn_in: 40}}
{more}
"""


@pytest.fixture
def graph(load):
    def make(methods: str, more: str = "") -> tuple[Grid, Graph]:
        grid = load(PAGE.format(methods=methods, more=more))
        return grid, build_graph(grid.cells)

    return make


def kinds(graph: Graph) -> list[str]:
    return [run.config.objective for run in graph.runs.values()]


def scored(graph: Graph) -> dict[str, str]:
    return {cell.settings.method: run for cell, run, _ in graph.results}


def test_supervised(graph) -> None:
    grid, g = graph("supervised")
    (name,) = g.runs
    assert kinds(g) == ["supervised"]
    assert g.wanted[name] == Wanted(stop=100, best=True, scores=(BEST,))
    assert g.results == [(grid.cells[0], name, BEST)]


def test_guided(graph) -> None:
    grid, g = graph("guided")
    assert kinds(g) == ["supervised", "guided", "self-distilled"]
    teacher, guided, distilled = g.runs
    assert g.wanted[teacher] == Wanted(stop=100, best=True)
    assert g.wanted[guided] == Wanted(stop=40, milestones=(40,))
    assert g.wanted[distilled] == Wanted(stop=100, best=True, scores=(BEST,))
    assert g.runs[guided].depends == ((teacher, "best"),)
    assert g.runs[distilled].depends == ((guided, 40),)
    assert [(s.run, s.first, s.last) for s in g.chain(grid.cells[0])] == [
        (teacher, 0, 100),
        (guided, 0, 40),
        (distilled, 40, 100),
    ]
    assert g.ancestors(distilled) == {teacher, guided}
    assert g.ancestors(teacher) == set()


def test_the_supervised_cell_is_the_teacher(graph) -> None:
    _, g = graph("guided, supervised")
    assert kinds(g) == ["supervised", "guided", "self-distilled"]
    teacher = next(iter(g.runs))
    assert scored(g)["supervised"] == teacher
    assert g.wanted[teacher] == Wanted(stop=100, best=True, scores=(BEST,))
    assert (g.iterations, g.iterations_unshared) == (200, 300)


def test_a_teacher_at_an_iteration_is_a_milestone(graph) -> None:
    more = "  distillation.teacher.at: 30\n  distillation.teacher.network: teacher\n  average: 0.9"
    _, g = graph("guided", more)
    teacher, guided, _ = g.runs
    assert g.wanted[teacher] == Wanted(stop=30, milestones=(30,))
    assert g.runs[guided].config.teacher.model_dump() == {
        "run": teacher,
        "at": 30,
        "network": "teacher",
    }
    assert g.iterations == 30 + 40 + 60


def test_the_final_teacher_is_the_horizons(graph) -> None:
    _, final = graph("guided", "  distillation.teacher.at: final")
    _, number = graph("guided", "  distillation.teacher.at: 100")
    assert list(final.runs) == list(number.runs)
    assert final.wanted == number.wanted


def test_a_fixed_teacher_shares_the_guided_run(graph) -> None:
    _, g = graph("guided, fixed-teacher")
    assert kinds(g) == ["supervised", "guided", "self-distilled"]
    guided = list(g.runs)[1]
    assert scored(g)["fixed-teacher"] == guided
    assert g.wanted[guided] == Wanted(stop=100, milestones=(40,), best=True, scores=(BEST,))


def test_burn_ins_are_milestones_of_one_run(graph, load) -> None:
    page = PAGE.replace("axes:", "axes:\n  burn_in: [20, 40, 60]")
    page = page.replace("  distillation: {{burn_in: 40}}\n", "").format(methods="guided", more="")
    g = build_graph(load(page).cells)
    assert kinds(g).count("supervised") == kinds(g).count("guided") == 1
    assert kinds(g).count("self-distilled") == 3
    guided = list(g.runs)[1]
    assert g.wanted[guided] == Wanted(stop=60, milestones=(20, 40, 60))
    assert g.iterations == 100 + 60 + 80 + 60 + 40
    assert g.iterations_unshared == 3 * 100 + 3 * 100


def test_a_standard_burn_in_is_a_prefix_of_the_supervised_run(graph) -> None:
    _, g = graph("supervised, standard-burn-in")
    assert kinds(g) == ["supervised", "self-distilled"]
    supervised, distilled = g.runs
    assert g.runs[distilled].depends == ((supervised, 40),)
    assert g.wanted[supervised] == Wanted(stop=100, milestones=(40,), best=True, scores=(BEST,))


def test_a_standard_burn_in_of_its_own_where_settings_differ(graph) -> None:
    rule = "rules: [{when: {method: supervised}, set: {batch: {labelled: 8}}}]"
    _, g = graph("supervised, standard-burn-in", rule)
    assert kinds(g) == ["supervised", "supervised", "self-distilled"]
    supervised, burn_in, distilled = g.runs
    assert g.runs[distilled].depends == ((burn_in, 40),)
    assert g.wanted[burn_in] == Wanted(stop=40, milestones=(40,))
    found = why(g.runs[supervised].identity, g.runs[burn_in].identity)
    assert found == [("batch.labelled", 8, 16)]


def test_no_burn_in(graph) -> None:
    _, g = graph("no-burn-in")
    assert kinds(g) == ["self-distilled"]
    (run,) = g.runs.values()
    assert run.config.parent is None
    assert run.config.teacher is None


def test_table_4(graph) -> None:
    """Five rows in five runs; on their own they would take nine."""
    methods = "supervised, no-burn-in, fixed-teacher, standard-burn-in, guided"
    grid, g = graph(methods)
    assert kinds(g).count("self-distilled") == 3
    assert kinds(g).count("supervised") == kinds(g).count("guided") == 1
    assert sum(len(g.chain(cell)) for cell in grid.cells) == 1 + 1 + 2 + 2 + 3
    # S 100, no burn-in 100, G 100, after the standard burn-in 60, after ours 60
    assert g.iterations == 420
    assert g.iterations_unshared == 100 + 100 + 200 + 100 + 200


def test_parents_come_before_children(graph) -> None:
    _, g = graph("guided, standard-burn-in, fixed-teacher, supervised, no-burn-in")
    seen: set[str] = set()
    for name, run in g.runs.items():
        assert {parent for parent, _ in run.depends} <= seen
        seen.add(name)


def test_scores_asked_for(graph) -> None:
    more = "  evaluation: {select: final, network: teacher}\n  average: 0.9"
    _, g = graph("supervised", more)
    (name,) = g.runs
    score = ScoreRef(at="final", network="teacher", split="test")
    assert g.wanted[name] == Wanted(stop=100, scores=(score,))


def test_grids_share_runs(load) -> None:
    one = load(PAGE.format(methods="supervised", more=""))
    two = load(PAGE.format(methods="guided", more="  resources: {gpus: 1}"))
    assert len(build_graph([*one.cells, *two.cells]).runs) == 3


def test_seeds_share_nothing(load) -> None:
    page = PAGE.format(methods="guided", more="").replace("axes:", "axes:\n  seed: [0, 1]")
    assert len(build_graph(load(page).cells).runs) == 6


def test_one_label_split_for_all_seeds_is_still_one_run_a_seed(load) -> None:
    page = PAGE.format(methods="supervised", more="  labels.seed: 0")
    page = page.replace("axes:", "axes:\n  seed: [0, 1]")
    a, b = build_graph(load(page).cells).runs.values()
    assert why(a.identity, b.identity) == [("seed", 0, 1)]


def test_one_teacher_of_another_backbone_serves_students_of_several(graph) -> None:
    """It is the run that is a supervised cell of its own; the students' own are nobody's."""
    axes = "guided, fixed-teacher]\n  backbone: [resnet18, resnet34, resnet50"
    _, g = graph(axes, "  distillation.teacher.of.backbone: resnet50\n")
    assert kinds(g).count("supervised") == 1
    (teacher,) = [name for name, run in g.runs.items() if run.config.objective == "supervised"]
    assert "resnet50" in teacher
    taught = [run for run in g.runs.values() if run.config.objective == "guided"]
    assert len(taught) == 3  # each is both a burn-in and, trained on, a fixed teacher's student
    assert {run.config.teacher.run for run in taught} == {teacher}
    _, alone = graph("supervised]\n  backbone: [resnet50")
    assert set(alone.runs) == {teacher}
    # said or not, it is the same: resnet50 teaches itself
    _, own = graph("guided]\n  backbone: [resnet50")
    assert set(own.runs) <= set(g.runs)


def test_a_teacher_has_its_own_backbones_settings(load) -> None:
    page = PAGE.format(
        methods="guided]\n  backbone: [resnet18, swin-large",
        more="  distillation.teacher.of.backbone: swin-large\n"
        "  lr: {by: backbone, resnet18: 1, swin-large: 2}",
    )
    small, large = load(page).cells
    assert (small.settings.model.queries, small.supervised.model.queries) == (100, 200)
    assert (small.settings.optimizer.lr, small.supervised.optimizer.lr) == (1, 2)
    assert small.supervised == large.supervised


TUNED = """rules:
  - when: {variant: tuned}
    set: {distillation: {fine_tune: 7, fine_tune_lr: 0.001}}
"""


def test_a_student_may_be_fine_tuned_on_the_labels_at_the_end(graph) -> None:
    """Its own runs are those of the cell without the stage, which alone is trained on."""
    methods = "guided, no-burn-in, supervised]\n  variant: [plain, tuned"
    grid, g = graph(methods, TUNED)
    answers = {(c.settings.method, c.settings.variant): name for c, name, _ in g.results}
    assert answers["supervised", "plain"] == answers["supervised", "tuned"]
    for method in ("guided", "no-burn-in"):
        student, stage = (answers[method, variant] for variant in ("plain", "tuned"))
        run = g.runs[stage]
        assert run.depends == ((student, "best"),)
        assert (run.config.objective, run.start, run.config.settings.optimizer.lr) == (
            "supervised",
            0,
            0.001,
        )
        assert run.config.settings.schedule.iterations == 7
        assert g.wanted[stage] == Wanted(stop=7, best=True, scores=(BEST,))
        assert g.wanted[student] == Wanted(stop=100, best=True, scores=(BEST,))
        assert g.ancestors(stage) == {student, *g.ancestors(student)}
    (cell,) = [c for c in grid.cells if c.label.endswith("no-burn-in variant tuned")]
    assert [piece.iterations for piece in g.chain(cell)] == [100, 7]
    # without the stage nothing is told of it
    assert "initial" not in g.runs[answers["guided", "plain"]].identity


def test_what_a_cell_would_report_is_what_is_fine_tuned(graph) -> None:
    more = "  distillation.fine_tune: 7\n  select: final\n  evaluation.network: teacher\n"
    _, g = graph("no-burn-in", more + "  average: 0.9")
    ((_, stage, score),) = g.results
    initial = g.runs[stage].config.initial
    assert (initial.at, initial.network) == (100, "teacher")
    assert g.wanted[initial.run] == Wanted(stop=100, milestones=(100,))
    assert (score.at, score.network) == ("final", "teacher")
    with pytest.raises(BadInput, match="a supervised run has no averaged network to report"):
        graph("no-burn-in", more)
