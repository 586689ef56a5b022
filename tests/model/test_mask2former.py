"""The whole model: the paper's size, padding, repeatability."""

import pytest
import torch
from torch import Tensor

from gdsweep.config import LossSettings, ModelSettings
from gdsweep.errors import BadInput
from gdsweep.model import Criterion, Mask2Former, Normaliser


def test_the_papers_size_trains(scene) -> None:  # type: ignore[no-untyped-def]
    model = Mask2Former(ModelSettings(weights="random"), classes=80)
    # 43.97 M: the official Mask2Former R50 for COCO instances, counted by running it
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(43.97e6, abs=0.005e6)
    outputs = model([torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)])
    assert len(outputs.layers) == 10
    assert outputs.layers[-1].mask_logits.shape == (1, 100, 16, 16)
    losses = Criterion(80, LossSettings())(
        outputs, [scene([(7, 5, 5, 40, 50)], 64, 64)], Normaliser.of([1], 100, 0.1)
    )
    assert len(losses) == 30
    torch.stack(list(losses.values())).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_images_are_normalised_then_padded(settings: ModelSettings) -> None:
    model = Mask2Former(settings, 3)
    images = [torch.full((3, 40, 50), 255, dtype=torch.uint8), torch.zeros(3, 30, 70)]
    batch = model.batch(images)
    assert batch.shape == (2, 3, 64, 96)
    torch.testing.assert_close(batch[0, :, :40, :50], torch.ones(3, 40, 50))
    torch.testing.assert_close(batch[1, :, :30, :70], -torch.ones(3, 30, 70))
    assert batch[0, :, 40:].abs().sum() == batch[1, :, :, 70:].abs().sum() == 0
    outputs = model(images)
    assert outputs.size == (64, 96)
    assert outputs.sizes == [(40, 50), (30, 70)]


def test_uint8_and_float_images_agree(settings: ModelSettings) -> None:
    model = Mask2Former(settings, 3).eval()
    image = torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8)
    a, b = model([image]), model([image.float()])
    assert torch.equal(a.layers[-1].class_logits, b.layers[-1].class_logits)


def step(settings: ModelSettings, scene) -> list[Tensor]:  # type: ignore[no-untyped-def]
    torch.manual_seed(7)
    model = Mask2Former(settings, 3)
    images = [torch.randint(0, 256, (3, 64, 64), dtype=torch.uint8) for _ in range(2)]
    targets = [scene([(0, 5, 5, 40, 50), (1, 20, 0, 60, 33)], 64, 64), scene([], 64, 64)]
    losses = Criterion(3, LossSettings(points=300))(
        model(images), targets, Normaliser.of([2, 0], 10, 0.1)
    )
    torch.stack(list(losses.values())).sum().backward()
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    return [*losses.values(), *grads, *model.buffers()]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_step_repeats_bit_for_bit(settings: ModelSettings, scene, threads: int) -> None:  # type: ignore[no-untyped-def]
    torch.set_num_threads(threads)
    first, second = step(settings, scene), step(settings, scene)
    assert len(first) > 100
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_an_image_does_not_depend_on_its_neighbour(settings: ModelSettings) -> None:
    model = Mask2Former(settings, 3).eval()
    images = [torch.rand(3, 64, 64) * 255 for _ in range(2)]
    together, alone = model(images).layers[-1], model(images[1:]).layers[-1]
    torch.testing.assert_close(
        together.class_logits[1], alone.class_logits[0], rtol=1e-4, atol=1e-5
    )


def test_module_types_tell_what_decays(settings: ModelSettings) -> None:
    model = Mask2Former(settings, 3)
    names = dict(model.named_parameters())
    assert "pixel_decoder.level_embed" in names
    embeddings = {n for n, m in model.named_modules() if isinstance(m, torch.nn.Embedding)}
    assert embeddings == {
        "transformer_decoder.query_features",
        "transformer_decoder.query_positions",
        "transformer_decoder.level_embed",
    }
    assert all(n.startswith("backbone.") for n in names if n not in dict(head_parameters(model)))


def head_parameters(model: Mask2Former) -> list[tuple[str, Tensor]]:
    parts = {"pixel_decoder": model.pixel_decoder, "transformer_decoder": model.transformer_decoder}
    return [(f"{k}.{n}", p) for k, m in parts.items() for n, p in m.named_parameters()]


@pytest.mark.parametrize(("hidden", "heads", "word"), [(32, 5, "heads"), (30, 2, "4")])
def test_sizes_that_do_not_divide(
    settings: ModelSettings, hidden: int, heads: int, word: str
) -> None:
    with pytest.raises(BadInput, match=f"model.hidden: {hidden} is not a multiple of .*{word}"):
        Mask2Former(settings.model_copy(update={"hidden": hidden, "heads": heads}), 3)
