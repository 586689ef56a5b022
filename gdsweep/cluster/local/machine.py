"""What this machine has: CPU cores, and GPUs by the names CUDA knows them by."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gdsweep.config import ResourceSettings

_MEBIBYTES = re.compile(r"^\s*(\d+)\s*$", re.MULTILINE)
_GPU = re.compile(r"^(?P<indent>\s*)(?:GPU|MIG).*\(UUID:\s*(?P<uuid>[^)]+)\)")


@dataclass(frozen=True)
class Machine:
    """Cores and GPUs that runs started here may use."""

    cores: int
    """CPU cores."""
    gpus: tuple[str, ...] = ()
    """UUIDs, or the user's own names where CUDA_VISIBLE_DEVICES is set."""
    gib: float | None = None
    """GiB of memory of the smallest GPU, where nvidia-smi tells it."""
    chosen: bool = False
    """Whether the user named the GPUs: then all of them count as free."""

    def gpus_for(self, resources: ResourceSettings) -> int:
        """How many of this machine's GPUs a run gets; 0 computes on the CPU.

        A machine with fewer than asked for accumulates gradients to the same global batch.
        """
        if resources.device == "cpu":
            return 0
        return min(resources.gpus, len(self.gpus))

    def busy_gpus(self) -> set[str]:
        """GPUs on which some process computes now; none where the user chose them."""
        if self.chosen or not self.gpus:
            return set()
        query = ("--query-compute-apps=gpu_uuid", "--format=csv,noheader")
        return {line.strip() for line in _nvidia_smi(*query).splitlines()}


def this_machine() -> Machine:
    """Look at this machine: affinity, cgroup quota, nvidia-smi, CUDA_VISIBLE_DEVICES."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = list_gpus(_nvidia_smi("-L"))
    if named is not None and gpus:
        gpus = tuple(name.strip() for name in named.split(",") if name.strip())
    query = ("--query-gpu=memory.total", "--format=csv,noheader,nounits")
    sizes = _MEBIBYTES.findall(_nvidia_smi(*query)) if gpus else []
    gib = min(map(int, sizes)) / 1024 if sizes else None
    return Machine(_cores(), gpus, gib, chosen=named is not None)


def list_gpus(listing: str) -> tuple[str, ...]:
    """UUIDs in the output of `nvidia-smi -L`; a GPU cut into MIG slices counts as its slices."""
    found: list[tuple[str, list[str]]] = []
    for line in listing.splitlines():
        match = _GPU.match(line)
        if match is None:
            continue
        if match["indent"] and found:
            found[-1][1].append(match["uuid"])
        else:
            found.append((match["uuid"], []))
    return tuple(name for gpu, slices in found for name in (slices or [gpu]))


def _nvidia_smi(*arguments: str) -> str:
    try:
        answer = subprocess.run(
            ["nvidia-smi", *arguments], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""  # no driver: no GPU
    return answer.stdout if answer.returncode == 0 else ""


def _cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    cores = len(os.sched_getaffinity(0))
    try:
        limit, period = quota.read_text().split()
    except (OSError, ValueError):
        return cores
    # a container may see 64 cores and be given 2
    return cores if limit == "max" else max(1, min(cores, int(limit) // int(period)))
