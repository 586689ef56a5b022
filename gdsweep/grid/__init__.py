"""What is wanted: a page of YAML, its cells, and the training that their numbers need.

Nothing here imports torch.
"""

from gdsweep.grid.cell import Cell
from gdsweep.grid.claims import Claims, Ordering
from gdsweep.grid.differences import Difference
from gdsweep.grid.graph import Graph, Stretch, build_graph, graph_of
from gdsweep.grid.grid import Grid, load_grid
from gdsweep.grid.layout import FigureLayout, TableLayout
from gdsweep.grid.noise import Noise, Spread, spread_of
from gdsweep.grid.published import PublishedValue, read_published
from gdsweep.grid.smoke import smoke
from gdsweep.grid.trajectory import Trajectory, trajectory
from gdsweep.grid.why import why

__all__ = [
    "Cell",
    "Claims",
    "Difference",
    "FigureLayout",
    "Graph",
    "Grid",
    "Noise",
    "Ordering",
    "PublishedValue",
    "Spread",
    "Stretch",
    "TableLayout",
    "Trajectory",
    "build_graph",
    "graph_of",
    "load_grid",
    "read_published",
    "smoke",
    "spread_of",
    "trajectory",
    "why",
]
