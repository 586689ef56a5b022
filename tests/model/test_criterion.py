"""The loss of eq. (1) and its normalisation, eq. (2)."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from gdsweep.config import LossSettings, ModelSettings
from gdsweep.model import (
    Criterion,
    LayerOutput,
    Mask2Former,
    Normaliser,
    Outputs,
    seeded_points,
)

LOSS = LossSettings(points=150)
CLASSES, QUERIES = 3, 10


def total(losses: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(losses.values())).sum()


def images(*sizes: tuple[int, int]) -> list[Tensor]:
    return [torch.randint(0, 256, (3, h, w), dtype=torch.uint8) for h, w in sizes]


def test_normaliser() -> None:
    found = Normaliser.of([3, 0, 12], queries=10, no_object=0.1)
    assert found.masks == 15
    assert found.class_weights == (pytest.approx(13 + 17 * 0.1),) * 3
    assert Normaliser.of([0, 0], 10, 0.1).masks == 1
    assert found.of_images([2]) == Normaliser(15, found.class_weights[:1])


def test_normaliser_in_groups() -> None:
    """Image k is in group k modulo their number; the public code's process of that rank."""
    found = Normaliser.of([3, 0, 1, 1], queries=10, no_object=0.1, groups=2)
    assert found.masks == 5
    first, second = 2 * (4 + 16 * 0.1), 2 * (1 + 19 * 0.1)
    assert found.class_weights == pytest.approx((first, second, first, second))
    assert found.of_images([1, 2]).class_weights == pytest.approx((second, first))
    # three labels on eight processes: the loss is 8 / 3 of what it is on one
    assert Normaliser.of([1, 2] + [0] * 14, 100, 0.1, groups=8).masks == 8
    assert Normaliser.of([0, 1], 10, 0.1, groups=8) == Normaliser.of([0, 1], 10, 0.1, groups=2)


def test_groups_are_the_public_codes_processes(settings: ModelSettings, scene: Any) -> None:
    """Mask2Former's own rule, process by process: each divides by what it has, then the mean."""
    model = Mask2Former(settings, CLASSES).eval()
    batch = images((64, 64), (64, 64), (64, 64), (64, 64))
    boxes = [(0, 3, 3, 30, 30)]
    targets = [scene(boxes[:n], 64, 64) for n in (1, 0, 0, 0)]
    criterion, cpu, processes = Criterion(CLASSES, LOSS), torch.device("cpu"), 2
    counts = [len(target.labels) for target in targets]

    def losses(chosen: list[int], normaliser: Normaliser) -> dict[str, Tensor]:
        draw = seeded_points([10 + place for place in chosen], cpu)
        own = [targets[place] for place in chosen]
        return criterion(model([batch[place] for place in chosen]), own, normaliser, draw)

    whole = losses([0, 1, 2, 3], Normaliser.of(counts, QUERIES, LOSS.no_object, processes))
    masks = max(sum(counts) / processes, 1)  # the mean number of targets, at least one
    for name, value in whole.items():
        parts = []
        for chosen in ([0, 2], [1, 3]):
            matched = sum(counts[place] for place in chosen)
            weight = matched + (2 * QUERIES - matched) * LOSS.no_object
            own = losses(chosen, Normaliser(masks, (weight, weight)))
            parts.append(own[name])
        torch.testing.assert_close(value, sum(parts) / processes, rtol=1e-4, atol=1e-6)


def test_targets_without_a_pixel_count_and_teach(settings: ModelSettings, scene: Any) -> None:
    """Instances outside the crop, as the public code has them: a query of that class, no mask."""
    model = Mask2Former(settings, CLASSES)
    seen = scene([(0, 3, 3, 30, 30)], 64, 64)
    both = scene([(0, 3, 3, 30, 30), (1, 0, 0, 0, 0)], 64, 64)
    assert not both.masks[1].any()
    outputs = model(images((64, 64)))
    cpu = torch.device("cpu")
    normaliser = Normaliser.of([2], QUERIES, LOSS.no_object)
    losses = Criterion(CLASSES, LOSS)(outputs, [both], normaliser, seeded_points([1], cpu))
    assert all(torch.isfinite(value) for value in losses.values())
    total(losses).backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)
    assert normaliser.masks == 2 * Normaliser.of([len(seen.labels)], QUERIES, 0.1).masks


