"""How far one run is towards what somebody wants of it."""

from typing import Literal

from gdsweep.plan.cost import tail
from gdsweep.plan.job import Job
from gdsweep.runs import Attempt, RunDir, RunState, Wanted

RunStatus = Literal["new", "queued", "running", "interrupted", "failed", "done"]
"""What the files say, or a job where there is one: `queued` has not started."""


def run_status(state: RunState, job: Job | None) -> RunStatus:
    """Status of a run whose files say `state` and whose pending or running job is `job`."""
    if not state.missing:  # it may still be held: it trains on for somebody else
        return "done"
    if job is None:
        return state.status
    ending = state.attempt is not None and state.attempt.process.get("job") == job.id
    if state.status == "failed" and not job.pending and ending:
        return "failed"  # its job is about to end
    return "queued" if job.pending else "running"


def iterations_left(run: RunDir, state: RunState, wanted: Wanted, first: int, stop: int) -> int:
    """Iterations still to be trained for `wanted`, from the state that training would load.

    A milestone that was passed without being kept is trained again. `first` is the iteration the
    run begins at, `stop` the last one that `wanted` takes.
    """
    lacking = state.missing
    targets = [*lacking.milestones, *([stop] if lacking.stop or lacking.best else [])]
    if not targets:
        return 0
    states = run.states() if state.iteration else ()
    reached = max((at for at in states if at <= min(targets)), default=first)
    if state.status == "running":
        reached = max(reached, newest_iteration(run))
    return max(0, max(targets) - max(reached, first))


def newest_iteration(run: RunDir) -> int:
    """Iteration of the newest line of its metrics; 0 without one."""
    lines = tail(run.metrics, 4096)
    return max((int(line.get("iteration") or 0) for line in lines[-1:]), default=0)


def failure_line(run: RunDir, attempt: Attempt | None) -> str:
    """Log line that explains a failed run: `runs/NAME/log.txt:LINE: message`.

    `attempt` is None where the process died before it wrote a record.
    """
    if attempt is None or attempt.outcome != "failed":
        where, text = _last_line(run)
        return f"{where}: {text}"
    where = str(run.recorded(attempt.log)) if attempt.log else str(run.log)
    return f"{where}: {attempt.message or attempt.cause or 'no reason was recorded'}"


def _last_line(run: RunDir) -> tuple[str, str]:
    # a process that dies before it writes a record has still said something
    try:
        lines = run.log.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        lines = []
    speaking = [
        (number, line.strip())
        for number, line in enumerate(lines, 1)
        if any(map(str.isalnum, line))  # torchrun ends in a rule
    ]
    number, text = speaking[-1] if speaking else (1, "nothing was logged")
    return f"{run.log}:{number}", text
