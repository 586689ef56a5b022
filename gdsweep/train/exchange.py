"""What the processes of a run tell each other in a step: one sum over them, read once."""

from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor

from gdsweep.model import to_device
from gdsweep.train.distributed import Processes


class Exchange:
    """Collects numbers, on the CPU or the device, until the processes meet.

    However many kinds of numbers there are, a meeting is one all-reduce, and the CPU waits for the
    device once. Every process has to put the same kinds and numbers of them before it meets.
    """

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._known: dict[str, Tensor] = {}  # on the CPU already
        self._computed: dict[str, Tensor] = {}  # on the device

    @property
    def costs_nothing(self) -> bool:
        """Whether a meeting makes nobody wait: one process on the CPU."""
        return self._processes.world == 1 and self._processes.device.type == "cpu"

    def put(self, name: str, values: Sequence[float] | Tensor) -> None:
        """Tell numbers at the next meeting, which sums them over the processes."""
        if isinstance(values, Tensor) and values.device.type != "cpu":
            self._computed[name] = values
        else:
            self._known[name] = torch.as_tensor(values, dtype=torch.float64)

    def put_share(self, name: str, share: Sequence[float] | Tensor, batch: int) -> None:
        """Tell something of each image of this process' share of a global batch.

        Args:
            name: as in `put`.
            share: [n, ...], of the places rank, rank + world, ... of the batch.
            batch: number of images of the global batch. The meeting gives [batch, ...].
        """
        rank, world = self._processes.rank, self._processes.world
        share = torch.as_tensor(share)
        if world > 1:
            own, share = share, share.new_zeros(batch, *share.shape[1:], dtype=torch.float64)
            share[rank::world] = own
        self.put(name, share)

    def meet(self) -> dict[str, Tensor]:
        """What all have put since they last met, summed: float64, on the CPU."""
        processes = self._processes
        known, computed = self._known, self._computed
        self._known, self._computed = {}, {}
        if processes.world == 1:
            return known | _read(computed)
        parts = known | computed
        flat = [part.flatten() for part in known.values()]
        moved = [to_device(torch.cat(flat), processes.device)] if flat else []
        total = torch.cat([*moved, *(part.flatten().double() for part in computed.values())])
        dist.all_reduce(total)
        return _parted(total.cpu(), parts)


def _read(computed: dict[str, Tensor]) -> dict[str, Tensor]:
    if not computed:
        return {}
    flat = torch.cat([part.flatten().double() for part in computed.values()])
    return _parted(flat.cpu(), computed)


def _parted(flat: Tensor, parts: dict[str, Tensor]) -> dict[str, Tensor]:
    split = flat.split([part.numel() for part in parts.values()])
    return {
        name: own.view(part.shape) for (name, part), own in zip(parts.items(), split, strict=True)
    }
