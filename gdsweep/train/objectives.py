"""One optimisation step's loss: eq. (2) alone, or eq. (4) with a teacher's pseudo-labels.

The supervised model and criterion know nothing of teachers; this file is all there is to
distillation besides `pseudo_labels` (eq. 3) and `ema` (eq. 5).
"""

import contextlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gdsweep.config import CellSettings
from gdsweep.data import Instances, Sample
from gdsweep.data.sampler import derived_seed
from gdsweep.model import Criterion, Normaliser, Outputs, QueryNetwork, seeded_points
from gdsweep.runs.causes import loss_not_finite
from gdsweep.train.class_thresholds import ClassThresholds
from gdsweep.train.distributed import Processes
from gdsweep.train.exchange import Exchange
from gdsweep.train.precision import Precision
from gdsweep.train.pseudo_labels import Choice, PseudoLabels, choose, flicker, totals


@dataclass(frozen=True)
class Part:
    """Samples of one kind with their targets and the weight of their loss."""

    images: list[Tensor]
    targets: list[Instances]
    names: list[str]
    counts: list[int]
    """Number of targets of each image of the global batch, in its order."""
    weight: float
    suffix: str
    labels: list[PseudoLabels] | None = None
    """The pseudo-labels that `targets` are; None of labelled samples."""

    @property
    def ignore(self) -> list[Tensor] | None:
        """Cells of each image in which nothing need be "no object" (see `PseudoLabels`)."""
        regions = [found.ignore for found in self.labels or () if found.ignore is not None]
        return regions if regions else None

    @property
    def weights(self) -> list[Tensor] | None:
        """Factors of each image's targets' losses (see `PseudoLabels`)."""
        factors = [found.weights for found in self.labels or () if found.weights is not None]
        return factors if factors else None


@dataclass(frozen=True)
class _Untold:
    """A step whose terms the processes have not told each other yet."""

    keys: list[str]
    own: Tensor  # this process' terms
    names: list[str]  # of its images
    threshold: float | None


