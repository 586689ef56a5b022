"""One optimisation step's loss: eq. (2) alone, or eq. (4) with a teacher's pseudo-labels.

The supervised model and criterion know nothing of teachers; this file is all there is to
distillation besides `pseudo_labels` (eq. 3) and `ema` (eq. 5).
"""

import contextlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gdsweep.config import CellSettings
from gdsweep.data import Instances, Sample
from gdsweep.data.sampler import derived_seed
from gdsweep.model import Criterion, Normaliser, Outputs, seeded_points
from gdsweep.runs.causes import loss_not_finite
from gdsweep.train.class_thresholds import ClassThresholds
from gdsweep.train.distributed import Processes
from gdsweep.train.precision import Precision
from gdsweep.train.pseudo_labels import PseudoLabels, pseudo_labels, totals


@dataclass(frozen=True)
class Part:
    """Samples of one kind with their targets and the weight of their loss."""

    images: list[Tensor]
    targets: list[Instances]
    names: list[str]
    weight: float
    suffix: str
    ignore: list[Tensor] | None = None
    """Cells of each image in which nothing need be "no object" (see `PseudoLabels`)."""


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
        self.criterion = Criterion(classes, settings.loss)
        distillation = settings.distillation
        self.thresholds = (
            None
            if distillation.adaptive is None
            else ClassThresholds(classes, distillation.alpha_c, distillation.adaptive)
        )

    def supervised(self, labelled: Sequence[Sample]) -> Part:
        """The labelled samples, weight 1 (L_s of eq. 4)."""
        device = self.processes.device
        targets = [_moved(s.targets, device) for s in labelled if s.targets is not None]
        names = [s.name for s in labelled]
        return Part([s.weak.to(device) for s in labelled], targets, names, 1.0, "")

    def unsupervised(
        self, unlabelled: Sequence[Sample], teacher: nn.Module
    ) -> tuple[Part, list[PseudoLabels]]:
        """Strong views with the teacher's labels on the weak ones, weight lambda_u (eq. 3, 4).

        Class-adaptive thresholds move on afterwards, to be used from the next step on.
        """
        device = self.processes.device
        labels: list[PseudoLabels] = []
        for chunk in self._chunks(len(unlabelled)):
            labels += self.labels([s.weak.to(device) for s in unlabelled[chunk]], teacher)
        if self.thresholds is not None:
            confidences = [found.confidence for found in labels if found.confidence is not None]
            self.thresholds.update(confidences, self.processes)
        strong = [(s.weak if s.strong is None else s.strong).to(device) for s in unlabelled]
        part = Part(
            strong,
            [found.instances for found in labels],
            [s.name for s in unlabelled],
            self.settings.distillation.lambda_u,
            "_ssl",
            _ignored(labels),
        )
        return part, labels

    @torch.no_grad()
    def labels(self, images: Sequence[Tensor], teacher: nn.Module) -> list[PseudoLabels]:
        """The teacher's pseudo-labels on images that are forwarded together."""
        # full precision, as in the public code: labels are cheap and must not flicker
        last = teacher(images, auxiliary=False).layers[-1]
        thresholds = None if self.thresholds is None else self.thresholds.values
        return pseudo_labels(
            last.class_logits, last.mask_logits, self.settings.distillation, thresholds
        )

    def logged(self, labels: Sequence[PseudoLabels]) -> dict[str, float]:
        """What is logged of one step's pseudo-labels, over the global batch."""
        kept, score, size, images, ignored = self.processes.sums(totals(labels))
        values = {"pseudo/per_image": kept / images}
        if kept:
            values |= {"pseudo/score": score / kept, "pseudo/size": size / kept}
        if self.settings.distillation.ignore_above is not None:
            values["pseudo/ignored"] = ignored / images
        if self.thresholds is not None:
            values["pseudo/threshold"] = float(self.thresholds.values.mean())
        return values

    def backward(
        self, student: nn.Module, parts: Sequence[Part], iteration: int
    ) -> dict[str, float]:
        """Accumulate the gradient of the global batch's loss; returns its terms, as logged.

        Each part is normalised over the whole global batch, and an image's sample points derive
        from the run's seed, the iteration and its place in the batch: neither loss nor gradient
        depends on the number of processes or micro-batches (Mask R-CNN's do: its losses are means
        over randomly chosen proposals). One graph is alive at a time.

        Raises:
            TrainingFailed: the loss is not finite; the message names the images.
        """
        chunks = [(part, chunk) for part in parts for chunk in self._chunks(len(part.images))]
        normalisers = {part.suffix: self._normaliser(part) for part in parts}
        totals: dict[str, Tensor] = {}
        for number, (part, chunk) in enumerate(chunks, start=1):
            synchronised = number == len(chunks) or self.processes.world == 1
            with contextlib.nullcontext() if synchronised else student.no_sync():  # type: ignore[operator]
                losses = self._losses(student, part, chunk, normalisers[part.suffix], iteration)
                loss = part.weight * torch.stack(list(losses.values())).sum()
                # DistributedDataParallel averages over processes; the normaliser is global: a sum
                self.precision.scale(loss * self.processes.world).backward()
            for name, value in losses.items():
                key = name + part.suffix
                totals[key] = totals.get(key, 0.0) + part.weight * value.detach()
        return self._terms(totals, parts)

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
        normaliser = normaliser.of_images(self._places(len(part.images))[chunk])
        return self.criterion(outputs, targets, normaliser, points, ignore)

    def _terms(self, totals: dict[str, Tensor], parts: Sequence[Part]) -> dict[str, float]:
        keys = list(totals)
        mine = torch.stack([totals[key] for key in keys]).double().tolist()  # one transfer
        terms = dict(zip(keys, self.processes.sums(mine), strict=True))
        total = sum(terms.values())
        if not math.isfinite(total):
            mine_is_fine = math.isfinite(sum(mine))
            names = [] if mine_is_fine else [name for part in parts for name in part.names]
            bad = [name for found in self.processes.gather(names) for name in found]
            raise loss_not_finite(total, bad)
        return {"total_loss": total, **terms}

    def _normaliser(self, part: Part) -> Normaliser:
        shares = self.processes.gather([len(target.labels) for target in part.targets])
        # back in the order of the global batch, which the processes took turns in sharing out
        turns = itertools.zip_longest(*shares)
        everybody = [count for turn in turns for count in turn if count is not None]
        loss = self.settings.loss
        queries = self.settings.model.queries
        return Normaliser.of(everybody, queries, loss.no_object, loss.groups)

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


def _ignored(labels: Sequence[PseudoLabels]) -> list[Tensor] | None:
    regions = [found.ignore for found in labels if found.ignore is not None]
    return regions if regions else None


def _moved(instances: Instances, device: torch.device) -> Instances:
    return Instances(instances.labels.to(device), instances.masks.to(device))
