"""`collect.py --watch`: what is collected is written again while runs go on."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from gdsweep.errors import BadInput
from gdsweep.plan.request import Request
from gdsweep.report.collecting import Extras, collect, write
from gdsweep.runs import lock

Stamp = tuple[object, ...]


def watch(
    requests: Sequence[Request],
    extras: Extras,
    flags: Sequence[str],
    folder: Path,
    seconds: float,
    tell: Callable[[str], None] = print,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Collect and write each request's one grid now, and again whenever something of it changed.

    Looks every `seconds`, at names, sizes and times of files alone; what has not changed is not
    read. A grid that was edited is read anew. `flags` are the options of the command that the files
    name. `tell` takes a line on each writing, `wait` is how time passes. Returns once every cell of
    every grid is done.

    Raises BadInput at the first collection; afterwards what cannot be collected is told and tried
    again.
    """
    followed = [_Followed(request) for request in requests]
    while True:
        for one in followed:
            if not one.has_changed():
                continue
            try:
                tell(one.collect(extras, flags, folder))
            except BadInput as error:
                if one.seen is None:
                    raise
                tell(f"{error} (trying again in {seconds:g} seconds)")
        if all(one.done for one in followed):
            return
        wait(seconds)


class _Followed:
    """One grid, and what was seen of it when it was last collected."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.seen: Stamp | None = None
        self.done = False

    def has_changed(self) -> bool:
        return self.seen is None or self.seen != stamp(self.request)

    def collect(self, extras: Extras, flags: Sequence[str], folder: Path) -> str:
        """Collect and write it; returns what is told of that."""
        request = replace(self.request)  # it reads its grid anew
        seen = stamp(request)  # before the files are read: what is written meanwhile is seen later
        command = request.command("collect", *flags)
        collected = collect(request, extras, command)
        written, _ = write(collected, folder)
        self.request, self.seen, self.done = request, seen, collected.is_done
        count = (collected.main.frame["status"] == "done").sum()
        page = next((path for path in written if path.suffix == ".html"), written[0])
        return (
            f"{time.strftime('%H:%M:%S')} {collected.grid.name}: {count} of "
            f"{len(collected.main.frame)} cells done, wrote {page} and {len(written) - 1} more"
        )


def stamp(request: Request) -> Stamp:
    """What a collection of the request reads, by names, sizes and times, and which runs are held.

    Equal while a collection would find the same. Raises BadInput where a grid is not valid.
    """
    runs = [request.store.run(name) for name in request.graph.runs]
    return (
        tuple(_stamp(grid.path) for grid in request.grids),
        tuple((run.stamps(), lock.is_held(run.lock)) for run in runs),
    )


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        known = path.stat()
    except OSError:
        return None  # reading it will tell what is wrong
    return known.st_size, known.st_mtime_ns
