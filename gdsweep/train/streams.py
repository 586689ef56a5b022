"""The endless streams of labelled and unlabelled samples of a run, from any iteration on."""

import contextlib
import hashlib
import logging
from collections.abc import Iterator

from gdsweep.config import RunConfig
from gdsweep.data import (
    DatasetSplits,
    Images,
    JoinedImages,
    LabelledView,
    Part,
    RepeatFactorSampler,
    Sample,
    Sampler,
    UniformSampler,
    UnlabelledView,
    batches,
    check_readable,
    label_set,
    repeat_factors,
    twin_notes,
    unlabelled_indices,
)
from gdsweep.errors import BadInput
from gdsweep.train.device_batch import mover
from gdsweep.train.distributed import Processes

log = logging.getLogger(__name__)


class Streams:
    """The labelled and the unlabelled stream of one run.

    Both draw `batch` images a step (sec. 4.1; the public code draws them on top of each other).
    """

    def __init__(self, config: RunConfig, splits: DatasetSplits, processes: Processes) -> None:
        self._settings, self._processes = config.settings, processes
        labels, seed = config.settings.labels, config.settings.seed
        self._train, self._splits = splits.train, splits
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

    def check_readable(self) -> None:
        """Look at every image of the run: none is to stop it hours from now.

        Logs which are there more than once. Raises BadInput.
        """
        train, val, test = self._train, self._splits.val, self._splits.test
        scored = {"val": val} if test is val else {"val": val, "test": test}
        parts = [Part("train", train, self._labelled, train.size)]
        if self._pool is not None:
            others = sorted({*self._unlabelled} - {*self._labelled})
            own = [index for index in others if index < len(train)]
            parts += [
                Part("train, unlabelled", train, own, train.size),
                Part("unlabelled", self._pool, others[len(own) :]),
            ]
        parts += [Part(name, s, range(len(s)), s.size) for name, s in scored.items()]
        problem = None
        if self._processes.first:
            try:
                data = self._settings.dataset
                check_readable(data.name, parts, data.pixel_scaling)
                for note in twin_notes(parts):
                    log.info("data: %s", note)
            except BadInput as error:
                problem = str(error)
        problem = self._processes.from_first(problem)
        if problem is not None:
            raise BadInput(problem)

    @contextlib.contextmanager
    def opened(
        self, iteration: int
    ) -> Iterator[tuple[Iterator[list[Sample]], Iterator[list[Sample]] | None]]:
        """This process' share of the batches from `iteration` on, on its device."""
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
            move = mover(processes.device)
            others: Iterator[list[Sample]] | None = None
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
                others = map(move, unlabelled)
            yield map(move, labelled), others

    def _labelled_sampler(self) -> Sampler:
        labels, seed = self._settings.labels, self._settings.seed
        if labels.sampler == "uniform":
            return UniformSampler(self._labelled, seed, "labelled")
        factors = repeat_factors(self._train, self._labelled, labels.repeat_threshold)
        return RepeatFactorSampler(self._labelled, factors, seed, "labelled")
