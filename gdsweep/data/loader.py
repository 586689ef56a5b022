"""Endless batches at an exactly resumable position.

The sample at global position p = iteration * batch + k is a function of (seed, stream, p) alone: it
is the same from any number of workers, on any number of processes, after any restart. Nothing of a
loader needs to be saved.

Workers come from a fork server: forking a process that holds CUDA, NCCL and their threads can
deadlock (and warns from Python 3.12 on), spawning imports torch anew for each worker. The server
imports it once; the first worker of a process costs that one import. Small runs use `workers` 0.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from gdsweep.config import AugmentationSettings
from gdsweep.data import copy_paste
from gdsweep.data.augment import WeakView
from gdsweep.data.dataset import ImageDataset, Images
from gdsweep.data.instances import Instances
from gdsweep.data.sampler import Sampler, derived_seed
from gdsweep.data.strong_view import StrongView
from gdsweep.errors import BadInput

_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2}


@dataclass(frozen=True)
class Sample:
    """One image as a network sees it."""

    name: str
    """What to call the image in a message."""
    weak: Tensor
    """Weak view, uint8 [3, h, w]: the teacher's; of a labelled image, the one to train on."""
    strong: Tensor | None
    """The student's view of an unlabelled image, uint8 [3, h, w]; None of a labelled one."""
    targets: Instances | None
    """Targets on the weak view; None of an unlabelled image."""


class LabelledView:
    """A labelled image's weak view with its targets.

    With probability `copy_paste` objects of another image are pasted onto it, and with probability
    `labelled_strong` the colours are then the strong view's (neither ever, in the paper).

    Args:
        settings: the views'.
        labelled: indices of the images that have labels: the only ones to paste from.
    """

    def __init__(self, settings: AugmentationSettings, labelled: Sequence[int] = ()) -> None:
        self.weak, self.strong = WeakView(settings), StrongView(settings)
        self.share, self.paste = settings.labelled_strong, settings.copy_paste
        self.labelled = labelled if self.paste > 0 else ()

    def __call__(self, dataset: ImageDataset, index: int) -> Sample:
        """Read and augment one image."""
        image, targets = self.weak(dataset.image(index), dataset.instances(index))
        if self.paste > 0 and float(torch.rand(())) < self.paste:
            other = copy_paste.another(self.labelled, index)
            if other is not None:
                view, objects = self.weak(dataset.image(other), dataset.instances(other))
                assert targets is not None
                assert objects is not None
                objects = copy_paste.random_subset(objects)
                image, targets = copy_paste.paste(image, targets, view, objects)
        if self.share > 0 and float(torch.rand(())) < self.share:
            image = self.strong(image)
        return Sample(dataset.names[index], image, None, targets)


class UnlabelledView:
    """An unlabelled image's weak view for the teacher, and its strong view for the student."""

    def __init__(self, settings: AugmentationSettings) -> None:
        self.weak, self.strong = WeakView(settings), StrongView(settings)

    def __call__(self, dataset: Images, index: int) -> Sample:
        """Read and augment one image."""
        image = dataset.image(index)
        window = self.weak.window(image.shape[-2], image.shape[-1])
        weak, _ = self.weak(image, None, window)
        return Sample(dataset.names[index], weak, self.strong(weak, window.size), None)


def batches(
    dataset: Any,
    sampler: Sampler,
    view: Callable[[Any, int], Sample],
    *,
    batch: int,
    seed: int,
    stream: str,
    start_iteration: int = 0,
    rank: int = 0,
    world: int = 1,
    workers: int = 0,
) -> Generator[list[Sample], None, None]:
    """This process' share of each global batch, from `start_iteration` on, without end.

    Args:
        dataset: what `view` reads: ImageDataset for LabelledView, Images for UnlabelledView.
        sampler: which image is at each global position.
        view: makes a sample of an image; its randomness is torch's global CPU generator, which is
            seeded before and put back after, so that the caller's random numbers are not touched.
        batch: images per iteration over all processes.
        seed, stream: what the randomness of the views derives from, with the position.
        rank, world: rank r of w takes the places r, r + w, r + 2w, ... of each global batch; shares
            differ by one image where w does not divide the batch, and may be empty.
        workers: processes that load ahead; 0 loads when asked. They end with the iterator.

    Raises:
        BadInput: an image cannot be read; the line names it. It comes with that image's batch.
    """
    reader = _Reader(dataset, sampler, view, seed, stream)
    shares = _Shares(batch, start_iteration, rank, world)
    if workers == 0:
        for positions in shares:
            yield [_checked(reader[position]) for position in positions]
    for packed in _started(reader, shares, workers):
        yield _unpacked(*packed)


