"""What takes room, and what may go: nothing that anything left to do needs."""

from pathlib import Path

import pytest
from handmade import make_graph

from gdsweep import atomic
from gdsweep.plan.disk import disk_lines, disk_use, free_disk, in_words
from gdsweep.plan.planning import make_plan
from gdsweep.runs import RunDir, Score, Store, lock

RUNS = {
    "teacher": {"iterations": 10, "milestones": [5]},
    "student": {"iterations": 10, "teacher": ["teacher", 5]},
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "runs")
    store.root.mkdir()
    for name, run in make_graph({**RUNS, "stranger": {"iterations": 3}}).runs.items():
        store.create(run.config, run.identity)
        store.run(name).state(3).write_bytes(bytes(1000))
    return store


def finish(store: Store, name: str) -> RunDir:
    run, wanted = store.run(name), make_graph(RUNS).wanted[name]
    for n in (*wanted.milestones, wanted.stop):
        run.state(n).write_bytes(bytes(1000))
    for ref in wanted.scores:
        score = Score(ref=ref, iteration=10, metrics={"AP": 1.0}, images=1, instances=1,
                      predictions=None)  # fmt: skip
        atomic.write_json(run.score(ref), score.model_dump(mode="json"))
    atomic.write_json(run.done, wanted.model_dump(mode="json"))
    return run


def test_what_is_left_to_do_keeps_what_it_starts_from(store: Store) -> None:
    teacher = finish(store, "teacher")
    graph = make_graph(RUNS)
    rooms = {room.freeable: room for room in disk_use(graph, store) if room.freeable}
    assert set(rooms["states"].paths) == {teacher.state(3), teacher.state(10)}
    assert rooms["runs"].paths == (store.run("stranger").path,)
    assert free_disk(disk_use(graph, store), ["states"]) == 2000
    assert teacher.states() == [5], "the student's teacher"
    assert make_plan(graph, store).runs["teacher"].status == "done"
    assert store.run("stranger").exists(), "freed only when asked for"


def test_all_done_needs_no_state(store: Store) -> None:
    finish(store, "teacher")
    finish(store, "student")
    graph = make_graph(RUNS)
    free_disk(disk_use(graph, store), ["states", "runs"])
    assert store.run("teacher").states() == store.run("student").states() == []
    assert not store.run("stranger").path.exists()
    assert make_plan(graph, store).done


def test_what_is_at_work_is_not_touched(store: Store) -> None:
    finish(store, "teacher")
    with lock.hold(store.run("stranger").lock):
        rooms = disk_use(make_graph(RUNS), store, busy=["teacher"])
    assert [room.freeable for room in rooms if room.freeable] == []


def test_lines(store: Store) -> None:
    lines = disk_lines(disk_use(make_graph(RUNS), store))
    assert lines[1].endswith("1 x runs that these grids do not want  --free runs")
    assert lines[2].strip() == "stranger"
    assert [in_words(n) for n in (5, 1536, 3 * 2**30)] == ["5 B", "1.5 KiB", "3 GiB"]
