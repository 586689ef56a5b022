"""One truth per iteration."""

from pathlib import Path

from gdsweep.runs import read_metrics


def test_later_lines_win_and_keys_merge(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_text(
        '{"iteration": 20, "total_loss": 3.0}\n'
        '{"iteration": 40, "total_loss": 2.0}\n'
        '{"iteration": 40, "segm/AP": 10.0}\n'
        '{"iteration": 20, "total_loss": 3.5}\n'
    )
    assert read_metrics(path) == [
        {"iteration": 20, "total_loss": 3.5},
        {"iteration": 40, "total_loss": 2.0, "segm/AP": 10.0},
    ]


def test_what_a_kill_leaves_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    path.write_bytes(
        b'{"iteration": 20, "total_l\n[1]\n{"loss": 1}\n\xff\xfe\n{"iteration": 60}\n{"iter'
    )
    assert read_metrics(path) == [{"iteration": 60}]


def test_no_file_no_lines(tmp_path: Path) -> None:
    assert read_metrics(tmp_path / "metrics.json") == []
