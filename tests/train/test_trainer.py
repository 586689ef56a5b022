"""All three stages, the states they leave, and what happens when they are interrupted."""

import math
import os
import random
import signal
import time

import pytest
import torch
from tiny import BEST, FINAL, ended, same, start, start_ranks, torchrun, train

from gdsweep.errors import BUSY, TrainingFailed
from gdsweep.runs import (
    Complexity,
    Score,
    Wanted,
    lock,
    missing,
    read_best,
    read_metrics,
    read_state,
    read_wanted,
)
from gdsweep.runs.attempts import last_attempt
from gdsweep.runs.records import read_record
from gdsweep.train import checkpoint

ROBUST = {
    "distillation": {
        "alpha_c": 0.3,
        "suppress_overlap": 0.5,
        "alpha_m": 0.55,
        "adaptive": 0.9,
        "ignore_above": 0.2,
        "label_weights": "quality",
    },
    "augmentation": {"copy_paste": 0.5, "labelled_strong": 0.5},
    "evaluation": {"pseudo_labels": 3},
    "loss": {"groups": 3},
}


def state_of(run, iteration):
    """The complete state, without the run's own name."""
    state = checkpoint.load(run.state(iteration))
    state.pop("run")
    return state


def test_supervised_run_delivers_what_is_wanted(make_run):
    run = make_run("s", wanted=Wanted(stop=12, milestones=(5,), best=True, scores=(BEST, FINAL)))
    assert train(run)
    assert run.states() == [5, 12]
    assert read_state(run, read_wanted(run)).status == "done"
    assert run.done.exists()
    lines = read_metrics(run.metrics)
    assert [line["iteration"] for line in lines] == list(range(1, 13))
    for key in (
        "total_loss",
        "loss_ce",
        "loss_mask",
        "loss_dice",
        "loss_ce_0",
        "lr",
        "time",
        "data_time",
        "eta_seconds",
    ):
        assert all(math.isfinite(line[key]) for line in lines), key
    assert [line["iteration"] for line in lines if "segm/AP" in line] == [4, 8, 12]
    total = sum(v for k, v in lines[0].items() if k.startswith("loss_"))
    assert lines[0]["total_loss"] == pytest.approx(total)
    assert list(run.path.glob("events.out.tfevents.*"))
    score = Score.model_validate_json(run.score(BEST).read_text())
    assert score.iteration == read_best(run)["student"].iteration
    assert score.images == 6
    attempt = last_attempt(run)
    assert (attempt.outcome, attempt.first_iteration, attempt.last_iteration) == ("done", 0, 12)


def test_a_run_counts_its_network(whole):
    counted = read_record(whole.network, Complexity)
    assert counted.parameters > 1
    assert counted.flops is not None
    assert counted.size == (64, 64)


def test_three_stages(make_run):
    teacher = make_run("s", wanted=Wanted(stop=6, milestones=(6,)))
    train(teacher)
    guided = make_run("g", "guided", teacher=("s", 6), wanted=Wanted(stop=5, milestones=(3, 5)))
    train(guided)
    distilled = make_run(
        "d", "self-distilled", parent=("g", 5), wanted=Wanted(stop=12, scores=(BEST,))
    )
    train(distilled)
    before, after = state_of(guided, 5), state_of(distilled, 12)
    assert before["teacher"] is None  # a fixed teacher is its own run's
    assert after["teacher"].keys() == after["student"].keys()
    assert any(not torch.equal(after["teacher"][k], after["student"][k]) for k in after["student"])
    lines = read_metrics(distilled.metrics)
    assert [line["iteration"] for line in lines] == list(range(6, 13))
    assert {"loss_ce_ssl", "loss_mask_ssl", "pseudo/per_image"} <= lines[0].keys()
    assert any("teacher/segm/AP" in line for line in lines)


def test_a_fixed_teacher_changes_the_student_and_stays_itself(make_run):
    train(make_run("s", wanted=Wanted(stop=6, milestones=(3, 6))))
    states = []
    for name, at in (("g3", 3), ("g6", 6)):
        run = make_run(name, "guided", teacher=("s", at), wanted=Wanted(stop=4))
        train(run)
        states.append(state_of(run, 4)["student"])
    assert any(not torch.equal(states[0][k], states[1][k]) for k in states[0])


def test_the_teachers_average_is_equation_5_of_the_students_weights(make_run):
    """Recompute eq. (5) from the students of consecutive milestones."""
    every = tuple(range(1, 6))
    run = make_run("d", "self-distilled", wanted=Wanted(stop=5, milestones=every))
    train(run)
    states = {n: state_of(run, n) for n in every}
    name = next(k for k, v in states[1]["student"].items() if v.is_floating_point() and v.dim() > 1)
    for n in every[1:]:
        expected = 0.9 * states[n - 1]["teacher"][name] + 0.1 * states[n]["student"][name]
        torch.testing.assert_close(states[n]["teacher"][name], expected)


