"""One attempt at one run: lock, processes, record, trainer."""

import contextlib
from collections.abc import Callable, Iterator

import torch

from gdsweep import atomic
from gdsweep.config import RunConfig
from gdsweep.runs import RunDir, lock, missing, read_wanted
from gdsweep.runs.causes import disk_failed, out_of_memory
from gdsweep.train.attempt import Log, Stopped
from gdsweep.train.distributed import Processes, join, leave
from gdsweep.train.rescoring import only_measured
from gdsweep.train.trainer import Trainer


def execute(run: RunDir, config: RunConfig, should_stop: Callable[[], bool]) -> bool:
    """Advance a run until nothing wanted is missing; False if a signal stopped it before.

    Raises:
        Held: another process holds the run.
        BadInput, TrainingFailed: one line for a person.
    """
    processes = join(config.settings.resources)
    try:
        with _plain_errors(run), _alone(run, processes):
            attempt = Log(run, processes) if processes.first else None
            try:
                with attempt.closing() if attempt else contextlib.nullcontext(), _plain_errors(run):
                    if not processes.from_first(processes.first and only_measured(run, config)):
                        Trainer(run, config, processes, attempt, should_stop).deliver()
                delivered = True
            except Stopped:
                delivered = False
            wanted = read_wanted(run)
            if delivered and processes.first and not missing(run, wanted):
                atomic.write_text(run.done, wanted.model_dump_json(indent=1) + "\n")
            processes.wait()  # torchrun ends the others as soon as one has left
        return delivered
    finally:
        leave()


@contextlib.contextmanager
def _alone(run: RunDir, processes: Processes) -> Iterator[None]:
    """Hold the run's lock in the first process; everybody leaves when it is held elsewhere."""
    with contextlib.ExitStack() as stack:
        held = False
        if processes.first:
            try:
                stack.enter_context(lock.hold(run.lock))
            except lock.Held:
                held = True
        if processes.from_first(held):
            raise lock.Held(str(run.path))
        if processes.first:
            for folder in run.folders:
                atomic.sweep(folder)
        yield


@contextlib.contextmanager
def _plain_errors(run: RunDir) -> Iterator[None]:
    """Turn what the machine refuses, memory and disk, into one line; a bug keeps its traceback."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise out_of_memory(error) from error
    except OSError as error:
        raise disk_failed(error.filename or run.path, error.strerror or str(error)) from error
