"""The page as its reader works with it, in a real browser: by pointer, by keys, on a phone."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser
from filled import fill
from PIL import Image

from gdsweep.plan.request import Request
from gdsweep.report import Picture, as_html, build_table, curves, receipts, results

pytestmark = [
    pytest.mark.skipif(Browser.is_missing(), reason="chromium is not on the PATH"),
    pytest.mark.xdist_group("browser"),
]

GRID = """
title: Page
axes:
  dataset: [cityscapes, coco]
  labels: {by: dataset, cityscapes: [5, 10, 20, 30, 100], coco: [1, 2, 5, 10]}
  method: [supervised, guided]
  backbone: [resnet50, swin-large]
except: [{dataset: coco, backbone: swin-large, labels: 1}]
table:
  caption: A caption with <i>markup</i> & signs
  rows: [method, backbone]
  columns: [dataset, labels]
  names:
    dataset: {cityscapes: Cityscapes, coco: COCO}
    method: {supervised: Supervised, guided: Guided <b>distillation</b>}
    backbone:
      resnet50: Mask2Former R50
      swin-large: Mask2Former Swin-L "<script>x=1</script>"
published: paper.yaml
"""
PUBLISHED = """
source: a paper
tables:
  3a:
    axes: {dataset: cityscapes}
    columns: {labels: [5, 10]}
    rows: [{row: R50, axes: {method: supervised, backbone: resnet50}, AP: [20.0, 30.0]}]
"""


def white(width: int, height: int) -> bytes:
    """A white picture, as PNG."""
    content = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(content, "PNG")
    return content.getvalue()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of 34 numbers of two data sets, one of them missing, and its store beside it."""
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("grid.yaml").write_text(GRID)
        Path("paper.yaml").write_text(PUBLISHED)
        fill(Path("runs"), ["grid.yaml"], lines=2)
        request = Request(grid_names=(Path("grid.yaml"),))
        (grid,) = request.grids
        _, run, ref = request.graph.results[0]
        request.store.run(run).score(ref).unlink()
        frame = results(request.graph, grid, request.store)
        text = as_html(
            build_table(frame, grid, "a command"),
            receipts(request.graph, grid, request.store),
            folder=folder / "results",
            pictures=[Picture("A picture", "Said of it.", white(160, 90))],
            curves=curves(request.graph, grid, request.store),
        )
        (folder / "results").mkdir()
        (folder / "results" / "grid.html").write_text(text)
    return folder / "results" / "grid.html"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def browser(started: Browser, file: Path) -> Iterator[Browser]:
    """The page as it is opened on a desktop; its scripts must not complain, nor fetch anything."""
    started.resize(1440, 900)
    started.open(file)
    yield started
    assert started.errors == []
    assert {address.split(":")[0] for address in started.requests} <= {"file", "data"}


def unfold(browser: Browser, *selectors: str) -> None:
    """Open what is folded; it is made when it is opened."""
    for selector in selectors:
        browser.click(element(f"{selector} > summary"))
        browser.until(f"{element(selector)}.children.length > 1")


def element(selector: str, place: int = 0) -> str:
    return f"document.querySelectorAll({json.dumps(selector)})[{place}]"


def shown_rows(browser: Browser) -> list[str]:
    """Labels of the rows of the table that are shown, in their order."""
    rows = "document.querySelectorAll('#number tbody tr:not(.group, .opened)')"
    return list(browser.run(f"[...{rows}].filter(r => !r.hidden).map(r => r.cells[0].innerText)"))


def column(browser: Browser, place: int) -> list[str]:
    """First lines of a column's entries, as the rows are ordered now."""
    rows = "document.querySelectorAll('#number tbody tr:not(.group, .opened)')"
    entry = f"r.cells[{place}].innerText.split('\\n')[0]"
    return list(browser.run(f"[...{rows}].map(r => {entry})"))


def test_a_click_on_a_head_sorts_and_the_third_restores(browser: Browser) -> None:
    before = column(browser, 2)
    head = "#number button.sort"
    browser.click(element(head, 2))
    assert column(browser, 2) == sorted(before, key=float, reverse=True)
    assert browser.run(f"{element(head, 2)}.parentElement.ariaSort") == "descending"
    # out of its group a row says what group it is of
    assert any(label.startswith("Guided <b>distillation</b>\n") for label in shown_rows(browser))
    browser.click(element(head, 2))
    assert column(browser, 2) == sorted(before, key=float)
    browser.click(element(head, 2))
    assert column(browser, 2) == before
    assert browser.run(f"{element(head, 2)}.parentElement.ariaSort") == "none"
    browser.click(element(head, 1))
    assert column(browser, 1)[-1] == "interrupted 100 %"  # holes stay last, either way round
    browser.click(element(head, 1))
    assert column(browser, 1)[-1] == "interrupted 100 %"


