"""The official layout in and out, every key accounted for."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from gdsweep.errors import BadInput
from gdsweep.interop import convert, open_checkpoint
from gdsweep.interop.files import read_file
from gdsweep.interop.weights_file import write_weights_file

CONSTANT = "criterion.empty_weight"


def saved(path: Path, state: dict[str, Tensor]) -> Path:
    torch.save({"model": state, "iteration": 9}, path)
    return path


def test_each_backbone_family_loads_completely(official: Any, tmp_path: Path) -> None:
    state, backbone = official
    opened = open_checkpoint(saved(tmp_path / "official.pth", state))
    assert opened.format == "mask2former"
    assert opened.settings.backbone == backbone
    assert (opened.settings.heads, opened.settings.queries, opened.class_count) == (4, 7, 5)
    left = {n for n in state if n.endswith("position_index") or ".head." in n} | {CONSTANT}
    assert opened.dropped.keys() == left
    loaded = sum(t.numel() for t in opened.weights.values())
    assert loaded == sum(t.numel() for name, t in state.items() if name not in left)
    image = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)
    with torch.no_grad():
        assert opened.model()([image]).layers[-1].class_logits.shape == (1, 7, 6)


@pytest.mark.parametrize("official", ["resnet50", "swin", "dinov2"], indirect=True)
def test_out_and_in_again_gives_the_official_names_and_values(
    official: Any, tmp_path: Path
) -> None:
    state, _ = official
    source = saved(tmp_path / "official.pth", state)
    convert(source, tmp_path / "ours.pt", "gdsweep")
    convert(tmp_path / "ours.pt", tmp_path / "back.pth", "mask2former")
    back = read_file(tmp_path / "back.pth").tensors
    own = {name for name in state if ".head." not in name}
    assert back.keys() == own
    for name in own:
        if name != CONSTANT and not name.endswith("position_index"):
            assert torch.equal(back[name], state[name]), name
    assert back[CONSTANT].tolist() == pytest.approx([1, 1, 1, 1, 1, 0.1])


@pytest.mark.parametrize(
    "backbone",
    [
        "resnet18",
        "resnet50",
        "swin_tiny_patch4_window7_224",
        "vit_small_patch14_dinov2",
        "deit_tiny_patch16_224",
    ],
)
def test_outputs_are_the_same_after_a_round_trip(
    backbone: str, small: Any, outputs: Any, tmp_path: Path
) -> None:
    settings, model = small(backbone)
    write_weights_file(tmp_path / "ours.pt", model.state_dict(), settings, None, "a test")
    convert(tmp_path / "ours.pt", tmp_path / "official.pth", "mask2former")
    # of the DeiTs a file's shapes tell the one that was published
    told = settings if backbone.startswith("deit") else None
    convert(tmp_path / "official.pth", tmp_path / "again.pt", "gdsweep", settings=told)
    opened = open_checkpoint(tmp_path / "again.pt")
    assert opened.settings == settings
    for ours, theirs in zip(outputs(model), outputs(opened.model()), strict=True):
        assert torch.equal(ours, theirs)


def test_exports_carry_the_versions_that_the_official_model_asks_for(
    small: Any, tmp_path: Path
) -> None:
    from gdsweep.interop.mask2former import write_mask2former

    write_mask2former(tmp_path / "a.pth", small()[1].state_dict(), 0.1)
    state = torch.load(tmp_path / "a.pth", weights_only=True)["model"]
    assert state._metadata["sem_seg_head"] == {"version": 2}
    assert state._metadata["sem_seg_head.predictor"] == {"version": 2}
    assert state._metadata["backbone.stem.conv1.norm"] == {"version": 3}


def official_of(model: Any, tmp_path: Path) -> dict[str, Tensor]:
    from gdsweep.interop.mask2former import write_mask2former

    write_mask2former(tmp_path / "one.pth", model.state_dict(), 0.1)
    return read_file(tmp_path / "one.pth").tensors


def test_guided_distillations_two_networks(small: Any, tmp_path: Path) -> None:
    teacher, student = small()[1], small()[1]
    both = {f"modelTeacher.{k}": v for k, v in official_of(teacher, tmp_path).items()}
    both |= {f"modelStudent.module.{k}": v for k, v in official_of(student, tmp_path).items()}
    path = saved(tmp_path / "model_best.pth", both)
    for network, model in ((None, student), ("student", student), ("teacher", teacher)):
        opened = open_checkpoint(path, network)
        assert opened.format == "guided-distillation"
        assert all(torch.equal(v, opened.weights[k]) for k, v in model.state_dict().items())
        other = "the student's" if network == "teacher" else "the teacher's"
        assert sum(why == other for why in opened.dropped.values()) == len(both) // 2
    first = {k: v for k, v in both.items() if k.startswith("modelTeacher.")}
    assert open_checkpoint(saved(path, first)).source.endswith(", teacher")
    with pytest.raises(BadInput, match="it has no student; it has: teacher"):
        open_checkpoint(path, "student")


def test_names_of_the_first_release(small: Any, tmp_path: Path) -> None:
    model = small()[1]
    old = {
        name.replace("sem_seg_head.pixel_decoder.", "sem_seg_head.").replace(
            ".query_feat.", ".static_query."
        ): tensor
        for name, tensor in official_of(model, tmp_path).items()
    }
    opened = open_checkpoint(saved(tmp_path / "old.pth", old))
    assert all(torch.equal(v, opened.weights[k]) for k, v in model.state_dict().items())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"backbone.res3.0.conv2.weight": None}, r"it lacks backbone\.res3\.0\.conv2\.weight"),
        ({"backbone.extra": torch.ones(1)}, r"it also has backbone\.extra"),
        (
            {"sem_seg_head.predictor.decoder_norm.bias": torch.ones(33)},
            r"other shapes: sem_seg_head\.predictor\.decoder_norm\.bias \[33\] instead of \[32\]",
        ),
    ],
)
def test_every_key_is_an_error_if_it_is_not_known(
    change: dict[str, Tensor | None], told: str, small: Any, tmp_path: Path
) -> None:
    state = official_of(small()[1], tmp_path) | change
    path = saved(tmp_path / "bad.pth", {k: v for k, v in state.items() if v is not None})
    with pytest.raises(BadInput, match=told) as error:
        open_checkpoint(path)
    assert "\n" not in str(error.value)
