"""Who executes a run has no part in its numbers."""

from pathlib import Path
from typing import Any

import pytest
from compare import same_stores

SHAPES = Path(__file__).resolve().parents[2] / "grids" / "shapes.yaml"


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("small", [True, False], ids=["smoke", "full"])
def test_shapes_equal_the_local_executor_bit_for_bit(
    small: bool, cluster: Any, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not small and not request.config.getoption("--full-shapes"):
        pytest.skip("trains the whole grid twice, a quarter of an hour: pytest --full-shapes")
    flags, seconds = (["--smoke"], 180) if small else ([], 3600)
    jobs = cluster.submit(SHAPES, *flags)
    assert len(jobs) == 3
    local = cluster.local(SHAPES, tmp_path / "local", *flags, seconds=seconds)
    states = cluster.wait(jobs, seconds)
    assert set(states.values()) == {"COMPLETED"}, [cluster.log(run) for run in jobs]
    assert same_stores(local, cluster.store) >= 6
    again = cluster.launch(SHAPES, *flags, "--yes", "--cluster", "slurm")
    assert again.stdout == "nothing to do: 2 of 2 cells are done\n"
