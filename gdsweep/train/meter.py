"""What an attempt takes besides time: peak memory, and energy where the GPUs report it."""

import contextlib
import resource
from collections.abc import Callable

import torch

from gdsweep.train.distributed import Processes

JOULES = 3.6e6
"""Joules of a kilowatt-hour."""


class Meter:
    """Reads from its making on; every reading is collective.

    Energy is the driver's counter (V100 and newer): of the whole GPU, so whatever else ran on it is
    in the number.
    """

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._joules = energy_counter(processes.device)
        self._begin = self._joules() if self._joules else 0.0

    def read(self) -> dict[str, float | None]:
        """`peak_memory` in bytes, of the process with the most; `energy_kwh` of all GPUs, or None.

        Memory is what torch has allocated on a GPU at once, or the resident memory of a process
        that computes on the CPU.
        """
        device = self._processes.device
        if device.type == "cuda":
            memory = torch.cuda.max_memory_allocated(device)
        else:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        used = self._joules() - self._begin if self._joules else None
        shares = self._processes.gather((memory, used))
        known = [joules for _, joules in shares if joules is not None]
        whole = len(known) == len(shares)  # a part of the GPUs would pass for all of them
        return {
            "peak_memory": max(share for share, _ in shares),
            "energy_kwh": sum(known) / JOULES if whole else None,
        }


def energy_counter(device: torch.device) -> Callable[[], float] | None:
    """A reader of the joules that a GPU has used since its driver was loaded; None without one."""
    if device.type != "cuda":
        return None
    # no driver's library, no such counter (an older GPU, a MIG slice): there is no number
    with contextlib.suppress(Exception):
        import pynvml

        pynvml.nvmlInit()
        uuid = torch.cuda.get_device_properties(device).uuid
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")

        def joules() -> float:
            return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000

        joules()
        return joules
    return None
