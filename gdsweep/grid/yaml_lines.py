"""Reading YAML with the line of every value, so that a complaint can point at it.

Scalars follow YAML 1.2's core schema: `on` and `yes` are words, `1e-4` is a number; and a number
without a fraction is a whole number however it is written (5.0 is 5).

PyYAML's C parser gives every node's place. ruamel.yaml keeps places too, but reads in Python alone
(0.19.1 took 0.55 CPU-seconds for the 78 files of grids and presets, the C parser 0.02), makes a
date of `2024-01-01` and a number of `012345`, and bounds neither aliases nor depth.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import yaml

from gdsweep.errors import BadInput

Key = str | int | float | bool | None
KeyPath = tuple[Key, ...]
"""Where a value stands: mapping keys and list positions from the top of the file."""

_MAX_VALUES = 100_000  # aliases of aliases multiply: a page never gets here
_MAX_DEPTH = 50  # the parser itself recurses
_Parser: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class _Loader(_Parser):
    """libyaml's parser where there is one, leaving plain scalars to `_plain`."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own protocol


@dataclass
class Document:
    """A YAML file's plain value, and the line on which each of its parts begins."""

    name: str
    """The file as the user named it."""
    value: Any = None
    """Mappings, lists and scalars."""
    lines: dict[KeyPath, int] = field(default_factory=dict)
    """Line (from 1) of every key and list item."""

    def line(self, path: KeyPath) -> int:
        """Line of the part at `path`, or of the nearest part around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def fail(self, path: Iterable[Key], message: str, show: str | None = None) -> NoReturn:
        """Raise BadInput that points at `path`; `show` replaces the key it is told by."""
        keys = tuple(path)
        key = dotted(keys) if show is None else show
        raise BadInput(f"{self.name}:{self.line(keys)}: {key + ': ' if key else ''}{message}")


def dotted(path: Sequence[Key]) -> str:
    """A path as people write it: `rules[1].set.resources.gpus`; list positions count from 0."""
    text = ""
    for key in path:
        if isinstance(key, int) and not isinstance(key, bool):
            text += f"[{key}]"
        else:
            text += f".{plain(key)}" if text else plain(key)
    return text


def plain(value: Any) -> str:
    """A value in one line as YAML shows it: `null`, `true`, `[1, 2]`, `word`, `"5"`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(plain(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{plain(k)}: {plain(v)}" for k, v in value.items()) + "}"
    text = " ".join(str(value).split())
    if isinstance(value, str) and not isinstance(_plain(value), str):
        text = f'"{text}"'
    return text if len(text) <= 60 else text[:57] + "..."


def read_yaml(path: Path | str) -> Document:
    """Read one YAML file whose top level is a mapping.

    Raises BadInput, one line with file and line number: no such file, not text, not YAML, empty,
    not a mapping, a key twice in one mapping.
    """
    document = Document(str(path))
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
        _check_depth(document, text)
        root = yaml.compose(text, Loader=_Loader)
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except IsADirectoryError:
        raise BadInput(f"{path}: a folder, not a YAML file") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BadInput(f"{path}:{line}: not UTF-8 text; save the file as UTF-8") from None
    except yaml.YAMLError as error:
        raise BadInput(f"{path}:{_where(error)}: not YAML: {_what(error)}") from None
    if root is None:
        raise BadInput(f"{path}:1: the file is empty; it must be a mapping such as `title: ...`")
    if not isinstance(root, yaml.MappingNode):
        raise BadInput(f"{path}:1: the file must be a mapping such as `title: ...`")
    document.value = _Builder(document).build(root, ())
    return document


def _check_depth(document: Document, text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise BadInput(f"{document.name}:{line}: nested deeper than {_MAX_DEPTH} levels")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _where(error: yaml.YAMLError) -> int:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    return mark.line + 1 if mark else 1


def _what(error: yaml.YAMLError) -> str:
    parts = (getattr(error, "context", None), getattr(error, "problem", None))
    said = [" ".join(str(part).split()) for part in parts if part]
    return ", ".join(said) or " ".join(str(error).split())


class _Builder:
    """Turns nodes into plain values, noting lines."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.count = 0
        self.open: set[int] = set()

    def build(self, node: yaml.Node, path: KeyPath) -> Any:
        self.count += 1
        if self.count > _MAX_VALUES:
            self.document.fail((), f"its aliases expand to more than {_MAX_VALUES} values")
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, path)
        if id(node) in self.open:
            self.document.fail(path, "an alias of the mapping or list it stands in")
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, path)
            return self.sequence(node, path)
        finally:
            self.open.discard(id(node))

    def sequence(self, node: yaml.Node, path: KeyPath) -> list[Any]:
        values = []
        for index, item in enumerate(node.value):
            self.document.lines[(*path, index)] = item.start_mark.line + 1
            values.append(self.build(item, (*path, index)))
        return values

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[Key, Any]:
        own: dict[Key, Any] = {}
        inherited: dict[Key, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.document.lines[(*path, "?")] = line
                self.document.fail((*path, "?"), "a key must be a word or a number", dotted(path))
            if key_node.value == "<<" and not key_node.style:
                inherited = {**self.merged(value_node, path), **inherited}
                continue
            key = self.scalar(key_node, path)
            where = (*path, key)
            if key in own:
                self.document.lines[(*path, "?")] = line
                first = self.document.lines[where]
                self.document.fail(
                    (*path, "?"), f"given twice (first in line {first})", dotted(where)
                )
            self.document.lines[where] = line
            own[key] = self.build(value_node, where)
        return {**inherited, **own}

    def merged(self, node: yaml.Node, path: KeyPath) -> dict[Key, Any]:
        """The mappings named by a merge key `<<`, the earlier one winning."""
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        values = [self.build(item, path) for item in nodes]
        if not all(isinstance(value, dict) for value in values):
            self.document.fail(path, "`<<` takes a mapping or a list of mappings")
        return {key: item for value in reversed(values) for key, item in value.items()}

    def scalar(self, node: yaml.ScalarNode, path: KeyPath) -> Key:
        if not node.tag.startswith("tag:yaml.org,2002:str"):
            self.document.fail(path, f"the tag {node.tag} is not understood; leave it out")
        if node.style:  # quoted, literal or folded
            return str(node.value)
        value = _plain(node.value)
        if isinstance(value, float) and not math.isfinite(value):
            self.document.fail(path, f"{node.value} is not a finite number")
        if isinstance(value, int) and abs(value) >= 2**63:
            self.document.fail(path, f"{plain(node.value)} is too large a number")
        return value


def _plain(text: str) -> Key:
    """The value of an unquoted scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, 16 if text.startswith("0x") else 10)
    if _FLOAT.fullmatch(text) or text.lower().lstrip("+-") in (".inf", ".nan"):
        number = float(text.replace(".inf", "inf").replace(".nan", "nan"))
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return text
