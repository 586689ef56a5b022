"""The loss of eq. (1), summed over images and decoder layers, normalised as in eq. (2)."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from gdsweep.config import LossSettings
from gdsweep.model.matcher import assign, matching_cost
from gdsweep.model.outputs import Outputs
from gdsweep.model.points import (
    Draw,
    TargetMasks,
    least_certain,
    sample_maps,
    uniform_points,
)
from gdsweep.model.precise import full_precision
from gdsweep.model.transfer import to_device


class Targets(Protocol):
    """Instances of one image, labelled or pseudo-labelled."""

    @property
    def labels(self) -> Tensor:
        """Long [n] in 0..C-1."""

    @property
    def masks(self) -> Tensor:
        """Bool [n, h, w]: the image's own size, or the canvas' at full or quarter resolution."""


@dataclass(frozen=True)
class Normaliser:
    """Divisors of the loss, of the *global* batch: all processes and micro-batches.

    With it the losses of parts of a batch sum to the loss of the whole (eq. 2).
    """

    masks: float
    """Number of targets, at least the number of groups: divides the mask losses."""
    class_weights: tuple[float, ...]
    """One per image: the sum of class weights over all queries of the image's group, times the
    number of groups. Divides the image's class loss."""

    @classmethod
    def of(
        cls, counts: Sequence[int], queries: int, no_object: float, groups: int = 1
    ) -> "Normaliser":
        """Normaliser of a batch with `counts` targets per image, in `groups` (see LossSettings)."""
        groups = max(min(groups, len(counts)), 1)
        weights = []
        for group in range(groups):
            own = counts[group::groups]
            matched = sum(min(count, queries) for count in own)
            weights.append(groups * (matched + (len(own) * queries - matched) * no_object))
        per_image = tuple(weights[place % groups] for place in range(len(counts)))
        return cls(float(max(sum(counts), groups)), per_image)

    def of_images(self, places: Sequence[int]) -> "Normaliser":
        """The same divisors for a part of the batch: the images at these places of it."""
        return replace(self, class_weights=tuple(self.class_weights[place] for place in places))


@dataclass(frozen=True)
class _Predictions:
    """All layers' outputs, in float32."""

    class_logits: Tensor  # [L, B, Q, C + 1]
    embeddings: Tensor  # [L, B, Q, hidden]
    features: Tensor  # [B, hidden, H/4, W/4]

    @classmethod
    def of(cls, outputs: Outputs) -> "_Predictions":
        return cls(
            torch.stack([layer.class_logits.float() for layer in outputs.layers]),
            torch.stack([layer.mask_embeddings.float() for layer in outputs.layers]),
            outputs.layers[-1].mask_features.float(),
        )


@dataclass(frozen=True)
class _BatchTargets:
    """The images that have targets, and all their targets one after another."""

    images: list[int]
    counts: list[int]
    every: bool  # whether these are all images of the batch
    places: Tensor  # long, of these images in the batch
    owners: Tensor  # long [n], place of each target's image among these
    labels: Tensor  # long [n]
    masks: TargetMasks  # n masks
    weights: Tensor | None  # [n], factors of their losses

    @classmethod
    def of(
        cls,
        outputs: Outputs,
        targets: Sequence[Targets],
        weights: Sequence[Tensor] | None,
    ) -> "_BatchTargets | None":
        images = [image for image, target in enumerate(targets) if len(target.labels)]
        if not images:
            return None
        masks = [targets[b].masks for b in images]
        canvases = [_canvas(outputs, b, own) for b, own in zip(images, masks, strict=True)]
        counts = [len(own) for own in masks]
        owners = [place for place, count in enumerate(counts) for _ in range(count)]
        moved = to_device(torch.tensor([*images, *owners]), masks[0].device)
        places, owners_of = moved.split([len(images), len(owners)])
        return cls(
            images,
            counts,
            len(images) == len(targets),
            places,
            owners_of,
            torch.cat([targets[b].labels for b in images]),
            TargetMasks.of(masks, canvases),
            None if weights is None else torch.cat([weights[b] for b in images]),
        )


@dataclass(frozen=True)
class _Match:
    """Matched pairs of one image, m in each layer."""

    image: int
    queries: Tensor  # long [L, m]
    targets: Tensor  # long [L, m], among all targets of the batch


