"""How many labels the teachers gave and how many of them were right, as each run's metrics end."""

import math
from typing import Any

import pandas as pd

from gdsweep.grid import Graph, Grid
from gdsweep.plan.dataset_files import cells_on_other_data
from gdsweep.report.display import display_name, heading, in_order
from gdsweep.report.entries import entry_of
from gdsweep.report.legends import averaged
from gdsweep.report.tables import Row, Table
from gdsweep.runs import Store, read_metrics

MEASURES = {
    "per_image": "Labels an image",
    "precision": "Right (%)",
    "coverage": "Found (%)",
    "localisation": "Outlined (%)",
}
"""Key in metrics.json, after `pseudo/`, to heading."""


def label_quality(graph: Graph, grid: Grid, store: Store) -> pd.DataFrame:
    """One row per cell whose student has a teacher: its last measured pseudo-labels.

    Columns: the axes; `run`; `iteration` of the last of them; MEASURES, NaN where never measured
    or measured on other data than the grid names now:
    `per_image`, how many labels passed the filter; `precision`, labels that meet an object of their
    class at an IoU above 0.5; `coverage`, objects met so; `localisation`, labels that meet an
    object of any class; the last three in percent of `evaluation.pseudo_labels` images whose
    annotations training does not see.
    """
    rows: list[dict[str, Any]] = []
    withheld = cells_on_other_data(graph, store)
    for cell, name, _ in graph.results:
        tuned = graph.runs[name].config.initial
        if tuned is not None:
            name = tuned.run
        if graph.runs[name].config.objective == "supervised":
            continue
        last: dict[str, float] = dict.fromkeys(MEASURES, math.nan)
        iteration = 0
        for line in [] if cell in withheld else read_metrics(store.run(name).metrics):
            for measure in MEASURES:
                value = line.get(f"pseudo/{measure}")
                if isinstance(value, int | float) and math.isfinite(value):
                    last[measure], iteration = float(value), line["iteration"]
        rows.append({**cell.axes, "run": name, "iteration": iteration, **last})
    frame = pd.DataFrame(rows, columns=[*grid.axes, "run", "iteration", *MEASURES])
    for axis in grid.axes:
        # objects stay as the grid wrote them, and None stays None
        frame[axis] = pd.Series([row[axis] for row in rows], dtype=object, index=frame.index)
    return frame


def label_quality_table(frame: pd.DataFrame, grid: Grid, command: str = "") -> Table:
    """The table of `label_quality`: a row per place of the grid's table, the columns' axes first.

    A number is the mean over the averaged axes, with its sample standard deviation.
    """
    axes, names = [*grid.table.columns, *grid.table.rows], grid.table.names
    groups: dict[tuple[Any, ...], list[dict[Any, Any]]] = {}
    for record in frame.to_dict("records"):
        groups.setdefault(tuple(record[axis] for axis in axes), []).append(record)
    rows = [
        Row(
            key,
            tuple(display_name(axis, value, names) for axis, value in zip(axes, key, strict=True)),
            tuple(entry_of([record[measure] for record in groups[key]]) for measure in MEASURES),
        )
        for key in in_order(groups)
    ]
    return Table(
        name=f"{grid.name}-pseudo-labels",
        caption=f"Pseudo-labels as last measured. {grid.table.caption}",
        metric="",
        stub=tuple(heading(axis) for axis in axes),
        headings=(),
        columns=tuple((text,) for text in MEASURES.values()),
        rows=tuple(rows),
        notes=(),
        legend=(
            "Labels an image: of an unlabelled image, those that passed the filter.",
            "Right: labels that meet an object of their class at an IoU above 0.5. Found: objects "
            "met so. Outlined: labels that meet an object of any class.",
            "Of images whose annotations training does not see (evaluation.pseudo_labels).",
            *(
                [averaged([e for row in rows for e in row.entries], grid.table.average)]
                if any(e.of > 1 for row in rows for e in row.entries)
                else []
            ),
        ),
        command=command,
    )
