"""docs/settings.md is made from the docstrings, and names every setting.

After a setting has changed: `python -m gdsweep.grid.settings_page > docs/settings.md`.
"""

from pathlib import Path

from gdsweep.config import FORMATS
from gdsweep.grid.names import leaves
from gdsweep.grid.settings_page import settings_page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"


def test_the_page_is_what_the_docstrings_say() -> None:
    assert PAGE.read_text() == settings_page(), "see this file's docstring"


def test_every_setting_and_format_is_there_with_its_words() -> None:
    lines = settings_page().splitlines()
    for target in leaves():
        if target != ("dataset",):
            name = ".".join(target)
            (line,) = (line for line in lines if line.startswith(f"- **`{name}`**"))
            assert len(line.split("; ", 1)[1].split(". ", 1)[1]) > 5, line
    for name in FORMATS:
        assert f"### `format: {name}`" in lines
