"""How good the teacher's pseudo-labels are: compared with annotations that training never sees."""

import logging
import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gdsweep.config import CellSettings
from gdsweep.data import ImageDataset, resize_for_test, unlabelled_indices
from gdsweep.data.sampler import derived_seed
from gdsweep.evaluate import equal_sizes, matched, overlaps
from gdsweep.train.distributed import Processes
from gdsweep.train.objectives import Loss
from gdsweep.train.shown_labels import chosen, small_results

log = logging.getLogger(__name__)


class LabelQuality:
    """Precision, coverage and localisation of pseudo-labels on some images without labels.

    The images are `evaluation.pseudo_labels` of the training images that are not labelled, chosen
    by the run's seed. A diagnostic: nothing of training depends on it, and it draws no random
    number from the generators that training uses.
    """

    def __init__(
        self,
        train: ImageDataset,
        labelled: Sequence[int],
        settings: CellSettings,
        processes: Processes,
    ) -> None:
        self.train, self.settings, self.processes = train, settings, processes
        hidden = unlabelled_indices(len(train), labelled, "complement")
        seed = derived_seed(settings.seed, "pseudo-label quality")
        order = torch.randperm(len(hidden), generator=torch.Generator().manual_seed(seed)).tolist()
        count = settings.evaluation.pseudo_labels
        self.images = sorted(hidden[k] for k in order[:count])
        self.shown = chosen(self.images)
        log.info("pseudo-labels are compared with the annotations of %d images", len(self.images))

    @torch.no_grad()
    def measure(
        self, loss: Loss, teacher: nn.Module
    ) -> tuple[dict[str, float], list[dict[str, Any]]]:
        """Compare the labels that `teacher` gives at test size, with the filter of training.

        Returns:
            In percent, NaN where there is nothing to divide by: `pseudo/precision`, labels whose
            mask has an IoU above 0.5 with an object of their class, among all labels;
            `pseudo/coverage`, objects found so, among all objects; `pseudo/localisation`, as
            precision whatever the class. An object counts once; crowds are no objects.
            Then this process' part of what is kept to be looked at, see `shown_labels`.
        """
        if not self.images:
            return {}, []
        looked_at: list[dict[str, Any]] = []
        counts = [0, 0, 0, 0]  # labels, objects, right in mask and class, right in mask
        mine = self.images[self.processes.rank :: self.processes.world]
        for group in equal_sizes(self.train, mine):
            images = [
                resize_for_test(self.train.image(i), self.settings.augmentation) for i in group
            ]
            found = loss.labels([image.to(self.processes.device) for image in images], teacher)
            for index, image, labels in zip(group, images, found, strict=True):
                truth = self.train.instances(index)
                size = (image.shape[-2], image.shape[-1])
                masks = _enlarged(labels.instances.masks, size, self.train.size(index))
                iou = overlaps(masks, truth.masks)
                scores = labels.scores.cpu()
                if index in self.shown:
                    given = labels.instances.labels
                    looked_at += small_results(self.train, index, given, scores, masks)
                same = labels.instances.labels.cpu()[:, None] == truth.labels[None]
                new = (
                    len(masks),
                    len(truth),
                    matched(iou * same.numpy(), scores),
                    matched(iou, scores),
                )
                counts = [a + b for a, b in zip(counts, new, strict=True)]
        number, objects, right, located = self.processes.sums(counts)
        values = {
            "pseudo/precision": _percent(right, number),
            "pseudo/coverage": _percent(right, objects),
            "pseudo/localisation": _percent(located, number),
        }
        return values, looked_at


def _enlarged(masks: Tensor, size: tuple[int, int], original: tuple[int, int]) -> Tensor:
    # hard masks at stride 4 of a canvas, read between cells as the criterion reads them
    if not len(masks):
        return torch.zeros(0, *original, dtype=torch.bool)
    soft = masks[None].float()
    soft = F.interpolate(soft, scale_factor=4, mode="bilinear", align_corners=False)
    soft = soft[..., : size[0], : size[1]]
    if size != original:
        soft = F.interpolate(soft, original, mode="bilinear", align_corners=False)
    return soft[0] > 0.5


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole else math.nan
