"""What a run's networks start from."""

import pytest
import torch
from tiny import train

from gdsweep.config import RunConfig
from gdsweep.data.shapes import CLASSES
from gdsweep.errors import TrainingFailed
from gdsweep.model import Network
from gdsweep.runs import RunDir, Wanted, read_config, read_metrics
from gdsweep.train import checkpoint
from gdsweep.train.distributed import Processes
from gdsweep.train.networks import build_networks


def built(run: RunDir) -> tuple[Network, Network | None]:
    config: RunConfig = read_config(run)
    processes = Processes(0, 1, torch.device("cpu"))
    networks, _ = build_networks(run, config, CLASSES, processes)
    return networks.student, networks.teacher


def equal(one: Network, other: Network) -> bool:
    states = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in states)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_guided_student_has_a_head_of_its_own_or_its_teachers(make_run, seed: int) -> None:
    """`student_init`: the weights of its teacher at iteration 0, or others; never its teacher's."""
    supervised = make_run("s", seed=seed)
    first, _ = built(supervised)
    trained = {name: value + 1 for name, value in first.state_dict().items()}
    checkpoint.save(supervised.state(4), {"student": trained})
    students = {}
    for how in ("own", "as-teacher"):
        run = make_run(
            how, "guided", teacher=("s", 4), seed=seed, distillation={"student_init": how}
        )
        students[how], teacher = built(run)
        assert teacher is not None
        weights = teacher.state_dict()
        assert all(torch.equal(weights[name], value) for name, value in trained.items())
    assert equal(students["as-teacher"], first)
    assert not equal(students["own"], first)
    # the same whenever it is built: a killed run starts again from the same
    again, _ = built(run.sibling("own"))
    assert equal(students["own"], again)


def test_a_teacher_of_another_network_is_as_its_own_run_has_it(make_run) -> None:
    """It teaches a student of fewer queries; after the switch the student's own average does."""
    large = {"backbone": "swin_test", "hidden": 16, "queries": 9, "weights": "random"}
    supervised = make_run("s", model=large)
    trained, _ = built(supervised)
    checkpoint.save(supervised.state(4), {"student": trained.state_dict()})
    relations = {"teacher": ("s", 4), "wanted": Wanted(stop=1, milestones=(1,))}
    guided = make_run("g", "guided", distillation={"alpha_c": 0}, **relations)
    student, teacher = built(guided)
    assert equal(teacher, trained)
    assert not any(weights.requires_grad for weights in teacher.parameters())
    assert student.state_dict().keys() != teacher.state_dict().keys()
    assert train(guided)
    assert all("loss_mask_ssl" in line for line in read_metrics(guided.metrics))
    assert any(line["pseudo/per_image"] > 0 for line in read_metrics(guided.metrics))
    distilled = make_run(
        "d", "self-distilled", parent=("g", 1), wanted=Wanted(stop=2, milestones=(2,))
    )
    assert train(distilled)
    state = checkpoint.load(distilled.state(2))
    assert state["teacher"].keys() == state["student"].keys() == student.state_dict().keys()


def test_a_stage_may_start_from_what_another_run_has_trained(make_run) -> None:
    student, _ = built(make_run("d", "self-distilled"))
    weights = {name: value + 1 for name, value in student.state_dict().items()}
    checkpoint.save(make_run("d2", "self-distilled").state(4), {"student": weights})
    stage = make_run("f", initial=("d2", 4), optimizer={"average": 0.9})
    tuned, average = built(stage)
    for network in (tuned, average):
        assert all(torch.equal(value, weights[k]) for k, value in network.state_dict().items())
    with pytest.raises(TrainingFailed, match="no weights of d2"):
        built(make_run("g", initial=("d2", "best")))


def test_only_a_guided_student_asks_whose_head_it_has(make_run) -> None:
    first, _ = built(make_run("s"))
    same, _ = built(make_run("none", "self-distilled", distillation={"student_init": "own"}))
    assert equal(first, same)
