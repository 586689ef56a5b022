"""The metrics: what grids ask for, score records hold and tables show. One entry a metric, here.

A new metric is an entry in METRICS and the function that computes it; see CONTRIBUTING.md.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """One metric of predicted instances on an image set."""

    key: str
    """Its name in a grid, in a score record and as a column of results: `AP50`."""
    short: str
    """Heading of its column where several metrics stand side by side."""
    words: str
    """Its name in a caption, a legend or at the axis of a figure: `Mask AP50`."""
    computed_by: str
    """The function that computes it, as `module:name`; `gdsweep.evaluate.measure` tells how it is
    called. Functions that compute several metrics stand at each of them and are called once."""
    absent: str
    """Why it may have no value: what stands in a legend after `n/a`."""
    unit: str = "percent"
    """What it is counted in."""
    range: tuple[float, float] = (0.0, 100.0)
    """Least and greatest possible value."""
    higher_is_better: bool = True
    """Its direction: which values win a column."""
    on_demand: bool = False
    """Whether it is measured only where a grid asks for it, as what costs much is, and what older
    score records lack."""


_AVERAGE_PRECISION = "gdsweep.evaluate.average_precision:average_precision"
_NO_OBJECT = "no object of that size in these images"

METRICS = {
    metric.key: metric
    for metric in (
        Metric("AP", "AP", "Mask AP", _AVERAGE_PRECISION, _NO_OBJECT),
        Metric("AP50", "AP50", "Mask AP50", _AVERAGE_PRECISION, _NO_OBJECT),
        Metric("AP75", "AP75", "Mask AP75", _AVERAGE_PRECISION, _NO_OBJECT),
        Metric("APs", "APs", "Mask AP, small objects", _AVERAGE_PRECISION, _NO_OBJECT),
        Metric("APm", "APm", "Mask AP, medium objects", _AVERAGE_PRECISION, _NO_OBJECT),
        Metric("APl", "APl", "Mask AP, large objects", _AVERAGE_PRECISION, _NO_OBJECT),
        Metric(
            "boundary_AP",
            "Boundary AP",
            "Boundary AP",
            "gdsweep.evaluate.boundary_ap:boundary_ap",
            "no object in these images",
            on_demand=True,
        ),
    )
}
"""Every metric by its key, in the order in which tables and records have them."""


def always_measured() -> tuple[str, ...]:
    """Keys of the metrics that every evaluation measures."""
    return tuple(key for key, metric in METRICS.items() if not metric.on_demand)
