"""The official Mask2Former's checkpoints and GuidedDistillation's, in and out."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from gdsweep import atomic
from gdsweep.errors import BadInput
from gdsweep.interop.mask2former_names import HEAD, RESNET, SWIN, VIT
from gdsweep.interop.names import Table
from gdsweep.interop.tensors import renamed

_MARK = "sem_seg_head."
_PREFIXES = {"student": "modelStudent.", "teacher": "modelTeacher."}


def is_mask2former(tensors: Mapping[str, Tensor]) -> bool:
    """Whether names are the official ones, whatever stands before them."""
    return any(_MARK + "predictor." in name for name in tensors)


def one_network(
    tensors: Mapping[str, Tensor], network: str | None, what: str
) -> tuple[dict[str, Tensor], dict[str, str], str | None]:
    """The tensors of one network under the official names of today.

    GuidedDistillation keeps teacher and student in one file, under `modelTeacher.` and
    `modelStudent.`; DistributedDataParallel puts `module.` before everything.

    Returns:
        the tensors, the names of the other network's with the reason, and which network it is
        (None for a file that has only one).

    Raises:
        BadInput: there is no such network.
    """
    plain = {re.sub(r"^(module\.)+", "", name): value for name, value in tensors.items()}
    present = {
        which: prefix
        for which, prefix in _PREFIXES.items()
        if any(name.startswith(prefix) for name in plain)
    }
    if not present:
        if network == "teacher":
            raise BadInput(f"{what}: it has one network only; leave --network out")
        return {_current(name): value for name, value in plain.items()}, {}, None
    wanted = network or ("student" if "student" in present else "teacher")
    if wanted not in present:
        raise BadInput(f"{what}: it has no {wanted}; it has: {', '.join(present)}")
    prefix = present[wanted]
    found, others = {}, {}
    for name, value in plain.items():
        if name.startswith(prefix):
            rest = re.sub(r"^(module\.)+", "", name.removeprefix(prefix))
            found[_current(rest)] = value
        elif name.startswith(tuple(present.values())):
            others[name] = f"the {'teacher' if wanted == 'student' else 'student'}'s"
        else:
            found[name] = value
    return found, others, wanted


def _current(name: str) -> str:
    # the first release had the pixel decoder's parts in the head itself, and static queries
    name = name.replace(".static_query.", ".query_feat.")
    if name.startswith(_MARK) and not re.match(r"sem_seg_head\.(predictor|pixel_decoder)\.", name):
        return name.replace(_MARK, _MARK + "pixel_decoder.", 1)
    return name


def table_of(names: Mapping[str, object]) -> Table:
    """The names' table; their backbone's names tell which (official names, or ours)."""
    if any(name.startswith(("backbone.patch_embed.", "backbone.net.layers_0.")) for name in names):
        return (*HEAD, *SWIN)
    if any(name.startswith(("backbone.model.", "backbone.adapters.")) for name in names):
        return (*HEAD, *VIT)
    return (*HEAD, *RESNET)


def write_mask2former(path: Path, weights: Mapping[str, Tensor], no_object: float) -> None:
    """Write our weights as a checkpoint of the official Mask2Former.

    Args:
        path: the file to make; detectron2 reads .pth as it should.
        weights: a complete state dict by our names.
        no_object: class weight of "no object" in the loss, a buffer of the official model.

    Raises:
        BadInput: another suffix, or a backbone without official counterpart.
    """
    if path.suffix != ".pth":
        raise BadInput(f"{path}: detectron2 tells files by their suffix; name it .pth")
    state = renamed(weights, table_of(weights), "the official Mask2Former")
    for name in [name for name in state if name.endswith(".relative_position_bias_table")]:
        index = _window_index((int(state[name].shape[0] ** 0.5) + 1) // 2)
        state[name.replace("_bias_table", "_index")] = index
    constant = torch.ones_like(state["sem_seg_head.predictor.class_embed.bias"])
    constant[-1] = no_object
    state["criterion.empty_weight"] = constant
    made: OrderedDict[str, Tensor] = OrderedDict(state)
    # without versions the official model takes it for its first release and renames everything
    made._metadata = _versions(state)  # type: ignore[attr-defined]
    with atomic.replacing(path) as temporary:
        torch.save({"model": made, "__author__": "gdsweep"}, temporary)


def _window_index(side: int) -> Tensor:
    """Row of Swin's bias table for each pair of a window's cells, [side^2, side^2]."""
    cells = torch.cartesian_prod(torch.arange(side), torch.arange(side))
    offsets = cells[:, None] - cells[None] + side - 1
    return offsets[..., 0] * (2 * side - 1) + offsets[..., 1]


def _versions(state: Mapping[str, Tensor]) -> dict[str, dict[str, int]]:
    modules = {""} | {
        ".".join(parts[:n]) for parts in (k.split(".") for k in state) for n in range(1, len(parts))
    }
    versions = {name: {"version": 1} for name in sorted(modules)}
    for name in ("sem_seg_head", "sem_seg_head.predictor"):
        versions[name] = {"version": 2}
    for name in modules:
        if name.startswith("backbone.") and name.endswith("norm"):
            versions[name] = {"version": 3}  # frozen statistics with the epsilon apart
    return versions
