"""What a command was asked for: which grids, in which store, and whether for real."""

import shlex
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from gdsweep.errors import BadInput
from gdsweep.grid import Graph, Grid, graph_of, load_grid
from gdsweep.grid.shipped import existing_grid, grid_name, grid_path
from gdsweep.plan.dataset_files import refuse_two_contents
from gdsweep.runs import Store
from gdsweep.runs.data_statistics import read_statistics

Mode = Literal["real", "smoke", "eval-only"]
"""`real` trains as the grids say; `smoke` trains them in miniature; `eval-only` trains nothing and
scores the weights that the grids give (`model.init`)."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """Grids, the store of their runs, and the mode, as a command line named them.

    Grids are read when `grids` or `graph` is first asked for; both raise BadInput.
    """

    grid_names: tuple[Path | str, ...] = ()
    """Grid files, or names of shipped grids."""
    folder: Path | None = None
    """The store's folder; None is the mode's own, `runs` or `runs-smoke`."""
    mode: Mode = "real"
    called: str = "python {}.py"
    """How commands are called where this one was, `{}` for their name."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """The grids' files."""
        return tuple(map(grid_path, self.grid_names))

    @property
    def store(self) -> Store:
        """The store."""
        return Store(self.folder or self._usual_folder)

    @cached_property
    def grids(self) -> tuple[Grid, ...]:
        """The grids, in miniature if so asked."""
        miniatures = self.store.miniatures if self.mode == "smoke" else None
        known = read_statistics(self.store)
        return tuple(load_grid(existing_grid(path), miniatures, known) for path in self.paths)

    @cached_property
    def graph(self) -> Graph:
        """One graph of all the grids' cells, so that they share runs.

        Raises BadInput where two grids have other data under one name.
        """
        graph = graph_of(self.grids, eval_only=self.mode == "eval-only")
        refuse_two_contents(graph)
        return graph

    def within(self, folder: Path) -> "Request":
        """The same in the store `folder`."""
        return replace(self, folder=folder)

    def each(self) -> "tuple[Request, ...]":
        """One request a grid. Raises BadInput where two grids have one name."""
        names = [path.stem for path in self.paths]
        for path in self.paths:
            if names.count(path.stem) > 1:
                raise BadInput(f"{path}: another grid is called {path.stem} too; collect apart")
        return tuple(replace(self, grid_names=(path,)) for path in self.paths)

    def command(self, name: str, *flags: str) -> str:
        """Another command on the same things: `python collect.py grids/demo.yaml --smoke`."""
        words = [*self.called.format(name).split(), *map(grid_name, self.paths)]
        if self.folder not in (None, self._usual_folder):
            words += ["--store", str(self.folder)]
        words += [] if self.mode == "real" else [f"--{self.mode}"]
        return shlex.join([*words, *flags])

    @property
    def _usual_folder(self) -> Path:
        return Path("runs-smoke" if self.mode == "smoke" else "runs")
