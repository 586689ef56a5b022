"""Files are told by their content, and what is no file of weights is refused in one line."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from gdsweep.errors import BadInput
from gdsweep.interop.files import read_file


@pytest.mark.parametrize("zipped", [True, False])
def test_torch_files_whatever_their_suffix(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "weights.pkl"
    content = {"model": {"a": torch.ones(2)}, "iteration": 7, "score": np.float64(0.25)}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    found = read_file(path)
    assert torch.equal(found.tensors["a"], torch.ones(2))
    assert found.extra["iteration"] == 7


def test_safetensors_whatever_their_suffix(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    save_file({"a": torch.ones(2)}, path)
    assert torch.equal(read_file(path).tensors["a"], torch.ones(2))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no file of weights"),
        (b"<html>not found</html>", "no file of weights"),
        (b"PK\x03\x04 truncated", "no file of weights"),
        (b"\x10\0\0\0\0\0\0\0{broken", "not a whole safetensors file"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "file.pth"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=told):
        read_file(path)


def test_a_missing_file_and_a_list_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        read_file(tmp_path / "absent.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(BadInput, match="holds a list"):
        read_file(tmp_path / "list.pth")
    torch.save({"model": {"a": "text"}}, tmp_path / "text.pth")
    with pytest.raises(BadInput, match="a is a str, no tensor"):
        read_file(tmp_path / "text.pth")