def test_names_and_weights(settings: ModelSettings, scene: Any) -> None:
    model = Mask2Former(settings, CLASSES)
    batch = images((64, 64))
    targets = [scene([(0, 8, 8, 30, 30)], 64, 64)]
    normaliser = Normaliser.of([1], QUERIES, LOSS.no_object)
    outputs = model(batch)
    cpu = torch.device("cpu")
    losses = Criterion(CLASSES, LOSS)(outputs, targets, normaliser, seeded_points([1], cpu))
    suffixes = ["", "_0", "_1", "_2", "_3"]
    names = {f"loss_{kind}{suffix}" for kind in ("ce", "mask", "dice") for suffix in suffixes}
    assert set(losses) == names
    # the matching is the same when all weights are doubled, and so every term doubles
    fields = ("lambda_c", "lambda_ce", "lambda_d")
    doubled = LOSS.model_copy(update={field: 2 * getattr(LOSS, field) for field in fields})
    again = Criterion(CLASSES, doubled)(outputs, targets, normaliser, seeded_points([1], cpu))
    for name, value in losses.items():
        torch.testing.assert_close(again[name], 2 * value)


def test_class_loss_is_the_weighted_mean(scene: Any) -> None:
    logits = torch.randn(2, 4, CLASSES + 1)
    outputs = made(logits, torch.randn(2, 4, 8), torch.randn(2, 8, 16, 16))
    targets = [scene([(2, 0, 0, 30, 30)], 64, 64), scene([], 64, 64)]
    losses = Criterion(CLASSES, LOSS)(outputs, targets, Normaliser.of([1, 0], 4, 0.1))
    weight = torch.tensor([1, 1, 1, 0.1])
    candidates = []
    for query in range(4):
        classes = torch.full((2, 4), CLASSES)
        classes[0, query] = 2
        candidates.append(2 * F.cross_entropy(logits.flatten(0, 1), classes.flatten(), weight))
    assert min(abs(c.item() - losses["loss_ce"].item()) for c in candidates) < 1e-5


def made(class_logits: Tensor, embeddings: Tensor, features: Tensor) -> Outputs:
    height, width = 4 * features.shape[-2], 4 * features.shape[-1]
    layer = LayerOutput(class_logits, embeddings, features)
    return Outputs([layer], (height, width), [(height, width)] * len(class_logits))


def perfect(mask: Tensor) -> Outputs:
    """One query that predicts the stride-4 mask [h, w] with certainty, and one that does not."""
    features = torch.stack([mask.float() * 40 - 20, torch.zeros_like(mask).float()]).unsqueeze(0)
    logits = torch.tensor([[[20.0, 0, 0, 0], [0, 0, 0, 20.0]]])
    return made(logits, torch.eye(2).unsqueeze(0), features)


@pytest.mark.parametrize("resolution", ["full", "quarter", "canvas"])
def test_a_perfect_prediction_costs_nothing(resolution: str, scene: Any) -> None:
    quarter = scene([(0, 4, 4, 12, 12)], 16, 16)
    outputs = perfect(quarter.masks[0])
    target = quarter if resolution == "quarter" else scene([(0, 16, 16, 48, 48)], 64, 64)
    if resolution == "canvas":
        # the image was 60 x 56, the target lives on the padded canvas
        outputs = Outputs(outputs.layers, outputs.size, [(60, 56)])
    losses = Criterion(CLASSES, LOSS.model_copy(update={"points": 2000, "importance": 0.0}))(
        outputs, [target], Normaliser.of([1], 2, 0.1)
    )
    assert losses["loss_ce"] < 1e-3
    # but for a cell's width at the border, where both are interpolated
    assert losses["loss_dice"] < 0.4
    wrong = scene([(0, 0, 0, 4, 4)], 16, 16)
    bad = Criterion(CLASSES, LOSS)(outputs, [wrong], Normaliser.of([1], 2, 0.1))
    assert bad["loss_dice"] > 4


def test_targets_smaller_than_the_canvas_are_padded(settings: ModelSettings, scene: Any) -> None:
    model = Mask2Former(settings, CLASSES)
    outputs = model(images((40, 52), (64, 96)))
    assert outputs.size == (64, 96)
    boxes = [(1, 4, 6, 30, 44)]
    normaliser = Normaliser.of([1, 1], QUERIES, 0.1)
    other = scene([(0, 0, 0, 20, 20)], 64, 96)
    criterion = Criterion(CLASSES, LOSS)

    def loss(first: Any) -> dict[str, Tensor]:
        points = seeded_points([1, 2], torch.device("cpu"))
        return criterion(outputs, [first, other], normaliser, points)

    own, padded = loss(scene(boxes, 40, 52)), loss(scene(boxes, 64, 96))
    for name, value in own.items():
        torch.testing.assert_close(value, padded[name], rtol=1e-5, atol=1e-6)


def test_masks_of_another_size_are_refused(settings: ModelSettings, scene: Any) -> None:
    outputs = Mask2Former(settings, CLASSES)(images((64, 64)))
    with pytest.raises(ValueError, match="30x30 fit neither the image, 64x64"):
        Criterion(CLASSES, LOSS)(
            outputs, [scene([(0, 1, 1, 9, 9)], 30, 30)], Normaliser.of([1], QUERIES, 0.1)
        )


