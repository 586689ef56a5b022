"""From queries to scored instances (Mask2Former's instance inference)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from gdsweep.model.outputs import Outputs, dot_masks

_CHUNK, _PIXELS = 16, 2**26  # masks, and their pixels, enlarged at a time: bounds memory


@dataclass(frozen=True)
class Predictions:
    """Instances found in one image, by descending class probability."""

    labels: Tensor
    """Long [n] in 0..C-1."""
    scores: Tensor
    """[n]: class probability times mean mask probability inside the mask."""
    masks: Tensor
    """Bool [n, H, W] at the original image's size; a mask may be empty (score 0)."""


@torch.no_grad()
def predict(
    outputs: Outputs,
    sizes: Sequence[tuple[int, int]],
    original_sizes: Sequence[tuple[int, int]],
    detections: int = 100,
) -> list[Predictions]:
    """The last layer's most probable (query, class) pairs of each image.

    No suppression and no threshold: one mask may appear under several classes, as in the original.
    Only masks of kept pairs are enlarged, each once.

    Args:
        outputs: of a network of queries.
        sizes: (height, width) of each image as the network saw it, before padding.
        original_sizes: (height, width) to which masks are resized.
        detections: pairs kept per image.
    """
    last = outputs.layers[-1]
    probabilities = last.class_logits.float().softmax(-1)[..., :-1]
    classes = probabilities.shape[-1]
    found = []
    for b, (size, original) in enumerate(zip(sizes, original_sizes, strict=True)):
        flat = probabilities[b].flatten()
        scores, pairs = flat.topk(min(detections, len(flat)))
        queries, place = pairs.div(classes, rounding_mode="floor").unique(return_inverse=True)
        chunk = max(1, min(_CHUNK, _PIXELS // (original[0] * original[1])))
        embeddings = last.mask_embeddings[b, queries].split(chunk)
        parts = [
            _enlarge(chunk, last.mask_features[b], outputs.size, size, original)
            for chunk in embeddings
        ]
        masks = torch.cat([part[0] for part in parts])
        quality = torch.cat([part[1] for part in parts])
        found.append(Predictions(pairs % classes, scores * quality[place], masks[place]))
    return found


def _enlarge(
    embeddings: Tensor,
    features: Tensor,
    canvas: tuple[int, int],
    size: tuple[int, int],
    original: tuple[int, int],
) -> tuple[Tensor, Tensor]:
    # binary masks [n, H, W] of the original size, and mean probability inside each, [n]
    logits = dot_masks(embeddings.unsqueeze(0), features.unsqueeze(0))
    logits = F.interpolate(logits, canvas, mode="bilinear", align_corners=False)
    logits = logits[..., : size[0], : size[1]]
    if size != original:
        logits = F.interpolate(logits, original, mode="bilinear", align_corners=False)
    logits = logits.squeeze(0)
    masks = logits > 0
    inside = (logits.sigmoid() * masks).sum((1, 2))
    return masks, inside / (masks.sum((1, 2)) + 1e-6)
