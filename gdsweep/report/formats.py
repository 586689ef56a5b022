"""A table in every format."""

import pandas as pd

from gdsweep.report.as_csv import as_csv
from gdsweep.report.as_latex import as_latex
from gdsweep.report.as_markdown import as_markdown
from gdsweep.report.as_notes import as_notes
from gdsweep.report.as_text import as_text
from gdsweep.report.clean import clean
from gdsweep.report.tables import Table


def texts(table: Table, frame: pd.DataFrame, command: str = "") -> dict[str, str]:
    """The table as text, Markdown and LaTeX, and its numbers as CSV, by their files' suffix.

    What is to be said of it beyond its legend is in notes of their own, where there is any.
    """
    said = table.remarks or table.orderings or table.notes
    return {
        **_forms(table),
        ".csv": as_csv(frame, command),
        **({"-notes.txt": as_notes(table)} if said else {}),
    }


def clean_texts(table: Table) -> dict[str, str]:
    """The table with our numbers only, by their files' suffix."""
    return {f"-clean{suffix}": text for suffix, text in _forms(clean(table)).items()}


def _forms(table: Table) -> dict[str, str]:
    return {".txt": as_text(table), ".md": as_markdown(table), ".tex": as_latex(table)}
