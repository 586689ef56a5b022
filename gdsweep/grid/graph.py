"""All runs that some cells need, each once, and what is wanted from each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from gdsweep.errors import BadInput
from gdsweep.grid.cell import Cell
from gdsweep.grid.grid import Grid
from gdsweep.grid.methods import Need, evaluation_needs, needs
from gdsweep.grid.trajectory import Trajectory, trajectory
from gdsweep.runs import ScoreRef, Wanted


@dataclass(frozen=True)
class Stretch:
    """A piece of training: iterations `first` (excluded) to `last` of one run."""

    run: str
    first: int
    last: int

    @property
    def iterations(self) -> int:
        """How many optimisation steps it takes."""
        return max(self.last - self.first, 0)


@dataclass
class Graph:
    """Runs, their order, and who gets off where."""

    runs: dict[str, Trajectory] = field(default_factory=dict)
    """Name to trajectory, each after those it depends on."""
    wanted: dict[str, Wanted] = field(default_factory=dict)
    """Name to what all cells together want from the run."""
    results: list[tuple[Cell, str, ScoreRef]] = field(default_factory=list)
    """Each cell with the run and the score that answer it."""
    chains: dict[Cell, list[Stretch]] = field(default_factory=dict, repr=False)
    needs: dict[Cell, list[Need]] = field(default_factory=dict, repr=False)
    """What each cell needs of which runs, parents first, the scored one last."""

    def chain(self, cell: Cell) -> list[Stretch]:
        """What the cell would take on its own, parents first."""
        return self.chains[cell]

    def ancestors(self, run: str) -> set[str]:
        """The runs that a run needs, directly or not."""
        found: set[str] = set()
        waiting = [run]
        while waiting:
            for name, _ in self.runs[waiting.pop()].depends:
                if name not in found:
                    found.add(name)
                    waiting.append(name)
        return found

    @property
    def iterations(self) -> int:
        """Optimisation steps of all runs, each trained once."""
        return sum(max(self.wanted[name].stop - run.start, 0) for name, run in self.runs.items())

    @property
    def iterations_unshared(self) -> int:
        """Optimisation steps with every cell on its own."""
        return sum(piece.iterations for chain in self.chains.values() for piece in chain)


def build_graph(cells: Iterable[Cell], eval_only: bool = False) -> Graph:
    """The runs behind `cells`. Parents come before children because each cell names them first.

    With `eval_only`, cells' own trained weights (`model.init`) are scored and nothing is trained.

    Raises:
        BadInput: `eval_only` with a cell that has none.
    """
    graph = Graph()
    path = lru_cache(maxsize=None)(trajectory)  # a teacher is asked for by every student
    for cell in cells:
        found, score = evaluation_needs(cell) if eval_only else needs(cell, path)
        for need in found:
            _add(graph, need)
        graph.results.append((cell, found[-1].trajectory.name, score))
        graph.needs[cell] = found
        graph.chains[cell] = [
            Stretch(need.trajectory.name, need.trajectory.start, need.wanted.stop) for need in found
        ]
    return graph


def graph_of(grids: Sequence[Grid], eval_only: bool = False) -> Graph:
    """One graph of all the grids' cells, so that they share runs; see `build_graph`.

    Raises:
        BadInput: `eval_only` with a grid that has a cell without trained weights.
    """
    for grid in grids if eval_only else ():
        for cell in grid.cells:
            if cell.settings.model.init is None:
                raise BadInput(
                    f"{grid.path}: --eval-only scores given weights, and cell {cell.label} has "
                    "none; give it `model: {init: FILE}`"
                )
    return build_graph([cell for grid in grids for cell in grid.cells], eval_only)


def _add(graph: Graph, need: Need) -> None:
    name = need.trajectory.name
    present = graph.runs.setdefault(name, need.trajectory)
    if present.identity != need.trajectory.identity:
        raise RuntimeError(f"two runs share the name {name}: their hashes collide")
    before = graph.wanted.get(name)
    graph.wanted[name] = need.wanted if before is None else before.merged(need.wanted)
