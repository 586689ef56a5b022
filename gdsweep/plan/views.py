"""What training and testing show a network, compared: where they differ, a line says so."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from gdsweep.config import AugmentationSettings, CellSettings
from gdsweep.config.set_statistics import SetStatistics
from gdsweep.config.tiles import Tiling

STRIDE = 4
"""Pixels of the network's input in a cell of its masks."""
_STEPS = 50  # of a range of scales, to average over


@dataclass(frozen=True)
class View:
    """What a network is shown of a set's images, on average."""

    scale: float
    """Pixels of the network's input for a pixel of the image."""
    share: float
    """Share of the image's area that is in view."""
    grey: float
    """Share of the view that is padding."""


def training_view(views: AugmentationSettings, statistics: SetStatistics) -> View:
    """The weak view of training images."""
    height, width = views.crop
    low, high = views.scale
    if views.geometry == "resized-crop":
        side = (low + high) / 2
        return View(
            min(height / statistics.height, width / statistics.width) / side, side * side, 0.0
        )
    if views.geometry == "edge-crop":
        edges = [edge / min(statistics.height, statistics.width) for edge in views.short_edges]
        limit = views.max_edge / max(statistics.height, statistics.width)
        scales = [min(edge, limit) for edge in edges]
    else:
        fits = min(height / statistics.height, width / statistics.width)
        scales = [fits * (low + (high - low) * (n + 0.5) / _STEPS) for n in range(_STEPS)]
    shares, greys = [], []
    for scale in scales:
        tall, wide = scale * statistics.height / height, scale * statistics.width / width
        shares.append(min(1.0, 1 / tall) * min(1.0, 1 / wide))
        greys.append(1 - min(1.0, tall) * min(1.0, wide))
    count = len(scales)
    return View(sum(scales) / count, sum(shares) / count, sum(greys) / count)


def test_view(
    views: AugmentationSettings, statistics: SetStatistics, tiling: Tiling | None
) -> View:
    """An image as it is tested: whole, or a tile of it."""
    image = (statistics.height, statistics.width)
    size = image if tiling is None else tuple(map(min, image, tiling.size))
    share = size[0] * size[1] / (image[0] * image[1])
    if views.test_short_edge is None:
        return View(1.0, share, 0.0)
    scale = min(views.test_short_edge / min(size), views.test_max_edge / max(size))
    return View(scale, share, 0.0)


def view_warnings(settings: CellSettings) -> list[str]:
    """Lines on a cell whose training and testing show different things, or too small ones.

    Reads annotation files; says nothing where they are not seen.
    """
    data = settings.dataset
    train, test = data.statistics("train"), data.statistics("test")
    if train is None or test is None:
        return []
    return [f"{data.name}: {line}" for line in _compared(settings, train, test)]


def _compared(settings: CellSettings, train: SetStatistics, test: SetStatistics) -> Iterator[str]:
    views, queries = settings.augmentation, settings.model.queries
    tiling = settings.evaluation.tiling
    seen, shown = training_view(views, train), test_view(views, test, tiling)
    tested = "image" if shown.share == 1 else "tile"
    shows = "all of it" if shown.share == 1 else f"{100 * shown.share**0.5:.0f} %"
    if seen.share < 0.25 * shown.share:
        yield (
            f"training views show {100 * seen.share**0.5:.0f} % of an image's sides, tests "
            f"{shows}; see augmentation.crop and scale"
        )
    if seen.grey > 0.6:
        yield (
            f"training views are {100 * seen.grey:.0f} % padding; see augmentation.scale and crop"
        )
    before, after = train.side * seen.scale, test.side * shown.scale
    if before and after and not 1 / 1.6 <= after / before <= 1.6:
        yield (
            f"an object has {before:.0f} pixels in training and {after:.0f} in testing; see "
            "augmentation.test_short_edge"
        )
    if before and before < 2 * STRIDE:
        yield (
            f"half of the objects are smaller than {before / STRIDE:.1f} cells of the stride-4 "
            "masks in training; see augmentation.crop"
        )
    in_view, in_test = train.objects * seen.share, test.objects * shown.share
    crowded = math.ceil(test.crowded * shown.share)
    if in_view and in_test > 3 * in_view:
        yield (
            f"a training view holds {in_view:.1f} objects, a test {tested} {in_test:.1f}; train "
            "on views like the tests, or test in tiles (evaluation.tiles)"
        )
    if crowded > queries:
        yield (
            f"a crowded test {tested} holds {crowded} objects, the network has {queries} "
            "queries; see model.queries"
        )
    if crowded > settings.evaluation.detections:
        yield (
            f"a crowded test {tested} holds {crowded} objects, {settings.evaluation.detections} "
            "predictions are kept; see evaluation.detections"
        )
