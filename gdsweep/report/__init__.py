"""What is shown: results as a DataFrame, tables in four formats, the data of the figures.

Reads only `runs` and `grid`. Nothing here imports torch.
"""

from gdsweep.report.against import against, against_lines
from gdsweep.report.as_csv import as_csv
from gdsweep.report.as_html import Picture, as_html
from gdsweep.report.as_latex import as_latex
from gdsweep.report.as_markdown import as_markdown
from gdsweep.report.as_notes import as_notes
from gdsweep.report.as_text import as_text
from gdsweep.report.check import misses, summary
from gdsweep.report.clean import clean
from gdsweep.report.costs import cost_table, costs
from gdsweep.report.curves import curves
from gdsweep.report.formats import texts
from gdsweep.report.grid_table import build_table
from gdsweep.report.label_quality import label_quality, label_quality_table
from gdsweep.report.paired_differences import paired_difference_table, paired_differences
from gdsweep.report.pairs import Pair, pairs
from gdsweep.report.query import find_cell
from gdsweep.report.receipt_text import receipt_text
from gdsweep.report.receipts import Receipt, receipt, receipts
from gdsweep.report.results import results
from gdsweep.report.series import axis_labels, published_levels, series, unfinished
from gdsweep.report.tables import Table

__all__ = [
    "Pair",
    "Picture",
    "Receipt",
    "Table",
    "against",
    "against_lines",
    "as_csv",
    "as_html",
    "as_latex",
    "as_markdown",
    "as_notes",
    "as_text",
    "axis_labels",
    "build_table",
    "clean",
    "cost_table",
    "costs",
    "curves",
    "find_cell",
    "label_quality",
    "label_quality_table",
    "misses",
    "paired_difference_table",
    "paired_differences",
    "pairs",
    "published_levels",
    "receipt",
    "receipt_text",
    "receipts",
    "results",
    "series",
    "summary",
    "texts",
    "unfinished",
]
