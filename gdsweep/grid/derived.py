"""Settings for a data set of one's own that nobody decided: derived from what it holds.

The published defaults fit COCO: 368,750 iterations on 8 GPUs, views between a tenth and twice an
image's size. The rules here are plain ones, stated beside each value; a grid's own settings win.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gdsweep.config import CellSettings
from gdsweep.config.set_statistics import SetStatistics
from gdsweep.grid.names import Target

LARGEST = 1024
"""Longest side of a training view, the paper's on COCO."""
EPOCHS = 50
"""Passes over the training images with all labels, as the paper's on COCO."""
FEWEST = 10_000
"""Fewest iterations that are derived; a plain choice, not a measured one."""
PUBLISHED = 368_750
"""Iterations on COCO: no data set of one's own needs more without being asked for."""
LARGER = 1.5
"""Times that a side of the test images exceeds the training images' where tiles are derived."""
AREA = 2 * 1024 * 1024
"""Pixels of one kind that a GPU forwards in a step, the paper's on COCO: two views."""


@dataclass(frozen=True)
class Derived:
    """One value that follows from a data set."""

    target: Target
    value: Any
    because: str
    """From what, in words."""


def derived_settings(
    settings: CellSettings,
    statistics: SetStatistics,
    decided: Callable[[Target], bool],
    tested: Sequence[SetStatistics] = (),
) -> list[Derived]:
    """What follows from the images for every setting that nobody decided.

    Values build on one another and on what was decided: a burn-in on the length, GPUs on the crop.

    Args:
        settings: the cell's, as decided; defaults elsewhere.
        statistics: of the training images.
        decided: whether somebody (grid, preset, axis) decided a setting.
        tested: statistics of the validation and the test images; only tiles follow from them.
    """
    values: dict[Target, Derived] = {}

    def value(target: Target) -> Any:
        if target in values:
            return values[target].value
        return _of(settings, target)

    def derive(target: Target, new: Any, because: str) -> None:
        if not decided(target):
            values[target] = Derived(target, new, because)

    _views(statistics, derive, value, decided)
    _queries(statistics, derive)
    _tiles(statistics, tested, derive, value)
    _length(settings, statistics, derive, value)
    _machine(settings, derive, value)
    return [one for one in values.values() if one.value != _of(settings, one.target)]


def complete(settings: CellSettings, derived: list[Derived]) -> CellSettings:
    """The settings with derived values put in."""
    groups: dict[str, dict[str, Any]] = {}
    for one in derived:
        group, name = one.target
        groups.setdefault(group, {})[name] = one.value
    update = {
        group: getattr(settings, group).model_copy(update=values)
        for group, values in groups.items()
    }
    return settings.model_copy(update=update)


def _views(
    statistics: SetStatistics,
    derive: Callable[[Target, Any, str], None],
    value: Callable[[Target], Any],
    decided: Callable[[Target], bool],
) -> None:
    scale = min(1.0, LARGEST / max(statistics.height, statistics.width))
    seen = (_whole_32(statistics.height * scale), _whole_32(statistics.width * scale))
    size = f"training images of {statistics.height} x {statistics.width}"
    geometry = ("augmentation", "geometry")
    derive(geometry, "resized-crop", "own images are seen nearly whole")
    if value(geometry) != "resized-crop":
        return
    derive(("augmentation", "crop"), seen, f"{size}, to multiples of 32, {LARGEST} at most")
    derive(("augmentation", "scale"), (0.7, 1.0), "a view shows most of an image's sides")
    crop = value(("augmentation", "crop"))
    short, long = min(crop), max(crop)
    whole = not decided(("augmentation", "crop")) and scale == 1.0
    derive(
        ("augmentation", "test_short_edge"),
        None if whole else short,
        "tested at the scale that is trained on",
    )
    derive(("augmentation", "test_max_edge"), max(long, short), "as the crop")


def _queries(statistics: SetStatistics, derive: Callable[[Target, Any, str], None]) -> None:
    enough = min(300, max(100, -(-3 * statistics.crowded // 20) * 10))
    because = f"{statistics.crowded} objects in a crowded image, half as many more, 100 to 300"
    derive(("model", "queries"), enough, because)
    derive(("evaluation", "detections"), enough, because)


def _tiles(
    statistics: SetStatistics,
    tested: Sequence[SetStatistics],
    derive: Callable[[Target, Any, str], None],
    value: Callable[[Target], Any],
) -> None:
    """Tiles as large as training images, where those that are scored are much larger.

    Scored are the validation and the test images. Only where a training view shows an image nearly
    whole: otherwise it is the view, not the image, whose size the network knows.
    """
    tiles, overlap = ("evaluation", "tiles"), ("evaluation", "tile_overlap")
    size = (statistics.height, statistics.width)
    nearly_whole = value(("augmentation", "geometry")) == "resized-crop"
    larger = [one for one in tested if max(one.height / size[0], one.width / size[1]) > LARGER]
    if nearly_whole and larger:
        largest = max(larger, key=lambda one: one.height * one.width)
        derive(
            tiles,
            size,
            f"as training images; those to be scored have {largest.height} x {largest.width}, "
            f"more than {LARGER} times as much along a side",
        )
    given = value(tiles)
    if given is None:
        return
    shared = max(1, min(round(2 * statistics.side), min(given) // 2))
    because = f"twice an object's {statistics.side:.0f} pixels, half a tile at most"
    derive(overlap, shared, because)


def _length(
    settings: CellSettings,
    statistics: SetStatistics,
    derive: Callable[[Target, Any, str], None],
    value: Callable[[Target], Any],
) -> None:
    passes = EPOCHS * statistics.images / settings.batch.labelled
    length = min(max(round(passes / 500) * 500, FEWEST), PUBLISHED)
    horizon = ("schedule", "iterations")
    derive(
        horizon, length, f"{EPOCHS} passes over {statistics.images:,} images, {FEWEST:,} at least"
    )
    length = value(horizon)
    derive(("distillation", "burn_in"), max(1, length // 5), "a fifth of the iterations")
    derive(("evaluation", "period"), max(1, length // 20), "a twentieth of the iterations")


def _machine(
    settings: CellSettings,
    derive: Callable[[Target, Any, str], None],
    value: Callable[[Target], Any],
) -> None:
    crop = value(("augmentation", "crop"))
    pixels = settings.batch.labelled * crop[0] * crop[1]
    gpus = min(8, max(1, -(-pixels // AREA)))
    views = f"{settings.batch.labelled} views of {crop[0]} x {crop[1]}"
    derive(("resources", "gpus"), gpus, f"{views}, two of 1024 x 1024 a GPU")
    share = value(("schedule", "iterations")) / PUBLISHED
    derive(("resources", "hours"), float(min(72, max(4, round(144 * share)))), "as the iterations")


def _whole_32(side: float) -> int:
    return max(64, min(LARGEST, -(-round(side) // 32) * 32))


def _of(settings: CellSettings, target: Target) -> Any:
    value: Any = settings
    for part in target:
        value = getattr(value, part)
    return value
