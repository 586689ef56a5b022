"""What jobs need of a cluster, tried out: `launch.py --doctor`."""

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from gdsweep.cluster.slurm import queue as slurm_queue
from gdsweep.cluster.slurm.commands import ask, run
from gdsweep.cluster.slurm.ledger import new_id
from gdsweep.cluster.slurm.profile import Profile
from gdsweep.cluster.slurm.queue import QueuedJob
from gdsweep.cluster.slurm.submit import Full, Lost, submit
from gdsweep.errors import DONE, FAILED, BadInput
from gdsweep.runs import Store

ASK_PERIOD = 10.0
"""Seconds between two questions whether the job still lives."""
START = 600.0
"""Seconds a test job may wait for its start."""
Tell = Callable[[str, bool | None, str], None]
"""Tells one finding: what was checked, how it is (None: not known, no obstacle), in words."""
REQUEUE = 300.0
"""Seconds until a requeued job must run again; SLURM holds it back for two minutes by default."""


@dataclass
class Finding:
    """One thing that was checked."""

    what: str
    good: bool | None
    """None: not known, and no obstacle."""
    said: str

    def text(self) -> Text:
        """One line."""
        mark, style = {True: ("ok  ", "green"), False: ("bad ", "red"), None: ("-   ", "yellow")}[
            self.good
        ]
        return Text.assemble((mark, style), f"{self.what}: {self.said}")


def examine(profile: Profile, store: Store, console: Console) -> int:
    """Check everything, telling each finding at once; exit code 1 if something is amiss."""
    findings: list[Finding] = []

    def tell(what: str, good: bool | None, said: str) -> None:
        findings.append(Finding(what, good, said))
        console.print(findings[-1].text(), soft_wrap=True)

    version = ask(["sbatch", "--version"], patience=30).strip()
    tell(
        "SLURM", True, f"{version}, arrays of up to {slurm_queue.cluster_facts().max_array_size:,}"
    )
    tell("profile", True, f"{profile.name} (partition {profile.partition or 'default'})")
    store.check_writable()
    free = shutil.disk_usage(store.root).free / 2**30
    tell("disk", free > 20, f"{free:,.0f} GiB free in {store.root}")
    tell("accounting", *_accounting())
    folder = store.root.resolve() / ".slurm" / f"doctor-{os.getpid()}"
    folder.mkdir(parents=True)
    try:
        _Trial(profile, folder).run(tell)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return FAILED if any(finding.good is False for finding in findings) else DONE


def _accounting() -> tuple[bool | None, str]:
    if shutil.which("sacct") is None:
        return None, "sacct is not here; files and squeue tell what is needed"
    code, _, said = run(["sacct", "-n", "-X", "-S", "now"], 30)
    if code:
        return None, f"off ({said}); files and squeue tell what is needed"
    return True, "sacct answers"


def _directive(option: str, value: object) -> str:
    return f"#SBATCH --{option}" + ("" if value is True else f"={shlex.quote(str(value))}")


