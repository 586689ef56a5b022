"""Which operators a network computes with, and what is said of them."""

from dataclasses import dataclass

import torch

from gdsweep.model.attention import attention_operator
from gdsweep.model.deformable_attention import deformable_operator


@dataclass(frozen=True)
class Operators:
    """Names of operators; `auto` takes the fastest at hand, where and when it is called."""

    attention: str = "auto"
    """See `attention.attention_operator`."""
    deformable: str = "auto"
    """See `deformable_attention.deformable_operator`."""


AUTOMATIC = Operators()


def described(operators: Operators, device: torch.device, dtype: torch.dtype, width: int) -> str:
    """The operators that are used on `device`, in words.

    Args:
        operators: as the settings have them.
        device: of the network.
        dtype: of what is multiplied, that of autocast where it is on.
        width: channels of a head.

    Raises:
        BadInput: an operator that was asked for and cannot run.
    """
    probe = torch.empty(0, width, device=device, dtype=dtype)
    names = {
        "xformers": "xformers' memory-efficient",
        "sdpa": "PyTorch's scaled dot product",
        "triton": "Triton's kernels",
        "pytorch": "PyTorch's embedding_bag",
    }
    attention = attention_operator(operators.attention, probe)
    deformable = deformable_operator(operators.deformable, probe)
    return (
        f"attention by {names[attention]}, deformable attention by {names[deformable]}"
        f"{', deterministic' if torch.are_deterministic_algorithms_enabled() else ''}"
    )
