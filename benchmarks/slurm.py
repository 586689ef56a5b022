"""What 1,000 runs cost a SLURM cluster and its user: `python benchmarks/slurm.py` (as root).

Starts a SLURM of its own (two pretended 8-GPU nodes, nothing is trained: the partition is down),
plans, submits and looks at one grid, and counts the calls of SLURM's commands.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "slurm"))

import sandbox  # noqa: E402

COMMANDS = ("sbatch", "squeue", "sacct", "scontrol", "scancel")


def main() -> int:
    """Measure; prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=334, help="runs are three times as many")
    parser.add_argument("--gpus", type=int, default=8, help="GPUs of each run")
    asked = parser.parse_args()
    reason = sandbox.missing()
    if reason:
        print(f"benchmarks/slurm.py: {reason}", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGHUP):  # the cluster must not outlive us
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    slurm = sandbox.Sandbox(max_array=1001)
    folder = Path(tempfile.mkdtemp(prefix="gdsweep-benchmark-"))
    try:
        slurm.start()
        slurm.command("scontrol", "update", "PartitionName=low", "State=DOWN", check=True)
        print(json.dumps(measure(slurm, folder, asked.seeds, asked.gpus), indent=1))
    finally:
        slurm.stop()
        shutil.rmtree(folder)
    return 0


def measure(slurm: sandbox.Sandbox, folder: Path, seeds: int, gpus: int) -> dict[str, object]:
    """Plan, submit, launch again, look, cancel."""
    write_grid(folder / "grid.yaml", seeds, gpus)
    log = spies(folder / "bin", slurm)
    result: dict[str, object] = {}
    steps = {
        "plan": ["--dry-run", "--json"],
        "submit": ["--yes", "--json"],
        "submit_again": ["--yes"],
        "status": ["--status", "--json"],
        "cancel": ["--cancel"],
    }
    for step, flags in steps.items():
        log.write_text("")
        begin = time.monotonic()
        done = subprocess.run(
            [sys.executable, str(ROOT / "launch.py"), "grid.yaml", *flags, "--cluster", "slurm"],
            cwd=folder,
            env={**slurm.environment, "PATH": f"{folder / 'bin'}:{slurm.environment['PATH']}"},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"{step}: {done.stderr or done.stdout}")
        calls = Counter(log.read_text().split())
        seconds = round(time.monotonic() - begin, 2)
        result[step] = {"seconds": seconds, "calls": dict(calls)}
        if step == "plan":
            result["runs"] = json.loads(done.stdout)["trajectories"]
        if step == "submit":
            result["jobs"] = len(json.loads(done.stdout)["submitted"])
    result["machine"] = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    return result


def write_grid(path: Path, seeds: int, gpus: int) -> None:
    """Supervised and guided cells of many seeds: three runs a seed."""
    page = {
        "title": "Many",
        "axes": {"dataset": ["shapes"], "labels": [5], "method": ["supervised", "guided"],
                 "seed": list(range(seeds))},
        "settings": {
            "schedule": {"iterations": 100},
            "model": {"backbone": "test_resnet", "weights": "random"},
            "distillation": {"burn_in": 50, "teacher": {"at": 50}},
            "resources": {"gpus": gpus, "cpus": 1},
        },
        "table": {"caption": "Many", "rows": ["method"], "columns": ["dataset", "labels"]},
    }  # fmt: skip
    path.write_text(yaml.safe_dump(page, sort_keys=False))


def spies(folder: Path, slurm: sandbox.Sandbox) -> Path:
    """Commands that note their own name before they do their work; returns the notes."""
    folder.mkdir()
    log = folder / "log"
    for name in COMMANDS:
        real = shutil.which(name, path=slurm.environment["PATH"])
        if real:
            (folder / name).write_text(f'#!/bin/sh\necho {name} >> {log}\nexec {real} "$@"\n')
            (folder / name).chmod(0o755)
    return log


if __name__ == "__main__":
    sys.exit(main())