@pytest.mark.parametrize("groups", [1, 2])
def test_micro_batches_sum_to_the_batch(settings: ModelSettings, scene: Any, groups: int) -> None:
    model = Mask2Former(settings, CLASSES).eval()
    batch = images((64, 64), (64, 64), (64, 64))
    boxes = [(0, 3, 3, 30, 30), (2, 20, 10, 60, 50)]
    targets = [scene(boxes, 64, 64), scene([], 64, 64), scene(boxes[:1], 64, 64)]
    normaliser = Normaliser.of([2, 0, 1], QUERIES, LOSS.no_object, groups)
    criterion, cpu = Criterion(CLASSES, LOSS), torch.device("cpu")

    def gradient(parts: list[slice]) -> tuple[dict[str, float], list[Tensor]]:
        model.zero_grad()
        sums: dict[str, float] = {}
        for part in parts:
            draw = seeded_points([11, 12, 13][part], cpu)
            own = normaliser.of_images(range(3)[part])
            losses = criterion(model(batch[part]), targets[part], own, draw)
            total(losses).backward()
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value.item()
        return sums, [p.grad.clone() for p in model.parameters() if p.grad is not None]

    whole, gradients = gradient([slice(0, 3)])
    split, split_gradients = gradient([slice(0, 1), slice(1, 3)])
    assert whole == pytest.approx(split, rel=1e-5)
    largest = max(g.abs().max() for g in gradients)
    for a, b in zip(gradients, split_gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5 * float(largest))


def test_no_targets_leave_a_connected_zero(settings: ModelSettings, scene: Any) -> None:
    model = Mask2Former(settings, CLASSES)
    losses = Criterion(CLASSES, LOSS)(
        model(images((64, 64))), [scene([], 64, 64)], Normaliser.of([0], QUERIES, 0.1)
    )
    assert losses["loss_mask"] == losses["loss_dice"] == losses["loss_mask_2"] == 0
    total(losses).backward()
    missing = [name for name, p in model.named_parameters() if p.grad is None]
    assert missing == []


def test_gradient_reaches_every_parameter(settings: ModelSettings, scene: Any) -> None:
    model = Mask2Former(settings, CLASSES)
    targets = [scene([(0, 3, 3, 30, 30), (2, 20, 10, 60, 50)], 64, 64)]
    losses = Criterion(CLASSES, LOSS)(
        model(images((64, 64))), targets, Normaliser.of([2], QUERIES, 0.1)
    )
    total(losses).backward()
    silent = [
        n for n, p in model.named_parameters() if p.grad is None or not p.grad.isfinite().all()
    ]
    assert silent == []
    # in the first step nothing moves behind timm's residual branches, which start at zero, nor
    # does what only steers the deformable attention, whose weights start at zero
    still = ("backbone.net.layer", "pixel_decoder.level_embed")
    heads = [(n, p) for n, p in model.named_parameters() if not n.startswith(still)]
    dead = [n for n, p in heads if p.grad.abs().sum() == 0]
    assert dead == []


def test_a_nan_reaches_the_loss_without_a_crash(settings: ModelSettings, scene: Any) -> None:
    model = Mask2Former(settings, CLASSES)
    with torch.no_grad():
        model.transformer_decoder.query_features.weight[0, 0] = math.nan
    losses = Criterion(CLASSES, LOSS)(
        model(images((64, 64))), [scene([(1, 3, 3, 30, 30)], 64, 64)], Normaliser.of([1], 10, 0.1)
    )
    assert total(losses).isnan()


def test_autocast_does_not_reach_the_loss(settings: ModelSettings, scene: Any) -> None:
    model = Mask2Former(settings, CLASSES)
    targets = [scene([(1, 3, 3, 30, 30)], 64, 64)]
    with torch.autocast("cpu", torch.bfloat16):
        outputs = model(images((64, 64)))
        losses = Criterion(CLASSES, LOSS)(outputs, targets, Normaliser.of([1], 10, 0.1))
    assert all(value.dtype == torch.float32 for value in losses.values())
    assert outputs.layers[-1].mask_logits.dtype == torch.float32
    total(losses).backward()


