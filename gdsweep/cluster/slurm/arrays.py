"""Runs to job arrays: few sbatch calls, yet every run waits for nothing but its own parents."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gdsweep.plan.plan import PlannedRun


@dataclass
class Piece:
    """What one sbatch submits: a job array, or a single job."""

    runs: list[PlannedRun]
    """By array index."""
    wave: int
    """How many pieces must be done before it can start, at least."""
    aligned: "Piece | None" = None
    """The array whose element i element i waits for (aftercorr)."""
    after: tuple[str, ...] = ()
    """The runs every element waits for (afterok)."""
    barrier: list["Piece"] = field(default_factory=list)
    """Pieces that have to be over, well or badly: they hold what `--max-running` allows."""
    at_once: int | None = None
    """Elements that may run at the same time; None is no limit."""


def make_pieces(
    runs: Sequence[PlannedRun],
    waits: Mapping[str, Sequence[str]],
    shape: Callable[[PlannedRun], object],
    *,
    largest: int,
    max_running: int | None = None,
) -> list[Piece]:
    """The pieces to submit, parents before children.

    `runs` come parents first; `waits` names the runs each waits for, submitted here or living in
    SLURM already. Runs of equal `shape` may share an array of at most `largest` elements. With
    `max_running`, waves follow one another and share that many places.
    """
    ours = {run.name for run in runs}
    waves = _waves(runs, waits, ours)
    behind = _behind(runs, waits)
    place: dict[str, tuple[Piece, int]] = {}
    pieces: list[Piece] = []
    for wave in sorted(set(waves.values())):
        group = [run for run in runs if waves[run.name] == wave]
        # whoever has more to release goes first: children then align with an array's head
        group.sort(key=lambda run: behind[run.name], reverse=True)
        for piece in _wave_pieces(group, waits, shape, place, wave, largest):
            for index, run in enumerate(piece.runs):
                place[run.name] = (piece, index)
            pieces.append(piece)
    if max_running is not None:
        _throttle(pieces, max_running)
    return pieces


def fitting(
    piece: Piece, room: int | None, sizes: Mapping[int, int], known: Container[str]
) -> tuple[int, str]:
    """How many of a piece's runs, from the first, can be submitted now; and why not the others.

    `room` is the number of jobs one may still submit (None: any), `sizes` how many runs of each
    piece before were submitted (by `id(piece)`), `known` the runs that have a job.
    """
    size, reason = len(piece.runs), ""
    followed = size if piece.aligned is None else sizes.get(id(piece.aligned), 0)
    if any(name not in known for name in piece.after):
        followed = 0
    if followed < size:
        size, reason = followed, "what it waits for was not submitted"
    if room is not None and room < size:
        size, reason = room, "the cluster takes no more jobs now (max_submit of its profile)"
    return size, reason


def fit(
    pieces: Sequence[Piece], room: int | None, known: Iterable[str]
) -> tuple[list[Piece], dict[str, str]]:
    """The pieces cut to what can be submitted now, and the runs that are left with the reason.

    As `fitting` has it; nothing is submitted here.
    """
    sizes: dict[int, int] = {}
    names = set(known)
    cut: list[Piece] = []
    left: dict[str, str] = {}
    for piece in pieces:
        size, reason = fitting(piece, room, sizes, names)
        left |= {run.name: reason for run in piece.runs[size:]}
        if size:
            sizes[id(piece)] = size
            names |= {run.name for run in piece.runs[:size]}
            room = None if room is None else room - size
            cut.append(replace(piece, runs=piece.runs[:size]))
    return cut, left


def _waves(
    runs: Iterable[PlannedRun], waits: Mapping[str, Sequence[str]], ours: set[str]
) -> dict[str, int]:
    waves: dict[str, int] = {}
    for run in runs:
        before = (waves[name] for name in waits[run.name] if name in ours)
        waves[run.name] = 1 + max(before, default=-1)
    return waves


def _behind(runs: Sequence[PlannedRun], waits: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """How many runs wait for each, directly or not (shared ones count more than once)."""
    behind = {run.name: 0 for run in runs}
    for run in reversed(runs):
        for parent in waits[run.name]:
            if parent in behind:
                behind[parent] += 1 + behind[run.name]
    return behind


def _wave_pieces(
    group: Sequence[PlannedRun],
    waits: Mapping[str, Sequence[str]],
    shape: Callable[[PlannedRun], object],
    place: Mapping[str, tuple[Piece, int]],
    wave: int,
    largest: int,
) -> list[Piece]:
    free: dict[object, list[PlannedRun]] = defaultdict(list)
    aligned: dict[tuple[object, int], dict[int, list[PlannedRun]]] = defaultdict(
        lambda: defaultdict(list)
    )
    arrays: dict[int, Piece] = {}
    single: list[PlannedRun] = []
    for run in group:
        parents = list(dict.fromkeys(waits[run.name]))
        if not parents:
            free[shape(run)].append(run)
        elif len(parents) == 1 and parents[0] in place:
            piece, index = place[parents[0]]
            arrays[id(piece)] = piece
            aligned[shape(run), id(piece)][index].append(run)
        else:
            single.append(run)
    pieces = []
    for alike in free.values():
        for start in range(0, len(alike), largest):
            pieces.append(Piece(alike[start : start + largest], wave))
    for (_, key), by_index in aligned.items():
        while True:
            layer: list[PlannedRun] = []
            # submitit counts from 0: only an unbroken head of the parents' array can be followed
            while by_index.get(len(layer)):
                layer.append(by_index[len(layer)].pop(0))
            if len(layer) < 2:
                single += layer
                break
            pieces.append(Piece(layer, wave, aligned=arrays[key]))
        single += [run for index in sorted(by_index) for run in by_index[index]]
    together: dict[object, list[PlannedRun]] = defaultdict(list)
    for run in single:
        together[shape(run), tuple(dict.fromkeys(waits[run.name]))].append(run)
    for alike in together.values():
        after = tuple(dict.fromkeys(waits[alike[0].name]))
        for start in range(0, len(alike), largest):
            pieces.append(Piece(alike[start : start + largest], wave, after=after))
    return pieces


def _throttle(pieces: Sequence[Piece], places: int) -> None:
    """Share `places` out: never more elements at once, one wave after the other."""
    by_wave: dict[int, list[Piece]] = defaultdict(list)
    for piece in pieces:
        by_wave[piece.wave].append(piece)
    before: list[Piece] = []
    for wave in sorted(by_wave):
        members = by_wave[wave]
        shares = _shares([len(piece.runs) for piece in members], places)
        for index, (piece, share) in enumerate(zip(members, shares, strict=True)):
            piece.at_once = share
            piece.barrier = list(before)
            if index >= places:  # more pieces than places: each waits for one to be over
                piece.barrier.append(members[index - places])
        before = members


def _shares(sizes: Sequence[int], places: int) -> list[int]:
    """Places for each piece: one, then in turn to whoever has use for more."""
    shares = [1] * len(sizes)
    left = places - len(sizes)
    while left > 0 and any(share < size for share, size in zip(shares, sizes, strict=True)):
        for index, size in enumerate(sizes):
            if left > 0 and shares[index] < size:
                shares[index] += 1
                left -= 1
    return shares
