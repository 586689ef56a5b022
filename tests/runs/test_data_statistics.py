"""The record of what data sets held."""

from pathlib import Path

import pytest

from gdsweep.config.set_statistics import SetStatistics
from gdsweep.errors import BadInput
from gdsweep.runs import Store
from gdsweep.runs.data_statistics import read_statistics, record_statistics

ONE = SetStatistics(images=3, height=10, width=20, objects=1.5, crowded=4, side=5.5)
OTHER = SetStatistics(images=4, height=10, width=20, objects=1.5, crowded=4, side=5.5)


def test_statistics_are_added_and_the_newer_win(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert read_statistics(store) == {}
    record_statistics(store, {"a": ONE, "b": ONE})
    record_statistics(store, {"b": OTHER})
    assert read_statistics(store) == {"a": ONE, "b": OTHER}


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    record_statistics(Store(tmp_path), {})
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.data_statistics.write_text('{"a": {"images": 3}}')
    with pytest.raises(BadInput, match=r"data-statistics\.json: damaged"):
        read_statistics(store)
