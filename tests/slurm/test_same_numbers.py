"""Who executes a run has no part in its numbers."""

from pathlib import Path
from typing import Any

import pytest
from compare import same_stores

DEMO = Path(__file__).resolve().parents[2] / "grids" / "demo.yaml"


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("small", [True, False], ids=["smoke", "full"])
def test_the_demo_equals_the_local_executor_bit_for_bit(
    small: bool, cluster: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not small and not request.config.getoption("--full-demo"):
        pytest.skip("trains the whole demo twice, a quarter of an hour: pytest --full-demo")
    flags, seconds = (["--smoke"], 180) if small else ([], 3600)
    jobs = cluster.submit(DEMO, *flags)
    assert len(jobs) == 3
    local = cluster.local(DEMO, tmp_path / "local", *flags, seconds=seconds)
    states = cluster.wait(jobs, seconds)
    assert set(states.values()) == {"COMPLETED"}, [cluster.log(run) for run in jobs]
    assert same_stores(local, cluster.store) >= 6
    again = cluster.launch(DEMO, *flags, "--yes", "--cluster", "slurm")
    assert again.stdout == "nothing to do: 2 of 2 cells are done\n"
