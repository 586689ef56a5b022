"""Class-adaptive thresholds: alpha_C, scaled to how confident the teacher is of each class.

After FreeMatch (Wang et al., ICLR 2023, "self-adaptive local threshold"): the threshold of class c
is tau * m_c / max m, m a running mean of the teacher's confidence. tau is alpha_C and constant, as
in FlexMatch (Zhang et al., NeurIPS 2021), which scales by counts of confident samples instead. In
an image classifier m_c is the mean probability of class c over all samples; of a detector's queries
nearly all are "no object", so that mean would say how frequent a class is. Here it is the mean
probability of the queries whose most probable class is c. A class without such a query keeps its
mean, and until the first one its threshold is alpha_C.
"""

import torch
from torch import Tensor


class ClassThresholds:
    """Running means of one run, and the thresholds that follow.

    Thresholds of a step follow from the steps before it. The means are sums over the images of the
    global batch, in their order, in float64 on the CPU: neither the number of processes nor that of
    micro-batches has a part in them.
    """

    def __init__(self, classes: int, alpha_c: float, decay: float) -> None:
        self.alpha_c, self.decay = alpha_c, decay
        self.means = torch.zeros(classes, dtype=torch.float64)

    @property
    def values(self) -> Tensor:
        """Threshold of each class, float32 [C]; alpha_C of a class not seen so far."""
        seen = self.means > 0
        share = self.means / self.means.max() if bool(seen.any()) else self.means
        return (self.alpha_c * torch.where(seen, share, 1.0)).float()

    def update(self, confidences: Tensor) -> None:
        """Take in the images of one step's global batch, in their order, as `confidence` says."""
        if not len(confidences):
            return
        sums, counts = confidences.sum(0)
        seen = counts > 0
        now = sums / counts.clamp(min=1)
        moved = self.decay * self.means + (1 - self.decay) * now
        self.means = torch.where(seen, torch.where(self.means > 0, moved, now), self.means)

    def state(self) -> Tensor:
        """What a checkpoint holds: the means, float64 [C]; 0 of a class not seen so far."""
        return self.means.clone()

    def restore(self, state: Tensor | None) -> None:
        """Go on from a checkpoint's means; from the beginning without any."""
        self.means = torch.zeros_like(self.means) if state is None else state.clone()


def confidence(scores: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Sum of scores and number per class of each image's queries, float64 [B, 2, C] on the CPU.

    Args:
        scores: probability of each query's most probable class, [B, Q].
        labels: that class, long [B, Q]; C is "no object".
    """
    both = torch.stack([scores.double(), labels.double()]).cpu()  # one transfer
    images = []
    for found, classes_of in zip(both[0], both[1].long(), strict=True):
        sums = torch.bincount(classes_of, found, minlength=classes + 1)
        counts = torch.bincount(classes_of, minlength=classes + 1)
        images.append(torch.stack([sums[:classes], counts[:classes].double()]))
    return torch.stack(images)
