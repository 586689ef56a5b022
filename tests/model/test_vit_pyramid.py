"""Plain vision transformers as backbones."""

import copy
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torch.nn.functional as F

from gdsweep.config import LossSettings, ModelSettings
from gdsweep.errors import BadInput
from gdsweep.model import Criterion, Mask2Former, Normaliser
from gdsweep.model.vit import is_vit
from gdsweep.model.vit_pyramid import ViTPyramid, tokens_of

PATCH_14 = "vit_small_patch14_reg4_dinov2"  # with registers


def make(name: str = "test_vit", **changes: Any) -> ViTPyramid:
    return ViTPyramid(ModelSettings(backbone=name, **{"weights": "random", **changes})).eval()


@pytest.mark.parametrize("name", ["test_vit", "test_vit2", PATCH_14, "eva02_tiny_patch14_224"])
def test_maps_at_four_strides(name: str) -> None:
    backbone = make(name)
    maps = backbone(torch.randn(2, 3, 64, 96))
    sizes = [(64 // s, 96 // s) for s in (4, 8, 16, 32)]
    assert backbone.channels == (128, 256, 512, 1024)
    assert [tuple(x.shape) for x in maps] == [
        (2, c, h, w) for c, (h, w) in zip(backbone.channels, sizes, strict=True)
    ]


def test_which_names_are_plain_transformers() -> None:
    vits = [
        "vit_base_patch14_dinov2.lvd142m",
        "vit_large_patch14_dinov2.lvd142m",
        "deit_base_patch16_384.fb_in1k",
        "deit_base_distilled_patch16_384",
        "vit_base_patch16_dinov3",
    ]
    assert all(map(is_vit, vits))
    others = ["resnet50", "swin_base_patch4_window12_384", "maxvit_tiny_rw_224", "no_such_model"]
    assert not any(map(is_vit, others))


def test_whole_patches() -> None:
    """Patch 14 as the public code (Cityscapes 512 x 1024, COCO 1024), patch 16 as it is."""
    assert [tokens_of(side, 14) for side in (512, 1024)] == [37, 74]
    assert tokens_of(1344, 14) == 97  # the code adds a whole patch where 14 divides, too
    assert [tokens_of(side, patch) for side in (96, 1024) for patch in (8, 16, 32)] == [
        *(12, 6, 3),
        *(128, 64, 32),
    ]


@pytest.mark.parametrize("name", ["test_vit", PATCH_14])
def test_tokens_are_the_last_layers_normalised_patches(name: str) -> None:
    backbone = make(name)
    images = torch.randn(1, 3, 64, 96)
    tokens = backbone.tokens(images)[-1]
    seen = []
    backbone.net.norm.register_forward_hook(lambda *call: seen.append(call[2]))
    backbone.tokens(images)
    (after_norm,) = seen
    prefix = backbone.net.num_prefix_tokens
    assert prefix == (1 if name == "test_vit" else 5)  # class token, and four registers
    assert after_norm.shape[1] == prefix + tokens.shape[-2] * tokens.shape[-1]
    torch.testing.assert_close(tokens.flatten(2).mT, after_norm[:, prefix:])


def test_position_embeddings_are_interpolated() -> None:
    backbone = make()
    with torch.no_grad():
        backbone.net.pos_embed.normal_()
    assert backbone.net.pos_embed.shape[1] == 1 + 10 * 10  # of 160 pixels
    trained = backbone.tokens(torch.zeros(1, 3, 160, 160))[-1]
    assert tuple(trained.shape[-2:]) == (10, 10)
    other = backbone.tokens(torch.zeros(1, 3, 64, 224))[-1]
    assert tuple(other.shape[-2:]) == (4, 14)
    # without an image only positions tell tokens apart
    assert other.flatten(2).std(-1).mean() > 0.1


@pytest.mark.parametrize("name", ["test_vit", PATCH_14, "vit_tiny_patch16_224"])
@pytest.mark.parametrize("how", ["bicubic", "bilinear"])
def test_positions_as_the_public_code_has_them(how: str, name: str) -> None:
    """The same tokens as a timm network that is built with the resized table."""
    backbone = make(name, vit_positions=how)
    with torch.no_grad():
        backbone.net.pos_embed.normal_()
    patch = backbone.patch[0]
    images = torch.randn(1, 3, 4 * patch, 7 * patch)
    copied = copy.deepcopy(backbone)
    found = copied.net.forward_intermediates(images, indices=1, norm=True, intermediates_only=True)
    fixed = timm.create_model(name, img_size=(4 * patch, 7 * patch), num_classes=0).eval()
    state = backbone.net.state_dict()
    side = backbone.net.patch_embed.grid_size[0]
    first, table = state["pos_embed"].split([len(state["pos_embed"][0]) - side**2, side**2], 1)
    maps = table.unflatten(1, (side, side)).permute(0, 3, 1, 2)
    if how == "bicubic":  # DINOv2: by a factor of a tenth of a patch more
        factors = (4.1 / side, 7.1 / side)
        maps = F.interpolate(maps, scale_factor=factors, mode="bicubic", antialias=False)
    else:
        maps = F.interpolate(maps, size=(4, 7), mode="bilinear")
    state["pos_embed"] = torch.cat([first, maps.flatten(2).mT], 1)
    fixed.load_state_dict(state)
    (expected,) = fixed.forward_intermediates(images, indices=1, norm=True, intermediates_only=True)
    torch.testing.assert_close(found[0], expected)
    # a copy is a network of its own: a teacher must not read its student's table
    with torch.no_grad():
        copied.net.pos_embed.zero_()
    again = backbone.net.forward_intermediates(
        images, indices=1, norm=True, intermediates_only=True
    )
    torch.testing.assert_close(again[0], expected)
    found[0].sum().backward()
    assert copied.net.pos_embed.grad is not None


def test_ways_to_place_tokens_differ_only_between_sizes() -> None:
    networks = [make(vit_positions=how) for how in ("antialias", "bicubic", "bilinear")]
    for network in networks[1:]:
        network.load_state_dict(networks[0].state_dict())
    own, other = torch.randn(1, 3, 160, 160), torch.randn(1, 3, 64, 96)
    whole = [network.tokens(own)[-1] for network in networks]
    assert torch.equal(whole[0], whole[1])
    assert torch.equal(whole[0], whole[2])
    timms, dinov2s, deits = (network.tokens(other)[-1] for network in networks)
    assert not torch.equal(timms, dinov2s)
    assert not torch.equal(timms, deits)
    assert not torch.equal(dinov2s, deits)


@pytest.mark.parametrize("resize", ["nearest", "bilinear"])
@pytest.mark.parametrize("size", [(64, 96), (128, 32)])
@pytest.mark.parametrize("name", ["test_vit", PATCH_14])
def test_convolving_first_is_equal(resize: str, size: tuple[int, int], name: str) -> None:
    """The paper and the code resize, then convolve. Equal at every pixel, the border's included."""
    backbone = make(name, vit_resize=resize).double()
    images = torch.randn(1, 3, *size, dtype=torch.float64)
    tokens = backbone.tokens(images)[-1]
    options: dict[str, Any] = {"mode": resize}
    if resize == "bilinear":
        options["align_corners"] = False
    for stride, adapter, found in zip(
        (4, 8, 16, 32), backbone.adapters, backbone(images), strict=True
    ):
        resized = F.interpolate(tokens, (size[0] // stride, size[1] // stride), **options)
        torch.testing.assert_close(found, adapter(resized), rtol=0, atol=1e-12)


def test_nearest_and_bilinear_differ() -> None:
    torch.manual_seed(1)
    code = make(PATCH_14)
    paper = make(PATCH_14, vit_resize="bilinear")
    paper.load_state_dict(code.state_dict())
    images = torch.randn(1, 3, 64, 96)
    # the image's own resize differs too, not only the tokens'
    assert (code.tokens(images)[-1] - paper.tokens(images)[-1]).abs().max() > 0.01
    assert (code(images)[0] - paper(images)[0]).abs().max() > 0.01


def test_everything_learns(scene: Any, settings: ModelSettings) -> None:
    model = one_step(settings.model_copy(update={"backbone": "test_vit"}), scene)
    assert [n for n, p in model.named_parameters() if p.grad is None] == []


def test_frozen_transformer_with_learning_adapters(scene: Any, settings: ModelSettings) -> None:
    changes = {"backbone": "test_vit", "freeze_backbone": True}
    model = one_step(settings.model_copy(update=changes), scene)
    assert not any(p.requires_grad for p in model.backbone.net.parameters())
    assert not any(m.training for m in model.backbone.net.modules())
    assert model.backbone.training
    assert all(p.grad is not None for p in model.backbone.adapters.parameters())
    names = {
        n.split(".")[1]
        for n, p in model.backbone.named_parameters("backbone")
        if p.grad is not None
    }
    assert names == {"adapters"}  # below `backbone`: at the backbone's learning rate


def one_step(settings: ModelSettings, scene: Any) -> Mask2Former:
    model = Mask2Former(settings, 3).train()
    outputs = model([torch.randint(0, 256, (3, 64, 96), dtype=torch.uint8)])
    target = scene([(1, 5, 5, 40, 40)], 64, 96)
    criterion = Criterion(3, LossSettings(points=49))
    losses = criterion(outputs, [target], Normaliser.of([1], settings.queries, 0.1))
    torch.stack(list(losses.values())).sum().backward()
    return model


def test_drop_path() -> None:
    net = make(drop_path=0.3).net
    rates = [m.drop_prob for m in net.modules() if type(m).__name__ == "DropPath"]
    assert max(rates) == pytest.approx(0.3)


def test_weights_from_a_classifiers_file(tmp_path: Path) -> None:
    classifier = timm.create_model("test_vit")
    path = tmp_path / "weights.pth"
    torch.save(classifier.state_dict(), path)
    backbone = make(weights=str(path))
    image = torch.randn(1, 3, 160, 160)
    wanted = classifier.eval().forward_features(image)[:, 1:]
    torch.testing.assert_close(
        backbone.tokens(image)[-1].flatten(2).mT, wanted, rtol=1e-4, atol=1e-5
    )


def test_a_file_of_another_image_size_is_resampled_as_timm_does(tmp_path: Path) -> None:
    torch.manual_seed(1)
    small = timm.create_model("test_vit", img_size=64)
    path = tmp_path / "weights.pth"
    torch.save(small.state_dict(), path)
    table = make(weights=str(path)).net.pos_embed
    assert table.shape[1] == 1 + 10 * 10
    assert torch.equal(table[:, 0], small.pos_embed[:, 0])
    wanted = timm.layers.resample_abs_pos_embed(small.pos_embed, (10, 10), (4, 4))
    torch.testing.assert_close(table, wanted)


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="timm's test_vit has no weights 'in1q'"):
        make("test_vit.in1q")
    path = tmp_path / "weights.pth"
    torch.save(timm.create_model("test_vit2").state_dict(), path)
    with pytest.raises(BadInput, match=r"does not fit test_vit: it misses"):
        make(weights=str(path))
    with pytest.raises(BadInput, match="vit_positions: eva02_tiny_patch14_224 has no plain table"):
        make("eva02_tiny_patch14_224", vit_positions="bicubic")


def test_maps_of_chosen_blocks() -> None:
    settings = {"backbone": "test_vit", "weights": "random"}
    torch.manual_seed(0)
    last = ViTPyramid(ModelSettings.model_validate(settings)).eval()
    torch.manual_seed(0)
    chosen = ViTPyramid(ModelSettings.model_validate({**settings, "vit_layers": [2, 4, 5, 6]}))
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        every = chosen.eval().net.forward_intermediates(
            images, indices=[1, 3, 4, 5], norm=True, intermediates_only=True
        )
        tokens = chosen.tokens(images)
        maps = chosen(images)
        assert all(torch.equal(one, other) for one, other in zip(tokens, every, strict=True))
        assert torch.equal(tokens[-1], last.tokens(images)[-1])
        assert torch.equal(maps[-1], last(images)[-1])
        assert not torch.equal(maps[0], last(images)[0])


def test_a_block_that_is_not_there_is_told() -> None:
    values = {"backbone": "test_vit", "weights": "random", "vit_layers": [2, 4, 6, 24]}
    with pytest.raises(BadInput, match="vit_layers: 24 of the 6 blocks test_vit has"):
        ViTPyramid(ModelSettings.model_validate(values))
