"""The figures of one grid, from its results and its runs' metrics, drawn when asked for."""

import hashlib
import json
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from pandas import DataFrame

from gdsweep.config import FIGURES, METRICS, SPLIT_NAMES
from gdsweep.plan.request import Request
from gdsweep.plots import qualitative, scored_images, training_curves
from gdsweep.report.curves import curves
from gdsweep.report.pairs import Pair, pairs
from gdsweep.report.series import (
    axis_labels,
    comparison,
    published_levels,
    quoted_details,
    series,
    unfinished,
)
from gdsweep.report.shown_labels import ShownLabels, shown_labels
from gdsweep.runs.records import read_record
from gdsweep.runs.shown_labels import ShownImages

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """A figure that can be drawn, and what is told with it."""

    end: str
    """End of its file's name, before the suffix."""
    title: str
    caption: str
    data: str
    """Digest of what it shows: two drawings of one digest, by the same code, are alike."""
    draw: "Callable[[], Figure]"

    @cached_property
    def figure(self) -> "Figure":
        """The figure, drawn when first asked for."""
        return self.draw()


def drawings(
    request: Request,
    frame: DataFrame,
    with_curves: bool = False,
    panels: int = 0,
    with_labels: bool = False,
) -> list[Drawing]:
    """The figure that the grid asks for; curves, `panels` images a pair, pseudo-labels if wanted.

    `frame` holds the results of the request's one grid. What has not begun is left out.
    """
    (grid,) = request.grids
    found = [] if grid.figure is None else [_of_layout(request, frame)]
    if with_curves:
        found += _curves(curves(request.graph, grid, request.store))
    if panels:
        found += [_panels(pair, panels) for pair in pairs(request.graph, grid, request.store)]
    if with_labels:
        found += [_labels(one) for one in shown_labels(request.graph, grid, request.store)]
    return found


def _of_layout(request: Request, frame: DataFrame) -> Drawing:
    (grid,) = request.grids
    layout = grid.figure
    assert layout is not None
    kind = FIGURES[layout.kind]
    note = unfinished(frame, grid, layout)
    shown: tuple[object, ...]
    if kind.against == "axis":
        lowest = METRICS[layout.metric].range[0]
        note = " ".join(filter(None, (quoted_details(grid, layout), note)))
        labels = axis_labels(frame, grid, layout)
        singled_out = comparison(frame, grid, layout)
        shown = (series(frame, grid, layout), *labels, note, lowest, singled_out)
    else:
        paths = curves(request.graph, grid, request.store, layout)
        label = f"{METRICS[layout.metric].words} (validation)"
        shown = (paths, published_levels(frame, grid, layout), label, note)
    draw = partial(pkgutil.resolve_name(kind.drawn_by), *shown)
    title = layout.kind.replace("-", " ").capitalize()
    return Drawing("", title, layout.caption, _digest(kind.drawn_by, *shown), draw)


def _curves(measured: DataFrame) -> Iterator[Drawing]:
    """One drawing a panel."""
    said = "Training loss, mask AP on the validation images, pseudo-labels per image."
    ends: set[str] = set()
    for panel, part in measured.groupby("panel", sort=False):
        end = "-".join(filter(None, ("-curves", _file_part(str(panel)))))
        while end in ends:  # names that differ in signs alone
            end += "_"
        ends.add(end)
        title = ", ".join(filter(None, ("Training curves", str(panel))))
        yield Drawing(end, title, said, _digest(part), partial(training_curves.draw, part))


def _panels(pair: Pair, count: int) -> Drawing:
    images_of = SPLIT_NAMES[pair.split]
    upper, lower = pair.names
    said = f"What is annotated, {upper} and {lower}, on the same {images_of} images."
    # predictions may be gigabytes: a file of the same size and age is the same
    files = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in pair.predictions]
    data = _digest(pair.title, pair.names, pair.dataset, pair.split, files, count)
    draw = partial(_draw_panels, pair, count)
    return Drawing(f"-panels-{pair.key}", f"Predictions, {pair.title}", said, data, draw)


def _draw_panels(pair: Pair, count: int) -> "Figure":
    images, classes = scored_images.scored_images(pair.dataset, pair.split, count)
    results = [json.loads(path.read_text()) for path in pair.predictions]
    columns = list(zip(pair.names, results, strict=True))
    return qualitative.draw(images, columns, classes, pair.title)


def _labels(shown: ShownLabels) -> Drawing:
    said = "What the teacher says of images without labels along training, what is annotated first."
    files = [shown.run.shown_images, *(path for _, path in shown.labels)]
    stamps = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    title = f"Pseudo-labels, {shown.title}"
    end = f"-pseudo-labels-{_file_part(shown.key)}"
    return Drawing(end, title, said, _digest(title, stamps), partial(_draw_labels, shown, title))


def _draw_labels(shown: ShownLabels, title: str) -> "Figure":
    record = read_record(shown.run.shown_images, ShownImages)
    images = scored_images.small_copies(shown.run.shown_image, record.images, record.truth)
    columns = [(f"Iteration {at:,}", json.loads(path.read_text())) for at, path in shown.labels]
    note = "images without labels, evenly spaced over those that are measured."
    return qualitative.draw(images, columns, record.classes, title, 0.0, note)


def _file_part(words: str) -> str:
    """Words as a part of a file's name: `COCO, 5 %` is `coco-5`."""
    kept = "".join(c if c.isalnum() or c in ".-" else " " for c in words.lower())
    return "-".join(kept.split())


def _digest(*parts: object) -> str:
    content = hashlib.sha256()
    for part in parts:
        # ten digits: the last ones of a number may change on the way through a file
        text = part.to_json(double_precision=10) if isinstance(part, DataFrame) else repr(part)
        content.update(f"{text}\0".encode())
    return content.hexdigest()[:16]
