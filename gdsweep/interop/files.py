"""Any file of weights as tensors by name, read without running anything that is in it."""

import zipfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from gdsweep.errors import BadInput
from gdsweep.interop.safe_pickle import read_pickle
from gdsweep.model.wrapped_names import unwrapped

_TORCH_PICKLE = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # torch's files before they were zips
_INSIDE = ("model", "state_dict", "model_state", "blobs")


@dataclass(frozen=True)
class Content:
    """What a file holds."""

    tensors: dict[str, Tensor]
    """Tensors by name, on the CPU."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Everything beside the tensors, as it is in the file."""
    prefix: str = ""
    """What a wrapper had put before every name, and was left out; see `model.wrapped_names`."""

    @property
    def notes(self) -> list[str]:
        """What was done to the names."""
        return [f"every name began with {self.prefix} in the file"] if self.prefix else []


def read_file(path: Path) -> Content:
    """Read a .pth, .pt, .pkl or .safetensors file, whatever its suffix says.

    Raises:
        BadInput: no such file, not a file of weights, or one that wants code to be run.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(len(_TORCH_PICKLE))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
    if start[8:9] == b"{":
        tensors, prefix = unwrapped(_safetensors(path))
        return Content(tensors, prefix=prefix)
    if zipfile.is_zipfile(path) or start == _TORCH_PICKLE:
        tree = _torch(path)
    elif start[:1] in (b"\x80", b"}", b"(", b"c"):
        tree = read_pickle(path)
    else:
        raise BadInput(
            f"{path}: no file of weights; valid: .pth, .pt, .pkl, .safetensors, a transformers "
            "folder, a run directory"
        )
    if not isinstance(tree, dict):
        raise BadInput(f"{path}: holds a {type(tree).__name__}, no dictionary of weights")
    return _split(tree, path)


def _split(tree: dict[Any, Any], path: Path) -> Content:
    key = next((key for key in _INSIDE if isinstance(tree.get(key), Mapping)), None)
    state = tree if key is None else tree[key]
    tensors: dict[str, Tensor] = {}
    extra = {} if key is None else {k: v for k, v in tree.items() if k != key}
    for name, value in state.items():
        if isinstance(value, np.ndarray) and value.dtype != object:
            tensors[str(name)] = torch.from_numpy(np.array(value))  # a copy: it may be read-only
        elif isinstance(value, Tensor):
            tensors[str(name)] = value.detach()
        elif key is None:
            extra[str(name)] = value
        else:
            raise BadInput(f"{path}: {name} is a {type(value).__name__}, no tensor")
    tensors, prefix = unwrapped(tensors)
    return Content(tensors, extra, prefix)


def _torch(path: Path) -> Any:
    try:
        with _plain_numbers():
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen kinds, some many lines long
        text = " ".join(str(error).split())
        if "Unsupported global" in text or "weights_only" in text.lower():
            found = text.partition("GLOBAL ")[2].split(" ")[0] or "something that is no weight"
            raise BadInput(
                f"{path}: refused: it asks for {found}; valid are dictionaries of tensors"
            ) from None
        raise BadInput(f"{path}: not readable as weights ({text[:120]})") from None


def _plain_numbers() -> AbstractContextManager[Any]:
    # trainers leave a numpy score or two in their checkpoints
    scalar: Any = np.float32(1).__reduce__()[0]
    kinds = [type(np.dtype(kind)) for kind in ("f4", "f8", "i4", "i8", "?")]
    context: AbstractContextManager[Any] = torch.serialization.safe_globals(
        [np.dtype, scalar, (scalar, "numpy.core.multiarray.scalar"), *kinds]
    )
    return context


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (SafetensorError, OSError) as error:
        raise BadInput(f"{path}: not a whole safetensors file ({error})") from None
    return tensors
