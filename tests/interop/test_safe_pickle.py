"""A file that wants code to be run is refused, and nothing of it runs."""

import collections
import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gdsweep.errors import BadInput
from gdsweep.interop.files import read_file
from gdsweep.interop.safe_pickle import read_pickle


class Hostile:
    """Writes a file when it is unpickled by an ordinary unpickler."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


class HostileStorage:
    """Hides another pickle in what looks like the storage of a tensor."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        inner = io.BytesIO()
        torch.save(Hostile(self.mark), inner, _use_new_zipfile_serialization=False)
        return torch.storage._load_from_bytes, (inner.getvalue(),)


def plain(path: Path, content: Any) -> None:
    path.write_bytes(pickle.dumps(content))


def zipped(path: Path, content: Any) -> None:
    torch.save(content, path)


def legacy(path: Path, content: Any) -> None:
    torch.save(content, path, _use_new_zipfile_serialization=False)


@pytest.mark.parametrize("write", [plain, zipped, legacy])
@pytest.mark.parametrize("kind", [Hostile, HostileStorage])
def test_hostile_files_are_refused_and_do_nothing(
    tmp_path: Path, write: Any, kind: type[Any]
) -> None:
    mark, path = tmp_path / "mark", tmp_path / "weights.pkl"
    write(path, {"model": {"conv1_w": np.ones(3), "evil": kind(mark)}})
    with pytest.raises(BadInput) as told:
        read_file(path)
    assert not mark.exists()
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)
    # the same file in an ordinary unpickler does what it wants: the test can fail
    if write is plain:
        pickle.loads(path.read_bytes())
        assert mark.exists()


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_and_tensors_are_read(tmp_path: Path, protocol: int) -> None:
    state = collections.OrderedDict(
        array=np.arange(6, dtype=np.float32).reshape(2, 3),
        number=np.float64(0.5),
        tensor=torch.arange(4.0).view(2, 2),
        parameter=torch.nn.Parameter(torch.ones(2)),
    )
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps({"model": state, "__author__": "x"}, protocol=protocol))
    found = read_pickle(path)
    assert found["__author__"] == "x"
    assert np.array_equal(found["model"]["array"], state["array"])
    assert found["model"]["number"] == 0.5
    assert torch.equal(found["model"]["tensor"], state["tensor"])
    assert torch.equal(found["model"]["parameter"], state["parameter"])


def test_python_2s_strings_are_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.pkl"
    path.write_bytes(b"\x80\x02}q\x00U\x07conv1_wq\x01U\x03a\xe9bq\x02s.")
    assert read_pickle(path) == {"conv1_w": "a\xe9b"}


def test_damaged_pickles_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "weights.pkl"
    path.write_bytes(pickle.dumps({"a": np.ones(9)})[:-20])
    with pytest.raises(BadInput, match=r"weights\.pkl: not a readable pickle"):
        read_pickle(path)
