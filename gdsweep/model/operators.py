"""Which operators a network computes with, and what is said of them."""

from dataclasses import dataclass

import torch
from torch import Tensor

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


def described(operators: Operators, query: Tensor, deformable: bool) -> str:
    """The operators that are used, in words.

    Args:
        operators: as the settings have them.
        query: [..., d] of an attention layer, or a likeness without elements.
        deformable: whether the network has deformable attention too.

    Raises:
        BadInput: an operator that was asked for and cannot run.
    """
    names = {
        "xformers": "xformers' memory-efficient operator",
        "sdpa": "PyTorch's scaled dot product",
        "triton": "Triton's kernels",
        "pytorch": "PyTorch's embedding_bag",
    }
    words = f"attention by {names[attention_operator(operators.attention, query)]}"
    if deformable:
        sampling = deformable_operator(operators.deformable, query)
        words += f", deformable attention by {names[sampling]}"
    if query.is_cuda and torch.are_deterministic_algorithms_enabled():
        words += ", deterministic"
    return words
