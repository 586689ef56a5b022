"""Where each cell of some grids stands: one answer for plan, status, tables and page."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from gdsweep.config import METRICS
from gdsweep.errors import BadInput
from gdsweep.grid import Graph
from gdsweep.grid.methods import Need
from gdsweep.plan.dataset_files import DataCheck
from gdsweep.plan.job import Job
from gdsweep.plan.progress import RunStatus, failure_line, iterations_left, run_status
from gdsweep.runs import Score, ScoreRef, Store, last_attempt, read_state, unbegun
from gdsweep.runs.records import read_record

CellStatus = Literal[
    "new",
    "queued",
    "running",
    "interrupted",
    "unmeasured",
    "failed",
    "blocked",
    "done",
    "damaged",
    "outdated",
]
"""`unmeasured`: scored, but not in every metric that its grid shows. `blocked`: a run it needs
failed. `damaged`: a record of one of its runs cannot be read. `outdated`: one of its runs was
trained on other data than the grid names now."""

CELL_STATUSES: tuple[CellStatus, ...] = get_args(CellStatus)


@dataclass(frozen=True)
class CellStanding:
    """How far one cell is, and what holds it up."""

    status: CellStatus
    """In one word."""
    why: str
    """In one phrase; empty for a finished cell."""
    done: int
    """Iterations trained of those it wants."""
    wanted: int
    """Iterations it wants: of each run up to its exit, however far the run goes for others."""
    seconds: float | None
    """Seconds of training left; None where the seconds of an iteration are not measured."""
    run: str
    """Run that works for it now or has failed it; else the run that answers it."""
    job: Job | None = None
    """Pending or running job of `run`."""
    score: Score | None = None
    """Its score, which may lack metrics that its grid shows; None where it is not scored."""

    @property
    def share(self) -> float:
        """Share of its iterations that is done, 0 to 1."""
        if self.wanted:
            return self.done / self.wanted
        return float(self.status == "done")


def cell_standings(
    graph: Graph,
    store: Store,
    jobs: Mapping[str, Job] | None = None,
    seconds: Mapping[str, float] | None = None,
    data: DataCheck | None = None,
    existing: Collection[str] | None = None,
) -> list[CellStanding]:
    """Where the cells of `graph` stand, in its order. Reads only; raises nothing.

    `jobs` are the pending and running jobs of runs, `seconds` their measured seconds of one
    iteration. Without `jobs` the files alone decide. `data` is a check that has begun already,
    `existing` what the store holds (see `Store.names`), if known: nothing is looked for of other
    runs.
    """
    reader = _Reader(store, jobs or {}, seconds or {}, data or DataCheck(store), existing)
    return [reader.standing(graph.needs[cell], ref) for cell, _, ref in graph.results]


def cell_standing(chain: Sequence[Need], ref: ScoreRef, store: Store) -> CellStanding:
    """Where one cell stands by the files alone. `chain`: what it needs, its own run last."""
    return _Reader(store, {}, {}, DataCheck(store), None).standing(chain, ref)


@dataclass(frozen=True)
class _Part:
    """One run's part in a cell."""

    run: str
    status: RunStatus
    """Against what the cell wants of it."""
    left: int
    wanted: int
    """Iterations the cell wants of it."""


