"""What a run's networks start from."""

import pytest
import torch

from gdsweep.config import RunConfig
from gdsweep.model import Network
from gdsweep.runs import RunDir, read_config
from gdsweep.train import checkpoint
from gdsweep.train.distributed import Processes
from gdsweep.train.networks import build_networks

CLASSES = ("disc", "square", "star")


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


def test_only_a_guided_student_asks_whose_head_it_has(make_run) -> None:
    first, _ = built(make_run("s"))
    same, _ = built(make_run("none", "self-distilled", distillation={"student_init": "own"}))
    assert equal(first, same)
