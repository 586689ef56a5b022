"""A table in LaTeX, for a paper: booktabs, spanning headers, best in bold."""

from gdsweep.report import orderings, wording
from gdsweep.report.display import spans
from gdsweep.report.entries import Entry
from gdsweep.report.tables import Table

SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "[": "{[}",  # after a line break it would open an argument
    "]": "{]}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "±": r"$\pm$",
    "×": r"$\times$",
    "✗": r"$\times$",
    "…": r"\ldots{}",
    "–": "--",
    "—": "---",
    "†": r"$^\dagger$",
    "Δ": r"$\Delta$",
    "λ": r"$\lambda$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "−": r"$-$",
    "≈": r"$\approx$",
}


def as_latex(table: Table) -> str:
    """A `table` environment; it needs \\usepackage{booktabs} and nothing else."""
    stub, width = len(table.stub), len(table.columns)
    out = [
        *([f"% Made by: {table.command}"] if table.command else []),
        r"% Needs \usepackage{booktabs}.",
        r"\begin{table}[t]",
        r"  \centering",
        rf"  \caption{{{escape(table.caption)}}}",
        rf"  \label{{tab:{label(table.name)}}}",
        r"  \smallskip",
        rf"  \begin{{tabular}}{{{'l' * stub}{'r' * width}}}",
        r"    \toprule",
        *(f"    {line}" for line in _head(table)),
        r"    \midrule",
        *(f"    {line}" for line in _body(table)),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"  \par\smallskip",
        r"  \begin{minipage}{\linewidth}\footnotesize\raggedright",
    ]
    notes = [escape(line) for line in wording.legend(table, "Bold")]
    # a path may be wider than the column: let it break after a slash
    notes += [
        f"{mark(place)} {escape(note)}".replace("/", r"/\allowbreak{}")
        for place, note in enumerate(table.notes, 1)
    ]
    if table.orderings:
        notes.append(escape(orderings.legend()))
        notes += [rf"\textit{{{o}}} {escape(text)}" for o, text in wording.orderings(table)]
    out += [f"    {note}\\\\" for note in notes[:-1]] + [f"    {note}" for note in notes[-1:]]
    out += [r"  \end{minipage}", r"\end{table}"]
    return "\n".join(out) + "\n"


def _head(table: Table) -> list[str]:
    stub, width = len(table.stub), len(table.columns)
    levels = max((len(column) for column in table.columns), default=0)
    lines = []
    if table.headings:
        title = escape(" / ".join(table.headings))
        lines.append(_row([""] * stub + [rf"\multicolumn{{{width}}}{{c}}{{{title}}}"]))
        lines.append(rf"\cmidrule(lr){{{stub + 1}-{stub + width}}}")
    for level in range(levels - 1):
        groups = spans([column[: level + 1] for column in table.columns])
        cells = [
            rf"\multicolumn{{{last - first + 1}}}{{c}}{{{escape(key[-1])}}}"
            for key, first, last in groups
        ]
        rules = [
            rf"\cmidrule(lr){{{stub + first + 1}-{stub + last + 1}}}" for _, first, last in groups
        ]
        lines += [_row([""] * stub + cells), " ".join(rules)]
    titles = [escape(column[-1] if column else table.metric) for column in table.columns]
    return [*lines, _row([*map(escape, table.stub), *titles])]


def _body(table: Table) -> list[str]:
    lines = []
    for place, (row, labels) in enumerate(zip(table.rows, wording.labels(table), strict=True)):
        if place and len(labels) > 1 and labels[0]:
            lines.append(r"\addlinespace")
        lines.append(_row([*map(escape, labels), *(_value(entry) for entry in row.entries)]))
        for name, texts in wording.lines(row, table):
            names = [*[""] * (len(labels) - 1), rf"\quad\scriptsize {name}"] if labels else []
            lines.append(
                _row([*names, *(rf"\scriptsize {escape(text)}" if text else "" for text in texts)])
            )
    return lines


def _value(entry: Entry) -> str:
    text = escape(wording.value(entry))
    marks = "".join(mark(note + 1) for note in entry.notes)
    return (rf"\textbf{{{text}}}" if entry.best else text) + marks


def _row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def mark(place: int) -> str:
    """The raised number of a note."""
    return rf"\textsuperscript{{{place}}}"


def escape(text: str) -> str:
    """Text with LaTeX's own characters and the report's signs made printable."""
    return "".join(SPECIAL.get(character, character) for character in text).replace(r" \%", r"\,\%")


def label(name: str) -> str:
    """A name that may stand in \\label: letters, digits and hyphens."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)
