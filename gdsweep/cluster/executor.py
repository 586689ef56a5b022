"""What a launch asks of whoever executes runs, and the choice of one."""

import pkgutil
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from gdsweep.cluster.trainer import TRAINER
from gdsweep.errors import BadInput
from gdsweep.plan.job import Job
from gdsweep.plan.memory import Card
from gdsweep.plan.plan import Plan, PlannedRun
from gdsweep.plan.request import Request
from gdsweep.plan.screen import say
from gdsweep.runs import Store

EXECUTORS = {
    "slurm": "gdsweep.cluster.slurm.executor:SlurmExecutor",
    "local": "gdsweep.cluster.local.executor:LocalExecutor",
}
"""Name, as `--cluster` has it, to class. Without `--cluster` the first that can be used here is."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to launch what was asked for."""

    dry_run: bool = False
    """Plan only; nothing is written."""
    jobs: int | None = None
    """Runs at once; None lets the machine's GPUs or cores decide."""
    yes: bool = False
    """Start without asking."""
    retry: bool = False
    """Start failed runs again."""
    cluster: str | None = None
    """Name of the executor; None is the first that can be used here."""
    profile: str | None = None
    """The cluster's profile, by name or file; None lets variable and host name decide."""
    max_running: int | None = None
    """Jobs of this launch that a scheduler may run at once."""
    avoid_bad_nodes: bool = False
    """With `retry`: not on nodes where runs failed for what may be the machine's fault."""
    forget_earlier: bool = False
    """Of the grids' runs, want only what these grids want, whatever earlier launches did."""
    prune: bool = False
    """Cancel jobs of runs that the grids no longer want."""


@dataclass
class Outcome:
    """What came of the runs that an executor was given."""

    submitted: dict[str, str] = field(default_factory=dict)
    """Runs whose jobs go on without the launch, with the jobs' ids."""
    calls: str = ""
    """How they were submitted, in words: `3 sbatch calls`."""
    left: dict[str, str] = field(default_factory=dict)
    """Runs that could not be submitted now, and why; a later launch may."""
    refused: dict[str, str] = field(default_factory=dict)
    """Runs that the executor will not take as they are, and why."""
    finished: list[str] = field(default_factory=list)
    """Runs that were delivered while the launch waited."""
    failed: dict[str, str] = field(default_factory=dict)
    """Runs that failed while it waited, with the log line that explains it."""
    bad_input: set[str] = field(default_factory=set)
    """Those that failed for something a person can put right (settings, data)."""
    blocked: dict[str, str] = field(default_factory=dict)
    """Runs that could not start, with the failed run they need."""
    signal: int | None = None
    """The signal that stopped the launch."""


