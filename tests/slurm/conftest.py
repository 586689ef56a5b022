"""One real SLURM for all tests here, started on first use and stopped at the end."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))

import sandbox  # noqa: E402
import yaml  # noqa: E402
from sandbox import Sandbox  # noqa: E402

from gdsweep.runs import Store  # noqa: E402


@pytest.fixture(scope="session")
def real_slurm() -> Iterator[Sandbox]:
    """SLURM with two nodes of 8 pretended GPUs; the tests skip where none can run."""
    reason = sandbox.missing()
    if reason:
        pytest.skip(reason)
    slurm = Sandbox()
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()


@pytest.fixture
def slurm(real_slurm: Sandbox) -> Sandbox:
    """An empty queue and idle nodes."""
    real_slurm.recover()
    return real_slurm


class Cluster:
    """A user's folder on the cluster's login node."""

    def __init__(self, slurm: Sandbox, folder: Path) -> None:
        self.slurm, self.folder = slurm, folder
        self.store = Store(folder / "store")

    def environment(self, **more: str) -> dict[str, str]:
        """The login node's environment."""
        keep = {k: v for k, v in self.slurm.environment.items() if not k.startswith("GDSWEEP_")}
        return {**keep, "OMP_NUM_THREADS": "1", "COLUMNS": "160", **more}

    def words(self, *arguments: object) -> list[str]:
        """The command line of a launch."""
        command = [sys.executable, str(ROOT / "launch.py"), *map(str, arguments)]
        return [*command, "--store", str(self.store.root)]

    def launch(
        self, *arguments: object, code: int | None = 0, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        """launch.py as a user types it."""
        done = subprocess.run(
            self.words(*arguments),
            cwd=self.folder,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert code is None or done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def submit(self, *arguments: object, **environment: str) -> dict[str, str]:
        """Launch with --yes; returns run to job."""
        done = self.launch(*arguments, "--yes", "--json", "--cluster", "slurm", **environment)
        submitted: dict[str, str] = json.loads(done.stdout)["submitted"]
        return submitted

    def local(self, grid: Path, store: Path, *flags: str, seconds: float = 400) -> Store:
        """The same grid by the local executor: what every other way must equal."""
        done = subprocess.run(
            [sys.executable, str(ROOT / "launch.py"), str(grid), "--yes", "--cluster", "local",
             "--store", str(store), *flags],
            cwd=self.folder, env=self.environment(), capture_output=True, text=True,
            timeout=seconds,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return Store(store)

    def grid(self, name: str = "grid", **changes: Any) -> Path:
        """Write a tiny grid; `settings` are merged into SMALL's."""
        page = tiny_grid(**changes)
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(page, sort_keys=False))
        return path

    def states(self) -> dict[str, str]:
        """Job to state, of all jobs; elements cancelled before they began are listed no more."""
        text = self.slurm.command("squeue", "-h", "-r", "--states=all", "-o", "%i %T").stdout
        listed = (line.split() for line in text.splitlines())
        return defaultdict(lambda: "CANCELLED", dict(listed))

    def wait(self, jobs: Sequence[str] | dict[str, str], seconds: float = 300) -> dict[str, str]:
        """Wait until jobs are over; returns their states."""
        names = list(jobs.values() if isinstance(jobs, dict) else jobs)
        over = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT"}

        def finished() -> bool:
            states = self.states()
            return all(states[name] in over for name in names)

        self.slurm.until(finished, f"end of {names}", seconds)
        states = self.states()
        return {name: states[name] for name in names}

    def until_trained(self, run: str, iteration: int, seconds: float = 300) -> None:
        """Wait until a run's metrics tell of an iteration."""
        metrics = self.store.run(run).metrics

        def there() -> bool:
            if not metrics.exists():
                return False
            last = metrics.read_text().splitlines()[-1:]
            return bool(last) and json.loads(last[0])["iteration"] >= iteration

        try:
            self.slurm.until(there, f"iteration {iteration} of {run}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log(run)}") from None

    def log(self, run: str) -> str:
        """A run's log so far."""
        path = self.store.run(run).log
        return path.read_text() if path.exists() else ""

    def attempts(self, run: str) -> list[dict[str, Any]]:
        """A run's attempts."""
        folder = self.store.run(run).attempts
        return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]

    def trainer(self, run: str, rank: int = 0) -> int:
        """The process of a trainer, found by its own run directory and rank."""
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                environment = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            ours = str(self.store.run(run).path).encode() in words and b"-c" in words
            if ours and (not rank or f"RANK={rank}".encode() in environment):
                return int(entry.name)
        raise AssertionError(f"no trainer of {run}, rank {rank}")

    @contextlib.contextmanager
    def frozen(self, run: str) -> Iterator[Callable[[], bool]]:
        """Stop a trainer's clock: a fast machine shall not finish before something happens.

        Yields a function that tells whether SLURM has signalled it.
        """
        pid = self.trainer(run)
        os.kill(pid, signal.SIGSTOP)

        def noticed() -> bool:
            # SLURM wakes what it signals (SIGCONT): it is stopped no more, or has gone already
            with contextlib.suppress(FileNotFoundError):
                status = Path(f"/proc/{pid}/status").read_text()
                return "State:\tT" not in status
            return True

        self.slurm.until(lambda: not noticed(), "a stopped process")

        try:
            yield noticed
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def mine(self) -> list[str]:
        """Jobs that were submitted for this store, elements of arrays singly."""
        ids = {path.name for path in (self.store.root / ".slurm" / "submissions").iterdir()}
        text = self.slurm.command("squeue", "-h", "-r", "--states=all", "-o", "%i %k").stdout
        return [line.split()[0] for line in text.splitlines() if line.split()[-1] in ids]


SMALL: dict[str, Any] = {
    "model": {
        "backbone": "test_resnet", "weights": "random", "norm": "batch", "hidden": 32, "heads": 2,
        "queries": 6, "encoder_layers": 1, "encoder_feedforward": 32, "decoder_layers": 2,
        "decoder_feedforward": 32,
    },
    "augmentation": {
        "geometry": "resized-crop", "crop": [64, 64], "scale": [0.7, 1.0], "test_short_edge": None,
    },
    "loss": {"points": 64},
    "optimizer": {"lr": 1e-3, "clip_norm": 0.1, "precision": "fp32"},
    "schedule": {"iterations": 8},
    "batch": {"labelled": 2, "unlabelled": 2},
    "distillation": {"burn_in": 4, "teacher": {"at": 4}, "alpha": 0.9},
    "evaluation": {"period": 4},
    "resources": {"gpus": 0, "cpus": 1, "workers": 0, "checkpoint_period": 3, "log_period": 1},
}  # fmt: skip


def tiny_grid(
    methods: Sequence[str] = ("supervised",),
    seeds: Sequence[int] = (0,),
    settings: dict[str, Any] | None = None,
    images: int = 12,
    **more: Any,
) -> dict[str, Any]:
    """A page of YAML for seconds of training."""
    merged = {key: {**SMALL.get(key, {}), **value} for key, value in (settings or {}).items()}
    return {
        "title": "Tiny",
        "axes": {
            "dataset": ["few"],
            "labels": [50],
            "method": list(methods),
            "seed": list(seeds),
        },
        "settings": {**SMALL, **merged},
        "datasets": {"few": {"format": "shapes", "train": images, "val": 4, "test": 4}},
        "table": {"caption": "Tiny", "rows": ["method"], "columns": ["dataset", "labels"]},
        **more,
    }


@pytest.fixture(scope="session")
def new_cluster(real_slurm: Sandbox) -> Callable[[Path], Cluster]:
    """Makes a user's folder on the cluster."""
    return lambda folder: Cluster(real_slurm, folder)


@pytest.fixture
def cluster(slurm: Sandbox, tmp_path: Path) -> Cluster:
    """A user's folder on the cluster."""
    return Cluster(slurm, tmp_path)


CLUSTERS = {
    "test_faults": 1,
    "test_eval_only": 3,
    "test_launches": 2,
    "test_nodes": 3,
    "test_passes": 3,
    "test_identity": 3,
    "test_chain": 2,
    "test_same_numbers": 3,
}
"""Which of several equal clusters a module's tests have, so that workers wait at the same time."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a real SLURM."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slurm)
            item.add_marker(pytest.mark.xdist_group(f"slurm-{CLUSTERS[item.path.stem]}"))
