"""transformers opens our folders, we open its, and both compute the same."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from gdsweep.errors import BadInput
from gdsweep.interop import convert, open_checkpoint
from gdsweep.interop.transformers_folder import write_folder

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

BACKBONES = ["resnet18", "resnet50", "swin_tiny_patch4_window7_224"]
CLASSES = ("cat", "dog", "bird")


def theirs_of(folder: Path) -> Any:
    theirs, told = transformers.Mask2FormerForUniversalSegmentation.from_pretrained(
        folder, output_loading_info=True
    )
    assert not told["unexpected_keys"]
    assert not told["mismatched_keys"]
    assert not [key for key in told["missing_keys"] if "relative_position_index" not in key]
    return theirs.eval()


def close(ours: torch.Tensor, theirs: torch.Tensor) -> None:
    # in float64, where a difference is one of the networks; measured: 1e-15 to 1e-14
    assert ours.dtype == theirs.dtype == torch.float64
    error = (ours - theirs).abs().max() / theirs.abs().max()
    assert error <= 1e-12, f"relative error {error:.2e}"


@pytest.mark.parametrize("backbone", BACKBONES)
def test_from_pretrained_opens_ours_with_equal_outputs(
    backbone: str, small: Any, tmp_path: Path
) -> None:
    settings, model = small(backbone)
    write_folder(tmp_path / "folder", model, settings, CLASSES)
    theirs = theirs_of(tmp_path / "folder").double()
    assert theirs.config.id2label == dict(enumerate(CLASSES))
    model.double()
    image = torch.randint(0, 256, (3, 64, 96), dtype=torch.uint8)
    with torch.no_grad():
        batch = model.batch([image])
        wanted = theirs(pixel_values=batch, output_hidden_states=True)
        features, _ = model.pixel_decoder(model.backbone(batch))
        found = model([image]).layers[-1]
    close(features, wanted.pixel_decoder_last_hidden_state)
    close(found.class_logits, wanted.class_queries_logits)
    close(found.mask_logits, wanted.masks_queries_logits)


@pytest.mark.parametrize("backbone", BACKBONES)
def test_out_and_in_again_is_the_same(
    backbone: str, small: Any, outputs: Any, tmp_path: Path
) -> None:
    settings, model = small(backbone)
    write_folder(tmp_path / "folder", model, settings, CLASSES)
    opened = open_checkpoint(tmp_path / "folder")
    assert opened.classes == CLASSES
    assert (opened.settings, opened.format) == (settings, "transformers")
    for ours, back in zip(outputs(model), outputs(opened.model()), strict=True):
        assert torch.equal(ours, back)


@pytest.mark.parametrize("backbone", ["resnet18", "swin_tiny_patch4_window7_224"])
def test_what_save_pretrained_writes_is_read(backbone: str, small: Any, tmp_path: Path) -> None:
    settings, model = small(backbone)
    write_folder(tmp_path / "ours", model, settings, CLASSES)
    theirs = theirs_of(tmp_path / "ours")
    theirs.save_pretrained(tmp_path / "theirs")
    opened = open_checkpoint(tmp_path / "theirs")
    assert all(torch.equal(v, opened.weights[k]) for k, v in model.state_dict().items())
    torch.save(theirs.state_dict(), tmp_path / "memory.bin")  # the names of transformers 5
    opened = open_checkpoint(tmp_path / "memory.bin", settings=settings)
    assert all(torch.equal(v, opened.weights[k]) for k, v in model.state_dict().items())


def test_to_gdsweep_and_back(small: Any, tmp_path: Path) -> None:
    settings, model = small()
    write_folder(tmp_path / "folder", model, settings, CLASSES)
    convert(tmp_path / "folder", tmp_path / "ours.pt", "gdsweep")
    convert(tmp_path / "ours.pt", tmp_path / "again", "transformers")
    first, again = ((tmp_path / f / "config.json").read_text() for f in ("folder", "again"))
    assert json.loads(first) == json.loads(again)


def test_other_folders_are_refused(small: Any, tmp_path: Path) -> None:
    settings, model = small()
    folder = tmp_path / "folder"
    write_folder(folder, model, settings, CLASSES)
    config = json.loads((folder / "config.json").read_text())
    for change, told in (
        ({"model_type": "detr"}, "says detr"),
        ({"pre_norm": True}, "pre_norm is set"),
        ({"id2label": {"0": "cat"}}, "names 1 classes"),
    ):
        (folder / "config.json").write_text(json.dumps(config | change))
        with pytest.raises(BadInput, match=told):
            open_checkpoint(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(BadInput, match="not JSON"):
        open_checkpoint(folder)


def test_a_vision_transformer_has_no_place_there(small: Any, tmp_path: Path) -> None:
    settings, model = small("vit_small_patch14_dinov2")
    with pytest.raises(BadInput, match="no backbone such as vit_small"):
        write_folder(tmp_path, model, settings, CLASSES)