class Criterion:
    """Classification, mask and dice losses of matched predictions, for every supervised layer.

    All layers of an image are matched at the same points. Everything is computed in float32, under
    autocast too.
    """

    def __init__(self, classes: int, settings: LossSettings) -> None:
        self.classes = classes
        self.settings = settings

    def __call__(
        self,
        outputs: Outputs,
        targets: Sequence[Targets],
        normaliser: Normaliser,
        draw: Draw | None = None,
        ignore: Sequence[Tensor] | None = None,
        weights: Sequence[Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Weighted losses, named as Mask2Former logs them.

        Args:
            outputs: of `Mask2Former`.
            targets: one per image. Masks of the image's own size are padded as the image was; any
                other masks must span the padded canvas, at full or quarter resolution
                (pseudo-labels).
            normaliser: of the global batch, with the class weights of these images.
            draw: source of sample points; the device's random generator if None.
            ignore: per image, bool [H/4, W/4] of the padded canvas, the cells of which nothing is
                known: an unmatched query with more than half of its mask there has no class loss in
                that layer. The normaliser stays that of the number of targets.
            weights: per image, float [n], factors of its targets' class and mask losses. Neither
                matching nor normaliser knows of them.

        Returns:
            Scalars `loss_ce`, `loss_mask`, `loss_dice` of the last layer, then with suffix `_i` of
            the i-th of the others. Without targets the mask losses are 0, yet have a gradient.

        Raises:
            ValueError: masks of a size that is neither the image's nor the canvas'.
        """
        with full_precision(outputs.layers[-1].class_logits):
            predicted = _Predictions.of(outputs)
            draw = draw or uniform_points(predicted.features.device)
            batch = _BatchTargets.of(outputs, targets, weights)
            matches = [] if batch is None else self._match(predicted, batch, draw)
            losses = {"loss_ce": self._class_loss(predicted, batch, matches, normaliser, ignore)}
            entropy, dice = self._mask_losses(predicted, batch, matches, draw)
            losses["loss_mask"] = self.settings.lambda_ce * entropy / normaliser.masks
            losses["loss_dice"] = self.settings.lambda_d * dice / normaliser.masks
        suffixes = [*(f"_{i}" for i in range(len(outputs.layers) - 1)), ""]
        return {
            name + suffixes[i]: loss[i]
            for i in (-1, *range(len(suffixes) - 1))
            for name, loss in losses.items()
        }

    @torch.no_grad()
    def _match(self, predicted: _Predictions, batch: _BatchTargets, draw: Draw) -> list[_Match]:
        points = torch.cat([draw(b, 1, self.settings.points) for b in batch.images])
        # sampling is linear: sample the features, not the masks of all queries and layers
        features = predicted.features if batch.every else predicted.features[batch.places]
        sampled = sample_maps(features, points)
        every = torch.arange(len(batch.owners), device=points.device)
        masks = batch.masks.read(every, points[batch.owners])
        parts = zip(
            batch.images,
            sampled,
            batch.labels.split(batch.counts),
            masks.split(batch.counts),
            strict=True,
        )
        pairs = assign(
            [
                matching_cost(
                    predicted.class_logits[:, b],
                    predicted.embeddings[:, b] @ features,
                    labels,
                    read,
                    self.settings,
                )
                for b, features, labels, read in parts
            ]
        )
        starts = itertools.accumulate(batch.counts, initial=0)
        return [
            _Match(b, queries, start + targets)
            for b, start, (queries, targets) in zip(batch.images, starts, pairs, strict=False)
        ]

    def _class_loss(
        self,
        predicted: _Predictions,
        batch: _BatchTargets | None,
        matches: Sequence[_Match],
        normaliser: Normaliser,
        ignore: Sequence[Tensor] | None,
    ) -> Tensor:
        # [L]: weighted cross-entropy, unmatched queries being "no object"
        L, B, Q = predicted.class_logits.shape[:3]
        classes = torch.full((L, B * Q), self.classes, device=predicted.features.device)
        if batch is not None:
            slots = torch.cat([match.image * Q + match.queries for match in matches], 1)
            chosen = torch.cat([match.targets for match in matches], 1)
            classes = classes.scatter(1, slots, batch.labels[chosen])
        of_class = torch.ones(self.classes + 1, device=classes.device)
        of_class[-1] = self.settings.no_object
        entropy = F.cross_entropy(
            predicted.class_logits.flatten(0, 2), classes.flatten(), of_class, reduction="none"
        )
        entropy = entropy.view(L, -1)
        if batch is not None and batch.weights is not None:
            factors = torch.ones_like(entropy).scatter(1, slots, batch.weights[chosen])
            entropy = entropy * factors
        if ignore is not None:
            unmatched = classes == self.classes
            entropy = entropy.masked_fill(unmatched & _lying_in(predicted, ignore).flatten(1), 0)
        losses = entropy.new_zeros(L)
        weights = normaliser.class_weights
        for weight, run in itertools.groupby(range(B), key=weights.__getitem__):
            first, *others = run
            terms = entropy[:, first * Q : (first + len(others) + 1) * Q]
            losses += self.settings.lambda_c * terms.sum(1) / weight
        return losses

    def _mask_losses(
        self,
        predicted: _Predictions,
        batch: _BatchTargets | None,
        matches: Sequence[_Match],
        draw: Draw,
    ) -> tuple[Tensor, Tensor]:
        # [L] each: binary cross-entropy and dice, summed over matched pairs
        embeddings, features = predicted.embeddings, predicted.features
        if batch is None:
            # the sum of nothing, yet part of the graph: every process takes part in a reduction
            zero = embeddings[:, :, :0].sum((1, 2, 3)) + features[:, :, :0].sum()
            return zero, zero
        # [L, M, cells], only of matched queries
        logits = torch.cat(
            [
                embeddings[:, match.image].take_along_dim(match.queries.unsqueeze(-1), 1)
                @ features[match.image].flatten(1)
                for match in matches
            ],
            1,
        )
        logits = logits.flatten(0, 1).unflatten(-1, features.shape[-2:])
        points = self._loss_points(logits, matches, draw)
        chosen = torch.cat([match.targets for match in matches], 1).flatten()
        wanted = batch.masks.read(chosen, points)
        found = sample_maps(logits.unsqueeze(1), points).squeeze(1)
        entropy = F.binary_cross_entropy_with_logits(found, wanted, reduction="none").mean(1)
        soft = found.sigmoid()
        dice = 1 - (2 * (soft * wanted).sum(1) + 1) / (soft.sum(1) + wanted.sum(1) + 1)
        if batch.weights is not None:
            entropy, dice = entropy * batch.weights[chosen], dice * batch.weights[chosen]
        L = len(embeddings)
        return entropy.view(L, -1).sum(1), dice.view(L, -1).sum(1)

    @torch.no_grad()
    def _loss_points(self, logits: Tensor, matches: Sequence[_Match], draw: Draw) -> Tensor:
        # [L * M, P, 2]: most where the prediction is least certain, the others anywhere
        settings = self.settings
        uncertain = int(settings.importance * settings.points)
        candidates, uniform = [], []
        for match in matches:
            shape, sets = match.queries.shape, match.queries.numel()
            drawn = draw(match.image, sets, int(settings.oversample * settings.points))
            candidates.append(drawn.unflatten(0, shape))
            drawn = draw(match.image, sets, settings.points - uncertain)
            uniform.append(drawn.unflatten(0, shape))
        kept = least_certain(logits, torch.cat(candidates, 1).flatten(0, 1), uncertain)
        return torch.cat([kept, torch.cat(uniform, 1).flatten(0, 1)], 1)


@torch.no_grad()
def _lying_in(predicted: _Predictions, regions: Sequence[Tensor]) -> Tensor:
    # bool [L, B, Q]: more than half of the query's mask lies in its image's region
    L, B, Q = predicted.class_logits.shape[:3]
    inside = torch.zeros(L, B, Q, dtype=torch.bool, device=predicted.features.device)
    for b, region in enumerate(regions):
        if region.device.type == "cpu" and not region.any():  # nothing lies in it
            continue
        cells, features = region.flatten().float(), predicted.features[b].flatten(1)
        for layer, embeddings in enumerate(predicted.embeddings[:, b]):  # bounds memory
            hard = (embeddings @ features > 0).float()
            inside[layer, b] = 2 * (hard @ cells) > hard.sum(1)
    return inside


def _canvas(outputs: Outputs, image: int, masks: Tensor) -> tuple[float, float]:
    # width and height of the padded canvas in cells of these masks
    size = (masks.shape[-2], masks.shape[-1])
    (H, W), (h, w) = outputs.size, outputs.sizes[image]
    if size == (h, w):
        return W, H
    if size in ((H // 4, W // 4), (H, W)):
        return size[1], size[0]
    raise ValueError(
        f"target masks of {size[0]}x{size[1]} fit neither the image, {h}x{w}, nor its padded "
        f"canvas, {H}x{W}, at full or quarter resolution"
    )