def test_words_and_states_filter_rows(browser: Browser) -> None:
    browser.click(element("#table input[type=search]"))
    browser.type("guided r50")
    assert shown_rows(browser) == ["Mask2Former R50"]
    assert browser.run("document.querySelector('#table output').innerText") == "1 of 4 rows"
    groups = "[...document.querySelectorAll('#number .group')].filter(g => !g.hidden)"
    assert browser.run(f"{groups}.map(g => g.innerText)") == ["Guided <b>distillation</b>"]
    browser.run(f"({element('#table input[type=search]')}).value = ''")
    browser.type("nothing of this")
    assert shown_rows(browser) == []
    browser.open(Path(browser.run("decodeURIComponent(location.pathname)")))
    select = element("#table select")
    change = "dispatchEvent(new Event('change', {bubbles: true}))"
    browser.run(f"{select}.value = '.hole', {select}.{change}")
    assert len(shown_rows(browser)) == 1


def test_columns_of_a_data_set_are_left_out(browser: Browser) -> None:
    heads = "[...document.querySelectorAll('#number thead .sort')].filter(b => b.offsetWidth)"
    assert browser.run(f"{heads}.length") == 10
    browser.click(element("#table fieldset input", 0))
    assert browser.run(f"{heads}.map(b => b.innerText)")[1:] == ["1 %", "2 %", "5 %", "10 %"]
    over = "[...document.querySelectorAll('#number .over')].filter(o => o.offsetWidth)"
    assert browser.run(f"{over}.map(o => o.innerText)") == ["COCO"]
    entries = "[...document.querySelector('#number tbody tr:not(.group)').cells]"
    assert browser.run(f"{entries}.filter(e => e.offsetWidth).length") == 5
    browser.click(element("#table fieldset input", 0))
    assert browser.run(f"{heads}.length") == 10


def test_a_number_opens_its_receipt_which_folds(browser: Browser, file: Path) -> None:
    number = element("td button.value", 3)
    browser.click(number)
    said = browser.run("document.querySelector('.sheet').innerText")
    assert "selection rule" in said
    assert "checkpoint" in said
    links = browser.run("[...document.querySelectorAll('.sheet a')].map(a => a.pathname)")
    assert len(links) == 3
    assert all(Path(link).is_file() for link in links)
    assert browser.run("location.hash") == f"#{browser.run(f'{number}.id')}"
    # a run's part is made when it is opened
    assert browser.run("document.querySelectorAll('.sheet .run dl').length") == 0
    browser.click(element(".sheet .run summary"))
    browser.until("document.querySelector('.sheet .run').innerText.includes('Attempts')")
    browser.press("Escape")
    assert browser.run("document.querySelectorAll('.sheet').length") == 0
    assert browser.run(f"document.activeElement === {number}")
    # sorting takes an open receipt along
    browser.click(number)
    browser.click(element("#number button.sort", 2))
    label = "document.querySelector('.opened').previousElementSibling"
    assert browser.run(f"{label}.contains({number})") is False
    assert browser.run(f"{label}.querySelector('[aria-expanded=true]') !== null")


def test_an_address_opens_what_it_names(browser: Browser, file: Path) -> None:
    browser.open(file, "#number-2-3")
    assert browser.run("document.getElementById('number-2-3').ariaExpanded") == "true"
    top = "document.getElementById('number-2-3').getBoundingClientRect().top"
    assert 0 < browser.run(top) < 900


def test_choices_outlast_a_reload(browser: Browser) -> None:
    browser.click(element("#number button.sort", 2))
    browser.click(element("td button.value", 3))
    order = column(browser, 2)
    browser.reload()
    assert column(browser, 2) == order
    assert browser.run("document.querySelectorAll('.sheet').length") == 1


