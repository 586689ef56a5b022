"""The page stands on its own: nesting, links, pictures, and nothing that is fetched."""

import base64
import hashlib
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from gdsweep.report import Picture, as_html, build_table, curves, receipts, results
from gdsweep.report.as_html import PARTS

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


def page(bench: Any, **others: Any) -> str:
    frame = results(bench.graph, bench.grid, bench.store)
    table = build_table(frame, bench.grid, "python collect.py grids/grid.yaml --html")
    found = receipts(bench.graph, bench.grid, bench.store)
    pictures = [Picture("Label efficiency", "A & B < C", PNG)]
    return as_html(
        table, found, folder=Path("results"), pictures=pictures, sources=["a paper"], **others
    )


def data_of(text: str) -> dict[str, Any]:
    """What the page's scripts draw when it is asked for."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


def test_every_link_leads_somewhere_on_the_page(partial: Any) -> None:
    read = Reader(page(partial))
    assert len(read.ids) == len(set(read.ids))
    for link in read.links:
        assert link.startswith("#")
        assert link[1:] in read.ids, link


def test_every_number_has_its_receipt_and_every_run_is_told_once(partial: Any) -> None:
    text = page(partial)
    data = data_of(text)
    shown = re.findall(r'id="number-\d+-\d+" data-cells="([\d ]+)"', text)
    assert {place for cells in shown for place in cells.split()} == set(data["cells"])
    assert set(data["runs"]) == set(partial.graph.runs)
    assert all(name in data["runs"] for cell in data["cells"].values() for _, name in cell["chain"])


def test_links_lead_from_the_page_to_files_that_are_there(partial: Any) -> None:
    _, run, _ = partial.find(labels=1, method="supervised", seed=0)
    run.log.write_text("trained")
    data = data_of(page(partial))
    facts = [*data["cells"].values(), *data["runs"].values()]
    links = {fact[0]: fact[2] for told in facts for fact in told["facts"] if len(fact) == 3}
    assert {"record", "log", "settings"} <= set(links)
    for address in links.values():
        assert Path(os.path.normpath(f"results/{address}")).is_file(), address


def test_nothing_is_fetched(partial: Any) -> None:
    text = page(partial)
    read = Reader(text)
    assert read.sources == [f"data:image/png;base64,{base64.b64encode(PNG).decode()}"]
    assert not {"link", "iframe", "object"} & read.seen
    assert "http:" not in text
    assert "https:" not in text
    assert not re.search(r"url\(|@import", text)
    assert "default-src 'none'" in text


def test_text_is_escaped(partial: Any) -> None:
    text = page(partial)
    assert "A &amp; B &lt; C" in text
    # a log's message may hold anything
    _, run, _ = partial.find(labels=10, method="supervised", seed=2)
    message = "<b>&</b></script><!--"
    partial.attempt(run, "failed", cause="error", log="log.txt:1", message=message)
    text = page(partial)
    assert message not in text
    assert "<b>" not in text
    assert message in json.dumps(data_of(text))
    Reader(text)


def test_numbers_verdicts_orderings_holes_and_provenance_are_said(partial: Any) -> None:
    text = page(partial)
    for said in (
        "14.0 ± 2.0",
        '<small class="published within">≈ 13.5</small>',
        '<small class="difference within">+0.5 within ±9.9</small>',
        'data-published="13.5 (+0.5, within ±9.9)"',
        '<span class="verdict holds">holds</span> 1',
        "✗ blocked",
        "the loss is nan; images of the batch: a_1.jpg, b_2.jpg",
        "python collect.py grids/grid.yaml --html",
        "<dt>published in</dt><dd>a paper</dd>",
        "7 of 12 scores are there",
    ):
        assert said in text
    assert "light-dark(" in text
    assert "@media print" in text


def test_the_same_results_give_the_same_page(partial: Any) -> None:
    assert page(partial) == page(partial)


def test_curves_bring_their_library_with_its_licence(partial: Any) -> None:
    assert "uPlot=function" not in page(partial)
    student = partial.chain(labels=1, method="guided", seed=0)[-1]
    lines = [{"iteration": at, "total_loss": 5.0, "segm/AP": 14.04321} for at in (500, 600)]
    partial.metrics(student, lines)
    measured = curves(partial.graph, partial.grid, partial.store)
    text = page(partial, curves=measured)
    assert "uPlot=function" in text
    assert "Permission is hereby granted" in text
    (curve,) = data_of(text)["curves"]
    assert (curve["name"], curve["run"]) == ("Ours_100%", student.name)
    assert curve["of"]["student"] == [[500, 600], [14.04, 14.04]]
    Reader(text)


def test_the_library_is_the_recorded_one() -> None:
    folder = PARTS / "uplot"
    recorded = re.findall(r"^    ([0-9a-f]{64})  (\S+)$", (folder / "README.md").read_text(), re.M)
    assert {name for _, name in recorded} == {p.name for p in folder.iterdir()} - {"README.md"}
    for digest, name in recorded:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name
    (version,) = re.findall(r"^uPlot ([\d.]+) ", (folder / "README.md").read_text())
    assert f"(v{version})" in (folder / "uPlot.iife.min.js").read_text()[:100]


def test_subtables_stand_under_their_captions_and_share_notes(new_bench: Any) -> None:
    bench = new_bench()
    text = bench.path.read_text().replace("table:\n", "table:\n  subtables: [method]\n")
    bench = new_bench(text)
    bench.score(12.0, 900, labels=1, method="guided", seed=0)
    _, failed, _ = bench.find(labels=10, method="guided", seed=2)
    bench.attempt(failed, "failed", cause="error", log="log.txt:1", message="no room")
    text = page(bench)
    assert text.index("(a) Mask2Former") < text.index("(b) Ours_100%")
    read = Reader(text)
    assert {"number-a-2-1", "number-b-2-1", "number-note-1"} <= set(read.ids)
    assert len(read.ids) == len(set(read.ids))
    assert all(link[1:] in read.ids for link in read.links)


def test_rows_of_many_axes_say_what_a_bare_number_is(new_bench: Any) -> None:
    def shown(text: str) -> str:
        bench = new_bench(text)
        table = build_table(results(bench.graph, bench.grid, bench.store), bench.grid)
        return as_html(table, {}, folder=Path("results"))

    text = new_bench.GRID.replace("  seed: [0, 1, 2]", "  lambda_u: [0.5, 2]")
    text = text.replace("rows: [method]", "rows: [method, lambda_u]").replace("figure:", "#")
    page = shown(text)
    assert "<span>Ours_100%</span>" in page  # heads its rows
    assert '<small class="of">Ours_100%</small>λ_u 0.5</th>' in page
    # where an innermost value has no name, a row tells all its names beside its like
    page = shown(text.replace("  names:", "  names:\n    lambda_u: {2: ''}"))
    assert "<span>Ours_100%</span>" not in page
    assert ">Ours_100%</th>" in page
    assert ">Ours_100% · λ_u 0.5</th>" in page