class _Reader(Dataset):
    """From global positions to samples."""

    def __init__(
        self,
        dataset: Any,
        sampler: Sampler,
        view: Callable[[Any, int], Sample],
        seed: int,
        stream: str,
    ) -> None:
        self.dataset, self.sampler, self.view = dataset, sampler, view
        self.seed, self.stream = seed, stream

    def __getitem__(self, position: int) -> Sample | BadInput:
        index = self.sampler.index_at(position)
        try:
            with torch.random.fork_rng(devices=[]):
                # not torch.manual_seed, which seeds every GPU's generator as well
                torch.default_generator.manual_seed(
                    derived_seed(self.seed, "view", self.stream, position)
                )
                return self.view(self.dataset, index)
        except BadInput as problem:
            return problem  # handed over as it is: DataLoader would add a traceback to its line
        except Exception as error:
            name = self.dataset.names[index]
            raise RuntimeError(f"{name}: {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class _Shares:
    """The global positions of one process, batch after batch."""

    batch: int
    start: int
    rank: int
    world: int

    def __iter__(self) -> Iterator[list[int]]:
        iteration = self.start
        while True:
            first = iteration * self.batch
            yield list(range(first + self.rank, first + self.batch, self.world))
            iteration += 1


def _checked(sample: Sample | BadInput) -> Sample:
    if isinstance(sample, BadInput):
        raise sample
    return sample


# ---- workers -------------------------------------------------------------------------------------


def _started(reader: _Reader, shares: _Shares, workers: int) -> Iterator[Any]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with warnings.catch_warnings(), _signals_blocked():
        # how many workers there are is the grid's choice
        warnings.filterwarnings("ignore", message="This DataLoader will create")
        loader: DataLoader = DataLoader(
            reader,
            batch_sampler=shares,
            num_workers=workers,
            collate_fn=_packed,
            multiprocessing_context=context,
            worker_init_fn=_obey_parent_only,
            generator=torch.Generator(),  # or it would draw a number from the global one
        )
        return iter(loader)


@contextlib.contextmanager
def _signals_blocked() -> Iterator[None]:
    """Block signals while processes are started, which inherit that; none is lost here.

    A scheduler signals all processes of a job. The trainer answers by saving its state, for which
    its workers, and the server they come from, have to live on.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        resource_tracker.ensure_running()  # the server's own helper, to be protected as well
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # it has unblocked two of them
        forkserver.ensure_running()
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _obey_parent_only(worker: int) -> None:
    """Let a worker end when its trainer says so or is gone, and at nobody else's signal."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        while parent.is_alive():
            received = signal.sigtimedwait([signal.SIGTERM], 1.0)
            if received is not None and received.si_pid == parent.pid:
                break
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


def _packed(samples: list[Sample | BadInput]) -> tuple[Tensor, list[Any]]:
    # all tensors of a batch in one piece of shared memory: each piece costs a file descriptor, and
    # a few workers with a hundred masks each would reach the usual limit of 1024
    pieces: list[Tensor] = []
    entries: list[Any] = []
    for sample in samples:
        if isinstance(sample, BadInput):
            entries.append(str(sample))
            continue
        masks = sample.targets.masks.view(torch.uint8) if sample.targets is not None else None
        parts = [sample.weak, sample.strong, masks]
        pieces += [part.flatten() for part in parts if part is not None]
        shapes = [None if part is None else tuple(part.shape) for part in parts]
        labels = None if sample.targets is None else sample.targets.labels.tolist()
        entries.append((sample.name, shapes, labels))
    return torch.cat(pieces) if pieces else torch.empty(0, dtype=torch.uint8), entries


def _unpacked(content: Tensor, entries: list[Any]) -> list[Sample]:
    samples = []
    start = 0
    for entry in entries:
        if isinstance(entry, str):
            raise BadInput(entry)
        name, shapes, labels = entry
        parts: list[Tensor | None] = []
        for shape in shapes:
            size = 0 if shape is None else int(torch.Size(shape).numel())
            parts.append(None if shape is None else content[start : start + size].view(shape))
            start += size
        weak, strong, masks = parts
        targets = None
        if masks is not None:
            targets = Instances(torch.tensor(labels, dtype=torch.long), masks.view(torch.bool))
        assert weak is not None
        samples.append(Sample(name, weak, strong, targets))
    return samples
