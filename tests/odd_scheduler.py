"""A scheduler of five shell scripts that answers as oddly as a test asks.

It keeps one line a job, as squeue prints them (`id|state|comment|nodes|reason`), and starts none.
"""

import contextlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from fake_commands import calls, put

from gdsweep.commands.entry import script

SBATCH = """\
cp "$1" {folder}/script.$(wc -l < {folder}/calls)
env > {folder}/environment
id=$(cat {folder}/next); echo $((id + 1)) > {folder}/next
comment=$(sed -n 's/^#SBATCH --comment=//p' "$1")
array=$(sed -n "s/^#SBATCH --array='*0-\\([0-9]*\\)%.*/\\1/p" "$1")
enqueue() {{
  if [ -z "$array" ]; then echo "$id|PENDING|$comment||Priority" >> {folder}/queue; return; fi
  for i in $(seq 0 $array); do echo "${{id}}_$i|PENDING|$comment||Priority" >> {folder}/queue; done
}}
{odd}
enqueue
echo "Submitted batch job $id"
"""
SCANCEL = """\
{odd}
for job in "$@"; do sed -i "s/^$job|[A-Z]*|/$job|CANCELLED|/" {folder}/queue; done
"""
SCONTROL = """\
{odd}
case "$1 $2" in
"ping "*) echo "Slurmctld(primary) at head is UP" ;;
"show config") echo "ClusterName = red"; echo "MaxArraySize = 1001" ;;
esac
"""


@dataclass
class Scheduler:
    """The scheduler, and a user's folder whose launches speak to it."""

    folder: Path

    def __post_init__(self) -> None:
        self.commands = self.folder / "bin"
        self.commands.mkdir()
        (self.commands / "next").write_text("1000\n")
        for name in ("sbatch", "squeue", "scancel", "scontrol"):
            self.odd(name)
        put(self.commands, "srun", "exit 0")
        put(self.commands, "sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1")
        self.jobs = self.commands / "queue"
        self.jobs.touch()

    def odd(self, command: str, script: str = "") -> None:
        """Let a command run a line of shell before it does its work; `exit` ends it there."""
        body = {
            "sbatch": SBATCH,
            "scancel": SCANCEL,
            "scontrol": SCONTROL,
            "squeue": "{odd}\ncat {folder}/queue",
        }[command]
        put(self.commands, command, body.format(folder=self.commands, odd=script))

    def grid(self, methods: str = "supervised", seeds: str = "0") -> Path:
        """A small grid; guided cells are three runs, supervised ones one."""
        page = {
            "title": "Tiny",
            "axes": {
                "dataset": ["toys"],
                "labels": [50],
                "method": methods.split(),
                "seed": [int(seed) for seed in seeds.split()],
            },
            "datasets": {"toys": {"format": "shapes", "train": 16, "val": 4, "test": 4}},
            "settings": {
                "model": {"backbone": "test_resnet", "weights": "random"},
                "schedule": {"iterations": 4},
                "distillation": {"burn_in": 2, "teacher": {"at": 2}},
                "resources": {"gpus": 0, "cpus": 1},
            },
            "table": {"rows": ["method"], "columns": ["labels"]},
        }
        path = self.folder / "grid.yaml"
        path.write_text(yaml.safe_dump(page))
        return path

    def launch(self, *arguments: object, code: int = 0, **environment: str) -> str:
        """launch.py on the grid in this process, stderr joined to stdout."""
        output = io.StringIO()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            for name in [n for n in os.environ if n.startswith(("SLURM", "SBATCH", "GDSWEEP"))]:
                patch.delenv(name)
            patch.setenv("PATH", f"{self.commands}:{os.environ['PATH']}")
            for name, value in environment.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
                returned = script("launch", ["grid.yaml", *map(str, arguments)])
        assert returned == code, output.getvalue()
        return output.getvalue()

    def calls(self, command: str) -> list[str]:
        """Calls of one command so far."""
        return calls(self.commands, command)

    def queue(self) -> list[list[str]]:
        """Columns of every job."""
        return [line.split("|") for line in self.jobs.read_text().splitlines()]

    def add(self, line: str) -> None:
        """Put somebody's job into the queue."""
        with open(self.jobs, "a") as queue:
            queue.write(line + "\n")

    def all_are(self, state: str, reason: str = "None") -> None:
        """Let every job of the queue be in a state."""
        lines = [f"{job[0]}|{state}|{job[2]}|n1|{reason}\n" for job in self.queue()]
        self.jobs.write_text("".join(lines))

    def submissions(self) -> list[Path]:
        """Records of the ledger."""
        return sorted((self.folder / "runs/.slurm/submissions").glob("*/submission.json"))

    def scripts(self) -> str:
        """All scripts that were submitted, in order."""
        paths = sorted(self.commands.glob("script.*"), key=lambda path: int(path.suffix[1:]))
        return "".join(path.read_text() for path in paths)
