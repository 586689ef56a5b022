"""Whatever dies, the run ends in the weights of the undisturbed run, and nothing is doubled."""

import json
import signal
import subprocess
import time
from typing import Any

import pytest
from compare import same_stores

from gdsweep.cluster.slurm.ledger import Ledger
from gdsweep.runs import Store

ITERATIONS = 80
SETTINGS = {
    "schedule": {"iterations": ITERATIONS},
    "evaluation": {"period": 40},
    "resources": {"checkpoint_period": 10},
}
PROFILE = "partition: low\n"


@pytest.fixture(scope="module")
def undisturbed(new_cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The run as nobody disturbs it, by the local executor."""
    folder = tmp_path_factory.mktemp("undisturbed")
    cluster = new_cluster(folder)
    store: Store = cluster.local(cluster.grid(settings=SETTINGS), folder / "local")
    return store


class Case:
    """One run in SLURM that something happens to."""

    def __init__(self, cluster: Any, undisturbed: Store) -> None:
        self.cluster, self.undisturbed = cluster, undisturbed
        self.slurm = cluster.slurm
        self.grid = cluster.grid(settings=SETTINGS)
        self.run = ""
        self.job = ""

    def start(self, profile: str = PROFILE, until: int | None = 3) -> None:
        """Submit, and wait until it trains."""
        (self.cluster.folder / "profile.yaml").write_text(profile)
        ((self.run, self.job),) = self.cluster.submit(
            self.grid, "--profile", "profile.yaml"
        ).items()
        if until is not None:
            self.cluster.until_trained(self.run, until)

    def finish(self, seconds: float = 300) -> list[dict[str, Any]]:
        """Wait for the end and demand the undisturbed weights; returns the attempts."""
        assert self.cluster.wait([self.job], seconds) == {self.job: "COMPLETED"}, self.log
        assert same_stores(self.undisturbed, self.cluster.store) >= 3
        assert len(self.cluster.mine()) == 1, "doubled"
        attempts: list[dict[str, Any]] = self.cluster.attempts(self.run)
        assert {attempt["process"]["job"] for attempt in attempts} == {self.job}
        assert attempts[-1]["outcome"] == "done"
        return attempts

    def limit(self, minutes: int) -> None:
        """Give the job another time limit."""
        change = ["scontrol", "update", f"JobId={self.job}", f"TimeLimit={minutes}"]
        self.slurm.command(*change, check=True)

    def shown(self) -> str:
        """What SLURM knows of the job, in one line."""
        return str(self.slurm.command("scontrol", "show", "job", "-o", self.job).stdout)

    @property
    def log(self) -> str:
        """The run's log."""
        return str(self.cluster.log(self.run))


@pytest.fixture
def case(cluster: Any, undisturbed: Store) -> Case:
    """A run, not submitted yet."""
    return Case(cluster, undisturbed)


def check_continued(first: dict[str, Any], second: dict[str, Any]) -> None:
    """The second attempt begins where the first one saved, and not at a periodic checkpoint."""
    assert first["outcome"] == "stopped"
    assert second["first_iteration"] == first["last_iteration"] > 0


def test_preempted_by_a_higher_partition(case: Case) -> None:
    case.start()
    with case.cluster.frozen(case.run) as noticed:
        high = ["sbatch", "-p", "high", "-N2", "--exclusive", "-o", "/dev/null", "--wrap", "true"]
        case.slurm.command(*high, check=True)
        case.slurm.until(noticed, "notice")
    first, second = case.finish()
    check_continued(first, second)
    assert first["cause"] == "preempted"


def test_timed_out(case: Case) -> None:
    """SLURM's own notice, some 80 to 110 seconds before the limit: it looks twice a minute.

    An operator shortens the limit of the first start and restores it for the next, whatever the
    machine has to do; the job's own clock, set back at the first start, knows of that limit alone.
    """
    first_start = '[ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] || '
    set_back = f"{first_start}export GDSWEEP_STARTED=$(($(date +%s) - 30 * 60 + 145))"
    case.start(f"{PROFILE}hours: 0.5\nsignal_seconds: 80\nsetup: ['{set_back}']\n")
    with case.cluster.frozen(case.run) as noticed:
        run_for = case.slurm.command("squeue", "-h", "-j", case.job, "-o", "%M").stdout
        case.limit(int(run_for.split(":")[-2]) + 2)
        case.slurm.until(noticed, "notice", 90)
    again = ("Restarts=1 ", "JobState=RUNNING ")
    case.slurm.until(lambda: all(word in case.shown() for word in again), "second start", 120)
    case.limit(30)
    first, second = case.finish()
    check_continued(first, second)
    assert first["cause"] == "timeout"


def test_signalled_by_hand(case: Case) -> None:
    case.start()
    case.slurm.command("scancel", "--signal=USR2", case.job, check=True)
    first, second = case.finish()
    check_continued(first, second)
    assert "is requeued" in case.log


def test_the_node_dies(case: Case) -> None:
    case.start(until=15)
    node = case.slurm.command("squeue", "-h", "-j", case.job, "-o", "%N").stdout.strip()
    case.slurm.kill(node)
    # SLURM notices by itself, after SlurmdTimeout; the operator is quicker
    case.slurm.command("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=dead")
    first, second = case.finish()
    assert first["outcome"] is None
    assert second["first_iteration"] == first["last_iteration"] in range(10, ITERATIONS, 10)


def test_the_controller_dies_and_comes_back(case: Case) -> None:
    case.start()
    with case.cluster.frozen(case.run):
        time.sleep(6)  # it saves its state every five seconds
        case.slurm.kill("controller")
        time.sleep(1)
        case.slurm.start_controller()
    assert len(case.finish()) == 1


def test_the_launch_dies_between_sbatch_and_its_record(case: Case) -> None:
    folder = case.cluster.folder / "bin"
    folder.mkdir()
    sbatch = case.slurm.command("which", "sbatch").stdout.strip()
    (folder / "sbatch").write_text(f'#!/bin/sh\n{sbatch} "$@"\nkill -9 $PPID\n')
    (folder / "sbatch").chmod(0o755)
    path = f"{folder}:{case.slurm.environment['PATH']}"
    killed = subprocess.run(
        case.cluster.words(case.grid, "--yes", "--cluster", "slurm"),
        cwd=case.cluster.folder,
        env=case.cluster.environment(PATH=path),
        capture_output=True,
        timeout=400,
    )
    assert killed.returncode == -signal.SIGKILL, killed
    ledger = Ledger(case.cluster.store)
    (intent,) = ledger.read()
    assert intent.job is None
    again = case.cluster.launch(case.grid, "--yes", "--json", "--cluster", "slurm")
    state = json.loads(again.stdout)
    assert not state.get("submitted"), state
    (case.run,) = intent.runs
    (case.job,) = case.cluster.mine()
    assert len(case.finish()) == 1


def test_two_launches_at_once(case: Case) -> None:
    words = case.cluster.words(case.grid, "--yes", "--json", "--cluster", "slurm")
    launches = [
        subprocess.Popen(
            words,
            cwd=case.cluster.folder,
            env=case.cluster.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    told = [launch.communicate(timeout=400)[0] for launch in launches]
    submitted = [json.loads(text)["submitted"] for text in told]
    assert sorted(map(len, submitted)) == [0, 1]
    ((case.run, case.job),) = (entry for jobs in submitted for entry in jobs.items())
    case.finish()
