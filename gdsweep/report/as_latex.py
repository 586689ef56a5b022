"""A table in LaTeX, for a paper of two columns: booktabs, spanning headers, best in bold."""

import re
from collections.abc import Sequence

from gdsweep.report import wording
from gdsweep.report.display import spans
from gdsweep.report.entries import Entry
from gdsweep.report.fitting import Form, Line, body, heads
from gdsweep.report.latex_layout import SEPARATION, Float, doubled, floats
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
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
}


def as_latex(table: Table) -> str:
    """`table` environments; they need \\usepackage{booktabs} and nothing else.

    One column wide if it fits, two otherwise; subtables stand beside each other if they fit. What
    is higher than a page goes on in a further float.
    """
    made = floats(table)
    out = [
        *([f"% Made by: {table.command}"] if table.command else []),
        r"% Needs \usepackage{booktabs}.",
    ]
    for place, one in enumerate(made):
        environment = "table*" if one.wide else "table"
        more = f" (part {place + 1} of {len(made)})" if len(made) > 1 else ""
        out += [
            rf"\begin{{{environment}}}[t]",
            r"  \centering",
            rf"  \caption{{{escape(table.caption + more)}}}",
            rf"  \label{{tab:{label(table.name)}{f'-{place + 1}' if place else ''}}}",
            rf"  \footnotesize\setlength{{\tabcolsep}}{{{SEPARATION:g}pt}}",
            *(f"  {line}" for line in _panels(one)),
        ]
        if place == len(made) - 1:
            out += _legend(table)
        out.append(rf"\end{{{environment}}}")
    return "\n".join(out) + "\n"


def _legend(table: Table) -> list[str]:
    lines = [escape(line) for line in wording.key(table, "Bold")]
    if not lines:
        return []
    return [
        r"  \begin{minipage}{\linewidth}\scriptsize\raggedright",
        *(rf"    {line}\\" for line in lines[:-1]),
        f"    {lines[-1]}",
        r"  \end{minipage}",
    ]


def _panels(one: Float) -> list[str]:
    lines: list[str] = []
    for place, (panel, form, caption) in enumerate(one.panels):
        tabular = _tabular(panel, form)
        tabular += [r"\par\smallskip", escape(caption)] if caption else []
        alone = not one.paired or (place % 2 == 0 and place == len(one.panels) - 1)
        if alone:
            lines += [*tabular, r"\par\medskip"]
        else:
            after = r"\par\medskip" if place % 2 else r"\hfill"
            lines += [
                r"\begin{minipage}[t]{0.49\textwidth}\centering",
                *(f"  {line}" for line in tabular),
                rf"\end{{minipage}}{after}",
            ]
    return lines


def _tabular(table: Table, form: Form) -> list[str]:
    double = doubled(table, form)
    names = heads(table, form)
    columns = "".join(r"r@{\,}l" if two else "r" for two in double)
    return [
        rf"\begin{{tabular}}[t]{{@{{}}{'l' * len(names)}{columns}@{{}}}}",
        r"  \toprule",
        *(f"  {line}" for line in _head(table, names, double)),
        r"  \midrule",
        *(f"  {line}" for line in _body(table, form, double)),
        r"  \bottomrule",
        r"\end{tabular}",
    ]


def _head(table: Table, names: Sequence[str], double: Sequence[bool]) -> list[str]:
    stub = len(names)
    starts = [stub + 1 + at + sum(double[:at]) for at in range(len(double))]
    ends = [start + two for start, two in zip(starts, double, strict=True)]

    def over(text: str, first: int, last: int) -> str:
        return rf"\multicolumn{{{ends[last] - starts[first] + 1}}}{{c}}{{{escape(text)}}}"

    def rule(first: int, last: int) -> str:
        return rf"\cmidrule(lr){{{starts[first]}-{ends[last]}}}"

    lines = []
    last = len(table.columns) - 1
    if table.headings:
        lines.append(_row([""] * stub + [over(" / ".join(table.headings), 0, last)]))
        lines.append(rule(0, last))
    for level in range(max((len(column) for column in table.columns), default=0) - 1):
        groups = spans([column[: level + 1] for column in table.columns])
        lines.append(_row([""] * stub + [over(key[-1], begin, end) for key, begin, end in groups]))
        lines.append(" ".join(rule(begin, end) for _, begin, end in groups))
    titles = [column[-1] if column else table.metric for column in table.columns]
    texts = [
        over(title, at, at) if two else escape(title)
        for at, (title, two) in enumerate(zip(titles, double, strict=True))
    ]
    return [*lines, _row([*map(escape, names), *texts])]


def _body(table: Table, form: Form, double: Sequence[bool]) -> list[str]:
    lines = []
    for line in body(table, form):
        if line.begins:
            lines.append(r"\addlinespace")
        labels = [_indented(text) for text in line.labels]
        lines.append(_row([*labels, *_texts(line, double)]))
    return lines


def _texts(line: Line, double: Sequence[bool]) -> list[str]:
    if line.row is None:
        return [""] * (len(double) + sum(double))
    texts = []
    for entry, two in zip(line.row.entries, double, strict=True):
        if line.shows == "value":
            texts += [_value(entry), *([escape(wording.beside(entry, ""))] if two else [])]
        else:
            text = (
                wording.interval(entry) if line.shows == "interval" else wording.beside(entry, "")
            )
            texts += [rf"\scriptsize {escape(text)}" if text else "", *([""] if two else [])]
    return texts


def _value(entry: Entry) -> str:
    text = escape(wording.value(entry, "±"))
    return rf"\textbf{{{text}}}" if entry.best else text


def _indented(text: str) -> str:
    inner = text.lstrip()
    return (
        rf"\hspace*{{{(len(text) - len(inner)) / 4:g}em}}{escape(inner)}"
        if inner != text
        else escape(text)
    )


def _row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def escape(text: str) -> str:
    """Text with LaTeX's own characters and the report's signs made printable."""
    escaped = "".join(SPECIAL.get(character, character) for character in text)
    symbols = re.sub(r"(\$\\[a-z]+)\$\\_(\w)", r"\1_\2$", escaped)  # lambda_u as one symbol
    return symbols.replace(r" \%", r"\,\%")


def label(name: str) -> str:
    """A name that may stand in \\label: letters, digits and hyphens."""
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name)
