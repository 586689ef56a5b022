"""The pixel decoder's shapes, precision and initial state."""

import math

import torch

from gdsweep.config import ModelSettings
from gdsweep.model.pixel_decoder import PixelDecoder

CHANNELS = (8, 12, 16, 24)


def features(dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    sizes = [(16, 24), (8, 12), (4, 6), (2, 3)]
    return [torch.randn(2, c, h, w, dtype=dtype) for c, (h, w) in zip(CHANNELS, sizes, strict=True)]


def test_shapes(settings: ModelSettings) -> None:
    mask_features, maps = PixelDecoder(CHANNELS, settings)(features())
    assert mask_features.shape == (2, 32, 16, 24)
    assert [tuple(x.shape) for x in maps] == [(2, 32, 2, 3), (2, 32, 4, 6), (2, 32, 8, 12)]


def test_autocast_is_off_inside(settings: ModelSettings) -> None:
    decoder = PixelDecoder(CHANNELS, settings)
    given = features()
    with torch.autocast("cpu", torch.bfloat16):
        inside, _ = decoder(given)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, decoder(given)[0])
    assert decoder(features(torch.bfloat16))[0].dtype == torch.float32


def test_initial_state(settings: ModelSettings) -> None:
    decoder = PixelDecoder(CHANNELS, settings.model_copy(update={"hidden": 256, "heads": 8}))
    assert 0.9 < decoder.level_embed.std() < 1.1
    assert isinstance(decoder.level_embed, torch.nn.Parameter)
    projection = decoder.input_proj[0][0]
    assert projection.bias.abs().sum() == 0
    assert projection.weight.abs().max() <= math.sqrt(6 / (256 + 24))
    assert decoder.mask_features.weight.abs().max() <= math.sqrt(3 / 256)
    assert decoder.layers[0].linear1.weight.abs().max() <= math.sqrt(6 / (256 + 48))
    assert decoder.lateral[0].bias is None
    groups = [m.num_groups for m in decoder.modules() if isinstance(m, torch.nn.GroupNorm)]
    assert groups == [32] * 5
