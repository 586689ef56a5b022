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
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN = 3.4
"""Width of a column of a two-column paper, in inches."""
PAGE = 7.0
"""Width of its page."""
DPI = 200
"""Pixels of an inch, in files that have pixels."""

COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5C2E", "#882255",
    "#000000",
)  # fmt: skip
"""Okabe and Ito's palette, the pairs that differ most first; brown for its yellow, which is too
faint on white, and wine to make nine."""
MARKERS = ("o", "s", "^", "D", "v", "P", "p", "<", "X")
KEY_SIZE = 6.5
"""Of letters in a legend, in points."""
_KEY_EXTRA = 3.9
"""What a legend's handle and spaces take beside its words, in letters' sizes."""
QUIET = "#767676"
"""Grey of what stands in the background; 4.5:1 on white."""

RC: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "axes.titley": 1.0,  # where it is, instead of above all text that is measured for it
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
    "text.parse_math": False,  # a name with a dollar is a name
}


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure in inches, drawn without a display and without pyplot's global state.

    Whoever draws says where its axes stand (`axes_at`): layout engines draw all text several times.
    """
    # the first import may rebuild the font cache, and says so as a warning
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def axes_at(figure: "Figure", left: float, bottom: float, width: float, height: float) -> "Axes":
    """New axes whose frame stands there, in inches."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def write(
    figure: "Figure", left: float, bottom: float, text: str, size: float, **style: Any
) -> None:
    """Text at a place of the figure in inches, from its lower left corner unless `style` says."""
    across, up = figure.get_size_inches()
    figure.text(left / across, bottom / up, text, fontsize=size, **{"va": "baseline", **style})


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Width of the widest line of a text, in inches."""
    return max((_line_width(line, size, weight) for line in text.splitlines()), default=0.0)


@cache
def _line_width(line: str, size: float, weight: str) -> float:
    from matplotlib.font_manager import FontProperties

    font = FontProperties(family=RC["font.family"], size=size, weight=weight)
    return _renderer().get_text_width_height_descent(line, font, ismath=False)[0] / DPI


@cache
def _renderer() -> Any:
    from matplotlib.backends.backend_agg import RendererAgg

    return RendererAgg(1, 1, DPI)


def wrapped(text: str, width: float, size: float, weight: str = "normal") -> str:
    """A text in lines of at most `width` inches; a longer word stands alone."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size, weight) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def line_height(size: float) -> float:
    """From one line of text to the next, in inches."""
    return 1.2 * size / 72


def ink(colour: str) -> str:
    """A colour dark enough for small text on white: 4.5:1, as WCAG asks."""
    from matplotlib.colors import to_hex, to_rgb

    shade = to_rgb(colour)
    while 1.05 / (_luminance(shade) + 0.05) < 4.5:
        red, green, blue = shade
        shade = 0.95 * red, 0.95 * green, 0.95 * blue
    return to_hex(shade)


def _luminance(shade: tuple[float, ...]) -> float:
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in shade]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@contextlib.contextmanager
def look() -> Iterator[None]:
    """The context in which figures are drawn and saved, whatever the user's matplotlibrc says."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(RC)
        yield


def key_rows(handles: Sequence[Any], width: float, size: float = KEY_SIZE) -> list[list[Any]]:
    """Handles of a legend in rows that are no wider than `width` inches."""
    rows: list[list[Any]] = []
    used = 0.0
    for handle in handles:
        wide = text_width(handle.get_label(), size) + _KEY_EXTRA * size / 72
        if not rows or used + wide > width:
            rows.append([])
            used = 0.0
        rows[-1].append(handle)
        used += wide
    return rows


def draw_key(
    figure: "Figure", rows: Sequence[Sequence[Any]], left: float, top: float, size: float = KEY_SIZE
) -> None:
    """A legend in rows, its upper left corner at a place in inches."""
    across, up = figure.get_size_inches()
    for number, row in enumerate(rows):
        figure.legend(
            handles=row, loc="upper left", ncols=len(row), fontsize=size,
            bbox_to_anchor=(left / across, (top - number * line_height(size) * 1.1) / up),
            borderaxespad=0, borderpad=0, columnspacing=1.2, handletextpad=0.5, handlelength=2.0,
        )  # fmt: skip


def save(figure: "Figure", stem: Path, command: str = "", data: str = "") -> None:
    """Write the `picture_files` of `stem` (PNG of DPI, PDF), each whole or not at all.

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
                figure.savefig(temporary, format=path.suffix[1:], dpi=DPI, metadata=metadata)


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
