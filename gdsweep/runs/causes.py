"""Kinds of failure that attempts record, and the words by which they are known."""

import re
from collections.abc import Iterable

from gdsweep.errors import TrainingFailed

_PATTERNS = (
    (
        "memory",
        r"OutOfMemoryError|MemoryError|[Oo]ut of memory|oom[-_ ]kill|Cannot allocate memory"
        r"|DefaultCPUAllocator: can't allocate",
    ),
    (
        "nccl",
        r"NCCL|DistBackendError|DistNetworkError|DistStoreError|\bgloo\b|\bc10d\b|TCPStore"
        r"|Connection closed by peer|rendezvous",
    ),
    (
        "cuda",
        r"CUDA error|CUDA driver|No CUDA GPUs|CUDA unknown|cudaError|CUBLAS|CUDNN|cuDNN"
        r"|device-side assert|Xid",
    ),
    ("nan", r"the loss is (nan|-?inf)"),
    (
        "disk",
        r"No space left|Disk quota exceeded|Input/output error|Stale file handle"
        r"|nothing half-written is left",
    ),
)


def cause_in(text: str) -> str | None:
    """The kind of failure that some words tell of; None where they tell of none.

    Memory goes before NCCL: a process without memory takes its peers' connections with it.
    """
    for cause, pattern in _PATTERNS:
        if re.search(pattern, text):
            return cause
    return "error" if "Traceback (most recent call last)" in text else None


def loss_not_finite(loss: float, images: Iterable[str]) -> TrainingFailed:
    """The failure of a step whose loss is NaN or infinite, on a batch of `images`."""
    message = f"the loss is {loss}; images of the batch: {', '.join(images)}"
    return TrainingFailed(message, cause="nan")


def out_of_memory(error: BaseException) -> TrainingFailed:
    """The failure of a step that found no memory, on a GPU or the host."""
    first = str(error).splitlines()[0] if str(error) else "no memory left"
    message = f"out of memory: {first}; set batch.micro lower (gradients are accumulated)"
    return TrainingFailed(message, cause="memory")


def disk_failed(place: object, reason: str) -> TrainingFailed:
    """The failure of a write (or read) at `place`, which left no half file behind."""
    return TrainingFailed(f"{place}: {reason}; nothing half-written is left", cause="disk")
