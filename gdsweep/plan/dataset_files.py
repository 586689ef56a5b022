"""Whether the annotation files that grids name are those that runs were trained on.

A data set is told by its name: two contents under one name would fill one table with the numbers
of another file. A file is read only where its place, size, times or inode are not those that a run
has recorded; see `gdsweep.config.digests`.
"""

from functools import cached_property

from gdsweep.config import DataFormat, RunConfig
from gdsweep.config.digests import Stamp, file_digest, remembered
from gdsweep.errors import BadInput
from gdsweep.grid import Cell, Graph
from gdsweep.grid.methods import Need
from gdsweep.runs import DatasetRecord, Store, read_dataset_record, stamps_of


class AnnotationFiles:
    """The annotation files of one data set as they lie now, each image set read when in doubt."""

    def __init__(self, data: DataFormat) -> None:
        self.data = data

    @cached_property
    def stamps(self) -> dict[str, Stamp]:
        """Image set to the stamp of its files, of those that are seen on this machine."""
        return stamps_of(self.data)

    def digest(self, name: str) -> str:
        """What a run trained on an image set now would remember of it. Raises OSError."""

        def read() -> str:
            files = self.data.annotation_files()[name]
            return self.data.fingerprint({key: file_digest(path) for key, path in files.items()})

        return remembered(self.stamps[name], read, self.data.format)


class DataCheck:
    """Compares runs of a store with the files that their configurations name."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._files: dict[DataFormat, AnnotationFiles] = {}
        self._faults: dict[str, str | None] = {}

    def fault(self, config: RunConfig) -> str | None:
        """Why what a run has made is of other data than its configuration names; None if it is not.

        A number in a table is only as good as the data behind it: finished runs are checked too.
        Files that are not seen on this machine are not judged. Raises BadInput for a damaged
        record.
        """
        if config.run not in self._faults:
            record = read_dataset_record(self._store.run(config.run))
            self._faults[config.run] = self._fault(record, config) if record else None
        return self._faults[config.run]

    def _fault(self, record: DatasetRecord, config: RunConfig) -> str | None:
        data, run = config.settings.dataset, self._store.run(config.run).path
        files = self._files.setdefault(data, AnnotationFiles(data))
        for name, stamp in files.stamps.items():
            before, known = record.files.get(name), record.fingerprint.get(name)
            if name == "test" and known is None:
                return f"{stamp.path}: {run} was scored on validation images; {_remedy(data)}"
            if known is None or (before is not None and before.mark == stamp.mark):
                continue
            try:
                if files.digest(name) == known:
                    continue
            except OSError:
                continue  # the trainer tells, if it needs the files at all
            if before is None or before.path == stamp.path:
                return f"{stamp.path}: changed since {run} was trained on it; {_remedy(data)}"
            return (
                f"{stamp.path}: not what {run} was trained on, which was {before.path}; "
                f"{_remedy(data)}"
            )
        if files.stamps and "test" in record.fingerprint and not data.has_test:
            return f"{data.name} has no test images, and {run} was scored on some; {_remedy(data)}"
        return None


def _remedy(data: DataFormat) -> str:
    return f"give what is now called {data.name} another name, or remove the run"


def cells_on_other_data(graph: Graph, store: Store) -> set[Cell]:
    """Cells with a run that was trained on other data, or whose record of it cannot be read."""
    check = DataCheck(store)

    def foreign(need: Need) -> bool:
        try:
            return check.fault(need.trajectory.config) is not None
        except (BadInput, OSError):
            return True

    return {cell for cell, _, _ in graph.results if any(map(foreign, graph.needs[cell]))}


def refuse_two_contents(graph: Graph) -> None:
    """Raise BadInput where cells of a graph have other annotations under one data set's name.

    Places are compared where the files of both are not seen on this machine: what cannot be told
    apart passes.
    """
    known: dict[str, dict[DataFormat, AnnotationFiles]] = {}
    for cell, _, _ in graph.results:
        data = cell.settings.dataset
        of_name = known.setdefault(data.name, {})
        if data in of_name:
            continue
        files = AnnotationFiles(data)
        for other in of_name.values():
            _refuse_difference(files, other)
        of_name[data] = files


def _refuse_difference(one: AnnotationFiles, other: AnnotationFiles) -> None:
    if one.data.has_test != other.data.has_test and one.stamps and other.stamps:
        raise BadInput(
            f"{one.data.name}: two data sets under one name, one with test images and one "
            "without; give one of them another name"
        )
    for name in one.stamps.keys() & other.stamps.keys():
        here, there = one.stamps[name], other.stamps[name]
        if here.mark != there.mark and one.digest(name) != other.digest(name):
            raise BadInput(
                f"{one.data.name}: two data sets under one name: {there.path} and {here.path}; "
                "give one of them another name"
            )