def test_a_stop_and_a_new_attempt_change_nothing(make_run, whole):
    parts = make_run("parts")
    assert not train(parts, stop_after=6)
    assert last_attempt(parts).outcome == "stopped"
    assert parts.states()[-1] == 5
    assert not train(parts, stop_after=4)
    assert train(parts)
    same(state_of(whole, 12), state_of(parts, 12))
    keys = ("total_loss", "lr", "segm/AP")
    for a, b in zip(read_metrics(whole.metrics), read_metrics(parts.metrics), strict=True):
        assert [a.get(k) for k in keys] == [b.get(k) for k in keys]


def test_a_stop_during_an_evaluation_loses_no_step_and_no_score(make_run, whole):
    """The state is kept apart until it is scored: nobody forks from it, and it is scored first."""
    parts = make_run("parts")
    assert not train(parts, stop_after=4)  # three steps, then the first batch of iteration 4's
    assert (parts.states(), parts.unscored_states()) == ([3], [4])
    assert last_attempt(parts).last_iteration == 4
    assert not train(parts, stop_after=1), "and again"
    assert train(parts)
    assert parts.unscored_states() == []
    same(state_of(whole, 12), state_of(parts, 12))
    assert read_best(parts) == read_best(whole)
    for a, b in zip(read_metrics(whole.metrics), read_metrics(parts.metrics), strict=True):
        assert a.get("segm/AP") == b.get("segm/AP")