@dataclass
class _Reader:
    store: Store
    jobs: Mapping[str, Job]
    seconds: Mapping[str, float]
    data: DataCheck
    existing: Collection[str] | None
    """Names in the store; None where nobody has looked."""
    parts: dict[tuple[str, str], _Part] = field(default_factory=dict)
    """Parts that several cells have in common, by run and by what they want of it."""

    def standing(self, chain: Sequence[Need], ref: ScoreRef) -> CellStanding:
        own = chain[-1].trajectory.name
        wanted = sum(_iterations(need) for need in chain)
        try:
            for need in filter(self._may_exist, chain):
                fault = self.data.fault(need.trajectory.config)
                if fault is not None:
                    name = need.trajectory.name
                    return CellStanding("outdated", fault, wanted, wanted, None, name)
            score = self._score(chain[-1], ref)
        except FileNotFoundError:
            score = None  # the usual hole: what it waits for is told below
        except (BadInput, OSError) as error:
            return CellStanding("damaged", unreadable(error), wanted, wanted, 0.0, own)
        if score is not None and not score.lacks(ref):
            return CellStanding("done", "", wanted, wanted, 0.0, own, score=score)
        # what is scored is trained: only its own run can still do something for it
        pending = chain if score is None else chain[-1:]
        try:
            standing = self._judge([self._part(need) for need in pending])
        except (BadInput, OSError) as error:
            return CellStanding("damaged", unreadable(error), 0, wanted, None, own)
        if score is None:
            return standing
        standing = replace(standing, done=wanted, wanted=wanted, seconds=0.0, score=score)
        if standing.status in ("queued", "running", "failed"):
            return standing
        metrics = " and ".join(METRICS[metric].words for metric in score.lacks(ref))
        return replace(standing, status="unmeasured", why=f"{metrics} not measured yet")

    def _may_exist(self, need: Need) -> bool:
        return self.existing is None or need.trajectory.name in self.existing

    def _score(self, need: Need, ref: ScoreRef) -> Score | None:
        if not self._may_exist(need):
            return None
        return read_record(self.store.run(need.trajectory.name).score(ref), Score)

    def _part(self, need: Need) -> _Part:
        name, wanted = need.trajectory.name, need.wanted
        key = (name, wanted.model_dump_json())
        if key not in self.parts:
            directory = self.store.run(name)
            state = read_state(directory, wanted) if self._may_exist(need) else unbegun(wanted)
            first = need.trajectory.start
            left = iterations_left(directory, state, wanted, first, wanted.stop)
            status = run_status(state, self.jobs.get(name))
            self.parts[key] = _Part(name, status, left, _iterations(need))
        return self.parts[key]

    def _judge(self, parts: Sequence[_Part]) -> CellStanding:
        wanted = sum(part.wanted for part in parts)
        done = sum(max(part.wanted - part.left, 0) for part in parts)
        status, part = _status(parts)
        left = [part for part in parts if part.left]
        measured = all(part.run in self.seconds for part in left)
        return CellStanding(
            status=status,
            why=self._why(status, part, parts, done / wanted if wanted else None),
            done=done,
            wanted=wanted,
            seconds=sum(p.left * self.seconds[p.run] for p in left) if measured else None,
            run=part.run,
            job=self.jobs.get(part.run) if status in ("queued", "running") else None,
        )

    def _why(
        self, status: CellStatus, part: _Part, parts: Sequence[_Part], share: float | None
    ) -> str:
        trained = f"{percent(share or 0.0)} %"
        if status == "failed":
            run = self.store.run(part.run)
            return f"failed: {failure_line(run, last_attempt(run))}"
        if status == "blocked":
            return f"blocked by {part.run}"
        if status == "running" and share is None:
            return "its weights are being scored"
        if status == "running":
            return f"running {trained}" + ("" if part is parts[-1] else f" (in {part.run})")
        if status == "interrupted":
            return f"interrupted at {trained}"
        # what other cells have trained of it already is worth knowing
        begun = f", {trained} trained" if share else ""
        return f"{'queued' if status == 'queued' else 'missing'}{begun}"


def _status(parts: Sequence[_Part]) -> tuple[CellStatus, _Part]:
    """A cell's status from those of its runs, its own last, and the run that decides it."""
    own = parts[-1]
    if own.status == "running" or own.status == "failed":
        return own.status, own
    deciding: dict[RunStatus, CellStatus] = {
        "failed": "blocked",
        "running": "running",
        "queued": "queued",
        "interrupted": "interrupted",
    }
    for of_run, of_cell in deciding.items():
        for part in parts:
            if part.status == of_run:
                return of_cell, part
    return "new", own


def _iterations(need: Need) -> int:
    return max(need.wanted.stop - need.trajectory.start, 0)


def percent(share: float) -> int:
    """A share as whole percent; 100 only for all of it."""
    return int(100 * share + 1e-9)  # 0.29 is a little less than 29 / 100


def unreadable(error: BadInput | OSError) -> str:
    """Why a record could not be read, the file first."""
    if isinstance(error, OSError):
        return f"{error.filename}: cannot be read ({error.strerror})"
    return str(error)
