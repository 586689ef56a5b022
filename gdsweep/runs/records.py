"""The records in a run directory, typed."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from gdsweep.config.base import Settings
from gdsweep.config.format_base import Split
from gdsweep.errors import BadInput

At = int | Literal["best", "final"]
"""A checkpoint: an iteration, the best on the validation images, or the horizon's."""


class ScoreRef(Settings):
    """A score somebody needs."""

    at: At
    """Which checkpoint."""
    network: Literal["student", "teacher"]
    """Which network."""
    split: Split = "test"
    """Which images are asked for; `DataFormat.scored_split` says which are scored."""
    metrics: tuple[str, ...] = ()
    """Keys of the metrics on demand that it must have (see `config.METRICS`), sorted. They are no
    part of `key`: one record holds all metrics of one checkpoint on the same images."""

    @property
    def key(self) -> str:
        """File stem of the score: `test-best-student`."""
        return f"{self.split}-{self.at}-{self.network}"

    def with_metrics(self, metrics: Iterable[str]) -> "ScoreRef":
        """The same score, measured in these metrics too."""
        return self.model_copy(update={"metrics": tuple(sorted({*self.metrics, *metrics}))})


class Wanted(Settings):
    """`wanted.json`: everything that cells and other runs need from this run, over all launches."""

    stop: int = Field(0, ge=0)
    """The furthest iteration anybody needs."""
    milestones: tuple[int, ...] = ()
    """Iterations whose complete state is kept; ascending."""
    best: bool = False
    """Whether the best checkpoint is needed (which takes the whole horizon)."""
    scores: tuple[ScoreRef, ...] = ()
    """Scores needed."""

    def merged(self, other: "Wanted") -> "Wanted":
        """What both want."""
        scores = {score.key: score for score in self.scores}
        for score in other.scores:
            before = scores.get(score.key)
            scores[score.key] = score if before is None else before.with_metrics(score.metrics)
        return Wanted(
            stop=max(self.stop, other.stop),
            milestones=tuple(sorted({*self.milestones, *other.milestones})),
            best=self.best or other.best,
            scores=tuple(scores[key] for key in sorted(scores)),
        )


class Missing(Settings):
    """What a run has not delivered yet of what is wanted."""

    stop: int | None
    """Iteration still to be reached; None when reached."""
    milestones: tuple[int, ...]
    """States not on disk."""
    best: bool
    """Whether the best checkpoint is wanted and not settled."""
    scores: tuple[ScoreRef, ...]
    """Scores not measured, or not in every metric that is asked for."""

    def __bool__(self) -> bool:
        return bool(self.stop or self.milestones or self.best or self.scores)


class Best(Settings):
    """The best checkpoint of one network so far; the file holds the weights that were scored."""

    iteration: int
    """Iteration of the checkpoint (of the whole path: it may lie in the parent's part)."""
    AP: float
    """Its mask AP on the validation images, in percent."""
    file: str
    """File name in `checkpoints/`."""


class Score(Settings):
    """`scores/*.json`: one measured result."""

    ref: ScoreRef
    """What was asked for."""
    iteration: int
    """The checkpoint's iteration."""
    metrics: dict[str, float | None]
    """Metric's key (see `config.METRICS`) to its value; None where it has none. Those on demand are
    there if a grid has asked for them."""
    images: int
    """Images scored."""
    instances: int
    """Ground-truth instances scored (crowds apart)."""
    predictions: str | None
    """COCO results JSON, relative to the run directory."""

    def lacks(self, ref: ScoreRef) -> tuple[str, ...]:
        """Metrics that `ref` asks for and that were not measured."""
        return tuple(metric for metric in ref.metrics if metric not in self.metrics)


class Complexity(Settings):
    """`network.json`: size of the trained network, and arithmetic of one image through it."""

    parameters: int
    """All parameters, frozen ones too."""
    trainable: int
    """Those that training changes."""
    flops: int | None
    """FLOPs of one forward pass on one image, a multiply-add being two; None if not countable."""
    size: tuple[int, int]
    """Height and width of that image."""


class Attempt(Settings):
    """`attempts/NNN.json`: one process (or job) that advanced a run."""

    number: int
    """1, 2, ..."""
    started: float
    """Unix time."""
    ended: float | None = None
    """Unix time; None while it runs, or when it was killed."""
    outcome: Literal["done", "failed", "stopped"] | None = None
    """`stopped`: by a signal, with the state saved. None: running, or killed."""
    cause: str | None = None
    """Cause of a failure: `nan`, `memory`, `disk`, `parent`, `input`, `nccl`, `cuda`, `killed`,
    `stuck`, `setup`, `timeouts` or `error`; of a stop: `preempted`, `timeout`, `silent` or
    `asked`."""
    message: str | None = None
    """Message of a failure, one line."""
    log: str | None = None
    """Place in the log that explains a failure, `log.txt:LINE`."""
    first_iteration: int = 0
    """Iteration it started from."""
    last_iteration: int | None = None
    """Iteration it reached."""
    process: dict[str, str | int | float | None] = Field(default_factory=dict)
    """Host, process id, device, versions, code commit; and, of what was spent until the last saved
    state, `peak_memory` (bytes, of the process with the most: allocated on its GPU, or else
    resident) and `energy_kwh` (all GPUs, where they report it)."""


Record = TypeVar("Record", bound=Settings)


def read_record(path: Path, kind: type[Record]) -> Record:
    """Read one record. Raises FileNotFoundError, and BadInput for one that cannot be read: damaged,
    or with keys this version does not know."""
    try:
        content = path.read_bytes()
    except (IsADirectoryError, PermissionError) as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        faults = error.errors()
        first = faults[0]
        where = ".".join(str(part) for part in first["loc"])
        if all(fault["type"] == "extra_forbidden" for fault in faults):
            raise BadInput(
                f"{path}: written by a newer gdsweep ({where} is not known here); update gdsweep, "
                "and remove nothing"
            ) from None
        raise BadInput(
            f"{path}: damaged ({where + ': ' if where else ''}{first['msg']}); "
            "remove the file, or the whole run directory to train it again"
        ) from None
