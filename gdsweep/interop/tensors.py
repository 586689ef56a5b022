"""Tensors of a file under our names, and ours under its: none is lost without a word."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor

from gdsweep.errors import BadInput
from gdsweep.interop.names import Table, names_of

SAME_NAMES: Table = (("*", "*"),)
"""The names as they are."""
COUNTERS = (("*.num_batches_tracked", "no part of what is computed"),)
"""What may be left of a file with our names."""
DERIVED = re.compile(r"(num_batches_tracked|relative_position_index|attn_mask)$")
"""Buffers of ours that follow from the architecture; files have them or not."""


@dataclass(frozen=True)
class FoundTensors:
    """What became of a file's tensors."""

    weights: dict[str, Tensor]
    """Ours by our names, complete."""
    dropped: dict[str, str]
    """Names in the file that were left, and why."""


def find_tensors(
    own: Mapping[str, Tensor],
    given: Mapping[str, Tensor],
    table: Table,
    droppable: Sequence[tuple[str, str]],
    what: str,
) -> FoundTensors:
    """Find each of our tensors in a file.

    Args:
        own: a state dict of the network (on any device, the meta device too), for its shapes.
        given: the file's tensors.
        table: from our names to the file's.
        droppable: patterns of the file's names that may be left, with the reason.
        what: the file, for messages.

    Raises:
        BadInput: a tensor is missing, has another shape, or is neither known nor droppable.
    """
    weights: dict[str, Tensor] = {}
    missing, reshaped = [], []
    used: set[str] = set()
    for name, mine in own.items():
        theirs = names_of(name, table)
        if not theirs or not all(part in given for part in theirs):
            if DERIVED.search(name):
                if not mine.is_meta:
                    weights[name] = mine
            else:
                missing.append(theirs[0] if theirs else name)
            continue
        used.update(theirs)
        value = given[theirs[0]] if len(theirs) == 1 else torch.cat([given[t] for t in theirs])
        if value.shape != mine.shape:
            reshaped.append(f"{theirs[0]} {list(value.shape)} instead of {list(mine.shape)}")
        weights[name] = value.to(mine.dtype)
    dropped, unknown = _left(given.keys() - used, droppable)
    problems = [
        ("it lacks", missing),
        ("it has other shapes:", reshaped),
        ("it also has", unknown),
    ]
    wrong = [f"{verb} {names[0]}{_more(names)}" for verb, names in problems if names]
    if wrong:
        raise BadInput(f"{what} does not fit: {'; '.join(wrong)}")
    return FoundTensors(weights, dropped)


def _left(
    names: set[str], droppable: Sequence[tuple[str, str]]
) -> tuple[dict[str, str], list[str]]:
    dropped: dict[str, str] = {}
    unknown = []
    for name in sorted(names):
        reason = next((why for pattern, why in droppable if fnmatchcase(name, pattern)), None)
        if reason is None:
            unknown.append(name)
        else:
            dropped[name] = reason
    return dropped, unknown


def _more(names: list[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""


def renamed(weights: Mapping[str, Tensor], table: Table, what: str) -> dict[str, Tensor]:
    """Our tensors under their names. Raises BadInput for one that they have no place for."""
    state: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        theirs = names_of(name, table)
        if not theirs:
            if DERIVED.search(name):
                continue
            raise BadInput(f"{what} has no place for {name}")
        parts = (tensor,) if len(theirs) == 1 else tensor.chunk(len(theirs))
        for part, value in zip(theirs, parts, strict=True):
            state[part] = value.contiguous()
    return state
