"""The kinds of figures that a grid can ask for. One entry a kind, here.

A new kind is an entry in FIGURES and the function that draws it; see CONTRIBUTING.md.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class FigureKind:
    """One kind of figure of a metric, a line per combination of values of some axes."""

    key: str
    """Its name in a grid: `label-efficiency`."""
    against: Literal["axis", "iteration"]
    """What its metric is drawn against: an axis of numbers, whose cells' scores are its points, or
    the iteration, at which the validation images were scored during training."""
    drawn_by: str
    """The function that draws it, as `module:name`; `gdsweep.report.figures` calls it.

    Against an axis with a series DataFrame, both axes' labels, a note, the metric's least value and
    the comparison that is singled out, or None; against the iteration with a curves DataFrame,
    published levels, the label and a note.
    """


FIGURES = {
    kind.key: kind
    for kind in (
        FigureKind("label-efficiency", "axis", "gdsweep.plots.label_efficiency:draw"),
        FigureKind("validation-curves", "iteration", "gdsweep.plots.validation_curves:draw"),
    )
}
"""Every kind by its key."""
