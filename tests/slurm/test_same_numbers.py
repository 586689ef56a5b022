"""Who executes a run has no part in its numbers."""

from pathlib import Path
from typing import Any

from compare import same_stores

DEMO = Path(__file__).resolve().parents[2] / "grids" / "demo.yaml"


def test_the_demo_equals_the_local_executor_bit_for_bit(cluster: Any, tmp_path: Path) -> None:
    jobs = cluster.submit(DEMO, "--smoke")
    assert len(jobs) == 3
    local = cluster.local(DEMO, tmp_path / "local", "--smoke")
    states = cluster.wait(jobs, 180)
    assert set(states.values()) == {"COMPLETED"}, [cluster.log(run) for run in jobs]
    assert same_stores(local, cluster.store) >= 6
    again = cluster.launch(DEMO, "--smoke", "--yes", "--cluster", "slurm")
    assert again.stdout == "nothing to do: 2 of 2 cells are done\n"
