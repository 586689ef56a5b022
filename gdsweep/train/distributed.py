"""The processes of one run: one per GPU, or a single one."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from gdsweep import atomic
from gdsweep.config import ResourceSettings
from gdsweep.errors import BadInput, TrainingFailed

SILENCE = 1800.0
"""Seconds that a process waits for the others before it fails, unless GDSWEEP_SILENCE says."""


@dataclass(frozen=True)
class Processes:
    """This process among those of the run; every method is collective and trivial when alone."""

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process writes the files."""
        return self.rank == 0

    def sums(self, values: Iterable[float]) -> list[float]:
        """Element-wise sums over the processes."""
        values = list(values)
        if self.world == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(tensor)
        return list(tensor.tolist())

    def gather(self, value: Any) -> list[Any]:
        """Everybody's `value`, in order of rank, on every process."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values

    def gather_at(self, rank: int, value: Any) -> list[Any]:
        """Everybody's `value`, in order of rank, on process `rank`; nothing on the others."""
        if self.world == 1:
            return [value]
        values: list[Any] | None = [None] * self.world if rank == self.rank else None
        dist.gather_object(value, values, dst=rank)
        return values or []

    def from_first(self, value: Any) -> Any:
        """The first process' `value`."""
        if self.world == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, device=self.device)
        return box[0]

    def wait(self) -> None:
        """Return when everybody has come here."""
        if self.world > 1:
            dist.barrier()


def join(resources: ResourceSettings) -> Processes:
    """Meet the other processes of the run, named by torchrun's environment variables.

    RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT; without them this process is alone.
    GDSWEEP_RENDEZVOUS in place of the port is a file that all see: the first process takes a port
    that is free and writes it there. NCCL on CUDA, gloo on the CPU.

    Raises BadInput for `device: cuda` where there is none, TrainingFailed where nobody comes.
    """
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    cuda = torch.cuda.is_available() and resources.device != "cpu" and resources.gpus > 0
    if resources.device == "cuda" and not cuda:
        raise BadInput("resources.device: cuda asked for, but torch sees no CUDA device here")
    if cuda:
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    else:
        device = torch.device("cpu")
        # sums depend on the number of threads: it belongs to the run, not to the machine
        torch.set_num_threads(resources.cpus)
    if world > 1:
        patience = timedelta(seconds=float(os.environ.get("GDSWEEP_SILENCE", SILENCE)))
        place = os.environ.get("GDSWEEP_RENDEZVOUS")
        store = _meet(Path(place), rank, world, patience) if place else None
        dist.init_process_group(
            "nccl" if cuda else "gloo", store=store, rank=rank, world_size=world, timeout=patience
        )
    return Processes(rank, world, device)


def _meet(place: Path, rank: int, world: int, patience: timedelta) -> dist.Store:
    """A store of the first process', on a port nobody else has; `place` tells the others where."""
    host = os.environ.get("MASTER_ADDR", "localhost")
    if rank == 0:
        store = dist.TCPStore(host, 0, world, True, patience, wait_for_workers=False)
        atomic.write_text(place, f"{host} {store.port}\n")
        return store
    end = time.monotonic() + patience.total_seconds()
    while not place.exists():
        if time.monotonic() > end:
            raise TrainingFailed(f"{place}: the first process did not come", "nccl")
        os.listdir(place.parent)  # makes NFS look again
        time.sleep(0.2)
    host, port = place.read_text().split()
    return dist.TCPStore(host, int(port), world, False, patience)


def leave() -> None:
    """End the process group, if there is one."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
