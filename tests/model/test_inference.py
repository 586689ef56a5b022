"""From planted queries to scored instances."""

import pytest
import torch
import torch.nn.functional as F

from gdsweep.config import ModelSettings
from gdsweep.model import LayerOutput, Mask2Former, Outputs, inference, predict


def planted(size: tuple[int, int]) -> Outputs:
    """Two rectangles on a 64 x 96 canvas: query 2 is class 1, query 0 is class 0 (less sure)."""
    features = torch.full((1, 2, 16, 24), -10.0)
    features[0, 0, 2:8, 3:9] = 10.0
    features[0, 1, 6:12, 10:18] = 10.0
    embeddings = torch.tensor([[[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]])
    logits = torch.tensor([[[3.0, 0, 0], [0, 0, 9.0], [0, 6.0, 0]]])
    return Outputs([LayerOutput(logits, embeddings, features)], (64, 96), [size])


def test_planted_masks_come_back_at_the_original_size() -> None:
    size, original = (60, 90), (120, 180)
    (found,) = predict(planted(size), [size], [original], detections=2)
    assert found.labels.tolist() == [1, 0]
    assert found.masks.shape == (2, *original)
    wanted = torch.zeros(original, dtype=torch.bool)
    wanted[16:64, 24:72] = True  # stride-4 cells 2..8, 3..9 of the canvas, twice enlarged
    overlap = (found.masks[0] & wanted).sum() / (found.masks[0] | wanted).sum()
    assert overlap > 0.95
    probability = torch.tensor([0.0, 6.0, 0.0]).softmax(0)[1]
    assert 0.9 * probability < found.scores[0] <= probability


def test_score_is_class_probability_times_mean_mask_probability() -> None:
    outputs = planted((64, 96))
    (found,) = predict(outputs, [(64, 96)], [(64, 96)], detections=1)
    logits = F.interpolate(
        outputs.layers[0].mask_logits, (64, 96), mode="bilinear", align_corners=False
    )[0, 2]
    inside = logits > 0
    quality = logits.sigmoid()[inside].mean()
    torch.testing.assert_close(
        found.scores[0], outputs.layers[0].class_logits[0, 2].softmax(0)[1] * quality
    )
    assert torch.equal(found.masks[0], inside)


def test_large_images_are_enlarged_in_smaller_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    size, original = (60, 90), (120, 180)
    (whole,) = predict(planted(size), [size], [original])
    calls = []
    enlarge = inference._enlarge
    monkeypatch.setattr(inference, "_PIXELS", 2 * 120 * 180)
    monkeypatch.setattr(inference, "_enlarge", lambda e, *a: calls.append(len(e)) or enlarge(e, *a))
    (found,) = predict(planted(size), [size], [original])
    assert calls == [2, 1]
    assert torch.equal(found.masks, whole.masks)
    torch.testing.assert_close(found.scores, whole.scores)


def test_no_object_never_is_a_label_and_pairs_may_share_a_mask() -> None:
    (found,) = predict(planted((64, 96)), [(64, 96)], [(64, 96)], detections=100)
    assert len(found.labels) == 6  # 3 queries x 2 classes
    assert found.labels.max() == 1
    assert (found.scores.isfinite()).all()
    assert found.masks.flatten(1).any(1).sum() == 4  # the bare query's mask is empty


def test_same_as_enlarging_everything(settings: ModelSettings) -> None:
    model = Mask2Former(settings.model_copy(update={"queries": 40}), 5).eval()
    images = [torch.rand(3, 50, 64) * 255, torch.rand(3, 64, 40) * 255]
    with torch.no_grad():
        outputs = model(images, auxiliary=False)
    originals = [(75, 96), (64, 40)]
    found = predict(outputs, outputs.sizes, originals, detections=30)
    last = outputs.layers[-1]
    for b, ((h, w), original) in enumerate(zip(outputs.sizes, originals, strict=True)):
        masks = F.interpolate(
            last.mask_logits[b : b + 1], outputs.size, mode="bilinear", align_corners=False
        )[..., :h, :w]
        masks = F.interpolate(masks, original, mode="bilinear", align_corners=False)[0]
        scores, pairs = last.class_logits[b].softmax(-1)[:, :-1].flatten().topk(30)
        chosen = masks[pairs // 5]
        assert torch.equal(found[b].labels, pairs % 5)
        assert ((chosen > 0) != found[b].masks).float().mean() < 1e-4
        inside = chosen > 0
        quality = (chosen.sigmoid() * inside).sum((1, 2)) / (inside.sum((1, 2)) + 1e-6)
        torch.testing.assert_close(found[b].scores, scores * quality, rtol=1e-3, atol=1e-5)
