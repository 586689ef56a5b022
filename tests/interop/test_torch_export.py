"""Exported programs give the network's own masks."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from gdsweep.commands.entry import script
from gdsweep.interop.weights_file import write_weights_file
from gdsweep.model import EoMT

CLASSES = ("cat", "dog", "bird")


@pytest.fixture
def eomt(small: Any) -> Any:
    settings, _ = small()
    changes = {"architecture": "eomt", "backbone": "vit_tiny_patch16_224"}
    settings = settings.model_copy(update=changes)
    return settings, EoMT(settings, len(CLASSES)).eval()


@pytest.mark.parametrize("architecture", ["mask2former", "eomt"])
def test_the_program_gives_the_networks_masks(
    architecture: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    made = request.getfixturevalue("small" if architecture == "mask2former" else "eomt")
    least = {"backbone": "test_resnet", "encoder_layers": 1, "decoder_layers": 1}
    settings, model = made(**least) if architecture == "mask2former" else made
    weights, target = tmp_path / "student.pt", tmp_path / "student.pt2"
    write_weights_file(weights, model.state_dict(), settings, CLASSES, "a test")
    words = [str(weights), str(target), "--to", "torch-export", "--size", "60x90"]
    assert script("convert", words) == 0

    told = {"gdsweep.json": ""}
    exported = torch.export.load(target, extra_files=told)
    assert json.loads(told["gdsweep.json"]) == {"classes": [*CLASSES], "height": 60, "width": 90}
    calls = [node.target for node in exported.graph.nodes if node.op == "call_function"]
    theirs = {call.namespace for call in calls if isinstance(call, torch._ops.OpOverload)}
    assert theirs <= {"aten"}  # nothing of gdsweep is needed to run it
    image = torch.randint(0, 256, (3, 60, 90), dtype=torch.uint8)
    probabilities, logits = exported.module()(image.float())
    (wanted,) = model.predict([image], [(60, 90)], detections=10)
    pairs = probabilities.flatten().topk(10).indices
    assert torch.equal(pairs % len(CLASSES), wanted.labels)
    assert torch.equal(logits[pairs // len(CLASSES)] > 0, wanted.masks)
    assert wanted.masks.any()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "torch-export"], "--size HEIGHTxWIDTH goes with --to torch-export"),
        (["--to", "gdsweep", "--size", "9x9"], "--size HEIGHTxWIDTH goes with --to torch-export"),
    ],
)
def test_a_size_goes_with_a_program(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script("convert", [str(tmp_path / "in.pt"), str(tmp_path / "out"), *words]) == 2
    assert said in capsys.readouterr().err


def test_a_size_is_two_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        script("convert", ["in.pt", "out.pt2", "--to", "torch-export", "--size", "512"])
    assert ended.value.code == 2
    assert "512 is no size; 512x768 is, height first" in capsys.readouterr().err
