from pathlib import Path

import pytest

from gdsweep.errors import BadInput
from gdsweep.grid.yaml_lines import Document, dotted, plain, read_yaml


def read(folder: Path, text: str | bytes) -> Document:
    path = folder / "f.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("5.0", 5),
        ("0.4", 0.4),
        ("1e-4", 1e-4),
        ("2E3", 2000),
        ("0x10", 16),
        ("010", 10),
        ("-3", -3),
        (".5", 0.5),
        ("'5'", "5"),
        ("on", "on"),
        ("yes", "yes"),
        ("true", True),
        ("~", None),
        ("null", None),
        ("", None),
        ("2026-01-01", "2026-01-01"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("$HOME/data", "$HOME/data"),
        ("[5.0, x]", [5, "x"]),
        ("{5.0: a}", {5: "a"}),
    ],
)
def test_scalars_follow_yaml_1_2(tmp_path: Path, text: str, value: object) -> None:
    found = read(tmp_path, f"key: {text}").value["key"]
    assert found == value
    assert type(found) is type(value)


def test_whole_numbers_keep_their_type(tmp_path: Path) -> None:
    assert type(read(tmp_path, "a: 5.0").value["a"]) is int


def test_lines_of_keys_and_items(tmp_path: Path) -> None:
    document = read(tmp_path, "a: 1\nb:\n  - x\n  - y: [1,\n     2]\n5: z\n")
    assert document.line(("a",)) == 1
    assert document.line(("b", 1)) == 4
    assert document.line(("b", 1, "y", 1)) == 5
    assert document.line((5,)) == 6
    assert document.line(("b", 0, "not", "there")) == 3
    assert document.line(()) == 1


def test_anchors_and_merge_keys(tmp_path: Path) -> None:
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\nd: {<<: [{x: 5}, *a]}\n"
    value = read(tmp_path, text).value
    assert value["b"] == {"x": 1, "y": 3}
    assert value["c"] == {"x": 1, "y": 2}
    assert value["d"] == {"x": 5, "y": 2}


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfa: 1").value == {"a": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1\n", ":2: not YAML"),
        ("a: 1\n\tb: 2\n", ":2: not YAML"),
        ("a: 1\n---\nb: 2\n", ":2: not YAML"),
        ("a: *nobody\n", ":1: not YAML"),
        ("", ":1: the file is empty"),
        ("# nothing\n", ":1: the file is empty"),
        ("- a\n", ":1: the file must be a mapping"),
        ("word\n", ":1: the file must be a mapping"),
        ("a: 1\nb: {c: 1, d: 2,\n c: 3}\n", ":3: b.c: given twice (first in line 2)"),
        ("a: 1\n? [x, y]\n: 2\n", ":2: a key must be a word or a number"),
        ("a: &a [*a]\n", ":1: a[0]: an alias of the mapping or list it stands in"),
        ("a: !!python/object:os.system x\n", ":1: a: the tag"),
        ("a: .nan\n", ":1: a: .nan is not a finite number"),
        ("a: -.inf\n", ":1: a: -.inf is not a finite number"),
        (f"a: {10**30}\n", "is too large a number"),
        (f"a: {'[' * 60}{']' * 60}\n", ":1: nested deeper than 50 levels"),
        ("a: 1\n" + "b: " + "[" * 100_000, ":2: nested deeper than 50 levels"),
        ("<<: 5\n", "`<<` takes a mapping"),
        (b"a: 1\nb: \xff\n", ":2: not UTF-8 text"),
        (b"\xff\xfea\x00", ":1: not UTF-8 text"),
        (b"a: \x00\n", ":1: not YAML"),
    ],
)
def test_one_line_for_what_is_wrong(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(BadInput) as error:
        read(tmp_path, text)
    assert said in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "f.yaml"))
    assert "\n" not in str(error.value)


def test_aliases_that_multiply_are_stopped(tmp_path: Path) -> None:
    rows = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    with pytest.raises(BadInput, match="expand to more than"):
        read(tmp_path, "\n".join(rows))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.yaml: no such file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(BadInput, match="a folder, not a YAML file"):
        read_yaml(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot be read"):
        read_yaml(tmp_path / "file" / "below.yaml")


def test_paths_and_values_as_people_write_them() -> None:
    assert dotted(("rules", 1, "set", "resources", "gpus")) == "rules[1].set.resources.gpus"
    assert dotted(("names", True, None)) == "names.true.null"
    assert plain([None, True, 0.5, "a\n b", "5"]) == '[null, true, 0.5, a b, "5"]'
    assert plain({"a": [1]}) == "{a: [1]}"
    assert len(plain("x" * 500)) == 60
