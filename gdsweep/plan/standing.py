"""Where a cell without a score stands, told from the files of the runs it needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gdsweep.errors import BadInput
from gdsweep.grid.methods import Need
from gdsweep.runs import (
    Attempt,
    RunDir,
    RunState,
    Store,
    read_metrics,
    read_state,
)

CellStatus = Literal["done", "running", "interrupted", "new", "failed", "blocked", "damaged"]
"""`blocked`: a run it needs failed. `damaged`: a record of one of its runs cannot be read."""


@dataclass(frozen=True)
class Standing:
    """How far a cell is, and what holds it up."""

    status: CellStatus
    """In one word."""
    why: str
    """In one phrase; empty for a finished cell."""
    progress: float
    """Share of the iterations of all the runs it needs that is done, 0 to 1."""


def standing(chain: Sequence[Need], store: Store) -> Standing:
    """Where a cell stands whose score is not there. `chain`: what it needs, its own run last."""
    states: list[RunState] = []
    for need in chain:
        run = store.run(need.trajectory.name)
        try:
            states.append(read_state(run, need.wanted))
        except (BadInput, OSError) as error:
            return Standing("damaged", unreadable(error), 0.0)
    total = sum(need.wanted.stop - need.trajectory.start for need in chain)
    done = sum(_done(store, need, state) for need, state in zip(chain, states, strict=True))
    return _judge(store, chain, states, done / total if total else 0.0)


def _judge(
    store: Store, chain: Sequence[Need], states: list[RunState], progress: float
) -> Standing:
    names = [need.trajectory.name for need in chain]
    own, share = states[-1], f"{percent(progress)} %"
    if own.status == "running" and chain[-1].wanted.stop == 0:
        return Standing("running", "its weights are being scored", progress)
    if own.status == "running":
        return Standing("running", f"running {share}", progress)
    if own.status == "failed" and own.attempt is not None:
        return Standing("failed", f"failed: {failure(store.run(names[-1]), own.attempt)}", progress)
    earlier = [state.status for state in states[:-1]]
    if "failed" in earlier:
        return Standing("blocked", f"blocked by {names[earlier.index('failed')]}", progress)
    if "running" in earlier:
        where = names[earlier.index("running")]
        return Standing("running", f"running {share} (in {where})", progress)
    if "interrupted" in (own.status, *earlier):
        return Standing("interrupted", f"interrupted at {share}", progress)
    # what other cells have trained of it already is worth knowing
    trained = f", {share} trained" if progress else ""
    return Standing("new", f"missing{trained}", progress)


def _done(store: Store, need: Need, state: RunState) -> int:
    """Iterations of the needed part that are done; a running run's by its newest metrics line."""
    start, stop = need.trajectory.start, need.wanted.stop
    reached = state.iteration
    if state.status == "running":
        lines = read_metrics(store.run(need.trajectory.name).metrics)
        reached = max(reached, lines[-1]["iteration"] if lines else 0)
    return min(max(reached, start), stop) - start


def percent(share: float) -> int:
    """A share as whole percent; 100 only for all of it."""
    return int(100 * share + 1e-9)  # 0.29 is a little less than 29 / 100


def failure(run: RunDir, attempt: Attempt) -> str:
    """`runs/NAME/log.txt:123 message` of a failed attempt."""
    where = f"{run.path}/{attempt.log}" if attempt.log else str(run.log)
    return f"{where} {attempt.message or attempt.cause or 'no reason was recorded'}"


def unreadable(error: BadInput | OSError) -> str:
    """Why a record could not be read, the file first."""
    if isinstance(error, OSError):
        return f"{error.filename}: cannot be read ({error.strerror})"
    return str(error)
