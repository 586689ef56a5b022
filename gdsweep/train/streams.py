"""The endless streams of labelled and unlabelled samples of a run, from any iteration on."""

import contextlib
import hashlib
import json
import logging
from collections.abc import Iterator

from gdsweep import atomic
from gdsweep.config import RunConfig, read_label_list
from gdsweep.data import (
    DatasetSplits,
    Images,
    JoinedImages,
    LabelledView,
    RepeatFactorSampler,
    Sample,
    Sampler,
    UniformSampler,
    UnlabelledView,
    batches,
    label_set,
    repeat_factors,
    unlabelled_indices,
)
from gdsweep.errors import BadInput, TrainingFailed
from gdsweep.runs import RunDir, read_identity
from gdsweep.train.distributed import Processes

log = logging.getLogger(__name__)


class Streams:
    """The labelled and the unlabelled stream of one run.

    Both draw `batch` images a step (sec. 4.1; the public code draws them on top of each other).
    """

    def __init__(self, config: RunConfig, splits: DatasetSplits, processes: Processes) -> None:
        self._settings, self._processes = config.settings, processes
        labels, seed = config.settings.labels, config.settings.seed
        self._train = splits.train
        self._labelled = label_set(splits.train, labels, seed)
        if config.settings.batch.labelled < processes.world:
            raise BadInput(
                f"batch.labelled: {config.settings.batch.labelled} images cannot be shared by "
                f"{processes.world} processes; use fewer GPUs or a larger batch"
            )
        log.info("%d of %d training images are labelled", len(self._labelled), len(splits.train))
        self._pool: Images | None = None
        self._unlabelled: list[int] = []
        if config.objective != "supervised":
            extra = splits.unlabelled
            self._pool = splits.train if extra is None else JoinedImages(splits.train, extra)
            own = unlabelled_indices(len(splits.train), self._labelled, labels.pool)
            self._unlabelled = own + list(range(len(splits.train), len(self._pool)))
            if not self._unlabelled:
                raise BadInput("labels.pool: complement leaves no unlabelled image at 100 % labels")
            log.info("%d images are in the unlabelled pool", len(self._unlabelled))

    @property
    def labelled(self) -> list[int]:
        """Indices of the training images that have labels, ascending."""
        return self._labelled

    @property
    def labelled_sha256(self) -> str:
        """Hash of the labelled images' names, in order: which labels a number was trained on."""
        names = "\n".join(self._train.names[index] for index in self._labelled)
        return hashlib.sha256(names.encode()).hexdigest()

    @contextlib.contextmanager
    def opened(
        self, iteration: int
    ) -> Iterator[tuple[Iterator[list[Sample]], Iterator[list[Sample]] | None]]:
        """Labelled and unlabelled batches (this process' share) from `iteration` on."""
        settings, processes = self._settings, self._processes
        common = {
            "seed": settings.seed,
            "start_iteration": iteration,
            "rank": processes.rank,
            "world": processes.world,
            "workers": settings.resources.workers,
        }
        with contextlib.ExitStack() as stack:
            labelled = batches(
                self._train,
                self._labelled_sampler(),
                LabelledView(settings.augmentation, self._labelled),
                batch=settings.batch.labelled,
                stream="labelled",
                **common,
            )
            stack.callback(labelled.close)
            unlabelled = None
            if self._pool is not None:
                unlabelled = batches(
                    self._pool,
                    UniformSampler(self._unlabelled, settings.seed, "unlabelled"),
                    UnlabelledView(settings.augmentation),
                    batch=settings.batch.unlabelled,
                    stream="unlabelled",
                    **common,
                )
                stack.callback(unlabelled.close)
            yield labelled, unlabelled

    def _labelled_sampler(self) -> Sampler:
        labels, seed = self._settings.labels, self._settings.seed
        if labels.sampler == "uniform":
            return UniformSampler(self._labelled, seed, "labelled")
        factors = repeat_factors(self._train, self._labelled, labels.repeat_threshold)
        return RepeatFactorSampler(self._labelled, factors, seed, "labelled")


def same_annotations(run: RunDir, config: RunConfig, splits: DatasetSplits) -> None:
    """Refuse other annotations under a data set's old name.

    Raises TrainingFailed where this run, or a run it builds on, began with other annotations, and
    where the list of `labels.file` is not the one that the run was planned with.
    """
    _same_label_list(run, config)
    relatives = [ref.run for ref in (config.parent, config.teacher) if ref is not None]
    for name in (run.name, *relatives):
        known_to = run.sibling(name).dataset
        if not known_to.exists():
            continue
        known = json.loads(known_to.read_text())["fingerprint"]
        changed = sorted(k for k in known if known[k] != splits.fingerprint.get(k))
        if changed:
            raise TrainingFailed(
                f"{', '.join(changed)}: other annotations than {name} was trained on; give the "
                "changed data set a new name in the grid",
                cause="parent",
            )


def record_data(run: RunDir, splits: DatasetSplits, streams: Streams) -> None:
    """Write what the run is trained on: fingerprints of annotations and of the labelled set."""
    if not run.dataset.exists():
        record = {"fingerprint": splits.fingerprint, "labelled_sha256": streams.labelled_sha256}
        atomic.write_json(run.dataset, record)


def _same_label_list(run: RunDir, config: RunConfig) -> None:
    listed = read_label_list(config.settings.labels, config.settings.seed)
    if listed is None:
        return
    planned = read_identity(run).get("labels", {}).get("list")
    if planned != listed.sha256:
        raise TrainingFailed(
            f"{listed.where}: another list than {run.name} was planned with; restore the file, or "
            "launch the grid again",
            cause="parent",
        )
