"""The laws of the house: which room may import which, what stays free of torch, who knows files."""

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]

ROOMS = (
    "errors",
    "atomic",
    "checkout",
    "config",
    "runs",
    "model",
    "grid",
    "data",
    "evaluate",
    "interop",
    "plan",
    "plots",
    "report",
    "export",
    "train",
    "cluster",
    "commands",
)
"""From the ground up: an import points to a room before its own."""

GROUND_FLOOR = ("errors", "atomic", "checkout")
"""Rooms of one module."""

TORCH_FREE = ("config", "runs", "grid", "plan", "plots", "report", "export", "cluster")

ALIASES = ("gdsweep.data.__main__", "gdsweep.interop.__main__")
"""Command lines that lie in a room, for `python -m`."""

FILES = re.compile(
    r"config\.yaml|identity\.json|wanted\.json|metrics\.json|log\.txt|best\.json|dataset\.json"
    r"|network\.json|done\.json|index\.json|checkpoints|attempts|scores|predictions"
    r"|.*(state|student|teacher)-.*\.pt|\[0-9\]\*\.json"
)
"""Names of files and folders of a run directory, and patterns of them."""

FOLDERS = ("checkpoints", "attempts")
"""Folders of a run directory that others than `runs` would have to know files' names in."""

PATH_METHODS = ("glob", "rglob", "iterdir", "joinpath", "mkdir", "with_name")
"""Methods of a path that take names of files."""


@cache
def modules() -> dict[str, Path]:
    """Dotted name of every module to its file."""
    links = (ROOT / "gdsweep" / "plots").glob("*.py")  # what rglob does not follow
    found = {}
    for path in [*(ROOT / "gdsweep").rglob("*.py"), *links, *ROOT.glob("*.py")]:
        parts = path.relative_to(ROOT).with_suffix("").parts
        if path.is_file():
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room(module: str) -> str:
    """The room of a module; a module in gdsweep/ itself, or at the top, is a command line."""
    name = ".".join(module.split(".")[1:2])
    return name if name in ROOMS and module not in ALIASES else "commands"


@cache
def imports(module: str) -> frozenset[str]:
    """Our modules that a module imports, also inside functions and for type checkers only."""
    found = set()
    for node in ast.walk(ast.parse(modules()[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{module}: a relative import"  # noqa: PT018
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            # `from gdsweep.runs import lock` imports a module, `... import RunDir` does not
            found |= {name if name in modules() else node.module for name in names}
    return frozenset(found)


def arrows() -> Iterator[tuple[str, str]]:
    """Every import of one of our modules by another."""
    for module in modules():
        for target in imports(module) & modules().keys() - {"gdsweep"}:
            yield module, target


def test_every_package_is_a_room() -> None:
    packages = {path.parent.name for path in (ROOT / "gdsweep").glob("*/*.py")}
    assert packages | {*GROUND_FLOOR} == set(ROOMS)


def test_the_page_of_rooms_lists_the_rooms_in_their_order() -> None:
    page = (ROOT / "docs" / "rooms.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[gdsweep/(\w+)\]", page, flags=re.MULTILINE)
    assert listed == [name for name in ROOMS if name not in GROUND_FLOOR]


def test_no_import_points_down_the_list() -> None:
    order = {name: place for place, name in enumerate(ROOMS)}
    broken = [
        f"{module} imports {target}"
        for module, target in arrows()
        if order[room(target)] > order[room(module)]
    ]
    assert broken == []


def test_packages_run_in_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for module, target in arrows():
        if package(module) != package(target):
            graph.setdefault(package(module), set()).add(package(target))
    list(graphlib.TopologicalSorter(graph).static_order())  # CycleError names the circle


def package(module: str) -> str:
    """The folder of a module; of a command line, the module itself."""
    if room(module) == "commands":
        return module
    path = modules()[module].parent.relative_to(ROOT)
    return str(path)


def test_planning_and_tables_are_free_of_torch() -> None:
    names = sorted(module for module in modules() if room(module) in TORCH_FREE)
    code = "import importlib, sys\nfor name in sys.argv[1:]:\n importlib.import_module(name)\n"
    code += " assert 'torch' not in sys.modules, name"
    done = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr.decode()


def test_no_scheduler_is_known_outside_its_folder() -> None:
    outside = [module for module in modules() if not module.startswith("gdsweep.cluster.slurm")]
    schedulers = ("submitit", "gdsweep.cluster.slurm")
    broken = [
        f"{module} imports {name}"
        for module in outside
        for name in imports(module)
        if name.startswith(schedulers)
    ]
    assert broken == []


def test_only_runs_knows_the_files_of_a_run() -> None:
    others = [module for module in modules() if room(module) != "runs"]
    broken = [f"{module}:{found}" for module in others for found in file_names(module)]
    assert broken == []


def file_names(module: str) -> Iterator[str]:
    """What of a run directory's files a module names: each with its line."""
    tree = ast.parse(modules()[module].read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            sides: list[ast.expr] = [node.left, node.right]
            if isinstance(node.left, ast.Attribute) and node.left.attr == "path":
                yield f"{node.lineno}: {ast.unparse(node)}"  # `run.path / name`
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            sides = [node.func.value, *node.args] if node.func.attr in PATH_METHODS else []
        else:
            continue
        for side in sides:
            if isinstance(side, ast.Attribute) and side.attr in FOLDERS:
                yield f"{node.lineno} names .{side.attr}"
            text = _text(side)
            if text is not None and FILES.fullmatch(text):
                yield f"{node.lineno} names {text}"


def _text(node: ast.expr) -> str | None:
    """A string's text, with `*` for what is put into it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) or "*" for part in node.values)
    return None
