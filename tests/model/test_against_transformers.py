"""The same weights in Hugging Face transformers' Mask2Former give the same numbers."""

import re
from typing import Any

import pytest
import torch
from torch import Tensor

from gdsweep.config import LossSettings, ModelSettings
from gdsweep.interop.names import Table, names_of
from gdsweep.interop.tensors import renamed
from gdsweep.interop.transformers_names import HEAD, RESNET, SWIN_IN_MEMORY
from gdsweep.model import Criterion, Mask2Former, Normaliser

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

QUERIES, CLASSES, LAYERS = 7, 3, 5
LOSS = LossSettings(points=200)
SIZES = {"resnet18": (64, 96), "swin_tiny_patch4_window7_224": (64, 96)}


def table(model: Mask2Former) -> Table:
    """Their names of our tensors, as transformers 5 has them in memory."""
    swin = "backbone.net.patch_embed.norm.weight" in model.state_dict()
    return (*HEAD, *(SWIN_IN_MEMORY if swin else RESNET))


def backbone_config(backbone: str) -> Any:
    stages = ["stage1", "stage2", "stage3", "stage4"]
    if backbone == "resnet18":
        return transformers.ResNetConfig(
            embedding_size=64,
            hidden_sizes=[64, 128, 256, 512],
            depths=[2, 2, 2, 2],
            layer_type="basic",
            out_features=stages,
        )
    return transformers.SwinConfig(
        depths=[2, 2, 6, 2], drop_path_rate=0.0, out_features=stages, attn_implementation="eager"
    )


@pytest.fixture
def pair(request: Any) -> tuple[Mask2Former, Any, list[Tensor]]:
    """Our model, theirs with our weights, and two images."""
    backbone = request.param
    ours = Mask2Former(
        ModelSettings(
            backbone=backbone,
            weights="random",
            norm="batch",
            hidden=32,
            heads=4,
            queries=QUERIES,
            encoder_layers=2,
            encoder_feedforward=48,
            decoder_layers=LAYERS - 1,
            decoder_feedforward=40,
        ),
        CLASSES,
    )
    with torch.no_grad():
        for name, parameter in ours.named_parameters():
            # the initial zeros and ones would hide a mix-up
            if "bias" in name or "norm" in name or "attention_weights" in name:
                parameter.add_(0.1 * torch.randn_like(parameter))
    config = transformers.Mask2FormerConfig(
        backbone_config=backbone_config(backbone),
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        num_attention_heads=4,
        num_queries=QUERIES,
        encoder_layers=2,
        encoder_feedforward_dim=48,
        decoder_layers=LAYERS,
        dim_feedforward=40,
        num_labels=CLASSES,
        train_num_points=LOSS.points,
        output_auxiliary_logits=True,
    )
    theirs = transformers.Mask2FormerForUniversalSegmentation(config)
    state = renamed(ours.state_dict(), table(ours), "transformers")
    result = theirs.load_state_dict(state, strict=False)
    assert not result.unexpected_keys
    unset = [k for k in result.missing_keys if not re.search(r"swin\.layernorm|empty_weight", k)]
    assert all("relative_position_index" in key for key in unset), unset
    images = [torch.randint(0, 256, (3, *SIZES[backbone]), dtype=torch.uint8) for _ in range(2)]
    return ours.eval(), theirs.eval(), images


def targets(height: int, width: int, scene: Any) -> list[Any]:
    boxes = [(0, 3, 5, 40, 30), (2, 20, 20, 64, 60), (1, 0, 50, 30, width)]
    return [scene(boxes, height, width), scene(boxes[1:2], height, width)]


def assert_close(ours: Tensor, theirs: Tensor, relative: float = 1e-5, least: float = 0) -> None:
    # relative to the largest value, or to `least` where all values are rounding of zero
    error = (ours - theirs).abs().max() / theirs.abs().max().clamp(min=least)
    assert error <= relative, f"relative error {error:.2e}"


@pytest.mark.parametrize("pair", SIZES, indirect=True)
def test_every_layers_logits_and_masks(pair: Any) -> None:
    ours, theirs, images = pair
    with torch.no_grad():
        found = ours(images)
        wanted = theirs(pixel_values=ours.batch(images))
    layers = [*wanted.auxiliary_logits, wanted]
    assert len(found.layers) == len(layers) == LAYERS
    for mine, other in zip(found.layers, layers, strict=True):
        assert_close(mine.class_logits, other["class_queries_logits"])
        assert_close(mine.mask_logits, other["masks_queries_logits"])


@pytest.mark.parametrize("pair", ["resnet18"], indirect=True)
def test_last_layer_alone_is_the_same(pair: Any) -> None:
    ours, _, images = pair
    with torch.no_grad():
        every, last = ours(images), ours(images, auxiliary=False)
    assert len(last.layers) == 1
    assert torch.equal(last.layers[0].class_logits, every.layers[-1].class_logits)
    assert torch.equal(last.layers[0].mask_logits, every.layers[-1].mask_logits)


@pytest.mark.parametrize("pair", ["resnet18"], indirect=True)
def test_losses_and_gradients_at_equal_points(
    pair: Any, scene: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs, images = pair
    wanted = targets(*images[0].shape[-2:], scene)
    drawn: dict[int, list[Tensor]] = {0: [], 1: []}

    def draw(image: int, sets: int, points: int) -> Tensor:
        drawn[image].append(torch.rand(sets, points, 2))
        return drawn[image][-1]

    outputs = ours(images)
    normaliser = Normaliser.of([3, 1], QUERIES, LOSS.no_object)
    losses = Criterion(CLASSES, LOSS)(outputs, wanted, normaliser, draw)
    torch.stack(list(losses.values())).sum().backward()

    # they ask layer by layer, the last one first
    order = [LAYERS - 1, *range(LAYERS - 1)]
    replay = []
    for layer in order:
        replay += [drawn[b][0] for b in (0, 1)]
        for use in (1, 2):
            sets = [drawn[b][use].unflatten(0, (LAYERS, -1))[layer] for b in (0, 1)]
            replay.append(torch.cat(sets))
    answers = iter(replay)

    def replayed(*shape: int, **_: Any) -> Tensor:
        answer = next(answers)
        assert answer.shape == shape
        return answer

    monkeypatch.setattr(torch, "rand", replayed)
    aside: dict[str, Tensor] = {}
    get = theirs.get_loss_dict
    monkeypatch.setattr(
        theirs, "get_loss_dict", lambda **given: aside.update(get(**given)) or dict(aside)
    )
    result = theirs(
        pixel_values=ours.batch(images),
        mask_labels=[target.masks.float() for target in wanted],
        class_labels=[target.labels for target in wanted],
    )
    result.loss.backward()
    monkeypatch.undo()
    assert next(answers, None) is None

    assert set(losses) == {key.replace("cross_entropy", "ce") for key in aside}
    for key, value in aside.items():
        assert_close(losses[key.replace("cross_entropy", "ce")], value)
    others = dict(theirs.named_parameters())
    largest = max(float(p.grad.abs().max()) for p in ours.parameters() if p.grad is not None)
    for name, parameter in ours.named_parameters():
        names = names_of(name, table(ours))
        grad = torch.cat([others[key].grad for key in names])
        assert_close(parameter.grad, grad, 1e-3, least=1e-3 * largest)
