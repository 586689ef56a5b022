"""Results as CSV: one row a cell, with its provenance, ready for pandas."""

import pandas as pd


def as_csv(frame: pd.DataFrame, command: str = "") -> str:
    """The results (see `results`), numbers to four decimals, the command in a last column.

    The command is a column, not a comment line, so that any reader of CSV can read the file.
    """
    written = frame.assign(made_by=command) if command else frame
    return str(written.round(4).to_csv(index=False, lineterminator="\n"))
