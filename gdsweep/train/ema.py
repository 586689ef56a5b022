"""Eq. (5): the teacher as an exponential moving average of the student."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class MovingAverage:
    """`average` as the moving average of `model`, two networks of one kind.

    Parameters and buffers are looked up once: whoever replaces one of them (not its content) makes
    a new average.
    """

    def __init__(self, average: nn.Module, model: nn.Module) -> None:
        self._average, self._model = average, model
        theirs, ours = average.state_dict(), model.state_dict()
        floating = [name for name, value in ours.items() if value.is_floating_point()]
        others = [name for name in ours if name not in set(floating)]
        self._floating = _pairs(theirs, ours, floating)
        self._others = _pairs(theirs, ours, others)

    @torch.no_grad()  # otherwise the teacher joins the student's graph, which then grows every step
    def update(self, alpha: float) -> None:
        """theta_t <- alpha * theta_t + (1 - alpha) * theta_s, in place (eq. 5).

        All parameters and floating-point buffers (batch-normalisation statistics) are averaged;
        integer buffers are copied. alpha = 0 copies the model, which is "T <- S" of Table 1.
        """
        if alpha == 0:  # exact, whatever the average held
            self._average.load_state_dict(self._model.state_dict())
            return
        average, model = self._floating
        torch._foreach_lerp_(average, model, 1 - alpha)
        for theirs, ours in zip(*self._others, strict=True):
            theirs.copy_(ours)


def _pairs(
    theirs: dict[str, Tensor], ours: dict[str, Tensor], names: Iterable[str]
) -> tuple[list[Tensor], list[Tensor]]:
    return [theirs[name] for name in names], [ours[name] for name in names]
