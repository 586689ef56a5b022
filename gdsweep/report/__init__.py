"""What is shown: results as a DataFrame, tables in four formats, the data of the figures.

Reads only `runs` and `grid`. Nothing here imports torch.
"""

from gdsweep.report.as_csv import as_csv
from gdsweep.report.as_latex import as_latex
from gdsweep.report.as_markdown import as_markdown
from gdsweep.report.as_text import as_text
from gdsweep.report.curves import curves
from gdsweep.report.results import results
from gdsweep.report.series import axis_labels, series, unfinished
from gdsweep.report.tables import Table, build_table

__all__ = [
    "Table",
    "as_csv",
    "as_latex",
    "as_markdown",
    "as_text",
    "axis_labels",
    "build_table",
    "curves",
    "results",
    "series",
    "unfinished",
]
