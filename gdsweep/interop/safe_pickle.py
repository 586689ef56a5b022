"""Plain pickles of tensors and arrays, read without running anything that is in them."""

import codecs
import collections
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from gdsweep.errors import BadInput


def _storage(content: bytes) -> Any:
    # a pickled tensor holds its storage as a file of torch's own, which could hold a pickle again
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


_ARRAY = np.arange(1).__reduce__()[0]  # numpy's maker of arrays, wherever this version keeps it
_BUFFER: Any = np.arange(1).__reduce_ex__(5)[0]
_SCALAR = np.float32(1).__reduce__()[0]
_ALLOWED: dict[tuple[str, str], Any] = {
    ("_codecs", "encode"): codecs.encode,
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("numpy", "dtype"): np.dtype,
    ("numpy", "ndarray"): np.ndarray,
    ("torch", "Size"): torch.Size,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch.storage", "_load_from_bytes"): _storage,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _ARRAY for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _SCALAR for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _BUFFER for core in ("core", "_core")},
}


class _Refused(Exception):  # noqa: N818
    """A pickle that wants more than weights."""


class _Restricted(pickle.Unpickler):
    """Knows how to make dictionaries, arrays and tensors, and nothing else."""

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] | None = _ALLOWED.get((module, name))
        if found is None:
            raise _Refused(f"it asks for {module}.{name}, which is no weight")
        return found


def read_pickle(path: Path) -> Any:
    """What a plain pickle holds: dictionaries, lists, numbers, strings, arrays and tensors.

    Strings of Python 2 are read as latin-1, as Caffe2's pickles need.

    Raises:
        BadInput: the file asks for anything else; nothing of it has run then.
    """
    with open(path, "rb") as file:
        return _read(file, path)


def _read(file: BinaryIO, path: Path) -> Any:
    try:
        return _Restricted(file, encoding="latin1").load()
    except _Refused as error:
        raise BadInput(
            f"{path}: refused: {_first_line(error)}; valid are dictionaries of arrays and tensors"
        ) from None
    except Exception as error:  # a damaged pickle raises whatever it likes
        raise BadInput(f"{path}: not a readable pickle ({_first_line(error)})") from None


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(" .")
