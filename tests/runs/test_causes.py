"""Kinds of failure are known by the very words the trainer uses."""

import errno
import math
import os

import pytest

from gdsweep.errors import TrainingFailed
from gdsweep.runs.causes import cause_in, disk_failed, loss_not_finite, out_of_memory


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "memory"),
        ("slurmstepd: error: Detected 1 oom_kill event in StepId=1.0", "memory"),
        ("torch.distributed.DistBackendError: NCCL error in: NCCLUtils.hpp", "nccl"),
        ("RuntimeError: [../gloo/transport/tcp/pair.cc] Connection closed by peer", "nccl"),
        ("RuntimeError: CUDA error: an illegal memory access was encountered", "cuda"),
        ("OSError: [Errno 28] No space left on device", "disk"),
        ("Traceback (most recent call last):\nValueError: x", "error"),
        ("NCCL error\ntorch.OutOfMemoryError: CUDA out of memory", "memory"),
        ("iteration 4 of 80", None),
        ("RuntimeError: No CUDA GPUs are available", "cuda"),
        ("UnicodeError: /home/gloor/c10data.csv", None),
    ],
)
def test_kinds_of_failure_are_told_apart(text: str, cause: str | None) -> None:
    assert cause_in(text) == cause


@pytest.mark.parametrize(
    "failure",
    [
        *(loss_not_finite(loss, ["train/7.jpg"]) for loss in (math.nan, math.inf, -math.inf)),
        out_of_memory(MemoryError()),
        out_of_memory(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB\nSee docs")),
        *(
            disk_failed("runs/a/log.txt", os.strerror(number))
            for number in (errno.ENOSPC, errno.EACCES, errno.EDQUOT)
        ),
    ],
    ids=str,
)
def test_what_the_trainer_says_is_known_again(failure: TrainingFailed) -> None:
    assert "\n" not in str(failure)
    assert cause_in(f"error: {failure}") == failure.cause
