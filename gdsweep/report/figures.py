"""All figures of one grid, from its results and its runs' metrics."""

import json
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure
from pandas import DataFrame

from gdsweep.config import FIGURES, METRICS, SPLIT_NAMES
from gdsweep.plan.request import Request
from gdsweep.plots import qualitative, scored_images, training_curves
from gdsweep.report.curves import curves
from gdsweep.report.pairs import Pair, pairs
from gdsweep.report.series import axis_labels, published_levels, series, unfinished


@dataclass(frozen=True)
class Drawn:
    """A figure and what is told with it."""

    end: str
    """End of its file's name, before the suffix."""
    figure: Figure
    title: str
    caption: str


def draw_all(request: Request, frame: DataFrame, panels: int = 0) -> list[Drawn]:
    """The figure that the grid asks for, training curves, and `panels` images a pair of methods.

    `frame` holds the results of the request's one grid. What has not begun is not drawn.
    """
    (grid,) = request.grids
    graph, store = request.graph, request.store
    drawn: list[Drawn] = []
    if grid.figure is not None:
        drawn.append(_of_layout(request, frame))
    measured = curves(graph, grid, store)
    if not measured.empty:
        said = "Training loss, mask AP on the validation images, pseudo-labels per image."
        figure = training_curves.draw(measured)
        drawn.append(Drawn("-curves", figure, "Training curves", said))
    for pair in pairs(graph, grid, store) if panels else []:
        drawn.append(_panels(pair, panels))
    return drawn


def _of_layout(request: Request, frame: DataFrame) -> Drawn:
    (grid,) = request.grids
    layout = grid.figure
    assert layout is not None
    note, kind = unfinished(frame, grid, layout), FIGURES[layout.kind]
    draw: Callable[..., Figure] = pkgutil.resolve_name(kind.drawn_by)
    if kind.against == "axis":
        points = series(frame, grid, layout)
        labels = axis_labels(frame, grid, layout)
        lowest = METRICS[layout.metric].range[0]
        figure = draw(points, *labels, note, lowest)
    else:
        paths = curves(request.graph, grid, request.store, layout)
        levels = published_levels(frame, grid, layout)
        label = f"{METRICS[layout.metric].words} (validation)"
        figure = draw(paths, levels, label, note)
    return Drawn("", figure, layout.kind.replace("-", " ").capitalize(), layout.caption)


def _panels(pair: Pair, count: int) -> Drawn:
    images, classes = scored_images.scored_images(pair.dataset, pair.split, count)
    results = [json.loads(path.read_text()) for path in pair.predictions]
    rows = list(zip(pair.names, results, strict=True))
    figure = qualitative.draw(images, rows, classes, pair.title)
    images_of = SPLIT_NAMES[pair.split]
    said = f"{pair.names[0]} above, {pair.names[1]} below, on the same {images_of} images."
    return Drawn(f"-panels-{pair.key}", figure, f"Predictions, {pair.title}", said)
