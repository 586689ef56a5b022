"""A batch on its way to the device: one copy, beside what the device still computes."""

import contextlib
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from gdsweep.data import Instances, Sample


def mover(device: torch.device) -> Callable[[Sequence[Sample]], list[Sample]]:
    """A function that brings a batch to `device`; on the CPU it is there already.

    Everything of a batch (labels, masks, views) goes in one piece from pinned memory, on CUDA on a
    stream of its own: it overlaps with the step before, which the device has not finished when the
    CPU asks for the next batch. The samples' tensors are parts of that piece.
    """
    if device.type == "cpu":
        return list
    stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def move(samples: Sequence[Sample]) -> list[Sample]:
        if not samples:
            return []
        own = torch.cuda.stream(stream) if stream is not None else contextlib.nullcontext()
        packed = _packed(samples)
        with own:
            moved = packed.to(device, non_blocking=True)
        if stream is not None:
            now = torch.cuda.current_stream(device)
            now.wait_stream(stream)
            moved.record_stream(now)  # its memory is not used again before this one is through
        return _unpacked(moved, samples)

    return move


def _tensors(sample: Sample) -> list[Tensor | None]:
    # labels, of 8 bytes each, are packed first: their place has to be a multiple of that
    labels = masks = None
    if sample.targets is not None:
        labels, masks = sample.targets.labels, sample.targets.masks
    return [labels, masks, sample.weak, sample.strong]


def _packed(samples: Sequence[Sample]) -> Tensor:
    columns = zip(*map(_tensors, samples), strict=True)  # all labels, then all masks, ...
    pieces = [
        tensor.contiguous().flatten().view(torch.uint8)
        for column in columns
        for tensor in column
        if tensor is not None
    ]
    whole = torch.empty(sum(map(len, pieces)), dtype=torch.uint8, pin_memory=True)
    return torch.cat(pieces, out=whole)


def _unpacked(moved: Tensor, samples: Sequence[Sample]) -> list[Sample]:
    start = 0
    columns: list[list[Tensor | None]] = []
    for column in zip(*map(_tensors, samples), strict=True):
        columns.append([])
        for tensor in column:
            part = None
            if tensor is not None:
                size = tensor.numel() * tensor.element_size()
                part = moved[start : start + size].view(tensor.dtype).view(tensor.shape)
                start += size
            columns[-1].append(part)
    found = []
    for sample, labels, masks, weak, strong in zip(samples, *columns, strict=True):
        targets = None
        if labels is not None and masks is not None:
            targets = Instances(labels, masks)
        assert weak is not None
        found.append(Sample(sample.name, weak, strong, targets))
    return found
