"""The learning rate as a function of the iteration alone."""

from gdsweep.config import ScheduleSettings


def rate_factor(schedule: ScheduleSettings, iteration: int) -> float:
    """Factor on the base learning rate for the step that takes `iteration` to `iteration + 1`.

    Poly: (1 - t / T) ** power. Multistep: gamma to the number of drops passed. Both with linear
    warm-up from zero (sec. 4.1; detectron2's WarmupPolyLR and WarmupMultiStepLR).
    """
    progress = iteration / schedule.iterations
    if schedule.kind == "poly":
        factor = max(0.0, 1 - progress) ** schedule.power
    elif schedule.kind == "multistep":
        passed = sum(iteration >= round(drop * schedule.iterations) for drop in schedule.drops)
        factor = schedule.gamma**passed
    else:
        factor = 1.0
    if iteration < schedule.warmup:
        factor *= (iteration + 1) / schedule.warmup
    return factor
