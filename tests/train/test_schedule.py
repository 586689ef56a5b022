"""The learning rate against detectron2's published schedules."""

import pytest

from gdsweep.config import ScheduleSettings
from gdsweep.train.schedule import rate_factor


def test_poly_is_cityscapes():
    schedule = ScheduleSettings(kind="poly", iterations=90_000, power=0.9)
    assert rate_factor(schedule, 0) == 1.0
    assert rate_factor(schedule, 45_000) == pytest.approx(0.5**0.9)
    assert 0 < rate_factor(schedule, 89_999) < 1e-4


def test_multistep_drops_where_mask2former_does_on_coco():
    schedule = ScheduleSettings()  # 368,750 iterations
    assert rate_factor(schedule, 327_777) == 1.0
    assert rate_factor(schedule, 327_778) == pytest.approx(0.1)
    assert rate_factor(schedule, 355_091) == pytest.approx(0.1)
    assert rate_factor(schedule, 355_092) == pytest.approx(0.01)


def test_warm_up_is_linear_and_ends():
    schedule = ScheduleSettings(kind="constant", iterations=100, warmup=10)
    factors = [rate_factor(schedule, n) for n in range(12)]
    assert factors[:10] == pytest.approx([(n + 1) / 10 for n in range(10)])
    assert factors[10:] == [1.0, 1.0]