def test_what_was_chosen_of_another_table_is_forgotten(browser: Browser) -> None:
    key = json.dumps(f"gdsweep {browser.run('location.pathname')} table number")
    odd = {"words": "", "show": "[data-verdict='above']", "hidden": ["ADE"]}
    odd["sort"] = {"column": 99, "descending": True}  # type: ignore[assignment]
    browser.run(f"sessionStorage.setItem({key}, {json.dumps(json.dumps(odd))})")
    browser.reload()
    assert browser.errors == []
    assert len(shown_rows(browser)) == 4
    browser.click(element("#number button.sort", 2))
    assert len(shown_rows(browser)) == 4


def test_markup_in_names_stays_text(browser: Browser) -> None:
    browser.click(element("td button.value", -1 % 34))
    unfold(browser, ".choose", ".runs details")
    said = browser.run("document.body.innerText")
    for name in ('Swin-L "<script>x=1</script>"', "Guided <b>distillation</b>", "<i>markup</i> &"):
        assert name in said
    assert browser.run("document.querySelectorAll('b, main i:not([class])').length") == 0
    assert browser.run("typeof x") == "undefined"


def test_the_pointer_reads_a_curve(browser: Browser, file: Path) -> None:
    x, y = browser.place(element(".chart .u-over"))
    rest = browser.run("document.querySelector('.readout').innerText")
    for step in range(0, 200, 20):  # down across the curves until one is near
        browser.point(x, y - 100 + step)
        if not browser.run("document.querySelector('.tip').hidden"):
            break
    told = browser.run("document.querySelector('.tip').innerText")
    value, at = re.search(r"([\d.]+) at ([\d,]+)$", told).groups()  # type: ignore[union-attr]
    under = browser.run("document.querySelector('.readout').innerText")
    assert under != rest
    assert value in under
    assert at in under
    text = file.read_text()
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    points = [
        (point[0], f"{point[1]:g}")
        for curve in data["curves"]
        for point in zip(*curve["of"]["student"], strict=True)
    ]
    teachers = [
        (point[0], f"{point[1]:g}")
        for curve in data["curves"]
        for point in zip(*curve["of"]["teacher"], strict=True)
    ]
    assert (int(at.replace(",", "")), value) in points + teachers


def test_chosen_runs_are_compared(browser: Browser) -> None:
    lines = "document.querySelectorAll('.readout tbody tr').length"
    before = browser.run(lines)
    unfold(browser, ".choose")
    browser.click(element(".choices label", -1 % 34))
    assert browser.run(lines) == before + 1
    browser.click(element(".choose input[type=search]"))
    browser.type("coco guided")
    browser.click(element(".choose button", 1))  # none of these
    names = "[...document.querySelectorAll('.readout tbody th')].map(t => t.innerText)"
    assert not any("COCO" in name and "Guided" in name for name in browser.run(names))
    browser.click(element(".readout button"))
    assert browser.run(lines) == before - 1
    # a receipt brings its curve
    browser.click(element("td button.value", 20))
    browser.click(element(".sheet > button:last-child"))
    assert browser.run(lines) == before


def test_keys_reach_everything(browser: Browser) -> None:
    seen = []
    for _ in range(60):
        browser.press("Tab")
        seen.append(
            browser.run(
                "[document.activeElement.className, document.activeElement.tagName,"
                " getComputedStyle(document.activeElement).outlineStyle]"
            )
        )
        if seen[-1][0].startswith("value"):
            break
    kinds = {kind for kind, _, _ in seen}
    assert {"theme", "sort", "scroll"} <= kinds
    assert {"A", "INPUT", "SELECT", "SUMMARY"} <= {tag for _, tag, _ in seen}
    assert all(outline != "none" for _, _, outline in seen)
    browser.press("Enter")
    assert browser.run("document.querySelectorAll('.sheet').length") == 1
    browser.press("Enter")
    assert browser.run("document.querySelectorAll('.sheet').length") == 0
    browser.run("document.querySelector('.chart').focus()")
    browser.press("ArrowRight", "ArrowRight")
    said = browser.run("document.querySelector('.spoken').innerText")
    assert re.search(r"student: [\d.]+ at [\d,]+$", said)
    browser.press("ArrowDown")
    assert "EMA teacher: " in browser.run("document.querySelector('.spoken').innerText")


