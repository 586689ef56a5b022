"""The pixel decoder's shapes, precision and initial state."""

import math
from typing import Any

import pytest
import torch

from gdsweep.config import ModelSettings
from gdsweep.model import deformable_attention
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


def test_under_autocast_only_sampling_locations_are_in_single_precision(
    settings: ModelSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    halved = settings.model_copy(update={"pixel_decoder_precision": "autocast"})
    decoder = PixelDecoder(CHANNELS, halved)
    given = features()
    exact, _ = decoder(given)
    types: dict[str, set[torch.dtype]] = {"values": set(), "locations": set()}
    sample = deformable_attention.deformable_attention

    def seen(value: Any, shapes: Any, locations: Any, *others: Any) -> torch.Tensor:
        types["values"].add(value.dtype)
        types["locations"].add(locations.dtype)
        return sample(value, shapes, locations, *others)

    monkeypatch.setattr(deformable_attention, "deformable_attention", seen)
    with torch.autocast("cpu", torch.bfloat16):
        found, _ = decoder(given)
    assert types == {"values": {torch.bfloat16}, "locations": {torch.float32}}
    assert found.dtype == torch.bfloat16
    assert (found - exact).abs().max() < 0.05 * exact.abs().max()
    found.float().sum().backward()
    assert decoder.layers[0].attention.sampling_offsets.weight.grad.isfinite().all()


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
