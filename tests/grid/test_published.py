import re
from pathlib import Path

import pytest

from gdsweep.errors import BadInput
from gdsweep.grid import Claims, Spread, read_published, spread_of
from gdsweep.grid.noise import USUAL
from gdsweep.grid.published import _printed, _quantity, read_claims, read_paper

ROOT = Path(__file__).resolve().parents[2]
TABLE_3 = ROOT / "grids" / "paper" / "table3.yaml"
PAPER = ROOT.parent / "shared" / "paper.txt"


def test_table_3_is_typed() -> None:
    values = read_published(TABLE_3)
    assert len(values) == 25 + 29 + 25 + 28
    (one,) = [
        v for v in values if v.table == "3c" and v.row == "Ours - R50 (IN-1k)" and v.value == 30.8
    ]
    assert one.axes == {
        "dataset": "cityscapes",
        "labels": 10,
        "method": "guided",
        "backbone": "resnet50",
    }
    assert (one.column, one.quoted) == ("10 %", False)
    assert "WACV 2024" in one.source
    assert {v.row.split(" - ")[0] for v in values if v.quoted} == {
        "Mask-RCNN",
        "CenterMask2",
        "Noisy Boundaries",
        "DD",
        "Polite Teacher",
    }


def test_newer_methods_are_quoted_each_with_its_own_source() -> None:
    quoted: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for value in read_published(ROOT / "grids" / "paper" / "beyond.yaml"):
        assert value.quoted != ("WACV 2024" in value.source), value
        if value.quoted:
            rows = quoted.setdefault(value.table, {})
            rows.setdefault(value.row, []).append((value.column, value.value))
            arxiv = {"S4M": "2504.05301", "CAST": "2505.21904", "Depth": "2406.17413"}
            assert arxiv.get(re.split("[- ]", value.row)[0], "ICCV 2023") in value.source
    percents = ("5 %", "10 %", "20 %", "30 %"), ("1 %", "2 %", "5 %", "10 %")
    s4m = "S4M - R50 (IN-1k)"
    assert quoted == {
        "cityscapes": {
            s4m: list(zip(percents[0], (30.1, 33.3, 37.2, 37.7), strict=True)),
            "CAST": [("10 %", 33.9)],
        },
        "coco": {
            s4m: list(zip(percents[1], (24.2, 28.1, 32.0, 34.6), strict=True)),
            "PAIS - Mask R-CNN": [("1 %", 21.2)],
            "Depth-Guided": [("1 %", 22.3), ("5 %", 31.5), ("10 %", 35.1)],
        },
    }


def test_table_3_is_the_papers() -> None:
    if not PAPER.exists():
        pytest.skip(f"the paper's text is not at {PAPER}")
    printed = tables(PAPER.read_text())
    ours: dict[str, dict[str, list[float]]] = {}
    columns: dict[str, list[str]] = {}
    for value in read_published(TABLE_3):
        ours.setdefault(value.table, {}).setdefault(value.row, []).append(value.value)
        heads = columns.setdefault(value.table, [])
        if value.column not in heads:
            heads.append(value.column)
    assert {name: rows for name, (_, rows) in printed.items()} == ours
    assert {name: heads for name, (heads, _) in printed.items()} == columns


def tables(text: str) -> dict[str, tuple[list[str], dict[str, list[float]]]]:
    """Tables 3a to 3d of the paper: column heads, and numbers (dashes left out) by row."""
    found = {}
    blocks = re.split(r"\n(?=Amount of labeled data used)", text)[1:]
    for block in blocks:
        letter = re.search(r"^\(([a-d])\) ", block, re.MULTILINE)
        assert letter is not None
        lines = [line for line in block[: letter.start()].splitlines() if "\t" in line]
        heads = [head.replace("%", " %") for head in lines[0].split("\t")[1:]]
        rows = {}
        for line in lines[1:]:
            name, *numbers = re.sub(r"</?b>", "", line).split("\t")
            rows[name] = [float(number) for number in numbers if number != "—"]
        found[f"3{letter[1]}"] = heads, rows
    return found


def test_values_find_their_cells(load) -> None:
    page = """title: T
axes:
  dataset: [coco]
  labels: [1, 2, 30]
  method: [supervised, guided]
published: p.yaml
"""
    Path("p.yaml").write_text(TABLE_3.read_text())
    Path("table7.yaml").write_text(TABLE_3.with_name("table7.yaml").read_text())
    grid = load(page)
    known = grid.published_values()
    found = {tuple(c.axes.values())[1:]: known.get(place) for place, c in enumerate(grid.cells)}
    # the backbone is no axis here, but every cell has one: resnet50 unless told otherwise
    assert {key: value and value.value for key, value in found.items()} == {
        (1, "supervised"): 13.5,
        (1, "guided"): 21.5,
        (2, "supervised"): 20.0,
        (2, "guided"): 25.3,
        (30, "supervised"): None,
        (30, "guided"): None,
    }
    other = load(f"{page}settings: {{backbone: swin-large}}\n")
    assert [other.published_values()[place].value for place in (0, 1)] == [22.3, 34.0]
    small = load(f"{page}settings: {{backbone: resnet18}}\n")
    assert small.published_values() == {}