class _Trial:
    """A job of two tasks that meets, is signalled, and is requeued."""

    def __init__(self, profile: Profile, folder: Path) -> None:
        self.profile, self.folder = profile, folder
        self.job, self.name = "", ""

    def run(self, tell: Tell) -> None:
        """Submit it and tell how far it came."""
        said = self._submit(2)
        if said is not None:  # a cluster of one node, or a partition that lends no more
            said = self._submit(1)
        if said is not None:
            tell("sbatch", False, said)
            return
        tell("sbatch", True, f"job {self.job}, two tasks")
        try:
            self._follow(tell)
        finally:
            slurm_queue.cancel([self.job])

    def _follow(self, tell: Tell) -> None:
        if not self._until(START, "met-0"):
            job = self._queued()
            why = f"{job.state} {job.reason}" if job else "it is gone"
            if self._there("began-0") or self._there("began-1"):
                tell("store", True, "a node writes it and this machine sees it")
                tell("rendezvous", False, f"the two tasks did not meet{self._log()}")
            else:
                tell("srun", False, f"no task wrote to {self.folder}: {why}{self._log()}")
            return
        hosts = sorted({self._read(f"began-{rank}") for rank in (0, 1)})
        tell("srun and store", True, f"tasks on {', '.join(hosts)} write what this machine sees")
        tell("rendezvous", True, f"two tasks met at {self._read('met-0')}")
        self._tell_computed(tell)
        ask(["scancel", "--signal=USR2", self.job])
        heard = self._until(60, "heard-0") and self._until(60, "heard-1")
        tell("signal", heard, "SIGUSR2 reaches every task" if heard else "SIGUSR2 is not delivered")
        if not heard:
            return
        began = time.monotonic()
        # a requeue may kill the task before it can tell; that the job runs again says as much
        self._until(60, "requeue", "again-0")
        if self._read("requeue") not in ("", "0"):
            tell("requeue", False, self._read("requeue-said") or "a job cannot requeue itself")
            return
        back = self._until(REQUEUE, "again-0")
        seconds = time.monotonic() - began
        waits = "still pending" if self._there("requeue") else "a job cannot requeue itself"
        tell("requeue", back, f"the job ran again after {seconds:.0f} s" if back else waits)

    def _tell_computed(self, tell: Tell) -> None:
        """What torch does in both tasks together, over the backend that training will use."""
        there = self._until(120, "computed-0") and self._until(120, "computed-1")
        told = [self._read(f"computed-{rank}") for rank in (0, 1)]
        if not there or not all(words.startswith("ok ") for words in told):
            failed = next((words for words in told if words and not words.startswith("ok ")), "")
            tell("torch", False, failed or f"no answer{self._log()}")
            return
        devices = [int(words.split()[1]) for words in told]
        version, backend = told[0].split()[2:4]
        wanted = 1 if self._wants_gpus() else 0
        words = f"torch {version} sees {' and '.join(map(str, devices))} GPUs, {backend} adds up"
        tell("torch", min(devices) >= wanted, words)

    def _wants_gpus(self) -> bool:
        return bool(self.profile.gpus_per_node or self.profile.gres)

    def _queued(self) -> QueuedJob | None:
        """Our job as SLURM has it."""
        job = slurm_queue.queue().get(self.job)
        return job if job is not None and job.submission == self.name else None

    def _submit(self, nodes: int) -> str | None:
        """Submit; returns what SLURM said if it refused."""
        self.name = new_id()
        gpus = {"gres": f"{self.profile.gres}:1"} if self.profile.gres else {"gpus-per-node": 1}
        chosen = {
            "partition": self.profile.partition,
            "account": self.profile.account,
            "qos": self.profile.qos,
            "constraint": self.profile.constraint,
            "clusters": self.profile.cluster,
            "exclude": ",".join(self.profile.exclude) or None,
            **(gpus if self._wants_gpus() else {}),
            **self.profile.extra_options(),
        }
        options = {
            "comment": self.profile.comment(self.name),
            "job-name": "gdsweep-doctor",
            "nodes": nodes,
            "ntasks": 2,
            "open-mode": "append",
            "output": self.folder / "output.txt",
            "requeue": True,
            "time": 15,
            **{key: value for key, value in chosen.items() if value},
        }
        script = Path(__file__).with_name("doctor_task.py")
        lines = ["#!/bin/bash", *(_directive(key, value) for key, value in options.items())]
        lines += self.profile.setup
        lines.append(f"srun --kill-on-bad-exit=0 {sys.executable} {script} {self.folder}")
        path = self.folder / "job.sh"
        path.write_text("\n".join(lines) + "\n")
        try:
            self.job = submit(path, self.name, self.profile.said())
        except (Full, Lost, BadInput) as error:
            return str(error)
        return None

    def _until(self, seconds: float, *names: str) -> bool:
        """Wait for one of these files; False when none came in time, or the job has ended."""
        end = time.monotonic() + seconds
        ask_again = time.monotonic() + ASK_PERIOD
        while not any(map(self._there, names)):
            if time.monotonic() > end:
                return False
            if time.monotonic() > ask_again:
                job, ask_again = self._queued(), time.monotonic() + ASK_PERIOD
                if job is None or not job.alive:
                    os.listdir(self.folder)
                    return any(map(self._there, names))
            os.listdir(self.folder)  # makes NFS look again
            time.sleep(0.5)
        return True

    def _there(self, name: str) -> bool:
        return (self.folder / name).exists()

    def _read(self, name: str) -> str:
        return (self.folder / name).read_text().strip() if self._there(name) else ""

    def _log(self) -> str:
        words = self._read("output.txt").splitlines()
        own = [line for line in words if not line.startswith(("srun:", "slurmstepd:"))]
        return f" ({(own or words)[-1]})" if words else ""
