"""Masked attention, and what the decoder returns."""

import torch

from gdsweep.config import ModelSettings
from gdsweep.model.transformer_decoder import TransformerDecoder, attention_mask


def test_queries_look_inside_their_mask_or_everywhere() -> None:
    features = torch.zeros(1, 2, 2, 3)
    features[0, 0] = torch.tensor([[1.0, -1.0, 1.0], [-1.0, 0.0, -2.0]])
    features[0, 1] = -1.0
    embeddings = torch.eye(2).unsqueeze(0)
    mask = attention_mask(embeddings, features)
    assert mask.dtype == torch.bool
    assert mask[0, 0].tolist() == [True, False, True, False, True, False]
    assert mask[0, 1].all()  # blocked everywhere: opened


def test_no_gradient_through_the_attention_mask() -> None:
    features = torch.randn(1, 4, 2, 2, requires_grad=True)
    assert not attention_mask(torch.randn(1, 3, 4, requires_grad=True), features).requires_grad


def test_one_output_more_than_layers(settings: ModelSettings) -> None:
    decoder = TransformerDecoder(3, settings)
    maps = [torch.randn(2, 32, n, n + 1) for n in (2, 4, 8)]
    outputs = decoder(torch.randn(2, 32, 16, 18), maps)
    assert len(outputs) == settings.decoder_layers + 1
    assert outputs[0].class_logits.shape == (2, 10, 4)
    assert outputs[0].mask_logits.shape == (2, 10, 16, 18)
    # the bare queries know nothing of the image: only their masks differ between images
    assert torch.equal(outputs[0].class_logits[0], outputs[0].class_logits[1])
    assert not torch.equal(outputs[1].class_logits[0], outputs[1].class_logits[1])


def test_without_auxiliary_the_class_head_runs_once(settings: ModelSettings) -> None:
    decoder = TransformerDecoder(3, settings)
    calls = []
    decoder.class_head.register_forward_hook(lambda *_: calls.append(1))
    maps = [torch.randn(1, 32, n, n) for n in (2, 4, 8)]
    assert len(decoder(torch.randn(1, 32, 16, 16), maps, auxiliary=False)) == 1
    assert len(calls) == 1
