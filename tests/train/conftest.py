"""Runs in a store of their own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny import TINY, merged, train

from gdsweep import atomic
from gdsweep.config import CellSettings, CheckpointRef, MilestoneRef, RunConfig
from gdsweep.runs import Complexity, RunDir, Store, Wanted


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., RunDir]:
    """Make a run in a store of its own: name, objective, relations, wanted, changed settings.

    Its network has been counted, which takes as long as some of these trainings.
    """
    make = in_store(tmp_path / "store")

    def counted(*arguments: Any, **changes: Any) -> RunDir:
        run = make(*arguments, **changes)
        counts = Complexity(parameters=1, trainable=1, flops=1, size=(1, 1))
        atomic.write_json(run.network, counts.model_dump(mode="json"))
        return run

    return counted


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """Tiny supervised run that nothing interrupts; nobody may change it."""
    make = in_store(tmp_path_factory.mktemp("whole") / "store")
    run = make("whole", wanted=Wanted(stop=12, milestones=(5, 8, 12)))
    assert train(run)
    return run


def in_store(folder: Path) -> Callable[..., RunDir]:
    """A function that makes runs in a new store (see `make_run`)."""
    store = Store(folder)
    store.check_writable()

    def make(
        name: str,
        objective: str = "supervised",
        parent: tuple[str, int] | None = None,
        teacher: tuple[str, int | str] | None = None,
        initial: tuple[str, int | str] | None = None,
        wanted: Wanted | None = None,
        **changes: dict,
    ) -> RunDir:
        config = RunConfig(
            run=name,
            objective=objective,
            parent=MilestoneRef(run=parent[0], at=parent[1]) if parent else None,
            teacher=CheckpointRef(run=teacher[0], at=teacher[1]) if teacher else None,
            initial=CheckpointRef(run=initial[0], at=initial[1]) if initial else None,
            settings=CellSettings.model_validate(merged(TINY, changes)),
        )
        run = store.create(config, {})
        store.want(run, wanted or Wanted(stop=config.settings.schedule.iterations))
        return run

    return make
