"""Memory in use does not grow with the number of steps, whatever the objective.

Counted, not measured by the resident size, which moves with the allocator's mood: bytes that the C
library has handed out (tensors, autograd graphs) and blocks that Python has (objects), after
garbage collection, at two steps of one run. GuidedDistillation's public code grows by 1.8 kB a
parameter and step here, as its average is updated inside the student's graph.
"""

import ctypes
import gc
import sys

import pytest
import torch
from tiny import train

from gdsweep.runs import Wanted, read_config
from gdsweep.train.run import execute

SETTINGS = {
    "schedule": {"iterations": 1000},
    "batch": {"labelled": 1, "unlabelled": 1},
    "evaluation": {"period": 1000},
    "model": {"decoder_layers": 1, "norm": "frozen"},
    "loss": {"points": 16},
    "resources": {"checkpoint_period": 4, "log_period": 2},
}
FIRST, LAST = 8, 20
"""States have been written and lines logged before the first, and are after."""


class _Mallinfo(ctypes.Structure):
    """glibc's `struct mallinfo2` (2.33 and newer)."""

    _fields_ = [
        *((f"unread{number}", ctypes.c_size_t) for number in range(4)),
        ("hblkhd", ctypes.c_size_t),  # bytes of blocks that are mapped one by one
        ("unread4", ctypes.c_size_t),
        ("unread5", ctypes.c_size_t),
        ("uordblks", ctypes.c_size_t),  # bytes of all other blocks
        ("unread6", ctypes.c_size_t),
        ("unread7", ctypes.c_size_t),
    ]


def in_use() -> tuple[int, int]:
    """Bytes that the C library has handed out, and blocks that Python has."""
    gc.collect()
    read = ctypes.CDLL(None).mallinfo2
    read.restype = _Mallinfo
    found = read()
    return found.uordblks + found.hblkhd, sys.getallocatedblocks()


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="glibc has no mallinfo2")
@pytest.mark.parametrize("objective", ["supervised", "guided", "self-distilled"])
def test_memory_in_use_does_not_grow_with_the_steps(make_run, objective):
    relation = {}
    if objective == "guided":
        train(make_run("s", wanted=Wanted(stop=1, milestones=(1,)), **SETTINGS))
        relation = {"teacher": ("s", 1)}
    run = make_run("r", objective, wanted=Wanted(stop=LAST), **relation, **SETTINGS)
    found, step = {}, 0

    def should_stop() -> bool:
        nonlocal step
        step += 1
        if step in (FIRST, LAST):
            found[step] = in_use()
        return False

    torch.set_num_threads(1)
    assert execute(run, read_config(run), should_stop)
    steps = LAST - FIRST
    bytes_, blocks = ((b - a) / steps for a, b in zip(found[FIRST], found[LAST], strict=True))
    assert bytes_ < 3000, "bytes a step"
    assert blocks < 40, "Python's blocks a step"
