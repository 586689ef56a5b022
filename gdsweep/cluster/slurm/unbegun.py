"""Jobs that ended before the trainer began: a setup line, a missing module, a Python that is not
there. Nobody but their output file can tell."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from gdsweep import atomic
from gdsweep.cluster.slurm.ledger import Ledger, Submission, latest, queued_job
from gdsweep.cluster.slurm.queue import QueuedJob
from gdsweep.errors import BadInput
from gdsweep.runs import Attempt, RunDir, Store, last_attempt

TAKEN_AWAY = frozenset({"CANCELLED", "PREEMPTED", "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "REVOKED"})
"""States of a job that did not end by itself."""

CAUSE = "setup"
"""Of the attempts recorded here."""


def output_file(folder: Path, job: str) -> Path:
    """What a job's script printed, in its submission's folder."""
    return folder / f"{job}_0_log.out"


def begun_file(folder: Path, job: str) -> Path:
    """Made by a job as soon as Python runs, and removed by its script before."""
    return folder / f"{job}_begun"


def record_unbegun(
    store: Store, submissions: Iterable[Submission], queued: Mapping[str, QueuedJob]
) -> list[str]:
    """Record a failed attempt of every run whose last job ended before its trainer began.

    Such a run waits for `--retry` like any that failed. Returns the runs.
    """
    ledger = Ledger(Store(store.root.resolve()))
    found = []
    for run, submission in latest(submissions).items():
        job = submission.job_of(run)
        if job is None:
            continue
        known = queued_job(submission, run, queued)
        if known is not None and (known.alive or known.state in TAKEN_AWAY):
            continue
        folder = ledger.folder(submission.id)
        directory = store.run(run)
        output = output_file(folder, job)
        if begun_file(folder, job).exists() or not output.exists() or directory.done.exists():
            continue
        if known is None and not _ended_by_itself(output):
            continue
        if _is_ours(folder) and _record(directory, job, output, known):
            found.append(run)
    return found


def _is_ours(folder: Path) -> bool:
    """Whether a submission's script tells when Python begins; those of former versions did not."""
    try:
        return "_begun" in (folder / "job.sh").read_text(encoding="utf-8")
    except OSError:
        return False


def _ended_by_itself(output: Path) -> bool:
    """Whether the output of a job that SLURM has forgotten says more than that it was cancelled."""
    text = output.read_text(encoding="utf-8", errors="replace")
    return bool(text.strip()) and "CANCELLED AT" not in text


def _record(run: RunDir, job: str, output: Path, known: QueuedJob | None) -> bool:
    try:
        last = last_attempt(run)
    except BadInput:
        return False  # the plan says what is damaged
    if not run.exists() or (last is not None and last.process.get("job") == job):
        return False
    number, line = _telling_line(output)
    ended = output.stat().st_mtime
    attempt = Attempt(
        number=last.number + 1 if last else 1,
        started=ended,
        ended=ended,
        outcome="failed",
        cause=CAUSE,
        message=f"the job ended before the trainer began: {line}",
        log=f"{output}:{number}",
        process={"job": job, "nodes": known.nodes if known else ""},
    )
    atomic.write_json(run.attempt(attempt.number), attempt.model_dump(mode="json"))
    return True


def _telling_line(output: Path) -> tuple[int, str]:
    """The last line that SLURM itself did not add, and its number."""
    lines = output.read_text(encoding="utf-8", errors="replace").splitlines()
    told = [(n, line.strip()) for n, line in enumerate(lines, 1) if any(map(str.isalnum, line))]
    own = [entry for entry in told if not entry[1].startswith(("srun:", "slurmstepd:"))]
    return (own or told or [(1, "nothing was printed")])[-1]
