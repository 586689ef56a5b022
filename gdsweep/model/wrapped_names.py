"""Names of tensors as wrappers of a network leave them in a file."""

from collections.abc import Mapping
from typing import TypeVar

PREFIXES = ("module.", "_orig_mod.", "model.")
"""DistributedDataParallel's and AveragedModel's, torch.compile's, and a training module's that
holds the network as `self.model`."""

_BESIDE = ("n_averaged", "criterion.", "loss.", "metric")
"""What such wrappers keep beside the network: counters, and constants of losses and metrics."""

T = TypeVar("T")


def unwrapped(tensors: Mapping[str, T]) -> tuple[dict[str, T], str]:
    """The network's tensors without their wrappers' prefixes, and the prefixes that were left out.

    The rule: a prefix is left out where every name has it, what a wrapper keeps beside the network
    apart; that goes with it. So `model.backbone.x`, `model.head.y` lose theirs, and names of which
    only some begin so, as in transformers' files, stay as they are.
    """
    given, left = dict(tensors), ""
    while True:
        inside = [name for name in given if not name.startswith(_BESIDE)]
        prefix = next((p for p in PREFIXES if all(n.startswith(p) for n in inside)), None)
        if prefix is None or not inside:
            return given, left
        given = {name.removeprefix(prefix): given[name] for name in inside}
        left += prefix
