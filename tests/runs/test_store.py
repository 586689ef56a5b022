"""The folder of all runs."""

import errno
import json
import os
import threading
from pathlib import Path

import pytest

from gdsweep.config import CellSettings, ResourceSettings, RunConfig, ShapesData
from gdsweep.errors import BadInput
from gdsweep.runs import Store, Wanted, lock
from gdsweep.runs.state import read_wanted
from gdsweep.runs.store import read_config


def config(name: str = "run", cpus: int = 1) -> RunConfig:
    settings = CellSettings(
        dataset=ShapesData(name="shapes"), resources=ResourceSettings(gpus=0, cpus=cpus)
    )
    return RunConfig(run=name, objective="supervised", settings=settings)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "deep" / "runs")
    store.check_writable()
    return store


def test_create_and_read_back(store: Store) -> None:
    run = store.create(config(), {"b": 1, "a": None})
    assert read_config(run) == config()
    assert json.loads(run.identity.read_text()) == {"a": None, "b": 1}
    assert sorted(os.listdir(run.path)) == [
        "attempts",
        "checkpoints",
        "config.yaml",
        "identity.json",
        "predictions",
        "scores",
    ]
    assert os.listdir(store.root) == ["run"]


def test_an_existing_run_keeps_its_files_and_learns_its_resources(store: Store) -> None:
    run = store.create(config(), {"a": 1})
    run.state(10).touch()
    assert store.create(config(cpus=4), {"a": 2}).states() == [10]
    assert read_config(run).settings.resources.cpus == 4
    assert json.loads(run.identity.read_text()) == {"a": 1}


def test_a_run_that_is_held_is_left_alone(store: Store) -> None:
    run = store.create(config(), {})
    with lock.hold(run.lock):
        store.create(config(cpus=4), {})
    assert read_config(run).settings.resources.cpus == 1


def test_a_full_disk_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_text

    def full(path: Path, content: str, **options: str) -> int:
        if path.name == "identity.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, content, **options)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        store.create(config(), {})
    assert os.listdir(store.root) == []


def test_many_create_the_same_run_at_once(store: Store) -> None:
    errors: list[BaseException] = []
    barrier = threading.Barrier(8)

    def create() -> None:
        try:
            barrier.wait()
            store.create(config(), {"a": 1})
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=create) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert os.listdir(store.root) == ["run"]


def test_a_folder_of_that_name_that_is_no_run(store: Store) -> None:
    (store.root / "run").mkdir()
    (store.root / "run" / "notes.txt").touch()
    with pytest.raises(BadInput, match="not a run directory"):
        store.create(config(), {})
    assert os.listdir(store.root) == ["run"]


def test_wishes_add_up(store: Store) -> None:
    run = store.create(config(), {})
    assert read_wanted(run) == Wanted()
    store.want(run, Wanted(stop=10, milestones=(5,)))
    assert store.want(run, Wanted(stop=5, best=True)) == Wanted(stop=10, milestones=(5,), best=True)
    before = run.wanted.stat().st_mtime_ns
    store.want(run, Wanted(stop=7))
    assert run.wanted.stat().st_mtime_ns == before
    assert read_wanted(run).stop == 10


def test_wishes_at_once_are_all_heard(store: Store) -> None:
    run = store.create(config(), {})
    threads = [
        threading.Thread(target=store.want, args=(run, Wanted(milestones=(n,)))) for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_wanted(run).milestones == tuple(range(12))


def test_stores_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"cannot be written \(Not a directory\); name a folder"):
        Store(tmp_path / "file" / "runs").check_writable()


@pytest.mark.parametrize("content", ["", "{", "run: a\n", "[1, 2]"])
def test_a_damaged_configuration_is_one_line(store: Store, content: str) -> None:
    run = store.create(config(), {})
    run.config.write_text(content)
    with pytest.raises(BadInput) as caught:
        read_config(run)
    assert str(run.config) in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(BadInput, match=r"config\.yaml: not a valid run configuration"):
        store.create(config(), {})


def test_no_run_directory(store: Store) -> None:
    with pytest.raises(BadInput, match="no run directory"):
        read_config(store.run("nowhere"))
