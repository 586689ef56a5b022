"""Files: their formats, their fonts, and equal bytes for equal figures."""

import subprocess
import sys
from pathlib import Path

import pytest

from gdsweep.plots.style import (
    COLOURS,
    MARKERS,
    is_drawn,
    look,
    new_figure,
    picture_files,
    save,
)


def figure_file(folder: Path, data: str = "") -> tuple[Path, Path]:
    with look():
        figure = new_figure(3.4, 2.0)
        figure.subplots().plot([1, 2], [3, 4], label="λ")
    save(figure, folder / "name", "python collect.py", data)
    return picture_files(folder / "name")


def test_files_are_a_png_and_a_pdf_with_real_fonts(tmp_path: Path) -> None:
    png, pdf = figure_file(tmp_path)
    data = png.read_bytes()
    assert data.startswith(b"\x89PNG")
    width = int.from_bytes(data[16:20], "big")
    assert width == 680  # 3.4 in at 200 dpi
    text = pdf.read_bytes()
    assert text.startswith(b"%PDF")
    assert b"/Type /Font" in text
    assert b"/Subtype /Type3" not in text
    assert b"CreationDate" not in text
    assert sorted(path.name for path in tmp_path.iterdir()) == ["name.pdf", "name.png"]


def test_the_same_figure_gives_the_same_bytes(tmp_path: Path) -> None:
    before = [path.read_bytes() for path in figure_file(tmp_path)]
    assert [path.read_bytes() for path in figure_file(tmp_path)] == before


def test_pictures_of_the_same_data_are_not_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_drawn(tmp_path / "name", "0123")
    _, pdf = figure_file(tmp_path, "0123")
    assert is_drawn(tmp_path / "name", "0123")
    assert not is_drawn(tmp_path / "name", "4567")
    monkeypatch.setattr("gdsweep.plots.style.code_digest", lambda: "another version")
    assert not is_drawn(tmp_path / "name", "0123")
    monkeypatch.undo()
    pdf.unlink()
    assert not is_drawn(tmp_path / "name", "0123")


def test_there_is_a_marker_for_every_colour() -> None:
    assert len(COLOURS) == len(set(COLOURS)) == len(MARKERS)


def test_drawing_is_silent_without_a_font_cache_or_display(tmp_path: Path) -> None:
    script = (
        "import pathlib\nfrom plots import style\n"
        "with style.look():\n    figure = style.new_figure(2, 2)\n"
        f"style.save(figure, pathlib.Path({str(tmp_path)!r}) / 'x')\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
        env={"MPLCONFIGDIR": str(tmp_path / "empty"), "HOME": str(tmp_path)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