class Loss:
    """Forward and backward passes of one step, over this process' share of the global batch."""

    def __init__(
        self,
        settings: CellSettings,
        classes: int,
        processes: Processes,
        precision: Precision,
    ) -> None:
        self.settings = settings
        self.processes = processes
        self.precision = precision
        self.exchange = Exchange(processes)
        self.criterion = Criterion(classes, settings.loss)
        distillation = settings.distillation
        self.thresholds = (
            None
            if distillation.adaptive is None
            else ClassThresholds(classes, distillation.alpha_c, distillation.adaptive)
        )
        self._untold: _Untold | None = None
        self._flicker: Tensor | None = None  # as `flicker` counts it, of the step being taken

    def parts(
        self,
        labelled: Sequence[Sample],
        unlabelled: Sequence[Sample] | None = None,
        teacher: nn.Module | None = None,
        compare: bool = False,
    ) -> tuple[list[Part], dict[str, Tensor]]:
        """What one step learns from; the processes meet for it.

        Labelled samples have weight 1 (L_s of eq. 4). Strong views of unlabelled ones have the
        teacher's labels on the weak ones, and weight lambda_u (eq. 3, 4). Class-adaptive thresholds
        move on afterwards, to be used from the next step on.

        Args:
            labelled, unlabelled: this process' share of the global batches, on its device.
            teacher: labels the unlabelled samples; None without any.
            compare: count what half precision changes about the labels, by computing the first of
                them in float32 too.

        Returns:
            The parts, and what was told at the meeting, for `hear`.
        """
        batch, exchange = self.settings.batch, self.exchange
        targets = [sample.targets for sample in labelled if sample.targets is not None]
        exchange.put_share("labelled", [len(own) for own in targets], batch.labelled)
        choices: list[Choice] = []
        if unlabelled is not None:
            assert teacher is not None
            choices = self._choices([sample.weak for sample in unlabelled], teacher)
            self._put_choices(choices, teacher)
            if compare and not self.precision.teacher_is_exact:
                first = unlabelled[self._chunks(len(unlabelled))[0]] if unlabelled else []
                self._flicker = self._compared([s.weak for s in first], choices, teacher)
        told = exchange.meet()
        counts = told["labelled"].long().tolist()
        images, names = [s.weak for s in labelled], [s.name for s in labelled]
        parts = [Part(images, targets, names, counts, 1.0, "")]
        if unlabelled is not None:
            parts.append(self._taught(unlabelled, choices, told["keep"].bool()))
            if self.thresholds is not None:
                self.thresholds.update(told["confidence"])
        return parts, told

    def _put_choices(self, choices: list[Choice], teacher: nn.Module) -> None:
        """Tell which of this process' predictions become labels: everybody counts them."""
        exchange, batch = self.exchange, self.settings.batch.unlabelled
        assert isinstance(teacher, QueryNetwork), "planning refuses others"
        device, queries = self.processes.device, teacher.query_count
        keep = torch.zeros(0, queries, dtype=torch.bool, device=device)
        exchange.put_share("keep", torch.cat([keep, *(c.keep for c in choices)]), batch)
        if self.thresholds is not None:
            none = torch.zeros(0, 2, self.criterion.classes, dtype=torch.float64)
            found = [c.confidence for c in choices if c.confidence is not None]
            exchange.put_share("confidence", torch.cat([none, *found]), batch)

    def _compared(
        self, images: Sequence[Tensor], choices: Sequence[Choice], teacher: nn.Module
    ) -> Tensor:
        """How many labels on `images`, those of the first choice, half precision changes."""
        if not images:
            return torch.zeros(2, device=self.processes.device)
        return flicker(choices[0], self._choice(images, teacher, exactly=True))

    def _taught(self, samples: Sequence[Sample], choices: list[Choice], keep: Tensor) -> Part:
        """The unlabelled part; `keep` bool [batch, Q], of the global batch."""
        labels: list[PseudoLabels] = []
        own = keep[self.processes.rank :: self.processes.world]
        for choice, kept in zip(choices, own.split([len(c.keep) for c in choices]), strict=True):
            labels += choice.kept(kept)
        return Part(
            [s.weak if s.strong is None else s.strong for s in samples],
            [found.instances for found in labels],
            [s.name for s in samples],
            keep.sum(1).tolist(),
            self.settings.distillation.lambda_u,
            "_ssl",
            labels,
        )

    def _choices(self, images: Sequence[Tensor], teacher: nn.Module) -> list[Choice]:
        """What the teacher chooses, of as many images at a time as are forwarded together."""
        return [self._choice(images[chunk], teacher) for chunk in self._chunks(len(images))]

    @torch.no_grad()
    def _choice(
        self, images: Sequence[Tensor], teacher: nn.Module, exactly: bool = False
    ) -> Choice:
        autocast = self.precision.teacher_autocast(self.processes.device)
        with contextlib.nullcontext() if exactly else autocast:
            last = teacher(images, auxiliary=False).layers[-1]
        thresholds = None if self.thresholds is None else self.thresholds.values
        return choose(last.class_logits, last.mask_logits, self.settings.distillation, thresholds)

    def labels(self, images: Sequence[Tensor], teacher: nn.Module) -> list[PseudoLabels]:
        """The teacher's pseudo-labels on images that are forwarded together."""
        choice = self._choice(images, teacher)
        return choice.kept(choice.keep.cpu())

    def backward(self, student: nn.Module, parts: Sequence[Part], iteration: int) -> None:
        """Accumulate the gradient of the global batch's loss; its terms are told at a meeting.

        Each part is normalised over the whole global batch, and an image's sample points derive
        from the run's seed, the iteration and its place in the batch: neither loss nor gradient
        depends on the number of processes or micro-batches (Mask R-CNN's do: its losses are means
        over randomly chosen proposals). One graph is alive at a time.
        """
        chunks = [(part, chunk) for part in parts for chunk in self._chunks(len(part.images))]
        normalisers = {part.suffix: self._normaliser(part) for part in parts}
        terms: dict[str, Tensor] = {}
        for number, (part, chunk) in enumerate(chunks, start=1):
            synchronised = number == len(chunks) or self.processes.world == 1
            with contextlib.nullcontext() if synchronised else student.no_sync():  # type: ignore[operator]
                losses = self._losses(student, part, chunk, normalisers[part.suffix], iteration)
                loss = part.weight * torch.stack(list(losses.values())).sum()
                # DistributedDataParallel averages over processes; the normaliser is global: a sum
                self.precision.scale(loss * self.processes.world).backward()
            for name, value in losses.items():
                key = name + part.suffix
                terms[key] = terms.get(key, 0.0) + part.weight * value.detach()
        own = torch.stack(list(terms.values())).double()
        names = [name for part in parts for name in part.names]
        thresholds = None if self.thresholds is None else self.thresholds.values
        threshold = None if thresholds is None else float(thresholds.mean())
        self._untold = _Untold(list(terms), own, names, threshold)
        self.exchange.put("terms", own)
        if self._flicker is not None:
            self.exchange.put("flicker", self._flicker)
            self._flicker = None
        for labels in (part.labels for part in parts):
            if labels is not None:
                self.exchange.put("labels", [sum(len(f.scores) for f in labels), len(labels)])
                device = self.processes.device
                self.exchange.put(
                    "label sums",
                    totals(labels) if labels else torch.zeros(3, device=device),
                )

    def hear(self, told: Mapping[str, Tensor]) -> dict[str, float]:
        """What is logged of the step that a meeting told of, over the global batch; or nothing.

        Raises:
            TrainingFailed: its loss is not finite; the message names the images.
        """
        if self._untold is None or "terms" not in told:
            return {}
        step, self._untold = self._untold, None
        terms = dict(zip(step.keys, told["terms"].tolist(), strict=True))
        total = sum(terms.values())
        if not math.isfinite(total):
            names = [] if math.isfinite(float(step.own.sum())) else step.names
            bad = [name for found in self.processes.gather(names) for name in found]
            raise loss_not_finite(total, bad)
        logged = {"total_loss": total, **terms}
        if "labels" in told:
            logged |= self._logged(*told["labels"].tolist(), *told["label sums"].tolist())
        if "flicker" in told and told["flicker"][1]:
            changed, either = told["flicker"].tolist()
            logged["pseudo/flicker"] = 100 * changed / either
        if step.threshold is not None and "labels" in told:
            logged["pseudo/threshold"] = step.threshold
        return logged

    def _logged(
        self, kept: float, images: float, score: float, size: float, ignored: float
    ) -> dict[str, float]:
        """What is logged of a step's pseudo-labels."""
        values = {"pseudo/per_image": kept / images}
        if kept:
            values |= {"pseudo/score": score / kept, "pseudo/size": size / kept}
        if self.settings.distillation.ignore_above is not None:
            values["pseudo/ignored"] = ignored / images
        return values

    def _losses(
        self, student: nn.Module, part: Part, chunk: slice, normaliser: Normaliser, iteration: int
    ) -> dict[str, Tensor]:
        images, targets = part.images[chunk], part.targets[chunk]
        with self.precision.autocast(self.processes.device):
            outputs: Outputs | dict[str, Tensor] = student(images, targets)
        if isinstance(outputs, dict):
            # means over what is forwarded together: weighted by its share of the global batch
            share = len(images) / self.settings.batch.labelled
            return {name: share * mean for name, mean in outputs.items()}
        points = seeded_points(self._seeds(part, chunk, iteration), self.processes.device)
        ignore = None if part.ignore is None else part.ignore[chunk]
        weights = None if part.weights is None else part.weights[chunk]
        normaliser = normaliser.of_images(self._places(len(part.images))[chunk])
        return self.criterion(outputs, targets, normaliser, points, ignore, weights)

    def _normaliser(self, part: Part) -> Normaliser:
        loss, queries = self.settings.loss, self.settings.model.queries
        return Normaliser.of(part.counts, queries, loss.no_object, loss.groups)

    def _places(self, count: int) -> range:
        """Places of this process' `count` images in the global batch."""
        rank, world = self.processes.rank, self.processes.world
        return range(rank, rank + count * world, world)

    def _seeds(self, part: Part, chunk: slice, iteration: int) -> list[int]:
        places = self._places(len(part.images))[chunk]
        seed = self.settings.seed
        return [derived_seed(seed, "points" + part.suffix, iteration, place) for place in places]

    def _chunks(self, count: int) -> list[slice]:
        size = self.settings.batch.micro or max(count, 1)
        return [slice(start, start + size) for start in range(0, count, size)]
