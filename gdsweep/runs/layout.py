"""Names of everything inside a run directory."""

import contextlib
import os
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from gdsweep.runs.records import ScoreRef

_STATE = re.compile(r"state-(\d{7})\.pt")
_SHOWN = re.compile(r"labels-(\d{7})\.json")
_ATTEMPT = re.compile(r"(\d+)\.json")
_UNSCORED = re.compile(r"unscored-(\d{7})\.pt")


class RunDir:
    """Paths of one run; whatever reads or writes a run asks here where.

    runs/shapes-5pct-guided-s0-4f2a9c81/
        config.yaml      all that the trainer is told
        identity.json    what was hashed into the name
        wanted.json      what cells and other runs need from it
        metrics.json     one JSON object a line, detectron2's keys
        log.txt          what the trainer said
        checkpoints/     state-0000600.pt (complete), student-0000600.pt (weights that were scored),
                         unscored-0000600.pt (complete, stopped before its scores were known),
                         index.json (the best weights up to each state)
        best.json        the best checkpoint per network, once the horizon is reached
        scores/          one file a score
        predictions/     COCO results JSON
        pseudo-labels/   a few images without labels, what is annotated on them (images.json), and
                         what the teacher says of them along training (labels-0000600.json)
        attempts/        one file an attempt
        dataset.json     fingerprint of the annotations it was trained on
        network.json     parameters and FLOPs
        done.json        written last
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"RunDir({self.path})"

    @property
    def name(self) -> str:
        """The run's name: readable part and hash."""
        return self.path.name

    def sibling(self, name: str) -> "RunDir":
        """Another run of the same store."""
        return RunDir(self.path.parent / name)

    @classmethod
    def holding(cls, checkpoint: Path) -> "RunDir | None":
        """The run directory that a checkpoint's file lies in; None for a file elsewhere."""
        checkpoint = checkpoint.absolute()
        run = cls(checkpoint.parent.parent)
        return run if run.exists() and checkpoint.parent == run.checkpoints else None

    def exists(self) -> bool:
        """Whether it is the directory of a run."""
        return self.config.is_file()

    @property
    def folders(self) -> tuple[Path, ...]:
        """Every folder in it."""
        return self.checkpoints, self.attempts, self.path / "scores", self.path / "predictions"

    def recorded(self, name: str) -> Path:
        """A file that a record names, relative to the run directory."""
        return self.path / name

    @property
    def config(self) -> Path:
        """All that the trainer is told."""
        return self.path / "config.yaml"

    @property
    def identity(self) -> Path:
        """What was hashed into the name."""
        return self.path / "identity.json"

    @property
    def wanted(self) -> Path:
        """What is needed from the run."""
        return self.path / "wanted.json"

    @property
    def metrics(self) -> Path:
        """Metrics, one JSON object a line."""
        return self.path / "metrics.json"

    @property
    def log(self) -> Path:
        """What the trainer said."""
        return self.path / "log.txt"

    @property
    def best(self) -> Path:
        """Best checkpoint per network, once the horizon is reached."""
        return self.path / "best.json"

    @property
    def dataset(self) -> Path:
        """Fingerprint of the annotations."""
        return self.path / "dataset.json"

    @property
    def network(self) -> Path:
        """Parameters and FLOPs of the network."""
        return self.path / "network.json"

    @property
    def done(self) -> Path:
        """Written last, by the attempt that delivered everything."""
        return self.path / "done.json"

    @property
    def lock(self) -> Path:
        """Held by the process that advances the run."""
        return self.path / "lock"

    @property
    def activity(self) -> Path:
        """What its process does besides training; there while that goes on."""
        return self.path / "activity.json"

    def log_of(self, rank: int) -> Path:
        """What one process of a job said: the first writes the run's log, others beside it."""
        return self.log if rank == 0 else Path(f"{self.log}.rank{rank}")

    @cached_property
    def checkpoints(self) -> Path:
        """Folder of states and weights."""
        return self.path / "checkpoints"

    def checkpoint(self, name: str) -> Path:
        """A file of checkpoints by its name, as records have it."""
        return self.checkpoints / name

    @property
    def checkpoint_index(self) -> Path:
        """The best weights up to each state on disk."""
        return self.checkpoints / "index.json"

    @cached_property
    def attempts(self) -> Path:
        """Folder of attempt records."""
        return self.path / "attempts"

    def attempt(self, number: int) -> Path:
        """Record of one attempt."""
        return self.attempts / f"{number:03d}.json"

    def attempt_records(self) -> list[Path]:
        """Records of all attempts, the oldest first."""
        folder = self.attempts
        numbers = sorted(int(match[1]) for match in _matches(folder, _ATTEMPT))
        return [self.attempt(number) for number in numbers]

    def state(self, iteration: int) -> Path:
        """Complete state after `iteration` optimisation steps."""
        return self.checkpoints / f"state-{iteration:07d}.pt"

    def weights(self, network: str, iteration: int) -> Path:
        """Weights of one network as they were scored at `iteration`."""
        return self.checkpoints / f"{network}-{iteration:07d}.pt"

    def scored_weights(self) -> list[Path]:
        """Files of single networks' weights."""
        return [p for n in ("student", "teacher") for p in self.checkpoints.glob(f"{n}-*.pt")]

    def stamps(self) -> tuple[tuple[str, int, int], ...]:
        """Name, size and time of change (ns) of its records and checkpoints, sorted by name.

        Equal while nothing of them was added or written: what is only said or held (logs, the lock,
        TensorBoard's events) is left out.
        """
        found = []
        for folder in (self.path, *self.folders):
            # what cannot be listed is told by who reads it
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_file() and not entry.name.startswith(("log.", "lock", "events.")):
                        known = entry.stat()
                        place = f"{folder.name}/{entry.name}"
                        found.append((place, known.st_size, known.st_mtime_ns))
        return tuple(sorted(found))

    def states(self) -> list[int]:
        """Iterations of the complete states on disk, ascending."""
        return self._iterations(_STATE, self.checkpoints)

    def unscored_state(self, iteration: int) -> Path:
        """State of a run that was stopped while `iteration` was being scored: nobody forks here."""
        return self.checkpoints / f"unscored-{iteration:07d}.pt"

    def unscored_states(self) -> list[int]:
        """Iterations of the unscored states on disk, ascending."""
        return self._iterations(_UNSCORED, self.checkpoints)

    def _iterations(self, pattern: re.Pattern[str], folder: Path) -> list[int]:
        return sorted(int(match[1]) for match in _matches(folder, pattern))

    def score(self, ref: ScoreRef) -> Path:
        """Record of one score."""
        return self.path / "scores" / f"{ref.key}.json"

    def predictions(self, ref: ScoreRef) -> Path:
        """COCO results JSON behind one score."""
        return self.path / "predictions" / f"{ref.key}.json"

    @property
    def shown_images(self) -> Path:
        """Record of the images whose pseudo-labels are kept, see `runs.shown_labels`."""
        return self.path / "pseudo-labels" / "images.json"

    def shown_image(self, image_id: int) -> Path:
        """A small copy of one of them."""
        return self.path / "pseudo-labels" / f"{image_id}.png"

    def shown_labels(self, iteration: int) -> Path:
        """COCO results JSON of their pseudo-labels at `iteration`."""
        return self.path / "pseudo-labels" / f"labels-{iteration:07d}.json"

    def shown_iterations(self) -> list[int]:
        """Iterations at which their pseudo-labels were kept, ascending."""
        return self._iterations(_SHOWN, self.path / "pseudo-labels")


def _matches(folder: Path, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """The names in a folder that match; none of a folder that is not there."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        # names alone: making a path of each takes most of the time where runs are thousands
        yield from filter(None, map(pattern.fullmatch, os.listdir(folder)))
