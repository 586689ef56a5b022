"""transformers opens our EoMT, we open its, and both compute the same."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.interop import convert, open_checkpoint
from gdsweep.interop.transformers_folder import write_folder
from gdsweep.model import EoMT, build_network

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

CLASSES = ("cat", "dog", "bird")
SETTINGS: dict[str, Any] = {
    "architecture": "eomt",
    "backbone": "vit_small_patch14_reg4_dinov2",
    "weights": "random",
    "queries": 5,
    "query_blocks": 3,
    "vit_grid": 6,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, EoMT]:
    torch.manual_seed(0)
    settings = ModelSettings.model_validate(SETTINGS)
    model = build_network(settings, len(CLASSES)).eval()
    assert isinstance(model, EoMT)
    model.advance(1.0)  # trained to its end
    path = tmp_path_factory.mktemp("eomt") / "folder"
    write_folder(path, model, settings, CLASSES)
    return path, model


def test_from_pretrained_opens_ours_with_equal_outputs(folder: tuple[Path, EoMT]) -> None:
    path, model = folder
    theirs, told = transformers.EomtForUniversalSegmentation.from_pretrained(
        path, output_loading_info=True
    )
    assert not any(told[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert theirs.config.id2label == dict(enumerate(CLASSES))
    image = torch.randint(0, 256, (3, 96, 96), dtype=torch.uint8)
    with torch.no_grad():
        wanted = theirs.eval()(pixel_values=model.batch([image]))
        found = model([image], auxiliary=False).layers[-1]
    for ours, other in (
        (found.class_logits, wanted.class_queries_logits),
        (found.mask_logits, wanted.masks_queries_logits),
    ):
        assert (ours - other).abs().max() <= 1e-5 * other.abs().max()


def test_out_and_in_again_is_the_same(folder: tuple[Path, EoMT], tmp_path: Path) -> None:
    path, model = folder
    opened = open_checkpoint(path)
    assert (opened.classes, opened.format) == (CLASSES, "transformers")
    assert opened.settings == ModelSettings.model_validate(SETTINGS)
    own = model.state_dict()
    assert opened.weights.keys() == own.keys()
    assert all(torch.equal(opened.weights[name], value) for name, value in own.items())
    convert(path, tmp_path / "ours.pt", "gdsweep")
    convert(tmp_path / "ours.pt", tmp_path / "again", "transformers")
    first, again = ((f / "config.json").read_text() for f in (path, tmp_path / "again"))
    assert json.loads(first) == json.loads(again)


def test_their_state_in_memory_is_read(folder: tuple[Path, EoMT], tmp_path: Path) -> None:
    path, model = folder
    theirs = transformers.EomtForUniversalSegmentation.from_pretrained(path)
    torch.save(theirs.state_dict(), tmp_path / "memory.bin")
    opened = open_checkpoint(tmp_path / "memory.bin")
    assert all(torch.equal(opened.weights[k], v) for k, v in model.state_dict().items())


def test_what_transformers_has_no_place_for_is_told(tmp_path: Path) -> None:
    settings = ModelSettings.model_validate({**SETTINGS, "backbone": "test_vit", "vit_grid": None})
    model = build_network(settings, 3)
    with pytest.raises(BadInput, match="its EoMT has no backbone such as test_vit"):
        write_folder(tmp_path / "folder", model, settings, CLASSES)
