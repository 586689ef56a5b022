"""What a training step keeps in memory for each image: `gdsweep/presets/memory.yaml`.

    python benchmarks/memory.py > gdsweep/presets/memory.yaml

Counted, not measured: a forward pass on tensors without content (FakeTensorMode) under bfloat16
autocast, every tensor that autograd keeps counted once, parameters apart; likewise with activation
checkpointing. The criterion, workspaces of kernels and fragmentation are not in it; `plan.memory`
adds a margin. Takes a minute and a half on one core.
"""

import contextlib
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.grid.names import backbone_names
from gdsweep.grid.presets import backbone
from gdsweep.model import Network, build_network

CROPS = {"mask2former": ((1024, 1024), (512, 1024)), "eomt": ((640, 640), (1024, 1024))}
HEADER = """\
# GiB that a training step keeps for each image forwarded together, by network, timm's backbone and
# crop (height x width); the second number is with resources.activation_checkpointing. Parameters
# in millions. Counted by `python benchmarks/memory.py`, not measured on a GPU; see there.
"""


def main() -> None:
    torch.set_num_threads(1)
    print(HEADER, end="")
    for architecture, crops in CROPS.items():
        print(f"{architecture}:")
        names = {backbone(name).timm.partition(".")[0] for name in backbone_names()}
        for name in sorted(names):
            row = measured(architecture, name, crops)
            if row is not None:
                print(row, flush=True)


def measured(architecture: str, name: str, crops: tuple[tuple[int, int], ...]) -> str | None:
    """One line of the table; None where the network does not take the backbone."""
    settings = ModelSettings.model_validate(
        {"architecture": architecture, "backbone": name, "weights": "random"}
    )
    try:
        network = build_network(settings, 80).train()
    except BadInput:
        return None
    parameters = sum(parameter.numel() for parameter in network.parameters()) / 1e6
    plain = {crop: kept(network, crop) for crop in crops}
    frugal: dict[tuple[int, int], float] = {}
    with contextlib.suppress(BadInput):  # batch normalisation: the plain number stands alone
        network.checkpoint_activations()
        frugal = {crop: kept(network, crop) for crop in crops}
    entries = ", ".join(
        f"{h}x{w}: [{plain[h, w]:.2f}" + (f", {frugal[h, w]:.2f}]" if frugal else "]")
        for h, w in crops
    )
    return f"  {name}: {{parameters: {parameters:.1f}, {entries}}}"


def kept(network: Network, crop: tuple[int, int]) -> float:
    """GiB that autograd keeps of a forward pass on one image."""
    with FakeTensorMode():
        named: dict[str, Any] = {
            key: torch.empty(value.shape, dtype=value.dtype)
            for key, value in [*network.named_parameters(), *network.named_buffers()]
        }
        for key, value in network.named_parameters():
            named[key].requires_grad_(value.requires_grad)
        weights = {id(tensor.untyped_storage()) for tensor in named.values()}
        found: dict[int, tuple[Any, int]] = {}

        def count(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            if id(storage) not in weights:
                found[id(storage)] = (storage, storage.nbytes())  # held, so that no id is reused
            return tensor

        with (
            torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor),
            torch.autocast("cpu", torch.bfloat16),
        ):
            torch.func.functional_call(network, named, ([torch.empty(3, *crop)], [None]))
    return sum(size for _, size in found.values()) / 2**30


if __name__ == "__main__":
    main()
