"""The page stands on its own: nesting, links, pictures; and a browser opens it."""

import base64
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gdsweep.report import Picture, as_html, build_table, receipt, results

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Reader(HTMLParser):
    """Collects ids, links and sources; complains about wrong nesting."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.seen: set[str] = set()
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.add(tag)
        given = dict(attrs)
        assert len(given) == len(attrs), "an attribute twice"
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            assert "a" not in self.open, "a link in a link"
            self.links.append(given["href"])
        if "src" in given:
            self.sources.append(given["src"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def page(bench: Any) -> str:
    frame = results(bench.graph, bench.grid, bench.store)
    table = build_table(frame, bench.grid, "python collect.py grids/grid.yaml --html")
    receipts = {
        place: receipt(bench.graph, bench.grid, bench.store, place)
        for place in range(len(bench.grid.cells))
    }
    pictures = [Picture("Label efficiency", "A & B < C", "image/png", 3.4, PNG)]
    return as_html(table, receipts, pictures, ["a paper"])


def test_every_link_leads_somewhere_on_the_page(partial: Any) -> None:
    read = Reader(page(partial))
    assert len(read.ids) == len(set(read.ids))
    for link in read.links:
        assert link.startswith("#")
        assert link[1:] in read.ids, link
    # 2 rows of 2 numbers, each with a receipt; and every run of the grid once
    assert {f"number-{row}-{column}" for row in (2, 3) for column in (1, 2)} <= set(read.ids)
    assert sum(id.startswith("run-") for id in read.ids) == len(partial.graph.runs)


def test_nothing_is_fetched(partial: Any) -> None:
    text = page(partial)
    read = Reader(text)
    assert read.sources == [f"data:image/png;base64,{base64.b64encode(PNG).decode()}"]
    assert not {"script", "link", "iframe", "object"} & read.seen
    assert "http" not in text
    assert not re.search(r"url\(|@import", text)


def test_text_is_escaped(partial: Any) -> None:
    text = page(partial)
    assert "A &amp; B &lt; C" in text
    # a log's message may hold anything
    _, run, _ = partial.find(labels=10, method="supervised", seed=2)
    partial.attempt(run, "failed", cause="error", log="log.txt:1", message="<b>&</b>")
    text = page(partial)
    assert "<b>" not in text
    Reader(text)


def test_numbers_verdicts_orderings_holes_and_provenance_are_said(partial: Any) -> None:
    text = page(partial)
    for said in (
        "14.0 ± 2.0 (3)",
        'published 13.5</small><small>+0.5, <span class="verdict within">within ±9.9</span>',
        '<span class="verdict holds">holds</span>',
        "✗ blocked",
        "the loss is nan; images of the batch: a_1.jpg, b_2.jpg",
        "python collect.py grids/grid.yaml --html",
        "<dt>published in</dt><dd>a paper</dd>",
        "7 of 12 scores are there",
    ):
        assert said in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_the_same_results_give_the_same_page(partial: Any) -> None:
    assert page(partial) == page(partial)


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not on the PATH")
def test_a_browser_opens_it(partial: Any, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    # what the browser makes of the page, told by a script that is not in ours
    probe = (
        "<script>const n=[...document.images].filter(i=>i.complete&&i.naturalWidth>0).length;"
        "const dead=[...document.links].filter(a=>!document.querySelector("
        "CSS.escape(a.hash.slice(1))?'#'+CSS.escape(a.hash.slice(1)):'x')).length;"
        "document.title=`images ${n}, dead links ${dead}`</script>"
    )
    file.write_text(page(partial).replace("</body>", f"{probe}</body>"))
    done = subprocess.run(
        [
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom",
            f"--user-data-dir={tmp_path / 'profile'}", file.as_uri(),
        ],
        capture_output=True, text=True, check=False, timeout=120,
        env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    assert "<title>images 1, dead links 0</title>" in done.stdout