class Executor(ABC):
    """Executes the runs of a plan: on this machine, or by handing them to a scheduler.

    A new one is a class with these four methods and a line in EXECUTORS; the others say what most
    executors would. What a run is and how it ends stands in its directory: the trainer's command
    (`trainer`, and the run directory behind it) does all the work, and an executor only decides
    where and when it runs. Run directories exist before `submit` is called.
    """

    def __init__(
        self, request: Request, options: Options, trainer: Sequence[str], because: str
    ) -> None:
        """Take what was asked for; `because` says in words why this executor was chosen."""
        self.request, self.options = request, options
        self.trainer, self.because = tuple(trainer), because

    @property
    def store(self) -> Store:
        """The store of the runs; an executor may have one of its own (`request.within`)."""
        return self.request.store

    @classmethod
    @abstractmethod
    def refusal(cls) -> str | None:
        """Why it cannot be used from this machine; None where it can."""

    @classmethod
    def demand(cls, options: Options) -> str | None:
        """What was named that only this executor has; None where any other would do."""
        return None

    @abstractmethod
    def jobs(self) -> Mapping[str, Job]:
        """Run to its job, of all that are pending or running. Reads only; raises BadInput."""

    @abstractmethod
    def submit(self, plan: Plan, runs: Sequence[PlannedRun], console: Console) -> Outcome:
        """Execute `runs`, parents first, or hand them over; called inside `alone`.

        A run may start once all its `waits` are on disk (`planning.not_there`). Raises BadInput.
        """

    @abstractmethod
    def cancel(self, runs: Collection[str]) -> Mapping[str, str]:
        """End the jobs of `runs`; run to job id of those that had one. Called inside `alone`."""

    def has_submitted(self) -> bool:
        """Whether it was ever given runs of this store; where it was not, nothing is written."""
        return bool(self.jobs())

    def last_jobs(self, runs: Collection[str]) -> Mapping[str, Job]:
        """Run to its last job, of those `runs` whose job ended and is remembered."""
        return {}

    def logs(self, run: str) -> Sequence[Path]:
        """Files in which a run's log may lie, the trainer's own first."""
        return [self.store.run(run).log]

    def todo(self, plan: Plan) -> list[PlannedRun]:
        """Runs that this launch has to see to: all that are to be trained and have no job."""
        runs = plan.todo(self.options.retry)
        return [run for run in runs if run.status not in ("queued", "running")]

    def place(self, runs: Sequence[PlannedRun]) -> str:
        """Where `runs` will be executed, in one line. Raises BadInput where that is impossible."""
        name = self.options.cluster or type(self).__name__
        return f"submitting to {name} ({self.because})"

    def at_once(self, runs: Sequence[PlannedRun]) -> int | None:
        """How many of `runs` can run at the same time; None where a scheduler decides."""
        return self.options.jobs or self.options.max_running

    def card(self, run: PlannedRun) -> Card | None:
        """The GPUs a run would compute on, where their memory is known."""
        return None

    def preview(self, plan: Plan, console: Console) -> None:  # noqa: B027 - nothing to add
        """Print what the plan alone does not say, such as the jobs it takes. Writes nothing."""

    def tend(self, plan: Plan, console: Console) -> None:  # noqa: B027 - nothing to do
        """Bring jobs of earlier launches into line with the plan; only say so in a dry run."""

    @contextmanager
    def alone(self) -> Iterator[Mapping[str, Job]]:
        """Keep other launches from submitting to the store; yields `jobs` as they are then."""
        yield self.jobs()

    def examine(self, console: Console) -> int:
        """Check what jobs need of the place (`--doctor`), finding by finding; the exit code."""
        raise BadInput(f"--doctor: nothing to check here ({self.because})")


def open_executor(request: Request, options: Options, trainer: Sequence[str] = TRAINER) -> Executor:
    """The executor that was asked for, else the first that can be used here. Raises BadInput.

    Where something was named that only one of them has, such as a cluster's profile, no other takes
    its place.
    """
    names = [options.cluster] if options.cluster else list(EXECUTORS)
    refusals: list[str] = []
    for name in names:
        if name not in EXECUTORS:
            raise BadInput(f"--cluster {name}: no such executor; there are {', '.join(EXECUTORS)}")
        kind: type[Executor] = pkgutil.resolve_name(EXECUTORS[name])
        refusal = kind.refusal()
        if refusal is None:
            because = "as asked" if options.cluster else "; ".join(refusals)
            return kind(request, options, trainer, because)
        demand = None if options.cluster else kind.demand(options)
        if demand is not None:
            raise BadInput(f"{demand}: {refusal}; --cluster local trains on this machine")
        refusals.append(refusal)
    raise BadInput(f"--cluster {names[0]}: {'; '.join(refusals)}")


def print_left(
    left: Mapping[str, str], console: Console, advice: str = "launch again later"
) -> None:
    """Print which runs were not submitted, by reason, and what to do about it."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for run, reason in left.items():
        by_reason[reason].append(run)
    for reason, names in by_reason.items():
        some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        runs = f"{len(names)} {'run' if len(names) == 1 else 'runs'} ({some})"
        line = "; ".join(filter(None, (f"not submitted: {runs}: {reason}", advice)))
        say(console, line)
