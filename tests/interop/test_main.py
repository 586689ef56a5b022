"""The command line: what it prints, and one line for what is wrong."""

from pathlib import Path
from typing import Any

import pytest
import torch

from gdsweep.commands.entry import console
from gdsweep.interop.weights_file import write_weights_file


@pytest.fixture
def file(small: Any, tmp_path: Path) -> Path:
    settings, model = small()
    path = tmp_path / "ours.pt"
    write_weights_file(path, model.state_dict(), settings, ("cat", "dog", "bird"), "a test")
    return path


def test_inspect(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert console(["inspect", str(file), "--names"]) == 0
    out = capsys.readouterr().out
    assert "Mask2Former, resnet18" in out
    assert "3 classes: cat, dog, bird" in out
    assert "transformer_decoder.class_head.weight [4, 32]" in out


@pytest.mark.parametrize(("to", "name"), [("mask2former", "a.pth"), ("transformers", "folder")])
def test_convert_and_back(
    file: Path, to: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert console(["convert", str(file), str(tmp_path / name), "--to", to]) == 0
    assert (
        console(["convert", str(tmp_path / name), str(tmp_path / "b.pt"), "--to", "gdsweep"]) == 0
    )
    assert "left: criterion.empty_weight (a constant of the loss)" in capsys.readouterr().out
    first, second = (torch.load(tmp_path / n, weights_only=True) for n in ("ours.pt", "b.pt"))
    assert first["settings"] == second["settings"]
    assert all(torch.equal(v, second["student"][k]) for k, v in first["student"].items())


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model."])
def test_wrapped_names_are_read_and_told(
    file: Path, prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = torch.load(file, weights_only=True)["student"]
    wrapped = {prefix + name: tensor for name, tensor in weights.items()}
    torch.save({"state_dict": wrapped, "epoch": 3}, tmp_path / "wrapped.ckpt")
    assert console(["inspect", str(tmp_path / "wrapped.ckpt")]) == 0
    out = capsys.readouterr().out
    assert "Mask2Former, resnet18" in out
    assert f"note: every name began with {prefix} in the file" in out
    words = [str(tmp_path / "wrapped.ckpt"), str(tmp_path / "b.pt"), "--to", "gdsweep"]
    assert console(["convert", *words]) == 0
    again = torch.load(tmp_path / "b.pt", weights_only=True)["student"]
    assert all(torch.equal(v, again[k]) for k, v in weights.items())


def test_what_is_not_known_is_told_by_its_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"something.weight": torch.ones(2)}, tmp_path / "other.pth")
    torch.save({"transformer_decoder.other": torch.ones(2)}, tmp_path / "half.pth")
    for name, first in (("other", "something.weight"), ("half", "transformer_decoder.other")):
        for command in (["inspect"], ["convert", "--to", "gdsweep"]):
            words = [command[0], str(tmp_path / f"{name}.pth")]
            words += [str(tmp_path / "out.pt"), *command[1:]] if command[1:] else []
            assert console(words) == 2
            told = capsys.readouterr().err
            assert f"(it begins {first}); valid: gdsweep, " in told
            assert "inspect" not in told.partition(": ")[2]


def test_bad_input_is_one_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["inspect", "absent.pth"],
        ["inspect", str(file), "--network", "teacher"],
        ["convert", str(file), "out.pkl", "--to", "mask2former"],
        ["inspect", str(file), "--config", "absent.yaml"],
    ):
        assert console(arguments) == 2
        told = capsys.readouterr().err
        assert told.count("\n") == 1, told
        assert told.startswith(f"gdsweep {arguments[0]}: ")
