"""Prediction of a large image in overlapping tiles, merged without cutting or doubling objects.

Three rules, each purely about what tiles see, so that scores keep the meaning they have in a tile:

1. A prediction counts in the tile that sees it with most room: of all tiles that hold its box, the
   one whose inner border is furthest from it (the image's own border is no inner one). What
   touches an inner border is cut off there, and counts only if no tile holds its box with room.
2. Where two tiles see about the same (within an eighth of their overlap), both count, and of two
   predictions of one class with a mask IoU above one half the less confident is dropped.
3. What is still cut off is larger than the overlap. Parts of one class from different tiles are one
   object if they agree on what both tiles see (IoU above one half there): its mask is their union,
   its score their mean. A part that no neighbour goes on with is dropped.

Masks are kept as run lengths of the whole image; no mask of the whole image's size is made.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from pycocotools import mask as rle
from torch import Tensor

from gdsweep.config import AugmentationSettings, EvaluationSettings
from gdsweep.config.tiles import Box, Tiling
from gdsweep.data import resize_for_test
from gdsweep.evaluate.run_lengths import encode_at
from gdsweep.model import Network, Predictions

SAME = 0.5
"""IoU above which two masks are of one object."""
_BATCH = 16


@dataclass(frozen=True)
class Instance:
    """A predicted object of the whole image."""

    label: int
    """In 0..C-1."""
    score: float
    """0 to 1."""
    mask: dict[str, Any]
    """Compressed RLE of the image's size."""


@dataclass(frozen=True)
class _Found(Instance):
    """A tile's prediction that counts, in whole or in part."""

    tile: int
    box: Box
    cut: bool
    """Whether it touches an inner border of its tile."""
    contested: bool
    """Whether another tile may count it too."""