def test_a_damaged_state_is_set_aside_for_the_one_before_it(make_run, whole):
    run = make_run("s")
    assert not train(run, stop_after=8)
    older, newest = run.states()
    content = run.state(newest).read_bytes()
    run.state(newest).write_bytes(content[: len(content) // 2])
    assert train(run)
    assert last_attempt(run).first_iteration == older
    assert f"{run.state(newest).name}.damaged" in {path.name for path in run.checkpoints.iterdir()}
    same(state_of(whole, 12), state_of(run, 12))


def test_a_parents_damaged_state_is_set_aside_to_be_made_again(make_run):
    parent = make_run("s", wanted=Wanted(stop=4, milestones=(4,)))
    train(parent)
    whole = parent.state(4).read_bytes()
    parent.state(4).write_bytes(whole[:-100])
    child = make_run("c", "self-distilled", parent=("s", 4))
    with pytest.raises(TrainingFailed, match="damaged, and set aside; s has to make it again"):
        train(child)
    assert missing(parent, Wanted(stop=4, milestones=(4,)))
    train(parent)
    assert train(child)


@pytest.mark.parametrize("objective", ["guided", "self-distilled"])
def test_a_student_stopped_and_continued_changes_nothing(make_run, objective):
    train(make_run("s", wanted=Wanted(stop=4, milestones=(4,))))
    relation = {"teacher": ("s", 4)} if objective == "guided" else {"parent": ("s", 4)}
    whole = make_run("whole", objective, **relation)
    train(whole)
    parts = make_run("parts", objective, **relation)
    assert not train(parts, stop_after=3)
    assert train(parts)
    same(state_of(whole, 12), state_of(parts, 12))


def test_a_fork_equals_the_unshared_run(make_run):
    """A milestone somebody else gets off at, and a longer parent, leave no trace."""
    train(make_run("s", wanted=Wanted(stop=4, milestones=(4,))))
    shared = make_run(
        "shared", "guided", teacher=("s", 4), wanted=Wanted(stop=12, milestones=(2, 6, 9))
    )
    alone = make_run("alone", "guided", teacher=("s", 4), wanted=Wanted(stop=6, milestones=(6,)))
    for run in (shared, alone):
        train(run)
    same(state_of(shared, 6), state_of(alone, 6))
    forks = [
        make_run(f"from-{parent}", "self-distilled", parent=(parent, 6))
        for parent in ("shared", "alone")
    ]
    for run in forks:
        train(run)
    same(state_of(forks[0], 12), state_of(forks[1], 12))


def test_more_wanted_later_extends_and_replays(make_run, whole):
    """A later milestone continues the path; an earlier one that was not kept is trained again."""
    run = make_run("s", wanted=Wanted(stop=8))
    train(run)
    make_run("s", wanted=Wanted(stop=12))
    train(run)
    assert run.states()[-1] == 12
    told = run.metrics.read_text()
    make_run("s", wanted=Wanted(milestones=(5,)))
    train(run)
    assert run.metrics.read_text() == told, "what is trained again is told once"
    same(state_of(whole, 12), state_of(run, 12))
    same(state_of(whole, 5), state_of(run, 5))


def test_the_best_checkpoint_is_what_was_scored(make_run):
    run = make_run("s", wanted=Wanted(stop=12, best=True, milestones=(4, 8, 12)))
    train(run)
    best = read_best(run)["student"]
    scored = {n["iteration"]: n["segm/AP"] for n in read_metrics(run.metrics) if "segm/AP" in n}
    assert max(scored.values()) == best.AP
    assert best.iteration == min(n for n, AP in scored.items() if AP == best.AP)
    weights = checkpoint.load(run.checkpoints / best.file)["student"]
    same(weights, state_of(run, best.iteration)["student"])


def test_the_best_of_a_path_may_lie_before_the_fork(make_run):
    train(make_run("s", wanted=Wanted(stop=8, milestones=(8,)), evaluation={"period": 8}))
    fork = make_run(
        "d",
        "self-distilled",
        parent=("s", 8),
        wanted=Wanted(stop=12, best=True),
        evaluation={"period": 100},
        optimizer={"lr": 1e-12},
    )
    train(fork)
    best = read_best(fork)["student"]
    assert best.iteration in (8, 12)
    assert (fork.checkpoints / best.file).exists()


def test_an_average_beside_supervised_training_is_scored_and_kept(make_run):
    run = make_run("s", wanted=Wanted(stop=12, best=True), optimizer={"average": 0.5})
    train(run)
    assert set(read_best(run)) == {"student", "teacher"}
    assert state_of(run, 12)["teacher"] is not None


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_images(make_run):
    run = make_run("s", optimizer={"lr": 1e30, "clip_norm": 1e30})
    with pytest.raises(TrainingFailed, match=r"the loss is (nan|inf); images of the batch: train/"):
        train(run)
    attempt = last_attempt(run)
    assert (attempt.outcome, attempt.cause) == ("failed", "nan")
    assert read_state(run, read_wanted(run)).status == "failed"


def test_a_teacher_that_changed_is_refused(make_run):
    teacher = make_run("s", wanted=Wanted(stop=4, milestones=(4,)))
    train(teacher)
    run = make_run("g", "guided", teacher=("s", 4))
    assert not train(run, stop_after=3)
    state = checkpoint.load(teacher.state(4))
    next(iter(state["student"].values())).add_(1)
    state.pop("format")
    checkpoint.save(teacher.state(4), state)
    with pytest.raises(TrainingFailed, match="are not those this run began with"):
        train(run)


def test_a_run_is_never_executed_twice_at_once(make_run):
    run = make_run("s")
    with lock.hold(run.lock):
        assert ended(start(run), 60) == BUSY
    assert not list(run.attempts.iterdir())


def test_micro_batches_accumulate_to_the_same_step(make_run):
    """Only rounding differs when a share is forwarded in pieces (frozen statistics)."""
    logged = []
    for name, micro in (("whole", None), ("pieces", 1)):
        run = make_run(
            name,
            "self-distilled",
            wanted=Wanted(stop=3),
            model={"norm": "frozen"},
            batch={"labelled": 3, "unlabelled": 4, "micro": micro},
            loss={"groups": 2},
        )
        train(run)
        logged.append(read_metrics(run.metrics))
    for whole, pieces in zip(*logged, strict=True):
        for key in whole:
            if "loss" in key:
                assert pieces[key] == pytest.approx(whole[key], rel=1e-4, abs=1e-5), key


def test_quality_weighs_the_losses_of_pseudo_labels_alone(make_run):
    """One step from the same weights, on the same images, with the same labels."""
    lines = {}
    for how in ("equal", "quality"):
        run = make_run(
            how, "self-distilled", wanted=Wanted(stop=1), distillation={"label_weights": how}
        )
        train(run)
        (lines[how],) = read_metrics(run.metrics)
    equal, quality = lines["equal"], lines["quality"]
    assert equal["pseudo/per_image"] == quality["pseudo/per_image"] > 0
    for name in ("loss_ce", "loss_mask", "loss_dice"):
        assert quality[name] == equal[name]
        assert 0 < quality[f"{name}_ssl"] < equal[f"{name}_ssl"]


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, ROBUST], ids=["paper", "every option"])
def test_two_processes_take_the_same_steps_as_one(make_run, options):
    """One rendezvous over gloo: the global batch, its losses and the states are one process'."""
    logged = []
    for name in ("one", "two"):
        run = make_run(
            name,
            "self-distilled",
            wanted=Wanted(stop=4, scores=(FINAL,)),
            model={"norm": "frozen"},
            batch={"labelled": 3, "unlabelled": 4},
            **options,
        )
        if name == "one":
            assert train(run)
        elif options:
            ends = [ended(rank) for rank in start_ranks(run, 2)]
            assert ends == [0, 0], run.log.read_text()
        else:
            assert torchrun(run, 2) == 0, run.log.read_text()
        logged.append(
            (read_metrics(run.metrics), Score.model_validate_json(run.score(FINAL).read_text()))
        )
    for one, two in zip(logged[0][0], logged[1][0], strict=True):
        assert one["iteration"] == two["iteration"]
        # after a step, a pseudo-label's pixel at the threshold may fall on the other side
        rel = 1e-4 if one["iteration"] == 1 else 5e-3
        for key in one:
            if "loss" in key:
                assert two[key] == pytest.approx(one[key], rel=rel, abs=1e-5), key
    assert logged[0][1].images == logged[1][1].images


