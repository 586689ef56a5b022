"""The data sets of a smoke launch: written once, before the first run, and only where needed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gdsweep.cluster import miniatures
from gdsweep.cluster.miniatures import write_miniatures
from gdsweep.commands.entry import script
from gdsweep.config import CellSettings, CityscapesData, ShapesData
from gdsweep.errors import BadInput
from gdsweep.runs import Store

ROOT = Path(__file__).resolve().parents[2]


def planned(data: Any) -> Any:
    config = SimpleNamespace(settings=CellSettings(dataset=data))
    return SimpleNamespace(config=config)


def cityscapes(root: Path) -> CityscapesData:
    return CityscapesData(name="cityscapes", root=str(root))


def test_only_where_a_run_reads_them(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.check_writable()
    real = cityscapes(tmp_path / "official")
    write_miniatures(store, [planned(real), planned(ShapesData(name="shapes"))])
    assert not store.miniatures.exists()


def test_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store("store")
    store.check_writable()
    runs = [planned(cityscapes(store.miniatures / "cityscapes"))]
    write_miniatures(store, runs)
    assert sorted(path.name for path in store.miniatures.iterdir()) == ["cityscapes", "coco"]

    def again(*_: object, **__: object) -> None:
        raise AssertionError("started again")

    monkeypatch.setattr(miniatures.subprocess, "run", again)
    write_miniatures(store, runs)


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "store")
    said = "python -m gdsweep.data: store/data: No space left on device\n"
    ended = SimpleNamespace(returncode=2, stderr=said)
    monkeypatch.setattr(miniatures.subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(BadInput, match=r"cannot be written: store/data: No space left") as caught:
        write_miniatures(store, [planned(cityscapes(store.miniatures / "cityscapes"))])
    assert "\n" not in str(caught.value)


def test_a_dry_run_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    grid = str(ROOT / "grids" / "table6.yaml")
    assert script("launch", [grid, "--smoke", "--dry-run", "--cluster", "local"]) == 0
    assert "6 cells (0 done)" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
