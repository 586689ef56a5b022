"""Seconds per iteration from what was measured."""

import json
from pathlib import Path

from handmade import make_graph

from gdsweep.config import RunConfig
from gdsweep.plan.cost import kind, measured, parse_lines, seconds_per_iteration, tail
from gdsweep.runs import Store


def configs(**runs: dict[str, object]) -> dict[str, RunConfig]:
    graph = make_graph({name: {"iterations": 9, **entry} for name, entry in runs.items()})
    return {name: run.config for name, run in graph.runs.items()}


def test_kind_is_objective_model_dataset_and_resources() -> None:
    made = configs(
        a={}, b={}, gpu={"gpus": 1}, big={"backbone": "resnet50"}, c={"parent": ["a", 1]}
    )
    kinds = {name: kind(config) for name, config in made.items()}
    assert kinds["a"] == kinds["b"]
    assert len(set(kinds.values())) == 4


def test_a_teacher_of_another_network_makes_another_kind(tmp_path: Path) -> None:
    """A student under it is measured by its like alone, in the graph and beyond."""
    made = configs(
        small={},
        big={"backbone": "resnet50"},
        plain={"teacher": ["small", 9]},
        taught={"teacher": ["big", 9]},
    )
    plain = kind(made["plain"], made["small"])
    taught = kind(made["taught"], made["big"])
    assert plain == kind(made["plain"])
    assert taught != plain
    store = Store(tmp_path)
    for name, seconds in (("plain", 0.25), ("taught", 0.5)):
        line = json.dumps({"iteration": 1, "time": seconds})
        store.create(made[name], {}).metrics.write_text(f"{line}\n")
    expected = {plain: 0.25, taught: 0.5}
    assert seconds_per_iteration(store, made.values(), {plain, taught}) == expected
    store.create(made["small"], {})
    store.create(made["big"], {})
    assert seconds_per_iteration(store, [], {plain, taught}) == expected


def test_measured_is_the_median_of_the_tail(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    assert measured(path) is None
    lines = [{"iteration": n, "time": t} for n, t in enumerate([9.0, 0.1, 0.2, 0.3, 0.4])]
    path.write_text("\n".join(map(json.dumps, lines)) + '\n{"iteration": 5, "ti')
    assert measured(path) == 0.3
    path.write_text('{"iteration": 1, "segm/AP": 3.0, "time": null}\n')
    assert measured(path) is None


def test_tail_reads_the_end_only(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text("".join(json.dumps({"iteration": n}) + "\n" for n in range(1000)))
    assert tail(path, 50)[-1] == {"iteration": 999}
    assert len(tail(path, 50)) < 4
    assert tail(tmp_path) == tail(tmp_path / "none") == []  # a folder is no metrics


def test_half_lines_and_other_values_are_left_out() -> None:
    assert parse_lines(b'"x": 1}\n{"iteration": 2}\n[3]\n\xff\xfe\n{"iter') == [{"iteration": 2}]


def test_the_store_is_asked_beyond_the_graph(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = configs(stranger={}, other={"gpus": 2}, damaged={})
    for config in made.values():
        store.create(config, {}).metrics.write_text('{"iteration": 1, "time": 0.25}\n')
    store.run("damaged").config.write_text("{")
    wanted = configs(mine={})["mine"]
    assert seconds_per_iteration(store, [wanted], {kind(wanted)}) == {kind(wanted): 0.25}
    unlike = configs(mine={"backbone": "resnet50"})["mine"]
    assert seconds_per_iteration(store, [unlike], {kind(unlike)}) == {}
