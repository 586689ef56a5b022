"""Bad grids: each gives one line that names file, line, key, fault and the nearest valid choice."""

import random
from pathlib import Path

import pytest
import yaml

from gdsweep.errors import BadInput
from gdsweep.grid import build_graph, load_grid

BLOCKS = (Path(__file__).parent / "bad_grids.txt").read_text().split("\n\n")[1:]


def changed(page: str, block: str) -> tuple[str, str]:
    """The page as the block changes it, and the message it must give."""
    taken: list[str] = []
    put: list[str] = []
    for line in block.splitlines():
        mark, text = line[:1], line[1:]
        if taken and (mark in ">!" or (mark == "-" and put)):
            page = replaced(page, taken, put)
            taken, put = [], []
        if mark == "-":
            taken.append(text)
        elif mark == "+":
            put.append(text)
        elif mark == ">":
            page += f"{text}\n"
        else:
            message = text.strip()
    return page, message


def replaced(page: str, taken: list[str], put: list[str]) -> str:
    old = "".join(f"{line}\n" for line in taken)
    assert page.count(old) == 1
    return page.replace(old, "".join(f"{line}\n" for line in put))


@pytest.mark.parametrize("block", BLOCKS)
def test_one_line_for_each_bad_grid(load, page: str, block: str) -> None:
    text, said = changed(page, block)
    assert text != page
    with pytest.raises(BadInput) as error:
        load(text)
    assert str(error.value) == f"g.yaml:{said}"
    assert [path.name for path in Path().iterdir()] == ["g.yaml"]  # nothing was written


def test_the_page_itself_is_right(load, page: str) -> None:
    assert len(load(page).cells) == 2


def test_published_files(load, page: str) -> None:
    grid = f"{page}published: p.yaml\n"
    good = "source: S\ntables: {t: {columns: {labels: [5]}, rows: [{row: R, AP: [1]}]}}\n"
    Path("p.yaml").write_text(good)
    assert load(grid).published[0].value == 1
    for old, new, said in [
        (
            "labels",
            "lables",
            "p.yaml:2: tables.t.columns.lables: no axis is called lables; did you",
        ),
        (
            "row: R",
            "row: R, axes: {backbon: x}",
            "p.yaml:2: tables.t.rows[0].axes.backbon: no axis",
        ),
        ("[1]", "[1, 2]", "p.yaml:2: tables.t.rows[0].AP: has 2 numbers for 1 columns"),
        ("[1]", "[one]", "p.yaml:2: tables.t.rows[0].AP[0]: one is not a number or null"),
        ("source: S", "sauce: S", "p.yaml:1: sauce: unknown key; did you mean source?"),
        ("labels: [5]", "labels: [5], method: []", "must name one axis and its values"),
    ]:
        Path("p.yaml").write_text(good.replace(old, new))
        with pytest.raises(BadInput) as error:
            load(grid)
        assert said in str(error.value)
    Path("p.yaml").unlink()
    with pytest.raises(BadInput, match=r"g\.yaml:9: published: p\.yaml: no such file"):
        load(grid)


FULL = """title: T
axes:
  dataset: [shapes, street]
  labels: {by: dataset, shapes: [5, 10], street: [1]}
  method: [supervised, guided, standard-burn-in]
  burn_in, seed: [[10, 0], [20, 1]]
datasets:
  street:
    format: coco
    root: d
    train: {images: i, annotations: a}
    val: {images: i, annotations: a}
    settings: {lr: 0.1}
    rules: [{when: {labels: 1}, set: {gpus: 1}}]
settings:
  schedule: {iterations: 100}
  distillation:
    lambda_u: {by: [dataset, labels], shapes: {5: 1, 10: 2}, street: {1: 3}}
    teacher: {at: best}
rules:
  - {when: {method: supervised}, set: {average: 0.9, schedule: {drops: [0.5]}}}
except: [{dataset: shapes, labels: 10, method: [guided]}]
table: {rows: [method, burn_in], columns: [dataset, labels], names: {method: {guided: G}}}
"""
VALUES = [
    *(None, True, 0, -1, 5, 101, 2.5, 10**400, 1e300, "", "x", "a\nb", "by", "shapes", "method"),
    *("labels, seed", [], {}, [1], [[1]], [None], [{}], {1: 2}, {None: 1}, {"a": {"b": 1}}),
    *({"by": "dataset"}, {"by": "labels", 5: 1}, {"by": 5}, {"by": []}, {"by": [["x"]]}),
]
KEYS = ["by", "x", 5, None, True, "lr", "seed", "method", "model", "dataset", "a,b", ",", ""]


def test_mangled_grids_never_give_a_traceback(load) -> None:
    random.seed(0)
    build_graph(load(FULL).cells)
    outcomes = {True: 0, False: 0}
    lines: set[int] = set()
    for _ in range(300):
        content = yaml.safe_load(FULL)
        mangle(content)
        try:
            build_graph(load(yaml.safe_dump(content)).cells)
            outcomes[True] += 1
        except BadInput as error:
            outcomes[False] += 1
            lines.add(str(error).count("\n"))
    assert outcomes[True] > 10
    assert outcomes[False] > 100
    assert lines == {0}


def mangle(content: dict) -> None:
    """Replace, rename or remove one part."""
    parent, key = random.choice(list(places(content)))
    deed = random.random()
    if deed < 0.6:
        parent[key] = random.choice(VALUES)
    elif deed < 0.8 and isinstance(parent, dict):
        parent[random.choice(KEYS)] = parent.pop(key)
    else:
        del parent[key]


def places(value):
    """Every mapping or list with each of its keys."""
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        load_grid(tmp_path / "none.yaml")
    with pytest.raises(BadInput, match="a folder"):
        load_grid(tmp_path)
