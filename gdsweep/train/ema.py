"""Eq. (5): the teacher as an exponential moving average of the student."""

import torch
from torch import nn


@torch.no_grad()  # otherwise the teacher joins the student's graph, which then grows every step
def update_average(average: nn.Module, model: nn.Module, alpha: float) -> None:
    """theta_t <- alpha * theta_t + (1 - alpha) * theta_s, in place (eq. 5).

    All parameters and floating-point buffers (batch-normalisation statistics) are averaged; integer
    buffers are copied. alpha = 0 copies the model, which is "T <- S" of Table 1.
    """
    theirs, ours = average.state_dict(), model.state_dict()
    if alpha == 0:  # exact, whatever the average held
        average.load_state_dict(ours)
        return
    floating = [name for name, value in ours.items() if value.is_floating_point()]
    torch._foreach_lerp_(
        [theirs[name] for name in floating], [ours[name] for name in floating], 1 - alpha
    )
    for name in ours.keys() - set(floating):
        theirs[name].copy_(ours[name])
