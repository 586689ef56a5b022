"""EoMT against transformers' with the same weights, its mask annealing, and its queries."""

from typing import Any

import pytest
import torch
from transformers import EomtConfig, EomtForUniversalSegmentation

from gdsweep.config import ModelSettings
from gdsweep.errors import BadInput
from gdsweep.interop.eomt_names import HEAD, VIT
from gdsweep.interop.tensors import renamed
from gdsweep.model import build_network
from gdsweep.model.eomt import EoMT, _unrotated, mask_shares

CLASSES, QUERIES, SIDE = 5, 7, 96


def network(**changes: Any) -> EoMT:
    values = {
        "architecture": "eomt",
        "backbone": "vit_small_patch14_reg4_dinov2",
        "weights": "random",
        "queries": QUERIES,
        "vit_grid": SIDE // 16,
    }
    torch.manual_seed(0)
    made = build_network(ModelSettings.model_validate({**values, **changes}), CLASSES)
    assert isinstance(made, EoMT)
    return made


def theirs(ours: EoMT) -> EomtForUniversalSegmentation:
    """transformers' network with the weights of ours."""
    config = EomtConfig(
        hidden_size=384, num_hidden_layers=12, num_attention_heads=6, image_size=SIDE,
        num_queries=QUERIES, num_labels=CLASSES, num_blocks=4, layerscale_value=1e-5,
    )  # fmt: skip
    other = EomtForUniversalSegmentation(config)
    state = renamed(ours.state_dict(), (*HEAD, *VIT), "transformers' EoMT")
    state["embeddings.position_embeddings.weight"] = state[
        "embeddings.position_embeddings.weight"
    ].squeeze(0)
    missing, unknown = other.load_state_dict(state, strict=False)
    assert (missing, unknown) == (["criterion.empty_weight"], [])
    return other


def everywhere_different(model: EoMT) -> EoMT:
    """Layer scales that let the blocks matter, and weights without a special value."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "gamma" in name or name.endswith(("cls_token", "reg_token", "pos_embed")):
                value.uniform_(-0.5, 0.5)
            if name.endswith("qkv.weight"):
                value.mul_(10)
    return model


@pytest.mark.parametrize("done", [0.0, 1.0])
def test_logits_and_masks_equal_transformers(done: float) -> None:
    ours = everywhere_different(network()).eval()
    ours.advance(done)
    images = [torch.randint(0, 256, (3, SIDE, SIDE)).float() for _ in range(2)]
    with torch.no_grad():
        found = ours(images, auxiliary=False)
        wanted = theirs(ours).eval()(pixel_values=ours.batch(images))
    (last,) = found.layers
    for mine, other in (
        (last.class_logits, wanted.class_queries_logits),
        (last.mask_logits, wanted.masks_queries_logits),
    ):
        assert mine.shape == other.shape
        assert (mine - other).abs().max() <= 1e-5 * other.abs().max()


def test_masks_matter_and_every_supervised_layer_is_returned() -> None:
    model = everywhere_different(network()).eval()
    image = torch.randint(0, 256, (3, SIDE, SIDE)).float()
    with torch.no_grad():
        masked = model([image])
        model.advance(1.0)
        free = model([image])
    assert len(masked.layers) == len(free.layers) == 5
    assert torch.equal(masked.layers[0].class_logits, free.layers[0].class_logits)
    assert not torch.allclose(masked.layers[-1].class_logits, free.layers[-1].class_logits)


def test_annealing_follows_the_public_configurations_steps() -> None:
    # 12 epochs of COCO at batch 16: block 0 falls from step 14,782 to 29,564, block 3 to 73,910
    horizon = 88_692
    assert mask_shares(14_782 / horizon, 4) == [1, 1, 1, 1]
    half = mask_shares(22_173 / horizon, 4)
    assert half[0] == pytest.approx(0.5**0.9)
    assert half[1:] == [1, 1, 1]
    assert mask_shares(29_565 / horizon, 4)[0] == 0
    assert mask_shares(73_910 / horizon, 4) == pytest.approx([0, 0, 0, 0], abs=1e-9)
    assert mask_shares(0.0, 3) == [1, 1, 1]


def test_a_network_in_training_frees_as_many_queries_as_annealing_says() -> None:
    model = network(backbone="test_vit").train()
    model.advance(1.5 / 6)  # block 0 is half way
    image = torch.rand(3, SIDE, SIDE) * 255
    found = model._predicted(_tokens(model, image), (6, 6))
    before = QUERIES + 1
    blind = torch.full_like(found.mask_embeddings, 0)
    nothing = type(found)(found.class_logits, blind, found.mask_features)
    torch.manual_seed(3)
    seen = [model._mask(nothing, (6, 6), 0.5)[0, 0, :QUERIES, before:] for _ in range(200)]
    free = torch.stack([one.all(-1) for one in seen]).float().mean()
    assert 0.4 < float(free) < 0.6
    assert all(bool((one.all(-1) | ~one.any(-1)).all()) for one in seen)
    model.eval()
    assert not model._mask(nothing, (6, 6), 0.5)[0, 0, :QUERIES, before:].any()


def _tokens(model: EoMT, image: torch.Tensor) -> torch.Tensor:
    tokens, _ = model._embedded(model.batch([image]))
    return torch.cat([model.queries.weight.expand(1, -1, -1), tokens], 1)


def test_the_shares_are_part_of_the_weights() -> None:
    model, other = network(backbone="test_vit"), network(backbone="test_vit")
    model.advance(0.5)
    other.load_state_dict(model.state_dict())
    assert other.shares == pytest.approx(mask_shares(0.5, 4))
    always = network(backbone="test_vit", masked_attention="always")
    always.advance(1.0)
    assert always.shares == [1, 1, 1, 1]


def test_rotary_positions_turn_patches_and_no_query() -> None:
    """With queries that nobody sees, the patches are what the ViT alone makes of them."""
    dinov3 = network(backbone="vit_small_patch16_dinov3", vit_grid=None)
    model = everywhere_different(dinov3).eval()
    image = torch.randint(0, 256, (3, 64, 96)).float()
    tokens, rope = model._embedded(model.batch([image]))
    assert rope is not None
    count = QUERIES
    joined = torch.cat([model.queries.weight.expand(1, -1, -1), tokens], 1)
    mask = torch.ones(1, 1, joined.shape[1], joined.shape[1], dtype=torch.bool)
    mask[..., count:, :count] = False
    with torch.no_grad():
        block = model.backbone.blocks[-1]
        alone = model._through(block, tokens, rope, None)
        both = model._through(block, joined, _unrotated(rope, count), mask)
        plain = model._through(block, joined, None, mask)
    torch.testing.assert_close(both[:, count:], alone, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(plain[:, count:], alone, atol=1e-3)


def test_gradients_reach_queries_and_a_fixed_transformer_has_none() -> None:
    model = network(backbone="test_vit", freeze_backbone=True).train()
    outputs = model([torch.rand(3, 64, 96) * 255])
    sum(layer.mask_logits.mean() + layer.class_logits.mean() for layer in outputs.layers).backward()
    assert model.queries.weight.grad is not None
    assert all(parameter.grad is None for parameter in model.backbone.parameters())
    assert not model.backbone.training


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"backbone": "test_resnet"}, "no plain vision transformer"),
        ({"backbone": "test_vit", "query_blocks": 40}, "query_blocks: 40 of the 6 blocks"),
    ],
)
def test_what_cannot_be_built_is_told(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput, match=says):
        network(**changes)
