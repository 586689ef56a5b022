"""Size of a network and arithmetic of one image through it (Appendix B of the paper).

Counted once a run on tensors without content: nothing is computed, no memory is taken, no random
number is drawn, and the count is the same on every device.
"""

import logging
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gdsweep import atomic
from gdsweep.model import Network
from gdsweep.runs import Complexity, RunDir

log = logging.getLogger(__name__)


def record_complexity(run: RunDir, network: Network, size: tuple[int, int]) -> None:
    """Write `network.json` of a run that has none: parameters, and FLOPs at a height and width."""
    if not run.network.exists():
        atomic.write_text(run.network, complexity(network, size).model_dump_json(indent=1) + "\n")


def complexity(network: Network, size: tuple[int, int]) -> Complexity:
    """Parameters of a network and FLOPs of its forward pass on one image of `size`.

    FLOPs are those of matrix products, convolutions and attention, a multiply-add being two. Mask
    R-CNN's heads are counted with 1,000 proposals and 100 detections.
    """
    parameters = list(network.parameters())
    return Complexity(
        parameters=sum(p.numel() for p in parameters),
        trainable=sum(p.numel() for p in parameters if p.requires_grad),
        flops=_flops(network, size),
        size=size,
    )


def _flops(network: Network, size: tuple[int, int]) -> int | None:
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        return _count(network.countable(), size)
    except Exception as error:  # a network may ask its tensors for content; training goes on
        log.info("FLOPs not counted: %s", str(error).splitlines()[0])
        return None
    finally:
        for module, training in modes.items():
            module.training = training


def _count(network: nn.Module, size: tuple[int, int]) -> int:
    call: Callable[..., object] = torch.func.functional_call
    # "meta", whatever the device: attention is then products of matrices, all of which are counted
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        named = [*network.named_parameters(), *network.named_buffers()]
        empty = {name: torch.empty(value.shape, dtype=value.dtype) for name, value in named}
        call(network, empty, ([torch.empty(3, *size)],))
        return int(counter.get_total_flops())
