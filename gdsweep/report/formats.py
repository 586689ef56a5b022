"""A table in every format."""

import pandas as pd

from gdsweep.report.as_csv import as_csv
from gdsweep.report.as_latex import as_latex
from gdsweep.report.as_markdown import as_markdown
from gdsweep.report.as_text import as_text
from gdsweep.report.tables import Table


def texts(table: Table, frame: pd.DataFrame, command: str = "") -> dict[str, str]:
    """The table as text, Markdown and LaTeX, and its numbers as CSV, by their files' suffix."""
    return {
        ".txt": as_text(table),
        ".md": as_markdown(table),
        ".tex": as_latex(table),
        ".csv": as_csv(frame, command),
    }
