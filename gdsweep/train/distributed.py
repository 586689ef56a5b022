"""The processes of one run: one per GPU, or a single one."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist

from gdsweep.config import ResourceSettings
from gdsweep.errors import BadInput


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
    NCCL on CUDA, gloo on the CPU. Raises BadInput for `device: cuda` where there is none.
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
        dist.init_process_group("nccl" if cuda else "gloo", rank=rank, world_size=world)
    return Processes(rank, world, device)


def leave() -> None:
    """End the process group, if there is one."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
