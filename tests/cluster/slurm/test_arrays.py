"""Runs to arrays: few calls, and nobody waits for anybody but its parents. No SLURM here."""

from typing import Any

from handmade import make_graph

from gdsweep.cluster.slurm.arrays import Piece, fit, make_pieces
from gdsweep.plan.planning import make_plan
from gdsweep.runs import Store


def pieces_of(runs: dict[str, dict[str, Any]], tmp_path: Any, **options: Any) -> list[Piece]:
    plan = make_plan(make_graph(runs), Store(tmp_path))
    waits = {name: [source.run for source in run.waits] for name, run in plan.runs.items()}
    options = {"largest": 1000, **options}
    return make_pieces(list(plan.runs.values()), waits, lambda run: run.processors, **options)


def names(piece: Piece) -> list[str]:
    return [run.name for run in piece.runs]


def line(index: int, gpus: int = 8) -> dict[str, dict[str, Any]]:
    """A teacher, its guided student, and the student's own student."""
    base = {"iterations": 10, "gpus": gpus}
    return {
        f"t{index}": base,
        f"g{index}": {**base, "teacher": [f"t{index}", 10]},
        f"d{index}": {**base, "parent": [f"g{index}", 10]},
    }


def many(count: int, gpus: int = 8) -> dict[str, dict[str, Any]]:
    return {name: run for index in range(count) for name, run in line(index, gpus).items()}


def test_three_waves_are_three_aligned_arrays(tmp_path: Any) -> None:
    teachers, guided, students = pieces_of(many(26), tmp_path)
    assert [len(piece.runs) for piece in (teachers, guided, students)] == [26] * 3
    assert teachers.aligned is None
    assert guided.aligned is teachers
    assert students.aligned is guided
    for index in range(26):
        numbers = {run.name[1:] for run in (p.runs[index] for p in (teachers, guided, students))}
        assert len(numbers) == 1, "element i waits for its own teacher"


def test_shapes_do_not_share_an_array(tmp_path: Any) -> None:
    runs = {**line(0), **line(1, gpus=4), **line(2), **line(3, gpus=4)}
    assert [len(piece.runs) for piece in pieces_of(runs, tmp_path)] == [2] * 6


def test_childless_teachers_come_last_so_that_the_rest_aligns(tmp_path: Any) -> None:
    runs = {"alone": {"iterations": 10, "gpus": 8}, **many(3)}
    teachers, guided, _ = pieces_of(runs, tmp_path)
    assert names(teachers)[-1] == "alone"
    assert guided.aligned is teachers
    assert len(guided.runs) == 3


def test_variants_of_one_teacher_are_an_array_behind_it(tmp_path: Any) -> None:
    runs: dict[str, dict[str, Any]] = {"t": {"iterations": 10}}
    runs |= {f"g{n}": {"iterations": 10, "teacher": ["t", 10]} for n in range(5)}
    teacher, variants = pieces_of(runs, tmp_path)
    assert names(teacher) == ["t"]
    assert len(variants.runs) == 5
    assert variants.after == ("t",)


def test_a_run_of_two_parents_waits_for_both(tmp_path: Any) -> None:
    runs = {
        "t": {"iterations": 10},
        "g": {"iterations": 10},
        "d": {"iterations": 10, "parent": ["g", 5], "teacher": ["t", 10]},
    }
    parents, child = pieces_of(runs, tmp_path)
    assert sorted(names(parents)) == ["g", "t"]
    assert sorted(child.after) == ["g", "t"]


def test_arrays_are_split_and_stay_aligned(tmp_path: Any) -> None:
    pieces = pieces_of(many(25), tmp_path, largest=10)
    assert [len(piece.runs) for piece in pieces] == [10, 10, 5] * 3
    for piece in pieces[3:]:
        assert piece.aligned is not None
        assert len(piece.aligned.runs) == len(piece.runs)
        for run, parent in zip(piece.runs, piece.aligned.runs, strict=True):
            assert run.name[1:] == parent.name[1:]


def test_a_throttle_is_shared_and_waves_follow_one_another(tmp_path: Any) -> None:
    pieces = pieces_of({**many(5), **{f"x{k}": v for k, v in many(0).items()}}, tmp_path,
                       max_running=3)  # fmt: skip
    assert [piece.at_once for piece in pieces] == [3, 3, 3]
    assert pieces[1].barrier == [pieces[0]]
    assert pieces[2].barrier == [pieces[1]]


def test_more_arrays_than_places_queue_up(tmp_path: Any) -> None:
    runs = {f"r{n}": {"iterations": 10, "gpus": n + 1} for n in range(4)}
    pieces = pieces_of(runs, tmp_path, max_running=2)
    assert [piece.at_once for piece in pieces] == [1] * 4
    assert [len(piece.barrier) for piece in pieces] == [0, 0, 1, 1]
    assert pieces[2].barrier == [pieces[0]]


def test_places_go_to_those_that_can_use_them(tmp_path: Any) -> None:
    runs = {f"a{n}": {"iterations": 10, "gpus": 1} for n in range(9)}
    runs |= {f"b{n}": {"iterations": 10, "gpus": 2} for n in range(2)}
    pieces = pieces_of(runs, tmp_path, max_running=8)
    assert {len(piece.runs): piece.at_once for piece in pieces} == {9: 6, 2: 2}


def test_an_array_is_cut_to_the_room_there_is(tmp_path: Any) -> None:
    """`max_submit` of 5 and 7 equal runs: 5 now, and only the children of those."""
    pieces = pieces_of(many(7), tmp_path)
    cut, left = fit(pieces, 5, ())
    assert [len(piece.runs) for piece in cut] == [5]
    assert len(left) == 16
    assert left["t5"] == "the cluster takes no more jobs now (max_submit of its profile)"
    cut, left = fit(pieces, 9, ())
    assert [len(piece.runs) for piece in cut] == [7, 2]
    assert [run.name[1:] for run in cut[1].runs] == [run.name[1:] for run in cut[0].runs[:2]]
    assert fit(pieces, None, ()) == (pieces, {})
    assert fit(pieces, 0, ())[0] == []