TWICE = """source: S
tables:
  a:
    axes: {dataset: coco, method: supervised, backbone: resnet50}
    columns: {labels: [1, 5]}
    rows: [{row: R, AP: [10.0, 20.0], AP50: [30.0, 40.0]}]
"""
AGAIN = """source: S
tables:
  b:
    axes: {dataset: coco, method: supervised, backbone: resnet50, freeze_backbone: false}
    columns: {labels: [1, 5]}
    rows: [{row: Finetuned, AP: [12.0, 20.0], AP50: [30.0, 46.0]}]
"""


def twice(tmp_path: Path, text: str = TWICE, again: str = AGAIN):
    (tmp_path / "again.yaml").write_text(again)
    path = tmp_path / "p.yaml"
    path.write_text(f"elsewhere: [again.yaml]\n{text}")
    return read_paper(path)


def test_a_quantity_printed_twice_has_both_values_and_tells_the_noise(tmp_path: Path) -> None:
    """A default that the other table names and this one does not is the same quantity."""
    values, claims = twice(tmp_path)
    assert [(v.metric, v.value, v.printed, v.reference) for v in values] == [
        ("AP", 10.0, (10.0, 12.0), 11.0),
        ("AP", 20.0, (20.0,), 20.0),  # equal values may be one run's, printed twice
        ("AP50", 30.0, (30.0,), 30.0),
        ("AP50", 40.0, (40.0, 46.0), 43.0),
    ]
    assert claims.repeats == {("coco", "AP"): Spread(2.0, 1), ("coco", "AP50"): Spread(18.0, 1)}
    known = spread_of(USUAL["coco"].repeats)
    assert claims.spread("coco") == known + Spread(2.0, 1)
    assert claims.noise_source("coco").endswith("; what the paper prints twice")
    assert claims.spread("coco", "AP50") == Spread(18.0, 1)


def test_another_quantity_is_no_repeat(tmp_path: Path) -> None:
    for old, new in (("false", "true"), ("supervised", "guided"), ("resnet50", "swin-large")):
        values, claims = twice(tmp_path, again=AGAIN.replace(old, new))
        assert [v.printed for v in values[:2]] == [(10.0,), (20.0,)]
        assert claims.repeats == {}
    quoted = AGAIN.replace("row: Finetuned", "row: Others, quoted: true")
    assert twice(tmp_path, again=quoted)[1].repeats == {}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("again.yaml", "gone.yaml", ":1: elsewhere[0]: gone.yaml: no such file beside"),
        (
            "row: R", "row: R, unjudged: {axes: {seed: 1}, because: x}",
            "rows[0].unjudged: goes with a quoted row",
        ),
        (
            "row: R", "row: R, quoted: true, unjudged: {axes: {sede: 1}, because: x}",
            "rows[0].unjudged.axes.sede: no axis is called sede; did you mean seed?",
        ),
    ],
)  # fmt: skip
def test_what_is_beside_the_numbers_is_checked(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    twice(tmp_path)
    path = tmp_path / "p.yaml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BadInput) as error:
        read_paper(path)
    assert said in str(error.value)


def test_two_rows_of_one_table_are_not_of_one_quantity(tmp_path: Path) -> None:
    """A forgotten axis would otherwise pass for a repeated measurement."""
    both = TWICE.replace("rows: [", "rows: [{row: Q, AP: [11.0, 21.0]}, ")
    with pytest.raises(BadInput) as error:
        twice(tmp_path, both)
    assert "tables.a.rows[1]: has the same axes as rows[0]: which cells" in str(error.value)
    twice(tmp_path, both.replace("row: Q", "row: Q, quoted: true"))


def test_quantities_of_the_paper_that_are_printed_twice_are_known_to_be() -> None:
    """Whoever types a table of the paper that prints a quantity anew has to say where else."""
    files = sorted((ROOT / "grids" / "paper").glob("*.yaml"))
    everywhere = _printed(value for path in files for value in read_published(path))
    for path in files:
        for value in read_published(path):
            if not value.quoted:
                assert set(value.printed) == set(everywhere[_quantity(value)]), (path, value)


def test_the_noise_on_coco_is_one_whichever_table_is_read() -> None:
    spreads = {
        read_claims(ROOT / "grids" / "paper" / f"table{number}.yaml").spread("coco")
        for number in (3, 6, 7)
    }
    (spread,) = spreads
    assert (round(spread.sd, 2), spread.degrees) == (0.30, 11)


def test_the_usual_noise() -> None:
    """Cityscapes' is four times COCO's; of other data sets nothing is known."""
    spreads = {name: noise.spread for name, noise in USUAL.items()}
    assert {name: (round(spread.sd, 2), spread.degrees) for name, spread in spreads.items()} == {
        "coco": (0.18, 9),
        "cityscapes": (1.20, 6),
    }
    assert Claims().spread("shapes") == Spread()
