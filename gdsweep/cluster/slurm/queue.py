"""What SLURM says of our jobs: one squeue, one sacct, however many runs there are.

An id is no identity: SLURM begins again at old ones when it loses its state, two clusters have the
same. A job is ours when its comment is our submission's id.
"""

import os
import pwd
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from gdsweep.cluster.slurm.commands import ask
from gdsweep.errors import BadInput
from gdsweep.plan.job import Job

OVER = frozenset(
    {
        "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL",
        "OUT_OF_MEMORY", "PREEMPTED", "REVOKED", "TIMEOUT",
    }
)  # fmt: skip
"""The states of a job that is over. Any other, known or not, is a job that lives."""


@dataclass(frozen=True)
class QueuedJob:
    """One job, or one element of an array, as SLURM has it."""

    id: str
    """`123` or `123_4`."""
    state: str
    """As squeue spells it: PENDING, RUNNING, ..."""
    comment: str = ""
    """The submission's id, and what a profile adds, where the job is ours."""
    nodes: str = ""
    """Node list; empty before it starts."""
    reason: str = ""
    """Why it is pending."""

    @property
    def base(self) -> str:
        """Its id as sbatch told it: of an array, the array's."""
        return self.id.partition("_")[0]

    @property
    def submission(self) -> str:
        """Id of the submission it belongs to, if it is ours."""
        return self.comment.strip("'\"").partition(" ")[0]

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


def user_name() -> str:
    """Who we are to SLURM: the process's user, whatever LOGNAME and USER say."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def queue(users: Iterable[str] = ()) -> dict[str, QueuedJob]:
    """All jobs of ours and of the named users by id, those that ended lately included.

    One squeue. Users that this machine does not know any more are left out.
    """
    who = ",".join(sorted({user_name(), *filter(_is_known, users)}))
    command = ["squeue", "-h", "-r", "--states=all", "-u", who, "-o", "%i|%T|%k|%N|%r"]
    return {job.id: job for job in _read(ask(command))}


def _read(text: str) -> Iterator[QueuedJob]:
    for line in text.splitlines():
        parts = [part.strip() for part in line.split("|", 4)]
        if len(parts) == 5:
            yield QueuedJob(*parts)


def _is_known(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def history(jobs: Mapping[str, str], since: float) -> dict[str, QueuedJob]:
    """Ended jobs as accounting remembers them, in one sacct; empty without accounting.

    `jobs` are ids with the submission each belongs to, which is a part of the job's name: another
    job of the same id is none of ours.
    """
    if not jobs or shutil.which("sacct") is None:
        return {}
    start = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(max(0.0, since - 60)))
    arrays = ",".join(sorted({job.partition("_")[0] for job in jobs}))
    columns = "JobID,State,NodeList,JobName"
    command = ["sacct", "-X", "-P", "-n", "-S", start, "-j", arrays, "-o", columns]
    try:
        text = ask(command, patience=30)
    except BadInput:
        return {}  # accounting is off, or away: the files still tell
    found = {}
    for line in text.splitlines():
        name, state, nodes, title = (line.split("|", 3) + [""] * 4)[:4]
        if state and name in jobs and title.endswith(f".{jobs[name]}"):
            found[name] = QueuedJob(name, state.split()[0], nodes=nodes)  # "CANCELLED by 1000"
    return found


def cancel(jobs: Sequence[str]) -> None:
    """Cancel jobs, a few hundred a call. Whoever calls has seen whose they are."""
    for start in range(0, len(jobs), 400):
        ask(["scancel", *jobs[start : start + 400]])


@dataclass(frozen=True)
class ClusterFacts:
    """What `scontrol show config` says of a cluster."""

    name: str | None = None
    """Its name; None where SLURM does not say."""
    max_array_size: int = 1001
    """Elements an array may have; SLURM's own default where it does not say."""


def cluster_facts() -> ClusterFacts:
    """Ask the controller what cluster this is."""
    text = ask(["scontrol", "show", "config"])
    told = dict(re.findall(r"^(\w+)\s*=\s*(\S+)", text, re.MULTILINE))
    size = told.get("MaxArraySize", "")
    return ClusterFacts(
        told.get("ClusterName"), int(size) if size.isdecimal() else ClusterFacts.max_array_size
    )


def expand_nodes(nodes: str) -> list[str]:
    """`rack[0-1]n[1-2],m1` as single names, in SLURM's order."""
    names: list[str] = []
    for word in re.findall(r"(?:[^,\[\]]|\[[^\]]*\])+", nodes):
        parts = [
            _range(part[1:-1]) if part.startswith("[") else [part]
            for part in re.findall(r"\[[^\]]*\]|[^\[\]]+", word)
        ]
        names += ["".join(choice) for choice in product(*parts)]
    return names


def _range(group: str) -> list[str]:
    found = []
    for part in group.split(","):
        low, _, high = part.partition("-")
        if low.isdecimal() and high.isdecimal():
            found += [f"{number:0{len(low)}d}" for number in range(int(low), int(high) + 1)]
        else:
            found.append(part)
    return found


def own_job() -> str | None:
    """The job this process runs in, as squeue names it; None outside SLURM."""
    if "SLURM_ARRAY_JOB_ID" in os.environ:
        return f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
    return os.environ.get("SLURM_JOB_ID")
