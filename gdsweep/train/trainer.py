"""The shared trainer: one run, from its directory, to everything that is wanted of it."""

import logging
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from gdsweep import atomic
from gdsweep.config import SPLIT_NAMES, RunConfig
from gdsweep.data import DatasetSplits, Sample, open_dataset
from gdsweep.errors import TrainingFailed
from gdsweep.runs import (
    Best,
    Missing,
    RunDir,
    Wanted,
    missing,
    read_wanted,
    settled,
    sign_of,
    stamps_of,
)
from gdsweep.train import checkpoint
from gdsweep.train.attempt import Log, Stopped
from gdsweep.train.complexity import record_complexity
from gdsweep.train.damage import DamagedState, read_whole_state
from gdsweep.train.device import set_up
from gdsweep.train.distributed import Processes
from gdsweep.train.inputs import check_inputs, record_inputs
from gdsweep.train.label_quality import LabelQuality
from gdsweep.train.meter import Meter
from gdsweep.train.metrics import MetricsWriter
from gdsweep.train.networks import build_networks, operators_used
from gdsweep.train.objectives import Loss, Part
from gdsweep.train.optimizer import build_optimizer, set_rate
from gdsweep.train.precision import Precision
from gdsweep.train.progress import Progress
from gdsweep.train.pulse import Pulse
from gdsweep.train.schedule import rate_factor
from gdsweep.train.scoring import Scorer
from gdsweep.train.shown_labels import keep_images, keep_labels
from gdsweep.train.streams import Streams

log = logging.getLogger(__name__)


