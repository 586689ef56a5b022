"""torchvision's Mask R-CNN behind our settings, images and predictions."""

from typing import Any

import pytest
import timm
import torch
from torchvision.models.detection import maskrcnn_resnet50_fpn

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.model import MaskRCNN

SMALL = {
    "architecture": "mask-rcnn",
    "backbone": "resnet18",
    "weights": "random",
    "norm": "batch",
    "hidden": 16,
    "encoder_feedforward": 16,
}


def make(classes: int = 3, **changes: Any) -> MaskRCNN:
    return MaskRCNN(ModelSettings(**{**SMALL, **changes}), classes)


def image(height: int = 64, width: int = 96) -> torch.Tensor:
    return torch.randint(0, 256, (3, height, width), dtype=torch.uint8)


def test_default_sizes_are_torchvisions() -> None:
    sizes = ModelSettings()
    ours = make(
        90,
        backbone="resnet50",
        norm="frozen",
        hidden=sizes.hidden,
        encoder_feedforward=sizes.encoder_feedforward,
    )
    theirs = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None)

    def shapes(state: dict[str, torch.Tensor]) -> dict[str, torch.Size]:
        return {k: v.shape for k, v in state.items() if "num_batches" not in k}

    assert shapes(ours.net.state_dict()) == shapes(theirs.state_dict())


def test_losses_are_torchvisions_on_the_same_boxes(scene: Any) -> None:
    model = make()
    target = scene([(0, 5, 10, 40, 50), (2, 30, 60, 64, 61)], 64, 96)  # one is a column
    picture = image()
    torch.manual_seed(3)
    losses = model([picture], [target])
    boxes = torch.tensor([[10.0, 5, 50, 40], [60, 30, 61, 64]])
    theirs = {"boxes": boxes, "labels": target.labels + 1, "masks": target.masks.byte()}
    torch.manual_seed(3)
    wanted = model.net([picture / 255], [theirs])
    assert losses.keys() == wanted.keys()
    for name, value in wanted.items():
        torch.testing.assert_close(losses[name], value)


def test_an_image_without_instances(scene: Any) -> None:
    losses = make()([image(), image(32, 64)], [scene([], 64, 96), scene([], 32, 64)])
    total = torch.stack(list(losses.values())).sum()
    total.backward()
    assert total.isfinite()


def test_it_learns_a_scene(scene: Any) -> None:
    torch.manual_seed(0)
    model = make()
    target = scene([(1, 8, 8, 56, 56)], 64, 64)
    picture = torch.zeros(3, 64, 64, dtype=torch.uint8)
    picture[:, 8:56, 8:56] = 255
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    for _ in range(30):
        optimizer.zero_grad()
        torch.stack(list(model([picture] * 2, [target] * 2).values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    (found,) = model.eval().predict([picture], [(128, 128)])
    best = found.scores.argmax()
    assert found.labels[best] == 1
    large = target.masks[0].repeat_interleave(2, 0).repeat_interleave(2, 1)
    mask = found.masks[best]
    assert (mask & large).sum() / (mask | large).sum() > 0.5


def test_predictions_are_at_the_original_size() -> None:
    model = make().eval()
    found = model.predict([image(), image(32, 64)], [(100, 150), (32, 64)], detections=7)
    assert [tuple(one.masks.shape[1:]) for one in found] == [(100, 150), (32, 64)]
    for one in found:
        assert one.masks.dtype == torch.bool
        assert len(one.labels) == len(one.scores) == len(one.masks) <= 7
        assert one.labels.numel() == 0 or 0 <= one.labels.min() <= one.labels.max() < 3


def test_what_stays_fixed(tmp_path: Any) -> None:
    def learning(model: MaskRCNN) -> set[str]:
        body = model.net.backbone.body
        return {n.partition(".")[0] for n, p in body.named_parameters() if p.requires_grad}

    assert learning(make()) == {"conv1", "bn1", "layer1", "layer2", "layer3", "layer4"}
    path = tmp_path / "weights.pth"
    state = timm.create_model("resnet18").state_dict()
    torch.save(state, path)
    tuned = make(weights=str(path), norm="frozen")
    assert learning(tuned) == {"layer2", "layer3", "layer4"}  # as torchvision fine-tunes
    torch.testing.assert_close(tuned.net.backbone.body.conv1.weight, state["conv1.weight"])
    assert learning(make(freeze_backbone=True)) == set()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbone": "swin_tiny_patch4_window7_224"}, "mask-rcnn takes resnet18, resnet34"),
        ({"norm": "sync"}, "mask-rcnn takes frozen"),
        ({"weights": "none.pth"}, "no such file"),
    ],
)
def test_refusals(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        make(**changes)
    assert "\n" not in str(caught.value)
