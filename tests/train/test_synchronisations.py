"""How often a step makes the CPU wait for the device, and the processes meet: counted, not timed.

The device is simulated (see simulated_device.py), as are the other processes: they hold what this
one holds. DistributedDataParallel's own all-reduces are not part of it.
"""

import contextlib
import copy
from unittest import mock

import pytest
import torch
import torch.distributed as dist
from simulated_device import DEVICE, Counts, counting
from tiny import TINY, merged

from gdsweep.config import CellSettings
from gdsweep.data import Instances, Sample
from gdsweep.model import build_network
from gdsweep.train.device_batch import mover
from gdsweep.train.distributed import Processes
from gdsweep.train.ema import MovingAverage
from gdsweep.train.objectives import Loss
from gdsweep.train.optimizer import build_optimizer
from gdsweep.train.precision import Precision

CPU = torch.device("cpu")
SMALL = {
    "distillation": {"alpha_c": 0.0, "alpha_s": 0},  # everything that is an object is a label
    "model": {"decoder_layers": 1, "norm": "frozen"},
    "augmentation": {"crop": (64, 64)},
}


class Step:
    """A run's optimisation step on a device, without files and loaders."""

    def __init__(self, device: torch.device, world: int, taught: bool) -> None:
        settings = CellSettings.model_validate(
            merged(merged(TINY, SMALL), {"batch": {"labelled": world, "unlabelled": world}})
        )
        torch.manual_seed(0)
        self.student = build_network(settings.model, 3).to(device)
        self.student.no_sync = contextlib.nullcontext  # DistributedDataParallel's
        torch.nn.init.normal_(self.student.transformer_decoder.class_head.bias, std=3.0)
        self.teacher = copy.deepcopy(self.student).requires_grad_(False).eval() if taught else None
        self.optimizer = build_optimizer(self.student, settings.optimizer)
        for group in self.optimizer.param_groups:
            group["fused"] = False  # it looks for the names of devices it knows
        self.loss = Loss(settings, 3, Processes(0, world, device), Precision("fp32", device))
        self.move, self.iteration = mover(device), 0

    def __call__(self) -> dict[str, float]:
        """Take a step on random images; returns what was heard of the one before."""
        generator = torch.Generator().manual_seed(self.iteration)
        image, other = torch.randint(0, 256, (2, 3, 64, 64), generator=generator).byte()
        masks = torch.rand(2, 64, 64, generator=generator) > 0.5
        labelled = [Sample("a", image, None, Instances(torch.tensor([1, 0]), masks))]
        unlabelled = None
        if self.teacher is not None:
            unlabelled = self.move([Sample("b", other, other.flip(0), None)])
        if self.loss.processes.world > 1:
            self.loss.exchange.put("stop", [0.0])
        parts, told = self.loss.parts(self.move(labelled), unlabelled, self.teacher)
        heard = self.loss.hear(told)
        self.optimizer.zero_grad(set_to_none=True)
        self.loss.backward(self.student, parts, self.iteration)
        self.loss.precision.step(self.optimizer, self.student, 0.1)
        if self.teacher is not None:
            MovingAverage(self.teacher, self.student).update(0.9)
        self.iteration += 1
        return heard


def counted(world: int, taught: bool) -> tuple[Counts, list[str]]:
    """What the second step waits for, and the collective calls it makes."""
    calls: list[str] = []

    def all_reduce(tensor: torch.Tensor) -> None:
        calls.append("all_reduce")
        tensor.mul_(world)

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a pickled object was gathered in a step")

    with (
        counting() as counts,
        mock.patch.object(dist, "all_reduce", all_reduce),
        mock.patch.object(dist, "all_gather_object", refused),
        mock.patch.object(dist, "broadcast_object_list", refused),
    ):
        step = Step(DEVICE, world, taught)
        step()
        counts.reset()
        calls.clear()
        step()
    return counts, calls


@pytest.mark.parametrize(("world", "taught", "most"), [(1, False, 2), (8, False, 2), (8, True, 3)])
def test_a_step_waits_for_the_device_twice_and_taught_thrice(world, taught, most):
    """The matching of each kind of samples, and what is read of a meeting."""
    counts, calls = counted(world, taught)
    assert sum(counts.waits.values()) <= most, dict(counts.waits)
    assert calls == (["all_reduce"] if world > 1 else [])
    assert counts.others["from pinned memory"] >= 3


def test_what_waits_is_counted():
    """The counter itself: one for each kind of wait, none for what does not wait."""
    with counting() as counts:
        x = torch.arange(4.0).to(DEVICE)
        assert sum(counts.waits.values()) == 1, "from unpinned memory"
        torch.arange(4.0).pin_memory().to(DEVICE, non_blocking=True)
        y = x * 2 + torch.ones(4, device=DEVICE)
        assert sum(counts.waits.values()) == 1
        waits = [
            lambda: y.sum().item(),
            lambda: bool(y.any()),
            lambda: y.tolist(),
            lambda: y.cpu(),
            lambda: (y > 1).nonzero(),
            lambda: y[y > 1],
            lambda: y[[0, 1]],
            lambda: torch.tensor([1.0], device=DEVICE),
            lambda: torch.arange(4.0).pin_memory().to(DEVICE),
            lambda: torch.arange(4.0).to(DEVICE, non_blocking=True),
        ]
        for number, wait in enumerate(waits, start=2):
            wait()
            assert sum(counts.waits.values()) == number, number - 2


def test_the_simulated_device_computes_what_the_cpu_does():
    """A teacher's step and what it tells: packing, pinning and reading change no number.

    But for rounding: attention and AdamW have a form of their own on the CPU.
    """
    plain = Step(CPU, 1, True)
    plain()
    with counting():
        step = Step(DEVICE, 1, True)
        step()
        expected, heard = (one.loss.hear(one.loss.exchange.meet()) for one in (plain, step))
    assert heard == pytest.approx(expected, rel=1e-4)
    assert heard.keys() >= {"total_loss", "loss_ce_ssl", "pseudo/per_image"}
    assert heard["pseudo/per_image"] > 0
