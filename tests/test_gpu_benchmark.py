"""benchmarks/gpu.py goes through its sections on the CPU, in miniature, and says what failed."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def gpu() -> Any:
    """benchmarks/ is no package: its programs are run from there."""
    sys.path.insert(0, str(HERE))
    try:
        yield importlib.import_module("gpu")
    finally:
        sys.path.remove(str(HERE))


def test_every_section_measures_something(gpu: Any, tmp_path: Path) -> None:
    sections = [name for name in gpu.SECTIONS if name != "transformers"]
    asked = ["--device", "cpu", "--tiny", "--backbones", "test_resnet", "--cases", "fp32"]
    code = gpu.main([*asked, "--out", str(tmp_path), "--sections", *sections])
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert code == 0, [line for line in lines if "failed" in line]
    assert {line["section"] for line in lines} == {"machine", "time", *sections}
    unequal = [line["unequal_tensors"] for line in lines if line["section"] == "determinism"]
    assert unequal == [0, 0]
    page = (tmp_path / "RESULTS-gpu.md").read_text()
    assert "Nothing failed." in page
    assert "| test_resnet | tiny | fp32 | True |" in page


def test_what_fails_is_said_and_the_rest_goes_on(
    gpu: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(results: Any, options: Any) -> None:
        results.attempt("average", lambda: 1 / 0, by="nothing")
        results.until = 0
        results.attempt("loader", dict, side=64)

    monkeypatch.setitem(gpu.SECTIONS, "average", failing)
    code = gpu.main(["--device", "cpu", "--tiny", "--out", str(tmp_path), "--sections", "average"])
    assert code == 1
    page = (tmp_path / "RESULTS-gpu.md").read_text()
    assert "- average, nothing: ZeroDivisionError: division by zero" in page
    assert "- loader, 64: no time was left" in page


def test_without_a_gpu_it_measures_nothing(
    gpu: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: False)
    assert gpu.main(["--out", str(tmp_path / "none")]) == 2
    assert "torch sees no CUDA device" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()