def test_unmatched_queries_in_ignored_cells_have_no_class_loss(scene: Any) -> None:
    """Four queries on a 4x4 map: one matched, one more than half, one just half, one empty."""
    masks = torch.full((4, 4, 4), -20.0)
    for query, cells in enumerate((slice(0, 4), slice(1, 4), slice(0, 4), slice(0, 0))):
        masks[query].view(-1)[cells] = 20.0
    logits = torch.randn(1, 4, CLASSES + 1)
    logits[0, 0, 1] = 9.0  # the target's own query
    outputs = made(logits, torch.eye(4)[None], masks[None])
    target = scene([(1, 0, 0, 1, 4)], 4, 4)
    region = torch.zeros(4, 4, dtype=torch.bool)
    region.view(-1)[2:16] = True
    criterion, normaliser = Criterion(CLASSES, LOSS), Normaliser.of([1], 4, 0.1)

    def loss(ignore: list[Tensor] | None) -> dict[str, Tensor]:
        points = seeded_points([1], torch.device("cpu"))
        return criterion(outputs, [target], normaliser, points, ignore)

    weight = torch.tensor([1, 1, 1, 0.1])
    classes = torch.tensor([1, CLASSES, CLASSES, CLASSES])
    terms = F.cross_entropy(logits[0], classes, weight, reduction="none")
    whole, without = loss(None), loss([region])
    scale = LOSS.lambda_c / normaliser.class_weights[0]
    assert whole["loss_ce"].item() == pytest.approx(scale * terms.sum().item(), rel=1e-5)
    kept = terms.sum() - terms[1]  # cells 2 and 3 of 1, 2, 3: more than half
    assert without["loss_ce"].item() == pytest.approx(scale * kept.item(), rel=1e-5)
    for name in ("loss_mask", "loss_dice"):
        assert without[name] == whole[name]
    everywhere = loss([torch.ones(4, 4, dtype=torch.bool)])["loss_ce"]
    kept = terms[0] + terms[3]  # the matched one, and the one without a mask
    assert everywhere.item() == pytest.approx(scale * kept.item(), rel=1e-5)
    assert torch.equal(loss([region & False])["loss_ce"], whole["loss_ce"])


def test_each_layer_and_image_has_its_own_ignored_queries(
    settings: ModelSettings, scene: Any
) -> None:
    model = Mask2Former(settings, CLASSES)
    outputs = model(images((64, 64), (64, 64)))
    targets = [scene([(0, 3, 3, 30, 30)], 64, 64), scene([], 64, 64)]
    normaliser = Normaliser.of([1, 0], QUERIES, LOSS.no_object)
    region = torch.zeros(16, 16, dtype=torch.bool)
    region[:, :8] = True
    points = seeded_points([1, 2], torch.device("cpu"))
    whole = Criterion(CLASSES, LOSS)(outputs, targets, normaliser, points)
    points = seeded_points([1, 2], torch.device("cpu"))
    ignore = [torch.zeros(16, 16, dtype=torch.bool), region]
    part = Criterion(CLASSES, LOSS)(outputs, targets, normaliser, points, ignore)
    weight = torch.tensor([1, 1, 1, LOSS.no_object])
    for name, layer in zip(("_0", "_1", "_2", "_3", ""), outputs.layers, strict=True):
        hard = layer.mask_logits[1] > 0
        inside = 2 * (hard & region).sum((1, 2)) > hard.sum((1, 2))
        terms = F.cross_entropy(
            layer.class_logits[1], torch.full((QUERIES,), CLASSES), weight, reduction="none"
        )
        gone = LOSS.lambda_c * (terms * inside).sum() / normaliser.class_weights[0]
        torch.testing.assert_close(part["loss_ce" + name], whole["loss_ce" + name] - gone)
    total(part).backward()


def test_a_targets_losses_have_its_weight(settings: ModelSettings, scene: Any) -> None:
    """Class and mask losses are linear in the weights; what is unmatched has none."""
    outputs = Mask2Former(settings, CLASSES)(images((64, 64), (64, 64), (64, 64)))
    targets = [
        scene([(0, 3, 3, 30, 30), (2, 20, 10, 60, 50)], 64, 64),
        scene([], 64, 64),
        scene([(1, 9, 9, 40, 30)], 64, 64),
    ]
    normaliser = Normaliser.of([2, 0, 1], QUERIES, LOSS.no_object)

    def loss(*weights: float) -> dict[str, Tensor]:
        each = torch.tensor(weights).float().split([2, 0, 1]) if weights else None
        points = seeded_points([1, 2, 3], torch.device("cpu"))
        return Criterion(CLASSES, LOSS)(outputs, targets, normaliser, points, weights=each)

    whole, none = loss(), loss(0, 0, 0)
    parts = [loss(1, 0, 0), loss(0, 1, 0), loss(0, 0, 1)]
    mixed = loss(0.25, 0.5, 0.75)
    for name, value in whole.items():
        assert torch.equal(loss(1, 1, 1)[name], value)
        own = [part[name] - none[name] for part in parts]
        assert all(one > 0 for one in own)
        expected = none[name] + 0.25 * own[0] + 0.5 * own[1] + 0.75 * own[2]
        torch.testing.assert_close(mixed[name], expected, rtol=1e-4, atol=1e-5)
        assert (none[name] > 0) == name.startswith("loss_ce")
    total(mixed).backward()
