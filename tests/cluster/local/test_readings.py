"""The newest numbers of a metrics.json that grows."""

from pathlib import Path

from gdsweep.cluster.local.readings import Follower, Reading


def test_follower_reads_what_was_added(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    follower = Follower(path)
    assert follower.look() == Reading()
    path.write_text('{"iteration": 20, "total_loss": 3.5, "time": 0.5}\n{"iteration": 4')
    assert follower.look() == Reading(20, 3.5, 0.5)
    with open(path, "a") as file:
        file.write('0, "total_loss": null, "segm/AP": 12.5, "teacher/segm/AP": 14.0}\n')
    assert follower.look() == Reading(40, 3.5, 0.5, 12.5, 14.0)


def test_follower_begins_near_the_end_of_a_long_file(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text("".join(f'{{"iteration": {n}, "filler": "{"x" * 90}"}}\n' for n in range(2000)))
    assert Follower(path).look().iteration == 1999
