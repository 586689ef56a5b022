"""What a terminal shows of a sweep on its way fits it, and nothing that counts is cut."""

from pathlib import Path

import pytest
from rich.cells import cell_len
from terminal import screens, sweep


@pytest.mark.parametrize("width", [80, 160])
def test_screens_fit_and_tell_all(
    width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with sweep() as (grid, graph, store):
        shown = {
            name: console.export_text()
            for name, console in screens(grid, graph, store, width).items()
        }
    for name, text in shown.items():
        assert max(map(cell_len, map(str.rstrip, text.splitlines()))) <= width, name
    status = [line.split("  ") for line in shown["status"].splitlines()]
    rows = {line[0]: " ".join(filter(None, line)) for line in status if line[0][:4] == "coco"}
    assert "scoring 1,240 of 5,000" in rows["coco 1 % guided"]
    assert "blocked" in rows["coco 10 % guided"]
    assert "36.9" in rows["coco 5 % supervised"]
    for name in graph.runs:  # in the plan's and the status' lines no name is torn
        for text in (shown["plan"], shown["status"]):
            assert text.count(name[-17:]) == text.count(name)
    assert "scoring 1,240 of 5,000" in shown["launch"]
    assert " left" in shown["launch"].splitlines()[1]
    assert shown["plan"].startswith("nothing can start now, 1 follows, 2 runs in hand; ")
