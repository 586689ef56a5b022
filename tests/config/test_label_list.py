"""Published splits as their files have them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from gdsweep.config import LabelSettings, read_label_list
from gdsweep.errors import BadInput

LINES = "ulm_000001_000019_gtFine_instanceIds.png\naachen_000000_000019_gtFine_instanceIds.png\n"
DATASEED = {"0.01": {"0": [5]}, "1.0": {"0": [9, 2], "1": [2, 7]}, "10.0": {"1": [1, 2, 3]}}


def labels(path: Path, **changes: Any) -> LabelSettings:
    return LabelSettings(**{"percent": 1, "file": str(path), **changes})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.txt"


def test_a_line_per_image(file: Path) -> None:
    file.write_text(LINES + "\n")
    found = read_label_list(labels(file), 0)
    assert found is not None
    assert found.images == tuple(sorted(LINES.split()))
    assert found.sha256 == hashlib.sha256(json.dumps(sorted(LINES.split())).encode()).hexdigest()


def test_percentage_and_seed_select_in_unbiased_teachers_file(file: Path) -> None:
    file.write_text(json.dumps(DATASEED))

    def images(percent: float, seed: int | None, own: int) -> tuple[Any, ...]:
        found = read_label_list(labels(file, percent=percent, seed=seed), own)
        assert found is not None
        return found.images

    assert images(1, 0, 1) == (2, 9)
    assert images(1, None, 1) == (2, 7)
    assert images(0.01, 0, 0) == (5,)
    assert images(10, 1, 0) == (1, 2, 3)


def test_no_file_or_all_labels_is_no_list(file: Path) -> None:
    assert read_label_list(LabelSettings(percent=5), 0) is None
    assert read_label_list(labels(file, percent=100), 0) is None  # not even looked for


def test_variables_are_put_in(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(LINES)
    monkeypatch.setenv("SPLITS", str(file.parent))
    assert read_label_list(LabelSettings(percent=5, file="$SPLITS/list.txt"), 0) is not None


def test_a_changed_file_is_read_again(file: Path) -> None:
    file.write_text("a.png\n")
    first = read_label_list(labels(file), 0)
    file.write_text("b.png\n")
    second = read_label_list(labels(file), 0)
    assert first is not None
    assert second is not None
    assert first.sha256 != second.sha256


REFUSED = [
    ("", "list.txt: empty; a line per labelled image belongs there"),
    (" \n\n", "list.txt: empty; "),
    ("a.png\nb.png\na.png\n", "list.txt: a.png is listed twice"),
    ("{", "list.txt: not valid JSON: "),
    ("{}", "list.txt: no percentage 1; there are: none"),
    (b"\xff\xfe\x00", "list.txt: not a text file"),
    ({"2.0": {"0": [1]}, "5.0": {}}, "list.txt: no percentage 1; there are: 2.0, 5.0"),
    ({"one": {"0": [1]}}, 'list.txt: key "one" is no percentage'),
    ({"1.0": {"7": [1], "8": [2]}}, "list.txt: 1 %: no seed 0; there are: 7, 8"),
    ({"1.0": {"x": [1]}}, 'list.txt: 1 %: key "x" is no seed'),
    ({"1.0": [1, 2]}, "list.txt: 1 %: no mapping from seeds to lists of image indices"),
    ({"1.0": {"0": []}}, "list.txt: 1 %, seed 0: no list of image indices"),
    ({"1.0": {"0": 5}}, "list.txt: 1 %, seed 0: no list of image indices"),
    ({"1.0": {"0": [1, "a"]}}, 'list.txt: 1 %, seed 0: "a" is no image index (0 or more)'),
    ({"1.0": {"0": [1, -1]}}, "list.txt: 1 %, seed 0: -1 is no image index"),
    ({"1.0": {"0": [1, True]}}, "list.txt: 1 %, seed 0: true is no image index"),
    ({"1.0": {"0": [3, 3]}}, "list.txt: 1 %, seed 0: 3 is listed twice"),
]


@pytest.mark.parametrize(("content", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_bad_lists_are_refused_in_one_line(file: Path, content: Any, message: str) -> None:
    raw = json.dumps(content) if isinstance(content, dict) else content
    file.write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    with pytest.raises(BadInput) as caught:
        read_label_list(labels(file), 0)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(file))
    assert "\n" not in str(caught.value)


def test_an_absent_file_is_refused(file: Path) -> None:
    with pytest.raises(BadInput, match=r"list\.txt: No such file or directory; labels\.file is a"):
        read_label_list(labels(file), 0)
    with pytest.raises(BadInput, match=r"Is a directory"):
        read_label_list(labels(file.parent), 0)
