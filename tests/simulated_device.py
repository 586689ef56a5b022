"""A device that is none: it computes on the CPU, and counts what would make the CPU wait for a GPU.

Tensors that are made on, or moved to, `DEVICE` are wrappers of CPU tensors that claim to lie there.
What a program does with them is what it would do with a GPU's: a content that is asked for has to
be copied back first. `meta` is the name under which PyTorch looks for no driver.

Counted as in CUDA: reading one number (`item`, `bool`, `float`), a copy to the CPU (`cpu`,
`tolist`), an operator whose result's size depends on the content (`nonzero`, `unique`, a boolean
mask as an index), and a copy from the CPU unless it is non-blocking from pinned memory.
"""

import contextlib
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("meta")
READS = {"_local_scalar_dense", "is_nonzero", "equal"}
SIZED_BY_CONTENT = {"nonzero", "unique_consecutive", "_unique2", "unique_dim", "masked_select"}
PACKAGE = "/gdsweep/"


class Simulated(torch.Tensor):
    """A CPU tensor, `held`, that claims to lie on `DEVICE`."""

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> "Simulated":
        return torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=DEVICE,
        )

    def __init__(self, held: torch.Tensor) -> None:
        self.held = held

    __torch_function__ = torch._C._disabled_torch_function_impl

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"Simulated({self.held!r})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise AssertionError(f"{func} outside of counting()")


class Counts(TorchDispatchMode):
    """Synchronisations by what asked for them; copies and operators without one, by kind."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()
        self.others: Counter[str] = Counter()
        self._pinned: dict[int, torch.Tensor] = {}

    def reset(self) -> None:
        self.waits.clear()
        self.others.clear()

    def wait(self, kind: str) -> None:
        """Count one, with the line of the package that it comes from."""
        lines = [f for f in traceback.extract_stack() if PACKAGE in f.filename]
        where = f" {Path(lines[-1].filename).name}:{lines[-1].lineno}" if lines else ""
        self.waits[kind + where] += 1

    def pin(self, tensor: torch.Tensor) -> torch.Tensor:
        """Remember a CPU tensor as pinned; held, so that no other has its address."""
        self._pinned[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = func.overloadpacket.__name__
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Simulated)]
        here = bool(given)
        pinned = kwargs.pop("pin_memory", None)
        if kwargs.get("device") is not None:
            there = torch.device(kwargs["device"]).type == DEVICE.type
            kwargs["device"] = torch.device("cpu")
            if name == "_to_copy" and here != there:
                self._copied(args[0], there, bool(kwargs.pop("non_blocking", False)))
            here = there
        elif name in ("copy_", "_copy_from") and len(args) > 1:
            source = args[1]
            if isinstance(source, torch.Tensor) and isinstance(source, Simulated) != isinstance(
                args[0], Simulated
            ):
                self._copied(source, isinstance(args[0], Simulated), False)
        elif given:
            self._looked_at(name, args)
        if here and "index" in name:  # an index from the CPU is copied to the device
            indices = args[1] if len(args) > 1 and isinstance(args[1], (list, tuple)) else ()
            for index in indices:
                if isinstance(index, torch.Tensor) and not isinstance(index, Simulated):
                    self._copied(index, True, False)
        self.others[name] += here
        out = func(*tree_map(held, args), **tree_map(held, kwargs))
        if pinned:
            return self.pin(out)
        if not here:
            return out
        same = {id(tensor.held): tensor for tensor in given}

        def claimed(value: Any) -> Any:
            if not isinstance(value, torch.Tensor):
                return value
            return same[id(value)] if id(value) in same else Simulated(value)

        return tree_map(claimed, out)

    def _copied(self, source: torch.Tensor, there: bool, non_blocking: bool) -> None:
        if not there:
            self.wait("to the CPU")
        elif not (non_blocking and source.untyped_storage().data_ptr() in self._pinned):
            self.wait("from unpinned memory")
        else:
            self.others["from pinned memory"] += 1

    def _looked_at(self, name: str, args: Any) -> None:
        if name in READS:
            self.wait("read")
        elif name in SIZED_BY_CONTENT:
            self.wait(name)
        elif name in ("index", "index_put_", "index_put", "_index_put_impl_"):
            masks = [i for i in args[1] if i is not None and i.dtype in (torch.bool, torch.uint8)]
            if masks:
                self.wait("boolean mask as index")


class _Python(TorchFunctionMode):
    """What PyTorch refuses subclasses, done as it is done with a GPU's tensors."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if args and isinstance(args[0], Simulated) and func is torch.Tensor.tolist:
            return args[0].cpu().tolist()
        kwargs = kwargs or {}
        device = kwargs.get("device")
        if func is torch.tensor and device is not None and torch.device(device) == DEVICE:
            return torch.tensor(*args, **{**kwargs, "device": "cpu"}).to(device)
        return func(*args, **kwargs)


def held(value: Any) -> Any:
    """The CPU tensor of a simulated one; anything else as it is."""
    return value.held if isinstance(value, Simulated) else value


@contextlib.contextmanager
def counting() -> Iterator[Counts]:
    """Compute on `DEVICE` inside; what waits is counted."""
    counts = Counts()
    autocast, generator = torch.autocast, torch.Generator

    def cpu_autocast(device_type: str, *args: Any, **kwargs: Any) -> Any:
        return autocast("cpu" if device_type == DEVICE.type else device_type, *args, **kwargs)

    def cpu_generator(device: Any = "cpu") -> Any:
        return generator("cpu")

    with (
        mock.patch.object(torch, "autocast", cpu_autocast),
        mock.patch.object(torch, "Generator", cpu_generator),
        mock.patch.object(torch.Tensor, "pin_memory", lambda tensor: counts.pin(tensor.clone())),
        _Python(),
        counts,
    ):
        yield counts