@torch.no_grad()
def predict_in_tiles(
    models: Sequence[Network],
    image: Tensor,
    tiling: Tiling,
    augmentation: AugmentationSettings,
    detections: int,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[list[Instance]] | None:
    """Instances that networks predict on an image larger than a tile, by descending score.

    Args:
        models: in evaluation mode, all on one device.
        image: uint8 [3, H, W].
        tiling: the tiles.
        augmentation: the size at which an image of a tile's size is tested.
        detections: instances kept of a tile.
        should_stop: asked before every batch of tiles.

    Returns:
        For each network, its instances. None where `should_stop` has said so.
    """
    device = next(models[0].parameters()).device
    size = (image.shape[-2], image.shape[-1])
    merged = [TileMerger(size, tiling) for _ in models]
    boxes = merged[0].boxes
    sizes = [(bottom - top, right - left) for top, left, bottom, right in boxes]
    for first in range(0, len(boxes), _BATCH):
        if should_stop():
            return None
        tiles = range(first, min(first + _BATCH, len(boxes)))
        batch = [
            resize_for_test(image[:, top:bottom, left:right].contiguous(), augmentation).to(device)
            for top, left, bottom, right in (boxes[tile] for tile in tiles)
        ]
        for model, merger in zip(models, merged, strict=True):
            found = model.predict(batch, [sizes[tile] for tile in tiles], detections)
            for tile, instances in zip(tiles, found, strict=True):
                merger.add(tile, instances)
    return [merger.instances() for merger in merged]


def instances_counted(evaluation: EvaluationSettings, ground_truth: dict[str, Any]) -> int:
    """Instances of an image that scores count at most: `detections` of each of its tiles."""
    tiling = evaluation.tiling
    if tiling is None:
        return evaluation.detections
    sizes = {(int(image["height"]), int(image["width"])) for image in ground_truth["images"]}
    return evaluation.detections * max((len(tiling.boxes(size)) for size in sizes), default=1)


@dataclass
class TileMerger:
    """Collects the predictions of an image's tiles, in any order, and merges them."""

    size: tuple[int, int]
    """Height and width of the image."""
    tiling: Tiling
    """Its tiles."""
    boxes: list[Box] = field(init=False)
    """Of the tiles."""
    _found: list[_Found] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.boxes = self.tiling.boxes(self.size)
        self._tiles = np.array(self.boxes, np.int64)
        ends = np.array([0, 0, *self.size])
        self._outer = self._tiles == ends  # sides of tiles that are the image's own
        self._near: dict[int, np.ndarray] = {}

    def add(self, tile: int, predictions: Predictions) -> None:
        """Keep those of a tile's predictions, masks of the tile's size, that count (rule 1)."""
        top, left, _, _ = self.boxes[tile]
        slack = self.tiling.overlap // 8
        labels, scores = predictions.labels.tolist(), predictions.scores.tolist()
        for label, score, tensor in zip(labels, scores, predictions.masks, strict=True):
            mask = tensor.cpu().numpy()
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            if not len(rows):
                continue  # no object, and score 0
            inside = (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
            box = (inside[0] + top, inside[1] + left, inside[2] + top, inside[3] + left)
            near = self._neighbours(tile)
            own = float(self._rooms(np.array([tile]), box)[0])
            best = float(self._rooms(near, box).max(initial=-1))
            cut = own <= 0
            if best > 0 if cut else own < best - slack:
                continue
            cropped = mask[inside[0] : inside[2], inside[1] : inside[3]]
            run_lengths = encode_at(cropped, (box[0], box[1]), self.size)
            contested = not cut and best > 0 and best >= own - slack
            self._found.append(_Found(label, score, run_lengths, tile, box, cut, contested))

    def instances(self) -> list[Instance]:
        """The objects of the image, by descending score (rules 2 and 3)."""
        ordered = sorted(self._found, key=lambda found: (-found.score, found.tile))
        whole = [found for found in ordered if not found.cut]
        objects = [
            Instance(found.label, found.score, found.mask) for found in self._distinct(whole)
        ]
        for parts in self._joined([found for found in ordered if found.cut]):
            if len(parts) > 1:
                score = sum(part.score for part in parts) / len(parts)
                mask = rle.merge([part.mask for part in parts])
                objects.append(Instance(parts[0].label, score, mask))
        return sorted(objects, key=lambda one: -one.score)

    def _neighbours(self, tile: int) -> np.ndarray:
        # the other tiles that overlap it: no more are ever compared, however many there are
        if tile not in self._near:
            top, left, bottom, right = self._tiles.T
            a = self.boxes[tile]
            meet = (top < a[2]) & (a[0] < bottom) & (left < a[3]) & (a[1] < right)
            meet[tile] = False
            self._near[tile] = np.flatnonzero(meet)
        return self._near[tile]

    def _rooms(self, tiles: np.ndarray, box: Box) -> np.ndarray:
        # of each tile, pixels between the box and the nearest inner border; below 0 if beyond it
        room = (self._tiles[tiles] - np.array(box)) * np.array([-1, -1, 1, 1])
        nearest = np.where(self._outer[tiles], np.inf, room).min(1)
        return np.where((room < 0).any(1), -1.0, nearest)

    def _distinct(self, found: Sequence[_Found]) -> Iterator[_Found]:
        # all but what a more confident prediction of another tile has found
        kept: dict[int, list[_Found]] = defaultdict(list)
        for one in found:
            if one.contested:
                rivals = [
                    other.mask
                    for tile in self._neighbours(one.tile)
                    for other in kept[tile]
                    if other.label == one.label and _meet(other.box, one.box)
                ]
                if rivals and rle.iou([one.mask], rivals, [0] * len(rivals)).max() > SAME:
                    continue
                kept[one.tile].append(one)
            yield one

    def _joined(self, parts: Sequence[_Found]) -> list[list[_Found]]:
        # groups of parts that are one object each, with one part of a tile at most
        groups: list[list[int]] = []  # of each part, the places of the parts in its group
        places: dict[int, list[int]] = defaultdict(list)  # by tile
        for place, part in enumerate(parts):
            groups.append([place])
            near = [known for tile in self._neighbours(part.tile) for known in places[tile]]
            for known in sorted(near):  # the most confident first
                both = groups[place] + groups[known]
                once = len({parts[one].tile for one in both}) == len(both)
                if once and self._agree(parts[known], part):
                    for one in both:
                        groups[one] = both
            places[part.tile].append(place)
        return [[parts[one] for one in group] for group in {id(g): g for g in groups}.values()]

    def _agree(self, one: _Found, other: _Found) -> bool:
        # whether two parts are alike where both of their tiles see
        if one.label != other.label or not _meet(one.box, other.box):
            return False
        a, b = self.boxes[one.tile], self.boxes[other.tile]
        shared = (max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3]))
        seen = np.ones((shared[2] - shared[0], shared[3] - shared[1]), bool)
        window = encode_at(seen, (shared[0], shared[1]), self.size)
        masks = [rle.merge([found.mask, window], intersect=True) for found in (one, other)]
        return bool(rle.iou(masks[:1], masks[1:], [0])[0, 0] > SAME)


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