FORTY = Wanted(stop=40, best=True, scores=(BEST,))


@pytest.mark.slow
def test_sigkill_at_random_moments_loses_nothing(make_run):
    long = {"wanted": FORTY, "schedule": {"iterations": 40}}
    whole = make_run("whole", **long)
    assert ended(start(whole)) == 0
    moments = random.Random(0)
    for name in ("killed", "killed again"):
        killed = make_run(name, **long)
        assert killed_on_the_way(killed, moments) >= 2
        same(state_of(whole, 40), state_of(killed, 40))
        assert read_best(whole) == read_best(killed)
        assert whole.score(BEST).read_text() == killed.score(BEST).read_text()
        assert not [p for p in killed.checkpoints.iterdir() if p.name.startswith(".")]


def killed_on_the_way(run, moments):
    """Train a run to its end through up to four SIGKILLs; returns how many hit it."""
    kills = 0
    while read_state(run, FORTY).status != "done":
        process = start(run)
        if kills == 4:
            assert ended(process) == 0
            break
        # not before it trains: most of a short attempt is its beginning
        seen, deadline = len(read_metrics(run.metrics)), time.time() + 120
        while process.poll() is None and time.time() < deadline:
            if len(read_metrics(run.metrics)) > seen:
                break
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 1.0))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        ended(process)
    return kills


def test_all_options_together_train_stop_and_continue(make_run):
    """A burn-in's class means are carried on; a stop and a new attempt change nothing."""
    train(make_run("s", wanted=Wanted(stop=4, milestones=(4,)), **ROBUST))
    guided = make_run(
        "g", "guided", teacher=("s", 4), wanted=Wanted(stop=6, milestones=(3, 6)), **ROBUST
    )
    train(guided)
    means = [state_of(guided, n)["class_confidence"] for n in (3, 6)]
    assert means[0].dtype == torch.float64
    assert means[0].max() > 0.25  # the most probable of five classes
    assert not torch.equal(*means)
    whole = make_run("whole", "self-distilled", parent=("g", 6), **ROBUST)
    train(whole)
    parts = make_run("parts", "self-distilled", parent=("g", 6), **ROBUST)
    assert not train(parts, stop_after=1)
    first = state_of(parts, 7)["class_confidence"]
    # one step of decay 0.9 from where the burn-in was
    assert (first - means[1]).abs().max() <= 0.1 * 0.8
    assert not train(parts, stop_after=2)
    assert train(parts)
    same(state_of(whole, 12), state_of(parts, 12))
    lines = read_metrics(whole.metrics)
    assert {"pseudo/ignored", "pseudo/threshold", "pseudo/per_image"} <= lines[0].keys()
    assert all(0 < line["pseudo/threshold"] <= 0.3 + 1e-6 for line in lines)
    measured = [line["iteration"] for line in lines if "pseudo/coverage" in line]
    assert measured == [8, 12]


def test_what_is_off_leaves_no_trace(make_run):
    """Neither in states nor in the log; and a diagnostic changes no state."""
    train(make_run("s", wanted=Wanted(stop=4, milestones=(4,))))
    states = []
    for name, count in (("plain", 0), ("measured", 4)):
        run = make_run(name, "guided", teacher=("s", 4), evaluation={"pseudo_labels": count})
        train(run)
        states.append(state_of(run, 12))
        assert "class_confidence" not in states[-1]
        keys = {key for line in read_metrics(run.metrics) for key in line if "pseudo" in key}
        assert keys - {"pseudo/score", "pseudo/size"} == (
            {"pseudo/per_image"}
            if count == 0
            else {
                "pseudo/per_image",
                "pseudo/precision",
                "pseudo/coverage",
                "pseudo/localisation",
            }
        )
        # of what is measured a few images are kept, to be looked at
        assert run.shown_iterations() == ([4, 8, 12] if count else [])
        assert run.shown_images.exists() == bool(count)
    same(*states)