def test_a_picture_opens_large(browser: Browser) -> None:
    browser.click(element("button.picture"))
    assert browser.run("document.querySelector('dialog').open")
    width = "document.querySelector('dialog img').clientWidth"
    assert browser.run(width) > 1300
    browser.click(element("dialog img"))
    assert browser.run(width) > 2600
    browser.press("Escape")
    assert not browser.run("document.querySelector('dialog').open")


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_only_tables_scroll_sideways(browser: Browser, width: int) -> None:
    browser.resize(width)
    browser.click(element("td button.value", 5))
    unfold(browser, ".runs details", ".choose")
    assert browser.run("document.documentElement.scrollWidth") == width
    # no element but those that scroll is wider than the window
    wide = """[...document.querySelectorAll('body *')].filter(e =>
        e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, nav, .spoken'))"""
    assert browser.run(f"{wide}.map(e => e.outerHTML.slice(0, 80))") == []


def test_a_phone_shows_numbers_at_once_and_says_what_is_hidden(browser: Browser) -> None:
    browser.resize(390)
    browser.reload()
    boxes = "[...document.querySelectorAll('td button.value')].map(b => b.getBoundingClientRect())"
    assert browser.run(f"{boxes}.filter(b => b.right < 390 && b.bottom < 844).length") >= 2
    more = "document.querySelector('.more')"
    count = int(browser.run(f"{more}.innerText").split()[0])
    assert 5 <= count <= 8
    scroll = "document.querySelector('#table .scroll')"
    browser.run(f"{scroll}.scrollTo({{left: 300, top: 80, behavior: 'instant'}})")
    # head and first column stay where they are
    for part, side in (("thead", "top"), ("tbody .stub", "left")):
        place = f"document.querySelector('#number {part}').getBoundingClientRect().{side}"
        assert abs(browser.run(f"{place} - {scroll}.getBoundingClientRect().{side}")) < 3
    browser.run(f"{scroll}.scrollTo({{left: 9999, behavior: 'instant'}})")
    browser.until(f"{more}.hidden")
    assert browser.run(f"{scroll}.classList.contains('more-left')")


CONTRASTS = """(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (colour) => rgb(colour).slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (rgb(colour)[3] !== 0) return colour;
    }
  };
  const found = [];
  for (const element of document.querySelectorAll('body *')) {
    if (!element.offsetWidth || element.closest('script, noscript')) continue;
    const { color, borderTopColor, backgroundColor } = getComputedStyle(element);
    const told = (colour, least, on = element) =>
      found.push([ratio(colour, ground(on)), least, element.outerHTML.slice(0, 90)]);
    if ([...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) told(color, 4.5);
    if (element.matches('input[type=search], select, .fold, .theme')) told(borderTopColor, 3);
    if (element.matches('.swatch')) told(backgroundColor, 3, element.parentElement);
  }
  return found;
})()"""
"""Contrast (WCAG 2.2, 1.4.3 and 1.4.11), what it must be at least, and of what: of every text, of
the edges of what is typed into or pressed, and of curves."""


@pytest.mark.parametrize("dark", [False, True])
def test_contrast_is_that_of_wcag_aa(browser: Browser, dark: bool) -> None:
    browser.resize(1440, 900, dark)
    browser.click(element("td button.value", 5))
    unfold(browser, ".sheet .run", ".runs details", ".choose")
    browser.click(element(".choose button", 0))
    found = browser.run(CONTRASTS)
    assert len(found) > 300
    swatches = {name for _, _, name in found if name.startswith('<i class="swatch')}
    assert len(swatches) == 8
    assert [(ratio, name) for ratio, least, name in found if ratio < least] == []
    ground = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(20, 23, 28)") is dark


def test_colours_can_be_chosen_against_the_system(browser: Browser) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    seen = [browser.run(ground)]
    for _ in range(3):
        browser.click(element(".theme"))
        seen.append(browser.run(ground))
    first, light, dark, again = seen
    assert (light, again) == (first, first)
    assert dark != first


def test_print_shows_whole_tables_and_no_tools(browser: Browser) -> None:
    browser.resize(800, 1100, dark=True, media="print")
    for part in ("nav", ".table-tools", ".toolbar"):
        assert browser.run(f"getComputedStyle(document.querySelector('{part}')).display") == "none"
    scroll = "document.querySelector('#table .scroll')"
    assert browser.run(f"{scroll}.scrollHeight - {scroll}.clientHeight") == 0
    assert browser.run("getComputedStyle(document.body).color") == "rgb(29, 33, 41)"


def test_a_browser_finds_every_part(browser: Browser) -> None:
    ids = browser.run("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    targets = browser.run("[...document.querySelectorAll('nav a')].map(a => a.hash.slice(1))")
    assert set(targets) <= set(ids)
    assert targets[:2] == ["table", "curves"]
