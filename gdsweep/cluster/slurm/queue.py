"""What SLURM says of our jobs: one squeue, one sacct, however many runs there are."""

import getpass
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gdsweep.errors import BadInput
from gdsweep.plan.job import Job

OVER = frozenset(
    {
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL",
        "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT",
    }
)  # fmt: skip
"""The states of a job that is over. Any other, known or not, is a job that lives."""

TRANSIENT = (
    "Socket timed out", "Unable to contact slurm controller", "Resource temporarily unavailable",
    "Zero Bytes were transmitted", "Connection refused", "Connection reset", "Connection timed out",
    "Slurm backup controller in standby mode", "error receiving", "Transport endpoint",
    "Rate limit", "Unable to confirm allocation", "Communication connection failure",
    "Invalid authentication credential", "Slurm temporarily unable to accept job",
)  # fmt: skip
"""What SLURM's commands say when it is worth asking again."""

FULL = ("MaxSubmitJob", "AssocMaxSubmit", "Job violates accounting/QOS policy", "MaxJobCount")
"""What sbatch says when one may not have more jobs."""

TRIES = 7
"""Attempts at a command that SLURM could not answer; they wait 1, 2, 4, ... seconds."""


@dataclass(frozen=True)
class QueuedJob:
    """One job, or one element of an array, as SLURM has it."""

    id: str
    """`123` or `123_4`."""
    state: str
    """As squeue spells it: PENDING, RUNNING, ..."""
    comment: str = ""
    """The submission's id."""
    nodes: str = ""
    """Node list; empty before it starts."""
    reason: str = ""
    """Why it is pending."""

    @property
    def alive(self) -> bool:
        """Whether it may still run; unknown states do."""
        return self.state not in OVER

    @property
    def never(self) -> bool:
        """Whether it waits for something that will not happen."""
        return self.reason == "DependencyNeverSatisfied"

    def job(self) -> Job:
        """The same in a plan's words."""
        if self.state in OVER:
            return Job(self.id, "ended", self.state, self.nodes)
        if self.state == "PENDING" and self.reason.startswith("Dependency"):
            return Job(self.id, "waiting", nodes=self.nodes)
        if self.state == "PENDING":
            usual = self.reason in ("", "None", "Priority")
            return Job(self.id, "queued", "" if usual else self.reason, self.nodes)
        usual = self.state in ("RUNNING", "COMPLETING")
        return Job(self.id, "running", "" if usual else self.state, self.nodes)


def available() -> bool:
    """Whether this machine can submit to a SLURM."""
    return shutil.which("sbatch") is not None


def configured() -> bool:
    """Whether the SLURM on the PATH belongs to a cluster: its commands come without one, too."""
    done = subprocess.run(["scontrol", "ping"], capture_output=True, text=True, timeout=120)
    return "configuration source" not in done.stderr


def ask(command: Sequence[str], tries: int = TRIES) -> str:
    """Output of one of SLURM's commands, asked again while SLURM is away. Raises BadInput."""
    for attempt in range(tries):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)
            if done.returncode == 0:
                return done.stdout
            said = " ".join(done.stderr.split())
        except FileNotFoundError:
            raise BadInput(f"{command[0]}: not on the PATH; is this a SLURM login node?") from None
        except subprocess.TimeoutExpired:
            said = "Socket timed out"
        if not is_transient(said) or attempt + 1 == tries:
            raise BadInput(f"{command[0]}: {said or f'exit code {done.returncode}'}")
        time.sleep(min(2**attempt, 30))
    raise AssertionError("not reached")


def is_transient(said: str) -> bool:
    """Whether an error message of SLURM's is of the kind that passes."""
    return any(words.lower() in said.lower() for words in TRANSIENT)


def is_full(said: str) -> bool:
    """Whether an error message says that no more jobs are accepted."""
    return any(words in said for words in FULL)


def queue(users: Iterable[str] = ()) -> dict[str, QueuedJob]:
    """All jobs of the users (default: ours) by id, those that ended lately included. One squeue."""
    who = ",".join(sorted({getpass.getuser(), *users}))
    text = ask(["squeue", "-h", "-r", "--states=all", "-u", who, "-o", "%i|%T|%k|%N|%r"])
    jobs = {}
    for line in text.splitlines():
        parts = line.split("|", 4)
        if len(parts) == 5:
            job = QueuedJob(parts[0], *(part.strip() for part in parts[1:]))
            jobs[job.id] = job
    return jobs


def history(jobs: Sequence[str], since: float) -> dict[str, QueuedJob]:
    """Ended jobs as accounting remembers them, in one sacct; empty without accounting."""
    if not jobs or shutil.which("sacct") is None:
        return {}
    start = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(since - 60))
    arrays = ",".join(sorted({job.partition("_")[0] for job in jobs}))
    command = ["sacct", "-X", "-P", "-n", "-S", start, "-j", arrays, "-o", "JobID,State,NodeList"]
    try:
        text = ask(command, tries=1)
    except BadInput:
        return {}  # accounting is off, or away: the files still tell
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition("|")
        state, _, nodes = rest.partition("|")
        if state:  # "CANCELLED by 1000"
            found[name] = QueuedJob(name, state.split()[0], nodes=nodes)
    return found


def cancel(jobs: Sequence[str]) -> None:
    """Cancel jobs, a few hundred a call."""
    for start in range(0, len(jobs), 400):
        ask(["scancel", *jobs[start : start + 400]])


def max_array_size() -> int:
    """Elements an array may have; SLURM's own default where it does not say."""
    text = ask(["scontrol", "show", "config"])
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 1001


def expand_nodes(nodes: str) -> list[str]:
    """`n[1-2,7],m1` as single names."""
    names: list[str] = []
    for prefix, group in re.findall(r"([^,\[\]]+)(?:\[([^\]]*)\])?", nodes):
        for part in group.split(",") if group else [""]:
            low, _, high = part.partition("-")
            if high:
                names += [f"{prefix}{n:0{len(low)}d}" for n in range(int(low), int(high) + 1)]
            else:
                names.append(f"{prefix}{part}")
    return names


def own_job() -> str | None:
    """The job this process runs in, as squeue names it; None outside SLURM."""
    if "SLURM_ARRAY_JOB_ID" in os.environ:
        return f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    return os.environ.get("SLURM_JOB_ID")
