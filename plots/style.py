"""One look for all figures: paper columns, vector fonts, colours that colour-blind readers tell."""

import contextlib
import hashlib
import logging
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gdsweep import atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN = 3.4
"""Width of a column of a two-column paper, in inches."""
PAGE = 7.0
"""Width of its page."""

COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5C2E", "#882255",
    "#000000",
)  # fmt: skip
"""Okabe and Ito's palette, the pairs that differ most first; brown for its yellow, which is too
faint on white, and wine to make nine."""
MARKERS = ("o", "s", "^", "D", "v", "P", "p", "<", "X")
QUIET = "#767676"
"""Grey of what stands in the background; 4.5:1 on white."""

RC: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "legend.fontsize": 7.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.edgecolor": "#333333",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#e3e3e3",
    "grid.linewidth": 0.6,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.0,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.handlelength": 2.2,
    "pdf.fonttype": 42,  # real fonts, not outlines: text stays text
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
}


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure in inches, drawn without a display and without pyplot's global state."""
    # the first import may rebuild the font cache, and says so as a warning
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


@contextlib.contextmanager
def look() -> Iterator[None]:
    """The context in which figures are drawn and saved, whatever the user's matplotlibrc says."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RC)
        yield


def legend_above(figure: "Figure", handles: Sequence[Any]) -> None:
    """A legend above all panels, in as many columns as its width allows; it covers no data.

    The figure grows by the legend's height, so that the panels keep theirs.
    """
    for columns in range(len(handles), 0, -1):
        legend = figure.legend(handles=handles, loc="outside upper left", ncols=columns)
        box = legend.get_window_extent(figure.canvas.get_renderer())  # type: ignore[attr-defined]
        # with the padding that keeps it off both edges
        if box.width <= 0.97 * figure.bbox.width or columns == 1:
            figure.set_figheight(figure.get_figheight() + box.height / figure.dpi)
            return
        legend.remove()


def save(figure: "Figure", stem: Path, command: str = "", data: str = "") -> None:
    """Write the `picture_files` of `stem` (PNG of 200 dpi, PDF), each whole or not at all.

    The files say which command made them, of which data (a digest) and by which code, and not when:
    the same results give the same bytes.
    """
    described: Sequence[dict[str, Any]] = (
        {"Description": command, "Data": data, "Code": code_digest(), "Software": None},
        {"Subject": command, "Keywords": f"{data} {code_digest()}", "CreationDate": None},
    )
    with look():
        for path, metadata in zip(picture_files(stem), described, strict=True):
            with atomic.replacing(path) as temporary:
                figure.savefig(temporary, format=path.suffix[1:], dpi=200, metadata=metadata)
            # laid out once, in both formats
            figure.set_layout_engine("none")


def picture_files(stem: Path) -> tuple[Path, Path]:
    """The files of one picture: `stem`.png and `stem`.pdf."""
    return stem.with_name(f"{stem.name}.png"), stem.with_name(f"{stem.name}.pdf")


def is_drawn(stem: Path, data: str) -> bool:
    """Whether `save` has written the files of `stem` for this data, by this code, already."""
    said = [text.encode() for text in (data, code_digest())]
    try:
        return all(
            all(text in content for text in said)
            for content in (path.read_bytes() for path in picture_files(stem))
        )
    except OSError:
        return False


@cache
def code_digest() -> str:
    """What figures are drawn by: a digest of this room's code and the version of matplotlib."""
    content = hashlib.sha256(version("matplotlib").encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        content.update(path.read_bytes())
    return content.hexdigest()[:16]


def svg(figure: "Figure") -> bytes:
    """The figure as SVG, its letters as outlines: a page shows it alike without our fonts."""
    import io

    import matplotlib

    buffer = io.BytesIO()
    with look():
        if figure.get_layout_engine() is not None:  # as the PNG is laid out
            figure.savefig(io.BytesIO(), format="png", dpi=200)
            figure.set_layout_engine("none")
        # a fixed salt instead of a random one: the same figure gives the same bytes
        matplotlib.rcParams.update({"svg.hashsalt": "gdsweep", "svg.fonttype": "path"})
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