class Trainer:
    """Advances one run until nothing that is wanted of it is missing.

    The data position and the learning rate are functions of the iteration; everything else that
    decides the next step is in the state: weights, average, optimiser, scaler, random generators,
    best so far. A state at iteration n is what n optimisation steps made.
    """

    def __init__(
        self,
        run: RunDir,
        config: RunConfig,
        processes: Processes,
        attempt: Log | None,
        should_stop: Callable[[], bool],
    ) -> None:
        self.run, self.config, self.settings = run, config, config.settings
        self.processes, self.attempt = processes, attempt
        self.should_stop = Pulse(run, should_stop, tells=processes.first)
        set_up(processes.device, self.settings)
        extra = config.objective != "supervised" and self.settings.labels.extra
        stamps = stamps_of(self.settings.dataset)
        self.splits: DatasetSplits = open_dataset(self.settings.dataset, extra)
        check_inputs(run, config, self.splits)
        for note in self.splits.notes:
            log.info("data: %s", note)
        self.streams = Streams(config, self.splits, processes)
        if processes.from_first(not run.states()):
            self.streams.check_readable()
        if processes.first:
            record_inputs(run, config, stamps, self.splits, self.streams.labelled_sha256)
        self.quality = None
        if config.objective != "supervised" and self.settings.evaluation.pseudo_labels:
            self.quality = LabelQuality(
                self.splits.train, self.streams.labelled, self.settings, processes
            )
        watched = self.should_stop.watched(self.splits, processes.world)
        self.scorer = Scorer(run, config, watched, processes, self.should_stop)
        self.shelf = checkpoint.Shelf(run)
        self.start = config.parent.at if config.parent else 0
        self.iteration = -1  # nowhere yet: what is wanted decides where to begin
        self.meter = Meter(processes)
        self._build()
        used = operators_used(self.settings, processes.device, self.precision.type)
        if used is not None and processes.first:
            log.info("%s", used)
        if processes.first:
            record_complexity(run, self.networks.student, self.settings.augmentation.crop)

    def _build(self) -> None:
        """Everything as it is before the path's first step."""
        names = self.splits.train.classes
        classes = len(names)
        self.networks, self.teacher_digest = build_networks(
            self.run, self.config, names, self.processes
        )
        self.optimizer = build_optimizer(self.networks.student, self.settings.optimizer)
        self.precision = Precision(
            self.settings.optimizer.precision,
            self.processes.device,
            self.settings.distillation.teacher_precision,
        )
        self.loss = Loss(self.settings, classes, self.processes, self.precision)
        self.best: dict[str, Best] = {}
        self._seed_generators()

    # ---- what is wanted ------------------------------------------------------------------------

    def deliver(self) -> None:
        """Train and score until nothing is missing; what others add meanwhile is delivered too."""
        with MetricsWriter(self.run, enabled=self.processes.first) as writer:
            while True:
                wanted: Wanted = self.processes.from_first(read_wanted(self.run))
                lacking: Missing = self.processes.from_first(missing(self.run, wanted))
                if not lacking:
                    return
                target = self._next_target(lacking, wanted)
                if target is not None:
                    self._go_to(target, writer)
                    self._train(target, wanted, writer)
                else:
                    with self.should_stop.scoring():
                        self._report(lacking)

    def _next_target(self, lacking: Missing, wanted: Wanted) -> int | None:
        """The earliest iteration with something missing; None when only scores are.

        Where states 10 and 25 and the best of a horizon of 40 are wanted and state 10 is there, it
        is 25, then 40; then only the best checkpoint's score can be missing, and it is None.
        """
        targets = list(lacking.milestones)
        if lacking.stop is not None:
            targets.append(lacking.stop)
        if lacking.best:
            targets.append(self.settings.schedule.iterations)
        for score in lacking.scores:
            at = settled(score.at, self.settings.schedule.iterations)
            if not sign_of(self.run, at).exists():
                targets.append(self.settings.schedule.iterations if at == "best" else at)
        return self.processes.from_first(min(targets) if targets else None)

    def _go_to(self, target: int, writer: MetricsWriter) -> None:
        """Be at the newest whole state not beyond `target`, in memory or on disk."""
        while True:
            states = max((n for n in self.run.states() if n <= target), default=self.start)
            unscored = max((n for n in self.run.unscored_states() if n <= target), default=-1)
            on_disk, paused = self.processes.from_first((max(states, unscored), unscored > states))
            if on_disk <= self.iteration <= target:
                break
            try:
                self._restore(on_disk, paused)
            except DamagedState:
                continue  # it is out of the way: there is one before it
            if paused:
                self._evaluate(writer)
                self._save(read_wanted(self.run))
            break
        if self.iteration == target:
            # the horizon's state is there, its best.json or its own file is not
            self._save(read_wanted(self.run), always=True)

    # ---- training ------------------------------------------------------------------------------

    def _train(self, target: int, wanted: Wanted, writer: MetricsWriter) -> None:
        if self.iteration == target:
            return
        self.precision.check()
        log.info("training from iteration %d to %d", self.iteration, target)
        if self.attempt is not None:
            self.attempt.begins(self.iteration)
        horizon = self.settings.schedule.iterations
        resources, evaluation = self.settings.resources, self.settings.evaluation
        progress = Progress(target)
        newest = self.processes.from_first(max(self.run.states(), default=0))
        if newest > self.iteration:
            log.info("going back for the state of iteration %d; metrics are as they were", target)
            writer = MetricsWriter(self.run, enabled=False)
        with self.streams.opened(self.iteration) as (labelled, unlabelled):
            while self.iteration < target:
                stop = self._advance(labelled, unlabelled, progress)
                n = self.iteration
                logs = n % resources.log_period == 0 or n == target
                scores = n % evaluation.period == 0 or n == horizon
                due = n % resources.checkpoint_period == 0 or n in wanted.milestones or n == target
                if logs or scores or self.loss.exchange.costs_nothing:
                    stop |= self._meet(progress)
                if logs:
                    values = progress.flush(n)
                    values["lr"] = self.settings.optimizer.lr * rate_factor(
                        self.settings.schedule, n - 1
                    )
                    writer.write(n, values)
                    log.info(progress.line(n, values))
                if scores:
                    self._evaluate(writer)
                stop |= self.processes.world == 1 and self.should_stop()
                if due or stop:
                    stop |= self._meet(progress)  # a loss that is not finite leaves no state
                    wanted = self._save(wanted)
                if stop and n < target:
                    raise Stopped

    def _advance(
        self,
        labelled: Iterator[list[Sample]],
        unlabelled: Iterator[list[Sample]] | None,
        progress: Progress,
    ) -> bool:
        """Take one step; whether a process was asked to stop before it.

        The processes meet once, in the middle: what there is to tell of a step is told in the next
        one, or by `_meet`.
        """
        progress.waits()
        own = next(labelled)
        others = None if unlabelled is None else next(unlabelled)
        progress.works()
        self._tell_of_stop()
        logs = (self.iteration + 1) % self.settings.resources.log_period == 0
        parts, told = self.loss.parts(own, others, self.networks.teacher, compare=logs)
        progress.add(self.loss.hear(told))
        self._step(parts)
        self.iteration += 1
        return bool(told.get("stop"))

    def _meet(self, progress: Progress) -> bool:
        """Tell and hear what there is of the last step; whether a process was asked to stop."""
        self._tell_of_stop()
        told = self.loss.exchange.meet()
        progress.add(self.loss.hear(told))
        return bool(told.get("stop"))

    def _tell_of_stop(self) -> None:
        if self.processes.world > 1:
            self.loss.exchange.put("stop", [float(self.should_stop())])

    def _step(self, parts: list[Part]) -> None:
        networks, settings = self.networks, self.settings
        networks.student.train()
        done = self.iteration / settings.schedule.iterations
        networks.student.advance(done)
        rate = settings.optimizer.lr * rate_factor(settings.schedule, self.iteration)
        set_rate(self.optimizer, rate)
        self.optimizer.zero_grad(set_to_none=True)
        self.loss.backward(networks.wrapped, parts, self.iteration)
        self.precision.step(self.optimizer, networks.student, settings.optimizer.clip_norm)
        if networks.moving is not None and networks.alpha is not None:
            networks.moving.update(networks.alpha)
            networks.averaged["teacher"].advance(done)

    # ---- scores --------------------------------------------------------------------------------

    def _evaluate(self, writer: MetricsWriter) -> None:
        """Score this iteration; a stop meanwhile saves it as it is, to be scored first of all."""
        before = dict(self.best)
        try:
            with self.should_stop.scoring():
                self._validate(writer)
        except Stopped:
            self.best = before
            state = self._state()
            if self.processes.first:
                self.shelf.pause(self.iteration, state, before)
                if self.attempt is not None:
                    self.attempt.reached(self.iteration, {})
            self.processes.wait()
            raise

    def _validate(self, writer: MetricsWriter) -> None:
        values: dict[str, float] = {}
        networks = self.networks.averaged
        for network, scores in self.scorer.validate(networks).items():
            model = networks[network]
            self.scorer.keep_if_best(network, model, scores, self.iteration, self.best)
            prefix = "" if network == "student" else f"{network}/"
            values |= {f"{prefix}segm/{name}": value for name, value in scores.items()}
            log.info("iteration %d: %s, validation images", self.iteration, network)
            log.info("copypaste: %s", ",".join(scores))
            log.info("copypaste: %s", ",".join(f"{value:.4f}" for value in scores.values()))
        if self.quality is not None and self.networks.teacher is not None:
            values |= self._measure_labels(self.quality, self.networks.teacher)
        writer.write(self.iteration, values)

    def _measure_labels(self, quality: LabelQuality, teacher: nn.Module) -> dict[str, float]:
        values, looked_at = quality.measure(self.loss, teacher)
        parts = self.processes.gather(looked_at)
        if self.processes.first and quality.shown:
            keep_images(self.run, self.splits.train, quality.shown)
            keep_labels(self.run, self.iteration, [label for part in parts for label in part])
        return values

    def _report(self, lacking: Missing) -> None:
        student = self.networks.student
        held = {name: value.clone() for name, value in student.state_dict().items()}
        try:
            for ref in lacking.scores:
                horizon = self.settings.schedule.iterations
                weights, iteration = self.scorer.weights_of(ref, horizon)
                student.load_state_dict(weights)
                score = self.scorer.report(ref, student, iteration)
                log.info(
                    "%s of iteration %d on the %s images: AP %.2f",
                    ref.network,
                    iteration,
                    SPLIT_NAMES[self.settings.dataset.scored_split(ref.split)],
                    score.metrics["AP"] or 0.0,
                )
        finally:
            student.load_state_dict(held)
        usage = self.meter.read()
        if self.attempt is not None:
            self.attempt.add_usage(usage)
        self.processes.wait()

    # ---- states --------------------------------------------------------------------------------

    def _save(self, wanted: Wanted, always: bool = False) -> Wanted:
        """Write the state of this iteration; returns what is wanted by now."""
        n = self.iteration
        state, usage = self._state(), self.meter.read()
        wanted = self.processes.from_first(read_wanted(self.run).merged(wanted))
        if self.processes.first:
            if always or n not in self.run.states():
                self.shelf.put(n, state, self.best)
            horizon = self.settings.schedule.iterations
            keep = {*wanted.milestones, horizon}
            if n != horizon:  # should the newest be damaged, there is one before it
                keep |= set([m for m in self.run.states() if m < n][-1:])
            self.shelf.tidy(n, keep, self.best)
            if n == self.settings.schedule.iterations:
                best = {name: b.model_dump(mode="json") for name, b in self.best.items()}
                atomic.write_json(self.run.best, best)
            if self.attempt is not None:
                self.attempt.reached(n, usage)
        self.processes.wait()
        return wanted

    def _state(self) -> dict[str, Any]:
        """All that decides what comes next; on every process, as they meet for it."""
        networks = self.networks
        moving = networks.alpha is not None and networks.teacher is not None
        state = {
            "run": self.run.name,
            "iteration": self.iteration,
            "student": networks.student.state_dict(),
            "teacher": networks.teacher.state_dict() if moving else None,  # type: ignore[union-attr]
            "teacher_digest": self.teacher_digest,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.precision.state(),
            "random": self.processes.gather(checkpoint.random_state()),
            **checkpoint.about(self.settings, self.splits),
        }
        if self.loss.thresholds is not None:
            state["class_confidence"] = self.loss.thresholds.state()
        return state

    def _restore(self, iteration: int, unscored: bool = False) -> None:
        """Be exactly where the state of `iteration` says, or the parent's, or at the beginning."""
        parent = self.config.parent
        if unscored or iteration in self.run.states():
            source = self.run
        elif parent is not None and iteration == parent.at:
            source = self.run.sibling(parent.run)
        else:
            assert iteration == 0
            if self.iteration > 0:
                self._build()
            self.iteration = 0
            return
        path = source.unscored_state(iteration) if unscored else source.state(iteration)
        state = read_whole_state(self.run, source, path, self.processes)
        log.info("state of iteration %d from %s", iteration, source.name)
        networks = self.networks
        networks.student.load_state_dict(state["student"])
        if networks.moving is not None:
            if source is self.run:
                networks.averaged["teacher"].load_state_dict(state["teacher"])
            else:  # "T <- S" of Table 1, at the end of the burn-in
                networks.moving.update(0.0)
        if source is self.run and state["teacher_digest"] != self.teacher_digest:
            raise TrainingFailed(
                f"the teacher's weights in {self._teacher_place} are not those this run "
                "began with; remove this run's directory to train it anew",
                cause="parent",
            )
        self.optimizer.load_state_dict(state["optimizer"])
        self.precision.restore(state["scaler"])
        if self.loss.thresholds is not None:  # a burn-in's means are carried on
            self.loss.thresholds.restore(state.get("class_confidence"))
        randoms = state["random"]
        if len(randoms) == self.processes.world:
            checkpoint.set_random_state(randoms[self.processes.rank])
        else:  # another number of processes: there is no state to go on from, but a stated seed
            self._seed_generators(iteration)
        if unscored:
            self.best = {name: Best.model_validate(best) for name, best in state["best"].items()}
        else:
            self.best = checkpoint.Shelf(source).best_at(iteration)
        if source is not self.run and self.processes.first:
            self.shelf.adopt(source, self.best)
        self.iteration = iteration

    @property
    def _teacher_place(self) -> str:
        reference = self.config.teacher
        return reference.run if reference else str(self.settings.distillation.teacher.init)

    def _seed_generators(self, iteration: int = 0) -> None:
        seed = (self.settings.seed * 1_000_003 + iteration) * 4096 + self.processes.rank
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
